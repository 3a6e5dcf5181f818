//! What is proved, and what only looks as if it followed.

use super::*;
use crate::rules::query::parse::parse;
use crate::rules::query::term::{Fold, Pattern};

fn lists(name: &str) -> Option<Vec<Pattern>> {
    let terms: &[&str] = match name {
        "brands" => &["acme", "globex", "initech"],
        "ours" => &["globex", "acme"],
        _ => return None,
    };
    Some(terms.iter().map(|term| Pattern::new(term, Fold::Standard).unwrap()).collect())
}

fn query(text: &str) -> Node {
    parse(text, Fold::Standard, &lists).unwrap()
}

#[test]
fn narrower_queries_imply_wider_ones_and_not_the_other_way_round() {
    for (narrow, wide) in [
        ("acme down", "acme"),
        ("acme down", "down acme OR outage"),
        ("acme", "acme OR globex"),
        ("\"acme cloud\"", "acme"),
        ("\"acme cloud\"", "cloud"),
        ("\"my acme cloud\"", "\"acme cloud\""),
        ("acme-cloud", "\"acme cloud\""),
        ("@acme", "acme"),
        ("acmecloud", "acme*"),
        ("acmecl*", "acme*"),
        ("東京都", "東京"),
        ("東京acme", "acme東京 OR 東京"),
        ("@acme.com", "acme"),
        ("\"@acme cloud\"", "@acme"),
        ("\"acme cloud 東京\"", "\"acme cloud\""),
        ("\"acme 東京都\"", "東京"),
        ("{Acme東京}", "acme東京"),
        ("\"#acme 東京\" {Acme 東京}", "\"acme 東京\""),
        ("acme -(down OR outage)", "acme -down"),
        ("acme -acme*", "acme -acmecloud"),
        ("acme is:reply", "acme -is:repost"),
        ("list:ours", "list:brands"),
        ("globex", "list:brands"),
        ("(acme OR globex) down", "list:brands (down OR outage)"),
        ("(acme down) OR (acme outage)", "acme"),
        ("acme NEAR/3 down", "down NEAR/5 (acme OR globex)"),
        ("acme ONEAR/3 down", "acme NEAR/3 down"),
        ("acme NEAR/3 (\"is down\" OR down)", "acme down"),
        ("\"acme down\"~2", "\"down acme\"~4"),
        ("\"acme down\"~2", "acme down"),
        ("colour", "colo?r OR colou?"),
        ("acme sentiment:<-0.5", "acme sentiment:<=-0.5"),
        ("acme urgency:0.7..0.8", "acme urgency:>0.5"),
        ("acme sentiment:<-0.5", "acme -sentiment:>0"),
        ("acme intent:churn", "acme -intent:praise"),
        ("acme followers:>1000", "acme followers:>=1000"),
        ("domain:status.acme.example", "domain:acme.example"),
        ("url:acme.example/status", "url:acme.example"),
        ("acme source:bluesky", "acme -source:nostr"),
    ] {
        assert!(implies(&query(narrow), &query(wide)), "{narrow} → {wide}");
        assert!(!implies(&query(wide), &query(narrow)), "{wide} → {narrow}");
    }
}

#[test]
fn order_and_double_negation_make_no_difference() {
    let (one, other) = (query("acme (down OR outage) -spam"), query("-spam (outage OR down) --(acme)"));
    assert!(implies(&one, &other) && implies(&other, &one));
}

#[test]
fn what_only_looks_narrower_is_not() {
    for (narrow, wide) in [
        // The platform may name a tag that the text does not show.
        ("#acme", "acme"),
        ("#acme", "acm*"),
        ("j'ai", "ai"),
        ("#東京", "東京"),
        ("@acme.com", "@acme"),
        ("megaacme東京", "acme東京"),
        ("\"acme 東京\"", "acme東京"),
        ("acme東京", "\"acme 東京\""),
        ("acme", "@acme"),
        ("acmecloud", "acme"),
        ("acme lang:en", "acme is:post"),
        ("acme is:quote", "acme -is:reply"),
        ("acme is:reply", "acme -is:quote"),
        ("acme -down", "acme -outage"),
        ("\"acme cloud\" NEAR/3 down", "acme NEAR/3 down"),
        ("acme NEAR/3 down", "acme ONEAR/3 down"),
        ("domain:myacme.example", "domain:acme.example"),
        ("acme sentiment:<=0", "acme sentiment:<0"),
        ("acme sentiment:<=0", "acme -sentiment:>=0"),
        ("acme followers:<5", "acme -followers:0..4"),
        ("raw:\"AT&T\"", "at&t"),
    ] {
        assert!(!implies(&query(narrow), &query(wide)), "{narrow} → {wide}");
    }
    let folded = |text, fold| parse(text, fold, &lists).unwrap();
    let [exact, loose] = [Fold::Exact, Fold::Loose].map(|fold| folded("Apple", fold));
    assert!(implies(&exact, &query("apple")) && !implies(&query("apple"), &exact));
    assert!(implies(&query("apple"), &loose) && !implies(&loose, &query("apple")));
    assert!(implies(&query("{Apple}"), &query("apple")) && !implies(&query("apple"), &query("{Apple}")));
}

#[test]
fn a_search_without_end_is_given_up() {
    let clause = |letter: char| {
        let words: Vec<String> = (0..9).map(|n| format!("({letter}{n}x OR {letter}{n}y)")).collect();
        format!("({})", words.join(" "))
    };
    let all = |letters: &str| {
        let clauses: Vec<String> = letters.chars().map(clause).collect();
        query(&clauses.join(" OR "))
    };
    assert!(!implies(&all("abcdefgh"), &all("ijklmnop")));
}
