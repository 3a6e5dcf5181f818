//! What a report is called.

use std::path::Path;

/// What the report is about.
pub(super) struct Title<'t> {
    pub(super) rules: &'t Path,
    pub(super) against: Option<&'t Path>,
    /// Posts shown of those that a rule gains or loses, in the terminal.
    pub(super) flow_samples: usize,
}
