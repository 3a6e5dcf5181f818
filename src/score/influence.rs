//! How far an author's voice carries, 0–1: by followers where the source sends them, and by who answers, shares and likes
//! them in the stream itself.
//!
//! By followers it is log₁₀(1 + followers)/7. By the stream it is log₁₀(1 + engagers)/5, engagers being the different
//! accounts counted by [`Audience`]. Of the two the greater counts: each is a lower bound of the same thing, and so
//! influence never falls when either grows.

mod audience;
mod registers;
mod table;

use crate::model::Report;
use std::time::Duration;

use serde::Deserialize;

pub use audience::Audience;

use crate::model::metric::Metric;
use crate::model::setting::{duration, size};
use crate::score::scored::rounded;

/// Followers at which influence is 1.
const FOLLOWERS_FULL: f32 = 10_000_000.0;
/// Engagers within a window at which influence is 1.
const ENGAGERS_FULL: f32 = 100_000.0;
/// The least memory that holds anything worth having, and the most.
const BYTES: std::ops::RangeInclusive<usize> = 64 << 10..=1 << 30;

/// `[influence]`: what is remembered of who answers, shares and likes whom.
///
/// ```toml
/// [influence]
/// stream = true           # false: followers only
/// window = "12h"          # an engager counts in full until the window ends, then fades away during the next
/// memory_max = "16MiB"    # 8 bytes an author, in two tables of half of it each; the least engaged give way
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Count engagers at all.
    pub stream: bool,
    /// An engager counts in full until the window ends in which it came, then fades away during the next.
    #[serde(with = "duration")]
    pub window: Duration,
    /// All the memory that is taken, at once.
    #[serde(with = "size")]
    pub memory_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { stream: true, window: Duration::from_secs(12 * 3600), memory_max: 16 << 20 }
    }
}

impl Config {
    /// Every mistake, as a sentence.
    pub fn validate(&self, report: &mut Report) {
        let windows = Duration::from_secs(60)..=Duration::from_secs(30 * 86_400);
        let (window, bytes) = (self.window, self.memory_max);
        let wrong = format_args!("influence.window is {window:?}; use 1m to 30d");
        report.add_if(!windows.contains(&window), wrong);
        let wrong = format_args!("influence.memory_max is {bytes} bytes; use 64KiB to 1GiB");
        report.add_if(!BYTES.contains(&bytes), wrong);
    }
}

/// One account answered, shared, quoted or liked another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engagement {
    /// [`account_hash`] of the id of whom it did that to.
    pub author: u64,
    /// The same of the account itself.
    pub by: u64,
}

/// The hash by which engagements know an account. Its seed is drawn anew by every process and shown to no one, so that
/// accounts cannot be made whose hash is another's.
#[inline]
#[must_use]
pub fn account_hash(id: &[u8], seed: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(id, seed)
}

/// Engagements counted, those of accounts that had been counted before among them.
pub const ENGAGEMENTS: &str = "birddog_influence_engagements_total";
/// Authors remembered now, of both windows.
pub const AUTHOR_ENTRIES: &str = "birddog_influence_author_entries";
/// Authors forgotten early, because the memory was full.
pub const AUTHOR_EVICTED: &str = "birddog_influence_author_evicted_total";

/// What the engine exports for this part.
pub const METRICS: &[Metric] = &[
    Metric::counter(ENGAGEMENTS, "Replies, reposts, quotes and likes counted towards influence.", &[]),
    Metric::gauge(AUTHOR_ENTRIES, "Authors whose engagers are remembered now, in both windows.", &[]),
    Metric::counter(AUTHOR_EVICTED, "Authors whose engagers were forgotten early: memory full.", &[]),
];

/// By followers alone: `log10(1 + followers) / 7`, at most 1; 0 where the source does not say.
#[must_use]
pub fn influence(followers: Option<u64>) -> f32 {
    let followers = followers.unwrap_or(0) as f32;
    (followers.ln_1p() / FOLLOWERS_FULL.ln()).min(1.0)
}

/// By the stream: the greater of `by_followers` and `log10(1 + engagers) / 5`, at most 1.
#[must_use]
pub fn with_engagers(by_followers: f32, engagers: f32) -> f32 {
    rounded(by_followers.max((engagers.ln_1p() / ENGAGERS_FULL.ln()).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn influence_grows_with_the_logarithm_of_followers() {
        assert_eq!(influence(None), 0.0);
        assert_eq!(influence(Some(0)), 0.0);
        assert!((influence(Some(999)) - 3.0 / 7.0).abs() < 1e-3);
        assert_eq!(influence(Some(u64::MAX)), 1.0);
    }

    #[test]
    fn engagers_count_by_their_logarithm_and_the_greater_evidence_wins() {
        assert_eq!(with_engagers(0.0, 0.0), 0.0);
        assert_eq!([9.0, 999.0, 99_999.0, 1e9].map(|n| with_engagers(0.0, n)), [0.2, 0.6, 1.0, 1.0]);
        assert_eq!(with_engagers(0.5, 9.0), 0.5);
    }

    #[test]
    fn settings_out_of_their_bounds_are_named() {
        assert!(Report::of(|report| Config::default().validate(report)).is_empty());
        let config = Config { window: Duration::ZERO, memory_max: 1, ..Config::default() };
        assert_eq!(Report::of(|report| config.validate(report)).len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn more_followers_or_engagers_never_lower_influence(
            followers in 0u64..1 << 40, more_followers in 0u64..1 << 40,
            engagers in 0f32..1e7, more_engagers in 0f32..1e7,
        ) {
            let of = |followers, engagers| with_engagers(influence(Some(followers)), engagers);
            let (before, after) =
                (of(followers, engagers), of(followers + more_followers, engagers + more_engagers));
            proptest::prop_assert!(before <= after && (0.0..=1.0).contains(&after), "{before} {after}");
        }
    }
}
