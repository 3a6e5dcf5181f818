//! What is known of the author: how often, since when, how they felt last.

use super::case::{Case, Stage, Step};
use super::memory::Memory;
use crate::model::{Moment, Recovered};

/// Records the mention in the author's history.
#[derive(Debug)]
pub(super) struct Author;

impl Stage for Author {
    fn restore(&mut self, recovered: &Recovered, _now: Moment, memory: &mut Memory) {
        for known in &recovered.authors {
            memory.authors.restore(known.author, known.history);
        }
    }

    fn apply(&mut self, case: &mut Case<'_>) -> Step {
        let Some(keyed) = case.mention else { return Step::Next };
        let authors = &mut case.memory.authors;
        if case.rewrites.is_some() {
            case.history = authors.before_latest(keyed.author);
            let fresh = case.drafts.iter().filter(|draft| !draft.is_known).count();
            authors.open(keyed.author, fresh as u32);
            return Step::Next;
        }
        // As a restart finds it: in the newest item.
        let newest = case.drafts.last();
        let scores = newest.map_or(keyed.mention.scores, |draft| keyed.scores_towards(draft.brand));
        let items = case.drafts.len() as u32;
        case.history = authors.record(keyed.author, scores.sentiment.score, items, case.context.now);
        Step::Next
    }
}
