//! Guard 4, once: no post is answered twice, over restarts and replays.
//!
//! ```toml
//! [reply.once]
//! window = "30d"          # at most the ledger's 31 days
//! posts_max = 100_000     # beyond it nothing is answered; the global budget allows 43,200 in 30 days
//! ```

use std::time::Duration;

use serde::Deserialize;

use super::guard::{Ask, Finding, Guard};
use crate::model::{Key, KeyMap, LedgerEntry, Moment, setting};

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long an answered post is remembered.
    #[serde(with = "setting::duration")]
    pub window: Duration,
    /// Posts remembered.
    pub posts_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { window: Duration::from_secs(30 * 86_400), posts_max: 100_000 }
    }
}

#[derive(Debug)]
pub(in crate::reply) struct Once {
    config: Config,
    answered: KeyMap<Moment>,
}

impl Once {
    pub(super) fn new(config: &Config) -> Self {
        Self { config: *config, answered: KeyMap::default() }
    }

    /// By either clock.
    fn is_within(&self, at: Moment, now: Moment) -> bool {
        at.wall >= now.wall - self.config.window || at.steady >= now.steady - self.config.window
    }

    fn remember(&mut self, post: Key, at: Moment) {
        let known = self.answered.entry(post).or_insert(at);
        *known = Moment { wall: known.wall.max(at.wall), steady: known.steady.max(at.steady) };
    }
}

impl Guard for Once {
    fn name(&self) -> &'static str {
        "once"
    }

    fn check(&self, ask: &Ask<'_>) -> Finding {
        match self.answered.get(&ask.question.post_key) {
            Some(&at) if self.is_within(at, ask.now) => Finding::suppress("answered before"),
            None if self.answered.len() >= self.config.posts_max => Finding::suppress("memory full"),
            _ => Finding::Ok,
        }
    }

    fn charge(&mut self, allowed: &LedgerEntry) {
        self.remember(allowed.post, allowed.at);
    }

    fn inherit(&mut self, (former, post): (Key, Key), _: (Key, Key)) {
        if let Some(&at) = self.answered.get(&former) {
            self.remember(post, at);
        }
    }

    fn tidy(&mut self, now: Moment) {
        if self.answered.len() >= self.config.posts_max {
            let mut answered = std::mem::take(&mut self.answered);
            answered.retain(|_, at| self.is_within(*at, now));
            self.answered = answered;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, allowed, check, post};
    use super::*;

    #[test]
    fn an_answered_post_is_not_answered_again() {
        let mut once = Once::new(&Config::default());
        once.charge(&allowed(1, 9, NOW));
        assert_eq!(check(&once, &post(), NOW, |_, _, _| {}).as_str().to_owned(), "answered before");
        let of =
            |once: &Once, post_key| check(once, &post(), NOW, |question, _, _| question.post_key = post_key);
        for other in [Key(2), Key(3)] {
            assert_eq!(of(&once, other), Finding::Ok);
            once.inherit((Key(1), other), (Key(0), Key(0)));
            assert_eq!(of(&once, other).as_str().to_owned(), "answered before");
        }
        assert_eq!(of(&once, Key(1)).as_str().to_owned(), "answered before");
    }

    #[test]
    fn when_the_memory_is_full_nothing_is_answered_until_it_has_room() {
        let mut once = Once::new(&Config { posts_max: 1, ..Config::default() });
        once.charge(&allowed(7, 9, NOW));
        assert_eq!(check(&once, &post(), NOW, |_, _, _| {}).as_str().to_owned(), "memory full");
        let later = NOW + Duration::from_secs(31 * 86_400);
        once.tidy(later);
        assert_eq!(check(&once, &post(), later, |_, _, _| {}), Finding::Ok);
    }
}
