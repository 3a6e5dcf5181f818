//! What every guard does, what it is asked, and what it says.

use std::borrow::Cow;

use crate::model::{Key, LedgerEntry, Moment, Report};
use crate::reply::question::Question;

/// The question as the guards see it.
#[derive(Debug)]
pub(in crate::reply) struct Ask<'a> {
    pub(in crate::reply) question: &'a Question<'a>,
    /// The author is one of our accounts, or of the house.
    pub(in crate::reply) is_house: bool,
    /// The post mentions or answers one of our accounts.
    pub(in crate::reply) is_addressed: bool,
    pub(in crate::reply) now: Moment,
}

/// What one guard says; shown in the trace as `ok` or the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reply) enum Finding {
    Ok,
    Hold(Cow<'static, str>),
    Suppress(Cow<'static, str>),
}

impl Finding {
    pub(super) const fn suppress(reason: &'static str) -> Self {
        Self::Suppress(Cow::Borrowed(reason))
    }

    /// As in the trace.
    pub(in crate::reply) fn as_str(&self) -> &str {
        match self {
            Self::Ok => "ok",
            Self::Hold(reason) | Self::Suppress(reason) => reason,
        }
    }

    /// Suppresses when there is a reason to.
    pub(super) fn unless(reason: Option<Cow<'static, str>>) -> Self {
        reason.map_or(Self::Ok, Self::Suppress)
    }
}

/// One guard.
pub(in crate::reply) trait Guard {
    /// As in traces, metrics and the ledger.
    fn name(&self) -> &'static str;

    /// Passes or refuses; changes nothing.
    fn check(&self, ask: &Ask<'_>) -> Finding;

    /// Takes an allowed reply into account, when decided and again when the ledger is replayed.
    fn charge(&mut self, _allowed: &LedgerEntry) {}

    /// Counts what it has under the first key of a post and of its author for the second as well. The first keeps it:
    /// other identities may have that key, too. May be called again with the same keys, to no further effect.
    fn inherit(&mut self, _post: (Key, Key), _author: (Key, Key)) {}

    /// Forgets what can no longer refuse anything. Called now and then while armed.
    fn tidy(&mut self, _now: Moment) {}
}

pub(super) fn expect_burst(place: &str, count: u32, burst: u32, report: &mut Report) {
    let wrong = format_args!("{place}.burst is {burst}; it must be from 1 to the count, {count}");
    report.add_if(burst == 0 || burst > count, wrong);
}
