//! Decides a query the obvious way: every term is looked for in every segment, one after the other.
//!
//! The reference that the compiled [`RuleSet`](super::RuleSet) must equal; also what `test` and `explain` use, where
//! being plain matters more than being fast.

use std::sync::Arc;

use crate::model::{Post, Scores, Span};
use crate::text::Folded;

use super::facts::Facts;
use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::near::{self, Need, Place};
use crate::rules::query::term::Pattern;

/// The folded text of `post`, then its folded captions, with their loose spellings: what rules are decided on.
#[must_use]
pub fn segments(post: &Post) -> Vec<Folded> {
    let fold = |text: &String| {
        let mut folded = Folded::new(text);
        folded.loosen();
        folded
    };
    std::iter::once(&post.text).chain(&post.captions).map(fold).collect()
}

/// True when `node` holds for `post`; `segments` as from [`segments`].
#[must_use]
pub fn matches(node: &Node, post: &Post, segments: &[Folded], scores: &Scores) -> bool {
    holds(node, &Facts { post, segments, scores })
}

/// True when `node` holds.
#[must_use]
pub fn holds(node: &Node, facts: &Facts<'_>) -> bool {
    match &node.kind {
        Kind::Term(term) => facts.satisfy(term),
        Kind::List { patterns, .. } => patterns.iter().any(|pattern| facts.finds(pattern)),
        Kind::Not(inner) => !holds(inner, facts),
        Kind::And(nodes) => nodes.iter().all(|node| holds(node, facts)),
        Kind::Or(nodes) => nodes.iter().any(|node| holds(node, facts)),
        Kind::Near { .. } | Kind::Window { .. } => {
            facts.segments.iter().any(|text| !close_places(node, text).is_empty())
        }
    }
}

/// Where the terms that make `node` hold stand in the post's text, in order, without repeats: none under a NOT, and none
/// in a part that does not hold.
#[must_use]
pub fn spans(node: &Node, facts: &Facts<'_>) -> Vec<Span> {
    let mut spans = Vec::new();
    if let Some(text) = facts.segments.first() {
        collect(node, facts, text, &mut spans);
    }
    spans.sort_unstable();
    spans.dedup();
    spans
}

fn collect(node: &Node, facts: &Facts<'_>, text: &Folded, spans: &mut Vec<Span>) {
    match &node.kind {
        Kind::Term(Term::Text(pattern)) => spans.extend(places(pattern, text)),
        Kind::List { patterns, .. } => {
            spans.extend(patterns.iter().flat_map(|pattern| places(pattern, text)));
        }
        Kind::Near { .. } | Kind::Window { .. } => {
            let places = close_places(node, text).into_iter();
            spans.extend(places.map(|(start, end)| text.original_span(start, end)));
        }
        Kind::And(nodes) | Kind::Or(nodes) => {
            let holding = nodes.iter().filter(|node| holds(node, facts));
            holding.for_each(|node| collect(node, facts, text, spans));
        }
        Kind::Term(_) | Kind::Not(_) => {}
    }
}

/// The places that make a NEAR or a `"…"~N` hold in `text`; empty when it does not.
pub(in crate::rules) fn close_places(node: &Node, text: &Folded) -> Vec<Place> {
    match &node.kind {
        Kind::Near { left, right, distance, ordered } => {
            near::pairs(text, &all_places(left, text), &all_places(right, text), *distance, *ordered)
        }
        Kind::Window { terms, slack, .. } => window_places(terms, *slack, text),
        _ => Vec::new(),
    }
}

/// The places of the first stretch of `text` that has all of `terms`, each with a place of its own, and at most `slack` other words.
pub(in crate::rules) fn window_places(terms: &[Arc<Pattern>], slack: u8, text: &Folded) -> Vec<Place> {
    let mut needs: Vec<(&Pattern, Need)> = Vec::new();
    for term in terms {
        match needs.iter_mut().find(|(known, _)| known.form == term.form) {
            Some((_, need)) => need.count += 1,
            None => needs.push((term, Need { places: term.find_all(text), count: 1 })),
        }
    }
    let needs = needs.into_iter().map(|(_, need)| need).collect();
    near::window(text, needs, slack).unwrap_or_default()
}

/// Where any term of an operand of NEAR stands.
pub(in crate::rules) fn all_places(node: &Node, text: &Folded) -> Vec<Place> {
    match &node.kind {
        Kind::Term(Term::Text(pattern)) => pattern.find_all(text),
        Kind::List { patterns, .. } => patterns.iter().flat_map(|pattern| pattern.find_all(text)).collect(),
        Kind::Or(nodes) => nodes.iter().flat_map(|node| all_places(node, text)).collect(),
        _ => Vec::new(),
    }
}

/// Where `pattern` stands, as byte ranges of the original text.
pub(in crate::rules) fn places<'a>(
    pattern: &'a Pattern,
    text: &'a Folded,
) -> impl Iterator<Item = Span> + 'a {
    pattern.find_all(text).into_iter().map(|(start, end)| text.original_span(start, end))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{Author, Lane, PostKind, RuleInfo, RuleStatus};
    use crate::rules::query::parse::parse;
    use crate::rules::query::term::Fold;
    use crate::rules::unscored;
    use crate::rules::{RuleSet, Scratch};

    fn lists(name: &str) -> Option<Vec<Pattern>> {
        let terms = ["acme box", "Acme", "#acmedown", "網路"];
        (name == "products")
            .then(|| terms.iter().map(|term| Pattern::new(term, Fold::Standard).unwrap()).collect())
    }

    fn query(text: &str) -> Node {
        parse(text, Fold::Standard, &lists).unwrap()
    }

    fn spans_of(node: &Node, post: &Post) -> Vec<Span> {
        spans(node, &Facts { post, segments: &segments(post), scores: &Scores::default() })
    }

    fn post(text: &str) -> Post {
        Post { text: text.to_owned(), ..Post::default() }
    }

    #[test]
    fn the_manuals_example_matches_what_it_should() {
        let node = query(r#"("acme cloud" OR @acmecloud OR #acmedown) (down OR outage) -is:repost"#);
        let hits = |post: &Post| matches(&node, post, &segments(post), &Scores::default());
        assert!(hits(&post("Acme Cloud is down again!!")));
        assert!(hits(&post("#AcmeDown: an OUTAGE")));
        assert!(!hits(&post("on cloud nine with acme, down")));
        assert!(!hits(&Post { kind: PostKind::Repost, ..post("Acme Cloud is down") }));
    }

    #[test]
    fn spans_are_those_of_positive_terms_in_the_original_text() {
        let text = "Ácme Cloud — down, down; ignore";
        let found = |text: &'static str, rule: &str| -> Vec<&str> {
            let found = spans_of(&query(rule), &post(text));
            found.into_iter().map(|(start, end)| &text[start as usize..end as usize]).collect()
        };
        let words = found(text, "\"acme cloud\" down -spam (ignore OR x)");
        assert_eq!(words, ["Ácme Cloud", "down", "down", "ignore"]);
        assert_eq!(found("acme jobs down", "(acme -jobs) OR down"), ["down"]);
    }

    #[test]
    fn captions_count_and_have_no_spans() {
        let post = Post { captions: vec!["acme box".to_owned()], ..post("look") };
        let node = query("list:products");
        assert!(matches(&node, &post, &segments(&post), &Scores::default()));
        assert_eq!(spans_of(&node, &post), []);
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

    fn any_fold() -> impl Strategy<Value = Fold> {
        prop::sample::select(vec![Fold::Standard, Fold::Standard, Fold::Exact, Fold::Loose])
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
            queries in prop::collection::vec((any_query(), any_fold()), 1..6),
            posts in prop::collection::vec(any_post(), 1..6),
        ) {
            let nodes: Vec<Node> =
                queries.iter().filter_map(|(text, fold)| parse(text, *fold, &lists).ok()).collect();
            let set = RuleSet::compile(nodes.iter().enumerate().map(|(id, node)| (info(id), node)).collect());
            let mut scratch = Scratch::default();
            for post in &posts {
                let segments = segments(post);
                let mut expected = Vec::new();
                for (rule, node) in (0u32..).zip(&nodes).filter(|(_, node)| matches(node, post, &segments, &Scores::default())) {
                    expected.push((rule, spans_of(node, post)));
                }
                let found = set.matches(post, &mut scratch, &mut unscored);
                let found: Vec<_> = found.into_iter().map(|found| (found.rule, found.spans.to_vec())).collect();
                prop_assert_eq!(found, expected, "{:?} on {:?}", queries, post);
            }
        }
    }
}
