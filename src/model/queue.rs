//! What agents do with the queue.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ItemId, ItemState, Lane, Timestamp, WorkItem};

/// Items in one claim.
pub const CLAIM_ITEMS_MAX: u32 = 100;
/// Shortest lease.
pub const LEASE_MIN: Duration = Duration::from_secs(1);
/// Longest lease.
pub const LEASE_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Bytes of a team's or an agent's name.
pub const NAME_BYTES_MAX: usize = 128;
/// Bytes of a note or a reason.
pub const NOTE_BYTES_MAX: usize = 4_096;
/// Items in one page of a list, unless the client says otherwise.
pub const LIST_ITEMS_DEFAULT: u32 = 50;
/// Most items in one page of a list.
pub const LIST_ITEMS_MAX: u32 = 1_000;

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

impl QueueOp {
    /// Checks what can be checked without the store, for everybody who sends or executes operations.
    ///
    /// # Errors
    /// [`QueueError::Invalid`] names the field, as it is called in the API, and what it must be.
    pub fn validate(&self) -> Result<(), QueueError> {
        match self {
            Self::Claim { team, agent, lease, count_max } => {
                check_name("team", team)?;
                check_name("agent", agent)?;
                check_claim(*lease, *count_max)
            }
            Self::Ack { agent, .. } | Self::Release { agent, .. } => check_name("agent", agent),
            Self::HandOff { agent, to_team, reason, .. } => {
                check_name("agent", agent)?;
                check_name("to_team", to_team)?;
                check_note("reason", reason)
            }
            Self::Resolve { agent, note, .. } => {
                check_name("agent", agent)?;
                note.as_deref().map_or(Ok(()), |note| check_note("note", note))
            }
            Self::Note { agent, text, .. } => {
                check_name("agent", agent)?;
                check_note("text", text)
            }
        }
    }
}

fn check_claim(lease: Duration, count_max: u32) -> Result<(), QueueError> {
    if !(1..=CLAIM_ITEMS_MAX).contains(&count_max) {
        return Err(QueueError::Invalid(format!("`max` must be 1 to {CLAIM_ITEMS_MAX}")));
    }
    if !(LEASE_MIN..=LEASE_MAX).contains(&lease) {
        return Err(QueueError::Invalid("`lease` must be \"1s\" to \"24h\"".to_owned()));
    }
    Ok(())
}

/// Refuses a name that is empty, too long, or acts instead of showing.
///
/// # Errors
/// [`QueueError::Invalid`] names the field.
pub fn check_name(field: &str, name: &str) -> Result<(), QueueError> {
    if name.contains(char::is_control) {
        return Err(QueueError::Invalid(format!("`{field}` must not have control characters")));
    }
    check_length(field, name, NAME_BYTES_MAX)
}

/// Refuses a note that is blank or too long.
///
/// # Errors
/// [`QueueError::Invalid`] names the field.
pub fn check_note(field: &str, note: &str) -> Result<(), QueueError> {
    check_length(field, note, NOTE_BYTES_MAX)
}

fn check_length(field: &str, text: &str, bytes_max: usize) -> Result<(), QueueError> {
    if text.trim().is_empty() {
        return Err(QueueError::Invalid(format!("`{field}` must not be empty")));
    }
    if text.len() > bytes_max {
        return Err(QueueError::Invalid(format!("`{field}` is longer than {bytes_max} bytes")));
    }
    Ok(())
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

impl ItemFilter {
    /// Checks what can be checked without the store.
    ///
    /// # Errors
    /// [`QueueError::Invalid`] names the field.
    pub fn validate(&self) -> Result<(), QueueError> {
        if self.limit.is_some_and(|limit| !(1..=LIST_ITEMS_MAX).contains(&limit)) {
            return Err(QueueError::Invalid(format!("`limit` must be 1 to {LIST_ITEMS_MAX}")));
        }
        Ok(())
    }
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
