//! `birddog clock`: how far the daemon trusts the wall clock, and a person's word on it, through the API.

use std::process::ExitCode;

use clap::Subcommand;

use super::client::{Client, Connection};
use super::exit::OK;
use super::reply::By;
use crate::api::AcceptedClock;
use crate::app::{ClockStatus, StatusReport};

const EXAMPLES: &str = "\
Examples:
  birddog clock status
  birddog clock accept --by ann --reason 'the machine was off for two days'

What birddog keeps for a span of time (answered posts, closed items, what it has seen) goes by time that has certainly
passed: while it runs, and over restarts within one boot of the machine. When the wall clock leaps, or the machine was
off, the two drift apart. `accept` says that the wall clock is right: the time by which it is ahead counts as passed.";

/// Arguments of `birddog clock`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How far the wall clock stands from where it should
    Status,
    /// Takes the wall clock for right
    Accept(By),
}

/// Runs `birddog clock`.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.connection)?;
    let format = args.connection.format;
    match args.command {
        Command::Status => {
            let status: StatusReport = serde_json::from_value(client.get("/status", &[])?)?;
            format.print(&serde_json::to_value(status.clock)?, |clock| status_text(&clock))?;
        }
        Command::Accept(by) => {
            let answer = client.post("/api/v1/clock/accept", &by.into_switch()?)?;
            format.print(&answer, |accepted: AcceptedClock| {
                format!("accepted   a wall clock {}\n", leap(accepted.leap_seconds))
            })?;
        }
    }
    Ok(ExitCode::from(OK))
}

fn status_text(clock: &ClockStatus) -> String {
    let days = clock.steady_seconds / 86_400.0;
    format!("wall clock  {}\ntrusted     {days:.2} days since the store was made\n", leap(clock.leap_seconds))
}

/// As people say it.
fn leap(seconds: f64) -> String {
    match seconds {
        ahead if ahead >= 1.0 => format!("{ahead:.0} s ahead of where it should be"),
        behind if behind <= -1.0 => format!("{:.0} s behind where it should be", -behind),
        _ => "where it should be".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_is_told_in_words() {
        assert_eq!(leap(0.4), "where it should be");
        assert_eq!(leap(3_600.2), "3600 s ahead of where it should be");
        assert_eq!(leap(-90.0), "90 s behind where it should be");
        let text = status_text(&ClockStatus { leap_seconds: 0.0, steady_seconds: 86_400.0 });
        assert!(text.contains("where it should be") && text.contains("1.00 days"), "{text}");
    }
}
