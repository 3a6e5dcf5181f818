//! The work item: what a team gets. JSON schema 1.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Alarm, Author, Cut, Key, PostKind, Priority, ReplyDecision, Scores, Span, Timestamp};

/// Version of the JSON below. Grows when a field changes its meaning.
pub const WORK_ITEM_SCHEMA: u32 = 1;

/// The one item of a cluster and a team: the same post never makes two items for a team.
///
/// Made by [`Keyring::item`](super::Keyring::item): 32 hexadecimal digits that nobody can work out from the post. Items
/// from before schema 4 keep their 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub u128);

impl ItemId {
    /// The form on disk, big endian.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The inverse of [`ItemId::to_bytes`].
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Key(self.0).fmt(f)
    }
}

/// A text that is no item's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an item's id has 32 hexadecimal digits (16 if it is older), as `birddog queue list` shows them")]
pub struct BadItemId;

impl FromStr for ItemId {
    type Err = BadItemId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = matches!(text.len(), 16 | 32) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = if is_hex { u128::from_str_radix(text, 16).ok() } else { None };
        number.map(Self).ok_or(BadItemId)
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
        text.parse().map_err(serde::de::Error::custom)
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
    /// Of the event that made the root post: [`Keyring::event`](super::Keyring::event), in hexadecimal digits.
    pub id: String,
    /// Posts, reposts and quotes, the first included.
    pub size: u32,
    /// Different authors among them.
    pub authors: u32,
    /// When the first was seen.
    pub first_seen: Timestamp,
}

impl ClusterInfo {
    /// Of the cluster with this id.
    #[must_use]
    pub fn new(id: Key, size: u32, authors: u32, first_seen: Timestamp) -> Self {
        Self { id: id.to_string(), size, authors, first_seen }
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

/// What there is to say of an item that is about a post.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostBody {
    /// The post's language, as an ISO 639 code; `und` when it is not known.
    pub lang: String,
    /// The rules that matched.
    pub matches: Vec<MatchInfo>,
    /// The post itself.
    pub post: PostInfo,
    /// What was too long to be stored; absent when all of it is here.
    #[serde(default, skip_serializing_if = "Cut::is_none")]
    pub cut: Cut,
    /// Posts that say the same.
    pub cluster: ClusterInfo,
    /// What was known of the author when the item was made.
    pub author_history: AuthorHistory,
    /// Absent when no matching rule asks for a reply.
    pub reply: Option<ReplyDecision>,
}

/// What an item is about. In JSON the fields of a post's body stand beside those of the item; an alarm is one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ItemBody {
    /// A post.
    Post(Box<PostBody>),
    /// Many posts together.
    Alarm {
        /// What they say.
        alarm: Alarm,
    },
}

/// One piece of work for one team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "documented in the types of the fields")]
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
    #[serde(flatten)]
    pub scores: Scores,
    #[serde(flatten)]
    pub body: ItemBody,
}

impl WorkItem {
    /// What there is to say of the post; none for an alarm.
    #[must_use]
    pub fn post(&self) -> Option<&PostBody> {
        match &self.body {
            ItemBody::Post(body) => Some(body),
            ItemBody::Alarm { .. } => None,
        }
    }

    /// What the reply gate decided, if anything asked it to.
    #[must_use]
    pub fn reply(&self) -> Option<&ReplyDecision> {
        self.post()?.reply.as_ref()
    }

    /// One line that says what it is about: the post's text, untrusted, or the alarm's title.
    #[must_use]
    pub fn headline(&self) -> &str {
        match &self.body {
            ItemBody::Post(body) => &body.post.text,
            ItemBody::Alarm { alarm } => &alarm.title,
        }
    }
}
