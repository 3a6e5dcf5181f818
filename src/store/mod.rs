//! The durable store: one SQLite file that is the queue, the memory over restarts, and the outbox of the sinks.
//!
//! Layer 3. One [`Writer`], owned by the engine's thread, commits whatever a step of the line made in one
//! transaction; any number of [`Reader`]s look on through connections of their own. Synchronous: no threads, no
//! wall clock (`now` is an argument). WAL with `synchronous=FULL`: what a commit reports is on the disk.

mod boot_line;
mod changes;
mod clock_record;
mod config;
mod errors;
mod feed;
mod filter;
mod keys;
mod list;
mod lock;
mod marks;
mod migrate;
mod names;
mod outbox;
mod pending;
mod pruning;
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

use std::sync::Arc;

use self::lock::Lock;
use crate::model::metric::Metric;
use crate::model::{ClockRecord, Keyring};

pub use config::Config;
pub use errors::StoreError;
pub use list::is_place;
pub use outbox::{
    CursorUpdate, DeadLetter, OUTBOX_BATCH_BYTES_MAX, OutboxCursors, OutboxEntry, SinkCounts, SinkLaneCounts,
};
pub use queue::{
    ACK_SECONDS, CLAIM_BYTES_MAX, CLAIM_SECONDS, HANDOFFS_TOTAL, HISTORY_ENTRIES_MAX, QUEUE_OPS_TOTAL,
    RESOLVE_SECONDS,
};
pub use reader::{LIST_BYTES_MAX, Reader, StoreCounts};
pub use retention::{
    EXPIRED_TOTAL, FREE_BYTES, OPEN_ITEMS, PRUNE_ROWS_MAX, PRUNED_TOTAL, Pruned, STORE_BYTES, WAL_BYTES,
};
pub use writer::{
    COMMIT_FAILURES_TOTAL, COMMIT_ITEMS, COMMIT_SECONDS, CommitReport, ITEMS_REPEATED_TOTAL,
    ITEMS_STORED_TOTAL, LaneCount, SEEN_KEYS_TOTAL, Writer,
};

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
