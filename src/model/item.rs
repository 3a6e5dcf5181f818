//! The work item: what a team gets. JSON schema 1.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    Author, Cues, Intent, PostKind, Priority, ReplyDecision, Sentiment, Span, Timestamp, Tones, UrgencyLabel,
};

/// Version of the JSON below. Grows when a field changes its meaning.
pub const WORK_ITEM_SCHEMA: u32 = 1;

/// Deterministic from network, cluster root and team: the same post never makes two items for a team. 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub u64);

impl ItemId {
    /// Derives the id of the one item for a cluster and a team.
    #[must_use]
    pub fn derive(network: &str, cluster_root: &str, team: &str) -> Self {
        let mut identity: smallvec::SmallVec<[u8; 256]> = smallvec::SmallVec::new();
        for part in [network, cluster_root, team] {
            identity.extend_from_slice(part.as_bytes());
            identity.push(0xFF);
        }
        Self(super::stable_key(&identity))
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for ItemId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for ItemId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ItemId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom(format!("not an item id: {text:?}")))
    }
}

/// Where an item is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemState {
    /// Nobody has it.
    #[default]
    New,
    /// An agent has it, for as long as the lease runs.
    Claimed,
    /// An agent has acknowledged it and is at work; no lease runs.
    Waiting,
    /// Done.
    Resolved,
    /// The post or its author is gone; the text is redacted.
    Withdrawn,
}

impl ItemState {
    /// All states in the order of their life.
    pub const ALL: [Self; 5] = [Self::New, Self::Claimed, Self::Waiting, Self::Resolved, Self::Withdrawn];

    /// Name as in JSON and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Claimed => "claimed",
            Self::Waiting => "waiting",
            Self::Resolved => "resolved",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The form on disk; the position in [`ItemState::ALL`].
    #[must_use]
    pub const fn as_index(self) -> u8 {
        self as u8
    }

    /// The inverse of [`ItemState::as_index`].
    #[must_use]
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

/// A rule that matched, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchInfo {
    /// The rule's id.
    pub rule: Arc<str>,
    /// Byte ranges in `post.text`.
    pub spans: Vec<Span>,
}

/// The post as shown to a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields of Post, in their JSON form")]
pub struct PostInfo {
    pub source: String,
    pub uri: String,
    pub url: Option<String>,
    pub author: Author,
    /// Untrusted, verbatim; empty once withdrawn.
    pub text: String,
    pub created_at: Timestamp,
    pub received_at: Timestamp,
    pub kind: PostKind,
    pub root: Option<String>,
    pub parent: Option<String>,
    pub links: Vec<String>,
    pub hashtags: Vec<String>,
    pub mentions: Vec<String>,
}

/// Posts that say the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterInfo {
    /// 16 hex digits: [`stable_key`](super::stable_key) of the root's URI.
    pub id: String,
    /// Posts, reposts and quotes, the first included.
    pub size: u32,
    /// Different authors among them.
    pub authors: u32,
    /// When the first was seen.
    pub first_seen: Timestamp,
}

impl ClusterInfo {
    /// Of the cluster with this root.
    #[must_use]
    pub fn new(root: u64, size: u32, authors: u32, first_seen: Timestamp) -> Self {
        Self { id: ItemId(root).to_string(), size, authors, first_seen }
    }
}

/// What is known of the author when the item is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuthorHistory {
    /// Mentions before this one.
    pub mentions: u32,
    /// Items of theirs that are not resolved.
    pub open_items: u32,
    /// Sentiment of the mention before this.
    pub last_sentiment: Option<f32>,
    /// First mention.
    pub first_seen: Option<Timestamp>,
}

/// One piece of work for one team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "documented in DESIGN and in the types of the fields")]
pub struct WorkItem {
    pub schema: u32,
    pub id: ItemId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub brand: Arc<str>,
    pub team: Arc<str>,
    pub state: ItemState,
    /// When the team must have answered.
    pub due_at: Timestamp,
    /// Who has it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<String>,
    /// When an unacknowledged claim falls back to the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    pub priority: Priority,
    pub sentiment: Sentiment,
    pub urgency: f32,
    pub urgency_label: UrgencyLabel,
    pub intent: Intent,
    /// What spoke for urgency and intent.
    #[serde(default)]
    pub cues: Cues,
    /// Why no machine should answer.
    #[serde(default)]
    pub tones: Tones,
    pub lang: String,
    pub matches: Vec<MatchInfo>,
    pub post: PostInfo,
    pub cluster: ClusterInfo,
    pub author_history: AuthorHistory,
    /// Absent when no matching rule asks for a reply.
    pub reply: Option<ReplyDecision>,
}
