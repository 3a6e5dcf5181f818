//! Where a stream stands, told by the times of its last events when some of them are wrong.
//!
//! A position that runs ahead loses events: the server is asked to resume behind them. So the position follows the
//! crowd: the median of the last [`SAMPLES_MAX`] events, or a later one of them that the rewind of a reconnect makes
//! up for. In an orderly stream that is the last event, unless events are far apart; then it is at most seven earlier.

use crate::clock::wall_clock;
use std::collections::VecDeque;
use std::time::Duration;

/// Events remembered, and how many of a batch are looked at, at most.
pub(super) const SAMPLES_MAX: usize = 15;
/// So many events together cannot be outvoted.
pub(super) const MAJORITY: usize = SAMPLES_MAX / 2 + 1;

/// The clock of one stream, over all its connections. Times are microseconds.
#[derive(Debug)]
pub(super) struct StreamClock {
    /// How far ahead of the median an event may be taken at its word.
    slack_us: u64,
    /// Of the last events, oldest first.
    times: VecDeque<u64>,
    position: Option<u64>,
}

impl StreamClock {
    /// Starts at `resume`, which counts as much as a full memory of events.
    pub(super) fn new(rewind: Duration, resume: Option<u64>) -> Self {
        let times = resume.map_or_else(VecDeque::new, |resume| VecDeque::from([resume; SAMPLES_MAX]));
        Self { slack_us: u64::try_from(rewind.as_micros()).unwrap_or(u64::MAX), times, position: resume }
    }

    /// Returns the time up to which everything has been read; `None` before the first event.
    pub(super) fn position(&self) -> Option<u64> {
        self.position
    }

    /// Returns where a new connection resumes: the rewind before the position, or `more` if that is longer.
    pub(super) fn cursor(&self, more: Duration) -> Option<u64> {
        let rewind = self.slack_us.max(u64::try_from(more.as_micros()).unwrap_or(u64::MAX));
        self.position.map(|position| position.saturating_sub(rewind))
    }

    /// Takes in the times of the next events, in their order.
    pub(super) fn observe(&mut self, times: impl Iterator<Item = u64>) {
        for time in times {
            if self.times.len() == SAMPLES_MAX {
                self.times.pop_front();
            }
            self.times.push_back(time);
        }
        let Some(reach) = self.reach() else { return };
        // The very first events have no crowd yet: what one of them claimed may be taken back.
        let held = self.position.filter(|_| self.times.len() == SAMPLES_MAX);
        self.position = Some(held.map_or(reach, |held| held.max(reach)));
    }

    /// Finds the latest event that lies no further ahead of the median than the rewind.
    fn reach(&self) -> Option<u64> {
        let mut sorted = [0; SAMPLES_MAX];
        let sorted = sorted.get_mut(..self.times.len())?;
        self.times.iter().zip(&mut *sorted).for_each(|(time, place)| *place = *time);
        sorted.sort_unstable();
        let median = sorted.get(sorted.len().checked_sub(1)? / 2)?;
        let limit = median.saturating_add(self.slack_us);
        sorted.iter().rev().find(|time| **time <= limit).copied()
    }
}

/// Now, in the events' unit.
pub(super) fn now_us() -> u64 {
    u64::try_from(wall_clock().as_micros()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REWIND: Duration = Duration::from_secs(5);
    const SECOND: u64 = 1_000_000;
    const HOUR: u64 = 3_600 * SECOND;
    const START: u64 = 1_725_911_162 * SECOND;

    fn positions(resume: Option<u64>, times: &[u64]) -> Vec<u64> {
        let mut clock = StreamClock::new(REWIND, resume);
        let step = |time: &u64| {
            clock.observe(std::iter::once(*time));
            clock.position().unwrap()
        };
        times.iter().map(step).collect()
    }

    #[test]
    fn an_orderly_stream_stands_at_its_last_event() {
        let times: Vec<u64> = (0..100).map(|n| START + n * SECOND / 2).collect();
        assert_eq!(positions(None, &times), times);
        assert_eq!(positions(Some(START), &times), times);
    }

    #[test]
    fn one_event_ahead_moves_nothing_whether_it_comes_first_or_later() {
        for odd in 0..20 {
            let mut times: Vec<u64> = (0..40).map(|n| START + n * SECOND / 2).collect();
            times[odd] += HOUR;
            let positions = positions(Some(START), &times);
            for (n, position) in positions.iter().enumerate() {
                assert!(*position <= START + n as u64 * SECOND / 2, "event {n} after the odd one at {odd}");
            }
            assert_eq!(positions[39], times[39], "the odd one is forgotten");
        }
    }

    #[test]
    fn without_a_past_what_the_first_event_claims_is_taken_back() {
        assert_eq!(positions(None, &[START + HOUR, START, START + 1]), [START + HOUR, START, START + 1]);
    }

    #[test]
    fn the_position_leaps_when_the_crowd_does_and_not_before() {
        let times: Vec<u64> = (0..10).map(|n| START + HOUR + n).collect();
        let leapt = positions(Some(START), &times);
        assert_eq!(leapt[..MAJORITY - 1], [START; MAJORITY - 1]);
        assert_eq!(leapt[MAJORITY - 1..], times[MAJORITY - 1..]);
    }

    #[test]
    fn late_events_take_nothing_back() {
        let late: Vec<u64> = (0..50).map(|n| START - HOUR + n).collect();
        assert_eq!(positions(Some(START), &late), [START; 50]);
    }

    #[test]
    fn far_apart_events_leave_it_seven_behind() {
        let times: Vec<u64> = (1..40).map(|n| START + n * HOUR).collect();
        assert_eq!(positions(Some(START), &times)[38], times[38 - 7]);
    }

    proptest! {
        /// The rewind covers what is ahead: a reconnect asks for nothing later than what the crowd has read.
        #[test]
        fn a_minority_of_wrong_times_never_makes_a_reconnect_skip_an_event(
            steps in prop::collection::vec(0u64..20 * SECOND, 1..200),
            odd in prop::collection::vec(0u64..HOUR, 200),
            batch in 1usize..30,
        ) {
            let mut clock = StreamClock::new(REWIND, Some(START));
            let mut crowd = START;
            let mut events = Vec::new();
            for (n, step) in steps.iter().enumerate() {
                crowd += step;
                let is_odd = n % 15 < MAJORITY - 1;
                events.push((crowd, if is_odd { crowd + odd[n] } else { crowd }));
            }
            let mut before = clock.position();
            for batch in events.chunks(batch) {
                clock.observe(batch.iter().rev().take(SAMPLES_MAX).rev().map(|(_, claimed)| *claimed));
                prop_assert!(clock.position() >= before);
                before = clock.position();
                prop_assert!(clock.cursor(Duration::ZERO) <= batch.last().map(|(crowd, _)| *crowd));
            }
        }
    }
}
