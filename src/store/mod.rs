//! The durable store: one SQLite file that is the queue, the memory over restarts, and the outbox of the sinks.
//!
//! Layer 3. One [`Writer`], owned by the engine's thread, commits whatever a step of the pipeline made in one
//! transaction; any number of [`Reader`]s look on through connections of their own. Synchronous: no threads, no
//! wall clock (`now` is an argument). WAL with `synchronous=FULL`: what a commit reports is on the disk.

mod changes;
mod clock_record;
mod errors;
mod feed;
mod filter;
mod keys;
mod list;
mod lock;
mod migrate;
mod names;
mod outbox;
mod queue;
mod reader;
mod recover;
mod retention;
mod rows;
mod schema;
mod sql;
mod writer;

#[cfg(test)]
mod queue_model;
#[cfg(test)]
pub(crate) mod testing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use self::lock::Lock;
use crate::model::metric::Metric;
use crate::model::{ClockRecord, Keyring};

pub use errors::StoreError;
pub use list::{LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, is_place};
pub use outbox::{
    CursorUpdate, DeadLetter, OUTBOX_BATCH_BYTES_MAX, OutboxCursors, OutboxEntry, SinkCounts, SinkLaneCounts,
};
pub use queue::{
    ACK_SECONDS, AGENT_BYTES_MAX, CLAIM_BYTES_MAX, CLAIM_COUNT_MAX, CLAIM_SECONDS, HANDOFFS_TOTAL,
    HISTORY_ENTRIES_MAX, LEASE_MAX, QUEUE_OPS_TOTAL, RESOLVE_SECONDS, TEXT_BYTES_MAX,
};
pub use reader::{LIST_BYTES_MAX, Reader, StoreCounts};
pub use retention::{
    EXPIRED_TOTAL, FREE_BYTES, OPEN_ITEMS, PRUNE_ROWS_MAX, PRUNED_TOTAL, Pruned, STORE_BYTES, WAL_BYTES,
};
pub use writer::{
    COMMIT_FAILURES_TOTAL, COMMIT_ITEMS, COMMIT_SECONDS, CommitReport, ITEMS_REPEATED_TOTAL,
    ITEMS_STORED_TOTAL, LaneCount, SEEN_KEYS_TOTAL, Writer,
};

/// How the store behaves.
///
/// ```toml
/// [store]
/// path = "birddog.db"
/// retention = "30d"            # resolved and withdrawn items, dead letters
/// open_age_max = "90d"         # an item that is open for longer is withdrawn as expired
/// open_items_max = 1000000     # beyond it the oldest unclaimed items of the lowest lanes are
/// seen_window = "36h"          # a post is never taken twice within this
/// ageing = "4h"                # an unclaimed item rises one lane for each of these it has waited
/// changes_kept = "7d"          # the change feed; a client that was away for longer reads the items anew
/// changes_max = 1000000
/// cache_bytes = "16MiB"
/// recover_seen_max = 4000000   # keys read back on start, the newest
/// recover_items_max = 200000
/// recover_joined_max = 1000000
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database file; `-wal` and `-shm` stand beside it. Only its owner may read them.
    pub path: PathBuf,
    /// How long closed items and dead letters are kept, in time that birddog knows to have passed.
    #[serde(with = "crate::model::setting::duration")]
    pub retention: Duration,
    /// How long an item may be open before it is withdrawn as expired.
    #[serde(with = "crate::model::setting::duration")]
    pub open_age_max: Duration,
    /// Most open items. When there are more, the oldest unclaimed ones of the lowest lanes are withdrawn as expired.
    pub open_items_max: usize,
    /// How long an identity is remembered; longer than any rewind of a source.
    #[serde(with = "crate::model::setting::duration")]
    pub seen_window: Duration,
    /// Waiting time that lifts an item one lane, for claims and for sinks.
    #[serde(with = "crate::model::setting::duration")]
    pub ageing: Duration,
    /// How long changes stay in the feed.
    #[serde(with = "crate::model::setting::duration")]
    pub changes_kept: Duration,
    /// Most changes in the feed; beyond it the oldest go early.
    pub changes_max: usize,
    /// Page cache of the writing connection, in bytes.
    #[serde(with = "crate::model::setting::size")]
    pub cache_bytes: usize,
    /// Most seen keys handed back by [`Store::recover`]; 24 bytes of memory each.
    pub recover_seen_max: usize,
    /// Most items handed back by [`Store::recover`]; about 300 bytes of memory each.
    pub recover_items_max: usize,
    /// Most joined events handed back by [`Store::recover`]; about 160 bytes of memory each.
    pub recover_joined_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        const HOUR: u64 = 3_600;
        Self {
            path: PathBuf::from("birddog.db"),
            retention: Duration::from_secs(30 * 24 * HOUR),
            open_age_max: Duration::from_secs(90 * 24 * HOUR),
            open_items_max: 1_000_000,
            seen_window: Duration::from_secs(36 * HOUR),
            ageing: Duration::from_secs(4 * HOUR),
            changes_kept: Duration::from_secs(7 * 24 * HOUR),
            changes_max: 1_000_000,
            cache_bytes: 16 << 20,
            recover_seen_max: 4_000_000,
            recover_items_max: 200_000,
            recover_joined_max: 1_000_000,
        }
    }
}

impl Config {
    /// Every setting that cannot be meant.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        let path = self.path.to_string_lossy();
        let is_in_memory = path.is_empty() || path == ":memory:" || path.starts_with("file:");
        let wrong = [
            (is_in_memory, "store.path must name a file on disk: nothing outlives a stop elsewhere"),
            (
                self.retention.is_zero(),
                "store.retention is 0, so that closed items go at once; use \"1h\" or more",
            ),
            (self.open_age_max.is_zero(), "store.open_age_max is 0, so that every open item expires at once"),
            (self.open_items_max == 0, "store.open_items_max is 0, so that every open item expires at once"),
        ];
        wrong.iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, why)| (*why).to_owned()).collect()
    }
}

/// The metrics of this part.
pub const METRICS: &[Metric] = &[
    Metric::histogram(COMMIT_SECONDS, "Time a commit took, transaction and sync included.", &[]),
    Metric::histogram(COMMIT_ITEMS, "New items per commit.", &[]),
    Metric::counter(COMMIT_FAILURES_TOTAL, "Commits that failed and are tried again.", &[]),
    Metric::counter(ITEMS_STORED_TOTAL, "Work items stored, by team and lane.", &["team", "lane"]),
    Metric::counter(
        ITEMS_REPEATED_TOTAL,
        "Work items not stored because their id was there, by team and lane.",
        &["team", "lane"],
    ),
    Metric::counter(SEEN_KEYS_TOTAL, "Identity keys remembered.", &[]),
    Metric::gauge(STORE_BYTES, "Size of the database file.", &[]),
    Metric::gauge(FREE_BYTES, "Bytes of the database file that hold nothing.", &[]),
    Metric::gauge(WAL_BYTES, "Size of the write-ahead log beside the database.", &[]),
    Metric::gauge(OPEN_ITEMS, "Open items in the store.", &[]),
    Metric::counter(PRUNED_TOTAL, "Rows removed because their time was over, by kind.", &["kind"]),
    Metric::counter(
        EXPIRED_TOTAL,
        "Open items withdrawn because they were too old (age) or too many (count).",
        &["reason"],
    ),
    Metric::histogram(CLAIM_SECONDS, "From an item's creation to its first claim, by team.", &["team"]),
    Metric::histogram(
        ACK_SECONDS,
        "From an item's creation to its first acknowledgement (first response), by team.",
        &["team"],
    ),
    Metric::histogram(RESOLVE_SECONDS, "From an item's creation to its resolution, by team.", &["team"]),
    Metric::counter(HANDOFFS_TOTAL, "Items handed from one team to another, by both.", &["from", "to"]),
    Metric::counter(QUEUE_OPS_TOTAL, "Things done to items, by team and action.", &["team", "action"]),
];

/// An open store, before it is split into its writer and readers.
pub struct Store {
    writer: Writer,
    reader: Reader,
}

impl Store {
    /// Opens or makes the store, brings its schema up to date, and takes its lock.
    ///
    /// With `keep_outbox` (any external sink is configured) items are queued for the sinks as well.
    ///
    /// # Errors
    /// When the file cannot be opened, belongs to a newer birddog, is damaged, or is in use by another process.
    pub fn open(config: &Config, keep_outbox: bool) -> Result<Self, StoreError> {
        let lock = Arc::new(Lock::take(&config.path)?);
        let db = schema::open_writer(config)?;
        let writer = Writer::new(db, Arc::clone(&lock), config.clone(), keep_outbox)?;
        let reader = Reader::new(config, lock);
        Ok(Self { writer, reader })
    }

    /// The keyring of this store: its secret was drawn when it was made.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn keys(&self) -> Result<Keyring, StoreError> {
        let secret = self.writer.db.query_row("SELECT secret FROM meta", [], |row| row.get(0))?;
        Ok(Keyring::new(secret))
    }

    /// What the store last knew of time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn clock(&self) -> Result<ClockRecord, StoreError> {
        clock_record::read_clock(&self.writer.db)
    }

    /// A reader; clone it freely.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// The one writer.
    #[must_use]
    pub fn into_writer(self) -> Writer {
        self.writer
    }
}
