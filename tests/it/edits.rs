//! Edits, from the stream to the store: an item says what stands there now, and an old edit read again undoes nothing.

use birddog::feed::FeedOptions;
use serde_json::{Value, json};

use crate::process::{Client, Feed, Site, until};

const START_US: u64 = 1_767_225_600_000_000;

fn frame(second: u64, operation: &str, text: &str) -> String {
    let time_us = START_US + second * 1_000_000;
    format!(
        "{{\"did\":\"did:plc:a\",\"time_us\":{time_us},\"kind\":\"commit\",\"commit\":{{\"rev\":\"r{second}\",\
         \"operation\":\"{operation}\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"k\",\
         \"record\":{{\"text\":\"{text}\"}},\"cid\":\"c\"}}}}"
    )
}

fn the_item(client: &Client) -> Option<Value> {
    let items = client.get("/api/v1/items")["items"].clone();
    assert!(items.as_array().unwrap().len() <= 1, "{items}");
    items.get(0).cloned()
}

#[test]
fn an_edit_that_no_rule_matches_reaches_the_item_and_stays_over_a_restart() {
    let events = [
        frame(0, "update", "never seen before, and nothing in it"),
        frame(1, "create", "acme is down"),
        frame(2, "update", "acme is down, and how"),
        frame(3, "update", "sorry, that was somebody else"),
    ];
    let feed = Feed::serve(FeedOptions::lines(events.to_vec()));
    let site = Site::with_one_rule(&feed.url(), "10s");
    let mut last = None;
    for _ in 0..2 {
        let mut daemon = site.start();
        let client = daemon.listening();
        client.triaged(events.len() as u64);
        let item = until("the item has the last text", || {
            the_item(&client).filter(|item| item["post"]["text"] == "sorry, that was somebody else")
        });
        assert_eq!((&item["state"], &item["matches"]), (&json!("new"), &json!([])), "{item}");
        let record = client.get(&format!("/api/v1/items/{}", item["id"].as_str().unwrap()));
        let actions: Vec<&Value> =
            record["history"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
        assert_eq!(actions, ["edit", "edit"]);
        let before = last.replace(item.clone());
        assert!(before.is_none_or(|before| before == item), "what is read again changes nothing");
        daemon.stop();
    }
}
