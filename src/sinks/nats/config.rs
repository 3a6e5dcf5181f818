//! Settings of the NATS sink.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The sink's name.
    pub name: String,
    /// `nats://HOST:PORT` or `tls://HOST:PORT`; never with a password in it.
    pub url: String,
    /// First token of every subject.
    pub subject_prefix: String,
    /// The stream to make when it is missing, and to check; without it, somebody else looks after the stream.
    pub stream: Option<String>,
    /// Replicas of a stream that we make, 1–5.
    pub replicas: usize,
    /// Duplicate window of a stream that we make: how long a repeat is recognised.
    #[serde(with = "crate::model::setting::duration")]
    pub duplicate_window: Duration,
    /// Silences the warning about fewer than 3 replicas: the server syncs every message
    /// (`sync_interval: always`), or losing the last two minutes in a power cut is acceptable.
    pub accept_single_replica: bool,
    /// File with the token.
    pub token_file: Option<PathBuf>,
    /// File with NATS credentials (JWT and seed).
    pub credentials_file: Option<PathBuf>,
    /// How long a connection attempt or an acknowledgement may take.
    #[serde(with = "crate::model::setting::duration")]
    pub timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "nats".to_owned(),
            url: "nats://127.0.0.1:4222".to_owned(),
            subject_prefix: "birddog".to_owned(),
            stream: None,
            replicas: 1,
            duplicate_window: Duration::from_secs(600),
            accept_single_replica: false,
            token_file: None,
            credentials_file: None,
            timeout: Duration::from_secs(5),
        }
    }
}
