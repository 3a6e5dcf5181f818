//! Why there is no report.

use std::io;

/// What goes wrong in a backtest.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The file cannot be opened.
    #[error("cannot open {name}: {error}")]
    Open {
        /// The file.
        name: String,
        /// What the system said.
        error: io::Error,
    },
    /// A compression that is not read here.
    #[error(
        "{name} is compressed with {with}; unpack it on the way, as in `{with} -dc FILE | birddog backtest --data -`"
    )]
    Packed {
        /// The file.
        name: String,
        /// The program that packed it.
        with: &'static str,
    },
    /// Reading or decompressing failed half-way.
    #[error("cannot read {name} after line {line}: {error}")]
    Read {
        /// The file.
        name: String,
        /// The last whole line.
        line: u64,
        /// What the system or the decoder said.
        error: io::Error,
    },
    /// Nothing to count.
    #[error("there is no post in the data\n{files}")]
    Empty {
        /// One line per file: its lines, and why they were refused.
        files: String,
    },
}
