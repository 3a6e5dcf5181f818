//! A mention on its way into the commit: which teams it concerns, and the items that it makes.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::super::aspects::live;
use crate::dedupe::{ClusterItem, PostId};
use crate::model::{
    AuthorHistory, Body, Factors, ItemId, Key, Keyring, Lane, Match, Mention, Moment, NewItem, ReplyDecision,
    RuleInfo, Scores, Timestamp,
};
use crate::route::{self, Traits};
use crate::score::priority;

/// What all signals of an outcome share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) rules: &'a [RuleInfo],
    pub(super) received_at: Timestamp,
    pub(super) lag: Duration,
    pub(super) now: Moment,
    pub(super) keys: Keyring,
}

/// The mention and its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) mention: &'a Mention,
    pub(super) post: Key,
    pub(super) author: Key,
    /// Of the event that made the post, or this version of it.
    pub(super) event: Key,
    /// With what the stream says of the author.
    pub(super) influence: f32,
    pub(super) context: Context<'a>,
}

/// The matches that one team gets of a mention.
#[derive(Debug)]
pub(super) struct Assignment<'a> {
    pub(super) team: &'a Arc<str>,
    /// Of the first of its matches.
    brand: &'a Arc<str>,
    /// The highest of its rules' floors.
    floor: Lane,
    matches: SmallVec<[&'a Match; 4]>,
}

impl<'a> Assignment<'a> {
    pub(super) fn rules<'r>(&self, rules: &'r [RuleInfo]) -> impl Iterator<Item = &'r RuleInfo> {
        self.matches.iter().filter_map(move |found| rules.get(found.rule as usize))
    }

    fn add(&mut self, rule: &RuleInfo, found: &'a Match) {
        self.floor = self.floor.max(rule.floor);
        self.matches.push(found);
    }
}

impl<'a> Subject<'a> {
    /// Makes the keys. The influence is what the post itself says of it.
    pub(super) fn new(mention: &'a Mention, context: Context<'a>) -> Self {
        let (keys, post) = (context.keys, &mention.post);
        let key = keys.post(post.network, &post.uri);
        Self {
            mention,
            post: key,
            author: keys.author(post.network, &post.author.id),
            event: keys.event(key, &post.version),
            influence: mention.scores.influence,
            context,
        }
    }

    pub(super) fn post_id(&self) -> PostId<'a> {
        PostId { network: self.mention.post.network, uri: &self.mention.post.uri }
    }

    /// True when a rule matched whose matches become work.
    pub(super) fn is_live(&self) -> bool {
        self.live_matches().next().is_some()
    }

    fn live_matches(&self) -> impl Iterator<Item = (&'a RuleInfo, &'a Match)> {
        live(&self.mention.matches, self.context.rules)
    }

    /// The teams concerned, in the order in which the matches name them.
    pub(super) fn assign<'t>(
        &self,
        route: &'t route::Config,
        priority: &priority::Config,
    ) -> SmallVec<[Assignment<'t>; 2]>
    where
        'a: 't,
    {
        let mut assignments: SmallVec<[Assignment<'t>; 2]> = SmallVec::new();
        for (rule, found) in self.live_matches() {
            let factors = Factors::new(&self.scores_towards(&rule.brand), 0.0, rule.floor);
            let lane = priority.priority(factors).lane;
            let traits = Traits { intent: self.mention.scores.intent, lane, lang: &self.mention.lang };
            let team = route.team(rule, traits);
            match assignments.iter_mut().find(|assignment| assignment.team == team) {
                Some(assignment) => assignment.add(rule, found),
                None => assignments.push(Assignment {
                    team,
                    brand: &rule.brand,
                    floor: rule.floor,
                    matches: SmallVec::from_slice(&[found]),
                }),
            }
        }
        assignments
    }

    pub(super) fn factors(&self, assignment: &Assignment<'_>, amplification: f32) -> Factors {
        Factors::new(&self.scores(assignment), amplification, assignment.floor)
    }

    /// With the sentiment towards the item's brand.
    pub(super) fn scores(&self, assignment: &Assignment<'_>) -> Scores {
        self.scores_towards(assignment.brand)
    }

    fn scores_towards(&self, brand: &str) -> Scores {
        self.with_influence(self.mention.scores_for(brand))
    }

    /// Of an item of brands that the post no longer names.
    pub(super) fn factors_above(&self, floor: Lane, amplification: f32) -> Factors {
        Factors::new(&self.with_influence(self.mention.scores), amplification, floor)
    }

    fn with_influence(&self, scores: Scores) -> Scores {
        Scores { influence: self.influence, ..scores }
    }

    pub(super) fn item_id(&self, cluster: Key, assignment: &Assignment<'_>) -> ItemId {
        self.context.keys.item(cluster, assignment.team)
    }

    /// The identity of this very edit. Where the network does not number versions, time and text tell them apart.
    pub(super) fn edit_event(&self) -> Key {
        let post = &self.mention.post;
        let keys = self.context.keys;
        if !post.version.is_empty() {
            return keys.edit(self.post, post.version.as_bytes());
        }
        let mark = [&post.event_at.as_micros().to_le_bytes(), post.text.as_bytes()].concat();
        keys.edit(self.post, &mark)
    }

    pub(super) fn body(&self, assignment: &Assignment<'_>) -> Vec<u8> {
        let body = Body::new(self.mention, &assignment.matches, self.context.rules);
        Body { scores: self.scores(assignment), ..body }.encode()
    }

    pub(super) fn body_without_matches(&self) -> Vec<u8> {
        Body::new(self.mention, &[], self.context.rules).encode()
    }

    pub(super) fn new_item(
        &self,
        assignment: &Assignment<'_>,
        cluster: Key,
        item: ClusterItem,
        due_at: Timestamp,
        history: AuthorHistory,
        reply: Option<ReplyDecision>,
    ) -> NewItem {
        NewItem {
            id: item.id,
            team: Arc::clone(assignment.team),
            brand: Arc::clone(assignment.brand),
            score: item.score,
            lane: item.lane,
            factors: item.factors,
            cluster,
            post: self.post,
            author: self.author,
            created_at: self.context.now,
            due_at,
            received_at: self.context.received_at,
            history,
            reply,
            body: self.body(assignment),
        }
    }
}
