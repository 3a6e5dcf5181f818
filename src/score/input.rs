//! What a scorer may look at: a text, folded, and what is known of its post.

use crate::model::{Post, PostKind};
use crate::text::Folded;

/// What a scorer may look at.
#[derive(Clone, Copy, Debug)]
pub struct ScoreInput<'a> {
    /// The text as written: capitals and exclamation marks matter.
    pub text: &'a str,
    /// The same text, folded.
    pub folded: &'a Folded,
    /// Languages the author tagged, BCP 47.
    pub lang_tags: &'a [String],
    /// Post, reply, repost or quote.
    pub kind: PostKind,
    /// Followers of the author, where the source sends them.
    pub followers: Option<u64>,
}

impl<'a> ScoreInput<'a> {
    /// The input for a text alone, folded in `folded`: an original post, by nobody known.
    #[must_use]
    pub const fn of_text(text: &'a str, folded: &'a Folded, lang_tags: &'a [String]) -> Self {
        Self { text, folded, lang_tags, kind: PostKind::Post, followers: None }
    }

    /// The input for `post`, whose text is folded in `folded`.
    #[must_use]
    pub fn of_post(post: &'a Post, folded: &'a Folded) -> Self {
        Self {
            text: &post.text,
            folded,
            lang_tags: &post.langs,
            kind: post.kind,
            followers: post.author.followers,
        }
    }
}
