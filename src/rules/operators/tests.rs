//! When each operator holds.

use super::*;
use crate::model::{Intent, Post, PostKind, Scores};
use crate::rules::query::ast::{Feature, Term};
use crate::rules::query::term::{Fold, Pattern};
use crate::text::Folded;

fn post(text: &str) -> (Post, Vec<Folded>) {
    (Post { text: text.to_owned(), ..Post::default() }, vec![Folded::new(text)])
}

fn holds(term: &Term, post: &Post, segments: &[Folded]) -> bool {
    Facts { post, segments, scores: &Scores::default() }.satisfy(term)
}

/// The truth of one `name:value` for a post.
fn field(query: &str, post: &Post) -> bool {
    let (name, value) = query.split_once(':').unwrap();
    let term = super::field(name).unwrap().parse(value).unwrap();
    let segments = [Folded::new(&post.text)];
    let mut scores = Scores { urgency: 0.8, intent: Intent::Churn, ..Scores::default() };
    scores.sentiment.score = -0.5;
    Facts { post, segments: &segments, scores: &scores }.satisfy(&term)
}

fn tag(source: &str, fold: Fold) -> Term {
    Term::Text(Pattern::new(source, fold).unwrap().into())
}

#[test]
fn accounts_are_known_by_id_and_by_handle() {
    let (mut post, _) = post("@Jo.example hi, ask @Bo.example.");
    post.author.id = "did:plc:ABC".to_owned();
    post.author.handle = Some("@Al.example".to_owned());
    post.parent_author = Some("did:plc:parent".to_owned());
    post.parent = Some("at://did:plc:parent/app.bsky.feed.post/1".to_owned());
    post.mentions = vec!["did:plc:m".to_owned()];
    post.known_names = vec![("did:plc:m".to_owned(), "Em.example".to_owned())];
    for (query, expected) in [
        ("from:did:plc:abc", true),
        ("from:@AL.example", true),
        ("from:al", false),
        ("to:did:plc:parent", true),
        ("to:jo.example", true),
        ("to:bo.example", false),
        ("mentions:did:plc:m", true),
        ("mentions:em.example", true),
        ("mentions:bo.example", true),
        ("mentions:jo.example", true),
        ("mentions:al.example", false),
    ] {
        assert_eq!(field(query, &post), expected, "{query}");
    }
}

#[test]
fn numbers_scores_links_and_sources_are_compared() {
    let (mut post, _) = post("see https://Shop.Acme.example/Status?x");
    post.network = "bluesky";
    post.links = vec!["https://user@other.example:8080/Path".to_owned()];
    for (query, expected) in [
        ("source:Bluesky", true),
        ("source:nostr", false),
        ("url:acme.example/status", true),
        ("url:https://other", true),
        ("url:nowhere", false),
        ("url:/path", true),
        ("domain:acme.example", true),
        ("domain:www.other.example", true),
        ("domain:cme.example", false),
        ("domain:shop.acme.example", true),
        ("sentiment:<-0.3", true),
        ("sentiment:-0.4..1", false),
        ("urgency:>=0.8", true),
        ("intent:churn", true),
        ("intent:praise", false),
        ("followers:<10", false),
    ] {
        assert_eq!(field(query, &post), expected, "{query}");
    }
    post.author.followers = Some(9);
    assert!(field("followers:<10", &post) && field("followers:5..9", &post) && !field("followers:>9", &post));
}

#[test]
fn a_language_is_its_primary_subtag_and_the_kind_is_the_posts_kind() {
    let (mut post, _) = post("hi");
    post.langs = vec!["pt-BR".to_owned(), "EN".to_owned()];
    post.kind = PostKind::Quote;
    for (query, expected) in
        [("lang:pt", true), ("lang:en", true), ("lang:fr", false), ("is:quote", true), ("is:post", false)]
    {
        assert_eq!(field(query, &post), expected, "{query}");
    }
}

#[test]
fn a_reply_that_quotes_is_both() {
    let (mut post, _) = post("hi");
    post.kind = PostKind::Quote;
    assert!(field("is:quote", &post) && !field("is:reply", &post));
    post.parent_author = Some("did:plc:parent".to_owned());
    post.parent = Some("at://did:plc:parent/app.bsky.feed.post/1".to_owned());
    assert!(field("is:quote", &post) && field("is:reply", &post) && !field("is:post", &post));
    post.kind = PostKind::Reply;
    assert!(!field("is:quote", &post));
    post.subject = Some("at://did:plc:x/app.bsky.feed.post/1".to_owned());
    assert!(field("is:quote", &post) && field("is:reply", &post));
    post.kind = PostKind::Repost;
    assert!(!field("is:reply", &post) && !field("is:quote", &post));
}

#[test]
fn features_show_in_the_text() {
    for (query, text, expected) in [
        ("has:links", "see HTTPS://x.example", true),
        ("has:links", "x.example", false),
        ("has:mentions", "hi @acme", true),
        ("has:mentions", "a@b.c", false),
        ("has:emoji", "oh 🤬", true),
        ("has:emoji", "oh :( é", false),
        ("has:hashtags", "#acme", true),
        ("has:hashtags", "#AcmeDown", true),
        ("has:hashtags", "行く #東京", true),
        ("has:hashtags", "we're #1 x/#東京", false),
    ] {
        assert_eq!(field(query, &post(text).0), expected, "{query} in {text}");
    }
}

#[test]
fn features_show_in_the_markup() {
    let (mut post, segments) = post("nothing to see");
    for (_, feature) in Feature::NAMES {
        assert!(!holds(&Term::Has(feature), &post, &segments));
    }
    post.links.push("https://x.example".to_owned());
    post.mentions.push("did:x".to_owned());
    post.hashtags.push("x".to_owned());
    post.has_media = true;
    for feature in [Feature::Links, Feature::Mentions, Feature::Hashtags, Feature::Media] {
        assert!(holds(&Term::Has(feature), &post, &segments));
    }
}

#[test]
fn a_hashtag_beside_the_text_counts() {
    let (mut post, segments) = post("look at this");
    post.hashtags.push("AcmeDown".to_owned());
    assert!(holds(&tag("#acmedown", Fold::Standard), &post, &segments));
    assert!(!holds(&tag("acmedown", Fold::Standard), &post, &segments));
    assert!(holds(&tag("#AcmeDown", Fold::Exact), &post, &segments));
    assert!(!holds(&tag("#acmedown", Fold::Exact), &post, &segments));
}

#[test]
fn captions_are_searched_for_text_and_not_for_features() {
    let (post, mut segments) = post("a picture");
    segments.push(Folded::new("the Acme logo https://x 🤬"));
    assert!(holds(&tag("acme", Fold::Standard), &post, &segments));
    assert!(!holds(&Term::Has(Feature::Links), &post, &segments));
    assert!(!holds(&Term::Has(Feature::Emoji), &post, &segments));
}

#[test]
fn every_operator_reads_its_own_example_and_prints_it_again() {
    for field in &FIELDS {
        let (name, value) = field.example.split_once(':').unwrap();
        assert_eq!(name, field.name);
        let term = field.parse(value).unwrap();
        assert_eq!(term.to_string(), field.example);
        assert_eq!(term.is_weak(), field.is_weak, "{}", field.name);
        assert!(field.parse(" ").is_err() && !field.meaning.is_empty());
    }
}
