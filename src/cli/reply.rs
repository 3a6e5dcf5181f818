//! `birddog reply`: the reply gate's master switch, through the daemon's API.

use std::process::ExitCode;

use clap::Subcommand;

use super::client::{Client, Connection};
use super::exit::OK;
use super::queue::agent_name;
use super::terminal;
use crate::api::Switch;
use crate::model::{ReplyCounts, ReplyStatus};

const EXAMPLES: &str = "\
Examples:
  birddog reply status
  birddog reply disarm --by ann --reason 'the storm is on the news'
  birddog reply arm --by ann --reason 'over, checked with PR'

While the gate is disarmed every automatic reply is suppressed; work items flow as ever. A new store starts disarmed;
after that a restart leaves the switch as it was, unless ledger or clock cannot be trusted. Each switch stands in the
audit log.";

/// Arguments of `birddog reply`.
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
    /// Whether the gate is armed, who switched it, and what it decided
    Status,
    /// Lets the gate allow replies again
    Arm(By),
    /// Suppresses every automatic reply from now on
    Disarm(By),
}

/// Who moves a switch, and why.
#[derive(Debug, clap::Args)]
pub(super) struct By {
    /// Who switches [default: your login name]
    #[arg(long, env = "BIRDDOG_AGENT", value_name = "NAME")]
    by: Option<String>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Runs `birddog reply`.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.connection)?;
    let answer = match args.command {
        Command::Status => client.get("/api/v1/reply/status", &[])?,
        Command::Arm(by) => client.post("/api/v1/reply/arm", &by.into_switch()?)?,
        Command::Disarm(by) => client.post("/api/v1/reply/disarm", &by.into_switch()?)?,
    };
    args.connection.format.print(&answer, |status| text(&status))?;
    Ok(ExitCode::from(OK))
}

impl By {
    pub(super) fn into_switch(self) -> anyhow::Result<Switch> {
        Ok(Switch { by: agent_name(self.by)?, reason: self.reason })
    }
}

fn text(status: &ReplyStatus) -> String {
    let state = if status.armed { "armed" } else { "disarmed: every automatic reply is suppressed" };
    let by = status.switched_by.as_deref().unwrap_or("nobody yet");
    let at = status.switched_at.map_or_else(String::new, |at| format!(" at {at}"));
    let reason = status.switched_reason.as_deref().filter(|reason| !reason.is_empty());
    let because = reason.map_or_else(String::new, |reason| format!(": {}", terminal::sanitise(reason)));
    let ReplyCounts { allowed, held, suppressed } = status.decisions;
    format!(
        "gate       {state}\nswitched   by {}{at}{because}\nlast hour  {} allowed\n\
         decisions  {allowed} allowed, {held} held, {suppressed} suppressed since the start\n",
        terminal::sanitise(by),
        status.allowed_last_hour,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn the_state_is_told_in_words_without_control_characters() {
        let status = ReplyStatus {
            armed: false,
            switched_by: Some("ann\x1b[2J".to_owned()),
            switched_reason: Some("the storm\nis on".to_owned()),
            switched_at: Some(Timestamp::ZERO),
            allowed_last_hour: 2,
            decisions: ReplyCounts { allowed: 3, held: 4, suppressed: 5 },
        };
        let text = text(&status);
        assert!(text.starts_with("gate       disarmed"));
        assert!(
            text.contains("by ann[2J at 1970-01-01T00:00:00") && text.contains(": the storm is on\n"),
            "{text}"
        );
        assert!(text.contains("3 allowed, 4 held, 5 suppressed"));
    }
}
