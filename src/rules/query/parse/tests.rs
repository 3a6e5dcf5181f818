//! What queries mean, how they print, and what is said of those that will not do.

use std::sync::Arc;

use proptest::prelude::*;

use super::parser::stands_somewhere;
use super::*;
use crate::model::PostKind;
use crate::rules::query::ast::{Feature, Kind, Term};
use crate::rules::query::comparison::Comparison;
use crate::rules::query::errors::Problem;
use crate::rules::query::term::{Pattern, PatternError};
use crate::text::Folded;

fn lists(name: &str) -> Option<Vec<Pattern>> {
    (name == "products").then(|| vec![Pattern::new("acme", Fold::Standard).unwrap()])
}

fn tree(query: &str) -> Node {
    parse(query, Fold::Standard, &lists).unwrap_or_else(|errors| panic!("{query}: {errors:?}"))
}

/// The tree with every group visible.
fn shape(query: &str) -> String {
    fn show(node: &Node) -> String {
        let joined = |nodes: &[Node], by: &str| nodes.iter().map(show).collect::<Vec<_>>().join(by);
        match &node.kind {
            Kind::And(nodes) => format!("({})", joined(nodes, " & ")),
            Kind::Or(nodes) => format!("({})", joined(nodes, " | ")),
            Kind::Not(inner) => format!("!{}", show(inner)),
            _ => node.to_string(),
        }
    }
    show(&tree(query))
}

/// The problems' ids, and the characters that they point at.
fn problems(query: &str) -> Vec<(&'static str, &str)> {
    let errors = parse(query, Fold::Standard, &lists).expect_err(query);
    let show = |error: &QueryError| {
        assert!(!error.problem.hint().is_empty() && !error.to_string().is_empty());
        (error.problem.id(), &query[error.span.0 as usize..error.span.1 as usize])
    };
    errors.iter().map(show).collect()
}

/// The one problem's hint.
fn hint(query: &str) -> String {
    let errors = parse(query, Fold::Standard, &lists).expect_err(query);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].problem.hint()
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    assert_eq!(shape("a b OR c AND d"), "((a & b) | (c & d))");
    assert_eq!(shape("a -b c OR d"), "((a & !b & c) | d)");
    assert_eq!(shape("a NOT (b OR c)"), "(a & !(b | c))");
    assert_eq!(shape("a -(b c) --d"), "(a & !(b & c) & !!d)");
    assert_eq!(shape("((a)) (b c)"), "(a & (b & c))");
}

#[test]
fn the_query_of_the_manual_parses() {
    let query = r#"("acme cloud" OR @acmecloud OR #acmedown) (down OR outage OR "not working") -is:repost"#;
    assert_eq!(tree(query).to_string(), query);
    assert_eq!(
        tree("LIST:products From:@Acme.Example lang:EN has:media 🤬 네슬레 outag* $ACME").to_string(),
        "list:products from:acme.example lang:en has:media 🤬 네슬레 outag* $ACME"
    );
}

#[test]
fn every_form_of_the_manual_parses_and_prints_itself() {
    for query in [
        "\"not working\"~3 acme",
        "acme NEAR/5 (down OR outage)",
        "list:products ONEAR/3 \"not working\" -b",
        "acme -(b NEAR/2 c)",
        "(a NEAR/1 b) OR c",
        "outag* *phone colo?r in*ing",
        "{Apple} {Apple Pie} raw:\"AT&T\" raw:\":-(\"",
        "to:acme.example mentions:did:plc:x source:bluesky",
        "url:acme.example/status domain:acme.example",
        "acme followers:>1000 sentiment:<-0.3 urgency:0.5..1 intent:churn",
    ] {
        let printed = tree(query).to_string();
        assert_eq!(without_spans(tree(&printed)), without_spans(tree(query)), "{printed}");
        let groups = |text: &str| text.matches('(').count();
        assert!(groups(&printed) <= groups(query), "{printed}");
    }
}

#[test]
fn near_takes_terms_and_groups_of_alternatives() {
    assert_eq!(problems("acme NEAR/5 (a b)"), [("query-proximity", "(a b)")]);
    assert_eq!(problems("-acme NEAR/5 b"), [("query-proximity", "-acme")]);
    assert_eq!(problems("acme NEAR/5 lang:en"), [("query-proximity", "lang:en")]);
    assert_eq!(problems("a NEAR/5 b NEAR/5 c"), [("query-proximity", "NEAR/5")]);
    assert_eq!(problems("acme NEAR/5"), [("query-operand", "NEAR/5")]);
    assert_eq!(problems("NEAR/5 acme"), [("query-operand", "NEAR/5")]);
    assert_eq!(problems("\"acme\"~3"), [("query-proximity", "\"acme\"~3")]);
    assert_eq!(problems("\"acme dow*\"~3"), [("query-wildcard", "\"acme dow*\"~3")]);
}

#[test]
fn raw_punctuation_cannot_carry_a_rule() {
    assert_eq!(problems("raw:\":-(\""), [("query-no-anchor", "raw:\":-(\"")]);
    for query in ["raw:\"네슬레\"", "raw:\"#AcmeDown\"", "raw:\"🤬\""] {
        assert_eq!(problems(query), [("query-no-anchor", query)]);
        assert!(hint(query).contains("{Case}"), "{query}");
    }
    assert!(has_anchor(&tree("raw:\"AT&T\"")) && has_anchor(&tree("raw:\":-(\" acme")));
}

#[test]
fn spans_cover_what_was_written() {
    let query = "acme (down OR \"not ok\") -x";
    let Kind::And(nodes) = tree(query).kind else { panic!("an AND") };
    let written: Vec<&str> =
        nodes.iter().map(|node| &query[node.span.0 as usize..node.span.1 as usize]).collect();
    assert_eq!(written, ["acme", "(down OR \"not ok\")", "-x"]);
}

#[test]
fn unbalanced_queries_point_at_the_opener() {
    assert_eq!(problems("acme (down OR (out"), [("query-parentheses", "("), ("query-parentheses", "(")]);
    assert_eq!(problems("acme) down"), [("query-parentheses", ")")]);
    assert_eq!(problems("(acme \"down) x"), [("query-quotes", "\"")]);
    assert_eq!(problems("acme ()"), [("query-empty", "()")]);
    assert_eq!(problems(""), [("query-empty", "")]);
    assert_eq!(problems("  "), [("query-empty", "  ")]);
    assert_eq!(problems("\"\""), [("query-nothing-to-find", "\"\"")]);
}

#[test]
fn a_group_behind_a_colon_is_answered_with_the_values_spelt_out() {
    assert_eq!(problems("acme lang:(de OR en) down"), [("query-value", "lang:")]);
    assert!(hint("acme lang:(de OR en) down").contains("(lang:de OR lang:en)"));
    assert!(hint("from:(a.example b.example)").contains("(from:a.example OR from:b.example)"));
    assert_eq!(problems("acme lang:("), [("query-value", "lang:")]);
}

#[test]
fn an_unclosed_value_is_one_problem() {
    assert_eq!(problems("raw:\"acme"), [("query-quotes", "\"")]);
}

#[test]
fn a_number_apart_from_near_is_told_in_one_piece() {
    assert_eq!(problems("acme NEAR /3 down"), [("query-proximity", "NEAR /3")]);
    assert_eq!(problems("acme NEAR/ 3 down"), [("query-proximity", "NEAR/ 3")]);
    assert_eq!(problems("acme NEAR/x down"), [("query-proximity", "NEAR/x")]);
}

#[test]
fn a_dangling_operator_is_the_problem() {
    assert_eq!(problems("OR acme"), [("query-operand", "OR")]);
    assert_eq!(problems("acme OR"), [("query-operand", "OR")]);
    assert_eq!(problems("acme OR OR b"), [("query-operand", "OR")]);
    assert_eq!(problems("(acme OR ) b"), [("query-operand", "OR")]);
    assert_eq!(problems("AND acme"), [("query-operand", "AND")]);
    assert_eq!(problems("acme AND"), [("query-operand", "AND")]);
    assert_eq!(problems("acme NOT"), [("query-operand", "NOT")]);
    assert_eq!(problems("acme (b -)"), [("query-operand", "-")]);
}

#[test]
fn all_problems_are_reported_at_once_in_order() {
    assert_eq!(
        problems("ab* forom:x OR acme (lang:english has:geo list:prodcts !! a*b"),
        [
            ("query-wildcard", "ab*"),
            ("query-unknown-operator", "forom:x"),
            ("query-parentheses", "("),
            ("query-value", "lang:english"),
            ("query-value", "has:geo"),
            ("query-unknown-list", "list:prodcts"),
            ("query-nothing-to-find", "!!"),
            ("query-wildcard", "a*b"),
        ]
    );
}

#[test]
fn a_query_needs_a_positive_anchor_on_every_side_of_an_or() {
    for (query, blamed) in [
        ("-acme", "-acme"),
        ("lang:en is:post", "lang:en is:post"),
        ("acme OR lang:en", "lang:en"),
        ("acme OR (b OR -c)", "-c"),
        ("-a -b", "-a -b"),
        ("--acme", "--acme"),
    ] {
        assert_eq!(problems(query), [("query-no-anchor", blamed)]);
    }
    for query in ["acme -b", "lang:en (a OR from:b OR list:products)", "a OR b lang:en", "🤬"] {
        assert!(has_anchor(&tree(query)), "{query}");
    }
}

#[test]
fn hints_say_what_to_write_instead() {
    assert!(hint("acme form:x").contains("`from:`"));
    assert!(hint("acme is:boost").contains("is:repost"));
    assert!(hint("acme has:images").contains("has:media"));
    assert!(hint("acme lang:en-GB").contains("lang:en"));
    assert!(hint("acme author:x").contains("from:"));
    assert!(hint("acme url_contains:x").contains("url:"));
    assert!(hint("acme https://x.example").contains("url:"));
    assert!(hint("acme followers_count:>9").contains("followers:"));
    assert!(hint("acme sentiment:5").contains("-1"));
    assert!(hint("acme NEAR/5f down").contains("ONEAR"));
    assert!(hint("(acme NEAR/5 down) NEAR/5 out").contains("parentheses"));
    assert!(hint("acme from:").contains("from:acme"));
    assert!(hint("acme || b").contains("OR"));
}

#[test]
fn limits_are_errors_and_never_a_crash() {
    assert_eq!(
        parse(&"a".repeat(8_193), Fold::Standard, &lists).unwrap_err()[0].problem,
        Problem::TooLong(8_193)
    );
    assert!(parse(&"é".repeat(8_192), Fold::Standard, &lists).is_ok());
    let many = "a ".repeat(1_025);
    assert_eq!(parse(&many, Fold::Standard, &lists).unwrap_err()[0].problem, Problem::TooManyTerms);
    let window = format!("\"{}\"~50", "a ".repeat(1_025));
    assert_eq!(parse(&window, Fold::Standard, &lists).unwrap_err()[0].problem, Problem::TooManyTerms);
    for opener in ["(", "-", "(-"] {
        let deep = format!("{}a", opener.repeat(3_000));
        assert_eq!(parse(&deep, Fold::Standard, &lists).unwrap_err()[0].problem, Problem::TooDeep);
    }
}

#[test]
fn a_printed_query_is_no_deeper() {
    let deepest = format!("acme {}b", "-".repeat(DEPTH_MAX - 1));
    assert_eq!(tree(&deepest).to_string(), deepest);
}

#[test]
fn exact_rules_keep_the_spelling() {
    let node = parse("Apple", Fold::Exact, &lists).unwrap();
    let Kind::Term(Term::Text(pattern)) = node.kind else { panic!("a word") };
    assert_eq!(pattern.exact_words().unwrap(), ["Apple"]);
    for query in ["\"{App\" b", "\"{a} {b}\"", "{Apple}", "\"{Apple}\"", "{a\"ア}", "\"{ア}\""] {
        let node = parse(query, Fold::Exact, &lists).unwrap();
        let again = parse(&node.to_string(), Fold::Exact, &lists).map(without_spans);
        assert_eq!(again, Ok(without_spans(node)), "{query}");
    }
}

fn without_spans(mut node: Node) -> Node {
    node.span = (0, 0);
    node.kind = match node.kind {
        Kind::Not(inner) => Kind::Not(Box::new(without_spans(*inner))),
        Kind::And(nodes) => Kind::And(nodes.into_iter().map(without_spans).collect()),
        Kind::Or(nodes) => Kind::Or(nodes.into_iter().map(without_spans).collect()),
        Kind::Near { left, right, distance, ordered } => {
            let [left, right] = [left, right].map(|side| Box::new(without_spans(*side)));
            Kind::Near { left, right, distance, ordered }
        }
        kind => kind,
    };
    node
}

fn node(kind: Kind) -> Node {
    Node { span: (0, 0), kind }
}

fn any_term() -> impl Strategy<Value = Kind> {
    let text = prop_oneof![
        "[#@$]?[a-zA-Z0-9]{1,6}\\*?",
        "[a-zA-Z .'&?!:~-]{1,12}",
        "(OR|AND|NOT|NEAR/5|-a|a:b|🤬|네슬레|a b)",
        "\\PC{1,6}",
    ];
    let text = text.prop_filter_map("a term", |source| {
        let pattern = Pattern::new(&source, Fold::Standard).ok()?;
        (!source.contains('"')).then_some(Kind::Term(Term::Text(Arc::new(pattern))))
    });
    let term = |read: Result<Pattern, PatternError>| {
        read.ok().map(|pattern| Kind::Term(Term::Text(Arc::new(pattern))))
    };
    let wildcard = "[a-z]{0,3}[*?]{1,2}[a-z]{0,3}".prop_filter_map("a wildcard", move |source| {
        term(Pattern::word(&source, Fold::Standard, &mut Folded::default()))
    });
    let raw = "[a-zA-Z &.'é🤬]{1,6}"
        .prop_filter_map("raw", move |source| term(Pattern::raw(&source, &mut Folded::default())));
    let window = ("[a-z]{1,5}( [a-z]{1,5}){1,3}", 0..=50_u8).prop_map(|(source, slack)| {
        let terms =
            source.split(' ').map(|word| Arc::new(Pattern::new(word, Fold::Standard).unwrap())).collect();
        Kind::Window { source, terms, slack }
    });
    let feature = prop::sample::select(Feature::NAMES.map(|(_, feature)| feature).to_vec());
    prop_oneof![
        6 => text,
        1 => wildcard,
        1 => raw,
        1 => window,
        1 => (any::<u8>(), any::<bool>()).prop_map(|(bound, above)| {
            let bound = f32::from(bound) / 255.0;
            let range = if above { Comparison::Above(bound) } else { Comparison::Within(-bound, bound) };
            Kind::Term(Term::Sentiment(range))
        }),
        1 => "[a-z.:]{1,8}".prop_map(|who| Kind::Term(Term::From(who))),
        1 => "[a-z]{2,3}".prop_map(|lang| Kind::Term(Term::Lang(lang))),
        1 => feature.prop_map(|feature| Kind::Term(Term::Has(feature))),
        1 => Just(Kind::Term(Term::Is(PostKind::Repost))),
        1 => Just(Kind::List { name: "products".to_owned(), patterns: Lists::patterns(&lists, "products").unwrap() }),
    ]
}

fn any_tree() -> impl Strategy<Value = Node> {
    any_term().prop_map(node).prop_recursive(5, 40, 4, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..5);
        prop_oneof![
            inner.prop_map(|inner| node(Kind::Not(Box::new(inner)))),
            (any_term(), any_term(), 1..=50_u8, any::<bool>()).prop_filter_map(
                "places",
                |(left, right, distance, ordered)| {
                    let (left, right) = (node(left), node(right));
                    let fits = stands_somewhere(&left) && stands_somewhere(&right);
                    fits.then(|| {
                        node(Kind::Near { left: Box::new(left), right: Box::new(right), distance, ordered })
                    })
                }
            ),
            several.clone().prop_map(|nodes| node(Kind::And(nodes))),
            several.prop_map(|nodes| node(Kind::Or(nodes))),
        ]
    })
}

proptest! {
    #[test]
    fn a_printed_query_parses_to_the_same_tree(tree in any_tree()) {
        let anchor = node(Kind::Term(Term::Text(Arc::new(Pattern::new("anchor", Fold::Standard).unwrap()))));
        let tree = node(Kind::And(vec![anchor, tree]));
        let printed = tree.to_string();
        let parsed = parse(&printed, Fold::Standard, &lists);
        prop_assert_eq!(parsed.map(without_spans), Ok(tree), "{}", printed);
    }

    #[test]
    fn no_text_crashes_the_parser(text in "\\PC{0,80}") {
        check_any(&text);
    }

    #[test]
    fn no_arrangement_of_tokens_crashes_the_parser(
        parts in prop::collection::vec(prop::sample::select(vec![
            "a", "OR", "AND", "NOT", "-", "(", ")", "\"", "\"b c\"", "lang:en", "x:y", "*", "list:products", "~3", "é", "NEAR/3", "ONEAR/9", "{A", "}", "b*", "?", "raw:", "sentiment:<0",
        ]), 0..30),
        spaced in any::<bool>(),
    ) {
        check_any(&parts.join(if spaced { " " } else { "" }));
    }
}

/// Either a tree with an anchor that prints and parses, or errors whose places are in the text.
fn check_any(text: &str) {
    match parse(text, Fold::Standard, &lists) {
        Ok(node) => {
            assert!(has_anchor(&node));
            let printed = node.to_string();
            let again = parse(&printed, Fold::Standard, &lists).map(without_spans);
            assert_eq!(again, Ok(without_spans(node)), "{printed}");
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert!(text.get(error.span.0 as usize..error.span.1 as usize).is_some());
            }
        }
    }
}
