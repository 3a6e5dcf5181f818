//! `birddog schema`: JSON Schemas of what people write by hand, for their editors.

use std::process::ExitCode;

use crate::rules::schema::pack_schema;

use super::exit::OK;
use super::terminal;

const EXAMPLES: &str = "\
Example:
  birddog schema pack > rules/pack.schema.json

A pack that begins with `#:schema ./pack.schema.json` is then completed and checked by editors that know it, such as
those with Even Better TOML (taplo).";

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Of what
    #[arg(value_enum, default_value_t)]
    of: Subject,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Subject {
    /// A file of rules.
    #[default]
    Pack,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let schema = match args.of {
        Subject::Pack => pack_schema(),
    };
    terminal::print(&serde_json::to_string_pretty(&schema)?)?;
    Ok(ExitCode::from(OK))
}
