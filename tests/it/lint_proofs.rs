//! What the lints prove holds on posts: a rule that never matches matches none of them, and what adds nothing or is
//! never reached can be taken out. Random queries of few terms, so that they get into each other's way.

use std::collections::BTreeMap;

use birddog::line::scores_of;
use birddog::model::{Post, Span};
use birddog::rules::ast::{Kind, Node};
use birddog::rules::diagnostic::SourceFile;
use birddog::rules::lint::lint;
use birddog::rules::pack::load;
use birddog::rules::{RuleSet, naive, unscored};
use birddog::score::TrainedScorer;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::dice::cases_or;
use crate::vocabulary::{any_kind, any_text};

const CASES: u32 = 4_000;

const LEAVES: &[&str] = &[
    "acme",
    "down",
    "\"acme down\"",
    "acme-down",
    "acm*",
    "ac?e",
    "#acme",
    "#AcmeDown",
    "@acme",
    "{Acme}",
    "東京",
    "東京都",
    "acme NEAR/2 down",
    "\"acme down\"~1",
    "is:post",
    "is:reply",
    "is:repost",
    "is:quote",
    "sentiment:<0",
    "sentiment:>0.1",
    "urgency:>1",
    "followers:>5",
    "followers:<3",
    "url:acme.example",
    "from:acme.example",
];

fn any_query() -> impl Strategy<Value = String> {
    select(LEAVES).prop_map(str::to_owned).prop_recursive(4, 12, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            2 => inner.prop_map(|inner| format!("-({inner})")),
            3 => several.clone().prop_map(|parts| format!("({})", parts.join(" "))),
            3 => several.prop_map(|parts| format!("({})", parts.join(" OR "))),
        ]
    })
}

fn any_post() -> impl Strategy<Value = Post> {
    (any_text(), any_kind(), prop::option::of(select(&[0_u64, 4, 6][..]))).prop_map(
        |(text, kind, followers)| {
            let mut post = Post { network: "bluesky", text, kind, ..Post::default() };
            post.author.followers = followers;
            post
        },
    )
}

/// `node` without the innermost side of an OR, none under a NOT, in which `part` stands.
fn without(node: &Node, part: Span) -> Option<Node> {
    let holds = |node: &Node| node.span.0 <= part.0 && part.1 <= node.span.1;
    let (Kind::And(nodes) | Kind::Or(nodes)) = &node.kind else { return None };
    let at = nodes.iter().position(holds)?;
    let mut nodes = nodes.clone();
    match (without(&nodes[at], part), &node.kind) {
        (Some(rest), _) => nodes[at] = rest,
        (None, Kind::Or(_)) => _ = nodes.remove(at),
        (None, _) => return None,
    }
    let kind = if matches!(node.kind, Kind::And(_)) { Kind::And(nodes) } else { Kind::Or(nodes) };
    Some(Node { span: node.span, kind })
}

#[test]
fn what_lints_prove_holds_on_posts() {
    let mut proofs: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut runner =
        TestRunner::new(Config { cases: cases_or(CASES), failure_persistence: None, ..Config::default() });
    let scorer = TrainedScorer::new();
    let counted = std::cell::RefCell::new(&mut proofs);
    let cases = (any_query(), prop::collection::vec(any_post(), 1..12));
    let checked = runner.run(&cases, |(query, posts)| {
        let head = "[pack]\nbrand = 'a'\nowner = 'o'\n[[rule]]\nid = 'r'\nteam = 't'\nquery = '''";
        let text = format!("{head}{query}'''\n");
        let files = [SourceFile { path: "a.toml".into(), text }];
        let (packs, errors) = load(&files);
        if !errors.is_empty() {
            return Ok(());
        }
        let rule = &packs.rules[0];
        let found = lint(&packs, &files, &mut unscored);
        let set = RuleSet::compile(vec![(rule.info.clone(), &rule.query)]);
        let is_unrequired = found.iter().any(|finding| finding.id == "no-required-literal");
        prop_assert_eq!(is_unrequired, set.anchors().needs_all, "{}", query);
        for finding in &found {
            let in_query = |at: u32| at.saturating_sub(head.len() as u32);
            let part = (in_query(finding.span.0), in_query(finding.span.1));
            let claimed = match finding.id {
                "never-matches" => None,
                "redundant-term" | "unreachable-branch" => without(&rule.query, part),
                _ => continue,
            };
            // A part that stands under a NOT.
            if claimed.is_none() && finding.id != "never-matches" {
                continue;
            }
            *counted.borrow_mut().entry(finding.id).or_default() += 1;
            for post in &posts {
                let segments = naive::segments(post);
                let scores = scores_of(&scorer, post);
                let holds = |node: &Node| naive::matches(node, post, &segments, &scores);
                let expected = claimed.as_ref().is_some_and(&holds);
                prop_assert_eq!(
                    holds(&rule.query),
                    expected,
                    "{} in {}\n{:#?}",
                    finding.message,
                    query,
                    post
                );
            }
        }
        Ok(())
    });
    if let Err(TestError::Fail(reason, _) | TestError::Abort(reason)) = checked {
        panic!("{reason}");
    }
    println!("{proofs:?}");
    let ids = ["never-matches", "redundant-term", "unreachable-branch"];
    assert!(ids.iter().all(|id| proofs.get(id) > Some(&20)), "{proofs:?} show nothing");
}
