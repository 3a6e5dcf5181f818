//! The prefilter never loses a match: whatever the rules find on a decoded post, the worker finds in its frame,
//! however the frame is written: escapes, surrogates, spacing, order of keys, texts in odd places.

use std::cell::Cell;
use std::sync::Arc;

use birddog::formats::BatchBuilder;
use birddog::formats::jetstream::Decoder;
use birddog::line::{BatchOutcome, Handles, Signal, Worker, scores_of};
use birddog::model::{Event, Match, Position, Post, Timestamp};
use birddog::rules::{RuleSet, Scratch};
use birddog::score::TrainedScorer;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::dice::{Dice, cases_or};
use crate::vocabulary::{AUTHORS, HANDLES, LANGS, any_rules, any_text, info};

const CASES: u32 = 600;
const RECEIVED_AT: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// JSON before it is written.
#[derive(Clone, Debug)]
enum Json {
    Text(String),
    Number(i64),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

use Json::{List, Number, Object};

fn text(text: impl Into<String>) -> Json {
    Json::Text(text.into())
}

/// How JSON is written; chances are per mille.
#[derive(Clone, Debug)]
struct Pen {
    dice: Dice,
    escape: u64,
    escape_key: u64,
    space: u64,
    shuffle: u64,
}

impl Pen {
    /// As the servers write: no spaces, keys in their order, only what must be escaped is.
    fn plain() -> Self {
        Self { dice: Dice::new(0), escape: 0, escape_key: 0, space: 0, shuffle: 0 }
    }

    /// Any other way; each habit is there or not.
    fn odd(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let escape = dice.pick(&[0, 0, 50, 500, 1_000]);
        let escape_key = dice.pick(&[0, 0, 0, 20, 300]);
        let (space, shuffle) = (dice.pick(&[0, 0, 0, 100, 800]), dice.pick(&[0, 500, 1_000]));
        Self { dice, escape, escape_key, space, shuffle }
    }

    fn write(&mut self, json: &Json, out: &mut String) {
        self.space(out);
        match json {
            Json::Text(text) => self.string(text, self.escape, out),
            Number(number) => *out += &number.to_string(),
            List(items) => self.sequence('[', ']', items, Self::write, out),
            Object(fields) => {
                let mut fields = fields.clone();
                if self.dice.per_mille(self.shuffle) {
                    self.dice.shuffle(&mut fields);
                }
                self.sequence('{', '}', &fields, Self::field, out);
            }
        }
        self.space(out);
    }

    fn field(&mut self, (key, value): &(&'static str, Json), out: &mut String) {
        self.space(out);
        self.string(key, self.escape_key, out);
        self.space(out);
        out.push(':');
        self.write(value, out);
    }

    fn sequence<T>(
        &mut self,
        open: char,
        close: char,
        items: &[T],
        write: fn(&mut Self, &T, &mut String),
        out: &mut String,
    ) {
        out.push(open);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write(self, item, out);
        }
        self.space(out);
        out.push(close);
    }

    fn space(&mut self, out: &mut String) {
        if self.dice.per_mille(self.space) {
            out.push(self.dice.pick(&[' ', '\n', '\t', '\r']));
        }
    }

    fn string(&mut self, text: &str, escape: u64, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            match c {
                _ if self.dice.per_mille(escape) => self.escaped(c, out),
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\0'..='\u{1f}' => self.escaped(c, out),
                c => out.push(c),
            }
        }
        out.push('"');
    }

    /// One of the ways in which JSON hides a character.
    fn escaped(&mut self, c: char, out: &mut String) {
        if c == '/' && self.dice.per_mille(500) {
            return out.push_str("\\/");
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let upper = self.dice.per_mille(500);
            *out += &if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
        }
    }
}

/// A post before it is written.
#[derive(Clone, Debug)]
struct Draft {
    author: &'static str,
    text: String,
    others: Vec<String>,
    tags: Vec<&'static str>,
    facet_tags: Vec<&'static str>,
    langs: Vec<&'static str>,
    embed: u8,
    is_reply: bool,
    is_update: bool,
    decoys: u8,
    pen_seed: u64,
    /// 0: as servers write; 1: the record in an odd way; 2: all of it.
    oddness: u8,
}

fn any_draft() -> impl Strategy<Value = Draft> {
    let tags = || prop::collection::vec(select(&["acme", "AcmeDown", "acmedown", "東京", "x"][..]), 0..2);
    let texts = (any_text(), prop::collection::vec(any_text(), 3));
    let marks = (tags(), tags(), prop::collection::vec(select(LANGS), 0..2), select(AUTHORS));
    let shape = (0_u8..12, any::<bool>(), prop::bool::weighted(0.1), 0_u8..12);
    (texts, marks, shape, any::<u64>(), 0_u8..3).prop_map(
        |((text, others), marks, shape, pen_seed, oddness)| {
            let (tags, facet_tags, langs, author) = marks;
            let (embed, is_reply, is_update, decoys) = shape;
            Draft {
                author,
                text,
                others,
                tags,
                facet_tags,
                langs,
                embed,
                is_reply,
                is_update,
                decoys,
                pen_seed,
                oddness,
            }
        },
    )
}

impl Draft {
    fn frame(&self, number: usize) -> String {
        let (mut plain, mut odd) = (Pen::plain(), Pen::odd(self.pen_seed));
        let mut record = String::new();
        let pen = if self.oddness == 0 { &mut plain } else { &mut odd };
        pen.write(&self.record(), &mut record);
        let operation = if self.is_update { "update" } else { "create" };
        // Stands for the record, which has been written in its own way.
        const HERE: &str = "the-record-stands-here";
        let commit = Object(vec![
            ("rev", text(format!("3l{number:011}"))),
            ("operation", text(operation)),
            ("collection", text("app.bsky.feed.post")),
            ("rkey", text(format!("3k{number:011}"))),
            ("record", text(HERE)),
            ("cid", text("bafyrei")),
        ]);
        let event = Object(vec![
            ("did", text(self.author)),
            ("time_us", Number(RECEIVED_AT.as_micros() + number as i64)),
            ("kind", text("commit")),
            ("commit", commit),
        ]);
        let pen = if self.oddness == 2 { &mut odd } else { &mut plain };
        pen.escape = 0;
        let mut frame = String::new();
        pen.write(&event, &mut frame);
        frame.replace(&format!("\"{HERE}\""), &record)
    }

    fn record(&self) -> Json {
        let strings = |list: &[&'static str]| List(list.iter().map(|item| text(*item)).collect());
        let mut fields =
            vec![("$type", text("app.bsky.feed.post")), ("createdAt", text("2026-01-01T00:00:00Z"))];
        fields.extend(self.embed().map(|embed| ("embed", embed)));
        if !self.facet_tags.is_empty() {
            fields.push(("facets", List(self.facet_tags.iter().map(|tag| facet(tag)).collect())));
        }
        fields.push(("langs", strings(&self.langs)));
        if self.is_reply {
            let target =
                || Object(vec![("cid", text("c")), ("uri", text("at://did:plc:z/app.bsky.feed.post/1"))]);
            fields.push(("reply", Object(vec![("parent", target()), ("root", target())])));
        }
        if !self.tags.is_empty() {
            fields.push(("tags", strings(&self.tags)));
        }
        fields.push(("text", text(&*self.text)));
        self.add_decoys(&mut fields);
        Object(fields)
    }

    /// Texts where no text belongs: before the real one and after it.
    fn add_decoys(&self, fields: &mut Vec<(&'static str, Json)>) {
        let nested = |inside: &str| Object(vec![("text", text(inside)), ("alt", List(vec![]))]);
        match self.decoys {
            0 => fields.insert(0, ("aaa", nested("nothing"))),
            1 => fields.push(("zzz", nested(&self.others[0]))),
            2 => fields.insert(1, ("labels", List(vec![nested("\"text\":\"acme\"")]))),
            3 => fields.push(("x", text("text"))),
            4 => fields.insert(0, ("description", Number(7))),
            5 => fields.push(("title", text(&*self.others[1]))),
            _ => {}
        }
    }

    fn embed(&self) -> Option<Json> {
        let other = |at: usize| text(&*self.others[at]);
        let images = || {
            let images =
                vec![Object(vec![("alt", other(0))]), Object(vec![("alt", other(1)), ("image", Number(1))])];
            Object(vec![("$type", text("app.bsky.embed.images")), ("images", List(images))])
        };
        let record = |uri: &str| Object(vec![("cid", text("c")), ("uri", text(uri))]);
        let of =
            |kind: &str, name: &'static str, value: Json| Object(vec![("$type", text(kind)), (name, value)]);
        let post = "at://did:plc:q/app.bsky.feed.post/9";
        Some(match self.embed {
            0 => images(),
            1 => {
                let fields =
                    vec![("description", other(0)), ("title", other(1)), ("uri", text("https://x.example"))];
                of("app.bsky.embed.external", "external", Object(fields))
            }
            2 => of("app.bsky.embed.record", "record", record(post)),
            3 => of("app.bsky.embed.record", "record", record("at://did:plc:q/app.bsky.graph.list/9")),
            4 => {
                let quoted = Object(vec![("record", record(post))]);
                let kind = ("$type", text("app.bsky.embed.recordWithMedia"));
                Object(vec![kind, ("media", images()), ("record", quoted)])
            }
            5 => of("app.bsky.embed.video", "alt", other(2)),
            6 => of("app.bsky.embed.gallery", "items", List(vec![Object(vec![("alt", other(2))])])),
            7 => of("example.embed.unheard-of", "text", other(0)),
            _ => return None,
        })
    }
}

fn facet(tag: &str) -> Json {
    let feature = Object(vec![("$type", text("app.bsky.richtext.facet#tag")), ("tag", text(tag))]);
    let index = Object(vec![("byteEnd", Number(5)), ("byteStart", Number(0))]);
    Object(vec![("features", List(vec![feature])), ("index", index)])
}

/// Who is called what, as the stream says before the posts.
fn identity((account, handle): (&str, &str)) -> String {
    format!(
        "{{\"did\":\"{account}\",\"time_us\":1,\"kind\":\"identity\",\"identity\":{{\"did\":\"{account}\",\
         \"handle\":\"{handle}\",\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\"}}}}"
    )
}

fn process(frames: &[String], rules: &RuleSet) -> BatchOutcome {
    let mut batch = BatchBuilder::default();
    frames.iter().for_each(|frame| batch.push(frame.as_bytes(), RECEIVED_AT));
    let mut worker = Worker::new(Arc::new(TrainedScorer::default()), Arc::new(Handles::default()), 2 << 20);
    worker.process(&batch.finish(&Arc::from("sky"), 0, Position(0)), rules)
}

/// The post in `frame`, decoded whole, with its author's name if the stream has told it.
fn decode(frame: &str, names: &[(&'static str, &'static str)]) -> Result<Post, TestCaseError> {
    match Decoder::default().decode(frame.as_bytes(), RECEIVED_AT) {
        Ok(Event::Create(mut post) | Event::Update(mut post)) => {
            post.author.handle = name_of(&post.author.id, names);
            let named = post.mentions.iter().map(String::as_str).chain(post.answered());
            post.known_names = named.filter_map(|id| Some((id.to_owned(), name_of(id, names)?))).collect();
            Ok(post)
        }
        other => Err(TestCaseError::fail(format!("{other:?}: {frame}"))),
    }
}

/// An account's latest name, unless somebody else has taken it since.
fn name_of(account: &str, names: &[(&'static str, &'static str)]) -> Option<String> {
    let at = names.iter().rposition(|(named, _)| *named == account)?;
    let name = names[at].1;
    let is_taken = names[at + 1..].iter().any(|(_, taken)| taken.eq_ignore_ascii_case(name));
    (!is_taken).then(|| name.to_owned())
}

#[derive(Default)]
struct Tally {
    posts: Cell<usize>,
    matched: Cell<usize>,
    filtered: Cell<usize>,
}

fn add(cell: &Cell<usize>, more: usize) {
    cell.set(cell.get() + more);
}

fn check(
    set: &RuleSet,
    drafts: &[Draft],
    names: &[(&'static str, &'static str)],
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let identities = names.iter().map(|name| identity(*name));
    let posts: Vec<String> = drafts.iter().enumerate().map(|(at, draft)| draft.frame(at)).collect();
    let frames: Vec<String> = identities.chain(posts.iter().cloned()).collect();
    let mut expected: Vec<(String, Vec<Match>)> = Vec::new();
    let mut unmatched_edits = Vec::new();
    let mut scratch = Scratch::default();
    for (frame, draft) in posts.iter().zip(drafts) {
        let post = decode(frame, names)?;
        prop_assert_eq!(&post.text, &draft.text, "the frame does not say what the draft says: {}", frame);
        let matches = set.matches(&post, &mut scratch, &mut |post, _| scores_of(&TrainedScorer::new(), post));
        if !matches.is_empty() {
            expected.push((post.uri, matches));
        } else if draft.is_update {
            unmatched_edits.push(post.uri);
        }
    }
    let outcome = process(&frames, set);
    let edited = |signal: &Signal| match signal {
        Signal::Unmatched(mention) => Some(mention.post.uri.clone()),
        _ => None,
    };
    let edited: Vec<String> = outcome.signals.iter().filter_map(edited).collect();
    prop_assert_eq!(edited, unmatched_edits, "names {:?}\n{}", names, frames.join("\n"));
    let found: Vec<(String, Vec<Match>)> = outcome
        .signals
        .into_iter()
        .filter_map(|signal| match signal {
            Signal::Mention(mention) => Some((mention.post.uri.clone(), mention.matches.clone())),
            _ => None,
        })
        .collect();
    prop_assert_eq!(outcome.counts.rejected.iter().sum::<u64>(), 0);
    prop_assert_eq!(outcome.counts.posts, posts.len() as u64, "{:#?}", posts);
    add(&tally.posts, posts.len());
    add(&tally.matched, expected.len());
    add(&tally.filtered, outcome.counts.filtered as usize - names.len());
    prop_assert_eq!(found, expected, "names {:?}\n{}", names, frames.join("\n"));
    Ok(())
}

#[test]
fn whatever_the_rules_find_in_a_post_the_worker_finds_in_its_frame() {
    let tally = Tally::default();
    let mut runner =
        TestRunner::new(Config { cases: cases_or(CASES), failure_persistence: None, ..Config::default() });
    let names = prop::collection::vec((select(AUTHORS), select(HANDLES)), 0..3);
    let cases = (any_rules(), prop::collection::vec(any_draft(), 1..9), names);
    let checked = runner.run(&cases, |(queries, drafts, names)| {
        let set = RuleSet::compile(queries.iter().enumerate().map(|(at, query)| (info(at), query)).collect());
        let shown = || queries.iter().map(|query| format!("{query}\n")).collect::<String>();
        check(&set, &drafts, &names, &tally)
            .map_err(|error| TestCaseError::fail(format!("rules\n{}{error}", shown())))
    });
    if let Err(TestError::Fail(reason, _) | TestError::Abort(reason)) = checked {
        panic!("{reason}");
    }
    let (posts, matched, filtered) = (tally.posts.get(), tally.matched.get(), tally.filtered.get());
    println!("{posts} posts, {matched} matched, {filtered} filtered out");
    assert!(
        matched > posts / 10 && filtered > posts / 10,
        "{matched} and {filtered} of {posts} show nothing"
    );
}
