//! How far the author's voice carries, by who engages with them in the stream.

use super::case::{Case, Stage, Step};
use crate::model::Timestamp;
use crate::score::Engagement;
use crate::score::influence::{self, Audience, Config};

/// Owns the memory of who engages with whom.
#[derive(Debug)]
pub(super) struct Influence {
    audience: Audience,
    seed: u64,
}

impl Influence {
    pub(super) fn new(config: &Config, seed: u64) -> Self {
        Self { audience: Audience::new(config, seed), seed }
    }

    /// Counts engagements, which happened at `at`.
    pub(super) fn record(&mut self, engagements: &[Engagement], at: Timestamp) {
        self.audience.hear(engagements, at);
    }

    /// Engagements counted since the start.
    pub(super) const fn engagements(&self) -> u64 {
        self.audience.heard()
    }

    /// Authors whose engagers are known, and those forgotten early.
    pub(super) const fn memory(&self) -> (usize, u64) {
        self.audience.memory()
    }
}

impl Stage for Influence {
    fn apply(&mut self, case: &mut Case<'_>) -> Step {
        if let Some(keyed) = &mut case.mention {
            let post = &keyed.mention.post;
            let at = post.event_at.min(post.received_at);
            let account = influence::account_hash(post.author.id.as_bytes(), self.seed);
            let engagers = self.audience.engagers(account, at);
            keyed.influence = influence::with_engagers(keyed.mention.scores.influence, engagers);
        }
        Step::Next
    }
}
