//! Guard 14, stale: an old post is not answered, nor is any while we are behind.
//!
//! ```toml
//! [reply.stale]
//! age_max = "30m"     # by the source's time of the post, not the author's
//! lag_max = "5m"      # how far we are behind the source, or our own queue is behind us
//! ```
//! A post from the future (beyond `lag_max`) means that a clock is wrong, and is not answered either.

use std::time::Duration;

use serde::Deserialize;

use super::guard::{Ask, Finding, Guard};
use crate::model::{Post, Timestamp, setting};

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Oldest post that may be answered.
    #[serde(with = "setting::duration")]
    pub age_max: Duration,
    /// Greatest lag at which anything may be answered.
    #[serde(with = "setting::duration")]
    pub lag_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { age_max: Duration::from_secs(30 * 60), lag_max: Duration::from_secs(5 * 60) }
    }
}

#[derive(Debug)]
pub(in crate::reply) struct Stale(Config);

impl Stale {
    pub(super) const fn new(config: &Config) -> Self {
        Self(*config)
    }

    /// When the post will be too old to be answered.
    pub(in crate::reply) fn expiry(&self, post: &Post) -> Timestamp {
        post.event_at + self.0.age_max
    }
}

impl Guard for Stale {
    fn name(&self) -> &'static str {
        "stale"
    }

    fn check(&self, ask: &Ask<'_>) -> Finding {
        let event_at = ask.question.post.event_at;
        if ask.now.wall.since(event_at) > self.0.age_max {
            Finding::suppress("post too old")
        } else if event_at.since(ask.now.wall) > self.0.lag_max {
            Finding::suppress("post from the future")
        } else if ask.question.lag > self.0.lag_max {
            Finding::suppress("we are behind")
        } else {
            Finding::Ok
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, check, post};
    use super::*;

    #[test]
    fn old_posts_and_our_own_lag_suppress() {
        let guard = Stale::new(&Config::default());
        let minutes = |m: u64| Duration::from_secs(m * 60);
        let at = |now| check(&guard, &post(), now, |_, _, _| {}).as_str().to_owned();
        assert_eq!(at(NOW + minutes(30)), "ok");
        assert_eq!(at(NOW + minutes(31)), "post too old");
        assert_eq!(at(NOW - minutes(6)), "post from the future");
        let behind = check(&guard, &post(), NOW, |question, _, _| question.lag = minutes(6));
        assert_eq!(behind.as_str().to_owned(), "we are behind");
    }
}
