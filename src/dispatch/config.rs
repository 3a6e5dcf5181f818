//! `[dispatch]` of the configuration.

use std::time::Duration;

use serde::Deserialize;

/// How sinks are fed; the same for all.
///
/// ```toml
/// [dispatch]
/// batch_max = 256         # items sent before waiting for their acknowledgements
/// poll_every = "50ms"     # how often an idle sink looks for news
/// attempts_max = 5        # tries of an item that fails while others pass; then it is a dead letter
/// retry_min = "200ms"
/// retry_max = "30s"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Items in one batch, at most; with their bytes bounded too, the memory of a sink.
    pub batch_max: usize,
    /// Pause between looks at an empty outbox.
    #[serde(with = "crate::model::setting::duration")]
    pub poll_every: Duration,
    /// Tries of an item that the sink itself turns down. A sink that is down does not count.
    pub attempts_max: u32,
    /// Longest first pause before a retry.
    #[serde(with = "crate::model::setting::duration")]
    pub retry_min: Duration,
    /// Longest pause before any retry.
    #[serde(with = "crate::model::setting::duration")]
    pub retry_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            batch_max: 256,
            poll_every: Duration::from_millis(50),
            attempts_max: 5,
            retry_min: Duration::from_millis(200),
            retry_max: Duration::from_secs(30),
        }
    }
}
