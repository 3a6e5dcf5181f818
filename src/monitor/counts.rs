//! How many posts each rule matches. Capped, since rules come and go with reloads.

use std::sync::Arc;

use hashbrown::HashMap;
use metrics::{Counter, counter};

use super::observer::{Observed, Observer};
use crate::model::metric::Metric;
use crate::model::{Mention, RuleInfo, RuleStatus};

/// Posts matched, by rule, brand and status.
pub const MATCHES: &str = "birddog_rule_matches_total";

/// Series of matches that are named; the rest goes to `other`.
const MATCHES_MAX: usize = 1_000;

/// The metric of this observer.
pub const METRICS: &[Metric] = &[Metric::counter(
    MATCHES,
    "Posts matched, by rule, brand and status (live or shadow); the first 1,000 by name, the rest as other.",
    &["rule", "brand", "status"],
)];

/// See the module.
pub struct MatchCounts {
    /// The set that `counts` are of.
    rules: Arc<[RuleInfo]>,
    /// Matches by the rule's place, not yet told.
    counts: Vec<u32>,
    /// The places whose count is not zero.
    counted: Vec<usize>,
    matches: HashMap<Series, Counter>,
    others: Counter,
}

/// A rule's id, brand and status.
type Series = (Arc<str>, Arc<str>, RuleStatus);

impl Default for MatchCounts {
    fn default() -> Self {
        Self {
            rules: Arc::from([]),
            counts: Vec::new(),
            counted: Vec::new(),
            matches: HashMap::new(),
            others: counter!(MATCHES, "rule" => "other", "brand" => "other", "status" => "other"),
        }
    }
}

impl MatchCounts {
    /// Counts the matches of new posts, by these rules.
    fn count(&mut self, rules: &Arc<[RuleInfo]>, posts: &[&Mention]) {
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
}

impl Observer for MatchCounts {
    fn observe(&mut self, batch: Observed<'_>) {
        self.count(&batch.outcome.rules, batch.new_posts);
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
        let mut metrics = MatchCounts::default();
        for turn in 0..10 {
            let status = if turn % 2 == 0 { RuleStatus::Live } else { RuleStatus::Shadow };
            (0..400).for_each(|number| metrics.matched(&rule(number, status), 1));
        }
        assert_eq!(metrics.matches.len(), 800);
        (400..900).for_each(|number| metrics.matched(&rule(number, RuleStatus::Live), 1));
        assert_eq!(metrics.matches.len(), MATCHES_MAX);
    }
}
