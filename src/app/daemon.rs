//! The daemon: every part started in order, watched, and stopped in order.
//!
//! Stopping is the line run dry: sources first, then workers, the engine's last commit, sinks and API. Whatever does
//! not end within the drain timeout is left; what it held is read again from the saved position.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{Sender, bounded};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::engine::{Engine, EngineParts, Inbox};
use super::workers::{WorkerParts, spawn_workers};
use super::{Handle, Parts, ReadQueue, SinkStatus, SourceStatus, Status};
use crate::api::{self, Api};
use crate::clock::{self, Clock, wall_clock};
use crate::config::Config;
use crate::dispatch;
use crate::formats::Batch;
use crate::model::{
    ChangeFilter, ChangePage, ItemFilter, ItemId, ItemPage, ItemRecord, Position, QueueError, QueueStats,
    Recovered,
};
use crate::ruleset::{ActiveRules, ReadyRules, Reloader, RulesInForce};
use crate::sources::{Handover, Source, SourceError};
use crate::store::{self, CursorUpdate, Reader, Store, StoreError, Writer};
use crate::telemetry::Recorder;
use crate::triage::{self, Triage};

/// How often a heartbeat is sent down the line.
const PULSE_EVERY: Duration = Duration::from_secs(1);
/// Cursor updates that may wait for the engine.
const CURSOR_UPDATES_MAX: usize = 1_024;

/// Why the daemon cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The API's address or token.
    #[error(transparent)]
    Api(#[from] api::Error),
    /// A source's settings, or a source that cannot go on.
    #[error("source {name:?}: {error}")]
    Source {
        /// Its name.
        name: String,
        /// What is wrong.
        error: SourceError,
    },
    /// A sink's settings.
    #[error(transparent)]
    Sink(#[from] crate::sinks::SinkError),
    /// The store took nothing until the end.
    #[error(
        "work in flight could not be stored: {reason}; nothing is lost, the next start reads it again from the saved position"
    )]
    Unstored {
        /// Why.
        reason: String,
    },
    /// A thread of ours died.
    #[error("{0} died; this is a bug, please report it with the log")]
    Died(&'static str),
    /// The line did not run dry in time.
    #[error("work in flight did not end within {0:?}; it is read again from the saved position")]
    DrainTimeout(Duration),
}

/// A running daemon.
pub struct Daemon {
    handle: Handle,
    address: SocketAddr,
    drain_timeout: Duration,
    sources_stop: CancellationToken,
    edges_stop: CancellationToken,
    tasks: JoinSet<Result<(), DaemonError>>,
    edges: JoinSet<()>,
    workers: Vec<JoinHandle<()>>,
    engine: Option<EngineThread>,
    engine_stop: Option<Sender<()>>,
    reload: mpsc::Sender<()>,
}

impl Daemon {
    /// Starts every part. The recorder must be installed, since metric handles bind when they are made.
    ///
    /// # Errors
    /// When the store, the API's address, a source or a sink is not to be had.
    pub async fn start(config: &Config, rules: ReadyRules, recorder: Recorder) -> Result<Self, DaemonError> {
        let sinks = config.sink.iter().map(|sink| sink.build()).collect::<Result<Vec<_>, _>>()?;
        let sources = config.source.iter().map(new_source).collect::<Result<Vec<_>, _>>()?;
        let status = Arc::new(Status::default());
        let stamp = rules.stamp;
        let rules = RulesInForce::new(ActiveRules::new(rules, config));
        let store = Store::open(&config.store, !sinks.is_empty())?;
        let influence_seed = rand::random();
        let (reader, positions, engine) = prepare(config, store, &status, &rules, &sources, influence_seed)?;
        let changes = engine.changes.subscribe();
        report_sources(&status, &sources);
        let in_force = rules.clone();
        status.report_rules(move || in_force.status());
        report_sinks(&status, &reader, config);

        let (commands, command_inbox) = Handle::commands();
        let handle = Handle::new(Parts {
            commands: commands.clone(),
            queue: Arc::new(QueueReader { reader: reader.clone(), rules: rules.clone() }),
            status: Arc::clone(&status),
            metrics: Arc::new(rendering(recorder.clone(), &sources)),
            changes,
            ingests: sources.iter().filter_map(Source::ingest).collect(),
        });
        let api = Api::bind(config.api.clone(), handle.clone()).await?;

        let (handover, intake) = Handover::new(config.limits.handover);
        let parts = WorkerParts::new(config, rules.clone(), influence_seed);
        let handles = Arc::clone(&parts.handles);
        let reloader = Reloader::new(Arc::new(config.clone()), rules, handles, stamp);
        let (outcomes, workers) =
            spawn_workers(config.limits.worker_threads(), &intake, &parts, config.limits.outcomes_max);
        drop(intake);

        let (cursors, cursor_inbox) = bounded::<CursorUpdate>(CURSOR_UPDATES_MAX);
        let inbox = Inbox { outcomes, commands: command_inbox, cursors: cursor_inbox };
        let (engine, engine_stop) = spawn_engine(engine, inbox)?;

        let (reload, reload_requests) = mpsc::channel(1); // one that waits is as good as many
        let mut daemon = Self {
            reload,
            handle,
            address: api.local_addr(),
            drain_timeout: config.limits.drain_timeout,
            sources_stop: CancellationToken::new(),
            edges_stop: CancellationToken::new(),
            tasks: JoinSet::new(),
            edges: JoinSet::new(),
            workers,
            engine: Some(engine),
            engine_stop: Some(engine_stop),
        };
        daemon.start_sources(sources, &positions, &handover);
        daemon.edges.spawn(api.serve(daemon.edges_stop.clone()));
        daemon.edges.spawn(reloader.run(reload_requests, daemon.edges_stop.clone()));
        daemon.edges.spawn(recorder.upkeep(daemon.edges_stop.clone()));
        daemon.edges.spawn(dispatch::run(
            sinks,
            config.dispatch.clone(),
            reader,
            cursors,
            daemon.edges_stop.clone(),
        ));
        Ok(daemon)
    }

    fn start_sources(
        &mut self,
        sources: Vec<Source>,
        positions: &[(Arc<str>, Position)],
        handover: &Handover,
    ) {
        for source in sources {
            let name = Arc::clone(source.status().name());
            let start = positions.iter().find(|(known, _)| *known == name).map(|(_, position)| *position);
            let run = source.run(start, handover.clone(), self.sources_stop.clone());
            self.tasks.spawn(async move {
                let name = name.to_string();
                run.await.map_err(|error| DaemonError::Source { name, error })
            });
        }
        let (handover, stop) = (handover.clone(), self.sources_stop.clone());
        self.tasks.spawn(async move {
            stop.run_until_cancelled(pulse(handover)).await;
            Ok(())
        });
    }

    /// What the API and the demo see.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What reads the rules again, at once, for each message.
    #[must_use]
    pub fn rules_reloader(&self) -> mpsc::Sender<()> {
        self.reload.clone()
    }

    /// Where the API listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs until `shutdown`, then drains and stops.
    ///
    /// # Errors
    /// When the engine ends early, or the drain is not clean. A source that cannot go on is logged, and the rest
    /// goes on without it.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), DaemonError> {
        let mut looks = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(ended) = self.tasks.join_next() => log_ended(ended),
                _ = looks.tick() => if self.has_dead_thread() { break },
            }
        }
        self.stop().await
    }

    /// Threads outlive the sources' end: one that has ended while we run has died. Files may end, and workers with
    /// them, only when every source has.
    #[must_use]
    pub fn has_dead_thread(&self) -> bool {
        let sources_ended = self.tasks.is_empty();
        self.engine.iter().any(JoinHandle::is_finished)
            || (!sources_ended && self.workers.iter().any(JoinHandle::is_finished))
    }

    /// Stops taking in, runs the line dry, and ends everything.
    ///
    /// # Errors
    /// When something could not be stored, or took too long.
    pub async fn stop(mut self) -> Result<(), DaemonError> {
        let deadline = tokio::time::Instant::now() + self.drain_timeout;
        self.sources_stop.cancel();
        while let Ok(Some(ended)) = tokio::time::timeout_at(deadline, self.tasks.join_next()).await {
            log_ended(ended);
        }
        self.tasks.abort_all();
        drop(self.engine_stop.take());
        let threads = (std::mem::take(&mut self.workers), self.engine.take());
        let joined = tokio::task::spawn_blocking(move || join(threads.0, threads.1));
        let drained = tokio::time::timeout_at(deadline + Duration::from_secs(5), joined).await;
        self.edges_stop.cancel();
        let _ = tokio::time::timeout(self.drain_timeout, async {
            while self.edges.join_next().await.is_some() {}
        })
        .await;
        match drained {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(DaemonError::Died("the engine")),
            Err(_) => Err(DaemonError::DrainTimeout(self.drain_timeout)),
        }
    }
}

type EngineThread = JoinHandle<Result<(), StoreError>>;

/// The engine's thread, and what ends it when it is dropped.
fn spawn_engine(parts: EngineParts, inbox: Inbox) -> Result<(EngineThread, Sender<()>), DaemonError> {
    let (stop, stopped) = bounded::<()>(0);
    let thread = std::thread::Builder::new().name("engine".to_owned());
    let engine = thread.spawn(move || Engine::new(parts, stopped).run(inbox));
    Ok((engine.map_err(|_| DaemonError::Died("the engine"))?, stop))
}

fn join(workers: Vec<JoinHandle<()>>, engine: Option<EngineThread>) -> Result<(), DaemonError> {
    // The engine's last commit comes first, whatever happened to a worker.
    let dead = workers.into_iter().map(JoinHandle::join).filter(Result::is_err).count();
    if let Some(engine) = engine {
        engine.join().map_err(|_| DaemonError::Died("the engine"))?.map_err(ended_by)?;
    }
    if dead > 0 { Err(DaemonError::Died("a worker")) } else { Ok(()) }
}

/// What ended the engine: a store that is damaged needs a person, one that took nothing in time does not.
fn ended_by(error: StoreError) -> DaemonError {
    let reason = match error {
        StoreError::Full => "its disk is full".to_owned(),
        StoreError::Busy(said) => format!("another connection has the store locked ({said})"),
        StoreError::Io(said) => said,
        final_error => return DaemonError::Store(final_error),
    };
    DaemonError::Unstored { reason }
}

fn log_ended(ended: Result<Result<(), DaemonError>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "source stopped for good"),
        Err(error) => tracing::error!(%error, "source task died"),
    }
}

fn new_source(config: &crate::sources::Config) -> Result<Source, DaemonError> {
    let name = config.name().to_owned();
    Source::new(config.clone()).map_err(|error| DaemonError::Source { name, error })
}

type Prepared = (Reader, Vec<(Arc<str>, Position)>, EngineParts);

/// Reads back what the last run left, and gives it to the triage.
fn prepare(
    config: &Config,
    store: Store,
    status: &Arc<Status>,
    rules: &RulesInForce,
    sources: &[Source],
    influence_seed: u64,
) -> Result<Prepared, DaemonError> {
    let (clock, leap) = Clock::resume(&store.clock()?);
    let (now, keys) = (clock.now(), store.keys()?);
    let recovered = Recovered { leap, ..store.recover(now.steady)? };
    let mut triage = Triage::new(triage::Config { influence_seed, keys, ..config.triage() });
    triage.restore(&recovered, now);
    let reader = store.reader();
    let mut writer: Writer = store.into_writer();
    writer.set_boot(clock::boot(), now.steady);
    writer.save_clock(now)?;
    status.watch_clock(clock.clone());
    let names: Vec<Arc<str>> = config.sink.iter().map(|sink| Arc::from(sink.name())).collect();
    writer.set_sinks(&names)?;
    let engine = EngineParts {
        triage,
        changes: watch::Sender::new(writer.newest_change()),
        writer,
        clock,
        status: Arc::clone(status),
        rules: rules.clone(),
        sources: statuses(sources),
        group_items_max: config.limits.group_items_max,
        drain_timeout: config.limits.drain_timeout,
    };
    Ok((reader, recovered.positions, engine))
}

async fn pulse(handover: Handover) {
    let mut every = tokio::time::interval(PULSE_EVERY);
    loop {
        every.tick().await;
        let room = handover.reserve(0).await;
        if handover.send(room, Batch::heartbeat()).is_err() {
            return;
        }
    }
}

fn report(source: &crate::sources::SourceStatus) -> SourceStatus {
    let report = source.report();
    SourceStatus {
        name: report.name.to_string(),
        kind: report.kind.to_string(),
        connected: report.connected,
        retrying: report.retrying,
        ended: report.ended,
        endpoint: Some(report.host.to_string()).filter(|host| !host.is_empty()),
        last_event_at: report.last_event_at,
        lag_seconds: report.lag_seconds,
        refused: report.refused.map(|reason| reason.to_string()),
        allowed_silence_seconds: report.allowed_silence_seconds,
        coverage_seconds: report.coverage_seconds,
        elapsed_seconds: report.elapsed_seconds,
        gaps: report.gaps,
        reconnects: report.reconnects,
    }
}

/// Renders the metrics, as they stand at that moment.
fn rendering(recorder: Recorder, sources: &[Source]) -> impl Fn() -> String + Send + Sync + use<> {
    let sources = statuses(sources);
    move || {
        sources.iter().for_each(|source| source.refresh_metrics());
        recorder.render()
    }
}

fn statuses(sources: &[Source]) -> Vec<Arc<crate::sources::SourceStatus>> {
    sources.iter().map(|source| Arc::clone(source.status())).collect()
}

fn report_sources(status: &Status, sources: &[Source]) {
    let sources = statuses(sources);
    status.report_sources(move || sources.iter().map(|source| report(source)).collect());
}

fn report_sinks(status: &Status, reader: &Reader, config: &Config) {
    let kinds: Vec<(String, &'static str)> =
        config.sink.iter().map(|sink| (sink.name().to_owned(), sink.kind())).collect();
    let reader = reader.clone();
    status.report_sinks(move || {
        let Ok(counts) = reader.sink_counts() else { return Vec::new() };
        kinds.iter().map(|(name, kind)| sink_status(name, kind, &counts)).collect()
    });
}

fn sink_status(name: &str, kind: &str, counts: &[crate::store::SinkCounts]) -> SinkStatus {
    let lanes =
        counts.iter().find(|counts| &*counts.sink == name).map(|counts| counts.lanes).unwrap_or_default();
    let sum = |count: fn(&crate::store::SinkLaneCounts) -> u64| lanes.iter().map(count).sum();
    SinkStatus {
        name: name.to_owned(),
        kind: kind.to_owned(),
        pending: sum(|lane| lane.pending),
        delivered: sum(|lane| lane.delivered),
        dead_lettered: sum(|lane| lane.dead),
    }
}

/// The read side of the store, as the API wants it.
struct QueueReader {
    reader: Reader,
    /// Those that work can be sent to; the store may have items of others, from before.
    rules: RulesInForce,
}

impl QueueReader {
    /// A name that nobody has is a mistake; silence would look like an empty queue.
    fn check_team(&self, team: &str) -> Result<(), QueueError> {
        let of_store = self.stats()?.teams.into_iter().map(|stats| Arc::from(stats.team));
        let known: BTreeSet<Arc<str>> = of_store.chain(self.rules.load().teams.iter().cloned()).collect();
        if known.contains(team) {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(|team| &**team).collect();
        Err(QueueError::Invalid(format!("no team {team:?}; there are {}", known.join(", "))))
    }
}

fn unavailable(error: StoreError) -> QueueError {
    QueueError::Unavailable(error.to_string())
}

impl ReadQueue for QueueReader {
    fn list(&self, filter: &ItemFilter) -> Result<ItemPage, QueueError> {
        if filter.after.as_deref().is_some_and(|after| !store::is_place(after)) {
            return Err(QueueError::Invalid("`after` is not what a page gave as its `next`".to_owned()));
        }
        let page = self.reader.list(filter, wall_clock()).map_err(unavailable)?;
        if let Some(team) = filter.team.as_deref().filter(|_| page.items.is_empty()) {
            self.check_team(team)?;
        }
        Ok(page)
    }

    fn show(&self, id: ItemId) -> Result<ItemRecord, QueueError> {
        self.reader.show(id, wall_clock()).map_err(unavailable)?.ok_or(QueueError::NotFound(id))
    }

    fn stats(&self) -> Result<QueueStats, QueueError> {
        self.reader.stats(wall_clock()).map_err(unavailable)
    }

    fn changes(&self, filter: &ChangeFilter) -> Result<ChangePage, QueueError> {
        if let Some(team) = filter.team.as_deref().filter(|team| !self.rules.load().teams.contains(*team)) {
            self.check_team(team)?;
        }
        self.reader.changes(filter).map_err(unavailable)
    }
}
