//! Guard 5, author: nobody is answered often (RFC 5230 gives a sender 7 days).
//!
//! ```toml
//! [reply.per_author]
//! limits = [{ count = 1, window = "24h" }, { count = 3, window = "30d" }]   # exact in every sliding window
//! authors_max = 100_000     # beyond it no new author is answered
//! ```

use std::time::Duration;

use serde::Deserialize;

use super::guard::{Ask, Finding, Guard};
use crate::model::{Key, KeyMap, LedgerEntry, Moment, Report};
use crate::reply::budget::{Budget, Spent};
use crate::reply::window::Limit;

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// All must hold. Windows of at most 31 days, the ledger's length.
    pub limits: Vec<Limit>,
    /// Authors remembered.
    pub authors_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        let day = Duration::from_secs(86_400);
        Self { limits: vec![Limit::new(1, day), Limit::new(3, day * 30)], authors_max: 100_000 }
    }
}

impl Config {
    pub(in crate::reply) fn validate(&self, report: &mut Report) {
        if self.limits.iter().any(|limit| limit.window > Duration::from_secs(31 * 86_400)) {
            report.add("reply.per_author.limits reaches beyond the ledger's 31 days; shorten the window");
        }
    }
}

#[derive(Debug)]
pub(in crate::reply) struct PerAuthor {
    budget: Budget,
    authors_max: usize,
    spent: KeyMap<Spent>,
}

impl PerAuthor {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            budget: Budget::exact(&config.limits),
            authors_max: config.authors_max,
            spent: KeyMap::default(),
        }
    }
}

impl Guard for PerAuthor {
    fn name(&self) -> &'static str {
        "author"
    }

    fn check(&self, ask: &Ask<'_>) -> Finding {
        match self.spent.get(&ask.question.author_key) {
            None if self.spent.len() >= self.authors_max => Finding::suppress("memory full"),
            spent => Finding::unless(self.budget.refusal(spent, ask.now)),
        }
    }

    fn charge(&mut self, allowed: &LedgerEntry) {
        self.budget.charge(self.spent.entry(allowed.author).or_default(), allowed.at);
    }

    fn inherit(&mut self, _: (Key, Key), (former, author): (Key, Key)) {
        if let Some(spent) = self.spent.get(&former).cloned() {
            self.budget.merge(self.spent.entry(author).or_default(), &spent);
        }
    }

    fn tidy(&mut self, now: Moment) {
        if self.spent.len() >= self.authors_max {
            self.spent.retain(|_, spent| !self.budget.is_over(spent, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, allowed, check, post};
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn one_a_day_and_three_in_thirty_days() {
        let mut guard = PerAuthor::new(&Config::default());
        let at = |guard: &PerAuthor, now| check(guard, &post(), now, |_, _, _| {}).as_str().to_owned();
        let mut now = NOW;
        for _ in 0..3 {
            assert_eq!(at(&guard, now), "ok");
            guard.charge(&allowed(1, 2, now));
            assert_eq!(at(&guard, now + DAY), "1 in 24h");
            now = now + DAY + Duration::from_micros(1);
        }
        assert_eq!(at(&guard, now), "3 in 30d");
        assert_eq!(at(&guard, NOW + DAY * 30 + Duration::from_micros(1)), "ok");
    }

    #[test]
    fn what_stood_under_a_former_key_counts() {
        let mut guard = PerAuthor::new(&Config::default());
        guard.charge(&allowed(1, 7, NOW - DAY * 9));
        guard.charge(&allowed(1, 7, NOW - DAY * 5));
        guard.charge(&allowed(1, 2, NOW - DAY * 2));
        assert_eq!(check(&guard, &post(), NOW, |_, _, _| {}), Finding::Ok);
        guard.inherit((Key(0), Key(0)), (Key(7), Key(2)));
        assert_eq!(check(&guard, &post(), NOW, |_, _, _| {}).as_str().to_owned(), "3 in 30d");
    }

    #[test]
    fn it_counts_for_every_author_who_has_that_key_and_once_for_each() {
        let mut guard = PerAuthor::new(&Config::default());
        let at = |guard: &PerAuthor, author, now| {
            check(guard, &post(), now, |question, _, _| question.author_key = author).as_str().to_owned()
        };
        guard.charge(&allowed(1, 7, NOW));
        for author in [Key(2), Key(3), Key(2), Key(2), Key(2)] {
            guard.inherit((Key(0), Key(0)), (Key(7), author));
        }
        for author in [Key(2), Key(3), Key(7)] {
            assert_eq!(at(&guard, author, NOW + DAY), "1 in 24h");
            assert_eq!(at(&guard, author, NOW + DAY * 2), "ok", "one reply is no three");
        }
    }

    #[test]
    fn a_wall_clock_that_leaps_ahead_gives_nothing_back() {
        let mut guard = PerAuthor::new(&Config::default());
        guard.charge(&allowed(1, 2, NOW));
        let leapt = Moment { wall: NOW.wall + DAY * 40, ..NOW };
        assert_eq!(check(&guard, &post(), leapt, |_, _, _| {}).as_str().to_owned(), "1 in 24h");
        guard.tidy(leapt);
        assert_eq!(guard.spent.len(), 1);
        let back = Moment { wall: NOW.wall - DAY * 40, steady: NOW.steady + DAY * 2 };
        assert_eq!(check(&guard, &post(), back, |_, _, _| {}).as_str().to_owned(), "1 in 24h");
    }

    #[test]
    fn other_authors_are_not_touched_until_the_memory_is_full() {
        let mut guard = PerAuthor::new(&Config { authors_max: 2, ..Config::default() });
        guard.charge(&allowed(1, 7, NOW));
        assert_eq!(check(&guard, &post(), NOW, |_, _, _| {}), Finding::Ok);
        guard.charge(&allowed(1, 8, NOW));
        assert_eq!(check(&guard, &post(), NOW, |_, _, _| {}).as_str().to_owned(), "memory full");
        guard.tidy(NOW + DAY * 31);
        assert_eq!(check(&guard, &post(), NOW + DAY * 31, |_, _, _| {}), Finding::Ok);
    }
}
