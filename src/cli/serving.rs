//! What `run` and `demo` share: the runtime, the signals, and the checks before the start.

use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::rules::{LoadedRules, ReadyRules};
use crate::config::Config;
use crate::rules::diagnostic::render;

use super::{RUNTIME, USAGE, terminal};

/// The I/O threads: sources, API, sinks. The work has threads of its own.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
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

/// SIGHUP; from now on it no longer ends the process.
pub(crate) fn hangups() -> anyhow::Result<Signal> {
    Ok(signal(SignalKind::hangup())?)
}

/// Reads the rules again at each SIGHUP.
pub(crate) async fn reload_at(mut hangups: Signal, reloader: mpsc::Sender<()>) {
    while hangups.recv().await.is_some() {
        // A request that waits covers this one.
        let _ = reloader.try_send(());
    }
}

/// A token that is cancelled by the first SIGTERM or Ctrl-C; the second ends the process at once.
pub(crate) fn shutdown_on_signal() -> anyhow::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shutdown = CancellationToken::new();
    let cancel = shutdown.clone();
    tokio::spawn(async move {
        for turn in 0.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if turn > 0 {
                tracing::warn!("second signal, leaving at once");
                std::process::exit(i32::from(RUNTIME));
            }
            tracing::info!("stopping: work in flight is finished first");
            cancel.cancel();
        }
    });
    Ok(shutdown)
}
