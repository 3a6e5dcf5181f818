//! The lock of a store: on the file itself, whatever name it is reached by.
//!
//! An advisory lock (`flock`) on the database's inode holds for every path to it: a symbolic link, another folder, a
//! removed lock file make no difference. A file with several hard links is refused: SQLite names the log beside it after
//! the path, so two names would have two logs, and each would damage what the other wrote. The lock dies with the
//! process, however that ends.

use std::fs::{File, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::StoreError;

/// Texts of people stand in the store: only its owner may read it.
const FILE_MODE: u32 = 0o600;

/// A locked store. Closed when the last connection is: closing any handle of the file would drop SQLite's own locks.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Makes the file if it is missing, and locks it.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let cannot =
            |error: std::io::Error| StoreError::Open { path: path.to_owned(), reason: error.to_string() };
        let mut options = File::options();
        let options = options.create(true).truncate(false).read(true).write(true).mode(FILE_MODE);
        let file = options.open(path).map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { path: path.to_owned() });
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let lock = Self { path: path.to_owned(), file };
        lock.check()?;
        lock.keep_private().map_err(cannot)?;
        Ok(lock)
    }

    /// Refuses when the path no longer leads to the locked file, or when it is not the only one that does.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let cannot =
            |error: std::io::Error| StoreError::Open { path: self.path.clone(), reason: error.to_string() };
        let (locked, found) =
            (self.file.metadata().map_err(cannot)?, std::fs::metadata(&self.path).map_err(cannot)?);
        let identity = |file: &Metadata| (file.dev(), file.ino());
        if identity(&locked) != identity(&found) {
            return Err(StoreError::Replaced { path: self.path.clone() });
        }
        if found.nlink() > 1 {
            return Err(StoreError::HardLinked { path: self.path.clone(), links: found.nlink() });
        }
        Ok(())
    }

    /// Takes away what a former birddog or a umask left to others, from the log beside the database too.
    fn keep_private(&self) -> std::io::Result<()> {
        for path in [self.path.clone(), beside(&self.path, "-wal"), beside(&self.path, "-shm")] {
            match std::fs::metadata(&path) {
                Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                    std::fs::set_permissions(&path, Permissions::from_mode(FILE_MODE))?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The file that SQLite names after the database's real path.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = real.into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_store_is_locked_by_every_name_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.db");
        let lock = Lock::take(&path).unwrap();
        let link = dir.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for name in [&path, &link] {
            assert!(matches!(Lock::take(name), Err(StoreError::Locked { .. })), "{name:?}");
        }
        drop(lock);
        assert!(Lock::take(&link).is_ok());
    }

    #[test]
    fn a_second_name_and_a_replaced_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.db");
        let lock = Lock::take(&path).unwrap();
        let other = dir.path().join("other.db");
        std::fs::hard_link(&path, &other).unwrap();
        assert!(matches!(lock.check(), Err(StoreError::HardLinked { links: 2, .. })));
        std::fs::rename(&other, dir.path().join("moved.db")).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "").unwrap();
        assert!(matches!(lock.check(), Err(StoreError::Replaced { .. })));
    }

    #[test]
    fn only_the_owner_may_read_a_store_new_or_old() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.db");
        drop(Lock::take(&path).unwrap());
        assert_eq!(mode(&path), 0o600);
        std::fs::write(beside(&path, "-wal"), "").unwrap();
        for file in [path.clone(), beside(&path, "-wal")] {
            std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        }
        drop(Lock::take(&path).unwrap());
        assert_eq!((mode(&path), mode(&beside(&path, "-wal"))), (0o600, 0o600));
    }
}
