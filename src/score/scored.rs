//! A scorer's answer.

use crate::model::{Scores, SentimentLabel};
use crate::text::LangCode;

/// A scorer's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The numbers and labels.
    pub scores: Scores,
    /// The language they were made for.
    pub lang: LangCode,
    /// What the sentiment was made of; `None` when that was the lexicon.
    pub odds: Option<Odds>,
}

/// How probable it is that a post is negative, neutral, positive; their sum is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Odds(pub [f32; 3]);

impl Odds {
    /// Positive less negative, −1 to 1.
    #[must_use]
    pub const fn score(&self) -> f32 {
        self.0[2] - self.0[0]
    }

    /// The likeliest class and how probable it is; in doubt neutral, then negative.
    #[must_use]
    pub fn likeliest(&self) -> (SentimentLabel, f32) {
        let [negative, neutral, positive] = self.0;
        if neutral >= negative && neutral >= positive {
            (SentimentLabel::Neutral, neutral)
        } else if positive > negative {
            (SentimentLabel::Positive, positive)
        } else {
            (SentimentLabel::Negative, negative)
        }
    }
}

/// Three decimals: what the numbers are good for, and short in JSON.
pub(super) fn rounded(number: f32) -> f32 {
    (number * 1000.0).round() / 1000.0
}
