//! `[store]` of the configuration.

use crate::model::Report;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// How far back the reply ledger is read: one day more than the longest budget of the gate.
pub(super) const LEDGER_WINDOW: std::time::Duration = std::time::Duration::from_secs(31 * 24 * 3_600);

/// How the store behaves.
///
/// ```toml
/// [store]
/// path = "birddog.db"
/// retention = "30d"            # resolved and withdrawn items, dead letters
/// open_age_max = "90d"         # an item that is open for longer is withdrawn as expired
/// open_items_max = 1000000     # beyond it the oldest unclaimed items of the lowest lanes are
/// seen_window = "36h"          # a post is never taken twice within this
/// ageing = "4h"                # an unclaimed item rises one lane for each of these it has waited
/// changes_kept = "7d"          # the change feed; a client that was away for longer reads the items anew
/// changes_max = 1000000
/// cache_bytes = "16MiB"
/// recover_seen_max = 4000000   # keys read back on start, the newest
/// recover_items_max = 200000
/// recover_joined_max = 1000000
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database file; `-wal` and `-shm` stand beside it. Only its owner may read them.
    pub path: PathBuf,
    /// How long closed items and dead letters are kept, in time that birddog knows to have passed.
    #[serde(with = "crate::model::setting::duration")]
    pub retention: Duration,
    /// How long an item may be open before it is withdrawn as expired.
    #[serde(with = "crate::model::setting::duration")]
    pub open_age_max: Duration,
    /// Most open items. When there are more, the oldest unclaimed ones of the lowest lanes are withdrawn as expired.
    pub open_items_max: usize,
    /// How long an identity is remembered; longer than any rewind of a source.
    #[serde(with = "crate::model::setting::duration")]
    pub seen_window: Duration,
    /// Waiting time that lifts an item one lane, for claims and for sinks.
    #[serde(with = "crate::model::setting::duration")]
    pub ageing: Duration,
    /// How long changes stay in the feed.
    #[serde(with = "crate::model::setting::duration")]
    pub changes_kept: Duration,
    /// Most changes in the feed; beyond it the oldest go early.
    pub changes_max: usize,
    /// Page cache of the writing connection, in bytes.
    #[serde(with = "crate::model::setting::size")]
    pub cache_bytes: usize,
    /// Most seen keys handed back by [`Store::recover`](super::Store::recover); 24 bytes of memory each.
    pub recover_seen_max: usize,
    /// Most items handed back by [`Store::recover`](super::Store::recover); about 300 bytes of memory each.
    pub recover_items_max: usize,
    /// Most joined events handed back by [`Store::recover`](super::Store::recover); about 160 bytes of memory each.
    pub recover_joined_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        const HOUR: u64 = 3_600;
        Self {
            path: PathBuf::from("birddog.db"),
            retention: Duration::from_secs(30 * 24 * HOUR),
            open_age_max: Duration::from_secs(90 * 24 * HOUR),
            open_items_max: 1_000_000,
            seen_window: Duration::from_secs(36 * HOUR),
            ageing: Duration::from_secs(4 * HOUR),
            changes_kept: Duration::from_secs(7 * 24 * HOUR),
            changes_max: 1_000_000,
            cache_bytes: 16 << 20,
            recover_seen_max: 4_000_000,
            recover_items_max: 200_000,
            recover_joined_max: 1_000_000,
        }
    }
}

impl Config {
    /// Every setting that cannot be meant.
    pub fn validate(&self, report: &mut Report) {
        let path = self.path.to_string_lossy();
        let is_in_memory = path.is_empty() || path == ":memory:" || path.starts_with("file:");
        let wrong = [
            (is_in_memory, "store.path must name a file on disk: nothing outlives a stop elsewhere"),
            (
                self.retention.is_zero(),
                "store.retention is 0, so that closed items go at once; use \"1h\" or more",
            ),
            (self.open_age_max.is_zero(), "store.open_age_max is 0, so that every open item expires at once"),
            (self.open_items_max == 0, "store.open_items_max is 0, so that every open item expires at once"),
        ];
        wrong.iter().for_each(|(is_wrong, why)| report.add_if(*is_wrong, why));
    }
}
