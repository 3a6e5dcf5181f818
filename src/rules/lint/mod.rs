//! What is allowed in a pack and probably not meant: each finding with its lint, its place and a hint.
//!
//! One file per family; [`LINTS`] is the closed list. Runs on what `pack` has loaded. Whether teams and reply templates
//! exist is the configuration's to say: it has their places in `LoadedRule`.
//! Proofs are bounded: what takes more than [`STEPS_MAX`] steps in all is not looked for any more.

mod anchor;
mod cases;
mod common;
mod cover;
mod levels;
mod linter;
mod lists;
mod pairs;
mod reach;
mod terms;
mod values;

pub use levels::{Levels, WARNINGS};
pub use linter::Lint;

use super::Scoring;
use super::diagnostic::{Diagnostic, SourceFile};
use crate::rules::pack::Packs;
use linter::Linter;

/// Most steps of proof about one rule.
const RULE_STEPS_MAX: u32 = 200_000;
/// Most steps of proof about all rules.
pub const STEPS_MAX: u32 = 60_000_000;

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

#[cfg(test)]
mod tests;
