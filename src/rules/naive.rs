//! Decides a query the obvious way: every term is looked for in every segment, one after the other.
//!
//! The reference that the compiled [`RuleSet`](super::RuleSet) must equal; also what `test` and `explain` use, where
//! being plain matters more than being fast.

use crate::model::{Post, Span};
use crate::text::Folded;

use super::ast::{Kind, Node, Term};
use super::fields::{holds, is_found};
use super::term::Pattern;

/// The folded text of `post`, then its folded captions: what rules are decided on.
#[must_use]
pub fn segments(post: &Post) -> Vec<Folded> {
    std::iter::once(&post.text).chain(&post.captions).map(|text| Folded::new(text)).collect()
}

/// True when `node` holds for `post`; `segments` as from [`segments`].
#[must_use]
pub fn matches(node: &Node, post: &Post, segments: &[Folded]) -> bool {
    match &node.kind {
        Kind::Term(term) => holds(term, post, segments),
        Kind::List { patterns, .. } => patterns.iter().any(|pattern| is_found(pattern, post, segments)),
        Kind::Not(inner) => !matches(inner, post, segments),
        Kind::And(nodes) => nodes.iter().all(|node| matches(node, post, segments)),
        Kind::Or(nodes) => nodes.iter().any(|node| matches(node, post, segments)),
    }
}

/// Where the terms of `node` that are not under a NOT stand in the post's text, in order, without repeats.
#[must_use]
pub fn spans(node: &Node, segments: &[Folded]) -> Vec<Span> {
    let mut spans = Vec::new();
    if let Some(text) = segments.first() {
        collect(node, text, &mut spans);
    }
    spans.sort_unstable();
    spans.dedup();
    spans
}

fn collect(node: &Node, text: &Folded, spans: &mut Vec<Span>) {
    match &node.kind {
        Kind::Term(Term::Text(pattern)) => spans.extend(places(pattern, text)),
        Kind::List { patterns, .. } => {
            spans.extend(patterns.iter().flat_map(|pattern| places(pattern, text)));
        }
        Kind::And(nodes) | Kind::Or(nodes) => nodes.iter().for_each(|node| collect(node, text, spans)),
        Kind::Term(_) | Kind::Not(_) => {}
    }
}

/// Where `pattern` stands, as byte ranges of the original text.
pub(super) fn places<'a>(pattern: &'a Pattern, text: &'a Folded) -> impl Iterator<Item = Span> + 'a {
    pattern.find_all(text).into_iter().map(|(start, end)| text.original_span(start, end))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::parse::parse;
    use super::super::{RuleSet, Scratch};
    use super::*;
    use crate::model::{Author, Lane, PostKind, RuleInfo, RuleStatus};

    fn lists(name: &str) -> Option<Vec<Pattern>> {
        let terms = ["acme box", "Acme", "#acmedown", "網路"];
        (name == "products").then(|| terms.iter().map(|term| Pattern::new(term, false).unwrap()).collect())
    }

    fn query(text: &str) -> Node {
        parse(text, false, &lists).unwrap()
    }

    fn post(text: &str) -> Post {
        Post { text: text.to_owned(), ..Post::default() }
    }

    #[test]
    fn the_manuals_example_matches_what_it_should() {
        let node = query(r#"("acme cloud" OR @acmecloud OR #acmedown) (down OR outage) -is:repost"#);
        let hits = |post: &Post| matches(&node, post, &segments(post));
        assert!(hits(&post("Acme Cloud is down again!!")));
        assert!(hits(&post("#AcmeDown: an OUTAGE")));
        assert!(!hits(&post("on cloud nine with acme, down")));
        assert!(!hits(&Post { kind: PostKind::Repost, ..post("Acme Cloud is down") }));
    }

    #[test]
    fn spans_are_those_of_positive_terms_in_the_original_text() {
        let text = "Ácme Cloud — down, down; ignore";
        let found = spans(&query("\"acme cloud\" down -spam (ignore OR x)"), &segments(&post(text)));
        let words: Vec<&str> =
            found.iter().map(|&(start, end)| &text[start as usize..end as usize]).collect();
        assert_eq!(words, ["Ácme Cloud", "down", "down", "ignore"]);
    }

    #[test]
    fn captions_count_and_have_no_spans() {
        let post = Post { captions: vec!["acme box".to_owned()], ..post("look") };
        let node = query("list:products");
        assert!(matches(&node, &post, &segments(&post)));
        assert_eq!(spans(&node, &segments(&post)), []);
    }

    /// Words that queries and posts have in common, with everything that folding and boundaries make hard.
    const WORDS: [&str; 24] = [
        "acme",
        "Acme",
        "cloud",
        "clouds",
        "down",
        "#acmedown",
        "#AcmeDown",
        "@acme.example",
        "$ACME",
        "H&M",
        "co-op",
        "coop",
        "🤬",
        "네슬레",
        "네슬레를",
        "網路",
        "Ácme",
        "acme's",
        "l'acme",
        "out",
        "outage",
        "Outages",
        "x",
        "NaïVE",
    ];

    fn word() -> impl Strategy<Value = &'static str> {
        prop::sample::select(WORDS.to_vec())
    }

    fn any_term() -> impl Strategy<Value = String> {
        prop_oneof![
            6 => word().prop_map(str::to_owned),
            2 => prop::collection::vec(word(), 2..4).prop_map(|words| format!("\"{}\"", words.join(" "))),
            2 => prop::sample::select(vec![
                "acm*", "#acm*", "out*", "list:products", "from:jo.example", "lang:en", "is:reply", "has:links",
                "has:emoji", "has:hashtags", "has:mentions",
            ]).prop_map(str::to_owned),
        ]
    }

    fn any_query() -> impl Strategy<Value = String> {
        let inner = any_term().prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" "))),
                prop::collection::vec(inner.clone(), 2..4)
                    .prop_map(|parts| format!("({})", parts.join(" OR "))),
                inner.prop_map(|part| format!("-{part}")),
            ]
        });
        (word(), inner, any::<bool>()).prop_map(
            |(anchor, part, both)| {
                if both { format!("{anchor} {part}") } else { part }
            },
        )
    }

    fn any_post() -> impl Strategy<Value = Post> {
        let text = || {
            let gap = prop::sample::select(vec![" ", "  ", ", ", "-", "", "/", " — ", "・", "\n"]);
            prop::collection::vec((word(), gap), 0..8)
                .prop_map(|parts| parts.iter().map(|(word, gap)| format!("{word}{gap}")).collect::<String>())
        };
        let tags = prop::collection::vec(prop::sample::select(vec!["AcmeDown", "acmedown", "x"]), 0..2);
        let kinds = prop::sample::select(vec![PostKind::Post, PostKind::Reply]);
        (text(), prop::collection::vec(text(), 0..2), tags, kinds, any::<bool>()).prop_map(
            |(text, captions, tags, kind, jo)| Post {
                text,
                captions,
                kind,
                hashtags: tags.into_iter().map(str::to_owned).collect(),
                langs: vec![if jo { "en-GB" } else { "de" }.to_owned()],
                author: Author {
                    id: "did:x".to_owned(),
                    handle: jo.then(|| "Jo.example".to_owned()),
                    ..Author::default()
                },
                ..Post::default()
            },
        )
    }

    fn info(id: usize) -> RuleInfo {
        RuleInfo {
            id: Arc::from(format!("r{id}")),
            brand: Arc::from("acme"),
            team: Arc::from("support"),
            floor: Lane::Low,
            status: RuleStatus::Live,
            reply: None,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn the_compiled_set_decides_as_the_naive_evaluator_does(
            queries in prop::collection::vec((any_query(), any::<bool>()), 1..6),
            posts in prop::collection::vec(any_post(), 1..6),
        ) {
            let nodes: Vec<Node> =
                queries.iter().filter_map(|(text, exact)| parse(text, *exact, &lists).ok()).collect();
            let set = RuleSet::compile(nodes.iter().enumerate().map(|(id, node)| (info(id), node)).collect());
            let mut scratch = Scratch::default();
            for post in &posts {
                let segments = segments(post);
                let mut expected = Vec::new();
                for (rule, node) in (0u32..).zip(&nodes).filter(|(_, node)| matches(node, post, &segments)) {
                    expected.push((rule, spans(node, &segments)));
                }
                let found = set.matches(post, &mut scratch);
                let found: Vec<_> = found.into_iter().map(|found| (found.rule, found.spans.to_vec())).collect();
                prop_assert_eq!(found, expected, "{:?} on {:?}", queries, post);
            }
        }
    }
}
