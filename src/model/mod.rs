//! The words of the field, as types: what flows through birddog.
//!
//! Layer 0. Everything imports this; this imports nothing of ours. No I/O, no clock: `now` is an argument.

mod ack;
mod alarm;
pub mod body;
mod commit;
mod cue;
pub mod cut;
pub mod cutting;
pub mod flags;
mod item;
mod item_change;
mod key;
mod keyring;
mod mention;
pub mod metric;
mod moment;
pub mod network;
mod position;
mod post;
mod queue;
mod recovered;
mod reject;
mod reply;
mod report;
mod rule;
mod rules_status;
mod sample;
mod scores;
pub mod setting;
mod time;
mod tone;

pub use ack::Ack;
pub use alarm::{Alarm, EVIDENCE_MAX, RaisedAlarm};
pub use body::{Body, BodyError, StoredBody, encode_alarm};
pub use commit::{About, AboutPost, Change, Commit, Joined, LedgerEntry, NewItem, PostGone};
pub use cue::{Cue, Cues};
pub use cut::Cut;
pub use item::{
    AuthorHistory, BadItemId, ClusterInfo, ItemBody, ItemId, ItemState, MatchInfo, PostBody, PostInfo,
    WORK_ITEM_SCHEMA, WorkItem,
};
pub use item_change::{
    CHANGES_LIMIT_DEFAULT, CHANGES_LIMIT_MAX, ChangeFilter, ChangeKind, ChangePage, ItemChange,
};
pub use key::{BuildKeyHasher, Key, KeyMap, stable_hash};
pub use keyring::Keyring;
pub use mention::{Aspects, Match, Mention, Span, merged};
pub use moment::{Boot, ClockRecord, Leap, Moment, Steady};
pub use network::NETWORKS;
pub use position::Position;
pub use post::{AccountRef, Author, Event, Post, PostKind, PostRef, PostRefTexts, web_url};
pub use queue::{
    CLAIM_ITEMS_MAX, HistoryEntry, ItemFilter, ItemPage, ItemRecord, LEASE_MAX, LEASE_MIN,
    LIST_ITEMS_DEFAULT, LIST_ITEMS_MAX, NAME_BYTES_MAX, NOTE_BYTES_MAX, QueueError, QueueOp, QueueStats,
    TeamStats, check_name, check_note,
};
pub use recovered::{Recovered, RecoveredAuthor, RecoveredItem};
pub use reject::RejectReason;
pub use reply::{ReplyCounts, ReplyDecision, ReplyMode, ReplyStatus, ReplySwitch, ReplyVerdict, Revocation};
pub use report::Report;
pub use rule::{RuleCost, RuleCount, RuleDrift, RuleIndex, RuleInfo, RuleShare, RuleStatus};
pub use rules_status::{ReloadResult, RulesReport, RulesStatus};
pub use sample::RuleSample;
pub use scores::{Factors, Intent, Lane, Priority, Scores, Sentiment, SentimentLabel, UrgencyLabel};
pub use time::Timestamp;
pub use tone::{Tone, Tones};
