//! What the trees prove holds on posts: if one query implies another, every random post that the first matches is
//! matched by the second.

use std::cell::Cell;

use birddog::line::scores_of;
use birddog::model::{Author, Post, PostKind};
use birddog::rules::ast::{Kind, Node};
use birddog::rules::implication::implies;
use birddog::rules::naive;
use birddog::score::TrainedScorer;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::dice::cases_or;
use crate::vocabulary::{AUTHORS, HANDLES, LANGS, any_kind, any_query, any_text};

const CASES: u32 = 6_000;

fn any_post() -> impl Strategy<Value = Post> {
    let words = (any_text(), prop::collection::vec(any_text(), 0..2));
    let hashtags = prop::option::of(select(&["acme", "AcmeDown", "acmedown", "東京"][..]));
    let followers = prop::option::of(select(&[0_u64, 5, 6, 100][..]));
    let rest = (select(LANGS), any_kind(), hashtags, any::<bool>(), followers);
    (words, select(AUTHORS), prop::option::of(select(HANDLES)), rest).prop_map(
        |((text, captions), id, handle, (lang, kind, hashtag, has_media, followers))| Post {
            network: "bluesky",
            parent: (kind == PostKind::Reply).then(|| "at://did:plc:bbb/app.bsky.feed.post/1".to_owned()),
            parent_author: (kind == PostKind::Reply).then(|| "did:plc:bbb".to_owned()),
            text,
            captions,
            kind,
            has_media,
            author: Author {
                id: id.to_owned(),
                handle: handle.map(str::to_owned),
                followers,
                ..Author::default()
            },
            langs: vec![lang.to_owned()],
            hashtags: hashtag.into_iter().map(str::to_owned).collect(),
            ..Post::default()
        },
    )
}

fn node(kind: Kind) -> Node {
    Node { span: (0, 0), kind }
}

/// Pairs that are related more often than chance would have it.
fn any_pair() -> impl Strategy<Value = (Node, Node)> {
    (any_query(), any_query(), 0..4_u8).prop_map(|(one, other, how)| match how {
        0 => (node(Kind::And(vec![other, one.clone()])), one),
        1 => (one.clone(), node(Kind::Or(vec![other, one]))),
        2 => (node(Kind::Not(Box::new(one))), node(Kind::Not(Box::new(other)))),
        _ => (one, other),
    })
}

#[test]
fn what_is_implied_matches_whatever_implies_it() {
    let (proofs, matches) = (Cell::new(0_u64), Cell::new(0_u64));
    let mut runner =
        TestRunner::new(Config { cases: cases_or(CASES), failure_persistence: None, ..Config::default() });
    let scorer = TrainedScorer::new();
    let cases = (any_pair(), prop::collection::vec(any_post(), 1..8));
    let checked = runner.run(&cases, |((query, other), posts)| {
        prop_assert!(implies(&query, &query));
        if !implies(&query, &other) {
            return Ok(());
        }
        proofs.set(proofs.get() + 1);
        for post in &posts {
            let segments = naive::segments(post);
            let scores = scores_of(&scorer, post);
            if naive::matches(&query, post, &segments, &scores) {
                matches.set(matches.get() + 1);
                prop_assert!(
                    naive::matches(&other, post, &segments, &scores),
                    "{} → {}\n{:#?}",
                    query,
                    other,
                    post
                );
            }
        }
        Ok(())
    });
    if let Err(TestError::Fail(reason, _) | TestError::Abort(reason)) = checked {
        panic!("{reason}");
    }
    let (proofs, matches) = (proofs.get(), matches.get());
    println!("{proofs} proofs, {matches} matches of the narrower query");
    assert!(proofs > 500 && matches > 500, "{proofs} proofs and {matches} matches show nothing");
}
