//! Posts in JSON, through the whole line: from a file, through `scan` and `backtest`, and sent to the API.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::process::{Client, Site, birddog, until};

fn post(number: u64, text: &str) -> Value {
    json!({"id": number, "text": text, "author": {"id": format!("u{number}"), "name": "jo"}, "lang": "en"})
}

fn lines(posts: &[Value]) -> String {
    posts.iter().map(|post| format!("{post}\n")).collect()
}

/// A daemon that takes posts over HTTP.
fn site() -> Site {
    Site::with_source("type = \"http\"\nname = \"crm\"\n")
}

fn items(client: &Client) -> Vec<Value> {
    client.get("/api/v1/items?limit=1000")["items"].as_array().unwrap().clone()
}

#[test]
fn a_file_of_posts_becomes_items_and_what_is_wrong_in_it_is_counted_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("posts.jsonl");
    let moved = json!({"n": 7, "body": {"said": "acme is on fire"}, "by": "ann"});
    fs::write(&file, lines(&[moved, json!({"n": 8}), json!({"n": 9, "body": {"said": "nothing"}})])).unwrap();
    let fields = "id = \"/n\"\ntext = \"/body/said\"\n\"author.id\" = \"/by\"\n";
    let site = Site::with_source(&format!(
        "type = \"file\"\nname = \"export\"\npath = {file:?}\nformat = \"json\"\n[source.fields]\n{fields}"
    ));
    let mut daemon = site.start();
    let client = daemon.listening();
    let found = until("the post is an item", || items(&client).pop());
    assert_eq!(
        (&found["post"]["text"], &found["post"]["author"]["id"]),
        (&json!("acme is on fire"), &json!("ann"))
    );
    assert_eq!((&found["post"]["source"], &found["post"]["uri"]), (&json!("json"), &json!("7")));
    until("the wrong post is counted", || {
        let metrics = client.metrics();
        (metrics.sum("birddog_events_rejected_total", &["reason=\"wrong_shape\""]) == 1).then_some(())
    });
    assert!(daemon.log().contains("`text` (at /body/said) is missing"), "{}", daemon.log());
    daemon.stop();
}

#[test]
fn scan_and_backtest_read_the_same_posts_by_the_same_map() {
    let site = site();
    let file = site.folder().join("posts.jsonl");
    let posts: Vec<Value> =
        (0..20).map(|n| json!({"n": n, "t": if n < 5 { "acme" } else { "other" }})).collect();
    fs::write(&file, lines(&posts) + "{\"n\": 99}\n").unwrap();
    let (rules, input) = (site.rules().display().to_string(), file.display().to_string());
    let map = ["--from", "json", "--field", "id=/n", "--field", "text=/t"];
    let scanned =
        birddog(site.folder(), &[&["scan", "--rules", &rules, "--input", &input][..], &map].concat());
    let told = String::from_utf8_lossy(&scanned.stderr).into_owned();
    assert_eq!(String::from_utf8_lossy(&scanned.stdout).lines().count(), 5, "{told}");
    assert!(told.contains("event 21: `text` (at /t) is missing"), "{told}");
    let args = ["backtest", &rules, "--data", &input, "--format", "json"];
    let tested = birddog(site.folder(), &[&args[..], &map].concat());
    let report: Value = serde_json::from_slice(&tested.stdout).unwrap();
    assert_eq!(report["rules"][0]["posts"], 5, "{report}");
    let wrong = birddog(site.folder(), &["scan", "--rules", &rules, "--from", "json", "--field", "txt=/t"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no field `txt`"));
}

#[test]
fn posts_that_were_accepted_are_there_after_a_kill() {
    let site = site();
    site.fix_port();
    for round in 0..5 {
        let mut daemon = site.start();
        let client = daemon.listening();
        let sent: Vec<Value> = (0..40).map(|n| post(round * 40 + n, "acme is down")).collect();
        let (status, answer) = client.send("/api/v1/ingest", &lines(&sent));
        assert_eq!((status, answer), (202, "{\"accepted\":40}".to_owned()));
        daemon.kill();
    }
    let mut daemon = site.start();
    assert_eq!(items(&daemon.listening()).len(), 200);
    daemon.stop();
}

#[test]
fn the_same_posts_twice_are_one_and_posts_that_match_nothing_are_accepted_too() {
    let site = site();
    let mut daemon = site.start();
    let client = daemon.listening();
    let body = json!([post(1, "acme is down"), post(2, "all quiet")]).to_string();
    for _ in 0..3 {
        assert_eq!(client.send("/api/v1/ingest?source=crm", &body), (202, "{\"accepted\":2}".to_owned()));
    }
    assert_eq!(client.send("/api/v1/ingest", &post(3, "quiet").to_string()).0, 202);
    assert_eq!(items(&client).len(), 1);
    daemon.stop();
}

#[test]
fn what_is_wrong_is_told_by_line_and_field_and_nothing_of_it_is_taken() {
    let site = site();
    let mut daemon = site.start();
    let client = daemon.listening();
    let body = lines(&[post(1, "acme"), json!({"id": 2, "text": 5})]);
    let (status, told) = client.send("/api/v1/ingest", &body);
    assert!(
        status == 400 && told.contains("line 2: `text` (at /text) is a number; a text is wanted"),
        "{told}"
    );
    let (status, told) = client.send("/api/v1/ingest?source=sky", &lines(&[post(1, "acme")]));
    assert!(status == 400 && told.contains("there are crm"), "{told}");
    assert!(items(&client).is_empty());
    daemon.stop();
}

#[test]
fn a_daemon_without_such_a_source_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.jsonl");
    fs::write(&file, "").unwrap();
    let site = Site::reading(&file);
    let mut daemon = site.start();
    let (status, told) = daemon.listening().send("/api/v1/ingest", "{}");
    assert!(status == 400 && told.contains("type = \\\"http\\\""), "{told}");
    daemon.stop();
}

/// Begins to send a body of posts that never arrives whole: it keeps its place among those that are being read.
fn half_sent(address: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    let head = "POST /api/v1/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{";
    socket.write_all(head.as_bytes()).unwrap();
    socket
}

/// The whole answer to `body`, with its head.
fn raw_answer(address: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = "POST /api/v1/ingest HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    write!(socket, "{head}Content-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_sender_is_told_when_to_come_back_while_the_line_is_full_and_is_served_then() {
    let site = site();
    let mut daemon = site.start();
    let client = daemon.listening();
    let address = client.base.strip_prefix("http://").unwrap();
    let body = post(1, "acme is down").to_string();
    let mut held = Vec::new();
    let refused = until("no more bodies are read", || {
        // One more each time: the whole body may have taken the place of one that was to keep it.
        held.push(half_sent(address));
        Some(raw_answer(address, &body)).filter(|answer| answer.starts_with("HTTP/1.1 429"))
    });
    assert!(refused.to_lowercase().contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(refused.contains("send the same again"), "{refused}");
    drop(held);
    until("there is room again", || raw_answer(address, &body).starts_with("HTTP/1.1 202").then_some(()));
    assert_eq!(items(&client).len(), 1);
    daemon.stop();
}
