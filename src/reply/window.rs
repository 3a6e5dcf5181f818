//! Exact sliding windows: at most `count` in any stretch of time of length `window`, wherever it begins.
//!
//! A counter per fixed interval admits up to twice its count around a border, and a GCRA with a burst admits
//! count + burst − 1. Budgets for replies are small, so the times themselves are kept: the latest `count` of them.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use smallvec::SmallVec;

use crate::model::{Timestamp, setting};

/// At most `count` in any `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How many; 0 admits none.
    pub count: u32,
    /// The window's length.
    #[serde(with = "setting::duration")]
    pub window: Duration,
}

impl Limit {
    pub(super) const fn new(count: u32, window: Duration) -> Self {
        Self { count, window }
    }
}

/// As `3 in 30d`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.count, Span(self.window))
    }
}

/// A duration in its largest whole unit; a single day is 24 hours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match [(86_400, "d"), (3_600, "h"), (60, "m")].into_iter().find(|&(unit, name)| {
            seconds >= unit && seconds.is_multiple_of(unit) && !(name == "d" && seconds == unit)
        }) {
            Some((unit, name)) => write!(f, "{}{name}", seconds / unit),
            None => write!(f, "{seconds}s"),
        }
    }
}

/// The latest times, latest first, as many as the largest count asked of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Log(SmallVec<[Timestamp; 3]>);

impl Log {
    /// True when one more at `now` keeps the limit in every window.
    ///
    /// The `count`-th latest must be older than the window. Times after `now` count too: when the clock has
    /// stepped back, the log waits until the clock has caught up.
    pub(super) fn admits(&self, limit: Limit, now: Timestamp) -> bool {
        match limit.count.checked_sub(1) {
            None => false,
            Some(last) => self.0.get(last as usize).is_none_or(|&time| time < now - limit.window),
        }
    }

    /// Adds a time; keeps the latest `count_max`. The order of adding does not matter.
    pub(super) fn push(&mut self, time: Timestamp, count_max: usize) {
        let place = self.0.partition_point(|&other| other > time);
        self.0.insert(place, time);
        self.0.truncate(count_max);
    }

    /// Adds the times of another log that this one lacks.
    pub(super) fn merge(&mut self, other: &Self, count_max: usize) {
        let count = |log: &Self, time| log.0.iter().filter(|known| **known == time).count();
        for &time in &other.0 {
            if count(self, time) < count(other, time) {
                self.push(time, count_max);
            }
        }
    }

    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.0.first().copied()
    }

    /// How many lie after `start`, as far as the log reaches.
    pub(super) fn count_since(&self, start: Timestamp) -> usize {
        self.0.partition_point(|&time| time > start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_read_as_people_say_them() {
        let shown = |count, seconds| Limit::new(count, Duration::from_secs(seconds)).to_string();
        assert_eq!(shown(1, 86_400), "1 in 24h");
        assert_eq!(shown(3, 30 * 86_400), "3 in 30d");
        assert_eq!(shown(10, 3_600), "10 in 1h");
        assert_eq!(shown(2, 90), "2 in 90s");
    }

    #[test]
    fn a_count_of_zero_admits_none() {
        assert!(!Log::default().admits(Limit::new(0, Duration::from_secs(1)), Timestamp::ZERO));
    }

    #[test]
    fn a_log_that_is_merged_twice_counts_once() {
        let log = |times: &[i64]| {
            let mut log = Log::default();
            times.iter().for_each(|time| log.push(Timestamp::from_micros(*time), 4));
            log
        };
        let mut merged = log(&[5, 3]);
        for _ in 0..3 {
            merged.merge(&log(&[5, 4, 4]), 4);
        }
        assert_eq!(merged, log(&[5, 4, 4, 3]));
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_count_whatever_the_clock_does(
            steps in prop::collection::vec(-50i64..60, 1..300),
            count in 1u32..5,
            window in 1u64..100,
        ) {
            let limit = Limit::new(count, Duration::from_micros(window));
            let (mut log, mut clock, mut admitted) = (Log::default(), 10_000, Vec::new());
            for step in steps {
                clock += step;
                let now = Timestamp::from_micros(clock);
                if log.admits(limit, now) {
                    log.push(now, count as usize);
                    admitted.push(clock);
                }
            }
            admitted.sort_unstable();
            for run in admitted.windows(count as usize + 1) {
                prop_assert!(run[count as usize] - run[0] > window as i64, "{run:?}");
            }
        }
    }
}
