//! 200 queries in the style of real monitoring, decided by birddog and by a second reading of the authors' page: on
//! 100,000 real posts where they are at hand, and always on posts that the project makes itself. No difference.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use birddog::feed::story::Story;
use birddog::formats::jetstream::Decoder;
use birddog::line::scores_of;
use birddog::model::{Author, Event, Post, PostKind, Scores, Timestamp};
use birddog::rules::ast::Node;
use birddog::rules::list;
use birddog::rules::parse::parse;
use birddog::rules::term::{Fold, Pattern};
use birddog::rules::{RuleSet, Scratch};
use birddog::score::TrainedScorer;

use crate::reference::{Reader, Reference};
use crate::rules_equal::agrees_with;
use crate::vocabulary::info;

const STORY_EVENTS: usize = 60_000;
const REAL_POSTS: usize = 100_000;
const CASES: u32 = 1_500;
const STARTED_AT: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// The queries of `reference/monitoring.txt`, as written and parsed.
fn queries() -> Vec<(String, Node)> {
    let page = include_str!("reference/monitoring.txt");
    let lines = page.lines().filter(|line| !line.is_empty() && !line.starts_with("//"));
    let (lists, queries): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with('%'));
    let terms_of = |name: &str| {
        let lists = lists.iter().filter_map(|line| line[1..].split_once(" = "));
        lists.into_iter().find(|(known, _)| *known == name).map(|(_, terms)| terms.replace(" | ", "\n"))
    };
    let read = |line: &str| {
        let (fold, query) = match line.split_once(": ") {
            Some(("exact", query)) => (Fold::Exact, query),
            Some(("loose", query)) => (Fold::Loose, query),
            _ => (Fold::Standard, line),
        };
        let lists = |name: &str| -> Option<Vec<Pattern>> {
            let (list, wrong) = list::read(0, &terms_of(name)?, fold);
            assert_eq!(wrong, [], "{name}");
            Some(list.terms.iter().map(|term| Pattern::clone(term)).collect())
        };
        parse(query, fold, &lists)
            .map(|node| (line.to_owned(), node))
            .map_err(|wrong| format!("{line}: {wrong:?}"))
    };
    let (read, wrong): (Vec<_>, Vec<_>) = queries.into_iter().map(read).partition(Result::is_ok);
    let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
    assert_eq!(wrong, Vec::<String>::new());
    read.into_iter().filter_map(Result::ok).collect()
}

/// Decides every post twice, on as many threads as there are processors.
struct Comparison<'q> {
    queries: &'q [(String, Node)],
    set: RuleSet,
    reference: Reference,
    posts: AtomicUsize,
    matches: Vec<AtomicUsize>,
}

impl<'q> Comparison<'q> {
    fn new(queries: &'q [(String, Node)]) -> Self {
        let nodes: Vec<Node> = queries.iter().map(|(_, node)| node.clone()).collect();
        let set = RuleSet::compile(nodes.iter().enumerate().map(|(at, node)| (info(at), node)).collect());
        let matches = queries.iter().map(|_| AtomicUsize::new(0)).collect();
        Self { queries, set, reference: Reference::new(&nodes), posts: AtomicUsize::new(0), matches }
    }

    /// The differences between the two, as sentences.
    fn run(&self, posts: &[Post]) -> Vec<String> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let chunks = posts.chunks(posts.len().div_ceil(threads).max(1));
        std::thread::scope(|scope| {
            let started: Vec<_> = chunks.map(|chunk| scope.spawn(move || self.run_here(chunk))).collect();
            started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        })
    }

    fn run_here(&self, posts: &[Post]) -> Vec<String> {
        let scorer = TrainedScorer::new();
        let (mut scratch, mut reader) = (Scratch::default(), Reader::new(&self.reference));
        let mut differences = Vec::new();
        for post in posts {
            let known = Cell::new(None::<Scores>);
            let mut scores = || {
                let scores = known.take().unwrap_or_else(|| scores_of(&scorer, post));
                known.set(Some(scores));
                scores
            };
            let expected = reader.matches(post, &mut scores);
            let found = self.set.matches(post, &mut scratch, &mut |_, _| scores());
            let found: Vec<usize> = found.iter().map(|found| found.rule as usize).collect();
            expected.iter().for_each(|&at| _ = self.matches[at].fetch_add(1, Ordering::Relaxed));
            if found != expected {
                let one = |at: &usize| found.contains(at) != expected.contains(at);
                let differing = (0..self.queries.len()).filter(one);
                let who = |at: usize| if found.contains(&at) { "only birddog" } else { "only the reference" };
                let shown =
                    differing.map(|at| format!("{} finds {} in {post:?}", who(at), self.queries[at].0));
                differences.extend(shown);
            }
        }
        self.posts.fetch_add(posts.len(), Ordering::Relaxed);
        differences
    }

    fn show(&self) {
        let counts: Vec<usize> = self.matches.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let silent = counts.iter().filter(|&&count| count == 0).count();
        let posts = self.posts.load(Ordering::Relaxed);
        println!(
            "{posts} posts, {} matches of {} queries, {silent} of them without one",
            counts.iter().sum::<usize>(),
            counts.len()
        );
    }
}

fn assert_none(differences: &[String]) {
    let first: Vec<&String> = differences.iter().take(20).collect();
    assert!(differences.is_empty(), "{} differences, such as {first:#?}", differences.len());
}

fn story() -> Vec<Post> {
    let mut decoder = Decoder::default();
    let events = Story::new(20_261_122, STARTED_AT).events(STORY_EVENTS);
    let decoded = events.filter_map(|event| decoder.decode(event.as_bytes(), STARTED_AT).ok());
    decoded
        .filter_map(
            |event| if let Event::Create(post) | Event::Update(post) = event { Some(post) } else { None },
        )
        .collect()
}

#[test]
fn both_readings_of_the_page_agree_on_the_projects_own_posts() {
    let queries = queries();
    assert_eq!(queries.len(), 200);
    let comparison = Comparison::new(&queries);
    let differences = comparison.run(&story());
    comparison.show();
    assert_none(&differences);
}

/// The recording, when it is there; `BIRDDOG_DATA` names its folder.
fn recording() -> Option<PathBuf> {
    let folder = std::env::var_os("BIRDDOG_DATA").map(PathBuf::from)?;
    Some(folder.join("load_posts.jsonl.zst")).filter(|path| path.exists())
}

/// A recorded line as a post. What the recording lacks is made up from the line's number, the same in each run.
fn post(number: usize, line: &str, before: &str) -> Post {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let before: serde_json::Value = serde_json::from_str(before).unwrap();
    let text = line["text"].as_str().unwrap_or_default().to_owned();
    let named = |sigil: char| {
        let words = text.split_whitespace().filter_map(move |word| word.strip_prefix(sigil));
        words.map(|word| word.trim_end_matches(|c: char| !c.is_alphanumeric()).to_owned())
    };
    let kind = match text.as_str() {
        text if text.starts_with("RT ") => PostKind::Repost,
        text if text.starts_with('@') => PostKind::Reply,
        _ if number.is_multiple_of(50) => PostKind::Quote,
        _ => PostKind::Post,
    };
    let answered = named('@').next().filter(|_| kind == PostKind::Reply);
    Post {
        network: ["bluesky", "bluesky", "mastodon", "nostr"][number % 4],
        parent_author: answered.as_ref().map(|name| format!("did:plc:{name}")),
        parent: answered.as_ref().map(|name| format!("at://did:plc:{name}/app.bsky.feed.post/1")),
        known_names: answered.iter().map(|name| (format!("did:plc:{name}"), name.clone())).collect(),
        hashtags: if number.is_multiple_of(3) { named('#').collect() } else { Vec::new() },
        mentions: if number.is_multiple_of(5) { named('@').collect() } else { Vec::new() },
        captions: (number.is_multiple_of(16))
            .then(|| before["text"].as_str().unwrap_or_default().to_owned())
            .into_iter()
            .collect(),
        langs: line["lang"].as_str().map(str::to_owned).into_iter().collect(),
        author: Author {
            id: format!("did:plc:{:06}", number % 1_000),
            handle: Some(
                line["user"].as_str().map_or_else(|| format!("user-{}", number % 500), str::to_owned),
            ),
            followers: number.is_multiple_of(2).then_some(number as u64 % 400),
            ..Author::default()
        },
        has_media: number.is_multiple_of(3),
        kind,
        text,
        ..Post::default()
    }
}

#[test]
fn both_readings_of_the_page_agree_on_real_posts() {
    let Some(path) = recording() else {
        println!("no recording here; BIRDDOG_DATA names the folder of load_posts.jsonl.zst");
        return;
    };
    let queries = queries();
    let comparison = Comparison::new(&queries);
    let reader = ruzstd::decoding::StreamingDecoder::new(std::fs::File::open(path).unwrap()).unwrap();
    let lines: Vec<String> = BufReader::new(reader).lines().take(REAL_POSTS).map(Result::unwrap).collect();
    let before = lines.iter().cycle().skip(lines.len() - 1);
    let posts: Vec<Post> =
        lines.iter().zip(before).enumerate().map(|(at, (line, before))| post(at, line, before)).collect();
    let differences = comparison.run(&posts);
    comparison.show();
    assert_none(&differences);
}

#[test]
fn both_readings_of_the_page_agree_on_random_queries_and_posts() {
    let scorer = TrainedScorer::new();
    agrees_with(CASES, |queries, posts| {
        let reference = Reference::new(queries);
        let mut reader = Reader::new(&reference);
        posts.iter().map(|post| reader.matches(post, &mut || scores_of(&scorer, post))).collect()
    });
}
