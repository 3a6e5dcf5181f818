//! Notices that a folder of rules has changed, and waits until it is left alone.
//!
//! What the system tells is only a reason to look; the look decides. So swap files of editors mean nothing, and a
//! file written in place, one renamed over another, and a link that points elsewhere (Kubernetes' `..data`) mean the
//! same. Looking now and then besides covers file systems that tell nothing, and folders that are themselves replaced.

use std::path::PathBuf;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::config::Config;
use super::dir::Stamp;

/// Files that never come to rest are read all the same after this long.
const SETTLE_MAX: Duration = Duration::from_secs(30);

/// A folder, watched.
pub(super) struct FolderWatch {
    path: PathBuf,
    is_on: bool,
    settle: Duration,
    poll: Interval,
    hint: mpsc::Sender<()>,
    hints: mpsc::Receiver<()>,
    told_of: Option<(u64, u64)>,
    told_by: Option<RecommendedWatcher>,
}

impl FolderWatch {
    pub(super) fn new(config: &Config) -> Self {
        let (hint, hints) = mpsc::channel(1);
        let mut poll = tokio::time::interval(config.poll);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            path: config.path.clone(),
            is_on: config.watch,
            settle: config.settle,
            poll,
            hint,
            hints,
            told_of: None,
            told_by: None,
        }
    }

    /// Waits until the folder looks otherwise than `seen`, and has come to rest. May be dropped at any time.
    pub(super) async fn changed(&mut self, seen: Option<Stamp>) {
        if !self.is_on {
            return std::future::pending().await;
        }
        loop {
            self.look_out().await;
            let now = self.look().await;
            if now != seen && self.settled(now).await != seen {
                return;
            }
        }
    }

    async fn look_out(&mut self) {
        tokio::select! {
            _ = self.hints.recv() => {}
            _ = self.poll.tick() => {}
        }
    }

    async fn settled(&mut self, mut last: Option<Stamp>) -> Option<Stamp> {
        let deadline = Instant::now() + SETTLE_MAX;
        loop {
            tokio::time::sleep(self.settle).await;
            let now = self.look().await;
            if now == last || Instant::now() >= deadline {
                return now;
            }
            last = now;
        }
    }

    /// What the folder looks like; `None` when it cannot be looked at.
    async fn look(&mut self) -> Option<Stamp> {
        let stamp = look_at(self.path.clone()).await;
        let folder = stamp.map(|stamp| stamp.folder);
        if folder != self.told_of {
            self.told_of = folder;
            self.told_by = folder.and_then(|_| self.ask_to_be_told());
        }
        stamp
    }

    fn ask_to_be_told(&self) -> Option<RecommendedWatcher> {
        let hint = self.hint.clone();
        let tell = move |event: notify::Result<notify::Event>| {
            // We ourselves open and close the files. One hint that waits is as good as many.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                let _ = hint.try_send(());
            }
        };
        let started = notify::recommended_watcher(tell).and_then(|mut watcher| {
            watcher.watch(&self.path, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        match started {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                let poll = self.poll.period();
                tracing::warn!(%error, ?poll, "the system does not tell of changed rules; looking now and then");
                None
            }
        }
    }
}

/// What the folder looks like; `None` when it cannot be looked at.
pub(super) async fn look_at(folder: PathBuf) -> Option<Stamp> {
    tokio::task::spawn_blocking(move || Stamp::of(&folder).ok()).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    fn config(path: &Path, poll: Duration) -> Config {
        Config { path: path.to_owned(), settle: Duration::from_millis(20), poll, ..Config::default() }
    }

    /// Whether `change` is noticed, by being told or by looking.
    async fn notices(folder: &Path, poll: Duration, change: impl FnOnce(&Path)) -> bool {
        let seen = Stamp::of(folder).ok();
        let mut watch = FolderWatch::new(&config(folder, poll));
        watch.look().await;
        change(folder);
        tokio::time::timeout(Duration::from_secs(10), watch.changed(seen)).await.is_ok()
    }

    type Change = fn(&Path);

    const NEVER: Duration = Duration::from_secs(3_600);
    const OFTEN: Duration = Duration::from_millis(20);

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), "one").unwrap();
        folder
    }

    #[tokio::test]
    async fn what_changes_a_rule_is_noticed_however_it_is_done() {
        let changes: [(&str, Change); 6] = [
            ("in place", |folder| fs::write(folder.join("a.toml"), "two").unwrap()),
            ("renamed over", |folder| {
                fs::write(folder.join(".a.toml.new"), "two").unwrap();
                fs::rename(folder.join(".a.toml.new"), folder.join("a.toml")).unwrap();
            }),
            ("a new list", |folder| fs::write(folder.join("b.txt"), "x").unwrap()),
            ("removed", |folder| fs::remove_file(folder.join("a.toml")).unwrap()),
            ("a new folder", |folder| {
                fs::create_dir(folder.join("more")).unwrap();
                fs::write(folder.join("more/c.toml"), "x").unwrap();
            }),
            ("the folder goes", |folder| fs::remove_dir_all(folder).unwrap()),
        ];
        for (what, change) in changes {
            for poll in [NEVER, OFTEN] {
                let folder = tempfile::tempdir().unwrap();
                let rules = folder.path().join("rules");
                fs::create_dir(&rules).unwrap();
                fs::write(rules.join("a.toml"), "one").unwrap();
                assert!(notices(&rules, poll, change).await, "{what}, poll {poll:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_config_map_is_noticed_when_its_link_is_swapped() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (version, text) in [("..v1", "one"), ("..v2", "two")] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("a.toml"), text).unwrap();
        }
        symlink("..v1", at("..data")).unwrap();
        symlink("..data/a.toml", at("a.toml")).unwrap();
        let swap = |folder: &Path| {
            symlink("..v2", folder.join("..data_tmp")).unwrap();
            fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        };
        assert!(notices(folder.path(), NEVER, swap).await);
    }

    #[tokio::test]
    async fn what_is_no_rule_is_not_a_change() {
        let folder = folder();
        let seen = Stamp::of(folder.path()).ok();
        let mut watch = FolderWatch::new(&config(folder.path(), OFTEN));
        watch.look().await;
        for name in [".a.toml.swp", "a.toml~", "4913", "#a.toml#", "README.md"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        fs::remove_file(folder.path().join("4913")).unwrap();
        let noticed = tokio::time::timeout(Duration::from_millis(300), watch.changed(seen)).await;
        assert!(noticed.is_err());
    }

    #[tokio::test]
    async fn it_waits_until_writing_is_over() {
        let folder = folder();
        let seen = Stamp::of(folder.path()).ok();
        let settle = Duration::from_millis(200);
        let mut watch = FolderWatch::new(&Config { settle, ..config(folder.path(), OFTEN) });
        watch.look().await;
        let path = folder.path().join("a.toml");
        let writing = tokio::spawn(async move {
            for turn in 0..20 {
                fs::write(&path, format!("{turn}")).unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        watch.changed(seen).await;
        assert!(writing.is_finished());
    }

    #[tokio::test]
    async fn a_folder_that_is_replaced_is_watched_again() {
        let parent = tempfile::tempdir().unwrap();
        let rules = parent.path().join("rules");
        for (name, text) in [("one", "one"), ("two", "two")] {
            fs::create_dir(parent.path().join(name)).unwrap();
            fs::write(parent.path().join(name).join("a.toml"), text).unwrap();
        }
        symlink("one", &rules).unwrap();
        let seen = Stamp::of(&rules).ok();
        let mut watch = FolderWatch::new(&config(&rules, OFTEN));
        watch.look().await;
        symlink("two", parent.path().join("next")).unwrap();
        fs::rename(parent.path().join("next"), &rules).unwrap();
        watch.changed(seen).await;
        let seen = Stamp::of(&rules).ok();
        watch.poll = tokio::time::interval(NEVER);
        watch.poll.tick().await;
        fs::write(rules.join("a.toml"), "three").unwrap();
        watch.changed(seen).await;
    }
}
