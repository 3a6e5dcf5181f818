//! What a restart finds in the store: enough to go on as if nothing had happened.
//!
//! Made by `store::Store::recover`, read by the settler and the sources. Bounded by the store's windows and by
//! its `recover_*_max` limits; where a limit cut, the newest were kept and the rest is counted.

use std::sync::Arc;

use super::{
    AuthorHistory, Factors, ItemId, ItemState, Joined, Key, Lane, Leap, LedgerEntry, Moment, Position,
    ReplySwitch, Steady, Timestamp,
};

/// The state to restore. Every list is oldest first, so that restoring in order leaves the newest on top.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovered {
    /// Each source and where it stood at the last commit.
    pub positions: Vec<(Arc<str>, Position)>,
    /// Identity keys within the seen window, with the time they were filed under.
    pub seen: Vec<(Key, Steady)>,
    /// Keys within the window that did not fit the limit (the oldest).
    pub seen_left_out: u64,
    /// Items made within the seen window, and open older ones as far as the limit allows.
    pub items: Vec<RecoveredItem>,
    /// Items that did not fit the limit (the oldest).
    pub items_left_out: u64,
    /// What is known of the authors of `items`; one entry an author.
    pub authors: Vec<RecoveredAuthor>,
    /// What joined the clusters within the seen window.
    pub joined: Vec<Joined>,
    /// Decisions of the last 31 days, and every opt-out (guard `opt_out`) however old.
    pub ledger: Vec<LedgerEntry>,
    /// Ledger entries that could not be read or did not fit. Any at all keeps the reply gate disarmed.
    pub ledger_left_out: u64,
    /// The reply gate's switch, when anybody ever moved it. `None` means: state lost or new, so not armed.
    pub reply_switch: Option<ReplySwitch>,
    /// How the wall clock goes on from where it stood when the store was last written; `None` for a new store.
    pub leap: Option<Leap>,
}

/// One stored item, as far as clusters need it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecoveredItem {
    /// The item.
    pub id: ItemId,
    /// Whose queue it is on now.
    pub team: Arc<str>,
    /// Label.
    pub brand: Arc<str>,
    /// New, claimed and waiting are open.
    pub state: ItemState,
    /// 0–100.
    pub score: u8,
    /// Lane.
    pub lane: Lane,
    /// Why.
    pub factors: Factors,
    /// The cluster's id.
    pub cluster: Key,
    /// Key of the post.
    pub post: Key,
    /// Network of the post.
    pub network: Box<str>,
    /// The post's URI.
    pub uri: Box<str>,
    /// Key of its author.
    pub author: Key,
    /// Posts in the cluster.
    pub size: u32,
    /// Authors in the cluster.
    pub authors: u32,
    /// When the item was made, which is when its cluster was first seen.
    pub created_at: Moment,
    /// When the team must have answered.
    pub due_at: Timestamp,
}

/// One author's past, the last stored mention included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecoveredAuthor {
    /// Key of the author.
    pub author: Key,
    /// As it stands now, ready for the author's next mention.
    pub history: AuthorHistory,
}
