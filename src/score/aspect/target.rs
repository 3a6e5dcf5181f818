//! What a sentiment may be asked towards, and what it is then.

use crate::model::{Sentiment, Span};

/// What the sentiment is asked towards: places in the text as written, in bytes, in order, none touching the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// Where its names stand.
    pub own: &'a [Span],
    /// Where names of others of its kind stand. Mentions and names in capitals are found without.
    pub others: &'a [Span],
}

/// A sentiment towards a target, where it is not that of the whole post.
#[derive(Clone, Debug, PartialEq)]
pub struct Aspect<'s> {
    /// How the post feels towards the target.
    pub sentiment: Sentiment,
    /// The clauses that counted most, in bytes of the text; none when the whole post is about the target.
    pub clauses: &'s [Span],
    /// The post calls another better, so that its praise is turned around.
    pub is_turned: bool,
}
