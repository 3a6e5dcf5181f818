//! What is exported rule by rule: matches, drift, share of the cost. Capped, since rules come and go with reloads.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use metrics::{Counter, counter, gauge};

use crate::model::metric::Metric;
use crate::model::{RuleInfo, RuleShare, RuleStatus};
use crate::pipeline::drift::Drift;
use crate::pipeline::{BatchOutcome, Signal};

/// Posts matched, by rule, brand and status.
pub const MATCHES: &str = "birddog_rule_matches_total";
/// Whether a rule matches as much as it expects.
pub const DRIFT: &str = "birddog_rule_drift";
/// A rule's share of the time spent on deciding rules.
pub const COST: &str = "birddog_rule_cost_ratio";

/// Series of a kind that are named; the rest goes to `other`, or is not exported.
const SERIES_MAX: usize = 1_000;
/// The costliest rules are exported by name.
pub(super) const COSTLIEST_MAX: usize = 100;

/// What is exported rule by rule.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        MATCHES,
        "Posts matched, by rule, brand and status (live or shadow); the first 1,000 rules to match by name, the rest as other.",
        &["rule", "brand", "status"],
    ),
    Metric::gauge(
        DRIFT,
        "0 while a rule matches as much a day as it expects, -1 below, 1 above; the first 1,000 rules with expect_per_day.",
        &["rule"],
    ),
    Metric::gauge(
        COST,
        "A rule's share of the time spent on deciding rules, lately; the 100 costliest by name, the rest as other.",
        &["rule"],
    ),
];

/// Handles and names, kept for as long as the process runs.
pub(super) struct RuleMetrics {
    /// The set that `counts` are of.
    rules: Arc<[RuleInfo]>,
    /// Matches by the rule's place, not yet told.
    counts: Vec<u32>,
    /// The places whose count is not zero.
    counted: Vec<usize>,
    matches: HashMap<Arc<str>, Matches>,
    match_series: usize,
    others: Counter,
    drifts: HashSet<Arc<str>>,
    costs: HashSet<Arc<str>>,
}

struct Matches {
    brand: Arc<str>,
    status: RuleStatus,
    counter: Counter,
}

impl Matches {
    fn of(rule: &RuleInfo) -> Self {
        let (id, brand) = (rule.id.to_string(), rule.brand.to_string());
        let counter = counter!(MATCHES, "rule" => id, "brand" => brand, "status" => rule.status.as_str());
        Self { brand: Arc::clone(&rule.brand), status: rule.status, counter }
    }

    fn is_of(&self, rule: &RuleInfo) -> bool {
        self.status == rule.status && self.brand == rule.brand
    }
}

impl RuleMetrics {
    pub(super) fn new() -> Self {
        Self {
            rules: Arc::from([]),
            counts: Vec::new(),
            counted: Vec::new(),
            matches: HashMap::new(),
            match_series: 0,
            others: counter!(MATCHES, "rule" => "other", "brand" => "other", "status" => "other"),
            drifts: HashSet::new(),
            costs: HashSet::new(),
        }
    }

    /// Counts the matches of `outcome`; they are told by [`RuleMetrics::publish`].
    pub(super) fn take(&mut self, outcome: &BatchOutcome) {
        if !Arc::ptr_eq(&self.rules, &outcome.rules) {
            self.publish();
            self.rules = Arc::clone(&outcome.rules);
            self.counts = vec![0; self.rules.len()];
        }
        for signal in &outcome.signals {
            let Signal::Mention(mention) = signal else { continue };
            for place in mention.matches.iter().map(|found| found.rule as usize) {
                if self.counts[place] == 0 {
                    self.counted.push(place);
                }
                self.counts[place] += 1;
            }
        }
    }

    /// Tells the counters what was counted since the last time.
    pub(super) fn publish(&mut self) {
        let rules = Arc::clone(&self.rules);
        for place in std::mem::take(&mut self.counted) {
            let count = std::mem::take(&mut self.counts[place]);
            self.matched(&rules[place], u64::from(count));
        }
    }

    fn matched(&mut self, rule: &RuleInfo, count: u64) {
        match self.matches.get(&rule.id) {
            Some(matches) if matches.is_of(rule) => return matches.counter.increment(count),
            _ if self.match_series >= SERIES_MAX => return self.others.increment(count),
            // A reload has given the rule another brand or status, or it is new.
            _ => self.match_series += 1,
        }
        let matches = Matches::of(rule);
        matches.counter.increment(count);
        self.matches.insert(Arc::clone(&rule.id), matches);
    }

    pub(super) fn show_drift(&mut self, drift: &Drift) {
        let mut watched = HashSet::new();
        for (rule, side) in drift.sides() {
            if is_named(&mut self.drifts, rule) {
                gauge!(DRIFT, "rule" => rule.to_string()).set(f64::from(side));
                watched.insert(Arc::clone(rule));
            }
        }
        for rule in self.drifts.difference(&watched) {
            gauge!(DRIFT, "rule" => rule.to_string()).set(0.0);
        }
    }

    pub(super) fn show_costs(&mut self, costliest: &[RuleShare]) {
        let mut named = 0.0;
        let mut shown = HashSet::new();
        for share in costliest {
            if is_named(&mut self.costs, &share.rule) {
                gauge!(COST, "rule" => share.rule.to_string()).set(share.ratio);
                named += share.ratio;
                shown.insert(Arc::clone(&share.rule));
            }
        }
        for rule in self.costs.difference(&shown) {
            gauge!(COST, "rule" => rule.to_string()).set(0.0);
        }
        let rest: f64 = if costliest.is_empty() { 0.0 } else { 1.0 - named };
        gauge!(COST, "rule" => "other").set(rest.max(0.0));
    }
}

/// True when the rule has, or now gets, one of the names.
fn is_named(names: &mut HashSet<Arc<str>>, rule: &Arc<str>) -> bool {
    names.contains(rule) || (names.len() < SERIES_MAX && names.insert(Arc::clone(rule)))
}
