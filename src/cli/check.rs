//! `birddog check`: everything that is wrong with rules and configuration, and what is probably not meant, at once.

use crate::model::Report;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::config::Config;
use crate::rules::diagnostic::{Diagnostic, Severity, SourceFile};
use crate::rules::lint::{LINTS, Levels, WARNINGS};
use crate::rules::pack::LoadedRule;
use crate::rules::sarif::sarif;
use crate::ruleset::LoadedRules;

use super::client::Format;
use super::exit::{OK, USAGE, UsageError};
use super::rules::{RulesFolder, read, report};
use super::terminal;
use super::terminal::{Cell, Style, Table};

const EXAMPLES: &str = "\
Examples:
  birddog check                                      every error, warning and note, each under its characters
  birddog check rules                                the same, of this folder
  birddog check --deny warnings --allow short-term   for CI: exit code 64 on any warning but that one
  birddog check --format sarif > birddog.sarif       for code scanning and editors
  birddog check --list-lints

[rules] in the configuration has deny = [\"…\"] and allow = [\"…\"] as well, which the daemon follows, too; the
command line goes before it.";

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    rules: RulesFolder,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
    /// Treat findings of this lint as errors; `warnings` stands for all warnings
    #[arg(long, value_name = "LINT|warnings")]
    deny: Vec<String>,
    /// Do not report findings of this lint
    #[arg(long, value_name = "LINT")]
    allow: Vec<String>,
    /// The same as `--deny warnings`
    #[arg(long)]
    deny_warnings: bool,
    /// Show all lints with their severity and meaning, and check nothing
    #[arg(long)]
    list_lints: bool,
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum CheckFormat {
    /// Lines with carets, for people.
    #[default]
    Text,
    /// One object with counts and findings.
    Json,
    /// SARIF 2.1.0, for code scanning and editors.
    Sarif,
}

/// A lint, for `--list-lints`.
#[derive(Serialize)]
struct ListedLint {
    id: &'static str,
    severity: Severity,
    meaning: &'static str,
}

/// Exit code 64 when there is an error.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.list_lints {
        list_lints(args.format)?;
        return Ok(ExitCode::from(OK));
    }
    let named = levels(&args)?;
    let config = args.rules.config();
    let folder = args.rules.folder(config.as_ref().and_then(|config| config.as_ref().ok()));
    let mut loaded = match read(&folder) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let mut mistakes = Vec::new();
    let mut levels = Levels::default();
    match config {
        Some(Ok(config)) => {
            mistakes = Report::of(|report| config.validate_parts(&loaded.infos(), report));
            loaded.findings.extend(unknown_names(&config, &loaded.packs.rules));
            levels = config.rules.levels().unwrap_or_default();
        }
        Some(Err(error)) => mistakes.push(error),
        None => {}
    }
    loaded.findings.extend(loaded.lint(&levels.with(named)));
    loaded.findings.sort_by_key(|finding| (finding.severity, finding.file, finding.span));
    show(&loaded, mistakes, args.format)
}

fn levels(args: &Args) -> anyhow::Result<Levels> {
    let mut deny = args.deny.clone();
    deny.extend(args.deny_warnings.then(|| WARNINGS.to_owned()));
    Levels::read(&deny, &args.allow).map_err(|mistakes| UsageError(mistakes.join("\n")).into())
}

/// Teams and reply templates that the configuration does not have, each in its place.
fn unknown_names(config: &Config, rules: &[LoadedRule]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in rules.iter().filter(|rule| rule.is_active()) {
        let team = config.unknown_team(&rule.info).map(|message| ("unknown-team", rule.team_span, message));
        let template = config.unknown_template(&rule.info).zip(rule.reply_span);
        let template = template.map(|(message, span)| ("unknown-template", span, message));
        for (id, span, message) in team.into_iter().chain(template) {
            let (message, hint) = message.split_once("; ").unwrap_or((&message, ""));
            found.push(Diagnostic::error(rule.file, span, id, message).hint(hint));
        }
    }
    found
}

fn show(loaded: &LoadedRules, mistakes: Vec<String>, format: CheckFormat) -> anyhow::Result<ExitCode> {
    let report = report(loaded, mistakes);
    match format {
        CheckFormat::Text => report.show(loaded, Format::Text)?,
        CheckFormat::Json => report.show(loaded, Format::Json)?,
        CheckFormat::Sarif => {
            let files = relative(&loaded.files);
            let log = sarif(&loaded.findings, &files, &report.config, env!("CARGO_PKG_VERSION"));
            terminal::print(&terminal::json(&log)?)?;
        }
    }
    Ok(ExitCode::from(if report.ok { OK } else { USAGE }))
}

/// The files with paths as seen from here, where code scanning looks for them.
fn relative(files: &[SourceFile]) -> Vec<SourceFile> {
    let here = std::env::current_dir().unwrap_or_default();
    let mut files = files.to_vec();
    for file in &mut files {
        if let Ok(path) = file.path.strip_prefix(&here).map(Path::to_owned) {
            file.path = path;
        }
    }
    files
}

fn list_lints(format: CheckFormat) -> anyhow::Result<()> {
    let lints = LINTS.iter().map(|lint| (lint.id, lint.severity, lint.meaning));
    let text = if format == CheckFormat::Text {
        let mut table = Table::new(&["lint", "severity", "meaning"]);
        for (id, severity, meaning) in lints {
            let severity = Cell::new(severity.as_str()).style(Style::Faint);
            table.row(vec![Cell::new(id), severity, Cell::new(meaning)]);
        }
        table.render(terminal::colours())
    } else {
        let listed = lints.map(|(id, severity, meaning)| ListedLint { id, severity, meaning });
        terminal::json(&listed.collect::<Vec<_>>())?
    };
    Ok(terminal::print(&text)?)
}
