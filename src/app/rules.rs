//! Rule files to a compiled set, with everything that is wrong in them at once.

use std::path::Path;

use crate::config;
use crate::model::{RuleInfo, RuleStatus};
use crate::rules::RuleSet;
use crate::rules::diagnostic::{Diagnostic, SourceFile, has_errors};
use crate::rules::pack::{self, Packs};

/// Rules as read: their files, what the files say, and what is wrong with them.
#[derive(Debug)]
pub struct LoadedRules {
    /// The files, which the findings point into.
    pub files: Vec<SourceFile>,
    /// All packs, lists and rules.
    pub packs: Packs,
    /// Errors, in order of file and place.
    pub findings: Vec<Diagnostic>,
}

impl LoadedRules {
    /// Reads every pack and list in `folder`.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read. What is wrong inside the files is in `findings`.
    pub fn read(folder: &Path) -> Result<Self, config::RulesDirError> {
        Ok(Self::from_files(config::read_dir(folder)?))
    }

    /// Reads packs and lists that are in memory.
    #[must_use]
    pub fn from_files(files: Vec<SourceFile>) -> Self {
        let (packs, findings) = pack::load(&files);
        Self { files, packs, findings }
    }

    /// True when the rules must not be used.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        has_errors(&self.findings)
    }

    /// Labels of the rules that are not off, in the order of the compiled set.
    #[must_use]
    pub fn infos(&self) -> Vec<RuleInfo> {
        self.active().map(|rule| rule.info.clone()).collect()
    }

    /// Compiles the rules that are not off.
    #[must_use]
    pub fn compile(&self) -> RuleSet {
        RuleSet::compile(self.active().map(|rule| (rule.info.clone(), &rule.query)).collect())
    }

    fn active(&self) -> impl Iterator<Item = &pack::LoadedRule> {
        self.packs.rules.iter().filter(|rule| rule.info.status != RuleStatus::Off)
    }
}
