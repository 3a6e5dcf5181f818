//! `name:value`, each as the page says.

use birddog::model::{Post, Scores};
use birddog::rules::ast::{Feature, Term};
use birddog::rules::operators::comparison::Comparison;

use super::characters::Class;
use super::words::Text;

/// True when `term`, which is no text, holds.
pub(crate) fn holds(term: &Term, post: &Post, text: &Text, scores: impl FnOnce() -> Scores) -> bool {
    match term {
        Term::Text(_) => false,
        Term::From(who) => {
            is_account(&post.author.id, who)
                || post.author.handle.as_ref().is_some_and(|name| is_account(name, who))
        }
        Term::To(who) => {
            let answered = post.parent.as_ref().and_then(|uri| uri.strip_prefix("at://")?.split('/').next());
            answered.is_some_and(|id| is_account(id, who) || is_known(post, id, who))
                || begins_with_handle(text, who)
        }
        Term::Mentions(who) => {
            post.mentions.iter().any(|id| is_account(id, who) || is_known(post, id, who))
                || has_handle(text, who)
        }
        Term::Lang(lang) => {
            let primary = |tag: &String| tag.split(['-', '_']).next().unwrap_or_default().to_lowercase();
            post.langs.iter().any(|tag| primary(tag) == *lang)
        }
        Term::Source(network) => post.network.to_lowercase() == *network,
        Term::Url(part) => links(post).iter().any(|link| link.to_lowercase().contains(part.as_str())),
        Term::Domain(domain) => links(post).iter().any(|link| is_below(&host(link), domain)),
        Term::Is(kind) => post.kind == *kind,
        Term::Has(feature) => has(*feature, post, text),
        Term::Followers(range) => post.author.followers.is_some_and(|followers| is_in(*range, followers)),
        Term::Sentiment(range) => is_in(*range, scores().sentiment.score),
        Term::Urgency(range) => is_in(*range, scores().urgency),
        Term::Intent(intent) => scores().intent == *intent,
    }
}

fn is_in<N: PartialOrd + Copy>(range: Comparison<N>, value: N) -> bool {
    match range {
        Comparison::Above(bound) => value > bound,
        Comparison::AtLeast(bound) => value >= bound,
        Comparison::Below(bound) => value < bound,
        Comparison::AtMost(bound) => value <= bound,
        Comparison::Within(low, high) => value >= low && value <= high,
    }
}

fn is_account(name: &str, who: &str) -> bool {
    name.trim_start_matches('@').to_lowercase() == who
}

fn is_known(post: &Post, id: &str, who: &str) -> bool {
    post.known_names.iter().any(|(known, name)| known == id && is_account(name, who))
}

/// Handles in the text: where they start, and what they are.
fn handles(text: &Text) -> Vec<(usize, String)> {
    let (reading, _) = text.reading();
    let mut found = Vec::new();
    for (at, _) in reading.match_indices('@') {
        let opens =
            reading[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !"_./@".contains(c));
        let rest = &reading[at + 1..];
        let len = rest.find(|c: char| !c.is_alphanumeric() && !"_.-".contains(c)).unwrap_or(rest.len());
        let name = rest[..len].trim_end_matches(['.', '-']);
        if opens && !name.is_empty() {
            found.push((at, name.to_owned()));
        }
    }
    found
}

fn has_handle(text: &Text, who: &str) -> bool {
    handles(text).iter().any(|(_, name)| name == who)
}

fn begins_with_handle(text: &Text, who: &str) -> bool {
    let reading = text.reading().0;
    let start = reading.len() - reading.trim_start().len();
    handles(text).iter().any(|(at, name)| *at == start && name == who)
}

/// Links of the markup, and those written out in the text.
fn links(post: &Post) -> Vec<String> {
    let mut links = post.links.clone();
    let lower = post.text.to_ascii_lowercase();
    for scheme in ["http://", "https://"] {
        for (at, _) in lower.match_indices(scheme) {
            let rest = &post.text[at..];
            let len = rest.find(|c: char| c.is_whitespace() || "\"<>»”".contains(c)).unwrap_or(rest.len());
            links.push(rest[..len].to_owned());
        }
    }
    links
}

fn host(link: &str) -> String {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let authority: &str = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    // What cannot be part of a name ends it: a port, the bracket or comma of the sentence around the link.
    let name: String = host.chars().take_while(|c| c.is_alphanumeric() || "-._".contains(*c)).collect();
    name.to_lowercase().trim_end_matches('.').to_owned()
}

fn is_below(host: &str, domain: &str) -> bool {
    host == domain || host.ends_with(&format!(".{domain}"))
}

fn has(feature: Feature, post: &Post, text: &Text) -> bool {
    let lower = post.text.to_ascii_lowercase();
    match feature {
        Feature::Links => !post.links.is_empty() || lower.contains("http://") || lower.contains("https://"),
        Feature::Media => post.has_media,
        Feature::Mentions => {
            !post.mentions.is_empty() || text.words.iter().any(|word| word.sigil == Some('@'))
        }
        Feature::Hashtags => !post.hashtags.is_empty() || shows_hashtag(text),
        Feature::Emoji => text.characters.iter().any(|c| c.class == Class::Emoji),
    }
}

/// `#` before letters of any script; `#1` is a rank.
fn shows_hashtag(text: &Text) -> bool {
    let is_rank = |word: &str| word.chars().all(|c| c.is_ascii_digit());
    let mut tags = text.words.iter().filter(|word| word.sigil == Some('#') && !is_rank(&word.reads));
    let is_unspaced_tag = |at: usize| {
        let follows = text.characters.get(at + 1).is_some_and(|c| c.class == Class::Unspaced);
        text.characters[at].reads == "#" && text.opens(at) && follows
    };
    tags.next().is_some() || (0..text.characters.len()).any(is_unspaced_tag)
}
