//! What can go wrong in the store, by what the caller should do about it.
//!
//! Retry with the same `Commit` while [`StoreError::is_retryable`]; anything else needs a person.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store refused.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be opened or made.
    #[error("cannot open the store {}: {reason}; check [store] path and its permissions", path.display())]
    Open {
        /// The store.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Another process has it.
    #[error("the store {} is in use by another process; stop that one, or set another [store] path", path.display())]
    Locked {
        /// The store.
        path: PathBuf,
    },
    /// The file was moved or replaced while it was open.
    #[error(
        "the store {} is no longer the file that was opened; stop birddog, put the right file there, and start again",
        path.display()
    )]
    Replaced {
        /// The store.
        path: PathBuf,
    },
    /// The file has several names, so SQLite's log would stand beside any of them.
    #[error("the store {} has {links} hard links; give it one name only, with a symbolic link for another", path.display())]
    HardLinked {
        /// The store.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// Written by a newer birddog.
    #[error("the store {} has schema {found}, this birddog knows up to {known}; run the newer birddog", path.display())]
    NewerSchema {
        /// The store.
        path: PathBuf,
        /// What the file says.
        found: i64,
        /// What this program knows.
        known: i64,
    },
    /// Written by a birddog from before the first release whose stores are carried on.
    #[error("the store {} has schema {found}, too old for this birddog; move it away to start empty", path.display())]
    OlderSchema {
        /// The store.
        path: PathBuf,
        /// What the file says.
        found: i64,
    },
    /// Not a database, or a damaged one.
    #[error("the store is damaged: {0}; restore it from a backup, or move it away to start empty")]
    Corrupt(String),
    /// No room on the disk. Nothing was written: retry.
    #[error("the disk of the store is full; free some space and writing goes on by itself")]
    Full,
    /// The disk or the file system failed. Nothing was written: retry.
    #[error("the store cannot be written or read: {0}; retrying")]
    Io(String),
    /// Somebody else holds the database for longer than the time-out. Nothing was written: retry.
    #[error("the store is locked by another connection: {0}; retrying")]
    Busy(String),
    /// A statement failed for a reason that a repeat will not mend: a bug in birddog.
    #[error("the store refused a statement: {0}; please report this")]
    Statement(String),
}

impl StoreError {
    /// True when nothing was written and the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Full | Self::Io(_) | Self::Busy(_))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(text),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(text),
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Io(text),
            _ => Self::Statement(text),
        }
    }
}
