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
mod explain;
mod feed;
mod fields;
mod queue;
mod queue_watch;
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

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::telemetry::{self, Delivery, LogFormat};

/// All went well.
pub(crate) const OK: u8 = 0;
/// A test failed, or a rule that was asked about does not match.
pub(crate) const FAILED: u8 = 1;
/// The daemon, the network or the disk said no.
pub(crate) const RUNTIME: u8 = 2;
/// The configuration, the rules or the command line are wrong.
pub(crate) const USAGE: u8 = 64;

/// The command line asks for what cannot be, in a way that only its command can tell: exit code [`USAGE`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

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
        Command::Completions(args) => completions::run(&args),
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

fn report(error: &anyhow::Error, code: u8) -> ExitCode {
    terminal::complain(&format!("error: {}", terminal::sanitise_lines(&causes(error))));
    ExitCode::from(code)
}

/// The error and its causes; a cause that the message before it already tells is not told again.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(|cause| without_number(&cause.to_string())).fold(
        String::new(),
        |told, cause| match told {
            told if told.is_empty() => cause,
            told if told.contains(&cause) => told,
            told => format!("{told}: {cause}"),
        },
    )
}

/// Without the `(os error 2)` that the standard library puts behind what the system says.
fn without_number(cause: &str) -> String {
    let shorter = cause.split_once(" (os error ").and_then(|(said, rest)| {
        let (number, rest) = rest.split_once(')')?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{said}{rest}"))
    });
    shorter.unwrap_or_else(|| cause.to_owned())
}

/// Reads `--rate`: events per second.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "write a number of events per second that is more than 0".to_owned())
}

/// `birddog queue list | head` ends the reader first; that is no error.
fn pipe_closed(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_cause_is_told_once() {
        let disk =
            anyhow::Error::from(io::Error::other("disk")).context("cannot read: disk").context("loading");
        assert_eq!(causes(&disk), "loading: cannot read: disk");
    }

    #[test]
    fn what_the_system_says_is_told_without_its_number() {
        assert_eq!(without_number("no such file (os error 2): x"), "no such file: x");
        assert_eq!(without_number("a (os error x)"), "a (os error x)");
    }

    #[test]
    fn a_rate_is_a_number_above_nothing() {
        assert_eq!((rate("0.5"), rate("350")), (Ok(0.5), Ok(350.0)));
        assert!(["0", "-1", "nan", "inf", "fast", ""].iter().all(|text| rate(text).is_err()));
    }

    #[test]
    fn a_closed_pipe_is_told_from_other_errors() {
        let closed = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing");
        assert!(pipe_closed(&closed));
        assert!(!pipe_closed(&anyhow::anyhow!("broken pipe")));
    }
}
