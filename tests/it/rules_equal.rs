//! The compiled set decides every post as the obvious evaluator does: random trees, random posts, many scripts.

use std::cell::Cell;

use birddog::line::scores_of;
use birddog::model::{Author, Post, PostKind};
use birddog::rules::ast::Node;
use birddog::rules::{RuleSet, Scratch, naive};
use birddog::score::TrainedScorer;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::dice::cases_or;
use crate::vocabulary::{AUTHORS, HANDLES, LANGS, any_kind, any_query, any_text, info};

const CASES: u32 = 1_500;

fn texts(pool: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(select(pool).prop_map(str::to_owned), 0..=most)
}

pub(crate) fn any_post() -> impl Strategy<Value = Post> {
    let words = (any_text(), prop::collection::vec(any_text(), 0..3));
    let followers = prop::option::of(select(&[0_u64, 5, 6, 100][..]));
    let author = (select(AUTHORS), prop::option::of(select(HANDLES)), followers);
    let hashtags = texts(&["acme", "ACME", "AcmeDown", "#acme", "acmedown", "東京", "x"], 2);
    let links = texts(&["https://x.example"], 1);
    let rest =
        (texts(LANGS, 2), any_kind(), hashtags, links, texts(&["did:plc:bbb"], 1), any::<(bool, bool)>());
    (words, author, rest).prop_map(|((text, captions), (id, handle, followers), rest)| {
        let (langs, kind, hashtags, links, mentions, (has_media, quotes_in_reply)) = rest;
        let author =
            Author { id: id.to_owned(), handle: handle.map(str::to_owned), followers, ..Author::default() };
        Post {
            network: "bluesky",
            parent: (kind == PostKind::Reply || (kind == PostKind::Quote && quotes_in_reply))
                .then(|| "at://did:plc:bbb/app.bsky.feed.post/1".to_owned()),
            parent_author: (kind == PostKind::Reply || (kind == PostKind::Quote && quotes_in_reply))
                .then(|| "did:plc:bbb".to_owned()),
            text,
            captions,
            author,
            langs,
            kind,
            hashtags,
            links,
            mentions,
            has_media,
            ..Post::default()
        }
    })
}

#[test]
fn the_compiled_set_finds_what_the_naive_evaluator_finds() {
    let scorer = TrainedScorer::new();
    agrees_with(CASES, |queries, posts| {
        let decide = |post: &Post| {
            let (segments, scores) = (naive::segments(post), scores_of(&scorer, post));
            let holds = |at: &usize| naive::matches(&queries[*at], post, &segments, &scores);
            (0..queries.len()).filter(holds).collect()
        };
        posts.iter().map(decide).collect()
    });
}

/// Compares the compiled set with a `second` reading, which says for each post which queries it matches, on random
/// queries and posts.
pub(crate) fn agrees_with(cases: u32, second: impl Fn(&[Node], &[Post]) -> Vec<Vec<usize>>) {
    let (decisions, matches) = (Cell::new(0_u64), Cell::new(0_u64));
    let scorer = TrainedScorer::new();
    let mut runner =
        TestRunner::new(Config { cases: cases_or(cases), failure_persistence: None, ..Config::default() });
    let cases = (prop::collection::vec(any_query(), 1..8), prop::collection::vec(any_post(), 1..6));
    let checked = runner.run(&cases, |(queries, posts)| {
        let set = RuleSet::compile(queries.iter().enumerate().map(|(at, query)| (info(at), query)).collect());
        let mut scratch = Scratch::default();
        let decided = second(&queries, &posts);
        prop_assert_eq!(decided.len(), posts.len());
        for (post, expected) in posts.iter().zip(decided) {
            let found = set.matches(post, &mut scratch, &mut |post, _| scores_of(&scorer, post));
            let found: Vec<usize> = found.iter().map(|found| found.rule as usize).collect();
            decisions.set(decisions.get() + queries.len() as u64);
            matches.set(matches.get() + expected.len() as u64);
            let shown: Vec<String> = queries.iter().map(ToString::to_string).collect();
            prop_assert_eq!(found, expected, "{:#?}\n{:#?}\n{:#?}", shown, queries, post);
        }
        Ok(())
    });
    if let Err(TestError::Fail(reason, _) | TestError::Abort(reason)) = checked {
        panic!("{reason}");
    }
    let (decisions, matches) = (decisions.get(), matches.get());
    println!("{matches} of {decisions} decisions were matches");
    assert!(
        matches > decisions / 10 && matches < decisions / 10 * 9,
        "{matches} of {decisions} shows nothing"
    );
}
