//! What the commands for rule authors have in common: the folder, loading it, and showing its findings.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::config::{Config, DEFAULT_PATH};
use crate::rules::diagnostic::{Located, Severity, locate, render};
use crate::rules::pack::LoadedRule;
use crate::ruleset::{self, LoadedRules};

use super::client::Format;
use super::exit::USAGE;
use super::terminal;
use super::terminal::counted;

/// Where the rules are.
#[derive(Debug, clap::Args)]
pub(crate) struct RulesFolder {
    /// Configuration file, which names the folder of rules [default: birddog.toml, if it is there]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of packs (*.toml) and keyword lists (*.txt) [default: the configured one, or rules]
    #[arg(value_name = "RULES_DIR")]
    path: Option<PathBuf>,
    /// The same as RULES_DIR
    #[arg(long, value_name = "DIR", conflicts_with = "path")]
    rules: Option<PathBuf>,
}

/// Which rules, and how what comes of them is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct RulesArgs {
    #[command(flatten)]
    folder: RulesFolder,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

impl RulesFolder {
    /// The configuration, or what is wrong with it; `None` when there is no file.
    pub(crate) fn config(&self) -> Option<Result<Config, String>> {
        let path = self.config.as_deref().or(Some(Path::new(DEFAULT_PATH)).filter(|path| path.exists()))?;
        Some(Config::load(Some(path)).map_err(|error| error.to_string()))
    }

    /// Where the rules are: what the command line names goes before the configuration.
    pub(crate) fn folder(&self, config: Option<&Config>) -> PathBuf {
        let configured =
            || config.map_or_else(|| ruleset::Config::default().path, |config| config.rules.path.clone());
        self.named().cloned().unwrap_or_else(configured)
    }

    fn named(&self) -> Option<&PathBuf> {
        self.path.as_ref().or(self.rules.as_ref())
    }

    /// As [`Self::folder`], for commands that want nothing else of the configuration.
    fn only_folder(&self) -> Result<PathBuf, ExitCode> {
        // Whoever names both is told of a broken configuration by `check`.
        let config = if self.named().is_none() { self.config().transpose() } else { Ok(None) };
        config.map(|config| self.folder(config.as_ref())).map_err(|error| refuse(&error))
    }
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
    pub(crate) notes: usize,
    /// What is wrong with the configuration, and between it and the rules.
    pub(crate) config: Vec<String>,
    pub(crate) diagnostics: Vec<Located<'a>>,
}

/// Reads rules without errors; others are shown and refused with exit code 64.
pub(crate) fn read_valid(args: &RulesArgs) -> anyhow::Result<Result<LoadedRules, ExitCode>> {
    match args.folder.only_folder() {
        Ok(folder) => read_valid_from(&folder, args.format),
        Err(code) => Ok(Err(code)),
    }
}

/// As [`read_valid`], from this folder.
pub(crate) fn read_valid_from(
    folder: &Path,
    format: Format,
) -> anyhow::Result<Result<LoadedRules, ExitCode>> {
    let loaded = match read(folder) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(Err(code)),
    };
    if loaded.has_errors() {
        report(&loaded, Vec::new()).show(&loaded, format)?;
        return Ok(Err(ExitCode::from(USAGE)));
    }
    Ok(Ok(loaded))
}

/// Reads the folder, with what is wrong inside its files; that it cannot be read is told on stderr.
pub(crate) fn read(folder: &Path) -> Result<LoadedRules, ExitCode> {
    if folder.is_file() {
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new(".")).display();
        let file = folder.display();
        return Err(refuse(&format!(
            "{file} is a file: name the folder that it is in with its lists, {parent}"
        )));
    }
    LoadedRules::read(folder).map_err(|error| super::exit::report(&error.into(), USAGE))
}

/// The rule `id`; an unknown one is told on stderr.
pub(crate) fn rule<'l>(loaded: &'l LoadedRules, id: &str) -> Result<&'l LoadedRule, ExitCode> {
    let found = loaded.packs.rules.iter().find(|rule| &*rule.info.id == id);
    found.ok_or_else(|| {
        let ids = loaded.packs.rules.iter().map(|rule| &*rule.info.id);
        let near = ids.min_by_key(|known| strsim::osa_distance(id, known));
        let near = near.map(|near| format!("; did you mean {near}?"));
        refuse(&format!("there is no rule {id}{}", near.unwrap_or_default()))
    })
}

/// All findings with their counts; `config` is what is wrong with the configuration.
pub(crate) fn report(loaded: &LoadedRules, config: Vec<String>) -> Report<'_> {
    let count = |severity| loaded.findings.iter().filter(|finding| finding.severity == severity).count();
    let errors = count(Severity::Error) + config.len();
    Report {
        ok: errors == 0,
        packs: loaded.packs.packs.len(),
        rules: loaded.packs.rules.len(),
        lists: loaded.packs.lists.len(),
        errors,
        warnings: count(Severity::Warning),
        notes: count(Severity::Note),
        config,
        diagnostics: locate(&loaded.findings, &loaded.files),
    }
}

impl Report<'_> {
    /// Shows all findings and a line of counts.
    pub(crate) fn show(&self, loaded: &LoadedRules, format: Format) -> io::Result<()> {
        if format == Format::Json {
            return terminal::print(&terminal::json(self)?);
        }
        let mut shown = render(&loaded.findings, &loaded.files, terminal::colours());
        for mistake in &self.config {
            shown += &format!("error: {}\n\n", terminal::sanitise_lines(mistake));
        }
        let rules = counted(self.rules, "rule");
        let (packs, lists) = (counted(self.packs, "pack"), counted(self.lists, "list"));
        let (errors, warnings) = (counted(self.errors, "error"), counted(self.warnings, "warning"));
        let notes = Some(self.notes).filter(|notes| *notes > 0);
        let notes = notes.map_or_else(String::new, |notes| format!(", {}", counted(notes, "note")));
        terminal::print(&format!("{shown}{rules} in {packs} and {lists}: {errors}, {warnings}{notes}"))
    }
}

/// Tells what is wrong with what was given; exit code 64.
pub(crate) fn refuse(message: &str) -> ExitCode {
    terminal::complain(&format!("error: {}", terminal::sanitise_lines(message)));
    ExitCode::from(USAGE)
}
