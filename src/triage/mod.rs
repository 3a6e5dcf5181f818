//! Triage: signals in, in order; one commit out. Everything that depends on what came before happens here.
//!
//! Layer 2, pure, one owner. Each signal is a case that goes through an ordered list of stages (`Triage::stages`),
//! until one of them ends it with an [`Outcome`]; what is left at the last stage becomes one item for each team that a
//! route names. Whatever a restart needs is in the commit. The same outcomes at the same times give the same commits.
//! What repeated a post before it had items is not counted for it later.
//!
//! ```text
//! signal ─▶ influence ▶ removal ▶ edit ▶ cluster ▶ redelivery ▶ route ▶ author ▶ priority ▶ reply ▶ item ─▶ commit
//!                          │        │        │          │
//!                      withdrawn unknown  joined    duplicate, shadow
//! ```

mod author;
mod authors;
mod case;
mod cluster;
mod counts;
mod edit;
mod influence;
mod item;
mod memory;
mod priority;
mod redelivery;
mod removal;
mod reply;
mod route;
mod single;

use std::sync::Arc;
use std::time::Duration;

use self::case::{Case, Context, Stage, Step};
pub use self::counts::{Outcome, TriageCounts};
use self::memory::Memory;
pub use self::single::single_item;
use crate::dedupe;
use crate::line::{BatchOutcome, Engagements, Signal};
use crate::model::metric::Metric;
use crate::model::{
    Change, Commit, Key, Keyring, Moment, Position, RaisedAlarm, Recovered, ReplyStatus, Timestamp,
};

/// The configurations of the parts that triage composes.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is remembered of posts.
    pub dedupe: dedupe::Config,
    /// Teams and routes.
    pub route: crate::route::Config,
    /// Weights.
    pub priority: crate::score::priority::Config,
    /// The gate.
    pub reply: crate::reply::Config,
    /// Authors remembered; about 80 bytes each.
    pub authors_max: usize,
    /// Who engages with whom.
    pub influence: crate::score::influence::Config,
    /// Of the hashes of who engages with whom, as workers make them too: best known to no one who could gain by it.
    pub influence_seed: u64,
    /// The store's, or a fixed one where there is no store.
    pub keys: Keyring,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dedupe: dedupe::Config::default(),
            route: crate::route::Config::default(),
            priority: crate::score::priority::Config::default(),
            reply: crate::reply::Config::default(),
            authors_max: 250_000,
            influence: crate::score::influence::Config::default(),
            influence_seed: 0,
            keys: Keyring::FIXED,
        }
    }
}

/// How much is remembered, for the metrics of this part, of [`dedupe`] and of the influence of authors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// Identities, and those forgotten early.
    pub seen: (usize, u64),
    /// Known posts, and those forgotten early.
    pub clusters: (usize, u64),
    /// Known authors, and those forgotten early.
    pub authors: (usize, u64),
    /// Authors whose engagers are known, and those forgotten early.
    pub audience: (usize, u64),
}

/// Signals that went through triage, by outcome.
pub const TRIAGED: &str = "birddog_events_triaged_total";
/// Authors remembered now.
pub const AUTHOR_ENTRIES: &str = "birddog_author_entries";
/// Authors forgotten because the memory was full.
pub const AUTHOR_EVICTED: &str = "birddog_author_evicted_total";

/// What the engine exports for this part.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        TRIAGED,
        "Events triaged, by source and outcome: duplicate, joined, stored, withdrawn, unknown or shadow.",
        &["source", "outcome"],
    ),
    Metric::gauge(AUTHOR_ENTRIES, "Authors remembered now.", &[]),
    Metric::counter(AUTHOR_EVICTED, "Authors forgotten because the memory was full.", &[]),
];

/// All state that triage needs; owned by one thread.
#[derive(Debug)]
pub struct Triage {
    keys: Keyring,
    memory: Memory,
    influence: influence::Influence,
    removal: removal::Removal,
    edit: edit::Edit,
    cluster: cluster::Cluster,
    redelivery: redelivery::Redelivery,
    route: route::Route,
    author: author::Author,
    priority: priority::Priority,
    reply: reply::Reply,
    item: item::Item,
}

impl Triage {
    /// A triage that remembers nothing yet; the reply gate is disarmed.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let (routes, weights) = (Arc::new(config.route), Arc::new(config.priority));
        Self {
            keys: config.keys,
            memory: Memory::new(&config.dedupe, config.authors_max),
            influence: influence::Influence::new(&config.influence, config.influence_seed),
            removal: removal::Removal,
            edit: edit::Edit,
            cluster: cluster::Cluster,
            redelivery: redelivery::Redelivery,
            route: route::Route::new(Arc::clone(&routes), Arc::clone(&weights)),
            author: author::Author,
            priority: priority::Priority::new(weights),
            reply: reply::Reply::new(&config.reply),
            item: item::Item::new(routes),
        }
    }

    /// The stages, in the order in which a case goes through them.
    fn stages(&mut self) -> (&mut Memory, [&mut dyn Stage; 10]) {
        let stages: [&mut dyn Stage; 10] = [
            &mut self.influence,
            &mut self.removal,
            &mut self.edit,
            &mut self.cluster,
            &mut self.redelivery,
            &mut self.route,
            &mut self.author,
            &mut self.priority,
            &mut self.reply,
            &mut self.item,
        ];
        (&mut self.memory, stages)
    }

    /// Takes up what the store has kept. Items whose post is gone do not come back.
    pub fn restore(&mut self, recovered: &Recovered, now: Moment) {
        let (memory, stages) = self.stages();
        for stage in stages {
            stage.restore(recovered, now, memory);
        }
    }

    /// Puts an alarm into `commit`. The store tells whether it is new work, or news of an item that is open; nothing is
    /// remembered here, so that a restart changes nothing.
    pub fn raise(&self, alarm: &RaisedAlarm, now: Moment, commit: &mut Commit) {
        commit.now = now;
        commit.changes.push(Change::Alarm(Box::new(self.item.of_alarm(alarm, self.keys, now))));
    }

    /// Triages one outcome into `commit`, which may hold others already. Outcomes of a source come in order.
    pub fn apply(&mut self, outcome: BatchOutcome, now: Moment, commit: &mut Commit) -> TriageCounts {
        commit.now = now;
        let changes_before = commit.changes.len();
        let mut counts = TriageCounts::default();
        self.reply.tick(now);
        let (rules, received_at) = (&*outcome.rules, outcome.received_at);
        let context = Context { rules, received_at, lag: lag(&outcome, now.wall), now, keys: self.keys };
        let mut recorded = 0;
        for (place, signal) in outcome.signals.iter().enumerate() {
            if let Signal::Mention(_) | Signal::Unmatched(_) = signal {
                let next = outcome.engagements.before(place);
                recorded = self.record_engagements(&outcome.engagements, recorded, next);
            }
            counts.count(self.signal(signal, context, commit));
        }
        self.record_engagements(&outcome.engagements, recorded, outcome.engagements.list.len());
        self.priority.raise_grown(&mut self.memory.clusters, commit);
        let changes = &commit.changes[changes_before..];
        counts.items = changes.iter().filter(|change| matches!(change, Change::New(_))).count() as u64;
        advance(commit, &outcome.source, outcome.position);
        self.reply.save_switch(commit);
        counts
    }

    /// Takes one signal through the stages. Every stage sees it first, also when an earlier one will end it.
    fn signal(&mut self, signal: &Signal, context: Context<'_>, commit: &mut Commit) -> Outcome {
        let (memory, mut stages) = self.stages();
        let mut case = Case::new(signal, context, memory, commit);
        for stage in &mut stages {
            stage.observe(&mut case);
        }
        for stage in stages {
            if let Step::End(outcome) = stage.apply(&mut case) {
                return outcome;
            }
        }
        Outcome::Stored
    }

    /// Counts the engagements from `recorded` up to `next`. A post's influence rests on what stands before it in the
    /// stream, wherever the batches end and however many workers there are.
    fn record_engagements(&mut self, engagements: &Engagements, recorded: usize, next: usize) -> usize {
        if let Some(fresh) = engagements.list.get(recorded..next) {
            self.influence.record(fresh, engagements.at);
        }
        next
    }

    /// Watches the clock when nothing arrives; to be called at least once a minute.
    pub fn tick(&mut self, now: Moment, commit: &mut Commit) {
        commit.now = now;
        self.reply.tick(now);
        self.reply.save_switch(commit);
    }

    /// Lets replies out; `commit` must be stored.
    pub fn arm_replies(&mut self, by: &str, reason: &str, now: Moment, commit: &mut Commit) {
        commit.now = now;
        self.reply.gate.arm(by, reason, now);
        self.reply.save_switch(commit);
    }

    /// Stops all replies, at once; `commit` must be stored.
    pub fn disarm_replies(&mut self, by: &str, reason: &str, now: Moment, commit: &mut Commit) {
        commit.now = now;
        self.reply.gate.disarm(by, reason, now);
        self.reply.save_switch(commit);
    }

    /// The reply gate for operators.
    #[must_use]
    pub fn reply_status(&self, now: Moment) -> ReplyStatus {
        self.reply.gate.status(now)
    }

    /// Reply decisions since the start: outcome, guard, count.
    pub fn reply_decisions(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.reply.gate.decisions()
    }

    /// An item of an author was resolved in the store, so that their history counts one less.
    pub fn record_resolved(&mut self, network: &str, author: &str) {
        self.record_closed(self.keys.author(network, author));
    }

    /// An item of this author was closed in the store.
    pub fn record_closed(&mut self, author: Key) {
        self.memory.authors.close(author, 1);
    }

    /// These deletions took something out of the store that was no longer remembered here: when they are read again, a
    /// post that was made again since must stay.
    pub fn remember_deletions(&mut self, events: &[Key], now: Moment) {
        for event in events {
            self.memory.seen.insert(*event, now.steady);
        }
    }

    /// How much is remembered.
    #[must_use]
    pub fn memory(&self) -> MemoryUse {
        let Memory { seen, clusters, authors } = &self.memory;
        MemoryUse {
            seen: (seen.len(), seen.evicted()),
            clusters: (clusters.len(), clusters.evicted()),
            authors: (authors.len(), authors.evicted()),
            audience: self.influence.memory(),
        }
    }

    /// Engagements counted since the start.
    #[must_use]
    pub const fn engagements(&self) -> u64 {
        self.influence.engagements()
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
