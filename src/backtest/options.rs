//! How a backtest is run.

use crate::formats::json;
use crate::score::priority;

/// How to run a backtest.
#[derive(Clone, Debug)]
pub struct Options {
    /// Posts shown per rule.
    pub samples: usize,
    /// Posts shown of those that a change gains, and of those that it loses: in all, and per rule.
    pub change_samples: usize,
    /// Another seed draws other samples.
    pub seed: u64,
    /// Lines read at most, over all inputs.
    pub lines_max: u64,
    /// Longer lines are refused.
    pub frame_bytes_max: usize,
    /// Workers; at least one.
    pub threads: usize,
    /// Measure what each rule costs. Without it the report is the same every time.
    pub timing: bool,
    /// Pairs of rules that overlap less (Jaccard, 0–1) are left out.
    pub overlap_from: f64,
    /// Posts a day of the whole stream, when the data is a sample of it without meaningful times.
    pub posts_per_day: Option<f64>,
    /// For the lanes.
    pub priority: priority::Config,
    /// Where posts in JSON have their fields.
    pub fields: json::Fields,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            samples: 3,
            change_samples: 10,
            seed: 0,
            lines_max: u64::MAX,
            frame_bytes_max: 2 << 20,
            threads: 2,
            timing: true,
            overlap_from: 0.1,
            posts_per_day: None,
            priority: priority::Config::default(),
            fields: json::Fields::default(),
        }
    }
}
