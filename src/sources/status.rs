//! What a source tells about itself: one struct of atomics per source, read by status, health and metrics.
//!
//! Written per read, per batch or per connection, never per frame.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge};
use serde::Serialize;

use crate::model::Timestamp;
use crate::model::metric::Metric;

/// Frames read from the source and handed over.
pub const FRAMES: &str = "birddog_source_frames_total";
/// Bytes of those frames.
pub const BYTES: &str = "birddog_source_read_bytes_total";
/// Frames that the source itself refused.
pub const REJECTED: &str = "birddog_source_rejected_total";
/// 1 while connected.
pub const CONNECTED: &str = "birddog_source_connected";
/// Attempts to connect after the first.
pub const RECONNECTS: &str = "birddog_source_reconnects_total";
/// Gaps found after a reconnect.
pub const GAPS: &str = "birddog_source_gaps_total";
/// Length of the last gap.
pub const GAP_SECONDS: &str = "birddog_source_gap_seconds";
/// Now minus the time of the last event.
pub const LAG_SECONDS: &str = "birddog_source_lag_seconds";
/// Time of the last event.
pub const LAST_EVENT: &str = "birddog_source_last_event_timestamp_seconds";
/// Connections closed because the workers could not keep up.
pub const BACKPRESSURE_CLOSES: &str = "birddog_source_backpressure_closes_total";

/// What this file emits.
pub const METRICS: &[Metric] = &[
    Metric::counter(FRAMES, "Frames read from the source and handed over to the workers.", &["source"]),
    Metric::counter(BYTES, "Bytes of the frames handed over to the workers.", &["source"]),
    Metric::counter(REJECTED, "Frames that the source refused before the workers.", &["source", "reason"]),
    Metric::gauge(CONNECTED, "1 while the source is connected, else 0.", &["source"]),
    Metric::counter(RECONNECTS, "Attempts to connect after the first.", &["source"]),
    Metric::counter(GAPS, "Gaps found in the stream after a reconnect.", &["source"]),
    Metric::gauge(GAP_SECONDS, "Length of the last gap, by the events' own time.", &["source"]),
    Metric::gauge(LAG_SECONDS, "How far the last event lay behind our clock when it was read.", &["source"]),
    Metric::gauge(LAST_EVENT, "The last event's own time, in seconds since the epoch.", &["source"]),
    Metric::counter(
        BACKPRESSURE_CLOSES,
        "Connections closed because the workers had no room for too long.",
        &["source"],
    ),
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
    lag_us: AtomicI64,
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
    lag_seconds: Gauge,
    last_event: Gauge,
    backpressure_closes: Counter,
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
            lag_seconds: gauge(LAG_SECONDS),
            last_event: gauge(LAST_EVENT),
            backpressure_closes: counter(BACKPRESSURE_CLOSES),
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
    /// A connection stands, or the file is open.
    pub connected: bool,
    /// Waiting for the next attempt.
    pub retrying: bool,
    /// The source has come to its end and will send no more.
    pub ended: bool,
    /// The address or path in use.
    pub host: Arc<str>,
    /// The last event's own time.
    pub last_event_at: Option<Timestamp>,
    /// When the last frame was read.
    pub last_frame_received_at: Option<Timestamp>,
    /// How far the last event lay behind our clock when it was read, in seconds.
    pub lag_seconds: f64,
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
            lag_us: AtomicI64::new(0),
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

    /// True while connected or about to try again: what readiness asks.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.connected.load(Relaxed) || self.retrying.load(Relaxed)
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
        let time = |micros: &AtomicI64| match micros.load(Relaxed) {
            0 => None,
            micros => Some(Timestamp::from_micros(micros)),
        };
        SourceReport {
            name: Arc::clone(&self.name),
            kind: self.kind,
            connected: self.connected.load(Relaxed),
            retrying: self.retrying.load(Relaxed),
            ended: self.is_ended(),
            host: Arc::clone(&self.host.lock().unwrap_or_else(PoisonError::into_inner)),
            last_event_at: time(&self.last_event_us),
            last_frame_received_at: time(&self.last_frame_us),
            lag_seconds: self.lag_us.load(Relaxed) as f64 / 1e6,
            frames: self.frames.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            rejected: self.rejected_total(),
            reconnects: self.reconnects.load(Relaxed),
            gaps: self.gaps.load(Relaxed),
            gap_seconds: self.gap_us.load(Relaxed) as f64 / 1e6,
            backpressure_closes: self.backpressure_closes.load(Relaxed),
        }
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
        self.handles.connected.set(if connected { 1.0 } else { 0.0 });
    }

    pub(super) fn set_ended(&self) {
        self.set_connected(false);
        self.retrying.store(false, Relaxed);
        self.ended.store(true, Relaxed);
    }

    pub(super) fn batch_sealed(&self, frames: usize, bytes: usize, received_at: Timestamp) {
        self.frames.fetch_add(frames as u64, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.last_frame_us.store(received_at.as_micros(), Relaxed);
        self.handles.frames.increment(frames as u64);
        self.handles.bytes.increment(bytes as u64);
    }

    pub(super) fn event_seen(&self, event_at: Timestamp, now: Timestamp) {
        let lag = now.as_micros() - event_at.as_micros();
        self.last_event_us.store(event_at.as_micros(), Relaxed);
        self.lag_us.store(lag, Relaxed);
        self.handles.last_event.set(event_at.as_micros() as f64 / 1e6);
        self.handles.lag_seconds.set(lag as f64 / 1e6);
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
    fn an_ended_source_is_neither_connected_nor_retrying() {
        let status = SourceStatus::new(Arc::from("file"), "file");
        status.set_connected(true);
        assert!(status.is_alive());
        status.set_ended();
        assert!(!status.is_alive() && status.is_ended());
    }
}
