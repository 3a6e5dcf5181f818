//! What a durable commit costs: items a second and CPU per item at commit sizes 1, 100 and 1,000, and how long a
//! commit takes; then what it costs to close and to forget as many items as come in. Run with
//! `cargo bench --bench store [ITEMS]`. A benchmark is also a test: the rows are counted.

#![allow(clippy::print_stdout, reason = "a benchmark reports on standard output")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use birddog::model::body::{Address, Body, BodyMatch, BodyPost};
use birddog::model::{
    About, AboutPost, Change, Commit, Factors, ItemId, ItemState, Key, Keyring, Lane, Moment, NewItem,
    Position, PostGone, Scores, Sentiment, SentimentLabel, Steady, Timestamp,
};
use birddog::store::{Config, Store};
use smallvec::smallvec;

const URI: &str = "at://did:plc:abcdefghijklmnopqrstuvwx/app.bsky.feed.post/3l3qpyxkfzs2a";
const TEAMS: [&str; 5] = ["support", "sales", "aftersales", "marketing", "pr"];

fn main() {
    let items = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(300_000);
    println!("commit    outbox  items/s   µs CPU/item   p50 ms   p99 ms   max ms   bytes/item on disk");
    for (size, count, keep_outbox) in
        [(1, 500, false), (100, items / 4, false), (1_000, items, false), (1_000, items, true)]
    {
        measure(size, count, keep_outbox);
    }
    println!(
        "\nretention   items closed/s   forgotten/s   p50 ms   p99 ms   max ms   items left   bytes on disk"
    );
    for retention in [None, Some(RETENTION)] {
        measure_forgetting(items, retention);
    }
}

/// Seconds that closed items are kept, at one commit a second.
const RETENTION: u64 = 10;

/// Every commit makes a thousand items and closes those of the one before; with a retention, those closed some commits
/// ago go at the same time.
fn measure_forgetting(count: u64, retention: Option<u64>) {
    const SIZE: u64 = 1_000;
    let dir = tempfile::tempdir_in(".").expect("the bench runs in a folder it can write to");
    let kept = Duration::from_secs(retention.unwrap_or(u64::from(u32::MAX)));
    let config =
        Config { path: dir.path().join("bench.db"), retention: kept, seen_window: kept, ..Config::default() };
    let mut writer = Store::open(&config, false).expect("a new store opens").into_writer();
    let body = body();
    let mut took = Vec::new();
    for first in (0..count).step_by(SIZE as usize) {
        let mut commit = commit(first, SIZE, &body);
        commit.now.steady = Steady::from_micros((first / SIZE) as i64 * 1_000_000);
        for change in &mut commit.changes {
            let Change::New(item) = change else { unreachable!("a commit of new items") };
            item.created_at = commit.now;
        }
        commit.changes.extend((first.saturating_sub(SIZE)..first).map(gone));
        took.push(writer.commit(&commit).expect("the disk has room").took);
    }
    let wall: Duration = took.iter().sum();
    drop(writer);
    let by_state =
        Store::open(&config, false).expect("it opens again").reader().counts().expect("and reads").by_state;
    let left: u64 = by_state.iter().sum();
    // What is closed now is forgotten so many commits later.
    let most = retention.map_or(count, |commits| (commits + 3) * SIZE);
    assert!(left <= most && by_state[ItemState::New as usize] == SIZE, "{by_state:?}, at most {most} in all");
    took.sort();
    let ms = |place: usize| took[place].as_secs_f64() * 1e3;
    println!(
        "{:9}   {:14.0}   {:11.0}   {:6.2}   {:6.2}   {:6.2}   {left:10}   {:13}",
        retention.map_or("for ever".to_owned(), |seconds| format!("{seconds} s")),
        (count - SIZE) as f64 / wall.as_secs_f64(),
        (count - left) as f64 / wall.as_secs_f64(),
        ms(took.len() / 2),
        ms(took.len() * 99 / 100),
        ms(took.len() - 1),
        bytes_of(&config.path),
    );
}

/// Its author deletes post `n`.
fn gone(n: u64) -> Change {
    let (post, event) = (key(n, 1), key(n, 4));
    Change::PostGone(PostGone { network: "bluesky", uri: URI.into(), post, cluster: Some(post), event })
}

fn measure(size: u64, count: u64, keep_outbox: bool) {
    let dir = tempfile::tempdir_in(".").expect("the bench runs in a folder it can write to");
    let config = Config { path: dir.path().join("bench.db"), ..Config::default() };
    let mut writer = Store::open(&config, keep_outbox).expect("a new store opens").into_writer();
    let body = body();
    let mut took = Vec::new();
    let mut cpu = Duration::ZERO;
    for first in (0..count).step_by(size as usize) {
        let commit = commit(first, size, &body);
        let before = cpu_now();
        took.push(writer.commit(&commit).expect("the disk has room").took);
        cpu += cpu_now() - before;
    }
    let wall: Duration = took.iter().sum();
    drop(writer);
    let counts =
        Store::open(&config, keep_outbox).expect("it opens again").reader().counts().expect("and reads");
    assert_eq!((counts.stored, counts.by_state[ItemState::New as usize]), (count, count), "every item, once");
    took.sort();
    let ms = |place: usize| took[place].as_secs_f64() * 1e3;
    println!(
        "{size:6}    {keep_outbox:6}  {:7.0}   {:11.2}   {:6.2}   {:6.2}   {:6.2}   {:6.0}",
        count as f64 / wall.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / count as f64,
        ms(took.len() / 2),
        ms(took.len() * 99 / 100),
        ms(took.len() - 1),
        bytes_of(&config.path) as f64 / count as f64,
    );
}

fn commit(first: u64, size: u64, body: &[u8]) -> Commit {
    let now = Moment::at(Timestamp::from_micros(1_725_911_162_000_000 + first as i64 * 10));
    Commit {
        now,
        positions: vec![(Arc::from("jetstream"), Position(first))],
        seen: (first..first + size).map(|n| key(n, 1)).collect(),
        changes: (first..first + size).map(|n| Change::New(Box::new(item(n, now, body)))).collect(),
        ..Commit::default()
    }
}

fn item(n: u64, now: Moment, body: &[u8]) -> NewItem {
    let post = key(n, 1);
    NewItem {
        id: ItemId(key(n, 2).0),
        team: Arc::from(TEAMS[(post.low() % 5) as usize]),
        brand: Arc::from("acme"),
        score: (post.low() % 100) as u8,
        lane: Lane::from_index((post.low() % 4) as u8),
        factors: Factors::default(),
        about: About::Post(AboutPost {
            cluster: post,
            post,
            author: key(n % 50_000, 3),
            ..AboutPost::default()
        }),
        created_at: now,
        due_at: now.wall + Duration::from_secs(900),
        received_at: now.wall,
        body: body.to_owned(),
    }
}

fn key(n: u64, kind: u64) -> Key {
    Keyring::FIXED.event(Key(n.into()), &kind.to_string())
}

fn body() -> Vec<u8> {
    let text = "x".repeat(280);
    let post = BodyPost {
        source: "bluesky",
        uri: URI,
        url: Address::OfUri,
        text: &text,
        created_at: Timestamp::from_micros(1_725_911_162_000_000),
        received_at: Timestamp::from_micros(1_725_911_162_200_000),
        hashtags: smallvec!["outage"],
        ..BodyPost::default()
    };
    let sentiment = Sentiment { score: -0.72, label: SentimentLabel::Negative, confidence: 0.9 };
    let scores = Scores { sentiment, urgency: 0.81, ..Scores::default() };
    let found = BodyMatch { rule: "acme-outage", spans: vec![(0, 10)].into() };
    Body { scores, lang: "en", matches: smallvec![found], post, ..Body::default() }.encode()
}

/// CPU time of this thread so far, which does all the work here, in the scheduler's nanoseconds (Linux).
fn cpu_now() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0);
    Duration::from_nanos(nanoseconds)
}

fn bytes_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}
