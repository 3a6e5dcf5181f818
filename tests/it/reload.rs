//! Rules read again while the daemon runs: under load, by file and by signal, good sets and bad ones.
//!
//! `BIRDDOG_RELOADS` says how often under load (1,000 without it); `BIRDDOG_SEED` plays a run again.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use birddog::feed::FeedOptions;
use birddog::feed::story::Story;
use birddog::model::Body;
use birddog::model::Timestamp;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::numbered::{Numbered, bodies};
use crate::process::{Client, Feed, Process, Site, until};

const RELOADS: u64 = 1_000;
/// Posts among four times as many events, for the daemon to read meanwhile: a third of what an unoptimised build can do
/// on two idle cores, so that reloads on a busy machine do not outlast it.
const POSTS: u64 = 70_000;
/// Events per second.
const RATE: f64 = 16_000.0;
const HEAD: &str = "[pack]\nbrand = \"acme\"\nowner = \"care@acme.example\"\n";

fn rule(id: &str, fields: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\nteam = \"support\"\n{fields}\n")
}

/// What the daemon says of its rules.
fn rules(client: &Client) -> Value {
    client.get("/api/v1/rules")
}

/// Waits for the end of the reload after `before`.
fn reloaded(client: &Client, before: &Value) -> Value {
    until("the rules are read again", || {
        let now = rules(client);
        (now["last_reload_at"] != before["last_reload_at"]).then_some(now)
    })
}

/// Set `number`: two rules, one of which needs a list of its own, in a folder that a link is then swapped to. Every
/// tenth is bad in one of three ways.
fn put_set(folder: &Path, number: u64) {
    let version = folder.join(format!("..v{number}"));
    fs::create_dir(&version).unwrap();
    let lists = "[lists]\nwords = \"words.txt\"\n";
    let test = |id: &str, text: &str| format!("tests = [{{ text = '{text}', match = true }}]\n# {id}");
    let first = rule(&format!("a-{number}"), &format!("query = 'acme'\n{}", test("a", "acme")));
    let word = format!("word{number}");
    let second = format!("query = 'list:words -other{number}'\n{}", test("b", &format!("{word} here")));
    let second = rule(&format!("b-{number}"), &second);
    let bad = match number % 30 {
        0 => "[[rule]]\nid = 7\n".to_owned(),
        10 => rule("c", "query = 'acme'\ntests = [{ text = 'other', match = true }]"),
        20 => "this is not TOML".to_owned(),
        _ => String::new(),
    };
    fs::write(version.join("words.txt"), format!("cloud\n{word}\n")).unwrap();
    fs::write(version.join("pack.toml"), format!("{HEAD}{lists}{first}{second}{bad}")).unwrap();
    symlink(format!("..v{number}"), folder.join("..next")).unwrap();
    fs::rename(folder.join("..next"), folder.join("..data")).unwrap();
}

fn is_bad(number: u64) -> bool {
    number.is_multiple_of(10)
}

/// The number of the one set whose rules both matched.
fn set_of(body: &[u8]) -> u64 {
    let matches = Body::decode(body).unwrap().matches;
    let names: Vec<(&str, &str)> = matches.iter().map(|found| found.rule.split_once('-').unwrap()).collect();
    let [("a", first), ("b", second)] = names[..] else { panic!("half a set: {names:?}") };
    assert_eq!(first, second, "two sets: {names:?}");
    first.parse().unwrap()
}

#[test]
fn a_thousand_reloads_under_load_lose_nothing_and_no_event_sees_half_a_set() {
    let reloads =
        std::env::var("BIRDDOG_RELOADS").ok().and_then(|count| count.parse().ok()).unwrap_or(RELOADS);
    let numbered = Numbered::serve_kept(Dice::from_environment("reload").below(u64::MAX), POSTS, RATE);
    let site = Site::with_one_rule(&numbered.feed.url(), "50ms");
    // Small batches, so that many sets get their turn.
    site.configure("[source.batch]\nframes_max = 64\n");
    let folder = site.rules();
    fs::remove_file(folder.join("acme.toml")).unwrap();
    put_set(&folder, 1);
    for name in ["pack.toml", "words.txt"] {
        symlink(format!("..data/{name}"), folder.join(name)).unwrap();
    }
    let mut daemon = site.start();
    let client = daemon.listening();

    let started = Instant::now();
    let mut before = rules(&client);
    for number in 2..reloads + 2 {
        put_set(&folder, number);
        daemon.signal("HUP");
        let now = reloaded(&client, &before);
        let expected = if is_bad(number) { "refused" } else { "applied" };
        assert_eq!(now["last_reload"], expected, "set {number}: {now}");
        before = now;
        fs::remove_dir_all(folder.join(format!("..v{}", number - 1))).unwrap();
    }
    let took = started.elapsed();
    let under_load = client.metrics().flow().received;
    until("the store has dealt with the last event", || numbered.is_read_to_end(&site.store()).then_some(()));
    let metrics = client.metrics();
    let count = |result: &str| metrics.sum("birddog_rules_reload_total", &[&format!("result=\"{result}\"")]);
    let bad = (2..reloads + 2).filter(|number| is_bad(*number)).count() as u64;
    assert_eq!((count("applied"), count("refused")), (reloads - bad, bad));
    assert!(metrics.flow().is_conserved(), "{:?}", metrics.flow());
    daemon.stop();

    let posts = numbered.check(&site.store());
    let sets: BTreeSet<u64> = bodies(&site.store()).iter().map(|body| set_of(body)).collect();
    assert!(sets.iter().all(|number| !is_bad(*number)), "a bad set was used");
    let sets = sets.len() as u64;
    println!("reload: {reloads} in {took:?}, {bad} refused, while {under_load} events were read");
    println!("reload: {posts} posts, each matched by one of {sets} whole sets");
    assert!(sets > reloads / 20, "{sets} sets are too few to mean anything");
}

/// A daemon with one rule on a feed of `posts` numbered posts.
fn daemon(posts: u64) -> (Feed, Site, Process, Client) {
    let story = Story::new(7, Timestamp::from_micros(1_767_225_600_000_000)).numbered(posts);
    let feed = Feed::serve(FeedOptions::lines(story));
    let site = Site::with_one_rule(&feed.url(), "50ms");
    let mut process = site.start();
    let client = process.listening();
    (feed, site, process, client)
}

fn reloads(client: &Client, result: &str) -> u64 {
    client.metrics().sum("birddog_rules_reload_total", &[&format!("result=\"{result}\"")])
}

fn ids(changed: &str, log: &str) -> String {
    let is_audit = |line: &&str| line.contains("birddog::audit") && line.contains("rules reloaded");
    let last: Value = serde_json::from_str(log.lines().rfind(is_audit).unwrap()).unwrap();
    last[changed].as_str().unwrap().to_owned()
}

#[test]
fn an_edit_is_taken_up_a_mistake_is_refused_and_shown_and_its_repair_too() {
    let (_feed, site, mut daemon, client) = daemon(1);
    let pack = site.rules().join("acme.toml");
    let start = rules(&client);
    assert_eq!((&start["live"], &start["last_reload"]), (&json!(1), &Value::Null), "{start}");

    // As careful editors do it: a swap file, the whole beside it, renamed over.
    let two = format!(
        "{HEAD}{}{}",
        rule("acme", "query = 'acme'\npriority = \"high\""),
        rule("new", "query = 'box'")
    );
    for name in [".acme.toml.swp", "4913", "acme.toml~"] {
        fs::write(site.rules().join(name), "what the editor keeps").unwrap();
    }
    fs::write(site.rules().join(".acme.toml.new"), &two).unwrap();
    fs::rename(site.rules().join(".acme.toml.new"), &pack).unwrap();
    let edited = reloaded(&client, &start);
    assert_eq!((&edited["last_reload"], &edited["live"]), (&json!("applied"), &json!(2)), "{edited}");
    assert_ne!(edited["version"], start["version"]);
    assert_eq!(client.get("/status")["rules"]["version"], edited["version"]);
    assert_eq!(ids("added", &daemon.log()), "new");
    assert_eq!(ids("changed", &daemon.log()), "acme (tests, priority low -> high)");

    // In place, with a test that fails.
    let failing = rule("bad", "query = 'cup'\ntests = [{ text = 'box', match = true }]");
    fs::write(&pack, format!("{two}{failing}")).unwrap();
    let refused = reloaded(&client, &edited);
    assert_eq!((&refused["last_reload"], &refused["version"]), (&json!("refused"), &edited["version"]));
    let status = client.get("/status");
    let error = status["rules"]["last_error"].as_str().unwrap();
    assert!(error.contains("acme.toml:17:") && error.contains("rule bad must match"), "{error}");
    assert_eq!(reloads(&client, "refused"), 1);
    assert!(daemon.log().contains("rules refused, the old ones stay in use"));
    let shown =
        Command::new(env!("CARGO_BIN_EXE_birddog")).args(["rules", "status", "--api", &client.base]).output();
    let shown = shown.unwrap();
    assert_eq!(shown.status.code(), Some(1));
    assert!(String::from_utf8(shown.stdout).unwrap().contains("rule bad must match"));

    // Put right again: nothing has changed since the set in use.
    fs::write(&pack, &two).unwrap();
    let mended = reloaded(&client, &refused);
    assert_eq!(
        (&mended["last_reload"], &mended["last_error"]),
        (&json!("unchanged"), &Value::Null),
        "{mended}"
    );

    // A signal reads at once, whether or not anything has changed.
    daemon.signal("HUP");
    assert_eq!(reloaded(&client, &mended)["last_reload"], "unchanged");
    assert_eq!(reloads(&client, "applied"), 1, "swap files were taken for rules");
    let by_status =
        |status: &str| client.metrics().sum("birddog_rules_loaded", &[&format!("status=\"{status}\"")]);
    assert_eq!((by_status("live"), by_status("shadow")), (2, 0));
    daemon.stop();
}

#[test]
fn a_team_that_comes_with_a_reload_can_be_handed_work() {
    let (_feed, site, mut daemon, client) = daemon(3);
    let claimed = until("there is work", || {
        let claim = json!({"team": "support", "agent": "ann", "lease": "1h", "max": 1});
        client.post("/api/v1/queue/claim", &claim)["items"].as_array()?.first().cloned()
    });
    let before = rules(&client);
    let pack = format!(
        "{HEAD}{}[[rule]]\nid = \"vip\"\nteam = \"vip-care\"\nquery = 'vip'\n",
        rule("acme", "query = 'acme'")
    );
    fs::write(site.rules().join("acme.toml"), pack).unwrap();
    assert_eq!(reloaded(&client, &before)["last_reload"], "applied");
    let path = format!("/api/v1/items/{}/handoff", claimed["id"].as_str().unwrap());
    let handed =
        client.post(&path, &json!({"agent": "ann", "to_team": "vip-care", "reason": "asks for them"}));
    assert_eq!(handed["item"]["team"], "vip-care");
    daemon.stop();
}

#[test]
fn work_of_a_team_that_a_reload_renames_can_still_be_claimed() {
    let (_feed, site, mut daemon, client) = daemon(3);
    until("there is work", || {
        let items = client.get("/api/v1/items?team=support");
        (items["items"].as_array()?.len() == 3).then_some(())
    });
    let before = rules(&client);
    let pack = format!("{HEAD}{}", rule("acme", "query = 'acme'").replace("support", "care"));
    fs::write(site.rules().join("acme.toml"), pack).unwrap();
    assert_eq!(reloaded(&client, &before)["last_reload"], "applied");
    let claim = json!({"team": "support", "agent": "ann", "lease": "1h", "max": 10});
    assert_eq!(client.post("/api/v1/queue/claim", &claim)["items"].as_array().unwrap().len(), 3);
    daemon.stop();
}

#[test]
fn a_pipe_among_the_rules_is_refused_and_the_next_edit_is_taken_up() {
    let (_feed, site, mut daemon, client) = daemon(1);
    let (pipe, before) = (site.rules().join("zz.txt"), rules(&client));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refused = reloaded(&client, &before);
    assert_eq!(refused["last_reload"], "refused");
    let error = refused["last_error"].as_str().unwrap();
    assert!(error.contains("zz.txt is no regular file"), "{error}");
    fs::remove_file(&pipe).unwrap();
    let mended = reloaded(&client, &refused);
    fs::write(site.rules().join("acme.toml"), format!("{HEAD}{}", rule("new", "query = 'box'"))).unwrap();
    assert_eq!(reloaded(&client, &mended)["last_reload"], "applied");
    daemon.stop();
}

#[test]
fn what_a_reload_refuses_does_not_start_either() {
    let failing = "query = 'acme'\ntests = [{ text = 'box', match = true }]";
    let denied = "query = 'acme OR xq'";
    for (fields, said) in [(failing, "must match"), (denied, "short-term")] {
        // The story has an end, which the feed collects it up to.
        let story = Story::new(7, Timestamp::from_micros(1_767_225_600_000_000)).numbered(1);
        let feed = Feed::serve(FeedOptions::lines(story));
        let site = Site::with_one_rule(&feed.url(), "50ms");
        site.set("[rules]", "[rules]\ndeny = [\"short-term\"]");
        let mut daemon = site.start();
        let client = daemon.listening();
        let before = rules(&client);
        fs::write(site.rules().join("acme.toml"), format!("{HEAD}{}", rule("acme", fields))).unwrap();
        let refused = reloaded(&client, &before);
        assert_eq!(refused["last_reload"], "refused", "{refused}");
        daemon.stop();
        let mut again = site.start();
        assert_eq!(again.ended().0.code(), Some(64));
        assert!(again.log().contains(said), "{}", again.log());
    }
}

#[test]
fn a_shadow_rule_is_counted_and_sampled_and_makes_no_work() {
    let feed = Feed::serve(FeedOptions::lines(
        Story::new(7, Timestamp::from_micros(1_767_225_600_000_000)).numbered(200),
    ));
    let site = Site::with_one_rule(&feed.url(), "50ms");
    let shadow = rule("acme", "query = 'acme'\nstatus = \"shadow\"\nexpect_per_day = [0, 10]");
    fs::write(site.rules().join("acme.toml"), format!("{HEAD}{shadow}")).unwrap();
    let mut daemon = site.start();
    let client = daemon.listening();
    let labels = ["rule=\"acme\"", "status=\"shadow\""];
    until("all are counted", || {
        (client.metrics().sum("birddog_rule_matches_total", &labels) == 200).then_some(())
    });
    let answer = client.get("/api/v1/rules/acme/samples");
    let samples = answer["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 20);
    assert!(samples[0]["text"].as_str().unwrap().contains("case-000199"), "{}", samples[0]);
    assert_eq!(client.metrics().sum("birddog_items_stored_total", &[]), 0);
    until("its matches are shown", || {
        (rules(&client)["shadow_matches"] == json!([{ "rule": "acme", "matches": 200 }])).then_some(())
    });
    let (code, said) = client.text("/api/v1/rules/acne/samples");
    assert!(code == 404 && said.contains("there is no rule acne; did you mean acme?"), "{said}");

    let before = rules(&client);
    let edited = rule("acme", "query = 'acme box'\nstatus = \"shadow\"");
    fs::write(site.rules().join("acme.toml"), format!("{HEAD}{edited}")).unwrap();
    let before = reloaded(&client, &before);
    assert_eq!(client.get("/api/v1/rules/acme/samples")["samples"], json!([]), "they were of the old query");
    fs::write(site.rules().join("acme.toml"), format!("{HEAD}{}", rule("acme", "query = 'acme'"))).unwrap();
    let live = reloaded(&client, &before);
    assert_eq!((&live["live"], &live["shadow"]), (&json!(1), &json!(0)));
    let (code, said) = client.text("/api/v1/rules/acme/samples");
    assert!(code == 404 && said.contains("acme is live: what it matches is work"), "{said}");
    daemon.stop();
}
