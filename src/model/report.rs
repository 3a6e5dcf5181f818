//! What is wrong with settings, all at once.

use std::fmt::Display;

/// Collects mistakes; every part's settings add theirs, so that people hear of all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    mistakes: Vec<String>,
}

impl Report {
    /// Adds a mistake: a sentence with its place and remedy.
    pub fn add(&mut self, mistake: impl Display) {
        self.mistakes.push(mistake.to_string());
    }

    /// Adds several.
    pub fn extend(&mut self, mistakes: impl IntoIterator<Item = impl Display>) {
        self.mistakes.extend(mistakes.into_iter().map(|mistake| mistake.to_string()));
    }

    /// Adds `mistake` when `is_wrong`.
    pub fn add_if(&mut self, is_wrong: bool, mistake: impl Display) {
        if is_wrong {
            self.add(mistake);
        }
    }

    /// All of them, in order; none when the settings will do.
    #[must_use]
    pub fn into_mistakes(self) -> Vec<String> {
        self.mistakes
    }

    /// What one check adds to an empty report.
    #[must_use]
    pub fn of(check: impl FnOnce(&mut Self)) -> Vec<String> {
        let mut report = Self::default();
        check(&mut report);
        report.mistakes
    }
}
