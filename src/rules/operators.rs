//! The names before a colon: ours, and those of X, Brandwatch and this language's later releases, each with what to
//! use instead.
//!
//! A closed list: a query that uses a name from elsewhere must be told so, never be read as a word.

/// Operators that this release understands.
pub(super) const OURS: [&str; 5] = ["from", "lang", "is", "has", "list"];

const LATER: &str = "it comes with a later release; ";

/// `(name, what to use instead)`.
const FOREIGN: [(&str, &str); 62] = [
    // RULES.md 2, not yet.
    ("raw", "set fold = \"exact\" on the rule to tell upper from lower case"),
    ("to", "use @handle and is:reply"),
    ("mentions", "use @handle"),
    ("source", "leave it out: the rule then holds for every source"),
    ("url", "put the site in quotes, such as \"acme.example\", and add has:links"),
    ("domain", "put the site in quotes, such as \"acme.example\", and add has:links"),
    ("followers", "leave it out: the item's priority already counts the author's influence"),
    ("sentiment", "leave it out: the item carries its sentiment, and routes can select on it"),
    ("urgency", "leave it out: the item carries its urgency, and its lane follows from it"),
    ("intent", "leave it out: the item carries its intent, and routes can select on it"),
    // X filtered stream and PowerTrack.
    ("url_title", "use the words themselves: titles of link previews are searched too"),
    ("url_description", "use the words themselves: descriptions of link previews are searched too"),
    ("url_contains", "put the text in quotes and add has:links"),
    ("bio", "author profiles are not searched; use from:handle for authors you know"),
    ("bio_name", "author profiles are not searched; use from:handle for authors you know"),
    ("bio_location", "author profiles are not searched; add place names as words"),
    ("retweets_of", "use is:repost with words, or from:handle"),
    ("retweets_of_user", "use is:repost with words, or from:handle"),
    ("retweets_of_status_id", "reposts join their original's item by themselves"),
    ("in_reply_to", "use @handle and is:reply"),
    ("in_reply_to_tweet_id", "use words and is:reply"),
    ("in_reply_to_status_id", "use words and is:reply"),
    ("quotes_of_tweet_id", "quotes join their original's item by themselves"),
    ("conversation_id", "use words and is:reply"),
    ("context", "use words or list:NAME; posts carry no topic annotations"),
    ("entity", "use the entity's names as words, or list:NAME"),
    ("place", "posts carry no places; use place names as words"),
    ("place_country", "posts carry no places; use place names as words, or lang:"),
    ("point_radius", "posts carry no places; use place names as words"),
    ("bounding_box", "posts carry no places; use place names as words"),
    ("profile_country", "posts carry no places; use place names as words, or lang:"),
    ("profile_region", "posts carry no places; use place names as words"),
    ("profile_locality", "posts carry no places; use place names as words"),
    ("sample", "use status = \"shadow\" on the rule to try it without sending work"),
    ("followers_count", "leave it out: the item's priority already counts the author's influence"),
    ("followers_of", "leave it out; use from:handle for authors you know"),
    ("tweets_count", "leave it out: there is nothing like it"),
    ("statuses_count", "leave it out: there is nothing like it"),
    ("following_count", "leave it out: there is nothing like it"),
    ("friends_count", "leave it out: there is nothing like it"),
    ("listed_count", "leave it out: there is nothing like it"),
    ("contains", "put the text in quotes, or use a prefix such as outag*"),
    ("keyword", "write the word itself"),
    ("embed", "use the words themselves, or has:media"),
    ("since", "leave it out: posts are matched as they come"),
    ("until", "leave it out: posts are matched as they come"),
    ("filter", "use is: or has:"),
    ("exclude", "use - before a term, such as -is:repost"),
    // Brandwatch.
    ("author", "use from:handle"),
    ("site", "put the site in quotes, such as \"acme.example\", and add has:links"),
    ("title", "use the words themselves: titles of link previews are searched too"),
    ("links", "put the site in quotes and add has:links"),
    ("hashtags", "write the hashtag itself, such as #acmedown"),
    ("at_mentions", "write @handle"),
    ("language", "use lang: with an ISO 639 code, such as lang:en"),
    ("country", "posts carry no places; use place names as words, or lang:"),
    ("continent", "posts carry no places; use place names as words, or lang:"),
    ("region", "posts carry no places; use place names as words"),
    ("city", "posts carry no places; use place names as words"),
    ("authorgender", "leave it out: birddog does not guess people's gender"),
    ("engagementtype", "use is:reply, is:repost or is:quote"),
    ("tag", "write the hashtag itself, such as #acmedown"),
];

/// Where [`FOREIGN`]'s names of this language's later releases end.
const LATER_COUNT: usize = 10;

/// What to use instead of the operator `name` (lower case), when it is one that people bring along.
pub(super) fn instead_of(name: &str) -> Option<String> {
    let at = FOREIGN.iter().position(|(foreign, _)| *foreign == name)?;
    let (_, instead) = FOREIGN[at];
    Some(if at < LATER_COUNT { format!("{LATER}{instead}") } else { instead.to_owned() })
}

/// A word that is an operator elsewhere: what to use instead.
pub(super) fn foreign_symbol(word: &str) -> Option<&'static str> {
    match word {
        "|" | "||" => Some("write OR"),
        "&" | "&&" | "+" => Some("write AND, or nothing: terms side by side must all hold"),
        "!" => Some("write - directly before the term, or NOT"),
        _ => None,
    }
}

/// The candidate nearest to `name` by edit distance, at most two edits and fewer than the name has letters.
pub(super) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let distance = |candidate: &str| strsim::osa_distance(name, candidate);
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(edits, candidate)| {
            *edits <= 2 && *edits < candidate.chars().count().min(name.chars().count())
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_both_ours_and_foreign_and_none_stands_twice() {
        for (at, (name, _)) in FOREIGN.iter().enumerate() {
            assert!(!OURS.contains(name), "{name}");
            assert!(FOREIGN[at + 1..].iter().all(|(other, _)| other != name), "{name}");
            assert_eq!(name.to_lowercase(), *name);
        }
        assert_eq!(FOREIGN[LATER_COUNT - 1].0, "intent");
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("form", OURS), Some("from"));
        assert_eq!(nearest("langg", OURS), Some("lang"));
        assert_eq!(nearest("weather", OURS), None);
    }
}
