//! `birddog check`: everything that is wrong with rules and configuration, and what is probably not meant, at once.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::app::rules::LoadedRules;
use crate::config::{Config, DEFAULT_PATH};
use crate::rules::diagnostic::Severity;
use crate::rules::lint::lint;

use super::rules::{OutputArgs, report};
use super::{OK, USAGE};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Configuration file [default: birddog.toml, if it is there]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of packs (*.toml) and keyword lists (*.txt) [default: the configured one, or rules]
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Treat warnings as errors
    #[arg(long)]
    deny_warnings: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Exit code 64 when there is an error.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let config = args.config();
    let folder = args.rules.clone().unwrap_or_else(|| match &config {
        Some(Ok(config)) => config.rules.path.clone(),
        _ => PathBuf::from("rules"),
    });
    let mut loaded = match LoadedRules::read(&folder) {
        Ok(loaded) => loaded,
        Err(error) => return Ok(super::report(&error.into(), USAGE)),
    };
    let mistakes = match config {
        Some(Ok(config)) => config.validate(&loaded.infos()),
        Some(Err(error)) => vec![error],
        None => Vec::new(),
    };
    let mut warnings = lint(&loaded.packs, &loaded.files);
    if args.deny_warnings {
        warnings.iter_mut().for_each(|finding| finding.severity = Severity::Error);
    }
    loaded.findings.append(&mut warnings);
    loaded.findings.sort_by_key(|finding| (finding.severity, finding.file, finding.span));
    let report = report(&loaded, mistakes);
    report.show(&loaded, args.output.format)?;
    Ok(ExitCode::from(if report.ok { OK } else { USAGE }))
}

impl Args {
    /// The configuration, or what is wrong with it; `None` when there is no file.
    fn config(&self) -> Option<Result<Config, String>> {
        let path = self.config.as_deref().or(Some(Path::new(DEFAULT_PATH)).filter(|path| path.exists()))?;
        Some(Config::load(Some(path)).map_err(|error| error.to_string()))
    }
}
