//! What `run` and `demo` share: the runtime, the signals, and the checks before the start.

use std::process::ExitCode;

use anyhow::Context;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::rules::diagnostic::render;
use crate::ruleset::{LoadedRules, ReadyRules};
use crate::telemetry;

use super::exit::{RUNTIME, USAGE};
use super::terminal;

/// The I/O threads: sources, API, sinks. The work has threads of its own.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("io")
        .enable_all()
        .build()
        .context("cannot start the I/O threads")
}

/// Compiles the rules, or shows everything that is wrong with them and the configuration.
pub(crate) fn checked(config: &Config, rules: LoadedRules) -> Result<ReadyRules, ExitCode> {
    rules.tested(config).map_err(|unfit| {
        let findings = render(&unfit.findings, &unfit.files, terminal::colours());
        if !findings.is_empty() {
            terminal::complain(&findings);
        }
        for mistake in &unfit.mistakes {
            terminal::complain(&format!("error: {mistake}"));
        }
        ExitCode::from(USAGE)
    })
}

/// What the system and people tell a daemon, caught from the first moment on.
pub(crate) struct Signals {
    /// Cancelled by the first SIGTERM or Ctrl-C; the second ends the process at once.
    pub(crate) shutdown: CancellationToken,
    /// SIGHUP, also those from before anybody looked.
    pub(crate) hangups: Signal,
}

impl Signals {
    fn catch() -> anyhow::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let hangups = signal(SignalKind::hangup())?;
        let shutdown = CancellationToken::new();
        tokio::spawn(stop_at(terminate, interrupt, shutdown.clone()));
        Ok(Self { shutdown, hangups })
    }
}

/// Runs a daemon on the I/O threads; signals are caught before it does anything. What did not drain in time is left.
pub(crate) fn under_signals<F>(serve: impl FnOnce(Signals) -> F) -> anyhow::Result<ExitCode>
where
    F: Future<Output = anyhow::Result<ExitCode>>,
{
    let runtime = runtime()?;
    let ended = runtime.block_on(async { serve(Signals::catch()?).await });
    runtime.shutdown_background();
    ended
}

/// Starts something on a thread of its own; `None` when `shutdown` came first. The thread is then left to the end of
/// the process, which may cut it off anywhere: a start must leave nothing behind that a crash would not.
pub(crate) async fn started<T: Send + 'static>(
    shutdown: &CancellationToken,
    start: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<Option<T>> {
    let runtime = Handle::current();
    let starting = tokio::task::spawn_blocking(move || runtime.block_on(start));
    match shutdown.run_until_cancelled(starting).await {
        Some(done) => done.context("the start broke off")?.map(Some),
        None => {
            tracing::info!("stopped before the start was over; nothing was taken in");
            Ok(None)
        }
    }
}

/// Reads the rules again at each SIGHUP.
pub(crate) async fn reload_at(mut hangups: Signal, reloader: mpsc::Sender<()>) {
    while hangups.recv().await.is_some() {
        // A request that waits covers this one.
        let _ = reloader.try_send(());
    }
}

async fn stop_at(mut terminate: Signal, mut interrupt: Signal, shutdown: CancellationToken) {
    for turn in 0.. {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if turn > 0 {
            tracing::warn!("second signal, leaving at once");
            telemetry::flush_logs();
            std::process::exit(i32::from(RUNTIME));
        }
        tracing::info!("stopping: work in flight is finished first");
        shutdown.cancel();
    }
}
