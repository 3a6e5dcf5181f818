//! temp
use std::process::ExitCode;
/// Demo.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}
pub(crate) fn run(_args: &Args) -> anyhow::Result<ExitCode> { Ok(ExitCode::SUCCESS) }
