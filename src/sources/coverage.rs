//! How much of the time a source was listening.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The seconds of one source: those that passed, and those of them in which it was connected.
#[derive(Debug)]
pub(super) struct Coverage(Mutex<State>);

#[derive(Debug)]
struct State {
    started: Instant,
    covered: Duration,
    connected_since: Option<Instant>,
    ended: Option<Instant>,
}

impl Coverage {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(State { started: now, covered: Duration::ZERO, connected_since: None, ended: None }))
    }

    pub(super) fn set_connected(&self, connected: bool, now: Instant) {
        self.with(|state| {
            state.covered = state.covered_at(now);
            state.connected_since = connected.then_some(now);
        });
    }

    /// Stops both counts: a file that was read to its end misses nothing.
    pub(super) fn end(&self, now: Instant) {
        self.set_connected(false, now);
        self.with(|state| _ = state.ended.get_or_insert(now));
    }

    /// Returns the time covered and the time passed.
    pub(super) fn at(&self, now: Instant) -> (Duration, Duration) {
        self.with(|state| (state.covered_at(now), state.ended.unwrap_or(now) - state.started))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn covered_at(&self, now: Instant) -> Duration {
        self.covered + self.connected_since.map_or(Duration::ZERO, |since| now - since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connected_time_is_covered_and_the_end_stops_both_counts() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let coverage = Coverage::new(start);
        let seconds = |now| {
            let (covered, elapsed) = coverage.at(at(now));
            (covered.as_secs(), elapsed.as_secs())
        };
        coverage.set_connected(true, at(10));
        assert_eq!(seconds(15), (5, 15));
        coverage.set_connected(false, at(20));
        assert_eq!(seconds(30), (10, 30));
        coverage.set_connected(true, at(40));
        coverage.end(at(45));
        coverage.end(at(50));
        assert_eq!(seconds(99), (15, 45));
    }
}
