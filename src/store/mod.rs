//! The durable store: one SQLite file that is the queue, the memory over restarts, and the outbox of the sinks.
//!
//! Layer 3. One [`Writer`], owned by the engine's thread, commits whatever a step of the pipeline made in one
//! transaction; any number of [`Reader`]s look on through connections of their own. Synchronous: no threads, no
//! wall clock (`now` is an argument). WAL with `synchronous=FULL`: what a commit reports is on the disk.

mod changes;
mod errors;
mod filter;
mod keys;
mod names;
mod outbox;
mod queue;
mod reader;
mod recover;
mod retention;
mod rows;
mod schema;
mod writer;

#[cfg(test)]
mod queue_model;
#[cfg(test)]
pub(crate) mod testing;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::model::metric::Metric;

pub use errors::StoreError;
pub use outbox::{
    CursorUpdate, DeadLetter, OUTBOX_BATCH_BYTES_MAX, OutboxCursors, OutboxEntry, SinkCounts, SinkLaneCounts,
};
pub use queue::{
    ACK_SECONDS, AGENT_BYTES_MAX, CLAIM_COUNT_MAX, CLAIM_SECONDS, HANDOFFS_TOTAL, LEASE_MAX, QUEUE_OPS_TOTAL,
    RESOLVE_SECONDS, TEXT_BYTES_MAX,
};
pub use reader::{LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, Reader, StoreCounts};
pub use retention::{PRUNE_ROWS_MAX, Pruned, STORE_BYTES};
pub use writer::{
    COMMIT_FAILURES_TOTAL, COMMIT_ITEMS, COMMIT_SECONDS, CommitReport, ITEMS_REPEATED_TOTAL,
    ITEMS_STORED_TOTAL, LaneCount, SEEN_KEYS_TOTAL, Writer,
};

/// How the store behaves.
///
/// ```toml
/// [store]
/// path = "birddog.db"
/// retention = "30d"            # resolved and withdrawn items, sent outbox rows, dead letters
/// seen_window = "36h"          # a post is never taken twice within this
/// ageing = "4h"                # an unclaimed item rises one lane for each of these it has waited
/// cache_bytes = "32MiB"
/// recover_seen_max = 4000000   # keys read back on start, the newest
/// recover_items_max = 200000
/// recover_joined_max = 1000000
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database file; `-wal`, `-shm` and `.lock` stand beside it.
    pub path: PathBuf,
    /// How long closed items, sent outbox rows and dead letters are kept. Open items are kept for ever.
    #[serde(with = "crate::model::setting::duration")]
    pub retention: Duration,
    /// How long an identity is remembered; longer than any rewind of a source.
    #[serde(with = "crate::model::setting::duration")]
    pub seen_window: Duration,
    /// Waiting time that lifts an item one lane, for claims and for sinks.
    #[serde(with = "crate::model::setting::duration")]
    pub ageing: Duration,
    /// Page cache of the writing connection, in bytes.
    #[serde(with = "crate::model::setting::size")]
    pub cache_bytes: usize,
    /// Most seen keys handed back by [`Store::recover`]; 16 bytes of memory each.
    pub recover_seen_max: usize,
    /// Most items handed back by [`Store::recover`]; about 160 bytes of memory each.
    pub recover_items_max: usize,
    /// Most joined events handed back by [`Store::recover`]; 32 bytes of memory each.
    pub recover_joined_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        const HOUR: u64 = 3_600;
        Self {
            path: PathBuf::from("birddog.db"),
            retention: Duration::from_secs(30 * 24 * HOUR),
            seen_window: Duration::from_secs(36 * HOUR),
            ageing: Duration::from_secs(4 * HOUR),
            cache_bytes: 32 << 20,
            recover_seen_max: 4_000_000,
            recover_items_max: 200_000,
            recover_joined_max: 1_000_000,
        }
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
        let lock = lock(&config.path)?;
        let db = schema::open_writer(config)?;
        let writer = Writer::new(db, lock, config.clone(), keep_outbox)?;
        let reader = Reader::new(config);
        Ok(Self { writer, reader })
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

/// Locks `PATH.lock` for as long as the file is open. The lock dies with the process, however that ends.
fn lock(path: &Path) -> Result<File, StoreError> {
    let cannot =
        |error: std::io::Error| StoreError::Open { path: path.to_owned(), reason: error.to_string() };
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(name).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        Err(std::fs::TryLockError::Error(error)) => Err(cannot(error)),
    }
}
