//! A first line as a query and the rest as a post: the compiled set, the naive evaluator and the explanation agree, and
//! every span points at whole characters of the text.
#![no_main]

use std::sync::Arc;

use birddog::model::{Lane, Post, RuleInfo, RuleStatus, Scores};
use birddog::rules::parse::parse;
use birddog::rules::term::{Fold, Pattern};
use birddog::rules::{Facts, RuleSet, Scratch, naive, unscored};
use libfuzzer_sys::fuzz_target;

fn lists(name: &str) -> Option<Vec<Pattern>> {
    let terms = ["acme box", "#acmedown", "outag*", "네슬레", "🤬"];
    (name == "products")
        .then(|| terms.iter().map(|term| Pattern::new(term, Fold::Standard).unwrap()).collect())
}

fn info() -> RuleInfo {
    let name = |name: &str| Arc::from(name);
    RuleInfo {
        id: name("rule"),
        brand: name("acme"),
        team: name("support"),
        floor: Lane::Low,
        status: RuleStatus::Live,
        reply: None,
    }
}

fuzz_target!(|input: &str| {
    let Some((query, text)) = input.split_once('\n') else { return };
    for fold in [Fold::Exact, Fold::Standard, Fold::Loose] {
        let Ok(node) = parse(query, fold, &lists) else { return };
        let (text, caption) = text.split_once('\0').unwrap_or((text, ""));
        let captions = if caption.is_empty() { Vec::new() } else { vec![caption.to_owned()] };
        let post = Post { text: text.to_owned(), captions, network: "bluesky", ..Post::default() };
        let set = RuleSet::compile(vec![(info(), &node)]);
        let found = set.matches(&post, &mut Scratch::default(), &mut unscored);
        let segments = naive::segments(&post);
        let expected = naive::matches(&node, &post, &segments, &Scores::default());
        assert_eq!(found.len() == 1, expected, "{query:?} {fold:?} on {text:?}");
        let spans: Vec<_> = found.iter().flat_map(|found| found.spans.iter().copied()).collect();
        if expected && spans.len() < 32 {
            let facts = Facts { post: &post, segments: &segments, scores: &Scores::default() };
            assert_eq!(spans, naive::spans(&node, &facts), "{query:?} {fold:?} on {text:?}");
        }
        for (start, end) in spans {
            assert!(start < end && text.get(start as usize..end as usize).is_some(), "{query:?} on {text:?}");
        }
    }
});
