//! What happened to items: the change feed, which clients follow instead of asking again and again.

use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ItemId, ItemState, Lane, Timestamp};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A new item.
    Created,
    /// The author edited the post.
    Updated,
    /// The item changed its lane, because its cluster grew.
    Raised,
    /// An agent took it.
    Claimed,
    /// Its holder is at work.
    Acknowledged,
    /// Its holder gave it back.
    Released,
    /// A claim was not acknowledged in time.
    Lapsed,
    /// It went to another team.
    HandedOver,
    /// It is done.
    Resolved,
    /// An agent remarked on it.
    Noted,
    /// The post or its author is gone: the text is no longer there.
    Withdrawn,
    /// It was open for too long, or too many were.
    Expired,
    /// The reply gate decided about its post.
    ReplyDecided,
}

impl ChangeKind {
    /// All kinds, in the order of an item's life.
    pub const ALL: [Self; 13] = [
        Self::Created,
        Self::Updated,
        Self::Raised,
        Self::Claimed,
        Self::Acknowledged,
        Self::Released,
        Self::Lapsed,
        Self::HandedOver,
        Self::Resolved,
        Self::Noted,
        Self::Withdrawn,
        Self::Expired,
        Self::ReplyDecided,
    ];

    /// Name as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Raised => "raised",
            Self::Claimed => "claimed",
            Self::Acknowledged => "acknowledged",
            Self::Released => "released",
            Self::Lapsed => "lapsed",
            Self::HandedOver => "handed_over",
            Self::Resolved => "resolved",
            Self::Noted => "noted",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::ReplyDecided => "reply_decided",
        }
    }

    /// The kind of an entry in an item's history.
    #[must_use]
    pub fn of_action(action: &str) -> Option<Self> {
        Some(match action {
            "edit" => Self::Updated,
            "claim" => Self::Claimed,
            "ack" => Self::Acknowledged,
            "release" => Self::Released,
            "lapse" => Self::Lapsed,
            "handoff" => Self::HandedOver,
            "resolve" => Self::Resolved,
            "note" => Self::Noted,
            "withdraw" => Self::Withdrawn,
            "expire" => Self::Expired,
            _ => return None,
        })
    }
}

impl FromStr for ChangeKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("no kind of change {name:?}; there are {names}")
        })
    }
}

/// One thing that happened to one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemChange {
    /// Its number: one more than that of the change before, and never used again.
    pub n: u64,
    /// When, by the wall clock.
    pub at: Timestamp,
    /// What.
    pub kind: ChangeKind,
    /// To which item.
    pub item: ItemId,
    /// The team that has the item now.
    pub team: Arc<str>,
    /// The item's lane now.
    pub lane: Lane,
    /// The item's state now.
    pub state: ItemState,
    /// The agent; absent when birddog did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// As in the item's history, cut to 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Which changes are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Only those with a higher number.
    pub after: u64,
    /// At most this many.
    pub limit: usize,
    /// Only those of this team's items.
    pub team: Option<Arc<str>>,
    /// Only this kind.
    pub kind: Option<ChangeKind>,
}

impl Default for ChangeFilter {
    fn default() -> Self {
        Self { after: 0, limit: CHANGES_LIMIT_DEFAULT, team: None, kind: None }
    }
}

/// Changes in one answer, unless the client says otherwise.
pub const CHANGES_LIMIT_DEFAULT: usize = 100;
/// Most changes in one answer.
pub const CHANGES_LIMIT_MAX: usize = 1_000;

/// Some of the changes, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePage {
    /// Those that fit the filter.
    pub changes: Vec<ItemChange>,
    /// What to ask for as `after` next: everything up to here has been looked at.
    pub next: u64,
    /// The newest change there is.
    pub newest: u64,
    /// Changes after `after` are no longer kept, or were never there: the client has to read the items anew.
    pub gap: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_name_everywhere() {
        for kind in ChangeKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("told".parse::<ChangeKind>().unwrap_err().contains("handed_over"));
    }
}
