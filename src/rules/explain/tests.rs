//! What is said of rules that match and of rules that do not.

use super::*;
use crate::model::{Post, Scores};
use crate::rules::diagnostic::SourceFile;
use crate::rules::pack::{LoadedRule, load};

fn rule(query: &str) -> LoadedRule {
    let text = format!(
        "[pack]\nbrand = \"acme\"\nowner = \"o\"\n[lists]\np = \"p.txt\"\n[[rule]]\nid = \"r\"\nteam = \"support\"\nquery = '{query}'\n"
    );
    let files = [
        SourceFile { path: "a.toml".into(), text },
        SourceFile { path: "p.txt".into(), text: "acme box\nacmephone\n".to_owned() },
    ];
    let (mut packs, errors) = load(&files);
    assert_eq!(errors, []);
    packs.rules.remove(0)
}

fn post(text: &str) -> Post {
    Post { text: text.to_owned(), langs: vec!["en".to_owned()], ..Post::default() }
}

fn failed(query: &str, text: &str) -> Vec<(String, String)> {
    let explained = explain(&rule(query), &post(text), &Scores::default());
    assert_eq!(explained.matched, explained.failed.is_empty());
    explained.failed.into_iter().map(|failed| (failed.query, failed.why)).collect()
}

#[test]
fn the_operands_that_failed_are_named_with_the_reason() {
    assert_eq!(
        failed("(\"acme cloud\" OR #acmedown) down lang:de -spam", "Acme clouds: spam"),
        [
            (
                "\"acme cloud\" OR #acmedown".to_owned(),
                "`\"acme cloud\"`: its words are there, except `cloud` (found inside the longer word `clouds`); `\"acme clouds\"` would match it"
                    .to_owned()
            ),
            ("down".to_owned(), "not found".to_owned()),
            ("lang:de".to_owned(), "the post is tagged `en`".to_owned()),
            ("-spam".to_owned(), "found `spam`, which the rule excludes".to_owned()),
        ]
    );
    assert_eq!(failed("acme down", "ACME is down"), []);
}

#[test]
fn of_an_or_the_side_that_lacks_least_is_told_first() {
    let why = |query: &str, text: &str| failed(query, text).remove(0).1;
    assert_eq!(
        why("(globex down lang:de) OR (acme outage) OR box", "acme is down"),
        "`acme outage`: `outage` not found; `globex down lang:de`: `globex` not found, `lang:de` the post is tagged `en`"
    );
    assert_eq!(why("globex OR box", "acme is down"), "none of these holds");
}

#[test]
fn lists_and_fields_say_what_is_there_instead() {
    let why = |query: &str, text: &str| failed(query, text).remove(0).1;
    assert_eq!(
        why("list:p", "my acmephones"),
        "none of its 2 terms is found; nearest: `acmephone`, found inside the longer word `acmephones`; `acmephone*` would match it"
    );
    assert_eq!(why("acme is:reply", "acme"), "it is a post");
    assert_eq!(why("acme has:links", "acme"), "it has no links");
    assert_eq!(why("from:jo", "acme"), "the author is not known here");
}

#[test]
fn the_text_form_highlights_and_shows_the_tree() {
    let text = "Acme box is\u{1b}[31m down";
    let shown = explain(&rule("(list:p OR acme OR x) down -(spam OR ad)"), &post(text), &Scores::default())
        .render(text, |raw| raw.replace('\u{1b}', "\u{FFFD}"), |hit| format!("[{hit}]"));
    assert_eq!(
        shown,
        "r matches\n  team support, floor low\n  [Acme box] is\u{FFFD}[31m [down]\n\n  ✓ all of\n    ✓ any of\n      \
         ✓ list:p  (found `acme box`)\n      ✓ acme\n      ✗ … 1 more, which do not hold\n    ✓ down\n    \
         ✓ -(spam OR ad)\n"
    );
}

#[test]
fn the_json_form_has_matched_at_its_top() {
    let json =
        serde_json::to_value(explain(&rule("acme down"), &post("acme is up"), &Scores::default())).unwrap();
    assert_eq!(json["matched"], false);
    assert_eq!(json["failed"][0]["query"], "down");
    assert_eq!(json["tree"]["operands"][0]["spans"], serde_json::json!([[0, 4]]));
}

#[test]
fn captions_and_the_platforms_hashtags_are_told_apart() {
    let mut post = post("look");
    post.captions.push("the acme box".to_owned());
    post.hashtags.push("acmedown".to_owned());
    let explained = explain(&rule("acme #acmedown"), &post, &Scores::default());
    let whys: Vec<_> = explained.tree.operands.iter().filter_map(|operand| operand.why.as_deref()).collect();
    assert_eq!(
        whys,
        ["in a caption: an alternative text or a link's title", "among the platform's hashtags"]
    );
}
