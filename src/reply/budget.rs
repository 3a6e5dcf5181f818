//! A budget: exact limits, and where a burst is given, a pace. One [`Spent`] per key; replayed from the ledger.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::gcra::Gcra;
use super::window::{Limit, Log};
use crate::model::Timestamp;

/// The rules of a budget.
#[derive(Debug)]
pub(super) struct Budget {
    limits: SmallVec<[Limit; 2]>,
    pace: Option<(Gcra, u32)>,
}

/// What has been taken from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spent {
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
    pub(super) fn refusal(&self, spent: Option<&Spent>, now: Timestamp) -> Option<Cow<'static, str>> {
        let nothing = Spent::default();
        let spent = spent.unwrap_or(&nothing);
        if let Some(limit) = self.limits.iter().find(|&&limit| !spent.log.admits(limit, now)) {
            return Some(Cow::Owned(limit.to_string()));
        }
        match self.pace {
            Some((gcra, burst)) if !gcra.admits(spent.theoretical_arrival, now) => {
                Some(Cow::Owned(format!("burst of {burst}")))
            }
            _ => None,
        }
    }

    pub(super) fn charge(&self, spent: &mut Spent, at: Timestamp) {
        let count_max = self.limits.iter().map(|limit| limit.count).max().unwrap_or(0);
        spent.log.push(at, count_max as usize);
        if let Some((gcra, _)) = self.pace {
            spent.theoretical_arrival = gcra.next(spent.theoretical_arrival, at);
        }
    }

    /// True when nothing that was taken can refuse anything any more.
    pub(super) fn is_over(&self, spent: &Spent, now: Timestamp) -> bool {
        let longest = self.limits.iter().map(|limit| limit.window).max().unwrap_or_default();
        spent.log.latest().is_none_or(|latest| latest < now - longest)
    }
}

impl Spent {
    /// How many were taken after `start`, as far as the largest count reaches.
    pub(super) fn count_since(&self, start: Timestamp) -> usize {
        self.log.count_since(start)
    }
}
