//! What evaluating each rule costs, measured on one post in [`SAMPLE_EVERY`].
//!
//! Pure: whoever wants it measured brings the clock. Finding the words of a post is shared by all rules and is not
//! counted; deciding a rule whose anchor was found is.

use crate::model::{RuleCost, RuleIndex};

/// One post in this many is measured.
pub const SAMPLE_EVERY: u32 = 64;

/// Nanoseconds from any fixed point in time.
pub type Stopwatch = fn() -> u64;

/// The measurements of one worker.
#[derive(Debug, Default)]
pub struct Costs {
    stopwatch: Option<Stopwatch>,
    posts: u32,
    measured: Vec<RuleCost>,
}

impl Costs {
    /// Measures from now on.
    pub fn measure_with(&mut self, stopwatch: Stopwatch) {
        self.stopwatch = Some(stopwatch);
    }

    /// What was measured since the last call, in order of evaluation.
    #[must_use]
    pub fn take(&mut self) -> Vec<RuleCost> {
        std::mem::take(&mut self.measured)
    }

    /// The stopwatch, when it is this post's turn.
    pub(super) fn turn(&mut self) -> Option<Stopwatch> {
        self.posts = self.posts.wrapping_add(1);
        self.stopwatch.filter(|_| self.posts.is_multiple_of(SAMPLE_EVERY))
    }

    pub(super) fn note(&mut self, rule: RuleIndex, nanos: u64) {
        self.measured.push(RuleCost { rule, nanos: u32::try_from(nanos).unwrap_or(u32::MAX) });
    }
}
