//! Why the feed server cannot start.

use std::path::PathBuf;

/// A feed that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {error}; choose a free port, or port 0 for any")]
    Bind {
        /// The address asked for.
        address: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The events cannot be read.
    #[error("cannot read events from {}: {error}; give a file of one Jetstream event per line", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// There is nothing to serve.
    #[error("there are no events to serve; give a file of one Jetstream event per line")]
    Empty,
}
