//! The database on disk: its tables, their version, and how a connection is set up.
//!
//! Every table that grows with the stream is appended to in order; the few secondary indexes are partial or
//! clustered by team, so that a commit dirties few pages. What is looked up by hash lives in `keys.rs`.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{Config, StoreError};

/// Version in `user_version` after the first of the [`MIGRATIONS`]; older stores are refused: version 1 (0.1.0)
/// had its bodies in JSON, 2 (never released) had no cues and tones in them.
const SCHEMA_FIRST: i64 = 3;

/// Version in `user_version` after all of them.
pub(super) const SCHEMA_VERSION: i64 = SCHEMA_FIRST + MIGRATIONS.len() as i64 - 1;

/// Page size of new stores: larger pages make appending cheaper and single commits dearer.
const PAGE_BYTES: i64 = 8_192;

/// The log is copied into the database whenever it is longer than this.
const WAL_BYTES_MAX: i64 = 16 << 20;

/// How long a statement waits for a lock of another connection.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Statements kept prepared per connection.
const STATEMENTS_MAX: usize = 64;

/// Steps from one version to the next; a released step never changes.
const MIGRATIONS: [&str; 1] = ["
CREATE TABLE meta(
    one INTEGER PRIMARY KEY CHECK (one = 1),
    next_seq INTEGER NOT NULL,      -- the next item's; next_seq - 1 items were ever stored
    flushed_to INTEGER NOT NULL,    -- items up to this seq are in key_log
    announced_0 INTEGER NOT NULL, announced_1 INTEGER NOT NULL, announced_2 INTEGER NOT NULL,
    announced_3 INTEGER NOT NULL    -- outbox rows ever written, per lane
);
INSERT INTO meta VALUES (1, 1, 0, 0, 0, 0, 0);
CREATE TABLE names(n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE items(
    seq INTEGER PRIMARY KEY, id INTEGER NOT NULL, team INTEGER NOT NULL, brand INTEGER NOT NULL,
    state INTEGER NOT NULL, lane INTEGER NOT NULL, score INTEGER NOT NULL,
    created_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
    updated_at INTEGER,             -- NULL: never, since it was made
    post INTEGER NOT NULL, author INTEGER NOT NULL,
    size INTEGER NOT NULL, authors INTEGER NOT NULL, revision INTEGER NOT NULL,
    holder TEXT, lease_until INTEGER, closed_at INTEGER,
    packed BLOB NOT NULL,           -- cluster, factors and author history, see rows.rs
    body BLOB NOT NULL,             -- see model/body.rs
    reply TEXT
);
CREATE INDEX items_open ON items(team, state, lane, created_at, due_at) WHERE state < 3;
CREATE INDEX items_lease ON items(lease_until) WHERE state = 1;
CREATE INDEX items_closed ON items(closed_at, state, team) WHERE state >= 3;
CREATE TABLE key_log(n INTEGER PRIMARY KEY, entries BLOB NOT NULL);
CREATE TABLE key_flushes(n INTEGER PRIMARY KEY, seq_min INTEGER NOT NULL, seq_max INTEGER NOT NULL);
CREATE TABLE history(
    n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL,
    agent TEXT NOT NULL, action TEXT NOT NULL, detail TEXT
);
CREATE INDEX history_seq ON history(seq);
CREATE TABLE handoffs(team INTEGER PRIMARY KEY, handed_in INTEGER NOT NULL, handed_out INTEGER NOT NULL);
CREATE TABLE positions(source TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE seen(n INTEGER PRIMARY KEY, at INTEGER NOT NULL, keys BLOB NOT NULL);
CREATE TABLE joined(n INTEGER PRIMARY KEY, at INTEGER NOT NULL, entries BLOB NOT NULL);
CREATE TABLE ledger(
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, post INTEGER NOT NULL, author INTEGER NOT NULL,
    conversation INTEGER NOT NULL, rule TEXT NOT NULL, account TEXT NOT NULL,
    verdict INTEGER NOT NULL, guard TEXT
);
CREATE TABLE reply_switch(
    n INTEGER PRIMARY KEY, armed INTEGER NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE TABLE outbox(n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE TABLE sinks(
    name TEXT NOT NULL, lane INTEGER NOT NULL, start INTEGER NOT NULL, cursor INTEGER NOT NULL,
    dead INTEGER NOT NULL, PRIMARY KEY (name, lane)
) WITHOUT ROWID;
CREATE TABLE dead_letters(
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, sink TEXT NOT NULL, id INTEGER NOT NULL,
    lane INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL
);
"];

/// Opens the one connection that writes, and brings the schema up to date.
pub(super) fn open_writer(config: &Config) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut db = connect(&config.path, flags)?;
    db.pragma_update(None, "page_size", PAGE_BYTES)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", false)?;
    let page_bytes: i64 = db.pragma_query_value(None, "page_size", |row| row.get(0))?;
    db.pragma_update(None, "wal_autocheckpoint", WAL_BYTES_MAX / page_bytes.max(512))?;
    db.pragma_update(None, "journal_size_limit", 4 * WAL_BYTES_MAX)?;
    set_cache(&db, config.cache_bytes)?;
    migrate(&mut db, &config.path)?;
    Ok(db)
}

/// Opens one more connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    set_cache(&db, READER_CACHE_BYTES)?;
    Ok(db)
}

/// Page cache of each reading connection.
const READER_CACHE_BYTES: usize = 2 << 20;

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| StoreError::Open { path: path.to_owned(), reason: error.to_string() })?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(db)
}

fn set_cache(db: &Connection, bytes: usize) -> Result<(), StoreError> {
    let kibibytes = i64::try_from(bytes / 1024).unwrap_or(i64::MAX);
    Ok(db.pragma_update(None, "cache_size", -kibibytes)?)
}

fn migrate(db: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, known: SCHEMA_VERSION });
    }
    if found != 0 && found < SCHEMA_FIRST {
        return Err(StoreError::OlderSchema { path: path.to_owned(), found });
    }
    let done = (found + 1 - SCHEMA_FIRST).max(0) as usize;
    let step = db.transaction()?;
    for statements in &MIGRATIONS[done..] {
        step.execute_batch(statements)?;
    }
    step.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(step.commit()?)
}
