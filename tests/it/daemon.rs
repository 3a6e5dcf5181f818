//! The whole of it, end to end: the real binary, a real WebSocket, an agent at work over HTTP, the books balanced.

use birddog::feed::FeedOptions;
use birddog::feed::story::Story;
use birddog::model::Timestamp;
use birddog::telemetry;
use serde_json::{Value, json};

use crate::process::{Client, Feed, Metrics, Site, saved_position, until};

const SEED: u64 = 7;
/// 30 seconds of the story: the first half of acme's outage, and northwind's picture going round.
const EVENTS: usize = 30_000;
const START_US: i64 = 1_767_225_600_000_000;
const REWIND_US: i64 = 5_000_000;

fn story() -> Vec<String> {
    Story::new(SEED, Timestamp::from_micros(START_US)).events(EVENTS).collect()
}

fn time_us(event: &str) -> i64 {
    serde_json::from_str::<Value>(event).unwrap()["time_us"].as_i64().unwrap()
}

/// Every item that a list can show, by id.
fn items(client: &Client) -> Vec<Value> {
    let list = |query: &str| client.get(&format!("/api/v1/items?limit=1000{query}"))["items"].clone();
    let lists = ["", "&state=resolved", "&state=withdrawn"].map(list);
    let mut items: Vec<Value> = lists.iter().flat_map(|list| list.as_array().unwrap()).cloned().collect();
    items.sort_by_key(|item| item["id"].to_string());
    items
}

/// Counts of every team, without what the passing of time changes.
fn stats(client: &Client) -> Value {
    let mut stats = client.get("/api/v1/queue/stats");
    stats["teams"].as_array_mut().unwrap().iter_mut().for_each(|team| team["overdue"] = Value::Null);
    stats
}

fn item_count(stats: &Value) -> u64 {
    let of_team = |team: &Value| {
        let new: u64 =
            team["new_by_lane"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
        let others =
            ["claimed", "waiting", "resolved", "withdrawn"].map(|state| team[state].as_u64().unwrap());
        new + others.iter().sum::<u64>()
    };
    stats["teams"].as_array().unwrap().iter().map(of_team).sum()
}

fn stored(metrics: &Metrics) -> u64 {
    metrics.sum("birddog_items_stored_total", &[])
}

/// Works one item of `team` through two teams to its end; its id.
fn work_one_item(client: &Client, team: &str) -> String {
    let claim = |team: &str, agent: &str, max: u32| {
        let claimed = client
            .post("/api/v1/queue/claim", &json!({"team": team, "agent": agent, "lease": "10m", "max": max}));
        claimed["items"].as_array().unwrap().clone()
    };
    let claimed = claim(team, "ann", 1);
    let [item] = &claimed[..] else { panic!("{team} has nothing to claim") };
    assert_eq!((&item["state"], &item["team"]), (&json!("claimed"), &json!(team)));
    let id = item["id"].as_str().unwrap().to_owned();
    let change = |verb: &str, body: Value| client.post(&format!("/api/v1/items/{id}/{verb}"), &body);
    assert_eq!(change("ack", json!({"agent": "ann"}))["item"]["state"], "waiting");
    change("note", json!({"agent": "ann", "text": "called, wants a refund"}));
    let handed = change("handoff", json!({"agent": "ann", "to_team": "sales", "reason": "asks for a quote"}));
    assert_eq!(handed["item"]["team"], "sales");
    assert!(
        claim("sales", "bob", 100).iter().any(|item| item["id"] == *id),
        "sales can claim what it was handed"
    );
    let resolved = change("resolve", json!({"agent": "bob", "note": "sold"}));
    assert_eq!(resolved["item"]["state"], "resolved");
    id
}

fn actions(record: &Value) -> Vec<&str> {
    record["history"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[test]
fn events_become_work_that_two_teams_do_and_the_books_balance_over_a_restart() {
    let events = story();
    let feed = Feed::serve(FeedOptions::lines(events.clone()));
    let site = Site::with_shipped_rules(&feed.url(), "5s");
    let mut daemon = site.start();
    let client = daemon.listening();
    until("it is ready", || (client.text("/readyz").0 == 200).then_some(()));
    assert_eq!(client.text("/livez").0, 200);

    let metrics = client.triaged(events.len() as u64);
    let flow = metrics.flow();
    assert_eq!(flow.rejected, 0, "{flow:?}");
    assert!(flow.filtered > flow.triaged && flow.triaged > 100, "{flow:?}");
    for outcome in ["stored", "joined", "unknown", "shadow", "withdrawn"] {
        let count = metrics.sum("birddog_events_triaged_total", &[&format!("outcome=\"{outcome}\"")]);
        assert!(count > 0, "the story has no {outcome} event");
    }
    let last = time_us(&events[events.len() - 1]);
    until("what is settled is stored", || (saved_position(&site.store()) == Some(last)).then_some(()));
    assert!(item_count(&stats(&client)) > 100);
    assert_by_team_and_lane(&client);
    assert_in_catalogue(&client);
    assert!(items(&client).len() as u64 == stored(&client.metrics()), "a list shows them all");

    let source = &client.get("/status")["sources"][0];
    assert_eq!((&source["name"], &source["connected"]), (&json!("sky"), &json!(true)), "{source}");

    let id = work_one_item(&client, "support");
    let record = client.get(&format!("/api/v1/items/{id}"));
    assert_eq!(actions(&record), ["claim", "ack", "note", "handoff", "claim", "resolve"], "{record}");
    assert!(record.to_string().contains("wants a refund") && record.to_string().contains("asks for a quote"));
    let before = (items(&client), stats(&client), record);
    daemon.stop();

    let mut daemon = site.start();
    let client = daemon.listening();
    let again = events.iter().filter(|event| time_us(event) > last - REWIND_US).count();
    let metrics = client.triaged(again as u64);
    assert_eq!(metrics.flow().rejected, 0);
    assert_eq!(stored(&client.metrics()), 0, "what was stored before the restart is known after it");
    let after = (items(&client), stats(&client), client.get(&format!("/api/v1/items/{id}")));
    for (before, after) in before.0.iter().zip(&after.0) {
        assert_eq!(before, after);
    }
    assert_eq!(before, after);
    daemon.stop();
}

/// The store's counters, by team and lane, sum up to what the store holds. The item that was handed over is not
/// there yet.
fn assert_by_team_and_lane(client: &Client) {
    let (stats, metrics) = (stats(client), client.metrics());
    let mut sum = 0;
    for team in stats["teams"].as_array().unwrap() {
        for lane in ["low", "normal", "high", "critical"] {
            let team = format!("team={}", team["team"]);
            sum += metrics.sum("birddog_items_stored_total", &[&team, &format!("lane=\"{lane}\"")]);
        }
    }
    assert_eq!(sum, stored(&metrics));
    assert_eq!(sum, item_count(&stats));
}

/// Dashboards find every metric that is there in the catalogue.
fn assert_in_catalogue(client: &Client) {
    let text = client.text("/metrics").1;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let shown: Vec<(&str, &str)> = types.map(|line| line.split_once(' ').unwrap()).collect();
    assert!(shown.len() > 20, "{shown:?}");
    for (name, kind) in shown {
        let known = telemetry::catalogue().any(|metric| metric.name == name && metric.kind.as_str() == kind);
        assert!(known, "{name}, a {kind}, is not in the catalogue");
    }
}
