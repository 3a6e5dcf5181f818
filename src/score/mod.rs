//! Scores: how a post feels, how soon somebody must act, what its author wants, how far the voice carries.
//!
//! Layer 1, pure: the same text always gives the same scores, and nothing is allocated once a [`Scratch`] is warm.
//! Only [`influence::Audience`] has a memory: of who engages with whom, and settling owns it.
//! A worker holds one [`Scorer`] and one `Scratch`. [`TrainedScorer`] is the daemon's; [`LexicalScorer`] is a part
//! of it, and a baseline. Priority (score, lane, factors) is made of these by `priority`.

mod aspect;
pub mod evaluation;
mod explanation;
pub mod features;
pub mod heads;
pub mod influence;
mod lexicon;
pub mod priority;

pub use aspect::{Aspect, Target, places_of, towards};
pub use explanation::{Clause, Contribution, Explanation, TargetWhy, Why};
pub use features::{LexicalScorer, grams};
pub use heads::{Reader, TrainedScorer, model, urgency_label};
pub use influence::{Engagement, influence};

use crate::model::{Post, PostKind, Scores, SentimentLabel};
use crate::text::{Folded, LangCode};

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

/// Buffers that a worker keeps between posts.
#[derive(Debug, Default)]
pub struct Scratch {
    tokens: Vec<features::tokens::Token>,
    symbols: Vec<lexicon::SymbolHit>,
    grams: features::grams::Grams,
    aside: aspect::Aside,
}

/// Makes scores of a post. Deterministic and without side effects, so that a backtest repeats what happened.
pub trait Scorer: Send + Sync {
    /// Scores one post.
    fn score(&self, input: &ScoreInput<'_>, scratch: &mut Scratch) -> Scored;

    /// Scores one post and says which words and cues made the scores. Slower; the scores are the same.
    fn explain(&self, input: &ScoreInput<'_>, scratch: &mut Scratch) -> (Scored, Explanation);
}
