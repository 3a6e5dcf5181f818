//! What was there before: redelivered events, and posts that belong together.
//!
//! Layer 1, pure. [`Seen`] forgets nothing within its window and refuses redelivery; [`Clusters`] ties reposts and
//! quotes to the post they repeat. Both are bounded by time and by count, forget the oldest first, count what they
//! forget, and never block. The settler owns them and writes what a restart needs. Near-duplicate text comes later.

mod authors;
mod cluster;
mod seen;

use std::time::Duration;

use serde::Deserialize;

pub use cluster::{Cluster, ClusterItem, Clusters, Opened, PostId, RootRef, amplification};
pub use seen::Seen;

use crate::model::metric::Metric;
use crate::model::setting;

/// How much is remembered, and how long.
///
/// ```toml
/// [dedupe]
/// window = "36h"           # redelivery; must outlast every source's rewind
/// keys_max = 2_000_000     # about 28 bytes each
/// cluster_window = "48h"   # how long a post can be amplified
/// clusters_max = 150_000   # posts and quotes, about 300 bytes each
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long an identity is remembered.
    #[serde(with = "setting::duration")]
    pub window: Duration,
    /// At most this many identities; beyond it the oldest are forgotten early. At most 2^31.
    pub keys_max: usize,
    /// How long a post is known, from its first sight.
    #[serde(with = "setting::duration")]
    pub cluster_window: Duration,
    /// At most this many known posts, joined quotes included.
    pub clusters_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(36 * 3600),
            keys_max: 2_000_000,
            cluster_window: Duration::from_secs(48 * 3600),
            clusters_max: 150_000,
        }
    }
}

/// Identities remembered now.
pub const SEEN_ENTRIES: &str = "birddog_dedupe_seen_entries";
/// Identities forgotten before their window ended, because the memory was full.
pub const SEEN_EVICTED: &str = "birddog_dedupe_seen_evicted_total";
/// Posts known now, for reposts and quotes to join.
pub const CLUSTER_ENTRIES: &str = "birddog_dedupe_cluster_entries";
/// Known posts forgotten before their window ended, because the memory was full.
pub const CLUSTER_EVICTED: &str = "birddog_dedupe_cluster_evicted_total";

/// What the engine exports for this part.
pub const METRICS: &[Metric] = &[
    Metric::gauge(SEEN_ENTRIES, "Identities remembered now.", &[]),
    Metric::counter(SEEN_EVICTED, "Identities forgotten before their window ended: memory full.", &[]),
    Metric::gauge(CLUSTER_ENTRIES, "Posts known now, for reposts and quotes to join.", &[]),
    Metric::counter(CLUSTER_EVICTED, "Known posts forgotten before their window ended: memory full.", &[]),
];
