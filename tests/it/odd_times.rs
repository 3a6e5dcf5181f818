//! Times that no calendar has: one post with such a time must not take the queue away from a whole team.

use std::path::Path;

use crate::dice::now_us;
use crate::frames;
use crate::live::Live;
use crate::process::{Client, Site, birddog, until};
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

/// What the command line and the API cannot do with the queue any more.
fn refusals(client: &Client, folder: &Path, stored: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut cannot = |args: &[&str]| {
        let said = birddog(folder, &[&["queue"], args, &["--api", &client.base]].concat());
        let error = String::from_utf8_lossy(&said.stderr).chars().take(160).collect::<String>();
        wrong.extend((!said.status.success()).then(|| format!("{}: {error}", args[0])));
    };
    cannot(&["list"]);
    cannot(&["stats"]);
    cannot(&["claim", "--team", "support", "--max", "100", "--agent", "ann"]);
    let list = client.get("/api/v1/items?limit=1000")["items"].clone();
    let items = list.as_array().unwrap();
    items.iter().for_each(|item| cannot(&["show", item["id"].as_str().unwrap()]));
    let claimed = items.iter().filter(|item| item["state"] == "claimed").count() as u64;
    if claimed != stored {
        wrong.push(format!("{claimed} of {stored} items are claimed after a claim of all"));
    }
    wrong
}

#[test]
fn list_claim_and_show_work_for_the_whole_team_whatever_times_the_posts_have() {
    let proof = Proof::of("posts with times beyond the year 9999");
    let live = Live::serve();
    let site = Site::with_one_rule(&live.url(), "0s");
    let mut daemon = site.start();
    let client = daemon.listening();
    until("it connects", || (live.connections() > 0).then_some(()));
    let odd = posts();
    let count = odd.len();
    odd.into_iter().for_each(|event| live.say(event));
    live.settle(&client);
    let stored = client.metrics().sum("birddog_items_stored_total", &[]);
    assert!(stored > CLAIMED.len() as u64, "{stored} items of {count} posts are no test");
    let wrong = refusals(&client, site.folder(), stored);
    daemon.stop();
    let before = live.connections();
    let mut daemon = site.start();
    let client = daemon.listening();
    until("it connects again", || (live.connections() > before).then_some(()));
    live.settle(&client);
    daemon.stop();
    proof.verdict(format_args!("{count} posts"), "list, claim, show and the stream go on", wrong);
}
