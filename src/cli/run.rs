//! `birddog run`: the daemon, in the foreground, under systemd or in a container.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::app::{Daemon, Handle};
use crate::config::Config;
use crate::ruleset::{LoadedRules, ReadyRules};
use crate::telemetry::Recorder;

use super::exit::{RUNTIME, USAGE};
use super::serving::{Signals, checked, reload_at, started, under_signals};

/// Run the daemon.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  birddog run                          the rules in ./rules, Bluesky's public stream, the store ./birddog.db
  birddog run -c /etc/birddog.toml
Then:
  birddog queue list                   what there is to do
  curl http://127.0.0.1:8642/metrics

The rules are read again when a file of them changes, and at SIGHUP. A set with an error, a failing test or a finding
that [rules] deny names is refused, as it is at the start.
The first SIGTERM or Ctrl-C finishes the work in flight and exits with 0; during the start it exits with 0 at once.
When the store takes nothing it is tried for a few seconds more; the exit code is then 2, and what was in flight is
read again at the next start. A second SIGTERM or Ctrl-C leaves at once, with 2.")]
pub(crate) struct Args {
    /// Configuration file [default: birddog.toml, if it is there]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of rules, instead of the configured one
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    under_signals(|signals| serve(args, signals))
}

/// The compiled rules; the files and trees they came from are let go.
pub(crate) fn compiled(config: &Config) -> Result<ReadyRules, ExitCode> {
    let rules =
        LoadedRules::read(&config.rules.path).map_err(|error| super::exit::report(&error.into(), USAGE))?;
    checked(config, rules)
}

/// The configuration as this command line has it.
pub(crate) fn load(path: Option<&Path>, rules: Option<PathBuf>) -> anyhow::Result<Config> {
    let mut config = Config::load(path)?;
    if let Some(rules) = rules {
        config.rules.path = rules;
    }
    Ok(config)
}

async fn serve(args: Args, signals: Signals) -> anyhow::Result<ExitCode> {
    let Signals { shutdown, hangups } = signals;
    let daemon = match started(&shutdown, start(args)).await? {
        Some(Ok(daemon)) => daemon,
        Some(Err(code)) => return Ok(code),
        None => return Ok(ExitCode::SUCCESS),
    };
    tokio::spawn(reload_at(hangups, daemon.rules_reloader()));
    let watchdog = tokio::spawn(watch(daemon.handle().clone(), shutdown.clone()));
    let ended = daemon.run(shutdown).await;
    watchdog.abort();
    match ended {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Ok(super::exit::report(&error.into(), RUNTIME)),
    }
}

/// The daemon at work, or the exit code of a configuration or rules that are wrong, which have been shown.
async fn start(args: Args) -> anyhow::Result<Result<Daemon, ExitCode>> {
    let config = match load(args.config.as_deref(), args.rules) {
        Ok(config) => config,
        Err(error) => return Ok(Err(super::exit::report(&error, USAGE))),
    };
    let rules = match compiled(&config) {
        Ok(rules) => rules,
        Err(code) => return Ok(Err(code)),
    };
    let count = rules.set.rules().len();
    let daemon = Daemon::start(&config, rules, Recorder::install()?).await.context("cannot start")?;
    tracing::info!(rules = count, api = %format_args!("http://{}", daemon.address()), "listening");
    Ok(Ok(daemon))
}

/// Tells systemd that we are ready, that our loops turn, and that we are stopping.
async fn watch(handle: Handle, shutdown: CancellationToken) {
    notify(NotifyState::Ready);
    let period = sd_notify::watchdog_enabled().unwrap_or(Duration::from_secs(20)) / 2;
    let mut every = tokio::time::interval(period);
    while shutdown.run_until_cancelled(every.tick()).await.is_some() {
        if handle.live().ok {
            notify(NotifyState::Watchdog);
        }
    }
    notify(NotifyState::Stopping);
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
