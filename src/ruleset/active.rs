//! What is in force, and the one place that holds it.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::config::Context;
use super::load::ReadyRules;
use crate::clock::wall_clock;
use crate::model::{ReloadResult, RulesStatus, Timestamp};
use crate::rules::RuleSet;
use crate::rules::manifest::Manifest;

/// Everything that changes with the rules.
#[derive(Debug)]
pub struct ActiveRules {
    /// Compiled.
    pub set: RuleSet,
    /// What they say, those that are off among them.
    pub manifest: Manifest,
    /// Every team that work can be sent or handed to.
    pub teams: BTreeSet<Arc<str>>,
    /// When they were loaded.
    pub loaded_at: Timestamp,
}

/// The last reading of the files after the start.
#[derive(Clone, Debug)]
pub(super) struct LastReload {
    pub(super) at: Timestamp,
    pub(super) result: ReloadResult,
    /// Why the files were refused.
    pub(super) error: Option<String>,
}

/// The rules in force. Clones share them; a look sees one whole set.
#[derive(Clone, Debug)]
pub struct RulesInForce(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    active: ArcSwap<ActiveRules>,
    last_reload: ArcSwap<Option<LastReload>>,
}

impl ActiveRules {
    /// Puts rules that passed every check together with the teams that they and the configuration name.
    #[must_use]
    pub fn new(ready: ReadyRules, context: &dyn Context) -> Self {
        let ReadyRules { set, manifest, .. } = ready;
        let of_rules = set.rules().iter().map(|rule| Arc::clone(&rule.team));
        let teams = context.teams().into_iter().chain(of_rules).collect();
        Self { set, manifest, teams, loaded_at: wall_clock() }
    }
}

impl RulesInForce {
    /// Begins with these.
    #[must_use]
    pub fn new(active: ActiveRules) -> Self {
        let active = ArcSwap::from_pointee(active);
        Self(Arc::new(Inner { active, last_reload: ArcSwap::default() }))
    }

    /// The rules in force, for a moment: do not keep it over a wait.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<ActiveRules>> {
        self.0.active.load()
    }

    /// The rules in force, to keep.
    #[must_use]
    pub fn load_full(&self) -> Arc<ActiveRules> {
        self.0.active.load_full()
    }

    /// What operators are shown.
    #[must_use]
    pub fn status(&self) -> RulesStatus {
        let (active, last) = (self.load(), self.0.last_reload.load());
        let (counts, last) = (active.manifest.by_status(), (**last).as_ref());
        RulesStatus {
            count: counts.live + counts.shadow,
            live: counts.live,
            shadow: counts.shadow,
            off: counts.off,
            version: active.manifest.version().to_string(),
            loaded_at: Some(active.loaded_at),
            last_reload_at: last.map(|last| last.at),
            last_reload: last.map(|last| last.result),
            last_error: last.and_then(|last| last.error.clone()),
        }
    }

    /// Replaces them as a whole, and returns those before.
    pub(super) fn swap(&self, next: ActiveRules) -> Arc<ActiveRules> {
        self.0.active.swap(Arc::new(next))
    }

    /// Records what a reading of the files has come to.
    pub(super) fn record(&self, last: LastReload) {
        self.0.last_reload.store(Arc::new(Some(last)));
    }
}
