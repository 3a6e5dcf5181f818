//! Random rules and random texts over one small vocabulary of many scripts, so that matches are frequent.

use std::sync::Arc;

use birddog::model::{Lane, PostKind, RuleInfo, RuleStatus};
use birddog::rules::ast::{Feature, Kind, Node, Term};
use birddog::rules::operators::near::DISTANCE_MAX;
use birddog::rules::parse::{has_anchor, parse};
use birddog::rules::term::{Fold, Pattern};
use proptest::prelude::*;
use proptest::sample::select;

/// Words, phrases, prefixes, entities, emoji, scripts without spaces: as they stand in a query.
const TERMS: &[&str] = &[
    "acme",
    "Acme",
    "down",
    "cloud",
    "acme down",
    "acme cloud down",
    "acme-down",
    "acm*",
    "dow*",
    "#acme",
    "#AcmeDown",
    "#acmedown",
    "#acm*",
    "@acme",
    "@acme.com",
    "$acme",
    "H&M",
    "don't",
    "café",
    "naïve",
    "straße",
    "Москва",
    "моск*",
    "أكمي",
    "🤬",
    "❤",
    "👍",
    "네슬레",
    "東京",
    "#東京",
    "アクメ",
    "カフェ",
    "อาหาร",
    "a b",
    "acme Москва",
    "2024",
    "ac?e",
    "*own",
    "*cme*",
    "do?n*",
    "#ac*e",
    "моск*а",
    "{Acme}",
    "raw:H&M",
    "raw:Acme's",
    "raw:acme",
    "raw:café",
    "raw:, ",
    "raw:東京",
    "raw:#Acme",
    "raw:Acme Down",
    "raw:CaféNord down",
    "7-カフェ",
    "東京 acme",
    "acme ©",
    "‼",
    "ai",
    "ハハ",
    "한국",
    "🆘",
    "#CaféNord",
    "{CaféNord}",
    "acme.down",
    "acmecloud",
    "acmecloud down",
    "#acmecloud down",
    "{AcmeCloud}",
    "cloud2024",
    "#AcmeD*n",
    "ドコモ",
    "👩",
    "💻",
    "🇩🇪",
];

/// The same and their like, as they stand in posts.
const PIECES: &[&str] = &[
    "acme",
    "ACME",
    "Acme",
    "acmé",
    "Acme's",
    "acmes",
    "acme’s",
    "down",
    "DOWN",
    "Down!",
    "cloud",
    "acme-down",
    "acmedown",
    "Acme down",
    "acme \t down",
    "acme, down",
    "acme cloud down",
    "#acme",
    "#ACME",
    "#AcmeDown",
    "＃AcmeDown",
    "x#AcmeDown—down",
    "#acmeDOWN",
    "x#acme",
    "#acme#down",
    "@acme",
    "@acme.com",
    "@acme.bsky.social",
    "me@acme.com",
    "$acme",
    "$ACME",
    "H&M",
    "h & m",
    "hm",
    "H&amp;M",
    "don't",
    "don’t",
    "dont",
    "café",
    "cafe\u{301}",
    "CAFÉ",
    "cafe",
    "naïve",
    "naive",
    "straße",
    "STRASSE",
    "Москва",
    "МОСКВА",
    "москвой",
    "أكمي",
    "أَكْمِي",
    "🤬",
    "🤬🤬",
    "❤️",
    "❤",
    "👍🏽",
    "👍",
    "네슬레",
    "네슬레가",
    "東京",
    "東京都",
    "#東京",
    "東京 acme",
    "7-カフェ",
    "７－カフェ",
    "acme ©",
    "é©‼",
    "Acme Down",
    "#CaféNord down",
    "アクメ",
    "ｱｸﾒ",
    "カフェ",
    "カフェ\u{3099}",
    "อาหาร",
    "ａｃｍｅ",
    "ac\u{200d}me",
    "ac\u{ad}me",
    "acme\u{200b}down",
    "𝐚𝐜𝐦𝐞",
    "ﬁne",
    "a b",
    "a",
    "b",
    "http://acme.example/down",
    "https://x.example",
    "<b>acme</b>",
    "\"acme\"",
    "\\acme",
    "\u{0}",
    "\u{1f}",
    "\u{2028}",
    "\u{fffd}",
    "lorem",
    "acme Москва",
    "acme \u{64b} down",
    "acme ـ down",
    "2024",
    "٢٠٢٤",
    "२०२४",
    "ac\u{64b}me",
    "acme—down",
    "“acme”",
    "acme…",
    "acme👍down",
    "ac🏽me",
    "don‘t",
    "ipsum",
    "1",
    "#1",
    "acmeee",
    "4cme",
    "аcmе",
    "doooown",
    "j’ai",
    "J'AI",
    "AI",
    "ハハハ",
    "\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}",
    "🆘",
    "#CaféNord",
    "#Cafe\u{301}Nord",
    "acme.down",
    "acme ။ down",
    "ác\u{ad}me",
    "#AcmeCloud",
    "#AcmeCloudDown",
    "#ACMEdown",
    "#Acme_Cloud_",
    "#aCloud2024",
    "#AcmeClouddd",
    "＃ÁcmeCloud24",
    "ﾄﾞｺﾓ",
    "ﾄ",
    "ﾞ",
    "👩🏽\u{200d}💻",
    "\u{200d}💻",
    "🇬🇩🇪🇸",
    "https://x.example/-",
    "https://ja.example/東京#東京",
];

const SEPARATORS: &[&str] =
    &[" ", " ", " ", " ", "", "", "\n", ", ", ". ", "-", "/", "—", "\u{a0}", "\u{200b}", "#", "@", "_", "'"];

/// Accounts that may write, by id, and the names that rules may ask for.
pub(crate) const AUTHORS: &[&str] = &["did:plc:aaa", "did:plc:bbb", "did:plc:CCC", "did:plc:ddd"];
pub(crate) const HANDLES: &[&str] = &["jo.example", "Ann.bsky.social", "acme.example"];
const ASKED: &[&str] = &["did:plc:aaa", "did:plc:ccc", "jo.example", "ann.bsky.social", "acme.example"];
pub(crate) const LANGS: &[&str] = &["en", "en-GB", "EN", "ja", "pt-BR", "und"];

pub(crate) fn any_text() -> impl Strategy<Value = String> {
    let part = (select(PIECES), select(SEPARATORS));
    prop::collection::vec(part, 0..7)
        .prop_map(|parts| parts.iter().flat_map(|part| [part.0, part.1]).collect())
}

pub(crate) fn any_kind() -> impl Strategy<Value = PostKind> {
    select(&[PostKind::Post, PostKind::Reply, PostKind::Repost, PostKind::Quote][..])
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let fold = select(
        &[Fold::Standard, Fold::Standard, Fold::Standard, Fold::Standard, Fold::Exact, Fold::Loose][..],
    );
    (select(TERMS), fold).prop_map(|(term, fold)| pattern(term, fold))
}

/// As it would stand in a query.
fn pattern(term: &str, fold: Fold) -> Pattern {
    let quoted = match term.split_once(':') {
        Some(("raw", raw)) => format!("raw:\"{raw}\""),
        _ if term.contains(' ') => format!("\"{term}\""),
        _ => term.to_owned(),
    };
    // Beside an anchor: some terms cannot stand alone.
    let parsed = parse(&format!("anchor {quoted}"), fold, &|_: &str| None).unwrap();
    let Kind::And(nodes) = parsed.kind else { panic!("an AND") };
    match &nodes[1].kind {
        Kind::Term(Term::Text(pattern)) => Pattern::clone(pattern),
        other => panic!("{other:?}"),
    }
}

/// Terms close together.
fn any_close() -> impl Strategy<Value = Kind> {
    let term = || any_pattern().prop_map(|pattern| node(Kind::Term(Term::Text(pattern.into()))));
    let several = prop::collection::vec(term(), 2..4).prop_map(|nodes| node(Kind::Or(nodes)));
    let list = prop::collection::vec(any_pattern().prop_map(Arc::new), 1..3)
        .prop_map(|patterns| node(Kind::List { name: "words".to_owned(), patterns: patterns.into() }));
    let side = prop_oneof![3 => term(), 1 => several, 1 => list].boxed();
    let near = (side.clone(), side, 1..=6_u8, any::<bool>()).prop_map(|(left, right, distance, ordered)| {
        Kind::Near { left: Box::new(left), right: Box::new(right), distance, ordered }
    });
    let words = select(&["acme", "down", "cloud", "a", "b", "네슬레", "東京", "Москва", "🤬"][..]);
    let fold = select(&[Fold::Exact, Fold::Standard, Fold::Loose][..]);
    let terms = (prop::collection::vec(words, 2..4), fold).prop_map(|(words, fold)| {
        words.into_iter().map(|word| Arc::new(pattern(word, fold))).collect::<Vec<_>>()
    });
    let window = (terms, 0..=DISTANCE_MAX / 10).prop_map(|(terms, slack)| Kind::Window {
        source: terms.iter().map(|term| term.source.as_str()).collect::<Vec<_>>().join(" "),
        terms,
        slack,
    });
    prop_oneof![2 => near, 1 => window]
}

/// `name:value` operators.
fn any_field() -> impl Strategy<Value = Kind> {
    let queries = select(
        &[
            "to:did:plc:bbb",
            "to:acme.com",
            "mentions:did:plc:bbb",
            "mentions:acme.com",
            "mentions:acme.example",
            "source:bluesky",
            "source:nostr",
            "url:acme.example/down",
            "domain:x.example",
            "domain:example.org",
            "sentiment:<0",
            "urgency:>0.3",
            "intent:complaint",
            "followers:>5",
        ][..],
    );
    queries.prop_map(|query| {
        let parsed = parse(&format!("anchor {query}"), Fold::Standard, &|_: &str| None).unwrap();
        let Kind::And(nodes) = parsed.kind else { panic!("an AND") };
        nodes[1].kind.clone()
    })
}

fn any_author() -> impl Strategy<Value = Kind> {
    select(ASKED).prop_map(|who| Kind::Term(Term::From(who.to_owned())))
}

fn any_leaf() -> impl Strategy<Value = Kind> {
    let list = prop::collection::vec(any_pattern().prop_map(Arc::new), 1..4);
    let feature = select(&Feature::NAMES[..]).prop_map(|(_, feature)| Kind::Term(Term::Has(feature)));
    prop_oneof![
        8 => any_pattern().prop_map(|pattern| Kind::Term(Term::Text(pattern.into()))),
        2 => list.prop_map(|patterns| Kind::List { name: "words".to_owned(), patterns: patterns.into() }),
        2 => any_author(),
        3 => any_close(),
        2 => any_field(),
        1 => select(&["en", "ja", "pt"][..]).prop_map(|lang| Kind::Term(Term::Lang(lang.to_owned()))),
        1 => any_kind().prop_map(|kind| Kind::Term(Term::Is(kind))),
        1 => feature,
    ]
}

fn node(kind: Kind) -> Node {
    Node { span: (0, 0), kind }
}

/// Any tree, those included that the parser would refuse for having no anchor.
pub(crate) fn any_query() -> impl Strategy<Value = Node> {
    any_leaf().prop_map(node).prop_recursive(4, 16, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            1 => inner.prop_map(|inner| node(Kind::Not(Box::new(inner)))),
            2 => several.clone().prop_map(|nodes| node(Kind::And(nodes))),
            3 => several.prop_map(|nodes| node(Kind::Or(nodes))),
        ]
    })
}

/// Trees that a rule may have: every way to satisfy them needs a term or an author.
fn any_rule() -> impl Strategy<Value = Node> {
    let strong = prop_oneof![
        6 => any_pattern()
            .prop_filter("can carry a rule", |pattern| !pattern.is_unanchored())
            .prop_map(|pattern| Kind::Term(Term::Text(pattern.into()))),
        1 => any_author(),
    ];
    (any_query(), strong).prop_map(|(query, strong)| match has_anchor(&query) {
        true => query,
        false => node(Kind::And(vec![node(strong), query])),
    })
}

/// Rules of one set: large trees, or a few bare terms, so that each short cut is taken by itself now and then.
pub(crate) fn any_rules() -> impl Strategy<Value = Vec<Node>> {
    let bare = any_pattern()
        .prop_filter("can carry a rule", |pattern| !pattern.is_unanchored())
        .prop_map(|pattern| node(Kind::Term(Term::Text(pattern.into()))));
    prop_oneof![prop::collection::vec(any_rule(), 1..6), prop::collection::vec(bare, 1..3)]
}

/// Labels for the rule at `index`.
pub(crate) fn info(index: usize) -> RuleInfo {
    let name = |name: &str| Arc::from(name);
    RuleInfo {
        id: name(&format!("rule-{index}")),
        brand: name("acme"),
        team: name("support"),
        floor: Lane::Low,
        status: RuleStatus::Live,
        reply: None,
    }
}
