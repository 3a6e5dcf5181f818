//! Guard 9, rule: no rule answers more often than this, and not in a rush (GCRA).
//!
//! ```toml
//! [reply.per_rule]
//! count = 10          # exact in every sliding window
//! window = "1h"
//! burst = 3           # then one every window / count
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::guard::{Ask, Finding, Guard};
use crate::model::{LedgerEntry, Report, setting};
use crate::reply::budget::{Budget, Spent};
use crate::reply::window::Limit;

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// At most this many …
    pub count: u32,
    /// … in any stretch of this length.
    #[serde(with = "setting::duration")]
    pub window: Duration,
    /// At most this many at once.
    pub burst: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { count: 10, window: Duration::from_secs(3_600), burst: 3 }
    }
}

impl Config {
    pub(in crate::reply) fn validate(&self, report: &mut Report) {
        super::guard::expect_burst("reply.per_rule", self.count, self.burst, report);
    }
}

#[derive(Debug)]
pub(in crate::reply) struct PerRule {
    budget: Budget,
    /// By rule id: as many as the configuration has.
    spent: BTreeMap<Arc<str>, Spent>,
}

impl PerRule {
    pub(super) fn new(config: &Config) -> Self {
        let limit = Limit::new(config.count, config.window);
        Self { budget: Budget::paced(&[limit], config.burst), spent: BTreeMap::new() }
    }
}

impl Guard for PerRule {
    fn name(&self) -> &'static str {
        "rule"
    }

    fn check(&self, ask: &Ask<'_>) -> Finding {
        Finding::unless(self.budget.refusal(self.spent.get(&ask.question.rule.id), ask.now))
    }

    fn charge(&mut self, allowed: &LedgerEntry) {
        self.budget.charge(self.spent.entry(Arc::clone(&allowed.rule)).or_default(), allowed.at);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, allowed, check, post, rule};
    use super::*;
    use crate::model::{Key, RuleInfo, Tones};

    #[test]
    fn a_burst_of_three_and_never_more_than_ten_in_an_hour() {
        let mut guard = PerRule::new(&Config::default());
        let mut admitted = Vec::new();
        for second in 0..7_200 {
            let now = NOW + Duration::from_secs(second);
            if check(&guard, &post(), now, |_, _, _| {}) == Finding::Ok {
                guard.charge(&allowed(second, second, now));
                admitted.push(second);
            }
        }
        assert_eq!(admitted[..4], [0, 1, 2, 360]);
        assert!(admitted.windows(11).all(|run| run[10] - run[0] > 3_600), "{admitted:?}");
        assert!(admitted.len() >= 20, "{admitted:?}");
    }

    #[test]
    fn each_rule_has_its_own() {
        let mut guard = PerRule::new(&Config { burst: 1, ..Config::default() });
        guard.charge(&allowed(1, 1, NOW));
        assert_eq!(check(&guard, &post(), NOW, |_, _, _| {}).as_str().to_owned(), "burst of 1");
        let other = RuleInfo { id: "other".into(), ..rule() };
        let rule = &other;
        let ask = crate::reply::Question {
            post: &post(),
            post_key: Key(1),
            author_key: Key(1),
            conversation_key: Key(1),
            is_edit: false,
            rule,
            lag: Duration::ZERO,
            tones: Tones::NONE,
        };
        let ask = Ask { question: &ask, is_house: false, is_addressed: true, now: NOW };
        assert_eq!(guard.check(&ask), Finding::Ok);
    }
}
