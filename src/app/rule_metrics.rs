//! What is exported rule by rule: matches, drift, share of the cost. Capped, since rules come and go with reloads.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use metrics::{Counter, counter, gauge};

use crate::model::metric::Metric;
use crate::model::{Mention, RuleInfo, RuleShare, RuleStatus};
use crate::pipeline::drift::Drift;

/// Posts matched, by rule, brand and status.
pub const MATCHES: &str = "birddog_rule_matches_total";
/// Whether a rule matches as much as it expects.
pub const DRIFT: &str = "birddog_rule_drift";
/// A rule's share of the time spent on deciding rules.
pub const COST: &str = "birddog_rule_cost_ratio";

/// Series of matches that are named; the rest goes to `other`.
const MATCHES_MAX: usize = 1_000;
/// Rules named at a time by a gauge; others are not exported.
const NAMED_MAX: usize = 1_000;
/// Rules ever named by a gauge: what the exporter has once, it keeps.
const EVER_NAMED_MAX: usize = 10_000;
/// The costliest rules are exported by name.
pub(super) const COSTLIEST_MAX: usize = 100;

/// What is exported rule by rule.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        MATCHES,
        "Posts matched, by rule, brand and status (live or shadow); the first 1,000 by name, the rest as other.",
        &["rule", "brand", "status"],
    ),
    Metric::gauge(
        DRIFT,
        "0 while a rule matches as much a day as it expects, -1 below, 1 above; 1,000 rules with expect_per_day.",
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
    matches: HashMap<Series, Counter>,
    others: Counter,
    drifts: Names,
    costs: Names,
}

/// A rule's id, brand and status.
type Series = (Arc<str>, Arc<str>, RuleStatus);

/// The rules that a gauge names now, and has ever named. A rule that has gone makes room for another.
#[derive(Default)]
struct Names {
    now: HashSet<Arc<str>>,
    ever: HashSet<Arc<str>>,
}

impl Names {
    /// Sets `gauge` for as many rules as there is room for, and to 0 for those it named before and no more; returns
    /// the sum. Rules that are named keep their names.
    fn show(&mut self, gauge: &'static str, values: &HashMap<&Arc<str>, f64>) -> f64 {
        self.now.extract_if(|rule| !values.contains_key(rule)).for_each(|rule| set(gauge, &rule, 0.0));
        let mut sum = 0.0;
        for (rule, value) in values {
            if self.is_named(rule) {
                set(gauge, rule, *value);
                sum += value;
            }
        }
        sum
    }

    /// True when the rule has, or now gets, a name.
    fn is_named(&mut self, rule: &Arc<str>) -> bool {
        if self.now.contains(rule) {
            return true;
        }
        let is_known = self.ever.contains(rule);
        if self.now.len() >= NAMED_MAX || (!is_known && self.ever.len() >= EVER_NAMED_MAX) {
            return false;
        }
        self.ever.insert(Arc::clone(rule));
        self.now.insert(Arc::clone(rule))
    }
}

fn set(gauge: &'static str, rule: &str, value: f64) {
    gauge!(gauge, "rule" => rule.to_owned()).set(value);
}

impl RuleMetrics {
    pub(super) fn new() -> Self {
        Self {
            rules: Arc::from([]),
            counts: Vec::new(),
            counted: Vec::new(),
            matches: HashMap::new(),
            others: counter!(MATCHES, "rule" => "other", "brand" => "other", "status" => "other"),
            drifts: Names::default(),
            costs: Names::default(),
        }
    }

    /// Counts the matches of new posts, by these rules; they are told by [`RuleMetrics::publish`].
    pub(super) fn take(&mut self, rules: &Arc<[RuleInfo]>, posts: &[&Mention]) {
        if !Arc::ptr_eq(&self.rules, rules) {
            self.publish();
            self.rules = Arc::clone(rules);
            self.counts = vec![0; rules.len()];
        }
        for mention in posts {
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
        let series = (Arc::clone(&rule.id), Arc::clone(&rule.brand), rule.status);
        if let Some(counter) = self.matches.get(&series) {
            return counter.increment(count);
        }
        if self.matches.len() >= MATCHES_MAX {
            return self.others.increment(count);
        }
        let (id, brand) = (rule.id.to_string(), rule.brand.to_string());
        let counter = counter!(MATCHES, "rule" => id, "brand" => brand, "status" => rule.status.as_str());
        counter.increment(count);
        self.matches.insert(series, counter);
    }

    pub(super) fn show_drift(&mut self, drift: &Drift) {
        let sides = drift.sides().map(|(rule, side)| (rule, f64::from(side))).collect();
        self.drifts.show(DRIFT, &sides);
    }

    pub(super) fn show_costs(&mut self, costliest: &[RuleShare]) {
        let shares = costliest.iter().map(|share| (&share.rule, share.ratio)).collect();
        let named = self.costs.show(COST, &shares);
        let rest: f64 = if costliest.is_empty() { 0.0 } else { 1.0 - named };
        set(COST, "other", rest.max(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(number: usize, status: RuleStatus) -> RuleInfo {
        RuleInfo::of(&format!("r{number}"), status)
    }

    #[test]
    fn rules_that_go_to_and_fro_between_live_and_shadow_keep_their_two_series() {
        let mut metrics = RuleMetrics::new();
        for turn in 0..10 {
            let status = if turn % 2 == 0 { RuleStatus::Live } else { RuleStatus::Shadow };
            (0..400).for_each(|number| metrics.matched(&rule(number, status), 1));
        }
        assert_eq!(metrics.matches.len(), 800);
        (400..900).for_each(|number| metrics.matched(&rule(number, RuleStatus::Live), 1));
        assert_eq!(metrics.matches.len(), MATCHES_MAX);
    }

    #[test]
    fn a_rule_that_has_gone_makes_room_for_another_and_all_names_ever_given_are_bounded() {
        let ids: Vec<Arc<str>> = (0..2 * EVER_NAMED_MAX).map(|number| format!("r{number}").into()).collect();
        let mut names = Names::default();
        for turn in ids.chunks(NAMED_MAX) {
            names.show(COST, &turn.iter().map(|id| (id, 0.5)).collect());
        }
        assert_eq!((names.now.len(), names.ever.len()), (0, EVER_NAMED_MAX));
        let sum = names.show(COST, &ids[..NAMED_MAX + 1].iter().map(|id| (id, 0.5)).collect());
        assert_eq!(
            (names.now.len(), sum),
            (NAMED_MAX, 500.0),
            "known names come back, as many as there is room for"
        );
    }
}
