//! The database on disk: its tables, their version, and how a connection is set up.
//!
//! Every table that grows with the stream is appended to in order; the few secondary indexes are partial or
//! clustered by team, so that a commit dirties few pages. What is looked up by hash lives in `keys.rs`.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction};

use super::{Config, StoreError, migrate};

/// Version in `user_version` after the first of the [`MIGRATIONS`]; older stores are refused: version 1 (0.1.0)
/// had its bodies in JSON, 2 (never released) had no cues and tones in them.
const SCHEMA_FIRST: i64 = 3;

/// Version in `user_version` after all of them.
pub(super) const SCHEMA_VERSION: i64 = SCHEMA_FIRST + MIGRATIONS.len() as i64 - 1;

/// Page size of new stores: larger pages make appending cheaper and single commits dearer.
const PAGE_BYTES: i64 = 8_192;

/// The log is copied into the database whenever it is longer than this.
pub(super) const WAL_BYTES_MAX: i64 = 16 << 20;

/// How long a statement waits for a lock of another connection.
pub(super) const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Statements kept prepared per connection.
const STATEMENTS_MAX: usize = 96;

/// `auto_vacuum` as SQLite numbers it: free pages can be given back a few at a time.
const AUTO_VACUUM_INCREMENTAL: i64 = 2;

/// Stores of this version and later can give free pages back.
const SCHEMA_COMPACTED: i64 = 4;

/// One step from a version to the next.
type Migration = fn(&Transaction<'_>) -> Result<(), StoreError>;

/// All steps; a released one never changes.
const MIGRATIONS: [Migration; 3] = [
    |step| Ok(step.execute_batch(include_str!("schema_3.sql"))?),
    migrate::to_schema_4,
    |step| Ok(step.execute_batch(include_str!("schema_5.sql"))?),
];

/// Opens the one connection that writes, and brings the schema up to date.
pub(super) fn open_writer(config: &Config) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut db = connect(&config.path, flags)?;
    db.pragma_update(None, "page_size", PAGE_BYTES)?;
    db.pragma_update(None, "auto_vacuum", AUTO_VACUUM_INCREMENTAL)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", false)?;
    // What is deleted is overwritten: a deleted text must not be found in the file.
    db.pragma_update(None, "secure_delete", true)?;
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
    // Plans do not depend on bound values: otherwise each new LIMIT has a statement prepared again.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
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
    for migration in &MIGRATIONS[done..] {
        migration(&step)?;
    }
    step.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    step.commit()?;
    if found != 0 && found != SCHEMA_VERSION {
        tracing::info!(from = found, to = SCHEMA_VERSION, "store migrated");
        if found < SCHEMA_COMPACTED {
            enable_vacuum(db);
        }
    }
    Ok(())
}

/// A store from before schema 4 has to be written anew once, before it can give pages back.
fn enable_vacuum(db: &Connection) {
    if let Err(error) = db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM") {
        tracing::warn!(%error, "store cannot be compacted; its file will not shrink");
    }
}
