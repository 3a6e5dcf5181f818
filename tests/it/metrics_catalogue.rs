//! The catalogue of metrics is a promise to dashboards and alerts: a change shows here.
//! `UPDATE_EXPECT=1` rewrites the golden file.

use std::fmt::Write;
use std::path::Path;

use birddog::telemetry;

fn catalogue() -> String {
    let mut metrics: Vec<_> = telemetry::catalogue().collect();
    metrics.sort_by_key(|metric| metric.name);
    let mut text = String::from("# name, kind, labels, help; written by UPDATE_EXPECT=1 cargo test\n");
    for metric in metrics {
        let labels = metric.labels.join(",");
        let _ = writeln!(text, "{} {} {{{labels}}} {}", metric.name, metric.kind.as_str(), metric.help);
    }
    text
}

#[test]
fn the_catalogue_is_the_golden_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/metrics.txt");
    let now = catalogue();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(now, golden, "the metrics changed; if that is meant, run with UPDATE_EXPECT=1");
}
