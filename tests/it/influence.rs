//! Influence from the stream: whoever is answered, shared and liked by many is heard sooner. From bytes to items.

use std::fs;
use std::process::{Command, Output};
use std::sync::Arc;

use birddog::feed::FeedOptions;
use birddog::formats::{Batch, BatchBuilder};
use birddog::line::{BatchOutcome, Handles, Worker};
use birddog::model::{Commit, Factors, Moment, Position, Timestamp};
use birddog::rules::RuleSet;
use birddog::rules::parse::parse;
use birddog::rules::term::Fold;
use birddog::score::TrainedScorer;
use birddog::triage::{self, Triage};
use serde_json::Value;

use crate::dice::Dice;
use crate::process::{Feed, Site, until};
use crate::vocabulary::info;

const START_US: u64 = 1_767_225_600_000_000;
const CID: &str = "bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const ANN: u64 = 1_000_001;
const BEN: u64 = 1_000_002;
const CAT: u64 = 1_000_003;
const DAN: u64 = 1_000_004;

/// Made-up events in the form in which servers write them, a second apart.
#[derive(Default)]
struct Stream {
    lines: Vec<String>,
}

fn did(account: u64) -> String {
    format!("did:plc:{account:0>24}")
}

impl Stream {
    fn push(&mut self, by: u64, collection: &str, record: &str) {
        let at = self.lines.len() as u64;
        let (did, time_us) = (did(by), START_US + at * 1_000_000);
        self.lines.push(format!(
            r#"{{"did":"{did}","time_us":{time_us},"kind":"commit","commit":{{"rev":"3l3{at:0>10}","operation":"create","collection":"{collection}","rkey":"3l3{at:0>10}","record":{{"$type":"{collection}","createdAt":"2026-01-01T00:00:00.000Z",{record}}},"cid":"{CID}"}}}}"#
        ));
    }

    fn post(&mut self, by: u64, text: &str) {
        self.push(by, "app.bsky.feed.post", &format!(r#""langs":["en"],"text":"{text}""#));
    }

    /// `by` engages with a post of `author`, in one of three ways.
    fn engage(&mut self, by: u64, author: u64, how: u64) {
        let target =
            format!(r#"{{"cid":"{CID}","uri":"at://{}/app.bsky.feed.post/3l3aaaaaaaaaa"}}"#, did(author));
        match how % 3 {
            0 => self.push(by, "app.bsky.feed.like", &format!(r#""subject":{target}"#)),
            1 => self.push(by, "app.bsky.feed.repost", &format!(r#""subject":{target}"#)),
            _ => self.push(
                by,
                "app.bsky.feed.post",
                &format!(
                    r#""langs":["en"],"reply":{{"parent":{target},"root":{target}}},"text":"so true, dear""#
                ),
            ),
        }
    }
}

/// Ann is answered, shared and liked by 300, Ben 300 times by one, Cat 300 times by herself, Dan by nobody. All four
/// then say the same.
fn stream() -> Stream {
    let mut stream = Stream::default();
    for at in 0..300 {
        stream.engage(at, ANN, at);
        stream.engage(7, BEN, at);
        stream.engage(CAT, CAT, at);
    }
    for author in [ANN, BEN, CAT, DAN] {
        stream.post(author, "acme is down again");
    }
    stream
}

fn influence_of(items: &[Value], account: u64) -> f64 {
    let of = |item: &&Value| item["post"]["author"]["id"] == *did(account);
    let item = items.iter().find(of).unwrap_or_else(|| panic!("{account} has no item in {items:?}"));
    item["priority"]["factors"]["influence"].as_f64().unwrap()
}

fn assert_as_engaged(items: &[Value]) {
    let of = |account| influence_of(items, account);
    // 300 engagers are 0.496 on the scale. The daemon's seed is random: of 4,000 seeds 52 are off by more than a factor
    // of two, which is 0.06, and none by more than 0.14.
    assert!((0.36..0.64).contains(&of(ANN)), "{}", of(ANN));
    assert!((0.05..0.08).contains(&of(BEN)), "{}", of(BEN));
    assert_eq!((of(CAT), of(DAN)), (0.0, 0.0));
    let score = |account: u64| {
        let of = |item: &&Value| item["post"]["author"]["id"] == *did(account);
        items.iter().find(of).unwrap()["priority"]["score"].as_u64().unwrap()
    };
    assert!(score(ANN) > score(BEN) && score(BEN) >= score(DAN), "{} {}", score(ANN), score(BEN));
}

fn scan(lines: &[String], args: &[&str], settings: &str) -> (Vec<Value>, Output) {
    let folder = tempfile::tempdir().unwrap();
    let pack = "[pack]\nbrand = \"acme\"\nowner = \"care@acme.example\"\n\
                [[rule]]\nid = \"acme\"\nquery = 'acme'\nteam = \"support\"\n";
    fs::create_dir(folder.path().join("rules")).unwrap();
    fs::write(folder.path().join("rules/acme.toml"), pack).unwrap();
    fs::write(folder.path().join("birddog.toml"), settings).unwrap();
    fs::write(folder.path().join("events.jsonl"), lines.join("\n") + "\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_birddog"));
    let output = command
        .args(["scan", "--input", "events.jsonl"])
        .args(args)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let items = String::from_utf8(output.stdout.clone()).unwrap();
    (items.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output)
}

#[test]
fn scan_hears_an_author_whom_many_engage_with_before_one_whom_a_single_account_likes_all_day() {
    let stream = stream();
    let factors =
        |items: &[Value]| -> Vec<Value> { items.iter().map(|item| item["priority"].clone()).collect() };
    let (items, _) = scan(&stream.lines, &["--workers", "1"], "");
    assert_as_engaged(&items);
    let (again, _) = scan(&stream.lines, &["--workers", "4"], "");
    assert_eq!(factors(&items), factors(&again), "the same whatever the number of workers");
    let (off, _) = scan(&stream.lines, &[], "[influence]\nstream = false\n");
    assert_eq!(influence_of(&off, ANN), 0.0);
    let (alone, _) = scan(&stream.lines, &["--no-dedupe"], "");
    assert_eq!(influence_of(&alone, ANN), 0.0);
}

#[test]
fn the_daemon_counts_engagers_from_the_live_stream_and_shows_it_in_its_metrics() {
    let stream = stream();
    let feed = Feed::serve(FeedOptions::lines(stream.lines.clone()));
    let site = Site::with_one_rule(&feed.url(), "5s");
    let mut daemon = site.start();
    let client = daemon.listening();
    client.triaged(stream.lines.len() as u64);
    let items = until("four items are listed", || {
        let items = client.get("/api/v1/items?limit=10")["items"].as_array().unwrap().clone();
        (items.len() == 4).then_some(items)
    });
    assert_as_engaged(&items);
    let [engagements, authors] = until("what was counted is shown", || {
        let metrics = client.metrics();
        let shown = ["birddog_influence_engagements_total", "birddog_influence_author_entries"]
            .map(|name| metrics.sum(name, &[]));
        (shown[0] > 0).then_some(shown)
    });
    assert_eq!((engagements, authors), (600, 2), "Cat's own do not count");
    daemon.stop();
}

fn worker() -> Worker {
    Worker::new(Arc::new(TrainedScorer::default()), Arc::new(Handles::default()), 2 << 20)
        .noting_engagements(Some(0))
}

fn rules() -> RuleSet {
    let query = parse("acme", Fold::Standard, &|_: &str| None).unwrap();
    RuleSet::compile(vec![(info(0), &query)])
}

fn batches(lines: &[String], dice: &mut Dice) -> Vec<Batch> {
    let mut rest = lines;
    let mut batches = Vec::new();
    while !rest.is_empty() {
        let (some, others) = rest.split_at((1 + dice.below(40) as usize).min(rest.len()));
        let mut batch = BatchBuilder::default();
        some.iter().for_each(|line| batch.push(line.as_bytes(), Timestamp::from_micros(START_US as i64 * 2)));
        batches.push(batch.finish(&Arc::from("sky"), batches.len() as u64, Position(0)));
        rest = others;
    }
    batches
}

/// What the items say when the lines come in batches cut by chance, taken by three workers.
fn factors(lines: &[String], seed: u64) -> Vec<Factors> {
    let mut dice = Dice::new(seed);
    let (rules, mut workers) = (rules(), [worker(), worker(), worker()]);
    let outcomes: Vec<BatchOutcome> = batches(lines, &mut dice)
        .iter()
        .map(|batch| workers[dice.below(3) as usize].process(batch, &rules))
        .collect();
    let (mut triage, mut commit) = (Triage::new(triage::Config::default()), Commit::default());
    for outcome in outcomes {
        triage.apply(outcome, Moment::at(Timestamp::from_micros(START_US as i64 * 2)), &mut commit);
    }
    commit.new_items().map(|item| item.factors).collect()
}

#[test]
fn influence_rests_on_what_came_before_the_post_wherever_batches_end_and_whoever_works_on_them() {
    let mut dice = Dice::new(11);
    let mut stream = Stream::default();
    for at in 0..2_000 {
        let (by, author) = (dice.below(300), dice.below(20));
        stream.engage(by, author, dice.below(3));
        if at % 10 == 9 {
            stream.post(dice.below(20), "acme is down again");
        }
    }
    let once = factors(&stream.lines, 1);
    assert_eq!(once.len(), 200);
    let distinct =
        once.iter().map(|factors| factors.influence.to_bits()).collect::<std::collections::BTreeSet<_>>();
    assert!(distinct.len() > 50, "influence grows from post to post");
    for seed in 2..6 {
        assert_eq!(once, factors(&stream.lines, seed));
    }
}
