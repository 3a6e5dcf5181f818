//! The scorer of today: lexicon, cues and rules. No training, no state.

use crate::model::Scores;
use crate::text::{LangCode, lang};

use super::cue::CueWeights;
use super::explanation::{Explaining, Explanation, NoNotes, Notes, Why};
use super::lexicon::{LEXICON, Lexicon, Meaning};
use super::sentiment::{self, Typography};
use super::tokens::{self, Token};
use super::{ScoreInput, Scored, Scorer, Scratch, influence, intent, urgency, urgency_label};

/// What is left of a cue that is negated: "no fire".
const NEGATED_CUE_SHARE: f32 = 0.25;

/// Scores by lexicon and cues; see the module docs of `sentiment`, `urgency` and `intent` for how.
#[derive(Debug)]
pub struct LexicalScorer {
    lexicon: &'static Lexicon,
}

impl LexicalScorer {
    /// The scorer over the lexicon of this binary. The first call in a process takes some milliseconds to load it.
    #[must_use]
    pub fn new() -> Self {
        Self { lexicon: &LEXICON }
    }

    fn run(&self, input: &ScoreInput<'_>, scratch: &mut Scratch, notes: &mut impl Notes) -> Scored {
        let lang = lang::of_post(input.lang_tags, input.text, input.folded);
        let tokens = &mut scratch.tokens;
        tokens::read(input.folded, lang, self.lexicon, tokens);
        let cues = self.find_cues(input, lang, tokens, notes);
        let typography = Typography::of(input.text);
        let sentiment = sentiment::sentiment(input.folded, tokens, typography, lang, self.lexicon, notes);
        let urgency = urgency::urgency(&cues, sentiment.score);
        let intent = intent::intent(&cues, &sentiment, typography.questions() > 0);
        let influence = influence(input.followers);
        let urgency_label = urgency_label(urgency);
        Scored {
            scores: rounded_scores(Scores { sentiment, urgency, urgency_label, intent, influence }),
            lang,
        }
    }

    /// Finds phrases; values are written to their first token, cues are returned.
    fn find_cues(
        &self,
        input: &ScoreInput<'_>,
        lang: LangCode,
        tokens: &mut [Token],
        notes: &mut impl Notes,
    ) -> CueWeights {
        let mut cues = CueWeights::default();
        for at in 0..tokens.len() {
            self.phrases_at(at, input, lang, tokens, &mut cues, notes);
        }
        self.lexicon.symbols.find(input.folded, lang, |start, end, symbol| {
            if let Some((cue, weight)) = symbol.cue {
                cues.raise(cue, weight);
                notes.note(start, end, Why::Cue(cue), weight, false);
            }
        });
        cues
    }

    fn phrases_at(
        &self,
        at: usize,
        input: &ScoreInput<'_>,
        lang: LangCode,
        tokens: &mut [Token],
        cues: &mut CueWeights,
        notes: &mut impl Notes,
    ) {
        let mut valued: Option<(f32, usize)> = None;
        let shared: &[Token] = tokens;
        let following = shared[at + 1..].iter().map(|token| token.term);
        self.lexicon.phrases(shared[at].term, following, |hit, words| {
            if !hit.counts_in(lang) {
                return;
            }
            match hit.meaning {
                Meaning::Value(value) if !shared[at].is_bound => valued = Some((value, words)),
                Meaning::Value(_) => {}
                Meaning::Cue(cue, weight) => {
                    let negated = sentiment::is_negated(shared, at);
                    let weight = if negated { weight * NEGATED_CUE_SHARE } else { weight };
                    cues.raise(cue, weight);
                    let last = &input.folded.words[at + words - 1];
                    notes.note(input.folded.words[at].start, last.end, Why::Cue(cue), weight, negated);
                }
            }
        });
        if let Some((value, words)) = valued {
            bind(&mut tokens[at..at + words], value);
        }
    }
}

impl Default for LexicalScorer {
    fn default() -> Self {
        Self::new()
    }
}

impl Scorer for LexicalScorer {
    fn score(&self, input: &ScoreInput<'_>, scratch: &mut Scratch) -> Scored {
        self.run(input, scratch, &mut NoNotes)
    }

    fn explain(&self, input: &ScoreInput<'_>, scratch: &mut Scratch) -> (Scored, Explanation) {
        let mut notes =
            Explaining { text: input.text, folded: input.folded, explanation: Explanation::default() };
        let scored = self.run(input, scratch, &mut notes);
        (scored, notes.explanation)
    }
}

/// The phrase's value goes to its first word; the others say nothing by themselves.
fn bind(tokens: &mut [Token], value: f32) {
    for (at, token) in tokens.iter_mut().enumerate() {
        token.value = if at == 0 { value } else { 0.0 };
        token.is_bound = true;
    }
}

/// Three decimals: what the numbers are good for, and short in JSON.
pub(super) fn rounded(number: f32) -> f32 {
    (number * 1000.0).round() / 1000.0
}

fn rounded_scores(mut scores: Scores) -> Scores {
    scores.sentiment.score = rounded(scores.sentiment.score);
    scores.sentiment.confidence = rounded(scores.sentiment.confidence);
    scores.urgency = rounded(scores.urgency);
    scores.influence = rounded(scores.influence);
    scores
}
