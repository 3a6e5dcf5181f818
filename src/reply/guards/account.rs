//! Guard 10, account: what one account of ours (one a network) may send.
//!
//! ```toml
//! [reply.per_account]
//! count = 30          # exact in every sliding window
//! window = "1h"
//! burst = 5           # then one every window / count
//! per_day = 200
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
    /// At most this many in any 24 hours.
    pub per_day: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { count: 30, window: Duration::from_secs(3_600), burst: 5, per_day: 200 }
    }
}

impl Config {
    pub(in crate::reply) fn validate(&self, report: &mut Report) {
        super::guard::expect_burst("reply.per_account", self.count, self.burst, report);
    }
}

#[derive(Debug)]
pub(in crate::reply) struct PerAccount {
    budget: Budget,
    /// By network.
    spent: BTreeMap<Arc<str>, Spent>,
}

impl PerAccount {
    pub(super) fn new(config: &Config) -> Self {
        let limits = [
            Limit::new(config.count, config.window),
            Limit::new(config.per_day, Duration::from_secs(86_400)),
        ];
        Self { budget: Budget::paced(&limits, config.burst), spent: BTreeMap::new() }
    }
}

impl Guard for PerAccount {
    fn name(&self) -> &'static str {
        "account"
    }

    fn check(&self, ask: &Ask<'_>) -> Finding {
        Finding::unless(self.budget.refusal(self.spent.get(ask.question.post.network), ask.now))
    }

    fn charge(&mut self, allowed: &LedgerEntry) {
        self.budget.charge(self.spent.entry(Arc::clone(&allowed.account)).or_default(), allowed.at);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, allowed, check, post};
    use super::*;
    use crate::model::Post;

    #[test]
    fn no_more_than_thirty_an_hour_and_two_hundred_a_day() {
        let mut guard = PerAccount::new(&Config::default());
        let mut admitted = Vec::new();
        for minute in 0..3 * 1_440 {
            let now = NOW + Duration::from_secs(minute * 60);
            if check(&guard, &post(), now, |_, _, _| {}) == Finding::Ok {
                guard.charge(&allowed(minute, minute, now));
                admitted.push(minute);
            }
        }
        assert!(admitted.windows(31).all(|run| run[30] - run[0] > 60));
        assert!(admitted.windows(201).all(|run| run[200] - run[0] > 1_440));
        assert!(admitted.len() >= 400, "{}", admitted.len());
    }

    #[test]
    fn each_network_has_its_own_and_the_burst_is_bounded() {
        let mut guard = PerAccount::new(&Config::default());
        for reply in 0..5 {
            guard.charge(&allowed(reply, reply, NOW));
        }
        assert_eq!(check(&guard, &post(), NOW, |_, _, _| {}).as_str().to_owned(), "burst of 5");
        let elsewhere = Post { network: "mastodon", ..post() };
        assert_eq!(check(&guard, &elsewhere, NOW, |_, _, _| {}), Finding::Ok);
    }
}
