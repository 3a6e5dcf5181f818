//! Metrics and logs: set up once by the binary, before any part is built.
//!
//! Parts declare and emit their own metrics; this file only concatenates the declarations into the catalogue,
//! installs the Prometheus recorder, and renders. It opens no port of its own: the API serves `/metrics`.

mod error;
mod logs;
mod non_blocking;

use std::time::{Duration, SystemTime};

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

pub use error::Error;
pub use logs::{
    Delivery, FLUSH_MAX, LOG_LINES_DROPPED, LogFormat, Logs, flush as flush_logs, init as init_logs,
    to_stderr,
};
pub use non_blocking::{NonBlocking, WAITING_BYTES_MAX};

use crate::model::metric::{Metric, MetricKind};

/// Always 1; the labels say which build this is.
pub const BUILD_INFO: &str = "birddog_build_info";
/// When the process started.
pub const START_TIME: &str = "birddog_start_time_seconds";

/// The metrics of this part.
pub const METRICS: &[Metric] = &[
    Metric::gauge(BUILD_INFO, "Always 1; the labels say which build this is.", &["version"]),
    Metric::gauge(START_TIME, "When the process started, in seconds since the Unix epoch.", &[]),
    Metric::counter(
        LOG_LINES_DROPPED,
        "Log lines that did not get out: the reader of standard error was too slow, gone, or its disk full.",
        &[],
    ),
];

/// Every part's metrics, in the order of the flow. A part that emits metrics adds its line here.
pub const CATALOGUE: &[&[Metric]] = &[
    crate::sources::METRICS,
    crate::triage::METRICS,
    crate::dedupe::METRICS,
    crate::reply::METRICS,
    crate::score::influence::METRICS,
    crate::store::METRICS,
    crate::dispatch::METRICS,
    crate::app::METRICS,
    crate::app::engine_metrics::METRICS,
    crate::monitor::counts::METRICS,
    crate::monitor::drift::METRICS,
    crate::monitor::costs::METRICS,
    crate::ruleset::METRICS,
    crate::api::METRICS,
    METRICS,
];

/// Bucket bounds by the unit that a histogram's name ends in. Every histogram must end in one of these:
/// the exporter would turn any other into a summary, which cannot be added up over processes.
pub const BUCKETS: &[(&str, &[f64])] = &[
    (
        "_seconds",
        &[
            0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
            5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0,
        ],
    ),
    (
        "_bytes",
        &[256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0],
    ),
    ("_items", &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0]),
];

/// How often the recorder drains its histograms, so that their memory stays flat between scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The installed recorder. Cloning is cheap.
#[derive(Clone)]
pub struct Recorder(PrometheusHandle);

impl Recorder {
    /// Installs the recorder for the process, describes every metric, and sets the build's gauges.
    ///
    /// # Errors
    /// When a recorder is installed already.
    pub fn install() -> Result<Self, Error> {
        let recorder = Self(builder()?.install_recorder()?);
        describe();
        gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        gauge!(START_TIME).set(since_epoch.as_secs_f64());
        Ok(recorder)
    }

    /// All metrics in the Prometheus text format.
    #[must_use]
    pub fn render(&self) -> String {
        logs::refresh_metrics();
        self.0.render()
    }

    /// Keeps the recorder's memory flat until `shutdown`.
    pub async fn upkeep(self, shutdown: CancellationToken) {
        let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(interval.tick()).await.is_some() {
            self.0.run_upkeep();
        }
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

/// Every metric that birddog can emit.
pub fn catalogue() -> impl Iterator<Item = &'static Metric> {
    CATALOGUE.iter().copied().flatten()
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    BUCKETS.iter().try_fold(PrometheusBuilder::new(), |builder, (suffix, bounds)| {
        builder.set_buckets_for_metric(Matcher::Suffix((*suffix).to_owned()), bounds)
    })
}

fn describe() {
    for metric in catalogue() {
        match metric.kind {
            MetricKind::Counter => describe_counter!(metric.name, metric.help),
            MetricKind::Gauge => describe_gauge!(metric.name, metric.help),
            MetricKind::Histogram => describe_histogram!(metric.name, metric.help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_unique_prefixed_and_ends_as_its_kind_wants() {
        let mut names = HashSet::new();
        for metric in catalogue() {
            let name = metric.name;
            assert!(names.insert(name), "{name} is declared twice");
            assert!(name.starts_with("birddog_"), "{name}");
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{name}"
            );
            assert_eq!(name.ends_with("_total"), metric.kind == MetricKind::Counter, "{name}");
            assert!(metric.help.ends_with('.') && !metric.help.contains('\n'), "{name}: {}", metric.help);
        }
    }

    #[test]
    fn every_histogram_has_buckets() {
        for metric in catalogue().filter(|metric| metric.kind == MetricKind::Histogram) {
            assert!(BUCKETS.iter().any(|(suffix, _)| metric.name.ends_with(suffix)), "{}", metric.name);
        }
    }

    #[test]
    fn a_histogram_renders_as_buckets_and_not_as_a_summary() {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!(crate::api::REQUEST_SECONDS, "route" => "/livez").record(0.003);
        });
        let text = handle.render();
        assert!(
            text.contains("birddog_api_request_seconds_bucket{route=\"/livez\",le=\"0.005\"} 1"),
            "{text}"
        );
    }
}
