//! Runs the tests inside packs against the compiled rules: what `birddog test` shows, and what a reload must pass.

use super::loaded::LoadedRule;
use crate::rules::diagnostic::Diagnostic;
use crate::rules::{RuleSet, Scoring, Scratch};

/// Characters shown of a test's text.
const TEXT_CHARS_MAX: usize = 80;

/// What came of the tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Tests run.
    pub tests: usize,
    /// Those that failed, in order.
    pub failures: Vec<Failure>,
}

/// A test whose rule did not do as the test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Index into the rules given.
    pub rule: usize,
    /// Index into that rule's tests.
    pub test: usize,
}

/// Runs the tests of `rules`, those of rules that are off included; `scoring` serves rules that ask for scores.
#[must_use]
pub fn run(rules: &[LoadedRule], scoring: &mut Scoring<'_>) -> Outcome {
    run_in(&RuleSet::of_loaded(rules), rules.iter(), scoring)
}

/// Runs the tests of `rules`, of which `set` was compiled, in the same order.
pub fn run_in<'r>(
    set: &RuleSet,
    rules: impl Iterator<Item = &'r LoadedRule>,
    scoring: &mut Scoring<'_>,
) -> Outcome {
    let mut scratch = Scratch::default();
    let mut outcome = Outcome::default();
    for (rule, loaded) in rules.enumerate() {
        for (test, case) in loaded.tests.iter().enumerate() {
            let matches = set.matches(&case.post(), &mut scratch, scoring);
            let is_match = matches.iter().any(|found| found.rule as usize == rule);
            outcome.tests += 1;
            if is_match != case.expect {
                outcome.failures.push(Failure { rule, test });
            }
        }
    }
    outcome
}

/// The failure of a test of `rule`, at its place.
#[must_use]
pub fn finding(rule: &LoadedRule, test: usize) -> Diagnostic {
    let test = &rule.tests[test];
    let message = match test.expect {
        true => format!("rule {} must match this text, and does not", rule.info.id),
        false => format!("rule {} must not match this text, and does", rule.info.id),
    };
    let text: String = test.text.chars().take(TEXT_CHARS_MAX).collect();
    let more = if text.len() < test.text.len() { "…" } else { "" };
    Diagnostic::error(rule.file, test.span, "test-failed", message)
        .hint(format!("`{text}{more}`: run `birddog test --rule {}` to see why", rule.info.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::diagnostic::SourceFile;
    use crate::rules::pack::load;
    use crate::rules::unscored;

    #[test]
    fn a_test_fails_when_its_rule_does_otherwise() {
        let text = "[pack]\nbrand = \"a\"\nowner = \"o\"\n[[rule]]\nid = \"r\"\nteam = \"t\"\nquery = 'acme'\n\
            tests = [{ text = 'Acme!', match = true }, { text = 'acmes', match = true }, { text = 'acme', match = false }]";
        let files = [SourceFile { path: "a.toml".into(), text: text.to_owned() }];
        let (packs, errors) = load(&files);
        assert_eq!(errors, []);
        let outcome = run(&packs.rules, &mut unscored);
        assert_eq!(outcome.tests, 3);
        assert_eq!(outcome.failures, [Failure { rule: 0, test: 1 }, Failure { rule: 0, test: 2 }]);
        let hint = finding(&packs.rules[0], 1).hint;
        assert!(hint.contains("`acmes`") && hint.contains("birddog test --rule r"), "{hint}");
    }
}
