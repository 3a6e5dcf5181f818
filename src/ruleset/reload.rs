//! Rules read again while the daemon runs: checked and tested first, then swapped whole.
//!
//! A bad set is refused, and the one in force stays. Reading, compiling and letting go happen on blocking threads; the
//! workers only ever see one pointer change between two batches. The engine, which follows with its teams, samples and
//! drift, looks at the same pointer; what it needs of a batch's rules comes with its outcome.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{Counter, counter, gauge};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::active::{ActiveRules, LastReload, RulesInForce};
use super::config::Context;
use super::dir::Stamp;
use super::load::{LoadedRules, ReadyRules, Refusal};
use super::watch::{FolderWatch, look_at};
use crate::clock::wall_clock;
use crate::line::Handles;
use crate::model::ReloadResult;
use crate::model::metric::Metric;
use crate::rules::manifest::{Manifest, Version};

/// Reloads, by result.
pub const RELOADS: &str = "birddog_rules_reload_total";
/// When the set in use was loaded.
pub const LOADED_AT: &str = "birddog_rules_loaded_timestamp_seconds";
/// Rules in the set in force.
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
/// Somebody may still use the old set for the length of a batch.
const OLD_SET_PAUSE: Duration = Duration::from_millis(10);
const OLD_SET_TRIES_MAX: usize = 500;

/// Why the rules are read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    Files,
    Signal,
}

/// See the module.
pub struct Reloader {
    context: Arc<dyn Context>,
    rules: RulesInForce,
    /// Names of watched accounts, which the workers learn.
    handles: Arc<Handles>,
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
    /// Reads again what `rules` holds, which was read from a folder that looked like `seen`.
    #[must_use]
    pub fn new(
        context: Arc<dyn Context>,
        rules: RulesInForce,
        handles: Arc<Handles>,
        seen: Option<Stamp>,
    ) -> Self {
        let counters = ReloadResult::ALL.map(|result| counter!(RELOADS, "result" => result.as_str()));
        let reloader = Self { context, rules, handles, seen, counters };
        reloader.publish_set();
        reloader
    }

    /// Runs until `stop`. A request reads the rules at once.
    pub async fn run(mut self, mut requests: mpsc::Receiver<()>, stop: CancellationToken) {
        let mut watch = FolderWatch::new(self.context.rules());
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
        let (context, version) = (Arc::clone(&self.context), self.rules.load().manifest.version());
        let path = context.rules().path.clone();
        match guarded(path, move |before| read(&*context, version, before)).await {
            Reading::Ready(ready) => self.apply(*ready, trigger, started),
            Reading::Unchanged(stamp) => self.keep(stamp, trigger),
            Reading::Refused(refusal, stamp) => self.refuse(&refusal, stamp, trigger),
        }
    }

    fn apply(&mut self, ready: ReadyRules, trigger: Trigger, started: Instant) {
        self.seen = ready.stamp;
        let next = ActiveRules::new(ready, &*self.context);
        audit(&self.rules.load().manifest, &next.manifest, trigger, started);
        let previous = self.rules.swap(next);
        forget_handles(&self.handles, &previous, &self.rules.load());
        self.publish_set();
        self.publish_result(ReloadResult::Applied, None);
        // Waiting for the last batch keeps the letting go of many rules off the workers.
        tokio::task::spawn_blocking(move || let_go(previous));
    }

    fn keep(&mut self, stamp: Option<Stamp>, trigger: Trigger) {
        self.seen = stamp;
        tracing::info!(version = %self.rules.load().manifest.version(), ?trigger, "rules are unchanged");
        self.publish_result(ReloadResult::Unchanged, None);
    }

    fn refuse(&mut self, refusal: &Refusal, stamp: Option<Stamp>, trigger: Trigger) {
        self.seen = stamp;
        for reason in &refusal.reasons {
            tracing::error!(reason, "rules are wrong");
        }
        let (version, errors) = (self.rules.load().manifest.version(), refusal.count);
        tracing::error!(%version, errors, ?trigger, "rules refused, the old ones stay in use");
        self.publish_result(ReloadResult::Refused, Some(refusal.text()));
    }

    fn publish_set(&self) {
        let active = self.rules.load();
        for (status, count) in active.manifest.by_status().named() {
            gauge!(RULES, "status" => status).set(count as f64);
        }
        gauge!(LOADED_AT).set(active.loaded_at.as_micros() as f64 / 1e6);
    }

    fn publish_result(&self, result: ReloadResult, error: Option<String>) {
        self.rules.record(LastReload { at: wall_clock(), result, error });
        self.counters[result as usize].increment(1);
    }
}

fn audit(before: &Manifest, next: &Manifest, trigger: Trigger, started: Instant) {
    let changes = before.changes_to(next);
    tracing::info!(
        target: "birddog::audit",
        version = %next.version(),
        previous = %before.version(),
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
fn read(context: &dyn Context, in_use: Version, before: Option<Stamp>) -> Reading {
    let loaded = match LoadedRules::read(&context.rules().path) {
        Ok(loaded) => loaded,
        Err(error) => return Reading::Refused(Refusal::of(error), before),
    };
    let stamp = loaded.stamp;
    if !loaded.has_errors() && loaded.manifest().version() == in_use {
        return Reading::Unchanged(stamp);
    }
    match loaded.tested(context) {
        Ok(ready) => Reading::Ready(Box::new(ready)),
        Err(unfit) => Reading::Refused(unfit.into(), stamp),
    }
}

/// Names that no rule asks for any more. Those of the set before stay until the next time: a batch may be at work
/// with it.
fn forget_handles(handles: &Handles, previous: &ActiveRules, next: &ActiveRules) {
    let (before, now) = (&previous.set.anchors().named, &next.set.anchors().named);
    handles.retain(|_, name| {
        let name = name.to_lowercase();
        now.contains(&name) || before.contains(&name)
    });
}

fn let_go(previous: Arc<ActiveRules>) {
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
