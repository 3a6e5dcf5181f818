//! What one step of the line writes: all of it in one transaction, or none.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    AuthorHistory, Factors, ItemId, Key, Lane, Moment, Position, ReplyDecision, ReplySwitch, ReplyVerdict,
    Timestamp,
};

/// The outcome of one or more batches, ready to store.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Each source and where it now stands.
    pub positions: Vec<(Arc<str>, Position)>,
    /// Keys of events that must never be taken again within the window.
    pub seen: Vec<Key>,
    /// The time everything here is filed under.
    pub now: Moment,
    /// New work and changes to work that is there, applied in this order.
    pub changes: Vec<Change>,
    /// Reply decisions, for the ledger and the audit log.
    pub ledger: Vec<LedgerEntry>,
    /// Posts and reposts that joined a cluster, so that a restart knows its authors and its quotes.
    pub joined: Vec<Joined>,
    /// The reply gate's switch, when it was moved in this step (by a person, or by the gate itself).
    pub reply_switch: Option<ReplySwitch>,
}

impl Commit {
    /// The items that this commit makes.
    pub fn new_items(&self) -> impl Iterator<Item = &NewItem> {
        self.changes.iter().filter_map(|change| match change {
            Change::New(item) => Some(&**item),
            _ => None,
        })
    }
}

/// One event that joined a cluster. Kept as long as the seen key of the same event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Key of the event: also in [`Commit::seen`].
    pub event: Key,
    /// The cluster's id.
    pub cluster: Key,
    /// Key of who joined.
    pub actor: Key,
    /// Network and URI of the post that joined, which may be quoted in its turn; `None` for a repost.
    pub quote: Option<(Box<str>, Box<str>)>,
}

/// One row of the queue. What can change stands in fields; what cannot stands in `body`.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// Deterministic; a second insert of the same id is ignored and counted.
    pub id: ItemId,
    /// Whose queue.
    pub team: Arc<str>,
    /// Label.
    pub brand: Arc<str>,
    /// 0–100.
    pub score: u8,
    /// Lane.
    pub lane: Lane,
    /// Why.
    pub factors: Factors,
    /// What it is about.
    pub about: About,
    /// When the item was made.
    pub created_at: Moment,
    /// When the team must have answered.
    pub due_at: Timestamp,
    /// When the batch was received, for the latency histogram.
    pub received_at: Timestamp,
    /// What cannot change, as [`Body::encode`](super::Body::encode) or [`encode_alarm`](super::encode_alarm) writes it.
    pub body: Vec<u8>,
}

/// What an item is about, besides what its body says.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// A post.
    Post(AboutPost),
    /// An alarm: the key of its [`Alarm::key`](super::Alarm::key).
    Alarm(Key),
}

/// What is kept of an item's post beside its body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AboutPost {
    /// The cluster's id: the key of the event that made its root post.
    pub cluster: Key,
    /// Key of the post.
    pub post: Key,
    /// Key of its author.
    pub author: Key,
    /// What was known of the author.
    pub history: AuthorHistory,
    /// The gate's decision.
    pub reply: Option<ReplyDecision>,
}

impl NewItem {
    /// What is kept of its post; none for an alarm.
    #[must_use]
    pub const fn about_post(&self) -> Option<&AboutPost> {
        match &self.about {
            About::Post(post) => Some(post),
            About::Alarm(_) => None,
        }
    }
}

/// New work, or a change to items that are there.
///
/// Whatever touches items by post or author names it in full: the key only finds candidates.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new item.
    New(Box<NewItem>),
    /// Reposts, quotes or copies joined the cluster.
    Amplified {
        /// The item.
        id: ItemId,
        /// Posts in the cluster now.
        size: u32,
        /// Authors in the cluster now.
        authors: u32,
        /// The amplification factor now.
        amplification: f32,
        /// The priority now.
        score: u8,
        /// The lane now.
        lane: Lane,
        /// The lane changed: sinks are told again.
        announce: bool,
    },
    /// The author edited the post: the body and scores are replaced, and sinks are told again.
    Edited {
        /// The item.
        id: ItemId,
        /// The new body, as in [`NewItem::body`]. Refused unless it is of the same post.
        body: Vec<u8>,
        /// The factors now.
        factors: Factors,
        /// The priority now.
        score: u8,
        /// The lane now.
        lane: Lane,
    },
    /// Many posts say something together: updates the open item of the same alarm, or makes one.
    Alarm(Box<NewItem>),
    /// The post is gone: text redacted in every item of it; unclaimed items withdrawn; sinks are told.
    PostGone(PostGone),
    /// The author is gone: the same for every item of theirs.
    AuthorGone {
        /// Network name.
        network: &'static str,
        /// The account's id.
        id: Box<str>,
        /// Its key.
        author: Key,
    },
}

/// A post that its author deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostGone {
    /// Network name.
    pub network: &'static str,
    /// The post's URI.
    pub uri: Box<str>,
    /// Its key.
    pub post: Key,
    /// Only the items of this cluster: a post that was made again under the same URI stays. `None` when the cluster is
    /// no longer remembered: then every item of the post.
    pub cluster: Option<Key>,
    /// Key of the deletion, to be remembered when the store holds an item of the post.
    pub event: Key,
}

/// One decision of the reply gate, durable before anything is released.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerEntry {
    /// Key of the post answered.
    pub post: Key,
    /// Key of its author.
    pub author: Key,
    /// Key of the conversation's root.
    pub conversation: Key,
    /// The rule that asked.
    pub rule: Arc<str>,
    /// Own account (network) that would answer.
    pub account: Arc<str>,
    /// What was decided.
    pub verdict: ReplyVerdict,
    /// The guard that refused.
    pub guard: Option<String>,
    /// When.
    pub at: Moment,
}
