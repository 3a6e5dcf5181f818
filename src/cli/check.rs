//! `birddog check`: everything that is wrong with the rules, and what is probably not meant, at once.

use std::process::ExitCode;

use crate::rules::diagnostic::{Severity, has_errors};
use crate::rules::lint::lint;

use super::rules::{Loaded, RulesArgs};
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
    let mut loaded = match Loaded::read(&args.rules) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let mut warnings = lint(&loaded.packs, &loaded.files);
    if args.deny_warnings {
        warnings.iter_mut().for_each(|finding| finding.severity = Severity::Error);
    }
    loaded.findings.append(&mut warnings);
    loaded.findings.sort_by_key(|finding| (finding.severity, finding.file, finding.span));
    loaded.show(args.rules.format)?;
    Ok(ExitCode::from(if has_errors(&loaded.findings) { USAGE } else { OK }))
}
