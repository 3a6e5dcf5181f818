//! The change feed as a client follows it: by pages that wait, by a stream that breaks, and over kills.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dice::now_us;
use crate::frames;
use crate::live::{Live, item};
use crate::process::{Client, Process, Site, until};

struct Stage {
    live: Live,
    site: Site,
    daemon: Process,
    client: Client,
}

impl Stage {
    fn new() -> Self {
        let live = Live::serve();
        let site = Site::with_one_rule(&live.url(), "60s");
        let mut daemon = site.start();
        let client = daemon.listening();
        until("it connects", || (live.connections() > 0).then_some(()));
        Self { live, site, daemon, client }
    }

    fn post(&self, name: &str) -> String {
        self.live.say(frames::post(&frames::did(name), name, now_us(), "acme is down again"));
        frames::uri(&frames::did(name), name)
    }

    /// Posts, and gives the id of the item once it is there.
    fn stored(&self, name: &str) -> String {
        let uri = self.post(name);
        let found = until("the item is stored", || item(&self.client, &uri));
        found["id"].as_str().unwrap().to_owned()
    }

    fn newest(&self) -> u64 {
        page(&self.client, "?limit=1")["newest"].as_u64().unwrap()
    }
}

fn page(client: &Client, query: &str) -> Value {
    client.get(&format!("/api/v1/changes{query}"))
}

/// Number and item of each creation after `after`.
fn created(client: &Client, mut after: u64) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    loop {
        let page = page(client, &format!("?after={after}&kind=created&limit=7"));
        assert_eq!(page["gap"], false);
        for change in page["changes"].as_array().unwrap() {
            found.push((change["n"].as_u64().unwrap(), change["item"].as_str().unwrap().to_owned()));
        }
        after = page["next"].as_u64().unwrap();
        if page["next"] == page["newest"] {
            return found;
        }
    }
}

#[test]
fn a_page_waits_for_news_and_comes_as_soon_as_it_is_there() {
    let stage = Stage::new();
    let id = stage.stored("first");
    let after = stage.newest();
    let started = Instant::now();
    let empty = page(&stage.client, &format!("?after={after}&wait=1s"));
    assert_eq!(empty["changes"], json!([]));
    assert!((Duration::from_secs(1)..Duration::from_secs(9)).contains(&started.elapsed()));

    let client = stage.client.clone();
    let waiting =
        std::thread::spawn(move || (page(&client, &format!("?after={after}&wait=60s")), Instant::now()));
    std::thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished());
    stage.client.post("/api/v1/queue/claim", &json!({"team": "support", "agent": "ann"}));
    let answered = Instant::now();
    let (page, at) = waiting.join().unwrap();
    let change = &page["changes"][0];
    assert_eq!(
        (&change["kind"], &change["item"], &change["by"]),
        (&json!("claimed"), &json!(id), &json!("ann"))
    );
    assert_eq!((&change["n"], &change["state"]), (&json!(after + 1), &json!("claimed")));
    let waited = at.saturating_duration_since(answered);
    assert!(waited < Duration::from_millis(500), "{waited:?}");
}

#[test]
fn what_is_wrong_with_the_question_is_said() {
    let stage = Stage::new();
    for (query, word) in [
        ("?limit=0", "limit"),
        ("?wait=2h", "wait"),
        ("?kind=told", "handed_over"),
        ("?team=nobody", "nobody"),
        ("?from=1", "from"),
    ] {
        let (status, text) = stage.client.text(&format!("/api/v1/changes{query}"));
        assert!(status == 400 && text.contains(word), "{query}: {status} {text}");
    }
}

/// Events of one stream until `count` have come: their numbers. The connection is dropped then.
fn stream(url: &str, last: Option<u64>, count: usize) -> Vec<u64> {
    let agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().new_agent();
    let mut request = agent.get(format!("{url}/api/v1/changes")).header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last.to_string());
    }
    let answer = request.call().unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut numbers = Vec::new();
    for line in BufReader::new(answer.into_body().into_reader()).lines() {
        let line = line.unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            let change: Value = serde_json::from_str(data).unwrap();
            numbers.push(change["n"].as_u64().unwrap());
        }
        if numbers.len() == count {
            break;
        }
    }
    numbers
}

#[test]
fn a_stream_that_breaks_twenty_times_misses_nothing_and_repeats_nothing() {
    const STREAMS: usize = 21;
    const EACH: usize = 4;
    let stage = Stage::new();
    let base = stage.client.base.clone();
    let following = std::thread::spawn(move || {
        let (mut numbers, mut last) = (Vec::new(), None);
        for _ in 0..STREAMS {
            numbers.extend(stream(&base, last, EACH));
            last = numbers.last().copied();
        }
        numbers
    });
    // Each is a commit of its own, and some come while no stream is open.
    for n in 0..STREAMS * EACH {
        stage.stored(&format!("post{n}"));
    }
    let numbers = following.join().unwrap();
    assert_eq!(numbers, (1..=(STREAMS * EACH) as u64).collect::<Vec<_>>());
}

#[test]
fn a_stop_ends_streams_and_waits_at_once() {
    let mut stage = Stage::new();
    stage.stored("first");
    let after = stage.newest();
    let url = stage.client.base.clone();
    let waiting = std::thread::spawn(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        agent
            .get(format!("{url}/api/v1/changes?after={after}&wait=60s"))
            .call()
            .map(|answer| answer.status().as_u16())
    });
    let url = stage.client.base.clone();
    let streaming = std::thread::spawn(move || stream(&url, None, 99));
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    stage.daemon.stop();
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!(waiting.join().unwrap().unwrap(), 200);
    assert_eq!(streaming.join().unwrap(), [1]);
}

#[test]
fn every_item_is_created_once_in_the_feed_however_often_the_daemon_is_killed() {
    let mut stage = Stage::new();
    for round in 0..6 {
        let uris: Vec<String> = (0..40).map(|n| stage.post(&format!("post{round}x{n}"))).collect();
        if round % 2 == 0 {
            until("some of it is stored", || item(&stage.client, &uris[0]));
        }
        stage.daemon.kill();
        stage.daemon = stage.site.start();
        stage.client = stage.daemon.listening();
        until("all of it is stored", || {
            uris.iter().all(|uri| item(&stage.client, uri).is_some()).then_some(())
        });
    }
    stage.live.settle(&stage.client);
    let created = created(&stage.client, 0);
    let mut items: Vec<String> = created.iter().map(|(_, item)| item.clone()).collect();
    assert!(created.is_sorted_by(|one, next| one.0 < next.0));
    items.sort_unstable();
    items.dedup();
    assert_eq!(items.len(), created.len(), "an item was created twice");
    let listed = stage.client.get("/api/v1/items?limit=1000");
    let mut listed: Vec<String> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    listed.sort_unstable();
    assert_eq!(items, listed);
    assert!(listed.len() > 240);
}

#[test]
fn the_command_line_follows_the_feed() {
    let stage = Stage::new();
    let id = stage.stored("first");
    let mut watch = std::process::Command::new(env!("CARGO_BIN_EXE_birddog"))
        .args(["queue", "watch", "--after", "0", "--api", &stage.client.base])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("created") && first.contains(&id), "{first}");
    stage.client.post("/api/v1/queue/claim", &json!({"team": "support", "agent": "ann"}));
    let second = lines.next().unwrap().unwrap();
    assert!(second.contains("claimed") && second.ends_with("by ann"), "{second}");
    watch.kill().unwrap();
    watch.wait().unwrap();
}
