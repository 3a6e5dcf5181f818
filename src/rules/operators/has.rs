//! `has:`: what comes with the text. Markup first; then the text itself (captions are not the author's post).

use super::field::Field;
use super::foreign::nearest;
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::{Feature, Term};
use crate::rules::query::errors::Problem;
use crate::text::{CharClass, Folded, char_class};

pub(super) const FIELD: Field = Field {
    name: "has",
    example: "has:links",
    meaning: "links, media, mentions, hashtags or emoji",
    is_weak: true,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    let lower = value.to_lowercase();
    if let Some((_, feature)) = Feature::NAMES.iter().find(|(name, _)| *name == lower) {
        return Ok(Term::Has(*feature));
    }
    let instead = match lower.as_str() {
        "images" | "image" | "videos" | "video" | "photo" | "pictures" | "video_link" | "native_video" => {
            "use has:media".to_owned()
        }
        "geo" | "profile_geo" => "posts carry no places; use place names as words".to_owned(),
        "cashtags" | "symbols" => "write the ticker itself, such as $ACME".to_owned(),
        _ => match nearest(&lower, Feature::NAMES.map(|(name, _)| name)) {
            Some(nearest) => format!("did you mean has:{nearest}?"),
            None => "it is one of has:links, has:media, has:mentions, has:hashtags, has:emoji".to_owned(),
        },
    };
    Err(FIELD.refuse(value, instead))
}

pub(super) fn holds(feature: Feature, facts: &Facts<'_>) -> bool {
    let (post, text) = (facts.post, facts.segments.first());
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
        || (text.has_non_ascii && shows_unspaced_hashtag(text))
}

/// `#東京` has no word in the sense of [`Folded::words`].
fn shows_unspaced_hashtag(text: &Folded) -> bool {
    let is_unspaced = |after: &str| after.chars().next().map(char_class) == Some(CharClass::Unspaced);
    let mut signs = text.text.match_indices('#').map(|(at, _)| at + 1);
    signs.any(|after| is_unspaced(&text.text[after..]) && text.sigil_before(after) == b'#')
}
