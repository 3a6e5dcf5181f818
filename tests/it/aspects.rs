//! A post that names two brands: each team's item feels about its own, in a scan and in a backtest alike.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::process::birddog;

/// A folder with a pack for each brand and three posts.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("rules")).unwrap();
    for (brand, team) in [("acme", "support"), ("zenith", "research")] {
        let pack = format!(
            "[pack]\nbrand = \"{brand}\"\nowner = \"a@b.example\"\n\n[[rule]]\nid = \"{brand}-any\"\nquery = \"{brand}\"\n\
             team = \"{team}\"\ntests = [{{ text = \"{brand}\", match = true }}, {{ text = \"x\", match = false }}]\n"
        );
        fs::write(folder.path().join(format!("rules/{brand}.toml")), pack).unwrap();
    }
    let posts = [
        "I love Acme, such a great service, but Zenith is horrible and useless",
        "Acme is horrible and useless",
        "I love Zenith",
    ];
    let events: String = posts.iter().zip(1..).map(|(text, number)| event(text, number)).collect();
    fs::write(folder.path().join("feed.jsonl"), events).unwrap();
    folder
}

fn event(text: &str, number: u32) -> String {
    let text = Value::from(text);
    format!(
        "{{\"did\":\"did:plc:a{number}\",\"time_us\":170000000000000{number},\"kind\":\"commit\",\"commit\":{{\"rev\":\"r\",\
         \"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"k{number}\",\"cid\":\"c\",\"record\":{{\
         \"$type\":\"app.bsky.feed.post\",\"createdAt\":\"2026-11-20T10:00:00Z\",\"langs\":[\"en\"],\"text\":{text}}}}}}}\n"
    )
}

fn run(folder: &Path, args: &[&str]) -> String {
    let output = birddog(folder, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_item_of_a_post_feels_about_its_own_brand() {
    let folder = folder();
    let lines = run(folder.path(), &["scan", "--rules", "rules", "--input", "feed.jsonl"]);
    let items: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let felt: Vec<(&str, &str, bool)> = items
        .iter()
        .map(|item| {
            let negative = item["priority"]["factors"]["sentiment"].as_f64().unwrap();
            (item["brand"].as_str().unwrap(), item["sentiment"]["label"].as_str().unwrap(), negative > 0.3)
        })
        .collect();
    let expected = [
        ("acme", "positive", false),
        ("zenith", "negative", true),
        ("acme", "negative", true),
        ("zenith", "positive", false),
    ];
    assert_eq!(felt, expected);
    assert_eq!(items[0]["post"]["uri"], items[1]["post"]["uri"]);
}

#[test]
fn a_backtest_counts_the_sentiments_that_the_items_have() {
    let folder = folder();
    let report =
        run(folder.path(), &["backtest", "--rules", "rules", "--format", "json", "--data", "feed.jsonl"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    for rule in report["rules"].as_array().unwrap() {
        let sentiment = &rule["sentiment"];
        assert_eq!((&sentiment["positive"], &sentiment["negative"]), (&1.into(), &1.into()), "{rule:#}");
    }
}
