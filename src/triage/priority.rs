//! How soon a team must look: at a new item, and at one whose cluster grew.

use std::sync::Arc;

use super::case::{Case, Stage, Step};
use crate::dedupe::{self, ClusterItem, Clusters};
use crate::model::{Change, Commit, Factors, ItemId};
use crate::score::priority::Config;

/// Weighs the factors.
#[derive(Debug)]
pub(super) struct Priority {
    weights: Arc<Config>,
}

impl Priority {
    pub(super) const fn new(weights: Arc<Config>) -> Self {
        Self { weights }
    }

    /// Raises the items whose clusters grew in this outcome.
    pub(super) fn raise_grown(&self, clusters: &mut Clusters, commit: &mut Commit) {
        for root in clusters.take_grown() {
            let Some(cluster) = clusters.root_mut(root) else { continue };
            let amplification = cluster.amplification();
            for place in 0..cluster.items.len() {
                let before = cluster.items[place];
                let item = self.weigh(before.id, Factors { amplification, ..before.factors });
                cluster.items[place] = item;
                commit.changes.push(amplified(cluster, item, item.lane != before.lane));
            }
        }
    }

    fn weigh(&self, id: ItemId, factors: Factors) -> ClusterItem {
        let crate::model::Priority { score, lane, factors } = self.weights.priority(factors);
        ClusterItem { id, factors, score, lane }
    }
}

impl Stage for Priority {
    fn apply(&mut self, case: &mut Case<'_>) -> Step {
        let Some(keyed) = case.mention else { return Step::Next };
        let amplification = case.amplification();
        for draft in &mut case.drafts {
            draft.priority = self.weights.priority(keyed.factors(draft.brand, amplification, draft.floor));
        }
        // Items of teams that the edited post no longer concerns.
        if let Some(cluster) = case.rewrites.and_then(|root| case.memory.clusters.root_mut(root)) {
            for known in &mut cluster.items {
                if case.drafts.iter().all(|draft| draft.id != known.id) {
                    *known = self.weigh(known.id, keyed.factors_above(known.factors.floor, amplification));
                }
            }
        }
        Step::Next
    }
}

/// The change that tells an item how loud its cluster is.
pub(super) fn amplified(cluster: &dedupe::Cluster, item: ClusterItem, announce: bool) -> Change {
    Change::Amplified {
        id: item.id,
        size: cluster.size(),
        authors: cluster.authors(),
        amplification: item.factors.amplification,
        score: item.score,
        lane: item.lane,
        announce,
    }
}
