//! The engine's eye on the rules: matches, samples of shadow rules, drift, cost. Reads outcomes, decides nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashSet;

use super::Status;
use super::rule_metrics::{COSTLIEST_MAX, RuleMetrics};
use super::status::RulesReport;
use crate::model::{RuleSample, Timestamp};
use crate::pipeline::BatchOutcome;
use crate::pipeline::costs::CostShares;
use crate::pipeline::drift::{Change, Drift};
use crate::pipeline::samples::Samples;
use crate::rules::manifest::{Expectation, Manifest};

/// How often drift and cost are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often what was measured of costs fades by half.
const FADE_EVERY: Duration = Duration::from_secs(600);
/// Rules that one look may log.
const LOGGED_MAX: usize = 20;
/// Rules in `/status`.
const SHOWN_MAX: usize = 100;
/// Costly rules in `/status`.
const COSTLY_MAX: usize = 10;

/// What there is to know of a set besides what its outcomes carry.
#[derive(Debug, Default)]
pub struct Followed {
    /// Every team that work can be sent or handed to.
    pub teams: Vec<Arc<str>>,
    /// What rules expect.
    pub expectations: Vec<Expectation>,
    /// Rules whose matches are sampled.
    pub shadow: HashSet<Arc<str>>,
}

impl Followed {
    /// Of the set that `manifest` is about.
    #[must_use]
    pub fn new(manifest: &Manifest, teams: impl IntoIterator<Item = Arc<str>>) -> Self {
        let shadow = manifest.shadow().into_iter().collect();
        Self { teams: teams.into_iter().collect(), expectations: manifest.expectations(), shadow }
    }
}

/// See the module.
pub(super) struct RuleWatch {
    drift: Drift,
    samples: Samples,
    costs: CostShares,
    metrics: RuleMetrics,
    shadow: HashSet<Arc<str>>,
    looked_at: Instant,
    faded_at: Instant,
}

impl RuleWatch {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            drift: Drift::default(),
            samples: Samples::default(),
            costs: CostShares::default(),
            metrics: RuleMetrics::new(),
            shadow: HashSet::new(),
            looked_at: now,
            faded_at: now,
        }
    }

    /// A new set is in use. Outcomes of the old one may still come.
    pub(super) fn follow(
        &mut self,
        expectations: Vec<Expectation>,
        shadow: HashSet<Arc<str>>,
        now: Timestamp,
    ) {
        self.drift.follow(expectations, now);
        self.samples.keep_only(&shadow);
        self.shadow = shadow;
    }

    pub(super) fn take(&mut self, outcome: &BatchOutcome, now: Timestamp) {
        self.metrics.take(outcome);
        self.drift.take(outcome, now);
        self.samples.take(outcome);
        self.costs.take(outcome);
    }

    /// Tells the counters what was counted since the last time.
    pub(super) fn publish(&mut self) {
        self.metrics.publish();
    }

    /// The newest matches of a shadow rule, the newest first; `None` when there is no such rule.
    pub(super) fn samples(&self, rule: &str) -> Option<Vec<RuleSample>> {
        self.shadow.contains(rule).then(|| self.samples.of(rule))
    }

    /// Looks at drift and cost now and then, and shows what it sees.
    pub(super) fn tick(&mut self, now: Timestamp, status: &Status) {
        if self.looked_at.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked_at = Instant::now();
        let changes = self.drift.judge(now);
        changes.iter().take(LOGGED_MAX).for_each(log);
        if let Some(more) = changes.len().checked_sub(LOGGED_MAX).filter(|more| *more > 0) {
            tracing::warn!(more, "and more rules drift or no longer do");
        }
        if self.faded_at.elapsed() >= FADE_EVERY {
            self.faded_at = Instant::now();
            self.costs.fade();
        }
        let mut costly = self.costs.costliest(COSTLIEST_MAX);
        self.metrics.show_drift(&self.drift);
        self.metrics.show_costs(&costly);
        let mut drifting = self.drift.drifting();
        let drifting_count = drifting.len() as u64;
        drifting.truncate(SHOWN_MAX);
        costly.truncate(COSTLY_MAX);
        status.set_rules_report(RulesReport { drifting_count, drifting, costly });
    }
}

fn log(change: &Change) {
    match change {
        Change::Drifts(drift) => {
            let (fewest, most) = drift.expected;
            let (rule, matches) = (&*drift.rule, drift.matches);
            match drift.above {
                true => {
                    tracing::warn!(rule, matches, fewest, most, "rule matches more a day than it expects")
                }
                false => {
                    tracing::warn!(rule, matches, fewest, most, "rule matches less a day than it expects")
                }
            }
        }
        Change::Back(rule) => {
            tracing::info!(rule = &**rule, "rule matches as much a day as it expects again")
        }
    }
}
