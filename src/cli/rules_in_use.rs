//! `birddog rules`: what the running daemon makes of its rules, through its API.
//!
//! Posts are untrusted: every cell is made safe for the terminal before it is shown.

use std::process::ExitCode;

use clap::Subcommand;

use super::client::{Client, Connection};
use super::terminal::{self, Cell, Style, Table, counted};
use super::{FAILED, OK};
use crate::api::{Rules, Samples};
use crate::app::{ReloadResult, RulesStatus};
use crate::model::{RuleDrift, RuleShare, Timestamp};

const EXAMPLES: &str = "\
Examples:
  birddog rules status                     which set is in use, what the last reload said, drift, cost
  birddog rules samples acme-lead          what a rule with status = \"shadow\" matched last

The daemon reads its rules again when a file changes, and at SIGHUP. A set with an error, a failing
test or a finding that [rules] deny names is refused, and the old one stays: `status` says why, with exit code 1.";

/// Columns of a post's text in a list.
const TEXT_COLUMNS: usize = 90;

/// Arguments of `birddog rules`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The set in use, the last reload, rules that drift, rules that cost most
    Status,
    /// The newest posts that a rule in shadow matched
    Samples {
        /// The rule's id
        rule: String,
    },
}

/// Exit code 1 when the last reload was refused.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.connection)?;
    let format = args.connection.format;
    let colours = terminal::colours();
    match args.command {
        Command::Status => {
            let answer = client.get("/api/v1/rules", &[])?;
            let refused = answer["last_reload"] == ReloadResult::Refused.as_str();
            format.print(&answer, |rules: Rules| status_text(&rules, colours))?;
            Ok(ExitCode::from(if refused { FAILED } else { OK }))
        }
        Command::Samples { rule } => {
            let answer = client.get(&format!("/api/v1/rules/{}/samples", as_id(&rule)?), &[])?;
            format.print(&answer, |samples: Samples| samples_text(&samples, colours))?;
            Ok(ExitCode::from(OK))
        }
    }
}

/// Nothing that could change the address.
fn as_id(rule: &str) -> anyhow::Result<&str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    anyhow::ensure!(!rule.is_empty() && rule.bytes().all(fits), "a rule's id has only a-z, 0-9 and -");
    Ok(rule)
}

fn status_text(Rules { rules, report }: &Rules, colours: bool) -> String {
    let mut facts = Table::new(&["", ""]);
    for (name, value) in facts_of(rules) {
        facts.row(vec![Cell::new(name).style(Style::Faint), Cell::new(value)]);
    }
    let mut text = facts.render(colours).trim_start().to_owned();
    if let Some(error) = &rules.last_error {
        text += &format!("\nrefused, the old rules stay in use:\n{}\n", terminal::sanitise_lines(error));
    }
    if report.drifting_count > 0 {
        let count = usize::try_from(report.drifting_count).unwrap_or(usize::MAX);
        let drifting = drifting_table(&report.drifting).render(colours);
        text += &format!("\n{} out of what their authors expect:\n{drifting}", counted(count, "rule"));
    }
    if !report.costly.is_empty() {
        text += &format!("\n{}", costly_table(&report.costly).render(colours));
    }
    text
}

fn facts_of(rules: &RulesStatus) -> [(&'static str, String); 4] {
    let time = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let result = rules.last_reload.map_or("", ReloadResult::as_str);
    [
        ("rules", format!("{} live, {} shadow, {} off", rules.live, rules.shadow, rules.off)),
        ("version", rules.version.clone()),
        ("loaded", time(rules.loaded_at)),
        ("reloaded", format!("{} {result}", time(rules.last_reload_at)).trim_end().to_owned()),
    ]
}

fn drifting_table(drifting: &[RuleDrift]) -> Table {
    let mut table = Table::new(&["RULE", "MATCHES", ">IN 24 H", ">EXPECTED", "SINCE"]);
    for drift in drifting {
        let side = if drift.above { "too much" } else { "too little" };
        let (fewest, most) = drift.expected;
        table.row(vec![
            Cell::new(&drift.rule),
            Cell::new(side).style(Style::Warn),
            Cell::number(drift.matches),
            Cell::new(format!("{fewest}-{most}")),
            Cell::new(drift.since.to_string()),
        ]);
    }
    table
}

fn costly_table(costly: &[RuleShare]) -> Table {
    let mut table = Table::new(&["COSTLIEST", ">SHARE", ">NS A POST"]);
    for share in costly {
        let ratio = format!("{:.1}%", share.ratio * 100.0);
        table.row(vec![Cell::new(&share.rule), Cell::new(ratio), Cell::number(share.nanos)]);
    }
    table
}

fn samples_text(samples: &Samples, colours: bool) -> String {
    if samples.samples.is_empty() {
        return format!("{} has matched nothing since it is in shadow, or since the start", samples.rule);
    }
    let mut table = Table::new(&["RECEIVED", "LANG", "AUTHOR", "TEXT"]);
    for sample in &samples.samples {
        let text = terminal::sanitise(&sample.text).into_owned();
        table.row(vec![
            Cell::new(sample.received_at.to_string()),
            Cell::new(&sample.lang),
            Cell::new(&sample.author),
            Cell::new(terminal::truncate(&text, TEXT_COLUMNS)),
        ]);
    }
    table.render(colours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::RulesReport;
    use crate::model::RuleSample;

    #[test]
    fn a_refusal_drift_and_cost_are_told_without_control_characters() {
        let rules = RulesStatus {
            last_reload: Some(ReloadResult::Refused),
            last_error: Some("a.toml:1:1: no\x1b[2J\nmore".to_owned()),
            ..RulesStatus::default()
        };
        let (rule, since) = ("acme".into(), Timestamp::ZERO);
        let drift = RuleDrift { rule, above: true, matches: 9, expected: (1, 5), since };
        let costly = vec![RuleShare { rule: "dear".into(), ratio: 0.5, nanos: 70 }];
        let report = RulesReport { drifting_count: 1, drifting: vec![drift], costly };
        let text = status_text(&Rules { rules, report }, false);
        for part in ["never refused", "no[2J\nmore", "1 rule out of", "too much", "1-5", "50.0%"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn samples_are_made_safe() {
        let sample = RuleSample {
            received_at: Timestamp::ZERO,
            uri: "at://x".to_owned(),
            author: "did:x".to_owned(),
            lang: "en".to_owned(),
            text: "a\n\x1b[2Jb".to_owned(),
            spans: vec![],
        };
        let text = samples_text(&Samples { rule: "r".to_owned(), samples: vec![sample] }, false);
        assert!(!text.contains('\x1b') && text.contains("did:x"), "{text}");
        assert!(as_id("../x").is_err() && as_id("acme-1").is_ok());
    }
}
