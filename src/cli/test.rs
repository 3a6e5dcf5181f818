//! `birddog test`: runs the tests inside the packs, and explains those that fail.

use std::process::ExitCode;

use serde::Serialize;

use crate::line::scores_of;
use crate::rules::cases::{self, Failure};
use crate::rules::diagnostic::{Diagnostic, Located, locate};
use crate::rules::explain::{Explanation, explain};
use crate::ruleset::LoadedRules;
use crate::score::TrainedScorer;

use super::client::Format;
use super::exit::{FAILED, OK};
use super::rules::{RulesArgs, read_valid, rule};
use super::terminal;
use super::terminal::counted;

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    rules: RulesArgs,
    /// Only this rule's tests
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    tests: usize,
    failures: Vec<FailureReport<'a>>,
}

#[derive(Serialize)]
struct FailureReport<'a> {
    #[serde(flatten)]
    place: Located<'a>,
    text: &'a str,
    expected: bool,
    explanation: Explanation,
}

/// Exit code 1 when a test fails.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut loaded = match read_valid(&args.rules)? {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    if let Some(id) = &args.rule {
        if let Err(code) = rule(&loaded, id) {
            return Ok(code);
        }
        loaded.packs.rules.retain(|rule| *rule.info.id == **id);
    }
    let scorer = TrainedScorer::new();
    let outcome = cases::run(&loaded.packs.rules, &mut |post, _| scores_of(&scorer, post));
    let places: Vec<Diagnostic> = outcome
        .failures
        .iter()
        .map(|failure| cases::finding(&loaded.packs.rules[failure.rule], failure.test))
        .collect();
    let located = locate(&places, &loaded.files);
    let failures: Vec<FailureReport> = outcome
        .failures
        .iter()
        .zip(located)
        .map(|(failure, place)| report(&loaded, failure, place))
        .collect();
    let code = ExitCode::from(if failures.is_empty() { OK } else { FAILED });
    let report = Report { ok: failures.is_empty(), tests: outcome.tests, failures };
    let shown = match args.rules.format {
        Format::Json => terminal::json(&report)?,
        Format::Text => text(&report, loaded.packs.rules.len()),
    };
    terminal::print(&shown)?;
    Ok(code)
}

fn report<'a>(loaded: &'a LoadedRules, failure: &Failure, place: Located<'a>) -> FailureReport<'a> {
    let rule = &loaded.packs.rules[failure.rule];
    let test = &rule.tests[failure.test];
    let post = test.post();
    let explanation = explain(rule, &post, &scores_of(&TrainedScorer::new(), &post));
    FailureReport { place, text: &test.text, expected: test.expect, explanation }
}

fn text(report: &Report<'_>, rules: usize) -> String {
    let mut out = String::new();
    for failure in &report.failures {
        let Located { file, line, column, message, .. } = &failure.place;
        let explained = super::explain::shown(&failure.explanation, failure.text);
        out.push_str(&format!("FAILED {file}:{line}:{column}: {message}\n{explained}\n"));
    }
    let (tests, rules) = (counted(report.tests, "test"), counted(rules, "rule"));
    out + &format!("{tests} of {rules}: {} failed", report.failures.len())
}
