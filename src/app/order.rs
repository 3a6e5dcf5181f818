//! Puts the outcomes of several workers back into the order of their source.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::workers::FinishedBatch;
use crate::line::BatchOutcome;
use crate::model::Ack;

/// Holds early outcomes until their turn. As bounded as the batches in flight are, since each holds its batch's place.
#[derive(Debug, Default)]
pub struct InOrder {
    sources: HashMap<Arc<str>, Turn>,
}

#[derive(Debug, Default)]
struct Turn {
    next: u64,
    early: BTreeMap<u64, FinishedBatch>,
}

impl InOrder {
    /// Takes one outcome, and hands out those whose turn has come.
    pub fn push(&mut self, finished: FinishedBatch, mut each: impl FnMut(BatchOutcome, Option<Ack>)) {
        let outcome = &finished.outcome;
        if !self.sources.contains_key(&outcome.source) {
            self.sources.insert(Arc::clone(&outcome.source), Turn::default());
        }
        let Some(turn) = self.sources.get_mut(&outcome.source) else { return };
        if outcome.sequence != turn.next {
            turn.early.insert(outcome.sequence, finished);
            return;
        }
        turn.next += 1;
        each(finished.outcome, finished.ack);
        while let Some(finished) = turn.early.remove(&turn.next) {
            turn.next += 1;
            each(finished.outcome, finished.ack);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Counts;
    use crate::model::{Position, Timestamp};

    fn outcome(source: &str, sequence: u64) -> FinishedBatch {
        let outcome = BatchOutcome {
            source: Arc::from(source),
            sequence,
            position: Position(sequence),
            received_at: Timestamp::ZERO,
            counts: Counts::default(),
            signals: Vec::new(),
            engagements: Default::default(),
            refused: Vec::new(),
            rules: Arc::from([]),
            costs: Vec::new(),
        };
        FinishedBatch { outcome, place: None, ack: None }
    }

    #[test]
    fn outcomes_leave_in_the_order_of_their_source() {
        let mut order = InOrder::default();
        let mut out = Vec::new();
        for (source, sequence) in [("a", 2), ("b", 0), ("a", 0), ("a", 1), ("b", 2), ("b", 1)] {
            order.push(outcome(source, sequence), |done, _| {
                out.push((done.source.to_string(), done.sequence))
            });
        }
        let expected = [("b", 0), ("a", 0), ("a", 1), ("a", 2), ("b", 1), ("b", 2)];
        assert_eq!(out, expected.map(|(source, sequence)| (source.to_owned(), sequence)));
    }
}
