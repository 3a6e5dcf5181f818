//! Whether one term holds for a post: the one definition of `from:`, `lang:`, `is:`, `has:` and of hashtags that the
//! platform sends beside the text.
//!
//! Both evaluators use it, so that they can differ only in how they find text terms.

use crate::model::Post;
use crate::text::{CharClass, Folded, char_class};

use super::ast::{Feature, Term};
use super::term::Pattern;

/// True when `term` holds for `post`; `segments` are its folded text and then its folded captions.
#[must_use]
pub fn holds(term: &Term, post: &Post, segments: &[Folded]) -> bool {
    match term {
        Term::Text(pattern) => is_found(pattern, post, segments),
        Term::From(who) => is_from(who, post),
        Term::Lang(lang) => post.langs.iter().any(|tag| primary_subtag(tag).eq_ignore_ascii_case(lang)),
        Term::Is(kind) => post.kind == *kind,
        Term::Has(feature) => has(*feature, post, segments),
    }
}

/// True when `pattern` stands in the text, in a caption, or among the platform's hashtags.
#[must_use]
pub fn is_found(pattern: &Pattern, post: &Post, segments: &[Folded]) -> bool {
    segments.iter().any(|segment| !pattern.find_all(segment).is_empty()) || is_in_hashtags(pattern, post)
}

/// True when `pattern` is a `#tag` that the platform's own markup names, whether or not the text shows it.
#[must_use]
pub fn is_in_hashtags(pattern: &Pattern, post: &Post) -> bool {
    let Some(wanted) = pattern.as_hashtag() else { return false };
    let fits = |tag: &str| match pattern.exact_words() {
        Some(written) => written == [tag],
        None => Folded::new(tag).text == wanted,
    };
    post.hashtags.iter().any(|tag| fits(tag.trim_start_matches('#')))
}

fn is_from(who: &str, post: &Post) -> bool {
    let names = [Some(post.author.id.as_str()), post.author.handle.as_deref()];
    names.into_iter().flatten().any(|name| equals_lower(name.trim_start_matches('@'), who))
}

fn equals_lower(name: &str, lower: &str) -> bool {
    name.chars().flat_map(char::to_lowercase).eq(lower.chars())
}

fn primary_subtag(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

/// Markup first; then the text itself (captions are not the author's post).
fn has(feature: Feature, post: &Post, segments: &[Folded]) -> bool {
    let text = segments.first();
    match feature {
        Feature::Links => {
            !post.links.is_empty()
                || text.is_some_and(|text| text.text.contains("http://") || text.text.contains("https://"))
        }
        Feature::Media => post.has_media,
        Feature::Mentions => {
            !post.mentions.is_empty()
                || text.is_some_and(|text| text.words.iter().any(|word| word.sigil == b'@'))
        }
        Feature::Hashtags => !post.hashtags.is_empty() || text.is_some_and(shows_hashtag),
        Feature::Emoji => text.is_some_and(|text| {
            text.has_non_ascii && text.text.chars().any(|c| char_class(c) == CharClass::Emoji)
        }),
    }
}

/// `#1` is a rank, not a hashtag, on every network.
fn shows_hashtag(text: &Folded) -> bool {
    let is_tag = |word| !text.word(word).bytes().all(|byte| byte.is_ascii_digit());
    !text.tags.is_empty()
        || text.words.iter().any(|word| word.sigil == b'#' && is_tag(word))
        || (text.has_non_ascii && shows_unspaced_hashtag(&text.text))
}

/// `#東京` has no word in the sense of [`Folded::words`].
fn shows_unspaced_hashtag(text: &str) -> bool {
    text.match_indices('#').any(|(at, _)| {
        let class = |c: Option<char>| c.map(char_class);
        class(text[at + 1..].chars().next()) == Some(CharClass::Unspaced)
            && class(text[..at].chars().next_back()) != Some(CharClass::Word)
            && !text[..at].ends_with(['/', '#', '@', '$', '&', '='])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PostKind;

    fn post(text: &str) -> (Post, Vec<Folded>) {
        (Post { text: text.to_owned(), ..Post::default() }, vec![Folded::new(text)])
    }

    fn has_in_text(feature: Feature, text: &str) -> bool {
        let (post, segments) = post(text);
        holds(&Term::Has(feature), &post, &segments)
    }

    fn tag(source: &str, exact: bool) -> Term {
        Term::Text(Pattern::new(source, exact).unwrap())
    }

    #[test]
    fn an_author_is_known_by_id_and_by_handle() {
        let (mut post, segments) = post("hi");
        post.author.id = "did:plc:ABC".to_owned();
        post.author.handle = Some("@Jo.bsky.social".to_owned());
        for (who, expected) in [("did:plc:abc", true), ("jo.bsky.social", true), ("jo", false)] {
            assert_eq!(holds(&Term::From(who.to_owned()), &post, &segments), expected, "{who}");
        }
    }

    #[test]
    fn a_language_is_its_primary_subtag() {
        let (mut post, segments) = post("hi");
        post.langs = vec!["pt-BR".to_owned(), "EN".to_owned()];
        for (lang, expected) in [("pt", true), ("en", true), ("e", false), ("br", false)] {
            assert_eq!(holds(&Term::Lang(lang.to_owned()), &post, &segments), expected, "{lang}");
        }
    }

    #[test]
    fn the_kind_is_the_posts_kind() {
        let (mut post, segments) = post("hi");
        post.kind = PostKind::Quote;
        assert!(holds(&Term::Is(PostKind::Quote), &post, &segments));
        assert!(!holds(&Term::Is(PostKind::Post), &post, &segments));
    }

    #[test]
    fn features_show_in_the_text() {
        assert!(
            has_in_text(Feature::Links, "see HTTPS://x.example") && !has_in_text(Feature::Links, "x.example")
        );
        assert!(has_in_text(Feature::Mentions, "hi @acme") && !has_in_text(Feature::Mentions, "a@b.c"));
        assert!(has_in_text(Feature::Emoji, "oh 🤬") && !has_in_text(Feature::Emoji, "oh :( é"));
        assert!(has_in_text(Feature::Hashtags, "#acme") && has_in_text(Feature::Hashtags, "#AcmeDown"));
        assert!(
            has_in_text(Feature::Hashtags, "行く #東京")
                && !has_in_text(Feature::Hashtags, "we're #1 x/#東京")
        );
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
        assert!(holds(&tag("#acmedown", false), &post, &segments));
        assert!(!holds(&tag("acmedown", false), &post, &segments));
        assert!(holds(&tag("#AcmeDown", true), &post, &segments));
        assert!(!holds(&tag("#acmedown", true), &post, &segments));
    }

    #[test]
    fn captions_are_searched_for_text_and_not_for_features() {
        let (post, mut segments) = post("a picture");
        segments.push(Folded::new("the Acme logo https://x 🤬"));
        assert!(holds(&tag("acme", false), &post, &segments));
        assert!(!holds(&Term::Has(Feature::Links), &post, &segments));
        assert!(!holds(&Term::Has(Feature::Emoji), &post, &segments));
    }
}
