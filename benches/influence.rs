//! What counting engagements costs, in nanoseconds for each: `cargo bench --bench influence`.
//!
//! Two parts: noting it in a worker (the same frames with and without), and counting it where it is settled, over as many
//! authors as a busy day has. The answers are checked.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on says so by panicking")]

use std::sync::Arc;
use std::time::Instant;

use birddog::formats::{Batch, BatchBuilder};
use birddog::line::{Handles, Worker};
use birddog::model::{Lane, Position, RuleInfo, RuleStatus, Timestamp, stable_hash};
use birddog::rules::RuleSet;
use birddog::rules::parse::parse;
use birddog::rules::term::Fold;
use birddog::score::influence::{Audience, Config};
use birddog::score::{Engagement, TrainedScorer};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

const ROUNDS: usize = 25;
const BATCHES: usize = 100;
const FRAMES: usize = 1_000;
const AT: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const CID: &str = "bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

type MakeFrame = fn(&mut SmallRng) -> String;

fn main() {
    let mut random = SmallRng::seed_from_u64(7);
    let kinds: [(&str, MakeFrame); 5] = [
        ("like", like),
        ("like via a repost", like_via),
        ("repost", repost),
        ("answer", answer),
        ("post", post),
    ];
    for (name, frame) in kinds {
        noting(name, &batches(frame, &mut random));
    }
    counting(&mut random);
}

fn noting(name: &str, batches: &[Batch]) {
    let cost = |is_on: bool| {
        let rules = rules();
        let mut worker = Worker::new(Arc::new(TrainedScorer::new()), Arc::new(Handles::default()), 2 << 20)
            .noting_engagements(is_on.then_some(0));
        let noted = if is_on && name != "post" { FRAMES } else { 0 };
        least(batches, FRAMES, |batch| {
            assert_eq!(worker.process(batch, &rules).engagements.list.len(), noted)
        })
    };
    let (off, on) = (cost(false), cost(true));
    println!("noting   {:6.1} ns a {name} more: {off:.1} without, {on:.1} with", on - off);
}

fn counting(random: &mut SmallRng) {
    const ENGAGEMENTS: usize = 2_000_000;
    const BATCH: usize = 500;
    // The square of a uniform number favours the first authors: a few great ones and many small.
    let engagements: Vec<Engagement> = (0..ENGAGEMENTS)
        .map(|_| {
            let uniform: f64 = random.random();
            let author = (uniform * uniform * uniform * 1e6) as u64;
            Engagement { author: account(author), by: account(random.random_range(0..500_000)) }
        })
        .collect();
    let mut audience = Audience::new(&Config::default(), 5);
    let batches: Vec<&[Engagement]> = engagements.chunks(BATCH).collect();
    let cost = least(&batches, BATCH, |batch| audience.hear(batch, AT));
    assert_eq!(audience.heard(), (ENGAGEMENTS * ROUNDS) as u64);
    let mut sum = 0.0;
    let asked = least(&batches[..100], BATCH, |batch| {
        sum += batch.iter().map(|engagement| audience.engagers(engagement.author, AT)).sum::<f32>();
    });
    assert!(sum > (100 * BATCH * ROUNDS) as f32, "{sum}");
    let (authors, evicted) = audience.memory();
    println!(
        "counting {cost:6.1} ns an engagement, {asked:.0} ns a question; {authors} authors, {evicted} evicted"
    );
}

/// Nanoseconds for each of the `size` of every batch: the sum of the batches' best rounds, so that neighbours on a busy
/// machine hardly show. A round goes through all batches before the next, so that none is still in the nearest cache.
fn least<B>(batches: &[B], size: usize, mut run: impl FnMut(&B)) -> f64 {
    let mut best = vec![f64::INFINITY; batches.len()];
    for _ in 0..ROUNDS {
        for (batch, best) in batches.iter().zip(&mut best) {
            let started = Instant::now();
            run(batch);
            *best = best.min(started.elapsed().as_secs_f64());
        }
    }
    best.iter().sum::<f64>() * 1e9 / (batches.len() * size) as f64
}

fn account(number: u64) -> u64 {
    stable_hash(format!("did:plc:{number:0>24}").as_bytes())
}

fn batches(frame: MakeFrame, random: &mut SmallRng) -> Vec<Batch> {
    let source = Arc::from("bench");
    let batch = |sequence| {
        let mut batch = BatchBuilder::default();
        (0..FRAMES).for_each(|_| batch.push(frame(random).as_bytes(), AT));
        batch.finish(&source, sequence, Position(0))
    };
    (0..BATCHES as u64).map(batch).collect()
}

fn id(random: &mut SmallRng, len: usize) -> String {
    (0..len).map(|_| char::from(b'a' + random.random_range(0..26))).collect()
}

fn frame(random: &mut SmallRng, collection: &str, record: &str) -> String {
    let (did, rev, rkey) = (id(random, 24), id(random, 10), id(random, 10));
    format!(
        r#"{{"did":"did:plc:{did}","time_us":1725911162329308,"kind":"commit","commit":{{"rev":"3l3{rev}","operation":"create","collection":"app.bsky.feed.{collection}","rkey":"3l3{rkey}","record":{{"$type":"app.bsky.feed.{collection}","createdAt":"2024-09-09T19:46:02.102Z",{record}}},"cid":"{CID}"}}}}"#
    )
}

fn target(random: &mut SmallRng) -> String {
    let (did, rkey) = (id(random, 24), id(random, 10));
    format!(r#"{{"cid":"{CID}","uri":"at://did:plc:{did}/app.bsky.feed.post/3l3{rkey}"}}"#)
}

fn like(random: &mut SmallRng) -> String {
    let record = format!(r#""subject":{}"#, target(random));
    frame(random, "like", &record)
}

/// The subject is not where it is guessed first.
fn like_via(random: &mut SmallRng) -> String {
    let via = target(random).replace("feed.post", "feed.repost");
    let record = format!(r#""subject":{},"via":{via}"#, target(random));
    frame(random, "like", &record)
}

fn repost(random: &mut SmallRng) -> String {
    let record = format!(r#""subject":{}"#, target(random));
    frame(random, "repost", &record)
}

fn text(random: &mut SmallRng) -> String {
    (0..15).map(|_| id(random, 5)).collect::<Vec<_>>().join(" ")
}

fn answer(random: &mut SmallRng) -> String {
    let (parent, root, text) = (target(random), target(random), text(random));
    let record = format!(r#""langs":["en"],"reply":{{"parent":{parent},"root":{root}}},"text":"{text}""#);
    frame(random, "post", &record)
}

fn post(random: &mut SmallRng) -> String {
    let record = format!(r#""langs":["en"],"text":"{}""#, text(random));
    frame(random, "post", &record)
}

fn rules() -> RuleSet {
    let query = parse("acmecloud", Fold::Standard, &|_: &str| None).unwrap();
    let name = |text: &str| Arc::<str>::from(text);
    let info = RuleInfo {
        id: name("acme"),
        brand: name("acme"),
        team: name("support"),
        floor: Lane::Low,
        status: RuleStatus::Live,
        reply: None,
    };
    RuleSet::compile(vec![(info, &query)])
}
