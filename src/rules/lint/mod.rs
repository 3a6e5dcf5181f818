//! What is allowed in a pack and probably not meant: each finding with its lint, its place and a hint.
//!
//! One file per family; [`LINTS`] is the closed list. Runs on what `pack` has loaded. Whether teams and reply templates
//! exist is the configuration's to say: it has their places in [`LoadedRule`].
//! Proofs are bounded: what takes more than [`STEPS_MAX`] steps in all is not looked for any more.

mod anchor;
mod cases;
mod common;
mod cover;
mod levels;
mod lists;
mod pairs;
mod reach;
mod terms;
mod values;

pub use levels::{Levels, WARNINGS};

use crate::model::Span;

use super::Scoring;
use super::diagnostic::{Diagnostic, Severity, SourceFile};
use crate::rules::pack::{LoadedRule, Packs};
use crate::rules::query::ast::{Kind, Node};

/// Most steps of proof about one rule.
const RULE_STEPS_MAX: u32 = 200_000;
/// Most steps of proof about all rules.
pub const STEPS_MAX: u32 = 60_000_000;

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Lint {
    /// Stable name, for `--deny` and `--allow`.
    pub id: &'static str,
    /// How a finding is reported unless told otherwise.
    pub severity: Severity,
    /// What it is about, in one line.
    pub meaning: &'static str,
}

/// All lints, in the order of the manual.
pub const LINTS: [&Lint; 21] = [
    &anchor::NO_REQUIRED_LITERAL,
    &common::COMMON_WORDS,
    &terms::SHORT_TERM,
    &terms::SHORT_PREFIX,
    &terms::SHORT_WILDCARD,
    &terms::WIDE_DISTANCE,
    &terms::LOWER_CASE_OPERATOR,
    &values::SINGLE_QUOTES,
    &values::UNLIKELY_VALUE,
    &reach::NEVER_MATCHES,
    &reach::UNREACHABLE_BRANCH,
    &reach::EMPTY_EXCLUSION,
    &cover::REDUNDANT_TERM,
    &pairs::SAME_QUERY,
    &pairs::IMPLIED_RULE,
    &cases::RULE_WITHOUT_TESTS,
    &cases::EXCLUDES_OWN_TEST,
    &lists::UNUSED_LIST,
    &lists::DUPLICATE_TERM,
    &lists::REDUNDANT_LIST_TERM,
    &lists::LIST_COMMENT,
];

impl Lint {
    const fn warning(id: &'static str, meaning: &'static str) -> Self {
        Self { id, severity: Severity::Warning, meaning }
    }

    const fn note(id: &'static str, meaning: &'static str) -> Self {
        Self { id, severity: Severity::Note, meaning }
    }

    fn at(&self, file: usize, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: self.severity, ..Diagnostic::warning(file, span, self.id, message) }
    }
}

/// All findings, in order of file and place; `scoring` serves tests of rules that ask for scores.
#[must_use]
pub fn lint(packs: &Packs, files: &[SourceFile], scoring: &mut Scoring<'_>) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    let mut steps = STEPS_MAX;
    let mut living = Vec::new();
    for rule in &packs.rules {
        let mut steps_left = steps.min(RULE_STEPS_MAX);
        let granted = steps_left;
        let mut linter = Linter { rule, files, out: &mut out, steps: &mut steps_left };
        cases::lint(&mut linter, scoring);
        anchor::lint(&mut linter);
        common::lint(&mut linter);
        terms::lint(&mut linter);
        values::lint(&mut linter);
        living.extend(reach::lint(&mut linter).then_some(rule));
        cover::lint(&mut linter);
        steps -= granted - steps_left;
    }
    pairs::lint(&living, &mut steps, &mut out);
    lists::lint(packs, files, &mut out);
    out.sort_by_key(|finding| (finding.file, finding.span, finding.id));
    out
}

/// One rule under examination.
struct Linter<'r, 'o> {
    rule: &'r LoadedRule,
    files: &'r [SourceFile],
    out: &'o mut Vec<Diagnostic>,
    /// Of proof, for this rule.
    steps: &'o mut u32,
}

impl<'r> Linter<'r, '_> {
    /// Reports `part` of the query.
    fn report(&mut self, lint: &Lint, part: Span, message: String, hint: impl Into<String>) {
        let found = self.finding(lint, part, message, hint);
        self.out.push(found);
    }

    fn finding(&self, lint: &Lint, part: Span, message: String, hint: impl Into<String>) -> Diagnostic {
        lint.at(self.rule.file, self.rule.place(self.files, part), message).hint(hint)
    }

    /// As [`Linter::report`], with another part that belongs to it.
    fn report_with(
        &mut self,
        lint: &Lint,
        (part, other): (Span, Span),
        message: String,
        hint: &str,
        label: &str,
    ) {
        let other = self.rule.place(self.files, other);
        let found = self.finding(lint, part, message, hint).also(self.rule.file, other, label);
        self.out.push(found);
    }

    /// `node` as the author wrote it.
    fn written(&self, node: &Node) -> &'r str {
        &self.rule.source[node.span.0 as usize..node.span.1 as usize]
    }
}

/// The nodes directly below.
fn children(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::And(nodes) | Kind::Or(nodes) => nodes,
        Kind::Not(inner) => std::slice::from_ref(inner),
        Kind::Near { .. } | Kind::Window { .. } | Kind::List { .. } | Kind::Term(_) => &[],
    }
}

#[cfg(test)]
mod tests;
