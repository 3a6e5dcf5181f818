//! What every scorer does, and the memory it does that in.

use super::aspect::Aside;
use super::explanation::Explanation;
use super::features::grams::Grams;
use super::features::tokens::Token;
use super::heads::letters::LetterSums;
use super::input::ScoreInput;
use super::lexicon::SymbolHit;
use super::scored::Scored;

/// Buffers that a worker keeps between posts.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) tokens: Vec<Token>,
    pub(super) symbols: Vec<SymbolHit>,
    pub(super) grams: Grams,
    pub(super) letters: LetterSums,
    pub(super) aside: Aside,
}

/// Makes scores of a post. Deterministic and without side effects, so that a backtest repeats what happened.
pub trait Scorer: Send + Sync {
    /// Scores one post.
    fn score(&self, input: &ScoreInput<'_>, scratch: &mut Scratch) -> Scored;

    /// Scores one post and says which words and cues made the scores. Slower; the scores are the same.
    fn explain(&self, input: &ScoreInput<'_>, scratch: &mut Scratch) -> (Scored, Explanation);
}
