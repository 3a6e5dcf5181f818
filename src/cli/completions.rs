//! `birddog completions`: a script that teaches the shell our commands.

use std::process::ExitCode;

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  birddog completions bash > /etc/bash_completion.d/birddog")]
pub(crate) struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &Args, commands: &mut clap::Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, commands, "birddog", &mut script);
    super::terminal::print(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}
