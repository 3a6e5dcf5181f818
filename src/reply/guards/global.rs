//! Guard 11, global: what birddog may send altogether, and at most a tenth of the platform's quota.
//!
//! ```toml
//! [reply.global]
//! count = 60              # exact in every sliding hour
//! platform_quota = 1666   # the platform's own limit an hour, when it has one
//! ```

use std::time::Duration;

use serde::Deserialize;

use super::guard::{Ask, Finding, Guard};
use crate::model::{LedgerEntry, Steady};
use crate::reply::budget::{Budget, Spent};
use crate::reply::window::Limit;

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// At most this many in any hour.
    pub count: u32,
    /// Posts an hour that the platform allows an account; a tenth of it is ours.
    pub platform_quota: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Self { count: 60, platform_quota: None }
    }
}

#[derive(Debug)]
pub(in crate::reply) struct Global {
    budget: Budget,
    spent: Spent,
}

impl Global {
    pub(super) fn new(config: &Config) -> Self {
        let count = config.platform_quota.map_or(config.count, |quota| config.count.min(quota / 10));
        let limit = Limit::new(count, Duration::from_secs(3_600));
        Self { budget: Budget::exact(&[limit]), spent: Spent::default() }
    }

    /// Replies allowed after `start`, at most an hour ago.
    pub(in crate::reply) fn allowed_since(&self, start: Steady) -> usize {
        self.spent.count_since(start)
    }
}

impl Guard for Global {
    fn name(&self) -> &'static str {
        "global"
    }

    fn check(&self, ask: &Ask<'_>) -> Finding {
        Finding::unless(self.budget.refusal(Some(&self.spent), ask.now))
    }

    fn charge(&mut self, allowed: &LedgerEntry) {
        self.budget.charge(&mut self.spent, allowed.at);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, allowed, check, post};
    use super::*;

    #[test]
    fn the_count_or_a_tenth_of_the_platforms_quota_whichever_is_less() {
        for (config, count) in [
            (Config::default(), 60),
            (Config { platform_quota: Some(100), ..Config::default() }, 10),
            (Config { platform_quota: Some(5), ..Config::default() }, 0),
        ] {
            let mut guard = Global::new(&config);
            let mut admitted = 0;
            while check(&guard, &post(), NOW, |_, _, _| {}) == Finding::Ok {
                guard.charge(&allowed(admitted, admitted, NOW));
                admitted += 1;
            }
            assert_eq!(admitted, count);
            assert_eq!(guard.allowed_since(NOW.steady - Duration::from_secs(3_600)), count as usize);
        }
    }
}
