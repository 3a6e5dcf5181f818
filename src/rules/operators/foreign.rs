//! The names before a colon that X and Brandwatch have and we lack, each with what to use instead.
//!
//! A closed list: a query that uses a name from elsewhere must be told so, never be read as a word.

/// `(name, what to use instead)`.
const FOREIGN: [(&str, &str); 65] = [
    // X filtered stream and PowerTrack.
    ("url_title", "use the words themselves: titles of link previews are searched too"),
    ("url_description", "use the words themselves: descriptions of link previews are searched too"),
    ("url_contains", "use url:, such as url:acme.example/status"),
    ("bio", "author profiles are not searched; use from:handle for authors you know"),
    ("bio_name", "author profiles are not searched; use from:handle for authors you know"),
    ("bio_location", "author profiles are not searched; add place names as words"),
    ("retweets_of", "use is:repost with words, or from:handle"),
    ("retweets_of_user", "use is:repost with words, or from:handle"),
    ("retweets_of_status_id", "reposts join their original's item by themselves"),
    ("in_reply_to", "use to:handle"),
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
    ("followers_count", "use followers:, such as followers:>1000"),
    ("followers_of", "leave it out; use from:handle for authors you know"),
    ("tweets_count", "leave it out: there is nothing like it"),
    ("statuses_count", "leave it out: there is nothing like it"),
    ("following_count", "leave it out: there is nothing like it"),
    ("friends_count", "leave it out: there is nothing like it"),
    ("listed_count", "leave it out: there is nothing like it"),
    ("contains", "use a wildcard such as *part*, or raw:\"…\" for exact characters"),
    ("keyword", "write the word itself"),
    ("embed", "use the words themselves, or has:media"),
    ("since", "leave it out: posts are matched as they come"),
    ("until", "leave it out: posts are matched as they come"),
    ("filter", "use is: or has:"),
    ("exclude", "use - before a term, such as -is:repost"),
    ("min_faves", "leave it out: posts are matched as they come, before anybody likes them"),
    ("min_retweets", "leave it out: posts are matched as they come, before anybody reposts them"),
    ("min_replies", "leave it out: posts are matched as they come, before anybody answers them"),
    ("near", "posts carry no places; use place names as words; a NEAR/5 b is about words"),
    ("within", "posts carry no places; use place names as words; a NEAR/5 b is about words"),
    // Brandwatch.
    ("author", "use from:handle"),
    ("site", "use domain:, such as domain:acme.example"),
    ("title", "use the words themselves: titles of link previews are searched too"),
    ("links", "use url: or domain:"),
    ("hashtags", "write the hashtag itself, such as #acmedown"),
    ("at_mentions", "use mentions:handle, or write @handle"),
    ("language", "use lang: with an ISO 639 code, such as lang:en"),
    ("country", "posts carry no places; use place names as words, or lang:"),
    ("continent", "posts carry no places; use place names as words, or lang:"),
    ("region", "posts carry no places; use place names as words"),
    ("city", "posts carry no places; use place names as words"),
    ("authorgender", "leave it out: birddog does not guess people's gender"),
    ("engagementtype", "use is:reply, is:repost or is:quote"),
    ("authorfollowers", "use followers:, such as followers:>1000"),
    ("authorfollowerscount", "use followers:, such as followers:>1000"),
    ("authorverified", "leave it out: there is nothing like it; use followers: or from:handle"),
    ("authorverifiedtype", "leave it out: there is nothing like it; use followers: or from:handle"),
    ("authorbio", "author profiles are not searched; use from:handle for authors you know"),
    ("authorlocation", "author profiles are not searched; add place names as words"),
    ("hashtag", "write the hashtag itself, such as #acmedown"),
    ("mention", "use mentions:handle, or write @handle"),
    ("tag", "write the hashtag itself, such as #acmedown"),
];

/// What to use instead of the operator `name` (lower case), when it is one that people bring along.
pub(in crate::rules) fn instead_of(name: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(foreign, _)| *foreign == name).map(|(_, instead)| *instead)
}

/// A word that is an operator elsewhere: what to use instead.
pub(in crate::rules) fn foreign_symbol(word: &str) -> Option<&'static str> {
    match word {
        "|" | "||" => Some("write OR"),
        "&" | "&&" | "+" => Some("write AND, or nothing: terms side by side must all hold"),
        "!" => Some("write - directly before the term, or NOT"),
        _ => None,
    }
}

/// The candidate nearest to `name` by edit distance, at most two edits and fewer than the name has letters.
#[must_use]
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
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
    use crate::rules::operators::names;

    #[test]
    fn no_name_is_both_ours_and_foreign_and_none_stands_twice() {
        for (at, (name, _)) in FOREIGN.iter().enumerate() {
            assert!(names().all(|ours| ours != *name), "{name}");
            assert!(FOREIGN[at + 1..].iter().all(|(other, _)| other != name), "{name}");
            assert_eq!(name.to_lowercase(), *name);
        }
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("form", names()), Some("from"));
        assert_eq!(nearest("langg", names()), Some("lang"));
        assert_eq!(nearest("weather", names()), None);
    }
}
