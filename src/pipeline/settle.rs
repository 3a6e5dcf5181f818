//! Settling: outcomes in, in order; one commit out. Everything that depends on what came before happens here.
//!
//! Layer 2, pure, one owner. A signal is, in this order: dropped as redelivered, joined to the cluster of a post that
//! is known, or stored as one item for each team that a route names, with its priority and the reply gate's decision.
//! Whatever a restart needs is in the commit. The same outcomes at the same times give the same commits.
//! What repeated a post before it had items is not counted for it later.

mod authors;
mod counts;
mod edit;
mod gone;
mod single;
mod subject;

use std::sync::Arc;
use std::time::Duration;

use self::authors::Authors;
use self::counts::Fate;
pub use self::counts::SettleCounts;
pub use self::single::single_item;
use self::subject::{Assignment, Context, Subject};
use super::engagements::Engagements;
use super::outcome::{BatchOutcome, Signal};
use crate::dedupe::{self, Cluster, ClusterItem, Clusters, Opened, PostId, RootRef, Seen};
use crate::model::metric::Metric;
use crate::model::{
    Change, Commit, Factors, ItemId, ItemState, Joined, Key, KeyMap, Keyring, Mention, Moment, Position,
    PostRef, Recovered, ReplyDecision, ReplyStatus, RuleInfo, Timestamp,
};
use crate::reply::{self, Gate, Question};
use crate::route;
use crate::score::influence::{self, Audience};
use crate::score::priority;

/// The configurations of the parts that settling composes.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What is remembered of posts.
    pub dedupe: dedupe::Config,
    /// Teams and routes.
    pub route: route::Config,
    /// Weights.
    pub priority: priority::Config,
    /// The gate.
    pub reply: reply::Config,
    /// Authors remembered; about 80 bytes each.
    pub authors_max: usize,
    /// Who engages with whom.
    pub influence: influence::Config,
    /// Of the hashes of who engages with whom, as workers make them too: best known to no one who could gain by it.
    pub influence_seed: u64,
    /// The store's, or a fixed one where there is no store.
    pub keys: Keyring,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            dedupe: dedupe::Config::default(),
            route: route::Config::default(),
            priority: priority::Config::default(),
            reply: reply::Config::default(),
            authors_max: 250_000,
            influence: influence::Config::default(),
            influence_seed: 0,
            keys: Keyring::FIXED,
        }
    }
}

/// How much is remembered, for the metrics of this part, of [`dedupe`] and of [`influence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Identities, and those forgotten early.
    pub seen: (usize, u64),
    /// Known posts, and those forgotten early.
    pub clusters: (usize, u64),
    /// Known authors, and those forgotten early.
    pub authors: (usize, u64),
    /// Authors whose engagers are known, and those forgotten early.
    pub audience: (usize, u64),
}

/// Signals settled, by what became of them.
pub const SETTLED: &str = "birddog_events_settled_total";
/// Authors remembered now.
pub const AUTHOR_ENTRIES: &str = "birddog_author_entries";
/// Authors forgotten because the memory was full.
pub const AUTHOR_EVICTED: &str = "birddog_author_evicted_total";

/// What the engine exports for this part.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        SETTLED,
        "Events settled, by source and outcome: duplicate, joined, stored, withdrawn, unknown or shadow.",
        &["source", "outcome"],
    ),
    Metric::gauge(AUTHOR_ENTRIES, "Authors remembered now.", &[]),
    Metric::counter(AUTHOR_EVICTED, "Authors forgotten because the memory was full.", &[]),
];

/// All state that settling needs; owned by one thread.
#[derive(Debug)]
pub struct Settler {
    route: route::Config,
    priority: priority::Config,
    seen: Seen,
    clusters: Clusters,
    authors: Authors,
    audience: Audience,
    influence_seed: u64,
    gate: Gate,
    keys: Keyring,
}

impl Settler {
    /// A settler that knows nothing yet; the reply gate is disarmed.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            seen: Seen::new(parts.dedupe.window, parts.dedupe.keys_max),
            clusters: Clusters::new(&parts.dedupe),
            authors: Authors::new(parts.authors_max),
            audience: Audience::new(&parts.influence, parts.influence_seed),
            influence_seed: parts.influence_seed,
            gate: Gate::new(&parts.reply),
            keys: parts.keys,
            route: parts.route,
            priority: parts.priority,
        }
    }

    /// Takes up what the store has kept. Items whose post is gone do not come back.
    pub fn restore(&mut self, recovered: &Recovered, now: Moment) {
        for &(key, at) in &recovered.seen {
            self.seen.insert(key, at);
        }
        self.restore_clusters(recovered);
        for known in &recovered.authors {
            self.authors.restore(known.author, known.history);
        }
        self.gate.restore(recovered, now);
        if !recovered.positions.is_empty() {
            self.clusters.note_forgotten();
        }
    }

    fn restore_clusters(&mut self, recovered: &Recovered) {
        let alive = || recovered.items.iter().filter(|item| item.state != ItemState::Withdrawn);
        let mut roots: KeyMap<RootRef> = KeyMap::default();
        for item in alive() {
            let post = PostId { network: &item.network, uri: &item.uri };
            self.clusters.open(post, item.cluster, item.author, item.created_at.steady);
            let Some(root) = self.clusters.rooted_in(post).filter(|root| root.id == item.cluster) else {
                continue;
            };
            roots.insert(item.cluster, root);
            if let Some(cluster) = self.clusters.root_mut(root) {
                let (id, factors, score, lane) = (item.id, item.factors, item.score, item.lane);
                cluster.items.push(ClusterItem { id, factors, score, lane });
            }
        }
        let newest = recovered.items.last().map(|item| item.created_at.steady).unwrap_or_default();
        for joined in &recovered.joined {
            let Some(&root) = roots.get(&joined.cluster) else { continue };
            let quote = joined.quote.as_ref().map(|(network, uri)| PostId { network, uri });
            self.clusters.join(root, joined.actor, quote, newest);
        }
        for item in alive() {
            if let Some(&root) = roots.get(&item.cluster) {
                self.clusters.restore_counts(root, item.size, item.authors);
            }
        }
        self.clusters.take_grown();
    }

    /// Settles one outcome into `commit`, which may hold others already. Outcomes of a source come in order.
    pub fn settle(&mut self, outcome: BatchOutcome, now: Moment, commit: &mut Commit) -> SettleCounts {
        commit.now = now;
        let changes_before = commit.changes.len();
        let mut counts = SettleCounts::default();
        self.gate.tick(now);
        let (rules, received_at) = (&*outcome.rules, outcome.received_at);
        let context = Context { rules, received_at, lag: lag(&outcome, now.wall), now, keys: self.keys };
        let mut heard = 0;
        for (place, signal) in outcome.signals.iter().enumerate() {
            if let Signal::Mention(_) | Signal::Unmatched(_) = signal {
                heard = self.hear_engagements(&outcome.engagements, heard, outcome.engagements.before(place));
            }
            counts.count(self.signal(signal, context, commit));
        }
        self.hear_engagements(&outcome.engagements, heard, outcome.engagements.list.len());
        self.amplify(commit);
        let changes = &commit.changes[changes_before..];
        counts.items = changes.iter().filter(|change| matches!(change, Change::New(_))).count() as u64;
        advance(commit, &outcome.source, outcome.position);
        self.hand_over_switch(commit);
        counts
    }

    /// Watches the clock when nothing arrives; to be called at least once a minute.
    pub fn tick(&mut self, now: Moment, commit: &mut Commit) {
        commit.now = now;
        self.gate.tick(now);
        self.hand_over_switch(commit);
    }

    /// Lets replies out; `commit` must be stored.
    pub fn arm_replies(&mut self, by: &str, reason: &str, now: Moment, commit: &mut Commit) {
        commit.now = now;
        self.gate.arm(by, reason, now);
        self.hand_over_switch(commit);
    }

    /// Stops all replies, at once; `commit` must be stored.
    pub fn disarm_replies(&mut self, by: &str, reason: &str, now: Moment, commit: &mut Commit) {
        commit.now = now;
        self.gate.disarm(by, reason, now);
        self.hand_over_switch(commit);
    }

    /// The reply gate for operators.
    #[must_use]
    pub fn reply_status(&self, now: Moment) -> ReplyStatus {
        self.gate.status(now)
    }

    /// Reply decisions since the start: outcome, guard, count.
    pub fn reply_decisions(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.gate.decisions()
    }

    /// An item of an author was resolved in the store, so that their history counts one less.
    pub fn note_resolved(&mut self, network: &str, author: &str) {
        self.note_closed(self.keys.author(network, author));
    }

    /// An item of this author was closed in the store.
    pub fn note_closed(&mut self, author: Key) {
        self.authors.close(author, 1);
    }

    /// These deletions took something out of the store that was no longer remembered here: when they are read again, a
    /// post that was made again since must stay.
    pub fn remember_deletions(&mut self, events: &[Key], now: Moment) {
        for event in events {
            self.seen.insert(*event, now.steady);
        }
    }

    /// How much is remembered.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            seen: (self.seen.len(), self.seen.evicted()),
            clusters: (self.clusters.len(), self.clusters.evicted()),
            authors: (self.authors.len(), self.authors.evicted()),
            audience: self.audience.memory(),
        }
    }

    /// Engagements counted since the start.
    #[must_use]
    pub const fn engagements(&self) -> u64 {
        self.audience.heard()
    }

    fn hand_over_switch(&mut self, commit: &mut Commit) {
        if let Some(moved) = self.gate.take_moved_switch() {
            commit.reply_switch = Some(moved);
        }
    }

    /// Counts the engagements from `heard` up to `next`. A post's influence rests on what stands before it in the stream,
    /// wherever the batches end and however many workers there are.
    fn hear_engagements(&mut self, engagements: &Engagements, heard: usize, next: usize) -> usize {
        if let Some(fresh) = engagements.list.get(heard..next) {
            self.audience.hear(fresh, engagements.at);
        }
        next
    }

    fn signal(&mut self, signal: &Signal, context: Context<'_>, commit: &mut Commit) -> Fate {
        match signal {
            Signal::Mention(mention) | Signal::Unmatched(mention) => self.mention(mention, context, commit),
            Signal::Repost(repost) => self.join(repost, false, context.now, commit),
            Signal::Quote(quote) => self.join(quote, true, context.now, commit),
            Signal::Delete(deletion) => self.delete(deletion, context.now, commit),
            Signal::AccountGone(account) => self.account_gone(account, context.now, commit),
        }
    }

    /// Drops an event that is there already; otherwise notes it for good.
    fn is_redelivered(&mut self, event: Key, now: Moment, commit: &mut Commit) -> bool {
        let is_fresh = self.seen.insert(event, now.steady);
        if is_fresh {
            commit.seen.push(event);
        }
        !is_fresh
    }

    /// A repost or quote: joins the cluster of the post that it repeats.
    fn join(&mut self, by: &PostRef, is_quote: bool, now: Moment, commit: &mut Commit) -> Fate {
        let (keys, network, texts) = (self.keys, by.network, by.texts());
        let Some(root) = self.living_root(PostId { network, uri: texts.subject }) else {
            return Fate::Unknown;
        };
        let event = keys.event(keys.post(network, texts.record), texts.version);
        if self.is_redelivered(event, now, commit) {
            return Fate::Duplicate;
        }
        let actor = keys.author(network, texts.actor);
        let quote = is_quote.then_some(PostId { network, uri: texts.record });
        self.clusters.join(root, actor, quote, now.steady);
        let quote = is_quote.then(|| (network.into(), texts.record.into()));
        commit.joined.push(Joined { event, cluster: root.id, actor, quote });
        Fate::Joined
    }

    /// The cluster of a post, unless its author has gone since: such clusters are forgotten when met.
    fn living_root(&mut self, post: PostId<'_>) -> Option<RootRef> {
        let root = self.clusters.root_of(post)?;
        let cluster = self.clusters.root_mut(root)?;
        if self.authors.is_gone_since(cluster.author, cluster.opened_at) {
            self.clusters.remove_root(root);
            return None;
        }
        Some(root)
    }

    fn mention(&mut self, mention: &Mention, context: Context<'_>, commit: &mut Commit) -> Fate {
        let influence = self.influence(mention);
        let subject = Subject { influence, ..Subject::new(mention, context) };
        self.hear(subject, commit);
        if mention.is_update {
            return self.edit(subject, commit);
        }
        self.create(subject, commit)
    }

    fn influence(&mut self, mention: &Mention) -> f32 {
        let at = mention.post.event_at.min(mention.post.received_at);
        let account = influence::account_hash(mention.post.author.id.as_bytes(), self.influence_seed);
        influence::with_engagers(mention.scores.influence, self.audience.engagers(account, at))
    }

    fn create(&mut self, subject: Subject<'_>, commit: &mut Commit) -> Fate {
        if let Some(fate) = self.join_as_quote(subject, commit) {
            return fate;
        }
        if !subject.is_live() {
            return Fate::Shadow;
        }
        if self.is_redelivered(subject.event, subject.context.now, commit) {
            return Fate::Duplicate;
        }
        self.store(subject, commit)
    }

    /// A matching post that repeats a known one joins it, instead of making more work.
    fn join_as_quote(&mut self, subject: Subject<'_>, commit: &mut Commit) -> Option<Fate> {
        let post = &subject.mention.post;
        let quoted = post.subject.as_deref()?;
        let quote =
            PostRef::new(post.network, &post.author.id, &[&post.uri], &post.version, quoted, post.event_at);
        let fate = self.join(&quote, true, subject.context.now, commit);
        (fate != Fate::Unknown).then_some(fate)
    }

    fn hear(&mut self, subject: Subject<'_>, commit: &mut Commit) {
        let Subject { mention, context, .. } = subject;
        let Some(rule) = mention.matches.first().and_then(|found| context.rules.get(found.rule as usize))
        else {
            return;
        };
        if self.gate.is_opt_out(&mention.post, &rule.brand) {
            commit.ledger.extend(self.gate.opt_out(&question(subject, rule), context.now));
        }
    }

    /// New items, and a cluster for them.
    fn store(&mut self, subject: Subject<'_>, commit: &mut Commit) -> Fate {
        let Subject { mention, author, context, .. } = subject;
        let assignments = subject.assign(&self.route, &self.priority);
        let id = subject.event;
        let Opened::New(cluster) = self.clusters.open(subject.post_id(), id, author, context.now.steady)
        else {
            return Fate::Duplicate;
        };
        // As a restart finds it: in the newest item.
        let scores = assignments.last().map_or(mention.scores, |last| subject.scores(last));
        let sentiment = scores.sentiment.score;
        let history = self.authors.note(author, sentiment, assignments.len() as u32, context.now);
        for assignment in &assignments {
            let factors = subject.factors(assignment, 0.0);
            let item = scored(&self.priority, subject.item_id(id, assignment), factors);
            cluster.items.push(item);
            let reply = decide(&mut self.gate, subject, assignment, commit);
            let due_at = self.route.due_at(assignment.team, item.lane, context.now.wall);
            let new = subject.new_item(assignment, id, item, due_at, history, reply);
            commit.changes.push(Change::New(Box::new(new)));
        }
        Fate::Stored
    }

    /// The priorities of all items whose clusters grew in this outcome.
    fn amplify(&mut self, commit: &mut Commit) {
        for root in self.clusters.take_grown() {
            let Some(cluster) = self.clusters.root_mut(root) else { continue };
            let amplification = cluster.amplification();
            for place in 0..cluster.items.len() {
                let before = cluster.items[place];
                let factors = Factors { amplification, ..before.factors };
                let item = scored(&self.priority, before.id, factors);
                cluster.items[place] = item;
                commit.changes.push(amplified(cluster, item, item.lane != before.lane));
            }
        }
    }
}

fn scored(config: &priority::Config, id: ItemId, factors: Factors) -> ClusterItem {
    let priority = config.priority(factors);
    ClusterItem { id, factors, score: priority.score, lane: priority.lane }
}

fn amplified(cluster: &Cluster, item: ClusterItem, announce: bool) -> Change {
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

/// Asks the gate for the first rule of the item that wants a reply. Two teams may each ask about one post;
/// the guard `once` sees to it that one is answered at most.
fn decide(
    gate: &mut Gate,
    subject: Subject<'_>,
    assignment: &Assignment<'_>,
    commit: &mut Commit,
) -> Option<ReplyDecision> {
    let rule = assignment.rules(subject.context.rules).find(|rule| rule.reply.is_some())?;
    let (decision, entry) = gate.decide(&question(subject, rule), subject.context.now)?;
    commit.ledger.push(entry);
    Some(decision)
}

fn question<'a>(subject: Subject<'a>, rule: &'a RuleInfo) -> Question<'a> {
    let Subject { mention, post, author, context, .. } = subject;
    Question {
        post: &mention.post,
        post_key: post,
        author_key: author,
        conversation_key: context.keys.post(mention.post.network, mention.post.conversation()),
        is_edit: mention.is_update,
        rule,
        lag: context.lag,
        tones: mention.scores.tones,
    }
}

/// How far behind we are: our own queue, or the newest event of the batch, whichever is worse.
fn lag(outcome: &BatchOutcome, now: Timestamp) -> Duration {
    let event_at = |signal: &Signal| match signal {
        Signal::Mention(mention) | Signal::Unmatched(mention) => mention.post.event_at,
        Signal::Repost(post) | Signal::Quote(post) | Signal::Delete(post) => post.event_at,
        Signal::AccountGone(account) => account.event_at,
    };
    let newest = outcome.signals.iter().map(event_at).max().unwrap_or(now);
    now.since(outcome.received_at).max(now.since(newest))
}

fn advance(commit: &mut Commit, source: &Arc<str>, position: Position) {
    match commit.positions.iter_mut().find(|(known, _)| known == source) {
        Some((_, known)) => *known = position,
        None => commit.positions.push((Arc::clone(source), position)),
    }
}

#[cfg(test)]
mod tests;
