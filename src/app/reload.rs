//! Rules read again while the daemon runs: checked and tested first, then swapped whole.
//!
//! A bad set is refused, and the one in use stays. Reading, compiling and letting go happen on blocking threads; the
//! workers only ever see one pointer change between two batches. Teams, handles, samples and drift follow it; what the
//! engine needs of a batch's rules comes with its outcome.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use crossbeam::channel::{Sender, TrySendError};
use metrics::{Counter, counter, gauge};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::rule_watch::Followed;
use super::rules::{LoadedRules, ReadyRules, Refusal};
use super::watch::{FolderWatch, look_at};
use super::workers::WorkerParts;
use super::{Command, ReloadResult, RulesStatus, Status};
use crate::clock::wall_clock;
use crate::config::{Config, Stamp};
use crate::model::metric::Metric;
use crate::pipeline::Handles;
use crate::rules::RuleSet;
use crate::rules::manifest::{Manifest, Version};

/// Reloads, by result.
pub const RELOADS: &str = "birddog_rules_reload_total";
/// When the set in use was loaded.
pub const LOADED_AT: &str = "birddog_rules_loaded_timestamp_seconds";
/// Rules in the set in use.
pub const RULES: &str = "birddog_rules_loaded";

/// The metrics of this part.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        RELOADS,
        "Times the rules were read again, by result: applied, refused (the old set stays) or unchanged.",
        &["result"],
    ),
    Metric::gauge(LOADED_AT, "When the rules in use were loaded, in seconds since the Unix epoch.", &[]),
    Metric::gauge(RULES, "Rules in the set in use, by status: live, shadow or off.", &["status"]),
];

/// Rules named in a line of the audit log, for each of added, removed and changed.
const NAMED_MAX: usize = 25;
/// How long a full engine is waited for between two tries.
const ENGINE_PAUSE: Duration = Duration::from_millis(10);
/// Somebody may still use the old set for the length of a batch.
const OLD_SET_PAUSE: Duration = Duration::from_millis(10);
const OLD_SET_TRIES_MAX: usize = 500;

/// Why the rules are read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    Files,
    Signal,
}

/// What depends on the rules.
pub(super) struct ReloadParts {
    pub(super) config: Arc<Config>,
    /// The workers' rules and handles.
    pub(super) line: WorkerParts,
    pub(super) teams: Arc<Teams>,
    pub(super) status: Arc<Status>,
    pub(super) engine: Sender<Command>,
}

/// Every team that work can be sent or handed to.
pub(super) type Teams = ArcSwap<BTreeSet<Arc<str>>>;

/// See the module.
pub(super) struct Reloader {
    parts: ReloadParts,
    manifest: Manifest,
    seen: Option<Stamp>,
    counters: [Counter; 3],
}

/// What reading the rules again has come to.
enum Reading {
    Ready(Box<ReadyRules>),
    Unchanged(Option<Stamp>),
    Refused(Refusal, Option<Stamp>),
}

impl Reloader {
    /// Publishes what is in use at the start.
    pub(super) fn new(parts: ReloadParts, manifest: Manifest, seen: Option<Stamp>) -> Self {
        let counters = ReloadResult::ALL.map(|result| counter!(RELOADS, "result" => result.as_str()));
        let reloader = Self { parts, manifest, seen, counters };
        reloader.publish_set();
        reloader
    }

    /// Runs until `stop`. A request reads the rules at once.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<()>, stop: CancellationToken) {
        let mut watch = FolderWatch::new(&self.parts.config.rules);
        let turns = async {
            loop {
                let trigger = tokio::select! {
                    Some(()) = requests.recv() => Trigger::Signal,
                    () = watch.changed(self.seen) => Trigger::Files,
                };
                self.reload(trigger).await;
            }
        };
        stop.run_until_cancelled(turns).await;
    }

    async fn reload(&mut self, trigger: Trigger) {
        let started = Instant::now();
        let (config, version) = (Arc::clone(&self.parts.config), self.manifest.version());
        let path = self.parts.config.rules.path.clone();
        match guarded(path, move |before| read(&config, version, before)).await {
            Reading::Ready(ready) => self.apply(*ready, trigger, started).await,
            Reading::Unchanged(stamp) => self.keep(stamp, trigger),
            Reading::Refused(refusal, stamp) => self.refuse(&refusal, stamp, trigger),
        }
    }

    async fn apply(&mut self, ready: ReadyRules, trigger: Trigger, started: Instant) {
        let ReadyRules { set, manifest, stamp } = ready;
        let teams = teams(&self.parts.config, &set);
        self.tell_engine(Followed::new(&manifest, &set, teams.clone())).await;
        self.parts.teams.store(Arc::new(teams));
        let next = Arc::new(set);
        let previous = self.parts.line.rules.swap(Arc::clone(&next));
        forget_handles(&self.parts.line.handles, &previous, &next);
        self.audit(&manifest, trigger, started);
        (self.manifest, self.seen) = (manifest, stamp);
        self.publish_set();
        self.publish_result(ReloadResult::Applied, None);
        // Waiting for the last batch keeps the letting go of many rules off the workers.
        tokio::task::spawn_blocking(move || let_go(previous));
    }

    fn keep(&mut self, stamp: Option<Stamp>, trigger: Trigger) {
        self.seen = stamp;
        tracing::info!(version = %self.manifest.version(), ?trigger, "rules are unchanged");
        self.publish_result(ReloadResult::Unchanged, None);
    }

    fn refuse(&mut self, refusal: &Refusal, stamp: Option<Stamp>, trigger: Trigger) {
        self.seen = stamp;
        for reason in &refusal.reasons {
            tracing::error!(reason, "rules are wrong");
        }
        let (version, errors) = (self.manifest.version(), refusal.count);
        tracing::error!(%version, errors, ?trigger, "rules refused, the old ones stay in use");
        self.publish_result(ReloadResult::Refused, Some(refusal.text()));
    }

    async fn tell_engine(&self, followed: Followed) {
        let mut command = Command::Follow(Box::new(followed));
        while let Err(TrySendError::Full(back)) = self.parts.engine.try_send(command) {
            command = back;
            tokio::time::sleep(ENGINE_PAUSE).await;
        }
    }

    fn audit(&self, next: &Manifest, trigger: Trigger, started: Instant) {
        let changes = self.manifest.changes_to(next);
        tracing::info!(
            target: "birddog::audit",
            version = %next.version(),
            previous = %self.manifest.version(),
            ?trigger,
            rules = next.by_status().live + next.by_status().shadow,
            added_count = changes.added.len(),
            removed_count = changes.removed.len(),
            changed_count = changes.changed.len(),
            added = changes.added_in_words(NAMED_MAX),
            removed = changes.removed_in_words(NAMED_MAX),
            changed = changes.changed_in_words(NAMED_MAX),
            seconds = started.elapsed().as_secs_f64(),
            "rules reloaded"
        );
    }

    fn publish_set(&self) {
        let (counts, now) = (self.manifest.by_status(), wall_clock());
        for (status, count) in counts.named() {
            gauge!(RULES, "status" => status).set(count as f64);
        }
        gauge!(LOADED_AT).set(now.as_micros() as f64 / 1e6);
        let before = self.parts.status.rules();
        self.parts.status.set_rules(RulesStatus {
            count: counts.live + counts.shadow,
            live: counts.live,
            shadow: counts.shadow,
            off: counts.off,
            version: self.manifest.version().to_string(),
            loaded_at: Some(now),
            ..RulesStatus::clone(&before)
        });
    }

    fn publish_result(&self, result: ReloadResult, error: Option<String>) {
        let before = self.parts.status.rules();
        self.parts.status.set_rules(RulesStatus {
            last_reload_at: Some(wall_clock()),
            last_reload: Some(result),
            last_error: error,
            ..RulesStatus::clone(&before)
        });
        self.counters[result as usize].increment(1);
    }
}

/// Reads on a blocking thread, told what the folder looks like. Should the reading panic, the files are noted as they
/// looked before, so that the same files are not read again and again.
async fn guarded(path: PathBuf, read: impl FnOnce(Option<Stamp>) -> Reading + Send + 'static) -> Reading {
    let before = look_at(path).await;
    tokio::task::spawn_blocking(move || read(before)).await.unwrap_or_else(|_| {
        let bug = "reading the rules broke off; this is a bug, please report it with the rules";
        Reading::Refused(Refusal::of(bug), before)
    })
}

/// Reads, checks, tests and compiles. What could not be read is noted as it looked before, so that it is tried again
/// as soon as it looks otherwise.
fn read(config: &Config, in_use: Version, before: Option<Stamp>) -> Reading {
    let loaded = match LoadedRules::read(&config.rules.path) {
        Ok(loaded) => loaded,
        Err(error) => return Reading::Refused(Refusal::of(error), before),
    };
    let stamp = loaded.stamp;
    if !loaded.has_errors() && loaded.manifest().version() == in_use {
        return Reading::Unchanged(stamp);
    }
    match loaded.tested(config) {
        Ok(ready) => Reading::Ready(Box::new(ready)),
        Err(unfit) => Reading::Refused(unfit.into(), stamp),
    }
}

/// Every team that work can be sent or handed to.
pub(super) fn teams(config: &Config, rules: &RuleSet) -> BTreeSet<Arc<str>> {
    let configured = config.teams.keys().chain(config.route.iter().map(|route| &route.team));
    configured.chain(rules.rules().iter().map(|rule| &rule.team)).map(Arc::clone).collect()
}

/// Names that no rule asks for any more. Those of the set before stay until the next time: a batch may be at work
/// with it.
fn forget_handles(handles: &Handles, previous: &RuleSet, next: &RuleSet) {
    let (before, now) = (&previous.anchors().named, &next.anchors().named);
    handles.retain(|_, name| {
        let name = name.to_lowercase();
        now.contains(&name) || before.contains(&name)
    });
}

fn let_go(previous: Arc<RuleSet>) {
    for _ in 0..OLD_SET_TRIES_MAX {
        if Arc::strong_count(&previous) == 1 {
            break;
        }
        std::thread::sleep(OLD_SET_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_that_make_the_reading_panic_are_refused_once_as_they_look() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.toml"), "").unwrap();
        let reading = guarded(folder.path().to_owned(), |_| panic!("this is the test's panic")).await;
        let Reading::Refused(refusal, stamp) = reading else { panic!("it was refused") };
        assert!(refusal.text().contains("bug") && stamp.is_some());
        assert_eq!(stamp, Stamp::of(folder.path()).ok());
    }
}
