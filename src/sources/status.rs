//! What a source tells about itself: one struct of atomics per source, read by status, health and metrics.
//!
//! Written per read, per batch or per connection, never per frame.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge};
use serde::Serialize;
use tokio::time::Instant;

use super::coverage::Coverage;
use crate::clock::wall_clock;
use crate::model::Timestamp;
use crate::model::metric::Metric;

/// Frames read from the source and handed over.
pub const FRAMES: &str = "birddog_source_frames_total";
/// Bytes of those frames.
pub const BYTES: &str = "birddog_source_read_bytes_total";
/// Frames that the source itself refused.
pub const REJECTED: &str = "birddog_source_rejected_total";
/// 1 while connected and not silent for longer than allowed.
pub const CONNECTED: &str = "birddog_source_connected";
/// Attempts to connect after the first.
pub const RECONNECTS: &str = "birddog_source_reconnects_total";
/// Gaps found after a reconnect.
pub const GAPS: &str = "birddog_source_gaps_total";
/// Length of the last gap.
pub const GAP_SECONDS: &str = "birddog_source_gap_seconds";
/// Now minus the time of the last event; not there before the first.
pub const LAG_SECONDS: &str = "birddog_source_lag_seconds";
/// Time of the last event; not there before the first.
pub const LAST_EVENT: &str = "birddog_source_last_event_timestamp_seconds";
/// Connections closed because the workers could not keep up.
pub const BACKPRESSURE_CLOSES: &str = "birddog_source_backpressure_closes_total";
/// Seconds in which the source was listening.
pub const COVERAGE_SECONDS: &str = "birddog_source_coverage_seconds_total";
/// Seconds that passed since the source was set up, until it ends.
pub const ELAPSED_SECONDS: &str = "birddog_source_elapsed_seconds_total";

/// What this file emits.
pub const METRICS: &[Metric] = &[
    Metric::counter(FRAMES, "Frames read from the source and handed over to the workers.", &["source"]),
    Metric::counter(BYTES, "Bytes of the frames handed over to the workers.", &["source"]),
    Metric::counter(REJECTED, "Frames that the source refused before the workers.", &["source", "reason"]),
    Metric::gauge(
        CONNECTED,
        "1 while the source is connected and silent no longer than allowed, else 0.",
        &["source"],
    ),
    Metric::counter(RECONNECTS, "Attempts to connect after the first.", &["source"]),
    Metric::counter(GAPS, "Gaps found in the stream after a reconnect.", &["source"]),
    Metric::gauge(GAP_SECONDS, "Length of the last gap, by the events' own time.", &["source"]),
    Metric::gauge(
        LAG_SECONDS,
        "Now minus the last event's own time: grows while nothing comes, absent before the first event.",
        &["source"],
    ),
    Metric::gauge(
        LAST_EVENT,
        "The last event's own time, in seconds since the epoch; absent before the first event.",
        &["source"],
    ),
    Metric::counter(
        BACKPRESSURE_CLOSES,
        "Connections closed because the workers had no room for too long.",
        &["source"],
    ),
    Metric::counter(
        COVERAGE_SECONDS,
        "Seconds in which the source was connected and silent no longer than allowed.",
        &["source"],
    ),
    Metric::counter(ELAPSED_SECONDS, "Seconds that passed since the source was set up.", &["source"]),
];

/// Why a source refuses a frame before any worker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Over `frame_bytes_max`.
    TooLarge,
    /// A binary message where the protocol speaks text.
    Binary,
}

impl Refusal {
    /// All reasons.
    pub const ALL: [Self; 2] = [Self::TooLarge, Self::Binary];

    /// The metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Binary => "binary",
        }
    }
}

/// One source, as it stands. Share it behind an `Arc`; every method takes `&self` and never blocks for long.
#[derive(Debug)]
pub struct SourceStatus {
    name: Arc<str>,
    kind: &'static str,
    connected: AtomicBool,
    retrying: AtomicBool,
    ended: AtomicBool,
    host: Mutex<Arc<str>>,
    last_event_us: AtomicI64,
    last_frame_us: AtomicI64,
    allowed_silence_us: AtomicU64,
    refused: Mutex<Option<Arc<str>>>,
    coverage: Coverage,
    frames: AtomicU64,
    bytes: AtomicU64,
    rejected: [AtomicU64; Refusal::ALL.len()],
    reconnects: AtomicU64,
    gaps: AtomicU64,
    gap_us: AtomicU64,
    backpressure_closes: AtomicU64,
    handles: Handles,
}

#[derive(Debug)]
struct Handles {
    frames: Counter,
    bytes: Counter,
    rejected: [Counter; Refusal::ALL.len()],
    connected: Gauge,
    reconnects: Counter,
    gaps: Counter,
    gap_seconds: Gauge,
    /// Made with the first event: a source that never read an event has no lag.
    events: OnceLock<EventGauges>,
    backpressure_closes: Counter,
    coverage_seconds: Counter,
    elapsed_seconds: Counter,
}

#[derive(Debug)]
struct EventGauges {
    lag_seconds: Gauge,
    last_event: Gauge,
}

impl EventGauges {
    fn new(name: &str) -> Self {
        let gauge = |metric: &'static str| metrics::gauge!(metric, "source" => name.to_owned());
        Self { lag_seconds: gauge(LAG_SECONDS), last_event: gauge(LAST_EVENT) }
    }
}

impl Handles {
    fn new(name: &str) -> Self {
        let counter = |metric: &'static str| metrics::counter!(metric, "source" => name.to_owned());
        let gauge = |metric: &'static str| metrics::gauge!(metric, "source" => name.to_owned());
        Self {
            frames: counter(FRAMES),
            bytes: counter(BYTES),
            rejected: Refusal::ALL
                .map(|r| metrics::counter!(REJECTED, "source" => name.to_owned(), "reason" => r.as_str())),
            connected: gauge(CONNECTED),
            reconnects: counter(RECONNECTS),
            gaps: counter(GAPS),
            gap_seconds: gauge(GAP_SECONDS),
            events: OnceLock::new(),
            backpressure_closes: counter(BACKPRESSURE_CLOSES),
            coverage_seconds: counter(COVERAGE_SECONDS),
            elapsed_seconds: counter(ELAPSED_SECONDS),
        }
    }
}

/// A copy of [`SourceStatus`] at one moment, as shown under `/status`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceReport {
    /// Configured name.
    pub name: Arc<str>,
    /// `jetstream`, `file`.
    pub kind: &'static str,
    /// A connection stands and is not silent for longer than allowed, or the file is open.
    pub connected: bool,
    /// Waiting for the next attempt.
    pub retrying: bool,
    /// The source has come to its end and will send no more.
    pub ended: bool,
    /// What the last server said, while every one of them calls the request wrong. Still retried, slowly.
    pub refused: Option<Arc<str>>,
    /// The address or path in use.
    pub host: Arc<str>,
    /// The last event's own time.
    pub last_event_at: Option<Timestamp>,
    /// When the last frame was read.
    pub last_frame_received_at: Option<Timestamp>,
    /// Now minus the last event's own time, in seconds; `None` before the first event.
    pub lag_seconds: Option<f64>,
    /// How long the connection may be silent now, in seconds; `None` for what cannot fall silent.
    pub allowed_silence_seconds: Option<f64>,
    /// Seconds in which the source was listening.
    pub coverage_seconds: f64,
    /// Seconds that passed since it was set up, until it ended.
    pub elapsed_seconds: f64,
    /// Frames handed over.
    pub frames: u64,
    /// Bytes handed over.
    pub bytes: u64,
    /// Frames refused by the source, of any reason.
    pub rejected: u64,
    /// Attempts to connect after the first.
    pub reconnects: u64,
    /// Gaps found.
    pub gaps: u64,
    /// Length of all gaps together, in seconds.
    pub gap_seconds: f64,
    /// Connections closed because the workers had no room.
    pub backpressure_closes: u64,
}

impl SourceStatus {
    /// Makes the status and its metric handles: install the metrics recorder first.
    #[must_use]
    pub fn new(name: Arc<str>, kind: &'static str) -> Self {
        Self {
            kind,
            connected: AtomicBool::new(false),
            retrying: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            host: Mutex::new(Arc::from("")),
            last_event_us: AtomicI64::new(0),
            last_frame_us: AtomicI64::new(0),
            allowed_silence_us: AtomicU64::new(0),
            refused: Mutex::new(None),
            coverage: Coverage::new(Instant::now()),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            rejected: [const { AtomicU64::new(0) }; Refusal::ALL.len()],
            reconnects: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            gap_us: AtomicU64::new(0),
            backpressure_closes: AtomicU64::new(0),
            handles: Handles::new(&name),
            name,
        }
    }

    /// The configured name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// True once the source sends no more.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// Frames refused so far for one reason. They were received, and no batch holds them:
    /// conservation adds them to both sides.
    #[must_use]
    pub fn rejected(&self, reason: Refusal) -> u64 {
        self.rejected[reason as usize].load(Relaxed)
    }

    /// Frames refused so far, of any reason.
    #[must_use]
    pub fn rejected_total(&self) -> u64 {
        Refusal::ALL.into_iter().map(|reason| self.rejected(reason)).sum()
    }

    /// Everything, at this moment.
    #[must_use]
    pub fn report(&self) -> SourceReport {
        let (covered, elapsed) = self.coverage.at(Instant::now());
        let allowed_silence = Some(self.allowed_silence_us.load(Relaxed)).filter(|micros| *micros > 0);
        SourceReport {
            name: Arc::clone(&self.name),
            kind: self.kind,
            connected: self.connected.load(Relaxed),
            retrying: self.retrying.load(Relaxed),
            ended: self.is_ended(),
            refused: self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            host: Arc::clone(&self.host.lock().unwrap_or_else(PoisonError::into_inner)),
            last_event_at: time(&self.last_event_us),
            last_frame_received_at: time(&self.last_frame_us),
            lag_seconds: self.lag_seconds(),
            allowed_silence_seconds: allowed_silence.map(|micros| micros as f64 / 1e6),
            coverage_seconds: covered.as_secs_f64(),
            elapsed_seconds: elapsed.as_secs_f64(),
            frames: self.frames.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            rejected: self.rejected_total(),
            reconnects: self.reconnects.load(Relaxed),
            gaps: self.gaps.load(Relaxed),
            gap_seconds: self.gap_us.load(Relaxed) as f64 / 1e6,
            backpressure_closes: self.backpressure_closes.load(Relaxed),
        }
    }

    /// Brings the metrics up to date that change while nothing happens; called before each rendering.
    pub fn refresh_metrics(&self) {
        if let (Some(gauges), Some(lag)) = (self.handles.events.get(), self.lag_seconds()) {
            gauges.lag_seconds.set(lag);
        }
        let (covered, elapsed) = self.coverage.at(Instant::now());
        self.handles.coverage_seconds.absolute(covered.as_secs());
        self.handles.elapsed_seconds.absolute(elapsed.as_secs());
    }

    fn lag_seconds(&self) -> Option<f64> {
        let event_at = time(&self.last_event_us)?;
        Some((wall_clock().as_micros() - event_at.as_micros()) as f64 / 1e6)
    }

    pub(super) fn connecting(&self, host: &str, first: bool) {
        *self.host.lock().unwrap_or_else(PoisonError::into_inner) = Arc::from(host);
        self.retrying.store(true, Relaxed);
        if !first {
            self.reconnects.fetch_add(1, Relaxed);
            self.handles.reconnects.increment(1);
        }
    }

    pub(super) fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Relaxed);
        self.retrying.store(!connected, Relaxed);
        if connected {
            self.set_refused(None);
        }
        self.coverage.set_connected(connected, Instant::now());
        self.handles.connected.set(if connected { 1.0 } else { 0.0 });
    }

    pub(super) fn set_ended(&self) {
        self.set_connected(false);
        self.retrying.store(false, Relaxed);
        self.ended.store(true, Relaxed);
        self.coverage.end(Instant::now());
    }

    /// Says that every server refuses, with the words of the last one, or that not every one does.
    pub(super) fn set_refused(&self, reason: Option<&str>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = reason.map(Arc::from);
    }

    pub(super) fn set_allowed_silence(&self, allowed: Duration) {
        let micros = u64::try_from(allowed.as_micros()).unwrap_or(u64::MAX);
        self.allowed_silence_us.store(micros, Relaxed);
    }

    pub(super) fn batch_sealed(&self, frames: usize, bytes: usize, received_at: Timestamp) {
        self.frames.fetch_add(frames as u64, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.last_frame_us.store(received_at.as_micros(), Relaxed);
        self.handles.frames.increment(frames as u64);
        self.handles.bytes.increment(bytes as u64);
    }

    pub(super) fn event_seen(&self, event_at: Timestamp) {
        self.last_event_us.store(event_at.as_micros(), Relaxed);
        let gauges = self.handles.events.get_or_init(|| EventGauges::new(&self.name));
        gauges.last_event.set(event_at.as_micros() as f64 / 1e6);
    }

    pub(super) fn refused(&self, reason: Refusal) {
        self.rejected[reason as usize].fetch_add(1, Relaxed);
        self.handles.rejected[reason as usize].increment(1);
    }

    pub(super) fn gap_found(&self, gap: Duration) {
        self.gaps.fetch_add(1, Relaxed);
        self.gap_us.fetch_add(u64::try_from(gap.as_micros()).unwrap_or(u64::MAX), Relaxed);
        self.handles.gaps.increment(1);
        self.handles.gap_seconds.set(gap.as_secs_f64());
    }

    pub(super) fn closed_for_backpressure(&self) {
        self.backpressure_closes.fetch_add(1, Relaxed);
        self.handles.backpressure_closes.increment(1);
    }
}

/// A time that was set, or `None`.
fn time(micros: &AtomicI64) -> Option<Timestamp> {
    Some(micros.load(Relaxed)).filter(|micros| *micros != 0).map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_shows_what_was_written() {
        let status = SourceStatus::new(Arc::from("bluesky"), "jetstream");
        status.connecting("ws://a", true);
        status.connecting("ws://b", false);
        status.set_connected(true);
        status.batch_sealed(3, 300, Timestamp::from_micros(9));
        status.refused(Refusal::TooLarge);
        status.gap_found(Duration::from_millis(1_500));
        let report = status.report();
        assert_eq!((&*report.host, report.reconnects, report.connected), ("ws://b", 1, true));
        assert_eq!((report.frames, report.bytes, report.rejected), (3, 300, 1));
        assert!((report.gap_seconds - 1.5).abs() < 1e-9);
        assert_eq!(report.last_event_at, None);
    }

    #[test]
    fn lag_grows_while_nothing_comes_and_is_not_there_before_the_first_event() {
        let status = SourceStatus::new(Arc::from("bluesky"), "jetstream");
        status.set_connected(true);
        assert_eq!(status.report().lag_seconds, None);
        status.event_seen(wall_clock() - Duration::from_secs(90));
        let first = status.report().lag_seconds.unwrap();
        assert!((90.0..100.0).contains(&first), "{first}");
        while status.report().lag_seconds.unwrap() == first {
            std::thread::yield_now();
        }
        assert!(status.report().lag_seconds.unwrap() > first);
    }

    #[test]
    fn a_source_that_never_read_an_event_has_no_lag_among_its_metrics() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let status = SourceStatus::new(Arc::from("bluesky"), "jetstream");
            status.set_connected(true);
            status.refresh_metrics();
            let before = handle.render();
            assert!(!before.contains(LAG_SECONDS) && !before.contains(LAST_EVENT), "{before}");
            assert!(before.contains(COVERAGE_SECONDS) && before.contains(ELAPSED_SECONDS), "{before}");
            status.event_seen(wall_clock() - Duration::from_secs(90));
            status.refresh_metrics();
        });
        let text = handle.render();
        let lag = text
            .lines()
            .find_map(|line| line.strip_prefix("birddog_source_lag_seconds{source=\"bluesky\"} "));
        assert!(lag.unwrap().parse::<f64>().unwrap() >= 90.0, "{text}");
    }

    #[test]
    fn a_refusal_by_all_is_shown_until_a_server_accepts() {
        let status = SourceStatus::new(Arc::from("bluesky"), "jetstream");
        status.connecting("ws://a", true);
        status.set_refused(Some("HTTP 400: no"));
        assert_eq!(status.report().refused.as_deref(), Some("HTTP 400: no"));
        status.set_connected(true);
        assert_eq!(status.report().refused, None);
    }

    #[test]
    fn an_ended_source_is_neither_connected_nor_retrying() {
        let status = SourceStatus::new(Arc::from("file"), "file");
        status.set_connected(true);
        status.set_ended();
        let report = status.report();
        assert!(!report.connected && !report.retrying && report.ended);
    }
}
