//! What a worker makes of one batch: counts, and the few events that matter, in order.

use std::ops::AddAssign;
use std::sync::Arc;

use super::engagements::Engagements;
use super::signal::Signal;
use crate::model::{Position, RejectReason, RuleCost, RuleInfo, Timestamp};

/// Frames by what became of them so far. `received = filtered + rejected + signals.len()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames in the batch.
    pub received: u64,
    /// Frames that could not matter.
    pub filtered: u64,
    /// Frames refused, by [`RejectReason`].
    pub rejected: [u64; RejectReason::ALL.len()],
    /// Post events among the received (create or update of a post).
    pub posts: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.received += more.received;
        self.filtered += more.filtered;
        self.posts += more.posts;
        self.rejected.iter_mut().zip(more.rejected).for_each(|(sum, count)| *sum += count);
    }
}

/// Refused frames of one batch that are explained.
const EXPLAINED_MAX: usize = 3;

/// One batch, dealt with.
#[derive(Debug)]
pub struct BatchOutcome {
    /// The source's configured name.
    pub source: Arc<str>,
    /// As in the batch: outcomes are settled in this order per source.
    pub sequence: u64,
    /// Where the source stands after this batch.
    pub position: Position,
    /// When its first frame was read.
    pub received_at: Timestamp,
    /// Frames by fate.
    pub counts: Counts,
    /// What may change the store, in order of arrival.
    pub signals: Vec<Signal>,
    /// Who engaged with whom.
    pub engagements: Engagements,
    /// The first of the refused frames that say what is wrong: the number in the batch, and the sentence.
    pub refused: Vec<(usize, String)>,
    /// The rules that `Match::rule` points into: one whole set, whatever is loaded meanwhile.
    pub rules: Arc<[RuleInfo]>,
    /// Evaluations of rules that were measured: those of one post in
    /// [`SAMPLE_EVERY`](crate::rules::cost::SAMPLE_EVERY).
    pub costs: Vec<RuleCost>,
}

impl BatchOutcome {
    pub(super) fn explain(&mut self, number: usize, detail: Option<String>) {
        let detail = detail.filter(|_| self.refused.len() < EXPLAINED_MAX);
        self.refused.extend(detail.map(|detail| (number, detail)));
    }
}
