//! How a part declares its metrics, beside the code that emits them.
//!
//! Each part exposes `pub const METRICS: &[Metric]`; `telemetry` concatenates them into the catalogue
//! that describes, documents and golden-tests every series birddog exports.
//!
//! ```
//! use birddog::model::metric::Metric;
//! /// Posts that matched a rule.
//! pub const MATCHED: &str = "birddog_posts_matched_total";
//! pub const METRICS: &[Metric] = &[Metric::counter(MATCHED, "Posts that matched a rule.", &["brand"])];
//! ```

/// What a series counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution; its name ends in `_seconds`, `_bytes` or `_items`, which picks the buckets.
    Histogram,
}

impl MetricKind {
    /// Name as in the Prometheus text format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One family of series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// `birddog_` + what + base unit + `_total` for a counter.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: MetricKind,
    /// One sentence.
    pub help: &'static str,
    /// Label names, in order. Their values come from configuration or closed enums, never from content.
    pub labels: &'static [&'static str],
}

impl Metric {
    /// Declares a counter.
    #[must_use]
    pub const fn counter(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, kind: MetricKind::Counter, help, labels }
    }

    /// Declares a gauge.
    #[must_use]
    pub const fn gauge(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, kind: MetricKind::Gauge, help, labels }
    }

    /// Declares a histogram.
    #[must_use]
    pub const fn histogram(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, kind: MetricKind::Histogram, help, labels }
    }

    /// The base unit that the name ends in: `seconds`, `bytes`, `items`, `ratio`; `None` for a plain number.
    #[must_use]
    pub fn unit(&self) -> Option<&'static str> {
        let stem = self.name.strip_suffix("_total").unwrap_or(self.name);
        ["seconds", "bytes", "items", "ratio"]
            .into_iter()
            .find(|unit| stem.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_read_from_the_name() {
        assert_eq!(Metric::counter("birddog_read_bytes_total", "", &[]).unit(), Some("bytes"));
        assert_eq!(Metric::histogram("birddog_commit_seconds", "", &[]).unit(), Some("seconds"));
        assert_eq!(Metric::gauge("birddog_sources_connected", "", &[]).unit(), None);
    }
}
