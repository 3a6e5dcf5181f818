//! Where events come from: each source reads frames into batches and hands them to the workers.
//!
//! Layer 3: tokio, sockets and files live here; no parsing, no rules, no storage. A source tracks its own
//! position for reconnects; the engine saves positions with the work and gives the saved one back on start.
//! A new source is one file, one variant of [`Config`] and one arm in [`Source`].

mod batching;
mod coverage;
mod errors;
pub mod file;
mod format;
mod frames;
pub mod handover;
pub mod http;
pub mod jetstream;
pub mod status;
mod supervisor;
mod websocket;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::model::metric::Metric;
use crate::model::{Position, Report};

pub use batching::Batching;
pub use errors::SourceError;
pub use format::FormatName;
pub use handover::{Admitted, Handover, Intake, Place};
pub use status::{Refusal, SourceReport, SourceStatus};
pub use supervisor::Retry;

/// What this folder emits.
pub const METRICS: &[Metric] = &ALL_METRICS;

const ALL_METRICS: [Metric; status::METRICS.len() + handover::METRICS.len()] = {
    let mut all = [status::METRICS[0]; status::METRICS.len() + handover::METRICS.len()];
    let mut index = 0;
    while index < all.len() {
        let from_status = index < status::METRICS.len();
        all[index] = if from_status {
            status::METRICS[index]
        } else {
            handover::METRICS[index - status::METRICS.len()]
        };
        index += 1;
    }
    all
};

/// One `[[source]]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "a process has a handful")]
pub enum Config {
    /// Bluesky's Jetstream over a WebSocket.
    Jetstream(jetstream::Config),
    /// A file or standard input, one event per line.
    File(file::Config),
    /// Posts that are sent to the API.
    Http(http::Config),
}

impl Config {
    /// The source's name: unique among all sources, since positions are saved under it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Jetstream(config) => &config.name,
            Self::File(config) => &config.name,
            Self::Http(config) => &config.name,
        }
    }

    /// Adds what keeps the source from starting.
    pub fn validate(&self, report: &mut Report) {
        report.extend(Source::new(self.clone()).err());
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Jetstream(_) => "jetstream",
            Self::File(_) => "file",
            Self::Http(_) => "http",
        }
    }
}

/// A source that is configured and checked, and not yet running.
#[derive(Debug)]
pub struct Source {
    kind: Kind,
    status: Arc<SourceStatus>,
}

#[derive(Debug)]
enum Kind {
    Jetstream(Box<jetstream::Jetstream>),
    File(file::FileSource),
    Http(http::HttpSource),
}

impl Source {
    /// Checks the configuration; touches neither network nor disk. Install the metrics recorder first.
    ///
    /// # Errors
    /// [`SourceError::Config`] with what is wrong and what to do.
    pub fn new(config: Config) -> Result<Self, SourceError> {
        let status = Arc::new(SourceStatus::new(Arc::from(config.name()), config.kind()));
        let kind = match config {
            Config::Jetstream(config) => {
                Kind::Jetstream(Box::new(jetstream::Jetstream::new(config, Arc::clone(&status))?))
            }
            Config::File(config) => Kind::File(file::FileSource::new(config, Arc::clone(&status))?),
            Config::Http(config) => Kind::Http(http::HttpSource::new(&config, Arc::clone(&status))?),
        };
        Ok(Self { kind, status })
    }

    /// Where the API puts what is sent to it, if this source is one of those.
    #[must_use]
    pub fn ingest(&self) -> Option<http::Ingest> {
        match &self.kind {
            Kind::Http(source) => Some(source.ingest()),
            _ => None,
        }
    }

    /// How the source is doing, while it runs and after.
    #[must_use]
    pub fn status(&self) -> &Arc<SourceStatus> {
        &self.status
    }

    /// Reads until shutdown, the end of a file, or an error that no retry heals. `start` is the saved position.
    /// The hand-over is dropped at the end, so that workers end when all sources have.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub async fn run(
        self,
        start: Option<Position>,
        handover: Handover,
        shutdown: CancellationToken,
    ) -> Result<(), SourceError> {
        let ended = match self.kind {
            Kind::Jetstream(source) => source.run(start, handover, shutdown).await,
            Kind::File(source) => source.run(start, handover, shutdown).await,
            Kind::Http(source) => source.run(handover, shutdown).await,
        };
        self.status.set_ended();
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_table_is_told_by_its_type() {
        let config: Config = toml::from_str("type = \"file\"\npath = \"-\"").unwrap();
        assert_eq!((config.name(), config.kind()), ("file", "file"));
        let config: Config = toml::from_str("type = \"jetstream\"\nname = \"sky\"").unwrap();
        assert_eq!((config.name(), config.kind()), ("sky", "jetstream"));
        assert!(toml::from_str::<Config>("type = \"file\"\npaht = \"-\"").is_err());
        assert!(toml::from_str::<Config>("type = \"carrier-pigeon\"").is_err());
    }
}
