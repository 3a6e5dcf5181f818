//! `--deny` and `--allow`: how findings of each lint are reported.
//!
//! Errors of packs and queries are no lints, and can be neither denied nor allowed.

use std::collections::BTreeMap;

use super::LINTS;
use crate::rules::diagnostic::{Diagnostic, Severity};
use crate::rules::operators::foreign::nearest;

/// Stands for every lint whose findings are warnings.
pub const WARNINGS: &str = "warnings";

/// What is to be made of findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    denies_warnings: bool,
    /// True: an error; false: not reported.
    by_lint: BTreeMap<&'static str, bool>,
}

impl Levels {
    /// Reads names of lints, or [`WARNINGS`] among `deny`. A lint that is both is denied.
    ///
    /// # Errors
    /// A sentence for each name that no lint has.
    pub fn read(deny: &[String], allow: &[String]) -> Result<Self, Vec<String>> {
        let mut levels = Self::default();
        let mut mistakes = Vec::new();
        for (names, is_denied) in [(allow, false), (deny, true)] {
            for name in names {
                match LINTS.iter().find(|lint| lint.id == *name) {
                    Some(lint) => _ = levels.by_lint.insert(lint.id, is_denied),
                    None if is_denied && name == WARNINGS => levels.denies_warnings = true,
                    None => mistakes.push(unknown(name, is_denied)),
                }
            }
        }
        if mistakes.is_empty() { Ok(levels) } else { Err(mistakes) }
    }

    /// These, and `other` where it says otherwise.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.denies_warnings |= other.denies_warnings;
        self.by_lint.extend(other.by_lint);
        self
    }

    /// True when some finding is to be an error.
    #[must_use]
    pub fn denies_any(&self) -> bool {
        self.denies_warnings || self.by_lint.values().any(|is_denied| *is_denied)
    }

    /// Takes out the findings that are allowed, and makes errors of those that are denied.
    pub fn apply(&self, findings: &mut Vec<Diagnostic>) {
        findings.retain(|finding| self.by_lint.get(finding.id) != Some(&false));
        for finding in findings {
            let is_denied = self.by_lint.get(finding.id) == Some(&true);
            if is_denied || (self.denies_warnings && finding.severity == Severity::Warning) {
                finding.severity = Severity::Error;
            }
        }
    }
}

fn unknown(name: &str, is_denied: bool) -> String {
    let all = LINTS.iter().map(|lint| lint.id).chain(is_denied.then_some(WARNINGS));
    match nearest(name, all) {
        Some(near) => format!("there is no lint {name:?}; did you mean {near}?"),
        None => format!("there is no lint {name:?}; `birddog check --list-lints` shows them all"),
    }
}
