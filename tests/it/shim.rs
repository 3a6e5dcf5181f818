//! A library that stands between the daemon and the C library: its clock leaps, its disk fills up and dawdles, and
//! what it writes is recorded. In C, since this crate has no unsafe code; see `shim/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Compiles the library, once a run.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/shim");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(folder).unwrap();
        // Under a name of its own until it is whole: several runs may share the folder.
        let (made, whole) =
            (folder.join(format!("shim-{}.so", std::process::id())), folder.join("birddog-shim.so"));
        let cc = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let mut compile = Command::new(&cc);
        compile.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&made);
        compile.args([sources.join("clock.c"), sources.join("disk.c")]).args(["-ldl", "-lpthread"]);
        assert!(compile.status().unwrap().success(), "{cc} cannot compile the shim");
        fs::rename(&made, &whole).unwrap();
        whole
    })
}

/// Where a daemon gets the library's orders from.
pub(crate) struct Shim {
    folder: tempfile::TempDir,
}

impl Shim {
    pub(crate) fn new() -> Self {
        library();
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn order(&self, name: &str, text: &str) {
        let (draft, whole) = (self.folder.path().join("draft"), self.folder.path().join(name));
        fs::write(&draft, text).unwrap();
        fs::rename(draft, whole).unwrap();
    }

    /// The wall clock is off by so much from now on.
    pub(crate) fn set_clock(&self, offset_us: i64) {
        self.order("clock", &offset_us.to_string());
    }

    /// Files may grow by so many bytes after the start of the process; `None` is no limit.
    pub(crate) fn set_disk(&self, growth_bytes_max: Option<u64>, sync_ms: u64) {
        let growth = growth_bytes_max.map_or_else(|| "-1".to_owned(), |bytes| bytes.to_string());
        self.order("disk", &format!("{growth} {sync_ms}"));
    }

    /// The file to which everything that reaches the disk is recorded.
    pub(crate) fn recording(&self) -> PathBuf {
        self.folder.path().join("recording")
    }

    /// Puts the daemon that `command` starts on this clock.
    pub(crate) fn on_clock(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library()).env("BIRDDOG_SHIM_CLOCK", self.folder.path().join("clock"));
    }

    /// Puts its files below `folder` on this disk.
    pub(crate) fn on_disk(&self, command: &mut Command, folder: &Path) {
        command.env("LD_PRELOAD", library()).env("BIRDDOG_SHIM_DISK", self.folder.path().join("disk"));
        command.env("BIRDDOG_SHIM_DIR", folder.canonicalize().unwrap());
    }

    /// Records what happens to its files below `folder`.
    pub(crate) fn record(&self, command: &mut Command, folder: &Path) {
        command.env("LD_PRELOAD", library()).env("BIRDDOG_SHIM_LOG", self.recording());
        command.env("BIRDDOG_SHIM_DIR", folder.canonicalize().unwrap());
    }
}
