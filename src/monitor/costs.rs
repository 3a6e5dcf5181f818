//! Which rules the time goes to: measured evaluations added up by rule, the older ones fading.
//!
//! Shares are of the time spent on deciding rules; finding words is shared by all.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use super::names::{self, Names};
use super::observer::{Findings, Observed, Observer};
use crate::line::BatchOutcome;
use crate::model::metric::Metric;
use crate::model::{Moment, RuleShare, Steady};

/// A rule's share of the time spent on deciding rules.
pub const COST: &str = "birddog_rule_cost_ratio";

/// The metric of this observer.
pub const METRICS: &[Metric] = &[Metric::gauge(
    COST,
    "A rule's share of the time spent on deciding rules, lately; the 100 costliest by name, the rest as other.",
    &["rule"],
)];

/// The costliest rules are exported by name.
const COSTLIEST_MAX: usize = 100;
/// Costly rules in `/status`.
const SHOWN_MAX: usize = 10;
/// How often what was measured fades by half.
const FADE_EVERY: Duration = Duration::from_secs(600);

/// See the module. As many entries as rules were evaluated lately.
#[derive(Debug, Default)]
pub struct CostShares {
    rules: HashMap<Arc<str>, Spent>,
    /// The first look begins the time.
    faded_at: Option<Steady>,
    named: Names,
}

#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    nanos: u64,
    evaluations: u64,
}

impl CostShares {
    /// Adds what was measured in an outcome.
    pub fn add(&mut self, outcome: &BatchOutcome) {
        for cost in &outcome.costs {
            let Some(rule) = outcome.rules.get(cost.rule as usize) else { continue };
            let spent = self.rules.entry_ref(&rule.id).or_default();
            spent.nanos += u64::from(cost.nanos);
            spent.evaluations += 1;
        }
    }

    /// Halves everything; what was measured once, long ago, is forgotten.
    pub fn fade(&mut self) {
        self.rules.retain(|_, spent| {
            (spent.nanos, spent.evaluations) = (spent.nanos / 2, spent.evaluations / 2);
            spent.evaluations > 0
        });
    }

    /// The costliest rules, the first one first.
    #[must_use]
    pub fn costliest(&self, count_max: usize) -> Vec<RuleShare> {
        let total = self.rules.values().map(|spent| spent.nanos).sum::<u64>().max(1) as f64;
        let mut rules: Vec<(&Arc<str>, &Spent)> = self.rules.iter().collect();
        rules.sort_unstable_by(|(a, one), (b, other)| other.nanos.cmp(&one.nanos).then(a.cmp(b)));
        let share = |(rule, spent): (&Arc<str>, &Spent)| RuleShare {
            rule: Arc::clone(rule),
            ratio: spent.nanos as f64 / total,
            nanos: spent.nanos / spent.evaluations.max(1),
        };
        rules.into_iter().take(count_max).map(share).collect()
    }
}

impl Observer for CostShares {
    fn observe(&mut self, batch: Observed<'_>) {
        self.add(batch.outcome);
    }

    fn look(&mut self, now: Moment, findings: &mut Findings) {
        let faded_at = *self.faded_at.get_or_insert(now.steady);
        if now.steady >= faded_at + FADE_EVERY {
            self.faded_at = Some(now.steady);
            self.fade();
        }
        let costliest = self.costliest(COSTLIEST_MAX);
        let named =
            self.named.show(COST, &costliest.iter().map(|share| (&share.rule, share.ratio)).collect());
        let rest: f64 = if costliest.is_empty() { 0.0 } else { 1.0 - named };
        names::set(COST, "other", rest.max(0.0));
        findings.report.costly = costliest.into_iter().take(SHOWN_MAX).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Counts;
    use crate::model::{Position, RuleCost, RuleInfo, RuleStatus, Timestamp};

    fn take(costs: &mut CostShares, measured: &[(u32, u32)]) {
        let rule = |id: &str| RuleInfo::of(id, RuleStatus::Live);
        costs.add(&BatchOutcome {
            source: "s".into(),
            sequence: 0,
            position: Position(0),
            received_at: Timestamp::ZERO,
            counts: Counts::default(),
            signals: Vec::new(),
            engagements: Default::default(),
            refused: Vec::new(),
            rules: [rule("cheap"), rule("dear")].into(),
            costs: measured.iter().map(|&(rule, nanos)| RuleCost { rule, nanos }).collect(),
        });
    }

    #[test]
    fn the_costliest_come_first_with_their_share() {
        let mut costs = CostShares::default();
        take(&mut costs, &[(0, 100), (1, 500), (1, 400)]);
        let shares = costs.costliest(9);
        let shown: Vec<_> = shares.iter().map(|share| (&*share.rule, share.ratio, share.nanos)).collect();
        assert_eq!(shown, [("dear", 0.9, 450), ("cheap", 0.1, 100)]);
        assert_eq!(costs.costliest(1).len(), 1);
    }

    #[test]
    fn what_is_no_longer_evaluated_fades() {
        let mut costs = CostShares::default();
        take(&mut costs, &[(0, 100), (0, 100), (1, 100)]);
        costs.fade();
        assert_eq!(costs.costliest(9).len(), 1);
        costs.fade();
        assert_eq!(costs.costliest(9), []);
    }
}
