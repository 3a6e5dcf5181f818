//! Frames that are wrong in every way: each is counted under its reason, and the good posts around them are stored.

use std::sync::Arc;

use birddog::feed::{Fault, Faults, FeedOptions};
use birddog::formats::BatchBuilder;
use birddog::line::{Handles, Signal, Worker};
use birddog::model::{Position, RejectReason, Timestamp};
use birddog::rules::RuleSet;
use birddog::rules::parse::parse;
use birddog::rules::term::Fold;
use birddog::score::TrainedScorer;

use crate::process::{Feed, Site, until};
use crate::vocabulary::info;

const FRAME_BYTES_MAX: usize = 2 << 20;
const NESTING: usize = 1_000_000;
const START_US: u64 = 1_767_225_600_000_000;

/// A post's frame, written as servers write it; `record` is the inside of the record.
fn frame(number: usize, record: &str) -> Vec<u8> {
    let time_us = START_US + number as u64 * 1_000;
    format!(
        "{{\"did\":\"did:plc:a{number}\",\"time_us\":{time_us},\"kind\":\"commit\",\"commit\":{{\"rev\":\"r{number}\",\
         \"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"k{number}\",\
         \"record\":{{{record}}},\"cid\":\"c\"}}}}"
    )
    .into_bytes()
}

fn text_of(number: usize) -> String {
    format!("acme is down, says number {number:03}")
}

fn good(number: usize) -> Vec<u8> {
    frame(number, &format!("\"langs\":[\"en\"],\"text\":\"{}\"", text_of(number)))
}

/// Good posts that look bad: odd where the protocol allows anything. `number` makes each one's text its own.
fn odd(number: usize) -> Vec<u8> {
    let text = format!("\"text\":\"{}\"", text_of(number));
    let facet = |range: &str| {
        let feature = "{\"$type\":\"app.bsky.richtext.facet#link\",\"uri\":\"https://x.example\"}";
        format!("\"facets\":[{{\"features\":[{feature}],\"index\":{range}}}]")
    };
    let extra = match number % 8 {
        0 => facet("{\"byteStart\":999999999,\"byteEnd\":1999999999}"),
        1 => facet("{\"byteStart\":-5,\"byteEnd\":-7}"),
        2 => facet("{\"byteStart\":9,\"byteEnd\":1}"),
        3 => facet("{\"byteStart\":1.5e300,\"byteEnd\":\"x\"}"),
        4 => facet("null"),
        5 => "\"facets\":{\"features\":7},\"langs\":7,\"tags\":{},\"embed\":[],\"reply\":3".to_owned(),
        6 => "\"embed\":{\"$type\":\"app.bsky.embed.images\",\"images\":[7,null,{\"alt\":[]}]}".to_owned(),
        _ => "\"createdAt\":\"yesterday\",\"langs\":[1,null,\"en\"]".to_owned(),
    };
    frame(number, &format!("{extra},{text}"))
}

/// Frames to be refused, each with its reason. Where the text matters it names acme, so that nobody may look away.
fn bad() -> Vec<(RejectReason, Vec<u8>)> {
    use RejectReason::{InvalidJson, InvalidUtf8, TooDeep, TooLarge, WrongShape};
    let whole = good(900);
    let cut = |at: usize| whole[..at].to_vec();
    let (open, close) = ("[".repeat(NESTING), "]".repeat(NESTING));
    let mut latin = good(901);
    let umlaut = latin.windows(4).position(|bytes| bytes == b"down").unwrap();
    latin[umlaut] = 0xFC;
    let in_head = b"{\"did\":\"did:plc:\xC3\x28\",\"time_us\":1,\"kind\":\"commit\",\"commit\":{}}".to_vec();
    vec![
        (InvalidJson, cut(whole.len() - 1)),
        (InvalidJson, cut(whole.len() - 20)),
        (InvalidJson, cut(whole.len() / 2)),
        (InvalidJson, cut(9)),
        (InvalidJson, b"{".to_vec()),
        (InvalidJson, b"acme is down".to_vec()),
        (InvalidJson, frame(902, "\"text\":\"acme \\x\"")),
        (InvalidJson, frame(903, "\"text\":\"acme\",,")),
        (InvalidUtf8, latin),
        (InvalidUtf8, in_head),
        (InvalidUtf8, vec![0xFF; 64]),
        (TooDeep, format!("{{\"did\":\"d\",\"kind\":\"commit\",\"x\":{open}{close}}}").into_bytes()),
        (TooDeep, frame(904, &format!("\"text\":\"acme\",\"x\":{}{}", &open[..9_000], &close[..9_000]))),
        (TooLarge, frame(905, &format!("\"text\":\"acme {}\"", "a".repeat(FRAME_BYTES_MAX)))),
        (TooLarge, vec![b'a'; 64 << 20]),
        (WrongShape, b"[]".to_vec()),
        (WrongShape, b"7".to_vec()),
        (WrongShape, b"{}".to_vec()),
        (WrongShape, b"{\"did\":7,\"time_us\":1,\"kind\":\"commit\"}".to_vec()),
        (WrongShape, b"{\"did\":\"d\",\"time_us\":1,\"kind\":[]}".to_vec()),
        (
            WrongShape,
            b"{\"did\":\"d\",\"time_us\":\"soon\",\"kind\":\"commit\",\"commit\":\"acme\"}".to_vec(),
        ),
        (WrongShape, frame(906, "\"text\":7")),
        (WrongShape, frame(907, "\"text\":[\"acme\"]")),
        (WrongShape, frame(908, "\"text\":{\"text\":\"acme\"}")),
    ]
}

/// Frames in which there is nothing to refuse and nothing to find.
fn empty() -> Vec<Vec<u8>> {
    vec![
        frame(950, "\"text\":\"\""),
        frame(951, ""),
        b"{\"did\":\"d\",\"time_us\":1,\"kind\":\"sync\",\"sync\":{}}".to_vec(),
        b" {\"kind\":\"unheard-of\",\"did\":\"d\",\"payload\":[1,2,3]} ".to_vec(),
    ]
}

/// Bad frames, each between a good post and an odd one.
fn mixture() -> (Vec<Vec<u8>>, Vec<String>) {
    let (mut frames, mut texts) = (Vec::new(), Vec::new());
    let others = bad().into_iter().map(|(_, frame)| frame).chain(empty());
    for (at, other) in others.enumerate() {
        frames.extend([good(2 * at), other, odd(2 * at + 1)]);
        texts.extend([text_of(2 * at), text_of(2 * at + 1)]);
    }
    (frames, texts)
}

fn count(reason: RejectReason) -> u64 {
    bad().iter().filter(|(wanted, _)| *wanted == reason).count() as u64
}

fn rules() -> RuleSet {
    let query = parse("acme", Fold::Standard, &|_: &str| None).unwrap();
    RuleSet::compile(vec![(info(0), &query)])
}

fn worker() -> Worker {
    Worker::new(Arc::new(TrainedScorer::default()), Arc::new(Handles::default()), FRAME_BYTES_MAX)
        .noting_engagements(Some(0))
}

#[test]
fn a_worker_counts_each_bad_frame_under_its_reason_and_finds_every_post_around_it() {
    let (frames, texts) = mixture();
    let mut batch = BatchBuilder::default();
    frames.iter().for_each(|frame| batch.push(frame, Timestamp::from_micros(START_US as i64)));
    let batch = batch.finish(&Arc::from("sky"), 0, Position(0));
    let mut worker = worker();
    let outcome = worker.process(&batch, &rules());

    let found: Vec<String> = outcome
        .signals
        .iter()
        .map(|signal| match signal {
            Signal::Mention(mention) => mention.post.text.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, texts);
    let rejected = outcome.counts.rejected;
    for reason in RejectReason::ALL {
        assert_eq!(rejected[reason as usize], count(reason), "{}", reason.as_str());
    }
    assert_eq!(outcome.counts.filtered, empty().len() as u64);
    let accounted = rejected.iter().sum::<u64>() + outcome.counts.filtered + found.len() as u64;
    assert_eq!(outcome.counts.received, accounted);
}

#[test]
fn each_bad_frame_is_refused_for_the_same_reason_when_it_comes_alone() {
    let rules = rules();
    for (at, (reason, frame)) in bad().into_iter().enumerate() {
        let mut worker = worker();
        let mut batch = BatchBuilder::default();
        batch.push(&frame, Timestamp::ZERO);
        let outcome = worker.process(&batch.finish(&Arc::from("sky"), 0, Position(0)), &rules);
        let start = String::from_utf8_lossy(&frame[..frame.len().min(80)]).into_owned();
        assert_eq!(outcome.counts.rejected[reason as usize], 1, "{at}: {start}, {:?}", outcome.counts);
    }
}

/// A message as a server sends it (RFC 6455 §5.2): `opcode` 1 is text, 2 is binary.
fn message(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match payload.len() {
        short @ 0..126 => out.push(short as u8),
        medium @ 126..65_536 => {
            out.push(126);
            out.extend((medium as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend((long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[test]
fn the_daemon_counts_bad_frames_and_the_stream_goes_on() {
    let (frames, mut texts) = mixture();
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| message(1, frame, &mut bytes));
    let binary = [&b"\x28\xB5\x2F\xFD"[..], &[0; 300], b""];
    binary.iter().for_each(|payload| message(2, payload, &mut bytes));
    let around = 700..720;
    let lines = around.clone().map(|number| String::from_utf8(good(number)).unwrap());
    texts.extend(around.clone().map(text_of));

    let mut options = FeedOptions::lines(lines);
    options.faults = Faults::first(vec![Fault::Inject { after: 10, bytes }]);
    let feed = Feed::serve(options);
    let site = Site::with_one_rule(&feed.url(), "1s");
    let mut daemon = site.start();
    let client = daemon.listening();
    let metrics = client.triaged((frames.len() + binary.len() + around.len()) as u64);

    for reason in RejectReason::ALL {
        let label = format!("reason=\"{}\"", reason.as_str());
        assert_eq!(metrics.sum("birddog_events_rejected_total", &[&label]), count(reason), "{label}");
    }
    assert_eq!(metrics.sum("birddog_events_rejected_total", &["reason=\"binary\""]), binary.len() as u64);
    assert_eq!(metrics.flow().filtered, empty().len() as u64);
    texts.sort();
    until("every good post is an item", || {
        let items = client.get("/api/v1/items?limit=1000");
        let found = items["items"].as_array().unwrap().iter();
        let mut found: Vec<&str> = found.map(|item| item["post"]["text"].as_str().unwrap()).collect();
        found.sort_unstable();
        (found == texts).then_some(())
    });
    assert_eq!(feed.connections(), 1, "no bad frame is worth a new connection");
    let peak = daemon.peak_bytes();
    println!("peak memory {peak:?}");
    assert!(peak.is_none_or(|peak| peak < 256 << 20), "a large frame is skipped, never held: {peak:?}");
    daemon.stop();
}
