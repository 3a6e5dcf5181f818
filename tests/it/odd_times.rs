//! Times that no calendar has: one post with such a time must not take the queue away from a whole team.

use serde_json::{Value, json};

use crate::dice::now_us;
use crate::frames;
use crate::live::{Live, item};
use crate::process::{Site, birddog, until};
use crate::proof::Proof;

/// Microseconds at the first moment of the year 10000.
const YEAR_10000: u64 = 253_402_300_800_000_000;
const TIMES: [u64; 7] = [0, 1, YEAR_10000 - 1, YEAR_10000, 4 * YEAR_10000, i64::MAX as u64, u64::MAX];
/// What devices claim: no place for a calendar's end either.
const CLAIMED: [&str; 6] = [
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-23:59",
    "+010000-01-01T00:00:00Z",
    "-009999-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z",
    "tomorrow",
];

/// Every odd time of the server, where the device claims none and where it claims an odd one, too.
fn posts() -> Vec<String> {
    let claims = || CLAIMED.into_iter().map(Some).chain([None]);
    let times = TIMES.into_iter().chain([now_us()]);
    let pairs = times.flat_map(|time| claims().map(move |claimed| (time, claimed)));
    pairs.enumerate().map(|(number, (time, claimed))| post(number, time, claimed)).collect()
}

fn post(number: usize, time_us: u64, claimed: Option<&str>) -> String {
    let event = frames::post(&frames::did(&format!("odd{number}")), "k", time_us, "acme is down");
    let claimed = claimed.map_or_else(String::new, |claimed| format!("\"createdAt\":\"{claimed}\","));
    event.replacen("\"text\":", &format!("{claimed}\"text\":"), 1)
}

#[test]
fn list_claim_and_show_work_for_the_whole_team_whatever_times_the_posts_have() {
    let proof = Proof::of("posts with times beyond the year 9999");
    let live = Live::serve();
    let site = Site::with_one_rule(&live.url(), "0s");
    let mut daemon = site.start();
    let client = daemon.listening();
    until("it connects", || (live.connections() > 0).then_some(()));
    let usual = frames::did("usual");
    live.say(frames::post(&usual, "before", now_us(), "acme is down"));
    let odd = posts();
    let count = odd.len();
    odd.into_iter().for_each(|event| live.say(event));
    live.say(frames::post(&usual, "after", now_us(), "acme is down"));
    live.settle(&client);
    let stored = client.metrics().sum("birddog_items_stored_total", &[]);
    assert!(stored > CLAIMED.len() as u64, "{stored} items of {count} posts are no test");

    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(what)
        }
    };
    let (status, list) = client.text("/api/v1/items?limit=1000");
    check(status == 200, format!("list says {status}: {}", head(&list)));
    let listed =
        serde_json::from_str::<Value>(&list).map_or(0, |list| list["items"].as_array().map_or(0, Vec::len));
    check(listed as u64 == stored, format!("list shows {listed} of {stored} items"));
    for args in [&["queue", "list"][..], &["queue", "stats"]] {
        let said = birddog(site.folder(), &[args, &["--api", &client.base]].concat());
        check(said.status.success(), format!("{args:?}: {}", head(&String::from_utf8_lossy(&said.stderr))));
    }
    let args =
        ["queue", "claim", "--team", "support", "--max", "100", "--agent", "ann", "--api", &client.base];
    let said = birddog(site.folder(), &args);
    check(said.status.success(), format!("claim: {}", head(&String::from_utf8_lossy(&said.stderr))));
    let list: Value =
        serde_json::from_str(&client.text("/api/v1/items?limit=1000").1).unwrap_or(json!({"items": []}));
    for item in list["items"].as_array().into_iter().flatten() {
        let said =
            birddog(site.folder(), &["queue", "show", item["id"].as_str().unwrap(), "--api", &client.base]);
        check(said.status.success(), format!("show: {}", head(&String::from_utf8_lossy(&said.stderr))));
        check(
            item["state"] == "claimed",
            format!("{} is {} after a claim of all", item["id"], item["state"]),
        );
    }
    check(
        item(&client, &frames::uri(&usual, "after")).is_some(),
        "an ordinary post is not listed".to_owned(),
    );
    daemon.stop();
    let before = live.connections();
    let mut daemon = site.start();
    let client = daemon.listening();
    until("it connects again", || (live.connections() > before).then_some(()));
    live.settle(&client);
    daemon.stop();
    proof.verdict(format_args!("{count} posts"), "list, claim, show and the stream go on", wrong);
}

fn head(text: &str) -> String {
    text.chars().take(160).collect()
}
