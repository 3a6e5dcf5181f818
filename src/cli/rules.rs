//! What the commands for rule authors have in common: the folder, loading it, and showing its findings.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use crate::config;
use crate::rules::diagnostic::{Diagnostic, Located, Severity, SourceFile, has_errors, locate, render};
use crate::rules::pack::{LoadedRule, Packs, load};

use super::client::Format;
use super::{USAGE, terminal};

/// Which rules.
#[derive(Debug, clap::Args)]
pub(crate) struct RulesArgs {
    /// Folder of packs (*.toml) and keyword lists (*.txt)
    #[arg(long, value_name = "DIR", default_value = "rules")]
    pub(crate) rules: PathBuf,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// A folder of rules, read and parsed.
pub(crate) struct Loaded {
    pub(crate) files: Vec<SourceFile>,
    pub(crate) packs: Packs,
    pub(crate) findings: Vec<Diagnostic>,
}

/// Findings as JSON, with their counts.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    pub(crate) ok: bool,
    pub(crate) packs: usize,
    pub(crate) rules: usize,
    pub(crate) lists: usize,
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) diagnostics: Vec<Located<'a>>,
}

impl Loaded {
    /// Reads the folder; a folder that cannot be read is bad rules, told on stderr.
    pub(crate) fn read(args: &RulesArgs) -> Result<Self, ExitCode> {
        let files = config::read_dir(&args.rules).map_err(|error| refuse(&with_source(&error)))?;
        let (packs, findings) = load(&files);
        Ok(Self { files, packs, findings })
    }

    /// As [`Loaded::read`]; rules with errors are shown and refused, too.
    pub(crate) fn read_valid(args: &RulesArgs) -> anyhow::Result<Result<Self, ExitCode>> {
        let loaded = match Self::read(args) {
            Ok(loaded) => loaded,
            Err(code) => return Ok(Err(code)),
        };
        if has_errors(&loaded.findings) {
            loaded.show(args.format)?;
            return Ok(Err(ExitCode::from(USAGE)));
        }
        Ok(Ok(loaded))
    }

    /// The rule `id`; an unknown one is told on stderr.
    pub(crate) fn rule(&self, id: &str) -> Result<&LoadedRule, ExitCode> {
        let found = self.packs.rules.iter().find(|rule| &*rule.info.id == id);
        found.ok_or_else(|| {
            let ids = self.packs.rules.iter().map(|rule| &*rule.info.id);
            let distance = |known: &&str| strsim::osa_distance(id, known);
            let near = ids.min_by_key(distance).map(|near| format!("; did you mean {near}?"));
            refuse(&format!("there is no rule {id}{}", near.unwrap_or_default()))
        })
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    pub(crate) fn report(&self) -> Report<'_> {
        let errors = self.count(Severity::Error);
        Report {
            ok: errors == 0,
            packs: self.packs.packs.len(),
            rules: self.packs.rules.len(),
            lists: self.packs.lists.len(),
            errors,
            warnings: self.count(Severity::Warning),
            diagnostics: locate(&self.findings, &self.files),
        }
    }

    /// Shows all findings and a line of counts.
    pub(crate) fn show(&self, format: Format) -> io::Result<()> {
        let report = self.report();
        if format == Format::Json {
            return terminal::print(&terminal::json(&report)?);
        }
        let counts = format!(
            "{} in {} and {}: {}, {}",
            counted(report.rules, "rule"),
            counted(report.packs, "pack"),
            counted(report.lists, "list"),
            counted(report.errors, "error"),
            counted(report.warnings, "warning"),
        );
        let colours = io::stdout().is_terminal() && terminal::colours();
        terminal::print(&format!("{}{counts}", render(&self.findings, &self.files, colours)))
    }
}

/// `1 rule`, `2 rules`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Tells what is wrong with what was given; exit code 64.
pub(crate) fn refuse(message: &str) -> ExitCode {
    eprintln!("error: {}", terminal::sanitise_lines(message));
    ExitCode::from(USAGE)
}

fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
