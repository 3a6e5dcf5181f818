//! What the parts report about themselves, and the two questions asked of it: alive? ready?
//!
//! Parts write with atomics and swaps, so reporting never blocks the flow. Liveness looks only at our own
//! loops, never at a source or a sink: a sink's outage must not become a restart loop. Readiness asks for a
//! writable store, loaded rules, and a source that is connected or trying.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use dashmap::DashMap;
use metrics::{Gauge, gauge};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::model::metric::Metric;
use crate::model::{ReplyStatus, RulesReport, RulesStatus, Timestamp};

/// Seconds since a loop of ours last ticked.
pub const HEARTBEAT_AGE: &str = "birddog_heartbeat_age_seconds";
/// 1 while every loop ticks.
pub const LIVE: &str = "birddog_live";
/// 1 while new work can be taken in.
pub const READY: &str = "birddog_ready";

/// How far the wall clock stands from where it should.
pub const CLOCK_LEAP: &str = "birddog_clock_leap_seconds";

/// The metrics of this part.
pub const METRICS: &[Metric] = &[
    Metric::gauge(HEARTBEAT_AGE, "Seconds since a loop of ours last ticked.", &["loop"]),
    Metric::gauge(LIVE, "1 while every loop ticks, 0 otherwise; what /livez answers.", &[]),
    Metric::gauge(
        CLOCK_LEAP,
        "How far the wall clock stands ahead of where it should (below 0: behind), until a person accepts it.",
        &[],
    ),
    Metric::gauge(READY, "1 while new work can be taken in, 0 otherwise; what /readyz answers.", &[]),
];

/// A loop that has not ticked for this long counts as stuck.
pub const HEARTBEAT_AGE_MAX: Duration = Duration::from_secs(30);

/// Ticked by a loop each time round, and at least once a second while it has nothing to do.
pub struct Heartbeat {
    base: Instant,
    last_millis: AtomicU64,
    age: Gauge,
}

impl Heartbeat {
    fn new(name: &str) -> Self {
        let age = gauge!(HEARTBEAT_AGE, "loop" => name.to_owned());
        Self { base: Instant::now(), last_millis: AtomicU64::new(0), age }
    }

    /// Says that the loop is alive.
    pub fn tick(&self) {
        let millis = u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    /// Time from the last tick (or the registration) to `now`.
    #[must_use]
    pub fn age_at(&self, now: Instant) -> Duration {
        let last = self.base + Duration::from_millis(self.last_millis.load(Ordering::Relaxed));
        now.saturating_duration_since(last)
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Heartbeat({:?} ago)", self.age_at(Instant::now()))
    }
}

/// One source, as shown to operators.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceStatus {
    /// The configured name.
    pub name: String,
    /// `jetstream`, `file` …
    pub kind: String,
    /// Frames can arrive now, and the silence since the last one is no longer than allowed.
    pub connected: bool,
    /// Waiting to connect again.
    pub retrying: bool,
    /// What the last server said, while every one of them calls the request wrong. Still retried, slowly.
    pub refused: Option<String>,
    /// Read to its end (a file); it will not come back.
    pub ended: bool,
    /// The host or file now in use, without credentials.
    pub endpoint: Option<String>,
    /// The time that the last event carries.
    pub last_event_at: Option<Timestamp>,
    /// Now minus the time that the last event carries, in seconds: it grows while nothing comes.
    pub lag_seconds: Option<f64>,
    /// How long the connection may be silent before it is given up, in seconds.
    pub allowed_silence_seconds: Option<f64>,
    /// Seconds in which the source was connected.
    pub coverage_seconds: f64,
    /// Seconds that passed since it was set up, until it ended.
    pub elapsed_seconds: f64,
    /// Gaps in the stream since the start.
    pub gaps: u64,
    /// Connections after the first.
    pub reconnects: u64,
}

impl SourceStatus {
    /// Returns true while connected or about to be: a retry that every server refuses brings nothing.
    fn is_reachable(&self) -> bool {
        self.connected || (self.retrying && self.refused.is_none())
    }
}

/// One external sink, as shown to operators. Never asked for liveness or readiness.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// The configured name.
    pub name: String,
    /// `nats` …
    pub kind: String,
    /// Announcements waiting in the outbox.
    pub pending: u64,
    /// Announcements delivered since the start.
    pub delivered: u64,
    /// Announcements given up since the start.
    pub dead_lettered: u64,
}

/// The clocks, as shown to operators.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClockStatus {
    /// How far the wall clock stands ahead of where it should, in seconds; below zero when it is behind. Time that went by
    /// during a reboot counts, too, since nothing vouches for it.
    pub leap_seconds: f64,
    /// Time that has certainly passed since the store was made, in seconds. What is kept for a span of time goes by this.
    pub steady_seconds: f64,
}

/// One loop of ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoopStatus {
    /// `engine`, `worker-0` …
    pub name: String,
    /// Seconds since its last tick.
    pub age_seconds: f64,
}

/// The answer to "alive?" or "ready?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Yes or no.
    pub ok: bool,
    /// Every reason for the no.
    pub reasons: Vec<String>,
}

impl Health {
    fn of(reasons: Vec<String>) -> Self {
        Self { ok: reasons.is_empty(), reasons }
    }
}

/// Everything that `/status` shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields of Status, in their JSON form")]
pub struct StatusReport {
    pub version: String,
    pub uptime_seconds: u64,
    pub live: Health,
    pub ready: Health,
    pub store_writable: bool,
    #[serde(default)]
    pub clock: ClockStatus,
    pub rules: RulesStatus,
    pub rules_report: RulesReport,
    pub sources: Vec<SourceStatus>,
    pub sinks: Vec<SinkStatus>,
    pub loops: Vec<LoopStatus>,
    pub reply: ReplyStatus,
}

type Report<T> = Box<dyn Fn() -> T + Send + Sync>;

/// The daemon's notice board: parts pin their state here, the API reads it.
pub struct Status {
    started: Instant,
    loops: DashMap<String, Arc<Heartbeat>>,
    store_writable: AtomicBool,
    rules: OnceLock<Report<RulesStatus>>,
    rules_report: ArcSwap<RulesReport>,
    reply: ArcSwap<ReplyStatus>,
    sources: OnceLock<Report<Vec<SourceStatus>>>,
    sinks: OnceLock<Report<Vec<SinkStatus>>>,
    clock: OnceLock<Clock>,
    clock_leap: Gauge,
    live: Gauge,
    ready: Gauge,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            loops: DashMap::new(),
            store_writable: AtomicBool::new(false),
            rules: OnceLock::new(),
            rules_report: ArcSwap::default(),
            reply: ArcSwap::default(),
            sources: OnceLock::new(),
            sinks: OnceLock::new(),
            clock: OnceLock::new(),
            clock_leap: gauge!(CLOCK_LEAP),
            live: gauge!(LIVE),
            ready: gauge!(READY),
        }
    }
}

impl Status {
    /// Starts watching a loop; `name` is a metric label (`engine`, `worker-0`), so take it from code.
    pub fn register_loop(&self, name: &str) -> Arc<Heartbeat> {
        let heartbeat = Arc::new(Heartbeat::new(name));
        self.loops.insert(name.to_owned(), Arc::clone(&heartbeat));
        heartbeat
    }

    /// Stops watching a loop that has ended as it should.
    pub fn retire_loop(&self, name: &str) {
        self.loops.remove(name);
    }

    /// Says how to ask the sources. The first call counts.
    pub fn report_sources(&self, report: impl Fn() -> Vec<SourceStatus> + Send + Sync + 'static) {
        let _ = self.sources.set(Box::new(report));
    }

    /// Says how to ask the sinks; `report` may wait for the disk. The first call counts.
    pub fn report_sinks(&self, report: impl Fn() -> Vec<SinkStatus> + Send + Sync + 'static) {
        let _ = self.sinks.set(Box::new(report));
    }

    /// Says which clock to look at. The first call counts.
    pub fn watch_clock(&self, clock: Clock) {
        let _ = self.clock.set(clock);
    }

    /// Says whether the last commit worked.
    pub fn set_store_writable(&self, writable: bool) {
        self.store_writable.store(writable, Ordering::Relaxed);
    }

    /// Says how to ask for the rules in force. The first call counts.
    pub fn report_rules(&self, report: impl Fn() -> RulesStatus + Send + Sync + 'static) {
        let _ = self.rules.set(Box::new(report));
    }

    /// Publishes how the rules do.
    pub fn set_rules_report(&self, report: RulesReport) {
        self.rules_report.store(Arc::new(report));
    }

    /// Publishes the reply gate's state.
    pub fn set_reply(&self, reply: ReplyStatus) {
        self.reply.store(Arc::new(reply));
    }

    /// The rules in force; none before somebody has said how to ask.
    #[must_use]
    pub fn rules(&self) -> RulesStatus {
        self.rules.get().map(|report| report()).unwrap_or_default()
    }

    /// How the rules do.
    #[must_use]
    pub fn rules_report(&self) -> Arc<RulesReport> {
        self.rules_report.load_full()
    }

    /// The reply gate's state.
    #[must_use]
    pub fn reply(&self) -> Arc<ReplyStatus> {
        self.reply.load_full()
    }

    /// Whether our loops tick.
    #[must_use]
    pub fn live(&self) -> Health {
        self.live_at(Instant::now())
    }

    fn live_at(&self, now: Instant) -> Health {
        let stuck =
            self.loops_at(now).into_iter().filter(|l| l.age_seconds > HEARTBEAT_AGE_MAX.as_secs_f64());
        let reason =
            |l: LoopStatus| format!("the loop {:?} has not ticked for {:.0} s", l.name, l.age_seconds);
        Health::of(stuck.map(reason).collect())
    }

    /// Whether new work can be taken in.
    #[must_use]
    pub fn ready(&self) -> Health {
        let sources = self.sources();
        let hearing = sources.iter().any(SourceStatus::is_reachable);
        let conditions = [
            (self.store_writable.load(Ordering::Relaxed), "the store cannot be written"),
            (self.rules().count > 0, "no rules are loaded"),
            (hearing, "no source is connected or retrying, or every server refuses what is asked of it"),
        ];
        let unmet = conditions.into_iter().filter(|(met, _)| !met);
        Health::of(unmet.map(|(_, reason)| reason.to_owned()).collect())
    }

    /// Everything, for `/status`. Asks the sinks' report, which reads the store: not for async threads.
    #[must_use]
    pub fn report(&self) -> StatusReport {
        let now = Instant::now();
        StatusReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: now.duration_since(self.started).as_secs(),
            live: self.live_at(now),
            ready: self.ready(),
            store_writable: self.store_writable.load(Ordering::Relaxed),
            clock: self.clock(),
            rules: self.rules(),
            rules_report: RulesReport::clone(&self.rules_report.load()),
            sources: self.sources(),
            sinks: self.sinks.get().map(|report| report()).unwrap_or_default(),
            loops: self.loops_at(now),
            reply: ReplyStatus::clone(&self.reply.load()),
        }
    }

    /// Brings the gauges up to date; called before each rendering of the metrics.
    pub(super) fn refresh_metrics(&self) {
        let now = Instant::now();
        for entry in &self.loops {
            entry.age.set(entry.age_at(now).as_secs_f64());
        }
        self.clock_leap.set(self.clock().leap_seconds);
        self.live.set(f64::from(u8::from(self.live_at(now).ok)));
        self.ready.set(f64::from(u8::from(self.ready().ok)));
    }

    fn clock(&self) -> ClockStatus {
        self.clock.get().map_or_else(ClockStatus::default, |clock| ClockStatus {
            leap_seconds: clock.leap_micros() as f64 / 1e6,
            steady_seconds: clock.now().steady.as_micros() as f64 / 1e6,
        })
    }

    fn sources(&self) -> Vec<SourceStatus> {
        self.sources.get().map(|report| report()).unwrap_or_default()
    }

    fn loops_at(&self, now: Instant) -> Vec<LoopStatus> {
        let loops = self.loops.iter();
        let mut loops: Vec<_> = loops
            .map(|entry| LoopStatus {
                name: entry.key().clone(),
                age_seconds: entry.age_at(now).as_millis() as f64 / 1_000.0,
            })
            .collect();
        loops.sort_by(|a, b| a.name.cmp(&b.name));
        loops
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status").field("ready", &self.ready()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(connected: bool, retrying: bool) -> SourceStatus {
        SourceStatus { connected, retrying, ..SourceStatus::default() }
    }

    #[test]
    fn a_silent_loop_ends_liveness_and_is_named() {
        let status = Status::default();
        status.register_loop("engine").tick();
        assert!(status.live().ok);
        let later = status.live_at(Instant::now() + HEARTBEAT_AGE_MAX + Duration::from_secs(1));
        assert!(!later.ok);
        assert!(later.reasons[0].contains("\"engine\""));
    }

    #[test]
    fn a_retired_loop_is_not_missed() {
        let status = Status::default();
        status.register_loop("worker-0");
        status.retire_loop("worker-0");
        assert!(status.live_at(Instant::now() + HEARTBEAT_AGE_MAX * 2).ok);
    }

    #[test]
    fn readiness_names_everything_that_is_missing() {
        let status = Status::default();
        assert_eq!(status.ready().reasons.len(), 3);
        status.set_store_writable(true);
        status.report_rules(|| RulesStatus { count: 1, ..RulesStatus::default() });
        status.report_sources(|| vec![source(false, false), source(false, true)]);
        assert_eq!(status.ready(), Health { ok: true, reasons: vec![] });
        status.set_store_writable(false);
        assert_eq!(status.ready().reasons, ["the store cannot be written"]);
    }

    #[test]
    fn a_source_that_every_server_refuses_is_not_ready() {
        let status = Status::default();
        status.set_store_writable(true);
        status.report_rules(|| RulesStatus { count: 1, ..RulesStatus::default() });
        let refused = || SourceStatus { refused: Some("HTTP 400".to_owned()), ..source(false, true) };
        status.report_sources(move || vec![refused()]);
        assert_eq!(status.ready().reasons.len(), 1);
        assert!(status.live().ok);
    }

    #[test]
    fn liveness_does_not_look_at_sources_or_store() {
        let status = Status::default();
        status.report_sources(|| vec![source(false, false)]);
        assert!(status.live().ok);
    }
}
