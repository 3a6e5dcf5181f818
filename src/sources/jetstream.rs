//! The Jetstream source: Bluesky's events over a WebSocket, v1 wire.
//!
//! Runs for ever: reconnects with back-off, fails over, leaves servers that have gone deaf, resumes from its cursor a
//! little earlier than it stopped, and reports gaps. Does not parse events (workers do) beyond the times of a few.
//!
//! ```toml
//! [[source]]
//! type = "jetstream"
//! name = "bluesky"
//! hosts = ["jetstream1.us-east.bsky.network"]   # or ws://localhost:6008/subscribe
//! wanted_collections = ["app.bsky.feed.post", "app.bsky.feed.repost"]
//! start = "saved"
//! ```

mod gap;
mod position;
mod request;
mod session;
mod silence;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::batching::{Batcher, Batching};
use super::errors::SourceError;
use super::handover::Handover;
use super::status::SourceStatus;
use super::supervisor::{Attempt, Failure, Retry, Supervisor};
use super::websocket;
use crate::clock::wall_clock;
use crate::formats::Format;
use crate::model::Position;
use crate::model::setting::{duration, optional_duration, size};
use crate::text::display;
use request::Request;
use session::{Ended, Session};
use silence::Silence;

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

impl Config {
    fn silence(&self, now: Instant) -> Silence {
        let (min, max) = self.stall.map_or((self.stall_min, self.stall_max), |stall| (stall, stall));
        Silence::new(min, max, now)
    }

    /// What a start at `saved` means: the last event dealt with, if that counts.
    /// Never later than `now`, since nothing of the future can have been read.
    fn resume_at(&self, saved: Option<Position>, now: u64) -> Option<u64> {
        match self.start {
            Start::Live => None,
            // Position 0 is that of a stream whose events carried no time.
            Start::Saved | Start::Earliest => {
                saved.map(|Position(time_us)| time_us.min(now)).filter(|&time_us| time_us > 0)
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
        let mut supervisor = Supervisor::new(self.config.retry, self.requests.len(), Instant::now());
        let batcher = Batcher::new(self.config.batch, Format::Jetstream, handover, Arc::clone(&self.status));
        let resume = self.config.resume_at(saved, now_us());
        let mut session = Session::new(&self.config, &self.status, batcher, resume, &shutdown, tls);
        let mut first = true;
        loop {
            let (host, due) = supervisor.next();
            if shutdown.run_until_cancelled(sleep_until(due)).await.is_none() {
                return Ok(());
            }
            let request = &self.requests[host];
            self.status.connecting(request.address(), std::mem::take(&mut first));
            match session.run(request, supervisor.silences()).await {
                Ended::Shutdown => return Ok(()),
                Ended::WorkersGone => {
                    return Err(SourceError::WorkersGone { name: Arc::clone(self.status.name()) });
                }
                Ended::Lost { why, failure } => {
                    let (attempt, why) = (session.attempt(failure), display::one_line(&why));
                    self.report(&supervisor, &attempt, &why);
                    supervisor.ended(&attempt, Instant::now());
                    self.status.set_refused(supervisor.is_refused_by_all().then_some(&*why));
                }
            }
        }
    }

    /// Logs why a connection ended: as an error, once, when the host refuses the request.
    fn report(&self, supervisor: &Supervisor, attempt: &Attempt, why: &str) {
        let (source, host) = (self.status.name(), self.requests[supervisor.next().0].address());
        if attempt.failure == Failure::Refused && !supervisor.is_refused() {
            tracing::error!(
                %source, host, why,
                "the server refuses the request, and is asked rarely now: check wanted_collections and wanted_dids"
            );
        } else {
            tracing::warn!(%source, host, why, "connection lost");
        }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, SourceError> {
        websocket::tls_config(self.config.ca_file.as_deref()).map_err(|problem| SourceError::Config {
            name: Arc::clone(self.status.name()),
            problem: format!("ca_file: {problem}"),
            remedy: "give a PEM file of certificates, or leave ca_file out to trust the web's",
        })
    }
}

/// Now, in the events' unit.
fn now_us() -> u64 {
    u64::try_from(wall_clock().as_micros()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_start_ignores_what_is_saved() {
        let saved = Some(Position(7));
        let with = |start| Config { start, ..Config::default() }.resume_at(saved, 100);
        assert_eq!(with(Start::Live), None);
        assert_eq!(with(Start::Saved), Some(7));
        assert_eq!(with(Start::Earliest), Some(7));
        assert_eq!(Config::default().resume_at(Some(Position(0)), 100), None);
    }

    #[test]
    fn a_saved_position_from_the_future_resumes_now() {
        assert_eq!(Config::default().resume_at(Some(Position(3_600)), 100), Some(100));
    }

    #[test]
    fn the_configuration_reads_as_documented() {
        let config: Config = toml::from_str(
            "name = \"b\"\nhosts = [\"h\"]\nstart = \"earliest\"\nstall = \"3s\"\nframe_bytes_max = \"1MiB\"\n\
             [batch]\nframes_max = 7\n[retry]\nmax = \"9s\"",
        )
        .unwrap();
        assert_eq!((config.start, config.stall), (Start::Earliest, Some(Duration::from_secs(3))));
        let again: Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
        let unset = toml::to_string(&Config::default()).unwrap();
        assert_eq!(toml::from_str::<Config>(&unset).unwrap(), Config::default());
        assert_eq!((config.frame_bytes_max, config.batch.frames_max), (1 << 20, 7));
        assert_eq!(config.retry.max, Duration::from_secs(9));
        assert!(toml::from_str::<Config>("host = \"typo\"").is_err());
    }
}
