//! What agents do with the queue.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ItemId, ItemState, Lane, Timestamp, WorkItem};

/// One operation on the queue. Each is one transaction and one audit line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueOp {
    /// Takes the best unclaimed items of a team: lane first, ageing so that low never starves, then oldest.
    Claim {
        /// Whose queue.
        team: String,
        /// Who claims.
        agent: String,
        /// How long before an unacknowledged claim falls back.
        lease: Duration,
        /// At most this many.
        count_max: u32,
    },
    /// The claimant is at work: the lease stops running; counts as first response.
    Ack {
        /// The item.
        id: ItemId,
        /// Who.
        agent: String,
    },
    /// The claimant gives it back.
    Release {
        /// The item.
        id: ItemId,
        /// Who.
        agent: String,
    },
    /// To another team, with the reason; the history and the deadline stay with the item.
    HandOff {
        /// The item.
        id: ItemId,
        /// Who.
        agent: String,
        /// The team that gets it.
        to_team: String,
        /// Why; required, so that nothing is thrown over a wall.
        reason: String,
    },
    /// Done.
    Resolve {
        /// The item.
        id: ItemId,
        /// Who.
        agent: String,
        /// What was done, for the record.
        note: Option<String>,
    },
    /// A remark on the item's record.
    Note {
        /// The item.
        id: ItemId,
        /// Who.
        agent: String,
        /// The remark.
        text: String,
    },
}

/// Why an operation was refused.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// No such item.
    #[error("no item {0}; `birddog queue list` shows the open ones")]
    NotFound(ItemId),
    /// The item is not in a state that allows this.
    #[error("item {id} is {}, so it cannot be {wanted}", state.as_str())]
    WrongState {
        /// The item.
        id: ItemId,
        /// Its state.
        state: ItemState,
        /// What was asked, as a participle.
        wanted: &'static str,
    },
    /// Somebody else has it.
    #[error("item {id} is claimed by {holder:?}, not by {agent:?}")]
    NotHolder {
        /// The item.
        id: ItemId,
        /// Who has it.
        holder: String,
        /// Who asked.
        agent: String,
    },
    /// The request itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The store cannot take it now; ask again.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

/// Which items to list; all given conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemFilter {
    /// Only this team's.
    pub team: Option<String>,
    /// Only in this state; without it, every state but resolved and withdrawn.
    pub state: Option<ItemState>,
    /// Only in this lane.
    pub lane: Option<Lane>,
    /// Only this brand's.
    pub brand: Option<String>,
    /// At most this many, 1–1,000; 50 without it. An answer is bounded in bytes as well: it may hold fewer.
    pub limit: Option<u32>,
    /// Go on behind the page that gave this as its `next`.
    pub after: Option<String>,
}

/// A part of a list of items.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemPage {
    /// Best first.
    pub items: Vec<WorkItem>,
    /// What to ask for to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The queue in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueStats {
    /// Per team, by name.
    pub teams: Vec<TeamStats>,
}

/// One team's queue in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TeamStats {
    /// The team.
    pub team: String,
    /// Unclaimed items per lane, lowest first.
    pub new_by_lane: [u64; 4],
    /// Claimed, lease running.
    pub claimed: u64,
    /// Acknowledged, in work.
    pub waiting: u64,
    /// Done.
    pub resolved: u64,
    /// Post or author gone.
    pub withdrawn: u64,
    /// Not resolved and past due.
    pub overdue: u64,
    /// Received from other teams.
    pub handed_in: u64,
    /// Given to other teams.
    pub handed_out: u64,
    /// Creation of the oldest unclaimed item.
    pub oldest_new: Option<Timestamp>,
}

/// An item with everything that was done to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemRecord {
    /// The item.
    pub item: WorkItem,
    /// Oldest first.
    pub history: Vec<HistoryEntry>,
}

/// One thing done to an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// Who: an agent, or `birddog`.
    pub agent: String,
    /// `claim`, `ack`, `release`, `lapse`, `handoff`, `resolve`, `note`, `edit`, `withdraw`, `expire`.
    pub action: String,
    /// The reason, note or team.
    pub detail: Option<String>,
}
