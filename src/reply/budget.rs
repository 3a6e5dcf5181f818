//! A budget: exact limits, and where a burst is given, a pace. One [`Spent`] per key; replayed from the ledger.
//!
//! Kept on both clocks, and both must admit: steady time, because the wall clock may leap ahead over any window; and wall
//! time, because people who read the promise look at that.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::gcra::Gcra;
use super::window::{Limit, Log};
use crate::model::{Moment, Steady, Timestamp};

/// The rules of a budget.
#[derive(Debug)]
pub(super) struct Budget {
    limits: SmallVec<[Limit; 2]>,
    pace: Option<(Gcra, u32)>,
}

/// What has been taken from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spent {
    wall: Taken,
    steady: Taken,
}

/// What has been taken, by one clock.
#[derive(Clone, Debug, Default, PartialEq)]
struct Taken {
    log: Log,
    theoretical_arrival: Timestamp,
}

impl Budget {
    pub(super) fn exact(limits: &[Limit]) -> Self {
        Self { limits: SmallVec::from_slice(limits), pace: None }
    }

    /// The first limit also sets the pace.
    pub(super) fn paced(limits: &[Limit], burst: u32) -> Self {
        let pace = limits.first().map(|&limit| (Gcra::new(limit, burst), burst));
        Self { pace, ..Self::exact(limits) }
    }

    /// The reason for which one more at `now` is too many.
    pub(super) fn refusal(&self, spent: Option<&Spent>, now: Moment) -> Option<Cow<'static, str>> {
        let nothing = Spent::default();
        let spent = spent.unwrap_or(&nothing);
        let by_wall = self.refusal_by(&spent.wall, now.wall);
        by_wall.or_else(|| self.refusal_by(&spent.steady, on_line(now.steady)))
    }

    fn refusal_by(&self, taken: &Taken, now: Timestamp) -> Option<Cow<'static, str>> {
        if let Some(limit) = self.limits.iter().find(|&&limit| !taken.log.admits(limit, now)) {
            return Some(Cow::Owned(limit.to_string()));
        }
        match self.pace {
            Some((gcra, burst)) if !gcra.admits(taken.theoretical_arrival, now) => {
                Some(Cow::Owned(format!("burst of {burst}")))
            }
            _ => None,
        }
    }

    pub(super) fn charge(&self, spent: &mut Spent, at: Moment) {
        self.charge_by(&mut spent.wall, at.wall);
        self.charge_by(&mut spent.steady, on_line(at.steady));
    }

    fn charge_by(&self, taken: &mut Taken, at: Timestamp) {
        taken.log.push(at, self.count_max());
        if let Some((gcra, _)) = self.pace {
            taken.theoretical_arrival = gcra.next(taken.theoretical_arrival, at);
        }
    }

    /// Adds what was taken under another key that turns out to be the same; what was added before is not added again.
    pub(super) fn merge(&self, into: &mut Spent, other: &Spent) {
        let count_max = self.count_max();
        for (into, other) in [(&mut into.wall, &other.wall), (&mut into.steady, &other.steady)] {
            into.log.merge(&other.log, count_max);
            into.theoretical_arrival = into.theoretical_arrival.max(other.theoretical_arrival);
        }
    }

    /// True when nothing that was taken can refuse anything any more.
    pub(super) fn is_over(&self, spent: &Spent, now: Moment) -> bool {
        let longest = self.limits.iter().map(|limit| limit.window).max().unwrap_or_default();
        let is_over =
            |taken: &Taken, now: Timestamp| taken.log.latest().is_none_or(|latest| latest < now - longest);
        is_over(&spent.wall, now.wall) && is_over(&spent.steady, on_line(now.steady))
    }

    fn count_max(&self) -> usize {
        self.limits.iter().map(|limit| limit.count).max().unwrap_or(0) as usize
    }
}

impl Spent {
    /// How many were taken after `start`, as far as the largest count reaches.
    pub(super) fn count_since(&self, start: Steady) -> usize {
        self.steady.log.count_since(on_line(start))
    }
}

/// Steady time on the line of [`Timestamp`]s, so that one log serves both clocks.
const fn on_line(time: Steady) -> Timestamp {
    Timestamp::from_micros(time.as_micros())
}
