//! The items themselves: new ones, and those that an edit rewrites.

use std::sync::Arc;

use super::case::{Case, Stage, Step};
use super::counts::Outcome;
use super::priority::amplified;
use crate::dedupe::ClusterItem;
use crate::model::{About, Change, Factors, Keyring, Moment, NewItem, RaisedAlarm, encode_alarm};
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

    /// The item of an alarm. One that begins anew after it was resolved is another item.
    pub(super) fn of_alarm(&self, raised: &RaisedAlarm, keys: Keyring, now: Moment) -> NewItem {
        let RaisedAlarm { team, brand, lane, score, scores, alarm } = raised;
        let beginning = keys.alarm(&format!("{} {}", alarm.key, now.steady.as_micros()));
        NewItem {
            id: keys.item(beginning, team),
            team: Arc::clone(team),
            brand: Arc::clone(brand),
            score: *score,
            lane: *lane,
            factors: Factors::new(scores, 0.0, *lane),
            about: About::Alarm(keys.alarm(&alarm.key)),
            created_at: now,
            due_at: self.routes.due_at(team, *lane, now.wall),
            received_at: alarm.last_seen,
            body: encode_alarm(scores, alarm),
        }
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
