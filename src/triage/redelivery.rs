//! Posts that came before, and those that only shadow rules matched: neither makes work.

use super::case::{Case, Stage, Step};
use super::counts::Outcome;
use super::memory::Memory;
use crate::model::{Moment, Recovered};

/// Ends the cases of posts that are there already.
#[derive(Debug)]
pub(super) struct Redelivery;

impl Stage for Redelivery {
    fn restore(&mut self, recovered: &Recovered, _now: Moment, memory: &mut Memory) {
        for &(key, at) in &recovered.seen {
            memory.seen.insert(key, at);
        }
    }

    fn apply(&mut self, case: &mut Case<'_>) -> Step {
        let Some(keyed) = case.mention.filter(|_| case.rewrites.is_none()) else { return Step::Next };
        if !keyed.is_live() {
            return Step::End(Outcome::Shadow);
        }
        let is_redelivered = case.is_redelivered(keyed.event);
        // An edit has an identity of its own, which was fresh: the post makes work now, whether or not it came before.
        if is_redelivered && !keyed.mention.is_update {
            return Step::End(Outcome::Duplicate);
        }
        Step::Next
    }
}
