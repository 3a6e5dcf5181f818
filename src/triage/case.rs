//! One signal on its way into the commit, and what a stage may do with it.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::counts::Outcome;
use super::memory::Memory;
use crate::dedupe::{ClusterItem, PostId, RootRef};
use crate::line::{Signal, live};
use crate::model::{
    About, AboutPost, AuthorHistory, Body, Commit, Factors, ItemId, Key, Keyring, Lane, Match, Mention,
    Moment, NewItem, Priority, Recovered, ReplyDecision, RuleInfo, Scores, Timestamp,
};

/// One step of triage. It has one file, and one line in `Triage::stages`.
pub(super) trait Stage {
    /// Takes up what the store has kept.
    fn restore(&mut self, _recovered: &Recovered, _now: Moment, _memory: &mut Memory) {}

    /// Sees every case before any stage ends it.
    fn observe(&mut self, _case: &mut Case<'_>) {}

    /// Does its part, or ends the case.
    fn apply(&mut self, case: &mut Case<'_>) -> Step;
}

/// Whether the case goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To the next stage.
    Next,
    /// No further.
    End(Outcome),
}

/// What all signals of an outcome share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) rules: &'a [RuleInfo],
    pub(super) received_at: Timestamp,
    /// How far behind the stream we are.
    pub(super) lag: Duration,
    pub(super) now: Moment,
    pub(super) keys: Keyring,
}

/// One signal, what the stages so far found out about it, and the commit that it goes into.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) signal: &'a Signal,
    pub(super) context: Context<'a>,
    pub(super) memory: &'a mut Memory,
    pub(super) commit: &'a mut Commit,
    /// Of a signal that is a post.
    pub(super) mention: Option<KeyedMention<'a>>,
    /// The edit of a post that has items: they are written anew. Set by `edit`.
    pub(super) rewrites: Option<RootRef>,
    /// What was known of the author before. Set by `author`.
    pub(super) history: AuthorHistory,
    /// What the teams get. Set by `route`.
    pub(super) drafts: SmallVec<[Draft<'a>; 2]>,
}

/// A mention with its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyedMention<'a> {
    pub(super) mention: &'a Mention,
    pub(super) post: Key,
    pub(super) author: Key,
    /// Of the event that made the post, or this version of it.
    pub(super) event: Key,
    /// With what the stream says of the author.
    pub(super) influence: f32,
    pub(super) context: Context<'a>,
}

/// The item of one team, in the making.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) team: Arc<str>,
    /// Of the first of its matches.
    pub(super) brand: &'a Arc<str>,
    /// The highest of its rules' floors.
    pub(super) floor: Lane,
    pub(super) matches: SmallVec<[&'a Match; 4]>,
    pub(super) id: ItemId,
    /// The team has an item of this cluster already.
    pub(super) is_known: bool,
    pub(super) priority: Priority,
    pub(super) reply: Option<ReplyDecision>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        signal: &'a Signal,
        context: Context<'a>,
        memory: &'a mut Memory,
        commit: &'a mut Commit,
    ) -> Self {
        let mention = match signal {
            Signal::Mention(mention) | Signal::Unmatched(mention) => {
                Some(KeyedMention::new(mention, context))
            }
            _ => None,
        };
        let (rewrites, history, drafts) = (None, AuthorHistory::default(), SmallVec::new());
        Self { signal, context, memory, commit, mention, rewrites, history, drafts }
    }

    /// True when the event was recorded before; otherwise records it.
    pub(super) fn is_redelivered(&mut self, event: Key) -> bool {
        self.memory.is_redelivered(event, self.context.now, self.commit)
    }

    /// How loud the cluster of the case is; 0 for one that begins.
    pub(super) fn amplification(&mut self) -> f32 {
        let root = self.rewrites.and_then(|root| self.memory.clusters.root_mut(root));
        root.map_or(0.0, |cluster| cluster.amplification())
    }
}

impl Draft<'_> {
    pub(super) fn rules<'r>(&self, rules: &'r [RuleInfo]) -> impl Iterator<Item = &'r RuleInfo> {
        self.matches.iter().filter_map(move |found| rules.get(found.rule as usize))
    }

    /// As its cluster remembers it.
    pub(super) const fn cluster_item(&self) -> ClusterItem {
        let Priority { score, lane, factors } = self.priority;
        ClusterItem { id: self.id, factors, score, lane }
    }
}

impl<'a> KeyedMention<'a> {
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

    pub(super) fn live_matches(&self) -> impl Iterator<Item = (&'a RuleInfo, &'a Match)> + use<'a> {
        live(&self.mention.matches, self.context.rules)
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

    /// The scores with the sentiment towards a brand.
    pub(super) fn scores_towards(&self, brand: &str) -> Scores {
        self.with_influence(self.mention.scores_for(brand))
    }

    pub(super) fn factors(&self, brand: &str, amplification: f32, floor: Lane) -> Factors {
        Factors::new(&self.scores_towards(brand), amplification, floor)
    }

    /// Of an item of brands that the post no longer names.
    pub(super) fn factors_above(&self, floor: Lane, amplification: f32) -> Factors {
        Factors::new(&self.with_influence(self.mention.scores), amplification, floor)
    }

    const fn with_influence(&self, scores: Scores) -> Scores {
        Scores { influence: self.influence, ..scores }
    }

    pub(super) fn body(&self, draft: &Draft<'_>) -> Vec<u8> {
        let body = Body::new(self.mention, &draft.matches, self.context.rules);
        Body { scores: self.scores_towards(draft.brand), ..body }.encode()
    }

    pub(super) fn body_without_matches(&self) -> Vec<u8> {
        Body::new(self.mention, &[], self.context.rules).encode()
    }

    pub(super) fn new_item(
        &self,
        draft: &Draft<'_>,
        cluster: Key,
        due_at: Timestamp,
        history: AuthorHistory,
    ) -> NewItem {
        let Priority { score, lane, factors } = draft.priority;
        NewItem {
            id: draft.id,
            team: Arc::clone(&draft.team),
            brand: Arc::clone(draft.brand),
            score,
            lane,
            factors,
            about: About::Post(AboutPost {
                cluster,
                post: self.post,
                author: self.author,
                history,
                reply: draft.reply.clone(),
            }),
            created_at: self.context.now,
            due_at,
            received_at: self.context.received_at,
            body: self.body(draft),
        }
    }
}
