//! `birddog check`: everything that is wrong with rules and configuration, and what is probably not meant, at once.

use std::process::ExitCode;

use crate::app::rules::LoadedRules;
use crate::rules::diagnostic::Severity;
use crate::rules::lint::lint;

use super::rules::{RulesArgs, report};
use super::{OK, USAGE};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    rules: RulesArgs,
    /// Treat warnings as errors
    #[arg(long)]
    deny_warnings: bool,
}

/// Exit code 64 when there is an error.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let config = args.rules.config();
    let folder = args.rules.folder(config.as_ref().and_then(|config| config.as_ref().ok()));
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
    report.show(&loaded, args.rules.format)?;
    Ok(ExitCode::from(if report.ok { OK } else { USAGE }))
}
