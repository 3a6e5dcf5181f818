//! What one step of the pipeline writes: all of it in one transaction, or none.

use std::sync::Arc;

use super::{
    AuthorHistory, Factors, ItemId, Lane, Position, ReplyDecision, ReplySwitch, ReplyVerdict, Timestamp,
};

/// The outcome of one or more batches, ready to store.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Each source and where it now stands.
    pub positions: Vec<(Arc<str>, Position)>,
    /// Identity keys that must never be taken again within the window ([`stable_key`](super::stable_key)).
    pub seen: Vec<u64>,
    /// The time `seen` is filed under.
    pub now: Timestamp,
    /// New work.
    pub items: Vec<NewItem>,
    /// Changes to work that is there, applied in order after `items`.
    pub changes: Vec<ItemChange>,
    /// Reply decisions, for the ledger and the audit log.
    pub ledger: Vec<LedgerEntry>,
    /// Posts and reposts that joined a cluster, so that a restart knows its authors and its quotes.
    pub joined: Vec<Joined>,
    /// The reply gate's switch, when it was moved in this step (by a person, or by the gate itself).
    pub reply_switch: Option<ReplySwitch>,
}

/// One event that joined a cluster. Kept as long as the seen key of the same event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Key of the event: also in [`Commit::seen`]; for a quote the key of the quoting post.
    pub event: u64,
    /// Key of the cluster's root post.
    pub cluster: u64,
    /// Key of who joined.
    pub actor: u64,
    /// The event is a post that may be quoted in its turn, rather than a repost.
    pub is_post: bool,
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
    /// Key of the cluster's root post.
    pub cluster: u64,
    /// [`stable_key`](super::stable_key) of the post's URI.
    pub post: u64,
    /// [`stable_key`](super::stable_key) of the author's id.
    pub author: u64,
    /// When the item was made.
    pub created_at: Timestamp,
    /// When the team must have answered.
    pub due_at: Timestamp,
    /// When the batch was received, for the latency histogram.
    pub received_at: Timestamp,
    /// What was known of the author.
    pub history: AuthorHistory,
    /// The gate's decision.
    pub reply: Option<ReplyDecision>,
    /// What cannot change, as [`Body::encode`](super::Body::encode) writes it.
    pub body: Vec<u8>,
}

/// A change to items that are there.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemChange {
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
        /// The new body, as in [`NewItem::body`].
        body: Vec<u8>,
        /// The factors now.
        factors: Factors,
        /// The priority now.
        score: u8,
        /// The lane now.
        lane: Lane,
    },
    /// The post is gone: text redacted in every item of it; unclaimed items withdrawn; sinks are told.
    PostGone {
        /// [`NewItem::post`].
        post: u64,
    },
    /// The author is gone: the same for every open item of theirs.
    AuthorGone {
        /// [`NewItem::author`].
        author: u64,
    },
}

/// One decision of the reply gate, durable before anything is released.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerEntry {
    /// Key of the post answered.
    pub post: u64,
    /// Key of its author.
    pub author: u64,
    /// Key of the conversation's root.
    pub conversation: u64,
    /// The rule that asked.
    pub rule: Arc<str>,
    /// Own account (network) that would answer.
    pub account: Arc<str>,
    /// What was decided.
    pub verdict: ReplyVerdict,
    /// The guard that refused.
    pub guard: Option<String>,
    /// When.
    pub at: Timestamp,
}
