//! What can be wrong with a sink's settings. What goes wrong while sending is an `Outcome`, not an error.

use std::path::PathBuf;

/// Why a sink could not be built.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A setting that cannot work.
    #[error("[[sink]] {setting} = {value:?}: {remedy}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value; never a secret.
        value: String,
        /// What it must be.
        remedy: &'static str,
    },
    /// A secret's file cannot be used.
    #[error("[[sink]] {setting} = {}: {reason}", path.display())]
    Secret {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why, and the remedy.
        reason: String,
    },
}
