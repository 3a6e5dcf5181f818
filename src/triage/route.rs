//! Which teams get an item, and the cluster of a post that makes its first ones.

use std::sync::Arc;

use smallvec::SmallVec;

use super::case::{Case, Draft, KeyedMention, Stage, Step};
use super::counts::Outcome;
use crate::dedupe::Opened;
use crate::model::{Factors, Key, Priority};
use crate::route::{Config, Traits};
use crate::score::priority;

/// Makes one draft a team.
#[derive(Debug)]
pub(super) struct Route {
    routes: Arc<Config>,
    weights: Arc<priority::Config>,
}

impl Route {
    pub(super) const fn new(routes: Arc<Config>, weights: Arc<priority::Config>) -> Self {
        Self { routes, weights }
    }
}

impl Stage for Route {
    fn apply(&mut self, case: &mut Case<'_>) -> Step {
        let Some(keyed) = case.mention else { return Step::Next };
        let cluster = match case.rewrites {
            Some(root) => root.id,
            None => {
                let (id, now) = (keyed.event, case.context.now.steady);
                match case.memory.clusters.open(keyed.post_id(), id, keyed.author, now) {
                    Opened::New(_) => id,
                    Opened::Known => return Step::End(Outcome::Duplicate),
                }
            }
        };
        case.drafts = drafts(&keyed, cluster, &self.routes, &self.weights);
        if let Some(known) = case.rewrites.and_then(|root| case.memory.clusters.root_mut(root)) {
            for draft in &mut case.drafts {
                draft.is_known = known.items.iter().any(|item| item.id == draft.id);
            }
        }
        Step::Next
    }
}

/// One draft for each team concerned, in the order in which the matches name them.
pub(super) fn drafts<'a>(
    keyed: &KeyedMention<'a>,
    cluster: Key,
    routes: &Config,
    weights: &priority::Config,
) -> SmallVec<[Draft<'a>; 2]> {
    let mut drafts: SmallVec<[Draft<'a>; 2]> = SmallVec::new();
    for (rule, found) in keyed.live_matches() {
        let factors = Factors::new(&keyed.scores_towards(&rule.brand), 0.0, rule.floor);
        let lane = weights.priority(factors).lane;
        let traits = Traits { intent: keyed.mention.scores.intent, lane, lang: &keyed.mention.lang };
        let team = routes.team(rule, traits);
        match drafts.iter_mut().find(|draft| draft.team == *team) {
            Some(draft) => {
                draft.floor = draft.floor.max(rule.floor);
                draft.matches.push(found);
            }
            None => drafts.push(Draft {
                team: Arc::clone(team),
                brand: &rule.brand,
                floor: rule.floor,
                matches: SmallVec::from_slice(&[found]),
                id: keyed.context.keys.item(cluster, team),
                is_known: false,
                priority: Priority::default(),
                reply: None,
            }),
        }
    }
    drafts
}
