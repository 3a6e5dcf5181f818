//! Why a source ends. Everything that can heal is retried inside the source and never gets here.

use std::path::PathBuf;
use std::sync::Arc;

/// A source that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The configuration cannot work. Fix it and restart.
    #[error("source {name:?}: {problem}; {remedy}")]
    Config {
        /// The source's configured name.
        name: Arc<str>,
        /// What is wrong, and where.
        problem: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The file cannot be opened. Check the path and the permissions.
    #[error("source {name:?}: cannot open {}: {error}; check the path and its permissions", path.display())]
    Open {
        /// The source's configured name.
        name: Arc<str>,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The input is packed. Unpack it on the way.
    #[error(
        "source {name:?}: {} is compressed with {with}; unpack it first, or on the way, as in \
         `{with} -dc FILE | birddog scan --input -`", path.display()
    )]
    Packed {
        /// The source's configured name.
        name: Arc<str>,
        /// The file.
        path: PathBuf,
        /// The program that packed it.
        with: &'static str,
    },
    /// The file cannot be read on. Positions are kept: a restart resumes.
    #[error("source {name:?}: reading {} stopped: {error}; a restart resumes where it ended", path.display())]
    Read {
        /// The source's configured name.
        name: Arc<str>,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Nobody takes batches any more: the workers are gone.
    #[error("source {name:?}: the workers are gone; look for their error above, then restart")]
    WorkersGone {
        /// The source's configured name.
        name: Arc<str>,
    },
}
