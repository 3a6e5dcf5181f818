//! `birddog rules`: what the running daemon makes of its rules, through its API.
//!
//! Posts are untrusted: every cell is made safe for the terminal before it is shown.

use std::process::ExitCode;

use clap::Subcommand;
use serde::Deserialize;

use super::client::{Client, Connection};
use super::exit::{FAILED, OK};
use super::terminal::{self, Cell, Style, Table, counted, marked};
use crate::api::{Rules, Samples};
use crate::app::SourceStatus;
use crate::model::{ReloadResult, RuleCount, RuleDrift, RuleSample, RuleShare, RulesStatus, Timestamp};
use crate::rules::explain::highlighted;

const EXAMPLES: &str = "\
Examples:
  birddog rules status                     which set is in use, what the last reload said, drift, cost
  birddog rules samples acme-mentions      what a rule with status = \"shadow\" matched last

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
            let heard = heard(&client);
            format.print(&answer, |rules: Rules| status_text(&rules, &heard, colours))?;
            Ok(ExitCode::from(if refused { FAILED } else { OK }))
        }
        Command::Samples { rule } => {
            let answer = client.get(&format!("/api/v1/rules/{}/samples", as_id(&rule)?), &[])?;
            let heard = heard(&client);
            format.print(&answer, |samples: Samples| samples_text(&samples, &heard, colours))?;
            Ok(ExitCode::from(OK))
        }
    }
}

/// What the daemon hears: without posts there is nothing to match.
fn heard(client: &Client) -> String {
    let status = client.get("/status", &[]).ok();
    let status = status.and_then(|status| Vec::<SourceStatus>::deserialize(&status["sources"]).ok());
    status.map_or_else(|| "not known".to_owned(), |sources| sources_text(&sources))
}

fn sources_text(sources: &[SourceStatus]) -> String {
    if sources.is_empty() {
        return "none: no posts are read".to_owned();
    }
    let one = |source: &SourceStatus| {
        let state = match source {
            SourceStatus { ended: true, .. } => "read to its end",
            SourceStatus { connected: true, .. } => "connected",
            SourceStatus { refused: Some(_), .. } => "refused by every server",
            _ => "not connected",
        };
        let last = source.last_event_at.map(second);
        let last = last.map_or_else(|| "no posts read yet".to_owned(), |last| format!("newest event {last}"));
        format!("{} {state}, {last}", source.name)
    };
    sources.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// `2026-11-20 18:00:59 UTC`.
fn second(at: Timestamp) -> String {
    terminal::time(at, 19) + " UTC"
}

/// Nothing that could change the address.
fn as_id(rule: &str) -> anyhow::Result<&str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    anyhow::ensure!(!rule.is_empty() && rule.bytes().all(fits), "a rule's id has only a-z, 0-9 and -");
    Ok(rule)
}

fn status_text(Rules { rules, report }: &Rules, heard: &str, colours: bool) -> String {
    let mut facts = Table::new(&["", ""]);
    for (name, value) in facts_of(rules, heard) {
        facts.row(vec![Cell::new(name).style(Style::Faint), Cell::new(value)]);
    }
    let mut text = facts.render(colours).trim_start().to_owned();
    if let Some(error) = &rules.last_error {
        text += &format!("\nrefused, the old rules stay in use:\n{}\n", terminal::sanitise_lines(error));
    }
    if report.drifting_count > 0 {
        let count = usize::try_from(report.drifting_count).unwrap_or(usize::MAX);
        let drifting = drifting_table(&report.drifting).render(colours);
        text += &format!("\n{} outside of what their authors expect:\n{drifting}", counted(count, "rule"));
    }
    if !report.shadow_matches.is_empty() {
        text += &format!("\n{}", shadow_table(&report.shadow_matches).render(colours));
    }
    if !report.costly.is_empty() {
        text += &format!("\n{}", costly_table(&report.costly).render(colours));
    }
    text
}

fn facts_of(rules: &RulesStatus, heard: &str) -> [(&'static str, String); 5] {
    let time = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), second);
    let result = rules.last_reload.map_or("", ReloadResult::as_str);
    [
        ("rules", format!("{} live, {} shadow, {} off", rules.live, rules.shadow, rules.off)),
        ("sources", heard.to_owned()),
        ("version", rules.version.clone()),
        ("loaded", time(rules.loaded_at)),
        ("reloaded", format!("{} {result}", time(rules.last_reload_at)).trim_end().to_owned()),
    ]
}

fn drifting_table(drifting: &[RuleDrift]) -> Table<'static> {
    let mut table = Table::new(&["RULE", "MATCHES", ">IN 24 H", ">EXPECTED", "SINCE"]);
    for drift in drifting {
        let side = if drift.above { "too much" } else { "too little" };
        let (fewest, most) = drift.expected;
        table.row(vec![
            Cell::new(&drift.rule),
            Cell::new(side).style(Style::Warn),
            Cell::number(drift.matches),
            Cell::new(format!("{fewest}–{most}")),
            Cell::new(second(drift.since)),
        ]);
    }
    table
}

fn shadow_table(counts: &[RuleCount]) -> Table<'static> {
    let mut table = Table::new(&["IN SHADOW", ">MATCHES"]);
    for count in counts {
        table.row(vec![Cell::new(&count.rule), Cell::number(count.matches)]);
    }
    table
}

fn costly_table(costly: &[RuleShare]) -> Table<'static> {
    let mut table = Table::new(&["COSTLIEST", ">SHARE", ">NS PER TRY"]);
    for share in costly {
        let ratio = format!("{:.1}%", share.ratio * 100.0);
        table.row(vec![Cell::new(&share.rule), Cell::new(ratio), Cell::number(share.nanos)]);
    }
    table
}

fn samples_text(samples: &Samples, heard: &str, colours: bool) -> String {
    if samples.samples.is_empty() {
        return format!(
            "{} has matched nothing since it is in shadow, since it looks for something else, or since the start\nsources: {}",
            samples.rule,
            terminal::sanitise(heard)
        );
    }
    let mut table = Table::new(&["RECEIVED", "LANG", "AUTHOR", "TEXT"]);
    for sample in &samples.samples {
        table.row(vec![
            Cell::new(second(sample.received_at)),
            Cell::new(&sample.lang),
            Cell::new(&sample.author),
            Cell::new(terminal::truncate(&bracketed(sample), TEXT_COLUMNS)),
        ]);
    }
    table.render(colours)
}

/// The text, made safe, with what the rule found between brackets, as where there are no colours.
fn bracketed(sample: &RuleSample) -> String {
    let clean = |text: &str| terminal::sanitise(text).into_owned();
    highlighted(&sample.text, &sample.spans, &clean, |hit| marked(hit, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RuleSample;
    use crate::model::RulesReport;

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
        let shadow_matches = vec![RuleCount { rule: "tried".into(), matches: 7 }];
        let report = RulesReport { drifting_count: 1, drifting: vec![drift], costly, shadow_matches };
        let text = status_text(&Rules { rules, report }, &sources_text(&[]), false);
        for part in [
            "never refused",
            "no[2J\nmore",
            "1 rule outside of",
            "too much",
            "1–5",
            "50.0%",
            "tried            7",
            "no posts are read",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_daemon_that_hears_nothing_is_told_so() {
        let source = SourceStatus { name: "bluesky".to_owned(), retrying: true, ..SourceStatus::default() };
        let text = sources_text(std::slice::from_ref(&source));
        assert_eq!(text, "bluesky not connected, no posts read yet");
        let none = samples_text(&Samples { rule: "r".to_owned(), samples: vec![] }, &text, false);
        assert!(none.ends_with("sources: bluesky not connected, no posts read yet"), "{none}");
        let refused = SourceStatus { refused: Some("HTTP 400: no".to_owned()), ..source.clone() };
        assert_eq!(sources_text(&[refused]), "bluesky refused by every server, no posts read yet");
        let heard = SourceStatus { connected: true, last_event_at: Some(Timestamp::ZERO), ..source };
        assert_eq!(sources_text(&[heard]), "bluesky connected, newest event 1970-01-01 00:00:00 UTC");
    }

    #[test]
    fn samples_are_made_safe() {
        let sample = RuleSample {
            received_at: Timestamp::ZERO,
            uri: "at://x".to_owned(),
            author: "did:x".to_owned(),
            lang: "en".to_owned(),
            text: "a\n\x1b[2Jb".to_owned(),
            spans: vec![(0, 1)],
        };
        let text = samples_text(&Samples { rule: "r".to_owned(), samples: vec![sample] }, "", false);
        assert!(!text.contains('\x1b') && text.contains("did:x") && text.contains("[a] [2Jb"), "{text}");
        assert!(as_id("../x").is_err() && as_id("acme-1").is_ok());
    }
}
