//! Sentiment from word values: negation with scope, intensity, clauses, capitals, elongation, emoji, punctuation.
//!
//! The frame is VADER's (Hutto and Gilbert, ICWSM 2014): values are summed after local rules and brought to −1..1 by
//! s / √(s² + 15). Ours differ in the constants, tuned on development data (`benches/score.rs` prints the figures): praise
//! is worded more freely than blame, so positive values weigh less, and negations without an object lean to the negative.

use crate::model::{Sentiment, SentimentLabel};
use crate::text::Folded;

use crate::score::explanation::{Notes, Why};
use crate::score::features::tokens::Token;
use crate::score::features::typography::{Typography, is_capitals};
use crate::score::lexicon::{Role, SymbolHit};

/// From here on a post is positive; tuned for macro-recall.
const POSITIVE_FROM: f32 = 0.2;
/// Up to here a post is negative.
const NEGATIVE_UP_TO: f32 = -0.16;
/// What a positive value counts, relative to a negative one.
const POSITIVE_WEIGHT: f32 = 0.65;
/// Words after a negation that it turns around.
const SCOPE_WORDS: usize = 4;
/// "not good" is −0.6 of "good".
const NEGATED_POSITIVE: f32 = -0.6;
/// "not bad" is hardly praise.
const NEGATED_NEGATIVE: f32 = -0.1;
/// Each negation leans to the negative, up to [`NEGATIONS_MAX`] of them.
const NEGATION: f32 = -0.6;
const NEGATIONS_MAX: usize = 3;
/// The step for "very" and, downwards, "somewhat"; fading by distance.
const INTENSITY: f32 = 0.2;
const INTENSITY_FADE: [f32; 3] = [1.0, 0.95, 0.9];
/// Capitals in a text that is not all capitals.
const CAPITALS: f32 = 0.45;
const ELONGATION: f32 = 0.3;
/// Before and after "but".
const BEFORE_BUT: f32 = 0.85;
const AFTER_BUT: f32 = 1.6;
/// Per exclamation mark, up to three; away from zero.
const EXCLAMATION: f32 = 0.5;
const EXCLAMATIONS_MAX: usize = 3;
/// Two and more question marks.
const DOUBT: f32 = -0.25;
/// An emoji counts in full once, then like this.
const REPEATED_SYMBOL: f32 = 0.2;
const SYMBOL_WEIGHT: f32 = 0.8;
/// √(s² + this) brings the sum to −1..1.
const NORMALISER: f32 = 15.0;

/// A sum in the making.
struct Sum {
    total: f32,
    /// How many words and symbols had a value.
    evidence: usize,
}

/// The sentiment of a text whose `tokens` have been read and whose valued phrases are bound.
pub(in crate::score) fn sentiment(
    folded: &Folded,
    tokens: &[Token],
    symbols: &[SymbolHit],
    typography: Typography,
    notes: &mut impl Notes,
) -> Sentiment {
    let mut sum = Sum { total: 0.0, evidence: 0 };
    add_words(&mut sum, folded, tokens, typography, notes);
    add_symbols(&mut sum, symbols, notes);
    add_negations(&mut sum, folded, tokens, notes);
    add_punctuation(&mut sum, typography);
    verdict(&sum, tokens.len())
}

fn add_words(
    sum: &mut Sum,
    folded: &Folded,
    tokens: &[Token],
    typography: Typography,
    notes: &mut impl Notes,
) {
    let but =
        tokens.iter().rposition(|token| token.role == Role::But && !token.is_bound).filter(|&at| at > 0);
    for at in (0..tokens.len()).filter(|&at| tokens[at].value != 0.0) {
        let word = &folded.words[at];
        let is_capital = !typography.is_shouted() && is_capitals(folded.original(word));
        let (mut value, negated) = in_context(tokens, at, is_capital);
        if let Some(but) = but {
            value *= if at < but { BEFORE_BUT } else { AFTER_BUT };
        }
        sum.total += value;
        sum.evidence += 1;
        notes.note(word.start, word.end, Why::Word, value, negated);
    }
}

/// The value of the word at `at` after the words around it, and whether it was negated.
fn in_context(tokens: &[Token], at: usize, is_capital: bool) -> (f32, bool) {
    let token = &tokens[at];
    let sign = token.value.signum();
    let mut size = token.value.abs();
    size += if is_capital { CAPITALS } else { 0.0 };
    size += if token.is_elongated { ELONGATION } else { 0.0 };
    size = (size + intensity(tokens, at)).max(0.0);
    let negated = is_negated(tokens, at);
    let turned = match (negated, sign > 0.0) {
        (false, _) => sign * size,
        (true, true) => NEGATED_POSITIVE * size,
        (true, false) => -NEGATED_NEGATIVE * size,
    };
    (if turned > 0.0 { turned * POSITIVE_WEIGHT } else { turned }, negated)
}

fn intensity(tokens: &[Token], at: usize) -> f32 {
    let mut sum = 0.0;
    for (distance, fade) in INTENSITY_FADE.iter().enumerate() {
        if at <= distance || tokens[at - distance].opens_clause {
            break;
        }
        match tokens[at - distance - 1].role {
            Role::More => sum += INTENSITY * fade,
            Role::Less => sum -= INTENSITY * fade,
            _ => {}
        }
    }
    sum
}

/// A negation stands before `at` in its clause, or after it where the language puts it there.
pub(in crate::score) fn is_negated(tokens: &[Token], at: usize) -> bool {
    for distance in 0..SCOPE_WORDS.min(at) {
        if tokens[at - distance].opens_clause {
            break;
        }
        if tokens[at - distance - 1].negates() {
            return true;
        }
    }
    let following = tokens[at + 1..].iter().take(SCOPE_WORDS).take_while(|token| !token.opens_clause);
    following.into_iter().any(|token| token.role == Role::NotAfter && !token.is_bound)
}

fn add_symbols(sum: &mut Sum, symbols: &[SymbolHit], notes: &mut impl Notes) {
    let mut last = None;
    for hit in symbols.iter().filter(|hit| hit.value != 0.0) {
        let weight = if last == Some(hit.form) { REPEATED_SYMBOL } else { SYMBOL_WEIGHT };
        last = Some(hit.form);
        let value = hit.value * weight;
        sum.total += value;
        sum.evidence += 1;
        notes.note(hit.start, hit.end, Why::Symbol, value, false);
    }
}

fn add_negations(sum: &mut Sum, folded: &Folded, tokens: &[Token], notes: &mut impl Notes) {
    let negations = tokens.iter().enumerate().filter(|(_, token)| token.negates());
    for (at, _) in negations.take(NEGATIONS_MAX) {
        sum.total += NEGATION;
        let word = &folded.words[at];
        notes.note(word.start, word.end, Why::Negation, NEGATION, false);
    }
}

fn add_punctuation(sum: &mut Sum, typography: Typography) {
    if sum.evidence > 0 {
        sum.total += sum.total.signum() * typography.exclamations.min(EXCLAMATIONS_MAX) as f32 * EXCLAMATION;
    }
    if typography.questions > 1 {
        sum.total += DOUBT;
    }
}

fn verdict(sum: &Sum, words: usize) -> Sentiment {
    let score = sum.total / (sum.total * sum.total + NORMALISER).sqrt();
    let label = label_of(score);
    Sentiment { score, label, confidence: confidence(score, label, sum.evidence, words) }
}

/// The class of a score that the lexicon made.
pub(in crate::score) fn label_of(score: f32) -> SentimentLabel {
    match score {
        score if score >= POSITIVE_FROM => SentimentLabel::Positive,
        score if score <= NEGATIVE_UP_TO => SentimentLabel::Negative,
        _ => SentimentLabel::Neutral,
    }
}

/// About the share of development posts with such a score whose label is right (`benches/score.rs` prints it), except that
/// a post of which nothing is known is not called neutral with the confidence that most such posts would give it.
fn confidence(score: f32, label: SentimentLabel, evidence: usize, words: usize) -> f32 {
    match label {
        SentimentLabel::Positive => 0.28 + 0.8 * score,
        SentimentLabel::Negative => 0.4 - 0.5 * score,
        SentimentLabel::Neutral if evidence > 0 => 0.45,
        SentimentLabel::Neutral if words > 0 => 0.2,
        SentimentLabel::Neutral => 0.0,
    }
    .min(1.0)
}
