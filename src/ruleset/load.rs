//! Rule files to a compiled set, with everything that is wrong in them at once.

use std::path::Path;

use super::config::Context;
use super::dir::{self, RulesDirError, Stamp};
use crate::line::scores_of;
use crate::model::{Post, RuleInfo, RuleStatus};
use crate::rules::diagnostic::{Diagnostic, Located, LocatedPlace, Severity, SourceFile, has_errors, locate};
use crate::rules::lint::{Levels, lint};
use crate::rules::manifest::Manifest;
use crate::rules::pack::{self, LoadedRule, Packs};
use crate::rules::{RuleSet, cases};
use crate::score::TrainedScorer;
use crate::text::Folded;

/// Findings told one by one when rules are refused; the rest is counted.
const TOLD_MAX: usize = 20;

/// Rules as read: their files, what the files say, and what is wrong with them.
#[derive(Debug)]
pub struct LoadedRules {
    /// The files, which the findings point into.
    pub files: Vec<SourceFile>,
    /// What their folder looked like; `None` when they come from memory.
    pub stamp: Option<Stamp>,
    /// All packs, lists and rules.
    pub packs: Packs,
    /// Errors, in order of file and place.
    pub findings: Vec<Diagnostic>,
}

/// Rules fit for use.
#[derive(Debug)]
pub struct ReadyRules {
    /// Compiled.
    pub set: RuleSet,
    /// What they say.
    pub manifest: Manifest,
    /// As in [`LoadedRules`].
    pub stamp: Option<Stamp>,
}

/// Rules unfit for use, and everything that is wrong with them.
#[derive(Debug)]
pub struct Unfit {
    /// The files, which the findings point into.
    pub files: Vec<SourceFile>,
    /// Errors, denied findings and failing tests, in order of file and place.
    pub findings: Vec<Diagnostic>,
    /// What is wrong between the rules and the configuration.
    pub mistakes: Vec<String>,
}

/// Why rules are not used: one line for each reason, with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The first ones.
    pub reasons: Vec<String>,
    /// How many there are in all.
    pub count: usize,
}

impl LoadedRules {
    /// Reads every pack and list in `folder`, as they were at one time.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read. What is wrong inside the files is in `findings`.
    pub fn read(folder: &Path) -> Result<Self, RulesDirError> {
        let (files, stamp) = dir::read_whole(folder)?;
        Ok(Self { stamp: Some(stamp), ..Self::from_files(files) })
    }

    /// Reads packs and lists that are in memory.
    #[must_use]
    pub fn from_files(files: Vec<SourceFile>) -> Self {
        let (packs, findings) = pack::load(&files);
        Self { files, stamp: None, packs, findings }
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
        RuleSet::of_loaded(self.active())
    }

    /// What the rules say.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        Manifest::of(&self.packs, &self.files)
    }

    /// What is allowed and probably not meant, at these levels.
    #[must_use]
    pub fn lint(&self, levels: &Levels) -> Vec<Diagnostic> {
        let scorer = TrainedScorer::new();
        let mut findings = lint(&self.packs, &self.files, &mut |post, _| scores_of(&scorer, post));
        levels.apply(&mut findings);
        findings
    }

    /// Compiles the rules, and lets go of files and trees; when they have no error, on their own and with their context,
    /// nothing that it denies, and no test that fails. The same at the start and at a reload: what one refuses must
    /// not come into use by the other.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn tested(mut self, context: &dyn Context) -> Result<ReadyRules, Unfit> {
        let levels = context.rules().levels().unwrap_or_default();
        if levels.denies_any() {
            self.findings.extend(self.lint(&levels));
        }
        self.findings.retain(|finding| finding.severity == Severity::Error);
        self.findings.sort_by_key(|finding| (finding.file, finding.span));
        let mistakes = context.mistakes(&self.infos());
        if !self.findings.is_empty() || !mistakes.is_empty() {
            return Err(self.unfit(mistakes));
        }
        let set = self.compile();
        self.findings = self.failed_tests(&set);
        if !self.findings.is_empty() {
            return Err(self.unfit(Vec::new()));
        }
        Ok(ReadyRules { set, manifest: self.manifest(), stamp: self.stamp })
    }

    fn unfit(self, mistakes: Vec<String>) -> Unfit {
        Unfit { files: self.files, findings: self.findings, mistakes }
    }

    /// The tests that fail, those of rules that are off among them; `set` is the compiled rest.
    #[must_use]
    pub fn failed_tests(&self, set: &RuleSet) -> Vec<Diagnostic> {
        let is_off = |rule: &&LoadedRule| rule.info.status == RuleStatus::Off;
        let active: Vec<&LoadedRule> = self.active().collect();
        let off: Vec<&LoadedRule> = self.packs.rules.iter().filter(is_off).collect();
        let mut failed = failures(set, &active);
        if off.iter().any(|rule| !rule.tests.is_empty()) {
            failed.extend(failures(&RuleSet::of_loaded(off.iter().copied()), &off));
        }
        failed.sort_by_key(|finding| (finding.file, finding.span));
        failed
    }

    fn active(&self) -> impl Iterator<Item = &LoadedRule> {
        self.packs.rules.iter().filter(|rule| rule.info.status != RuleStatus::Off)
    }
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        let mut refusal = Self::default();
        refusal.add(locate(&unfit.findings, &unfit.files).iter().map(told));
        refusal.add(unfit.mistakes.into_iter());
        refusal
    }
}

impl Refusal {
    /// One reason without a place in a file.
    #[must_use]
    pub fn of(reason: impl ToString) -> Self {
        Self { reasons: vec![reason.to_string()], count: 1 }
    }

    /// All reasons as lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.reasons.join("\n");
        if self.count > self.reasons.len() {
            text += &format!("\nand {} more", self.count - self.reasons.len());
        }
        text
    }

    fn add(&mut self, reasons: impl Iterator<Item = String>) {
        for reason in reasons {
            self.count += 1;
            if self.reasons.len() < TOLD_MAX {
                self.reasons.push(reason);
            }
        }
    }
}

fn failures(set: &RuleSet, rules: &[&LoadedRule]) -> Vec<Diagnostic> {
    let scorer = TrainedScorer::new();
    let mut scoring = |post: &Post, _: &Folded| scores_of(&scorer, post);
    let outcome = cases::run_in(set, rules.iter().copied(), &mut scoring);
    outcome.failures.iter().map(|failure| cases::finding(rules[failure.rule], failure.test)).collect()
}

/// `rules/acme.toml:8:15: what is wrong (another place); what to do`.
fn told(finding: &Located<'_>) -> String {
    let Located { file, line, column, message, hint, also, .. } = finding;
    let hint = if hint.is_empty() { String::new() } else { format!("; {hint}") };
    let also = also
        .as_ref()
        .map(|LocatedPlace { file, line, column, label }| format!(" ({label}: {file}:{line}:{column})"));
    format!("{file}:{line}:{column}: {message}{}{hint}", also.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn loaded(rules: &str) -> LoadedRules {
        let text = format!("[pack]\nbrand = \"acme\"\nowner = \"o\"\n{rules}");
        LoadedRules::from_files(vec![SourceFile { path: "a.toml".into(), text }])
    }

    fn rule(id: &str, fields: &str) -> String {
        format!("[[rule]]\nid = \"{id}\"\nteam = \"support\"\nquery = 'acme'\n{fields}\n")
    }

    fn refused(rules: &str) -> Refusal {
        refused_by("", rules)
    }

    fn refused_by(config: &str, rules: &str) -> Refusal {
        loaded(rules).tested(&Config::parse(config).unwrap()).unwrap_err().into()
    }

    #[test]
    fn good_rules_are_ready() {
        let test = "tests = [{ text = 'acme', match = true }]";
        let rules = format!("{}{}", rule("a", test), rule("b", "status = \"off\""));
        let ready = loaded(&rules).tested(&Config::parse("").unwrap()).unwrap();
        assert_eq!((ready.set.rules().len(), ready.manifest.by_status().off), (1, 1));
    }

    #[test]
    fn failing_tests_refuse_a_set_those_of_rules_that_are_off_too() {
        let test = "tests = [{ text = 'acme', match = false }]";
        let off = format!("status = \"off\"\n{test}");
        let refusal = refused(&format!("{}{}", rule("a", &off), rule("b", test)));
        assert_eq!(refusal.count, 2);
        assert!(refusal.reasons[0].starts_with("a.toml:9:10: rule a must not match"), "{refusal:?}");
    }

    #[test]
    fn errors_and_what_the_configuration_lacks_come_together() {
        let rules = format!("{}{}", rule("a", ""), rule("b", "statsu = \"off\""));
        let refusal = refused_by("[teams.pr]", &rules);
        assert!(
            refusal.text().contains("a.toml:13:1: ") && refusal.text().contains("support"),
            "{refusal:?}"
        );
    }

    #[test]
    fn a_copied_rule_is_refused_with_both_places() {
        let refusal = refused(&format!("{}{}", rule("a", ""), rule("a", "")));
        assert!(refusal.text().contains("two rules `a` (first here: a.toml:5:6)"), "{refusal:?}");
    }

    #[test]
    fn what_the_configuration_denies_refuses_a_set_and_what_it_does_not_deny_does_not() {
        let rules = rule("a", "");
        assert!(loaded(&rules).tested(&Config::parse("").unwrap()).is_ok(), "a warning is no error");
        for deny in ["rule-without-tests", "warnings"] {
            let refusal = refused_by(&format!("[rules]\ndeny = [\"{deny}\"]"), &rules);
            assert_eq!(refusal.count, 1, "{refusal:?}");
            assert!(refusal.reasons[0].contains("test"), "{refusal:?}");
        }
        let allowed = "[rules]\ndeny = [\"warnings\"]\nallow = [\"rule-without-tests\"]";
        assert!(loaded(&rules).tested(&Config::parse(allowed).unwrap()).is_ok());
    }

    #[test]
    fn many_errors_are_counted() {
        let many: String = (0..30).map(|_| rule("A", "")).collect();
        let refusal = refused(&many);
        assert_eq!((refusal.count, refusal.reasons.len()), (30, TOLD_MAX));
        assert!(refusal.text().ends_with("and 10 more"));
    }
}
