//! Settings of the Jetstream source.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::setting::{duration, optional_duration, size};
use crate::sources::batching::Batching;
use crate::sources::supervisor::Retry;

/// Where to begin when the process starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At the saved position; live when nothing is saved.
    #[default]
    Saved,
    /// At the saved position; at the oldest event the server holds when nothing is saved.
    Earliest,
    /// Now, whatever is saved. What came in between is not read.
    Live,
}

/// Settings of a Jetstream source; see the module for an example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The source's name in metrics, positions and work items.
    pub name: String,
    /// Servers in order of preference: host names, or `ws://` or `wss://` addresses. At least one.
    pub hosts: Vec<String>,
    /// Collections (NSIDs, or prefixes ending in `.*`), at most 100. Empty means all.
    /// Identity and account events always come.
    pub wanted_collections: Vec<String>,
    /// Accounts (DIDs), at most 10,000. Empty means all.
    pub wanted_dids: Vec<String>,
    /// Where to begin.
    pub start: Start,
    /// A PEM file of certificates to trust for `wss://` instead of the web's: for servers of one's own.
    pub ca_file: Option<PathBuf>,
    /// How far before the last event a reconnect resumes. Duplicates are dropped later.
    #[serde(with = "duration")]
    pub rewind: Duration,
    /// The same when another host takes over: each host stamps events by itself, and the one before may have lagged.
    #[serde(with = "duration")]
    pub rewind_other_host: Duration,
    /// When a new connection starts later than this after the last event read, that is a gap.
    #[serde(with = "duration")]
    pub gap_tolerance: Duration,
    /// A connection that brings no event for this long, whatever else comes, is given up for the next host's.
    /// Without it the stream's own past says how long, between the next two.
    #[serde(with = "optional_duration", skip_serializing_if = "Option::is_none")]
    pub stall: Option<Duration>,
    /// Without `stall`: a silence no longer than this always passes.
    #[serde(with = "duration")]
    pub stall_min: Duration,
    /// Without `stall`: a silence longer than this never passes.
    #[serde(with = "duration")]
    pub stall_max: Duration,
    /// How often we ping.
    #[serde(with = "duration")]
    pub ping: Duration,
    /// A connection on which nothing at all arrives for this long, not even a pong, is dead.
    #[serde(with = "duration")]
    pub silence: Duration,
    /// How long connecting may take, TLS and upgrade included; and how long one write may.
    #[serde(with = "duration")]
    pub connect_timeout: Duration,
    /// How long the workers may have no room before the connection is closed, to resume from the cursor.
    #[serde(with = "duration")]
    pub backpressure_max: Duration,
    /// Larger messages are skipped and counted.
    #[serde(with = "size")]
    pub frame_bytes_max: usize,
    /// When a batch is closed.
    pub batch: Batching,
    /// How to try again.
    pub retry: Retry,
}

impl Default for Config {
    fn default() -> Self {
        let hosts = ["jetstream1.us-east", "jetstream2.us-east", "jetstream1.us-west", "jetstream2.us-west"];
        Self {
            name: "bluesky".to_owned(),
            hosts: hosts.iter().map(|host| format!("wss://{host}.bsky.network/subscribe")).collect(),
            wanted_collections: vec!["app.bsky.feed.post".to_owned(), "app.bsky.feed.repost".to_owned()],
            wanted_dids: Vec::new(),
            start: Start::Saved,
            ca_file: None,
            rewind: Duration::from_secs(5),
            rewind_other_host: Duration::from_secs(60),
            gap_tolerance: Duration::from_secs(5),
            stall: None,
            stall_min: Duration::from_secs(15),
            stall_max: Duration::from_secs(3_600),
            ping: Duration::from_secs(20),
            silence: Duration::from_secs(45),
            connect_timeout: Duration::from_secs(10),
            backpressure_max: Duration::from_secs(20),
            frame_bytes_max: 2 << 20,
            batch: Batching::default(),
            retry: Retry::default(),
        }
    }
}
