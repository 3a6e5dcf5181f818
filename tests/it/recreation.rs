//! A post that is deleted and made again under the same key, within the window of duplicates, is work again.

use std::time::Duration;

use crate::dice::now_us;
use crate::frames;
use crate::live::{Live, item};
use crate::process::{Site, until};
use crate::proof::{self, Proof};

/// When the post is made again.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// At once, in one batch with the delete.
    AtOnce,
    /// When the delete is dealt with.
    Later,
    /// After a restart.
    AfterRestart,
}

#[test]
fn a_post_made_again_under_its_key_after_a_delete_is_work_again_and_only_once() {
    let proof = Proof::of("deleted and made again under one key");
    let times = proof::count(3, 30);
    let live = Live::serve();
    let site = Site::with_one_rule(&live.url(), "1h");
    let mut daemon = site.start();
    let mut client = daemon.listening();
    until("it connects", || (live.connections() > 0).then_some(()));
    let mut wrong = Vec::new();
    let kinds = [Then::AtOnce, Then::Later, Then::AfterRestart];
    for (number, then) in (0..times).flat_map(|number| kinds.map(|then| (number, then))) {
        let (did, rkey) = (frames::did("again"), format!("{then:?}{number}"));
        let uri = frames::uri(&did, &rkey);
        let time = || {
            // Two events of one account in one microsecond are one event.
            std::thread::sleep(Duration::from_micros(10));
            now_us()
        };
        live.say(frames::post(&did, &rkey, time(), "acme is down, first version"));
        if !matches!(then, Then::AtOnce) {
            live.settle(&client);
        }
        live.say(frames::delete(&did, &rkey, time()));
        if !matches!(then, Then::AtOnce) {
            live.settle(&client);
        }
        if matches!(then, Then::AfterRestart) {
            let before = live.connections();
            daemon.stop();
            daemon = site.start();
            client = daemon.listening();
            until("it connects again", || (live.connections() > before).then_some(()));
            live.settle(&client);
        }
        live.say(frames::post(&did, &rkey, time(), "acme is down, second version"));
        live.settle(&client);
        match item(&client, &uri) {
            None => wrong.push(format!("{then:?}: the second version made no work")),
            Some(item) if item["post"]["text"] != "acme is down, second version" => {
                wrong.push(format!("{then:?}: the item says {}", item["post"]["text"]));
            }
            Some(_) => {}
        }
    }
    // All of it is read again: the deletes of the first versions must not take the second ones along.
    let open = |client: &crate::process::Client| {
        let list = client.get("/api/v1/items?limit=1000")["items"].clone();
        let of_test = |item: &&serde_json::Value| item["post"]["text"] == "acme is down, second version";
        list.as_array().unwrap().iter().filter(of_test).count() as u64
    };
    let before = open(&client);
    let connections = live.connections();
    daemon.stop();
    daemon = site.start();
    client = daemon.listening();
    until("it connects again", || (live.connections() > connections).then_some(()));
    live.settle(&client);
    let after = open(&client);
    if before != after {
        wrong.push(format!("{before} second versions were open, and {after} after they were read again"));
    }
    daemon.stop();
    proof.verdict(
        format_args!("{} posts", times * kinds.len() as u64),
        "each second version is one item",
        wrong,
    );
}
