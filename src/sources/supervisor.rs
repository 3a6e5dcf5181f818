//! When to try again, and where: back-off with full jitter, and failover over an ordered list of hosts.
//!
//! Pure but for the jitter. A delay resets only after real progress, so that a server that accepts and drops
//! meets the same schedule as one that refuses (PROTOCOLS.md 1.5).

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use serde::{Deserialize, Serialize};

use crate::model::setting::duration;

/// A server may ask for a pause of at most this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// How to try again.
///
/// ```toml
/// [source.retry]
/// first = "250ms"        # the first retry comes within this
/// min = "250ms"          # later ones never sooner than this …
/// max = "30s"            # … and never later than this
/// failures_max = 3       # then the next host
/// progress_events = 1000 # new events after which all is forgiven
/// progress_time = "30s"  # or a connection that lived this long
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// The first retry comes after 0 to this.
    #[serde(with = "duration")]
    pub first: Duration,
    /// Every later retry waits at least this.
    #[serde(with = "duration")]
    pub min: Duration,
    /// No retry waits longer than this, unless the server asks for it.
    #[serde(with = "duration")]
    pub max: Duration,
    /// Failures in a row before the next host's turn, 1 or more.
    pub failures_max: u32,
    /// New events that count as progress.
    pub progress_events: u64,
    /// Connected time that counts as progress.
    #[serde(with = "duration")]
    pub progress_time: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            min: Duration::from_millis(250),
            max: Duration::from_secs(30),
            failures_max: 3,
            progress_events: 1_000,
            progress_time: Duration::from_secs(30),
        }
    }
}

/// Keeps count of failures for one source.
#[derive(Debug)]
pub(super) struct Supervisor {
    retry: Retry,
    hosts: usize,
    host: usize,
    failures: u32,
    ceilings: Option<ExponentialBackoff>,
}

impl Supervisor {
    pub(super) fn new(retry: Retry, hosts: usize) -> Self {
        Self { retry, hosts: hosts.max(1), host: 0, failures: 0, ceilings: None }
    }

    /// Index of the host whose turn it is.
    pub(super) fn host(&self) -> usize {
        self.host
    }

    /// True when a connection that gave this much was worth it.
    pub(super) fn is_progress(&self, new_events: u64, connected: Duration) -> bool {
        new_events >= self.retry.progress_events || connected >= self.retry.progress_time
    }

    /// All is forgiven.
    pub(super) fn progressed(&mut self) {
        self.failures = 0;
        self.ceilings = None;
    }

    /// Counts a failure; the time to wait before the next attempt, and the next host when it is due.
    pub(super) fn failed(&mut self, retry_after: Option<Duration>) -> Duration {
        self.failures += 1;
        if self.failures >= self.retry.failures_max.max(1) {
            self.failures = 0;
            self.host = (self.host + 1) % self.hosts;
        }
        self.delay().max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
    }

    fn delay(&mut self) -> Duration {
        let retry = self.retry;
        let Some(ceilings) = &mut self.ceilings else {
            self.ceilings = Some(ceilings(&retry));
            return between(Duration::ZERO, retry.first);
        };
        between(retry.min, ceilings.next().unwrap_or(retry.max))
    }
}

fn ceilings(retry: &Retry) -> ExponentialBackoff {
    let builder = ExponentialBuilder::default().with_min_delay(retry.min * 2).with_max_delay(retry.max);
    builder.without_max_times().build()
}

fn between(floor: Duration, ceiling: Duration) -> Duration {
    floor + ceiling.saturating_sub(floor).mul_f64(rand::random::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_retry_is_quick_and_later_ones_stay_inside_a_growing_window() {
        let retry = Retry::default();
        for _ in 0..200 {
            let mut supervisor = Supervisor::new(retry, 1);
            assert!(supervisor.failed(None) <= retry.first);
            let mut ceiling = retry.min * 2;
            for _ in 0..12 {
                let delay = supervisor.failed(None);
                assert!(delay >= retry.min && delay <= ceiling.min(retry.max), "{delay:?} over {ceiling:?}");
                ceiling *= 2;
            }
        }
    }

    #[test]
    fn only_progress_resets() {
        let mut supervisor = Supervisor::new(Retry::default(), 1);
        supervisor.failed(None);
        assert!(supervisor.failed(None) >= Retry::default().min);
        assert!(!supervisor.is_progress(999, Duration::from_secs(29)));
        assert!(supervisor.is_progress(1_000, Duration::ZERO));
        assert!(supervisor.is_progress(0, Duration::from_secs(30)));
        supervisor.progressed();
        assert!(supervisor.failed(None) <= Retry::default().first);
    }

    #[test]
    fn three_failures_bring_the_next_host_and_the_list_goes_round() {
        let mut supervisor = Supervisor::new(Retry::default(), 2);
        let mut turns = vec![supervisor.host()];
        for _ in 0..7 {
            supervisor.failed(None);
            turns.push(supervisor.host());
        }
        assert_eq!(turns, [0, 0, 0, 1, 1, 1, 0, 0]);
    }

    #[test]
    fn retry_after_is_honoured_within_reason() {
        let mut supervisor = Supervisor::new(Retry::default(), 1);
        assert!(supervisor.failed(Some(Duration::from_secs(60))) >= Duration::from_secs(60));
        assert_eq!(supervisor.failed(Some(Duration::from_secs(1 << 40))), RETRY_AFTER_MAX);
    }
}
