//! The items themselves: new ones, and those that an edit rewrites.

use std::sync::Arc;

use super::case::{Case, Stage, Step};
use super::counts::Outcome;
use super::priority::amplified;
use crate::dedupe::ClusterItem;
use crate::model::Change;
use crate::route::Config;

/// Writes what the stages before made of the case into the commit.
#[derive(Debug)]
pub(super) struct Item {
    routes: Arc<Config>,
}

impl Item {
    pub(super) const fn new(routes: Arc<Config>) -> Self {
        Self { routes }
    }
}

impl Stage for Item {
    fn apply(&mut self, case: &mut Case<'_>) -> Step {
        let Some(keyed) = case.mention else { return Step::Next };
        let root = case.rewrites.or_else(|| case.memory.clusters.rooted_in(keyed.post_id()));
        let Case { drafts, history, commit, memory, context, .. } = case;
        let Some(cluster) = root.and_then(|root| memory.clusters.root_mut(root)) else { return Step::Next };
        for draft in drafts.iter() {
            let item = draft.cluster_item();
            if let Some(known) = cluster.items.iter_mut().find(|known| known.id == item.id) {
                *known = item;
                commit.changes.push(edited(item, keyed.body(draft)));
                continue;
            }
            cluster.items.push(item);
            let due_at = self.routes.due_at(&draft.team, item.lane, context.now.wall);
            let new = keyed.new_item(draft, cluster.id, due_at, *history);
            commit.changes.push(Change::New(Box::new(new)));
            if cluster.size() > 1 {
                commit.changes.push(amplified(cluster, item, false));
            }
        }
        let others = cluster.items.iter().filter(|known| drafts.iter().all(|draft| draft.id != known.id));
        commit.changes.extend(others.map(|known| edited(*known, keyed.body_without_matches())));
        Step::End(Outcome::Stored)
    }
}

fn edited(item: ClusterItem, body: Vec<u8>) -> Change {
    let ClusterItem { id, factors, score, lane } = item;
    Change::Edited { id, body, factors, score, lane }
}
