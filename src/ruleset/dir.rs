//! Reads a folder of rules into memory: packs and keyword lists, in order of path; and tells whether it has changed.
//!
//! Only the reading; what the files say is `rules::pack`'s business.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::rules::diagnostic::SourceFile;
use crate::rules::pack::has_extension;

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: u64 = 64 << 20;
/// Most files.
pub const FILES_MAX: usize = 10_000;
/// Readings after which a folder that changes each time is given up.
const READS_MAX: usize = 3;
/// Deepest folder below the given one.
pub const DEPTH_MAX: usize = 8;

/// Why a folder of rules cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RulesDirError {
    #[error("cannot read {}: {source}; name the folder of rules with --rules DIR, or start one as rules/README.md shows", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("cannot read {}: {source}; mend it, or remove it", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is no regular file; remove it, or give it a name that does not end in .toml or .txt", path.display())]
    NotAFile { path: PathBuf },
    #[error("{} has more than {FILE_BYTES_MAX} bytes: split it", path.display())]
    TooLarge { path: PathBuf },
    #[error("{} has more than {FILES_MAX} files of rules: is it the right folder?", path.display())]
    TooMany { path: PathBuf },
    #[error("{} is more than {DEPTH_MAX} folders deep: is it the right folder?", path.display())]
    TooDeep { path: PathBuf },
    #[error("{} is not UTF-8 text; save it as UTF-8", path.display())]
    NotText { path: PathBuf },
    #[error("{} has no packs (*.toml): is it the right folder?", path.display())]
    NoPacks { path: PathBuf },
    #[error("the files in {} change while they are read; it is tried again when they are left alone", path.display())]
    Changing { path: PathBuf },
}

/// Reads every `*.toml` and `*.txt` in `folder` and the folders below it, in order of path. Names that begin with a
/// dot are passed over (editors and Kubernetes keep their own things there).
///
/// # Errors
/// When a file or folder cannot be read, is over a limit, or there is no pack at all.
pub fn read_dir(folder: &Path) -> Result<Vec<SourceFile>, RulesDirError> {
    let paths = list(folder)?;
    if !paths.iter().any(|path| has_extension(path, "toml")) {
        return Err(RulesDirError::NoPacks { path: folder.to_owned() });
    }
    paths.into_iter().map(read_file).collect()
}

/// As [`read_dir`], all files as they were at one time.
///
/// # Errors
/// As [`read_dir`], or when the files are changed each time they are read.
pub(super) fn read_whole(folder: &Path) -> Result<(Vec<SourceFile>, Stamp), RulesDirError> {
    let mut before = Stamp::of(folder)?;
    for _ in 0..READS_MAX {
        let files = read_dir(folder);
        let after = Stamp::of(folder)?;
        if before == after {
            return Ok((files?, after));
        }
        before = after;
    }
    Err(RulesDirError::Changing { path: folder.to_owned() })
}

/// What a folder of rules looks like from outside: another one when a file that [`read_dir`] would read was written,
/// replaced, added or removed, directly or behind a link. Nothing is read for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Which folder it is, whatever its name.
    pub folder: (u64, u64),
    files: u64,
}

impl Stamp {
    /// Looks at the folder.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be looked at.
    pub fn of(folder: &Path) -> Result<Self, RulesDirError> {
        let at = |source| RulesDirError::Folder { path: folder.to_owned(), source };
        let root = fs::metadata(folder).map_err(at)?;
        let mut hash = Xxh3::new();
        for path in list(folder)? {
            let file = look(&path)?;
            let bytes = path.as_os_str().as_encoded_bytes();
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
            // The time of change cannot be set back, unlike that of modification, which `cp -p` does.
            for number in [file.dev(), file.ino(), file.len(), file.ctime() as u64, file.ctime_nsec() as u64]
            {
                hash.update(&number.to_le_bytes());
            }
        }
        Ok(Self { folder: (root.dev(), root.ino()), files: hash.digest() })
    }
}

/// The files to read, in order.
fn list(folder: &Path) -> Result<Vec<PathBuf>, RulesDirError> {
    let mut paths = Vec::new();
    collect(folder, 0, &mut paths)?;
    if paths.len() > FILES_MAX {
        return Err(RulesDirError::TooMany { path: folder.to_owned() });
    }
    paths.sort_unstable();
    Ok(paths)
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), RulesDirError> {
    let at = |source| match depth {
        0 => RulesDirError::Folder { path: folder.to_owned(), source },
        _ => RulesDirError::Read { path: folder.to_owned(), source },
    };
    for entry in fs::read_dir(folder).map_err(at)? {
        let path = entry.map_err(at)?.path();
        if path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        if path.is_dir() {
            if depth >= DEPTH_MAX {
                return Err(RulesDirError::TooDeep { path });
            }
            collect(&path, depth + 1, paths)?;
        } else if has_extension(&path, "toml") || has_extension(&path, "txt") {
            paths.push(path);
        }
        if paths.len() > FILES_MAX {
            break;
        }
    }
    Ok(())
}

fn look(path: &Path) -> Result<fs::Metadata, RulesDirError> {
    fs::metadata(path).map_err(|source| RulesDirError::Read { path: path.to_owned(), source })
}

fn read_file(path: PathBuf) -> Result<SourceFile, RulesDirError> {
    // To open a pipe is to wait for whoever writes to it.
    if !look(&path)?.is_file() {
        return Err(RulesDirError::NotAFile { path });
    }
    let mut content = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content));
    if let Err(source) = read {
        return Err(RulesDirError::Read { path, source });
    }
    if content.len() as u64 > FILE_BYTES_MAX {
        return Err(RulesDirError::TooLarge { path });
    }
    match String::from_utf8(content) {
        Ok(text) => Ok(SourceFile { path, text }),
        Err(_) => Err(RulesDirError::NotText { path }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_and_lists_are_read_in_order_and_hidden_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), name).unwrap();
        fs::create_dir(folder.path().join("more")).unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        for name in ["b.toml", "a.txt", ".hidden.toml", "README.md", "more/c.toml", ".git/d.toml"] {
            write(name);
        }
        let files = read_dir(folder.path()).unwrap();
        let names: Vec<&str> = files.iter().map(|file| file.text.as_str()).collect();
        assert_eq!(names, ["a.txt", "b.toml", "more/c.toml"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read_dir(folder.path()), Err(RulesDirError::NoPacks { .. })));
        assert!(matches!(read_dir(&folder.path().join("none")), Err(RulesDirError::Folder { .. })));
        fs::write(folder.path().join("a.toml"), [0xFF, 0xFE]).unwrap();
        assert!(matches!(read_dir(folder.path()), Err(RulesDirError::NotText { .. })));
        let large = fs::File::create(folder.path().join("b.toml")).unwrap();
        large.set_len(FILE_BYTES_MAX + 1).unwrap();
        fs::write(folder.path().join("a.toml"), "").unwrap();
        assert!(matches!(read_dir(folder.path()), Err(RulesDirError::TooLarge { .. })));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_with_its_cause_and_its_own_remedy() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("broken.txt")).unwrap();
        for read in [read_dir(folder.path()), read_whole(folder.path()).map(|(files, _)| files)] {
            let told = read.unwrap_err().to_string();
            assert!(told.contains("broken.txt: No such file") && !told.contains("--rules"), "{told}");
        }
        let told = read_dir(&folder.path().join("none")).unwrap_err().to_string();
        assert!(told.contains("none: No such file") && told.contains("--rules"), "{told}");
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), "").unwrap();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("zz.txt")).status().unwrap();
        assert!(made.success());
        assert!(matches!(read_whole(folder.path()), Err(RulesDirError::NotAFile { .. })));
    }
}
