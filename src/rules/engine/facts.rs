//! What a query is decided on: a post, its folded texts, its scores. The one definition of where a text term is found.
//!
//! Both evaluators use it, so that they can differ only in how they find text terms.

use crate::model::{Post, Scores};
use crate::text::Folded;

use crate::rules::query::term::Pattern;

/// Scores a post, given its folded text: asked only for posts that some rule with `sentiment:`, `urgency:` or
/// `intent:` may match.
pub type Scoring<'s> = dyn FnMut(&Post, &Folded) -> Scores + 's;

/// A [`Scoring`] that knows nothing: every score is zero, every intent `other`.
pub fn unscored(_: &Post, _: &Folded) -> Scores {
    Scores::default()
}

/// A post as queries see it.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The post.
    pub post: &'a Post,
    /// Its folded text, then its folded captions.
    pub segments: &'a [Folded],
    /// What the scorer says of it.
    pub scores: &'a Scores,
}

impl Facts<'_> {
    /// True when `pattern` stands in the text, in a caption, or among the platform's hashtags.
    #[must_use]
    pub fn finds(&self, pattern: &Pattern) -> bool {
        self.segments.iter().any(|segment| !pattern.find_all(segment).is_empty())
            || is_in_hashtags(pattern, self.post)
    }

    /// True when the stream has told that the account `id` is called `who`.
    pub(in crate::rules) fn is_known_as(&self, id: &str, who: &str) -> bool {
        let known = self.post.known_names.iter().filter(|(known, _)| known == id);
        known.into_iter().any(|(_, name)| name.trim_start_matches('@').eq_ignore_ascii_case(who))
    }
}

/// True when `pattern` is a `#tag` that the platform's own markup names, whether or not the text shows it.
#[must_use]
pub fn is_in_hashtags(pattern: &Pattern, post: &Post) -> bool {
    post.hashtags.iter().any(|tag| pattern.is_hashtag(tag.trim_start_matches('#')))
}
