//! The generic cell rate algorithm: an even pace with room for a burst.
//!
//! ITU-T I.371 in its virtual scheduling form: with the emission interval T = window / count, an event at t conforms
//! when t ≥ TAT − (burst − 1)·T, and moves the theoretical arrival time TAT to max(TAT, t) + T. It paces only: a
//! window may see up to burst − 1 more than the count, so every use of it stands beside an exact [`super::window`].

use std::time::Duration;

use super::window::Limit;
use crate::model::Timestamp;

/// The pace; its state is one time per key, kept by the owner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gcra {
    interval: Duration,
    slack: Duration,
}

impl Gcra {
    pub(super) fn new(limit: Limit, burst: u32) -> Self {
        let interval = limit.window / limit.count.max(1);
        Self { interval, slack: interval * burst.saturating_sub(1) }
    }

    pub(super) fn admits(self, theoretical_arrival: Timestamp, now: Timestamp) -> bool {
        now + self.slack >= theoretical_arrival
    }

    pub(super) fn next(self, theoretical_arrival: Timestamp, now: Timestamp) -> Timestamp {
        theoretical_arrival.max(now) + self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_an_interval() {
        let gcra = Gcra::new(Limit::new(10, Duration::from_secs(3_600)), 3);
        let (mut tat, mut admitted) = (Timestamp::ZERO, Vec::new());
        for minute in 100..120 {
            for _ in 0..5 {
                let now = Timestamp::from_micros(minute * 60_000_000);
                if gcra.admits(tat, now) {
                    tat = gcra.next(tat, now);
                    admitted.push(minute);
                }
            }
        }
        assert_eq!(admitted, [100, 100, 100, 106, 112, 118]);
    }
}
