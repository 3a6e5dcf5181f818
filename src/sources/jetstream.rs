//! The Jetstream source: Bluesky's events over a WebSocket, v1 wire (PROTOCOLS.md 1).
//!
//! Runs for ever: reconnects with back-off, fails over, resumes from its cursor a little earlier than it
//! stopped, and reports gaps. Does not parse events (workers do) beyond the time in the last one's head.
//!
//! ```toml
//! [[source]]
//! type = "jetstream"
//! name = "bluesky"
//! hosts = ["jetstream1.us-east.bsky.network"]   # or ws://localhost:6008/subscribe
//! wanted_collections = ["app.bsky.feed.post", "app.bsky.feed.repost"]
//! start = "saved"
//! ```

mod request;
mod session;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::batching::{Batcher, Batching};
use super::errors::SourceError;
use super::handover::Handover;
use super::status::SourceStatus;
use super::supervisor::{Retry, Supervisor};
use super::websocket;
use crate::model::Position;
use crate::model::setting::{duration, size};
use request::Request;
use session::{Ended, Session};

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
    /// A jump in event time over this, plus the longest silence seen, is a gap.
    #[serde(with = "duration")]
    pub gap_tolerance: Duration,
    /// An unfiltered stream that brings no event for this long has stalled.
    #[serde(with = "duration")]
    pub stall: Duration,
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
            gap_tolerance: Duration::from_secs(5),
            stall: Duration::from_secs(15),
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

impl Config {
    pub(super) fn is_filtered(&self) -> bool {
        !self.wanted_collections.is_empty() || !self.wanted_dids.is_empty()
    }

    /// What a start at `saved` means: the last event dealt with, if that counts.
    fn resume_at(&self, saved: Option<Position>) -> Option<u64> {
        match self.start {
            Start::Live => None,
            // Position 0 is that of a stream whose events carried no time.
            Start::Saved | Start::Earliest => {
                saved.map(|Position(time_us)| time_us).filter(|&time_us| time_us > 0)
            }
        }
    }
}

/// A Jetstream source, ready to run.
#[derive(Debug)]
pub(super) struct Jetstream {
    config: Config,
    requests: Vec<Request>,
    status: Arc<SourceStatus>,
}

impl Jetstream {
    pub(super) fn new(config: Config, status: Arc<SourceStatus>) -> Result<Self, SourceError> {
        let requests = request::build(&config)?;
        Ok(Self { config, requests, status })
    }

    pub(super) async fn run(
        self,
        saved: Option<Position>,
        handover: Handover,
        shutdown: CancellationToken,
    ) -> Result<(), SourceError> {
        let tls = self.tls()?;
        let mut supervisor = Supervisor::new(self.config.retry, self.requests.len());
        let batcher = Batcher::new(self.config.batch, handover, Arc::clone(&self.status));
        let resume = self.config.resume_at(saved);
        let mut session = Session::new(&self.config, &self.status, batcher, resume, &shutdown, tls);
        let mut first = true;
        loop {
            let request = &self.requests[supervisor.host()];
            self.status.connecting(request.address(), std::mem::take(&mut first));
            let ended = session.run(request).await;
            self.status.set_connected(false);
            if session.made_progress(&supervisor, &ended) {
                supervisor.progressed();
            }
            let retry_after = match ended {
                Ended::Shutdown => return Ok(()),
                Ended::WorkersGone => {
                    return Err(SourceError::WorkersGone { name: Arc::clone(self.status.name()) });
                }
                Ended::Refused(reason) => return Err(self.refused(request, reason)),
                Ended::Lost { why, retry_after } => {
                    tracing::warn!(source = %self.status.name(), host = request.address(), why, "connection lost");
                    retry_after
                }
            };
            let delay = supervisor.failed(retry_after);
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(delay) => {}
            }
        }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, SourceError> {
        websocket::tls_config(self.config.ca_file.as_deref()).map_err(|problem| SourceError::Config {
            name: Arc::clone(self.status.name()),
            problem: format!("ca_file: {problem}"),
            remedy: "give a PEM file of certificates, or leave ca_file out to trust the web's",
        })
    }

    fn refused(&self, request: &Request, reason: String) -> SourceError {
        let name = Arc::clone(self.status.name());
        SourceError::Refused { name, host: request.address().to_owned(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_start_ignores_what_is_saved() {
        let saved = Some(Position(7));
        let with = |start| Config { start, ..Config::default() }.resume_at(saved);
        assert_eq!(with(Start::Live), None);
        assert_eq!(with(Start::Saved), Some(7));
        assert_eq!(with(Start::Earliest), Some(7));
        assert_eq!(Config::default().resume_at(Some(Position(0))), None);
    }

    #[test]
    fn the_configuration_reads_as_documented() {
        let config: Config = toml::from_str(
            "name = \"b\"\nhosts = [\"h\"]\nstart = \"earliest\"\nstall = \"3s\"\nframe_bytes_max = \"1MiB\"\n\
             [batch]\nframes_max = 7\n[retry]\nmax = \"9s\"",
        )
        .unwrap();
        assert_eq!((config.start, config.stall), (Start::Earliest, Duration::from_secs(3)));
        assert_eq!((config.frame_bytes_max, config.batch.frames_max), (1 << 20, 7));
        assert_eq!(config.retry.max, Duration::from_secs(9));
        assert!(toml::from_str::<Config>("host = \"typo\"").is_err());
    }
}
