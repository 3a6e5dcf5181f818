//! The words of the field, as types: what flows through birddog.
//!
//! Layer 0. Everything imports this; this imports nothing of ours. No I/O, no clock: `now` is an argument.

pub mod body;
mod commit;
mod cue;
pub mod flags;
mod frame;
mod item;
mod mention;
pub mod metric;
mod post;
mod queue;
mod recovered;
mod reject;
mod reply;
mod rule;
mod sample;
mod scores;
pub mod setting;
mod time;
mod tone;

pub use body::{Body, BodyError};
pub use commit::{Commit, ItemChange, Joined, LedgerEntry, NewItem};
pub use cue::{Cue, Cues};
pub use frame::{Batch, BatchBuilder, PULSE, Position};
pub use item::{
    AuthorHistory, ClusterInfo, ItemId, ItemState, MatchInfo, PostInfo, WORK_ITEM_SCHEMA, WorkItem,
};
pub use mention::{Aspects, Match, Mention, Span, merged};
pub use post::{Author, Event, Post, PostKind, PostRef, web_url};
pub use queue::{HistoryEntry, ItemFilter, ItemRecord, QueueError, QueueOp, QueueStats, TeamStats};
pub use recovered::{Recovered, RecoveredAuthor, RecoveredItem, ReplySwitch};
pub use reject::RejectReason;
pub use reply::{ReplyCounts, ReplyDecision, ReplyMode, ReplyStatus, ReplyVerdict};
pub use rule::{RuleCost, RuleCount, RuleDrift, RuleIndex, RuleInfo, RuleShare, RuleStatus};
pub use sample::RuleSample;
pub use scores::{Factors, Intent, Lane, Priority, Scores, Sentiment, SentimentLabel, UrgencyLabel};
pub use time::Timestamp;
pub use tone::{Tone, Tones};

use std::hash::{BuildHasher, Hasher};

/// Hashes a stable identity (a URI, an author id) to the 64-bit key used on disk and in memory.
///
/// XXH3-64 with seed 0: the value is written to the store, so it must never change.
#[must_use]
pub fn stable_key(identity: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(identity)
}

/// A pass-through hasher for maps keyed by [`stable_key`], mixed with a per-process seed
/// so that a hostile choice of identities cannot pile up in one bucket.
#[derive(Clone, Debug)]
pub struct KeyHasher(u64);

/// Builds [`KeyHasher`]s that share one random seed.
#[derive(Clone, Debug)]
pub struct BuildKeyHasher(u64);

impl Default for BuildKeyHasher {
    fn default() -> Self {
        Self(foldhash::fast::RandomState::default().hash_one(0u64))
    }
}

impl BuildHasher for BuildKeyHasher {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher(self.0)
    }
}

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, key: u64) {
        let mixed = u128::from(key ^ self.0) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (mixed >> 64) as u64 ^ mixed as u64;
    }
}

/// A map keyed by [`stable_key`] values.
pub type KeyMap<V> = hashbrown::HashMap<u64, V, BuildKeyHasher>;
