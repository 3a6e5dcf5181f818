//! What triage remembers of events, posts and authors. The stages share it, since each asks what the others recorded.

use super::authors::Authors;
use crate::dedupe::{self, Clusters, PostId, RootRef, Seen};
use crate::model::{Commit, Key, Moment};

/// Bounded, each part by its own limit.
#[derive(Debug)]
pub(super) struct Memory {
    /// Events.
    pub(super) seen: Seen,
    /// Posts, and what repeats them.
    pub(super) clusters: Clusters,
    /// Authors.
    pub(super) authors: Authors,
}

impl Memory {
    pub(super) fn new(config: &dedupe::Config, authors_max: usize) -> Self {
        Self {
            seen: Seen::new(config.window, config.keys_max),
            clusters: Clusters::new(config),
            authors: Authors::new(authors_max),
        }
    }

    /// True when the event was recorded before; otherwise records it, for good.
    pub(super) fn is_redelivered(&mut self, event: Key, now: Moment, commit: &mut Commit) -> bool {
        let is_fresh = self.seen.insert(event, now.steady);
        if is_fresh {
            commit.seen.push(event);
        }
        !is_fresh
    }

    /// The cluster of a post, unless its author has gone since: such clusters are forgotten when met.
    pub(super) fn living_root(&mut self, post: PostId<'_>) -> Option<RootRef> {
        let root = self.clusters.root_of(post)?;
        let cluster = self.clusters.root_mut(root)?;
        if self.authors.is_gone_since(cluster.author, cluster.opened_at) {
            self.clusters.remove_root(root);
            return None;
        }
        Some(root)
    }
}
