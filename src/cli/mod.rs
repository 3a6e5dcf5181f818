//! The command line: one file per command, each with its own `Args` and `run`.
//!
//! Layer 6, and the only place for `anyhow` and for printing. Exit codes: 0 ok, 1 a test or match failed,
//! 2 runtime error, 64 bad configuration, rules or usage.

mod backtest;
mod check;
mod client;
mod clock;
mod completions;
mod demo;
mod eval;
mod exit;
mod explain;
mod feed;
mod fields;
mod queue;
mod queue_watch;
mod rate;
mod reply;
mod rules;
mod rules_in_use;
mod run;
mod scan;
mod schema;
mod score;
mod serving;
mod terminal;
mod test;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::telemetry::{self, Delivery, LogFormat};
use exit::{OK, RUNTIME, USAGE, UsageError, pipe_closed, report};

/// Hears everything, finds what matters, sends it to the right team.
#[derive(Debug, Parser)]
#[command(name = "birddog", version, about, max_term_width = 110, disable_help_subcommand = true)]
struct Cli {
    /// How log lines look on stderr.
    #[arg(long, global = true, value_enum, default_value_t, help_heading = "Logs")]
    log_format: LogFormat,
    /// Lowest level, or a filter such as `birddog=debug,info` [default: info, or RUST_LOG]
    #[arg(long, global = true, value_name = "FILTER", help_heading = "Logs")]
    log_level: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon
    Run(run::Args),
    /// Watch birddog at work: a made-up feed, a real WebSocket, the whole daemon; needs no network and no files
    Demo(demo::Args),
    /// Run a file of events through rules once, and print the work items
    Scan(scan::Args),
    /// Add sentiment, urgency, intent, language and priority to JSON lines
    Score(score::Args),
    /// Say what sentiment, urgency and intent are worth on labelled posts
    Eval(eval::Args),
    /// Serve a file, or a made-up story, as a Jetstream server
    Feed(feed::Args),
    /// Say everything that is wrong with configuration and rules
    Check(check::Args),
    /// Run the tests inside the packs
    Test(test::Args),
    /// Run recorded posts through the rules: volumes, samples, overlap, cost, and what an edit changes
    Backtest(backtest::Args),
    /// Say why a rule matches a text, or why not
    Explain(explain::Args),
    /// Print the JSON Schema of a pack, for editors
    Schema(schema::Args),
    /// Work the queue of the running daemon: list, claim, ack, hand off, resolve
    Queue(queue::Args),
    /// The rules of the running daemon: which set is in use, what shadow rules match
    Rules(rules_in_use::Args),
    /// The reply gate of the running daemon: see it, arm it, disarm it
    Reply(reply::Args),
    /// The clock of the running daemon: how far it is trusted, and a person's word on a leap
    Clock(clock::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
}

/// Parses the command line, runs the command, and reports its error.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => {
            let _ = refusal.print();
            return ExitCode::from(if refusal.use_stderr() { USAGE } else { OK });
        }
    };
    let delivery = match cli.command {
        Command::Run(_) | Command::Demo(_) => Delivery::NonBlocking,
        _ => Delivery::Direct,
    };
    // Held to the end: what is reported below still has to get out.
    let _logs = match telemetry::init_logs(cli.log_format, cli.log_level.as_deref(), delivery) {
        Ok(logs) => logs,
        Err(error) => return report(&error.into(), USAGE),
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(error) if pipe_closed(&error) => ExitCode::from(OK),
        Err(error) if error.is::<UsageError>() => report(&error, USAGE),
        Err(error) => report(&error, RUNTIME),
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Scan(args) => scan::run(&args),
        Command::Score(args) => score::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Completions(args) => completions::run(&args, &mut Cli::command()),
        Command::Feed(args) => feed::run(args),
        Command::Check(args) => check::run(args),
        Command::Test(args) => test::run(args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Explain(args) => explain::run(args),
        Command::Schema(args) => schema::run(&args),
        Command::Queue(args) => queue::run(args),
        Command::Rules(args) => rules_in_use::run(args),
        Command::Reply(args) => reply::run(args),
        Command::Clock(args) => clock::run(args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
