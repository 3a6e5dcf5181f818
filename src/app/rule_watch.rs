//! The engine's eye on the rules: matches, samples of shadow rules, drift, cost. Reads outcomes, decides nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::{HashMap, HashSet};

use super::Status;
use super::rule_metrics::{COSTLIEST_MAX, RuleMetrics};
use super::status::RulesReport;
use crate::model::{RuleCount, RuleSample, RuleStatus, Timestamp};
use crate::pipeline::BatchOutcome;
use crate::pipeline::costs::CostShares;
use crate::pipeline::drift::{Change, Drift};
use crate::pipeline::samples::Samples;
use crate::rules::manifest::{Expectation, Manifest};
use crate::rules::operators::nearest;

/// How often drift and cost are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often what was measured of costs fades by half.
const FADE_EVERY: Duration = Duration::from_secs(600);
/// Rules that one look may log.
const LOGGED_MAX: usize = 20;
/// Rules in `/status`.
const SHOWN_MAX: usize = 100;
/// Rules compared with an id that nobody has; the engine has other things to do.
const COMPARED_MAX: usize = 5_000;
/// Longest id of a rule.
const ID_BYTES_MAX: usize = 64;
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
    /// All other rules.
    pub others: HashMap<Arc<str>, RuleStatus>,
}

impl Followed {
    /// Of the set that `manifest` is about.
    #[must_use]
    pub fn new(manifest: &Manifest, teams: impl IntoIterator<Item = Arc<str>>) -> Self {
        let mut others: HashMap<_, _> = manifest.statuses().collect();
        let shadow =
            others.extract_if(|_, status| *status == RuleStatus::Shadow).map(|(rule, _)| rule).collect();
        Self { teams: teams.into_iter().collect(), expectations: manifest.expectations(), shadow, others }
    }
}

/// See the module.
pub(super) struct RuleWatch {
    drift: Drift,
    samples: Samples,
    costs: CostShares,
    metrics: RuleMetrics,
    shadow: HashSet<Arc<str>>,
    others: HashMap<Arc<str>, RuleStatus>,
    /// The set is new, and nobody has been told of it.
    is_fresh: bool,
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
            others: HashMap::new(),
            is_fresh: false,
            looked_at: now,
            faded_at: now,
        }
    }

    /// A new set is in use. Outcomes of the old one may still come.
    pub(super) fn follow(&mut self, followed: Followed, now: Timestamp) {
        let Followed { expectations, shadow, others, .. } = followed;
        self.drift.follow(expectations, now);
        self.samples.keep_only(&shadow);
        (self.shadow, self.others, self.is_fresh) = (shadow, others, true);
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

    /// The newest matches of a shadow rule, the newest first; else why there are none.
    pub(super) fn samples(&self, rule: &str) -> Result<Vec<RuleSample>, String> {
        match self.others.get(rule) {
            _ if self.shadow.contains(rule) => Ok(self.samples.of(rule)),
            Some(RuleStatus::Off) => {
                Err(format!("{rule} is off, and matches nothing; status = \"shadow\" tries it"))
            }
            Some(_) => Err(format!("{rule} is live: what it matches is work, see `birddog queue list`")),
            None => Err(self.unknown(rule)),
        }
    }

    fn unknown(&self, rule: &str) -> String {
        let ids = self.shadow.iter().chain(self.others.keys()).take(COMPARED_MAX);
        let near = (rule.len() <= ID_BYTES_MAX).then(|| nearest(rule, ids.map(|id| &**id))).flatten();
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        let shown = &rule[..rule.floor_char_boundary(ID_BYTES_MAX)];
        format!("there is no rule {shown}{near}")
    }

    /// Rules in shadow with what they matched, those with most first.
    fn shadow_matches(&self) -> Vec<RuleCount> {
        let of = |(rule, &matches): (&Arc<str>, &u64)| RuleCount { rule: Arc::clone(rule), matches };
        let mut counts: Vec<RuleCount> = self.samples.counts().iter().map(of).collect();
        counts.sort_unstable_by(|one, other| {
            other.matches.cmp(&one.matches).then_with(|| one.rule.cmp(&other.rule))
        });
        counts.truncate(SHOWN_MAX);
        let silent = self.shadow.iter().filter(|rule| !self.samples.counts().contains_key(*rule));
        let mut silent: Vec<_> = silent.take(SHOWN_MAX - counts.len()).map(|rule| of((rule, &0))).collect();
        silent.sort_unstable_by(|one, other| one.rule.cmp(&other.rule));
        counts.extend(silent);
        counts
    }

    /// Looks at drift and cost now and then, and shows what it sees.
    pub(super) fn tick(&mut self, now: Timestamp, status: &Status) {
        if self.looked_at.elapsed() < LOOK_EVERY && !self.is_fresh {
            return;
        }
        self.is_fresh = false;
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
        status.set_rules_report(RulesReport {
            drifting_count,
            drifting,
            costly,
            shadow_matches: self.shadow_matches(),
        });
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
