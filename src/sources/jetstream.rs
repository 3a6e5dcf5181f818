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

mod config;
mod gap;
mod position;
mod request;
mod session;
mod silence;

use std::sync::Arc;

use rustls::ClientConfig;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::batching::Batcher;
use super::errors::SourceError;
use super::handover::Handover;
use super::status::SourceStatus;
use super::supervisor::{Attempt, Failure, Supervisor};
use super::websocket;
use crate::formats::Format;
use crate::model::Position;
use crate::text::display;
pub use config::{Config, Start};
use position::now_us;
use request::Request;
use session::{Ended, Session};
use silence::Silence;

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
