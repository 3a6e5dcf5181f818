//! Why telemetry cannot be set up.

use std::io;

use metrics_exporter_prometheus::BuildError;
use tracing_subscriber::util::TryInitError;

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A recorder is there already, or the buckets are wrong.
    #[error("the metrics recorder cannot be installed: {0}")]
    Recorder(#[from] BuildError),
    /// The filter does not parse.
    #[error(
        "the log filter {filter:?} is wrong: {source}; write a level such as `info` or `birddog=debug,info`"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// A word that is no level; as a filter it would mean a module of that name, and silence.
    #[error(
        "{0:?} is no log level; write error, warn, info, debug, trace or off, or a filter such as `birddog=debug,info`"
    )]
    Level(String),
    /// A subscriber is there already.
    #[error("the log output cannot be installed: {0}")]
    Subscriber(#[from] TryInitError),
    /// No thread for the lines.
    #[error("the log output cannot be installed: {0}")]
    Thread(io::Error),
}
