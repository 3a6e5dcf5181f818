//! What rules cost at scale: mixed real-looking queries over brand names, 10 to 100,000 of them. Time to load, memory,
//! CPU per post, and whether the compiled set still decides as the naive evaluator does.
//!
//! `cargo bench --bench rules [-- --names FILE --texts FILE]`: one name, one text a line. Without them, both are made
//! from a seed. Each size runs in a process of its own, so that its memory can be told.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "a benchmark stops where it fails")]

use std::collections::HashSet;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use birddog::formats::BatchBuilder;
use birddog::line::{Handles, Signal, Worker};
use birddog::model::{Position, Post, Scores, Timestamp};
use birddog::rules::naive;
use birddog::ruleset::LoadedRules;
use birddog::score::TrainedScorer;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

const SIZES: [usize; 4] = [10, 1_000, 10_000, 100_000];
const TEXTS: usize = 100_000;
const ROUNDS: usize = 5;
/// Shorter names are mostly words of some language.
const NAME_LETTERS_MIN: usize = 10;
/// Posts decided by the naive evaluator too, and by how many rules.
const CHECKED: (usize, usize) = (200, 1_000);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    let (names, texts) = (value("--names"), value("--texts"));
    if let Some(size) = value("--size") {
        return println!("{}", measure(size.parse().unwrap(), names, texts));
    }
    let mut first = None;
    for size in SIZES {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--size", &size.to_string()]).stderr(Stdio::inherit());
        for (name, path) in [("--names", names), ("--texts", texts)] {
            child.args(path.iter().flat_map(|path| [name, path.as_str()]));
        }
        let output = child.output().unwrap();
        assert!(output.status.success());
        let line = String::from_utf8(output.stdout).unwrap();
        let cost: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
        let base = *first.get_or_insert(cost);
        let goal = match size {
            10_000 => " (goal 2.0)",
            100_000 => " (goal 4.0; load 3 s, 300 MB)",
            _ => "",
        };
        println!("{size:7} rules: {} = {:.2}x{goal}", line.trim_end(), cost / base);
    }
}

fn measure(size: usize, names: Option<&String>, texts: Option<&String>) -> String {
    let mut random = SmallRng::seed_from_u64(7);
    let names = lines(names).map(rare).unwrap_or_else(|| made_names(&mut random));
    let texts = lines(texts).unwrap_or_else(|| made_texts(&names, &mut random));
    let texts: Vec<&String> = texts.iter().take(TEXTS).collect();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pack.toml"), pack(size, &names, &mut random)).unwrap();
    let (before, started) = (resident(), Instant::now());
    let loaded = LoadedRules::read(folder.path()).unwrap();
    assert!(!loaded.has_errors(), "{:?}", loaded.findings.first());
    let set = loaded.compile();
    let load = started.elapsed().as_secs_f64();
    let (after, peak) = (resident(), peak());
    let mut batch = BatchBuilder::default();
    for (at, text) in texts.iter().enumerate() {
        batch.push(frame(at, text).as_bytes(), Timestamp::from_micros(1));
    }
    let batch = batch.finish(&Arc::from("bench"), 0, Position(0));
    let mut worker = Worker::new(Arc::new(TrainedScorer::new()), Arc::new(Handles::default()), 2 << 20);
    let mut found = HashSet::new();
    let mut costs: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            let outcome = worker.process(&batch, &set);
            let took = started.elapsed().as_secs_f64() * 1e6 / texts.len() as f64;
            found = outcome.signals.iter().filter_map(matches).flatten().collect();
            took
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    check(&loaded, &texts, &found);
    let share = found.iter().map(|(post, _)| post).collect::<HashSet<_>>().len() as f64 / texts.len() as f64;
    format!(
        "{:.3} µs a post (min of {ROUNDS}), {:.1}% of posts match; loaded in {load:.2} s, {} MB more (peak {peak} MB)",
        costs[0],
        share * 100.0,
        after.saturating_sub(before)
    )
}

/// The post's number and the rules that it matched.
fn matches(signal: &Signal) -> Option<Vec<(usize, u32)>> {
    let Signal::Mention(mention) = signal else { return None };
    let post = mention.post.uri.rsplit('/').next()?.parse().ok()?;
    Some(mention.matches.iter().map(|found| (post, found.rule)).collect())
}

/// The naive evaluator on a sample.
fn check(loaded: &LoadedRules, texts: &[&String], found: &HashSet<(usize, u32)>) {
    let (posts, rules) = CHECKED;
    for (at, text) in texts.iter().enumerate().step_by((texts.len() / posts).max(1)) {
        let post = Post { text: (*text).clone(), langs: vec!["en".to_owned()], ..Post::default() };
        let segments = naive::segments(&post);
        let step = (loaded.packs.rules.len() / rules).max(1);
        for (rule, checked) in loaded.packs.rules.iter().enumerate().step_by(step) {
            let holds = naive::matches(&checked.query, &post, &segments, &Scores::default());
            assert_eq!(holds, found.contains(&(at, rule as u32)), "{} on {text:?}", checked.query);
        }
    }
}

fn frame(at: usize, text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(
        r#"{{"did":"did:plc:bench","time_us":1725911162329308,"kind":"commit","commit":{{"rev":"3l","operation":"create","collection":"app.bsky.feed.post","rkey":"{at}","record":{{"$type":"app.bsky.feed.post","createdAt":"2024-09-09T19:46:02.102Z","langs":["en"],"text":{text}}},"cid":"bafy"}}}}"#
    )
}

/// Queries as people write them, about one brand each.
fn pack(size: usize, names: &[String], random: &mut SmallRng) -> String {
    let mut pack = String::from("[pack]\nbrand = \"bench\"\nowner = \"bench@birddog.example\"\n");
    for at in 0..size {
        // Few rules, and many, are about names from the whole list.
        let name = if size <= names.len() {
            &names[at * (names.len() / size)]
        } else {
            names.choose(random).unwrap()
        };
        let tag: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        let query = match random.random_range(0..100) {
            0..25 => format!("\"{name}\""),
            25..45 => format!("(\"{name}\" OR #{tag}) (down OR outage OR \"not working\"~3) -is:repost"),
            45..60 => format!("\"{name}\" NEAR/5 (recall* OR fire OR \"side effects\")"),
            60..75 => {
                format!("\"{name}\" (refund OR invoice OR \"customer service\") -(job OR jobs OR hiring)")
            }
            75..85 => format!("(\"{name}\" OR @{tag}) lang:en (buy OR price OR recommend) -has:links"),
            85..92 => format!("\"{name}\" (cancel* OR switching OR *able) sentiment:<0"),
            92..96 => format!("\"{name} broken\"~6 OR (\"{name}\" broken)"),
            _ => format!("raw:\"{name}\" (lawyer OR lawsuit OR \"class action\")"),
        };
        pack.push_str(&format!(
            "\n[[rule]]\nid = \"rule-{at}\"\nquery = '''{query}'''\nteam = \"support\"\n"
        ));
    }
    pack
}

/// Names that an author would put into a rule: `check` warns of words that half the posts hold.
fn rare(mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| name.chars().filter(|c| c.is_alphanumeric()).count() >= NAME_LETTERS_MIN);
    names
}

/// Lines fit for a name or a text.
fn lines(path: Option<&String>) -> Option<Vec<String>> {
    let text = fs::read_to_string(path?).unwrap();
    let fits = |line: &&str| {
        line.chars().filter(|c| c.is_ascii_alphanumeric()).count() >= 3
            && !line.contains(['"', '\'', '*', '\\', '{', '}'])
    };
    Some(text.lines().filter(fits).map(str::to_owned).collect())
}

fn made_names(random: &mut SmallRng) -> Vec<String> {
    (0..60_000).map(|at| format!("{}{at}{}", word(random), ["", " cloud", " bank", "co"][at % 4])).collect()
}

fn made_texts(names: &[String], random: &mut SmallRng) -> Vec<String> {
    let words: Vec<String> = (0..5_000).map(|_| word(random)).collect();
    let text = |random: &mut SmallRng| {
        let mut text: Vec<&str> =
            (0..random.random_range(4..30)).map(|_| words.choose(random).unwrap().as_str()).collect();
        if random.random_bool(0.05) {
            text.extend([names.choose(random).unwrap().as_str(), "is down, I want a refund"]);
        }
        text.join(" ")
    };
    (0..TEXTS).map(|_| text(random)).collect()
}

fn word(random: &mut SmallRng) -> String {
    (0..random.random_range(2..9)).map(|_| char::from(b'a' + random.random_range(0..26))).collect()
}

/// Resident memory, MB.
fn resident() -> u64 {
    status("VmRSS:")
}

fn peak() -> u64 {
    status("VmHWM:")
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
