//! A post that concerns somebody.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{Post, RuleIndex, Scores, Sentiment};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Position of the rule in the current rule set.
    pub rule: RuleIndex,
    /// Where its positive terms stand in the post's text, in order, without repeats. Empty when only captions,
    /// entities or fields matched.
    pub spans: SmallVec<[Span; 2]>,
}

/// Sentiments towards the brands that a post names, as far as they are not that of the whole post.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Aspects(pub SmallVec<[(Arc<str>, Sentiment); 1]>);

impl Aspects {
    /// `scores` of a post as they are for `brand`: with the sentiment towards it.
    #[must_use]
    pub fn scores_for(&self, brand: &str, scores: &Scores) -> Scores {
        let towards = self.0.iter().find(|(known, _)| **known == *brand);
        Scores { sentiment: towards.map_or(scores.sentiment, |(_, sentiment)| *sentiment), ..*scores }
    }
}

/// A post with its matches and scores: what the workers make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mention {
    /// The post.
    pub post: Post,
    /// An edit of a post seen before, rather than a new one.
    pub is_update: bool,
    /// In order of rule. None only in an edit after which no rule matches.
    pub matches: Vec<Match>,
    /// What the scorer made of the text as a whole.
    pub scores: Scores,
    /// Where the post feels otherwise towards a brand.
    pub aspects: Aspects,
    /// The language the scorer settled on, ISO 639-1, or `und`.
    pub lang: String,
}

impl Mention {
    /// The scores as they are for `brand`.
    #[must_use]
    pub fn scores_for(&self, brand: &str) -> Scores {
        self.aspects.scores_for(brand, &self.scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_overlap_or_touch_become_one() {
        assert_eq!(merged(&[(0, 4), (2, 6), (6, 7), (9, 10)]), [(0, 7), (9, 10)]);
    }
}
