//! Tells whether a new connection goes on where the last one ended, or events between them are lost.
//!
//! The server was asked for events from before the position. If it still holds them, it sends one from around there
//! first; if every one of the first events lies beyond, what was in between is gone.

use std::time::Duration;

use super::position::MAJORITY;

/// The result of the check so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing yet: look at the next event, too.
    Open,
    /// The stream goes on.
    Continues,
    /// This much event time is missing.
    Gap(Duration),
}

/// The check of one connection. Times are microseconds.
#[derive(Debug)]
pub(super) struct GapCheck {
    position: u64,
    /// Around the position: from what was asked for to what is no gap yet.
    expected: std::ops::RangeInclusive<u64>,
    /// Of the events beyond that.
    first: u64,
    beyond: usize,
}

impl GapCheck {
    /// Starts the check of a connection that resumes at `cursor`, when everything up to `position` was read before.
    pub(super) fn new(cursor: u64, position: u64, tolerance: Duration) -> Self {
        let tolerance = u64::try_from(tolerance.as_micros()).unwrap_or(u64::MAX);
        Self { position, expected: cursor..=position.saturating_add(tolerance), first: u64::MAX, beyond: 0 }
    }

    /// Checks the connection's next event. An event from before the cursor proves nothing, nor do a few from far ahead.
    pub(super) fn event(&mut self, time: u64) -> Finding {
        if self.expected.contains(&time) {
            return Finding::Continues;
        }
        if time > *self.expected.end() {
            self.first = self.first.min(time);
            self.beyond += 1;
        }
        match self.beyond {
            MAJORITY.. => Finding::Gap(Duration::from_micros(self.first - self.position)),
            _ => Finding::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;
    const POSITION: u64 = 1_725_911_162 * SECOND;

    fn found(times: impl IntoIterator<Item = u64>) -> Finding {
        let mut check = GapCheck::new(POSITION - 5 * SECOND, POSITION, Duration::from_secs(5));
        let mut findings = times.into_iter().map(|time| check.event(time));
        findings.find(|finding| *finding != Finding::Open).unwrap_or(Finding::Open)
    }

    #[test]
    fn an_event_around_the_position_says_that_nothing_is_missing() {
        for time in [POSITION - 5 * SECOND, POSITION, POSITION + 5 * SECOND] {
            assert_eq!(found([time]), Finding::Continues);
        }
    }

    #[test]
    fn a_gap_is_as_long_as_the_first_of_several_events_says() {
        let gap = (0..20).map(|n| POSITION + 60 * SECOND + n);
        assert_eq!(found(gap.clone()), Finding::Gap(Duration::from_secs(60)));
        assert_eq!(found(gap.take(MAJORITY - 1)), Finding::Open);
    }

    #[test]
    fn odd_events_first_neither_make_a_gap_nor_hide_one() {
        let (future, past) = (POSITION + 3_600 * SECOND, POSITION - 3_600 * SECOND);
        assert_eq!(found([future, past, future, POSITION - SECOND]), Finding::Continues);
        let gap = (0..20).map(|n| POSITION + 60 * SECOND + n);
        assert_eq!(found([future, past].into_iter().chain(gap)), Finding::Gap(Duration::from_secs(60)));
        assert_eq!(found((0..50).map(|n| past + n)), Finding::Open);
    }
}
