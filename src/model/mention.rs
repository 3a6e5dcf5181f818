//! A post that concerns somebody.

use smallvec::SmallVec;

use super::{Post, RuleIndex, Scores};

/// Byte range `[start, end)` in a post's text.
pub type Span = (u32, u32);

/// Spans in order, those that overlap or touch made one, so that marks do not nest: what a renderer needs.
#[must_use]
pub fn merged(spans: &[Span]) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::new();
    for &(start, end) in spans {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// One rule that matched, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Position of the rule in the current rule set.
    pub rule: RuleIndex,
    /// Where its positive terms stand in the post's text, in order, without repeats. Empty when only captions,
    /// entities or fields matched.
    pub spans: SmallVec<[Span; 2]>,
}

/// A post with its matches and scores: what the workers make.
#[derive(Clone, Debug)]
pub struct Mention {
    /// The post.
    pub post: Post,
    /// An edit of a post seen before, rather than a new one.
    pub is_update: bool,
    /// In order of rule. None only in an edit after which no rule matches.
    pub matches: Vec<Match>,
    /// What the scorer made of the text.
    pub scores: Scores,
    /// The language the scorer settled on, ISO 639-1, or `und`.
    pub lang: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_overlap_or_touch_become_one() {
        assert_eq!(merged(&[(0, 4), (2, 6), (6, 7), (9, 10)]), [(0, 7), (9, 10)]);
    }
}
