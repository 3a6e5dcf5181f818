//! Of whom a post speaks: the sentiment towards what somebody looks for, rather than that of the whole post.
//!
//! The clauses that name it are scored by themselves, as a small post, and mixed with the whole: a little, since most
//! posts speak of one thing all along; as much as the whole where they say the opposite of it. A post that only
//! names it to call another better is turned around. Posts of one clause, and those whose clauses all name it, keep
//! the score of the whole, and cost a look at the gaps between their words.

mod aside;
mod clauses;
mod target;
mod words;

use crate::model::{Sentiment, SentimentLabel, Span, merged};
use crate::text::Folded;

pub(super) use aside::Aside;
pub use target::{Aspect, Target};

use super::scored::rounded;
use super::{Odds, ScoreInput, Scored, Scorer, Scratch};
use crate::score::heads::sentiment::label_of;

/// How much the clauses count beside the whole. Chosen on development data, as the next two.
const SHARE: f32 = 0.1;
/// The same where they clearly say the opposite.
const OPPOSITE_SHARE: f32 = 0.5;
/// From this score on, up or down, clauses are clear.
const CLEAR: f32 = 0.5;
/// No name has more words: each may have to be compared at each word of the post.
const NAME_WORDS_MAX: usize = 16;
/// What no class is less probable than, for the logarithm.
const LEAST_ODDS: f32 = 1e-6;

/// Where `name` stands in a folded text, in bytes of the text as written: each time that all its words follow each other,
/// whatever their case and accents, with `#` or `@` or without. Nowhere when it has more than 16 words.
#[must_use]
pub fn places_of(name: &str, folded: &Folded) -> Vec<Span> {
    let name = Folded::new(name);
    let (wanted, count) = (&name.words, name.words.len());
    if !(1..=NAME_WORDS_MAX).contains(&count) {
        return Vec::new();
    }
    let pieces = if count == 1 { &folded.tags[..] } else { &[] };
    let runs = folded.words.windows(count).chain(pieces.windows(1));
    let hits = runs.filter(|run| run.iter().zip(wanted).all(|(word, wanted)| word.hash == wanted.hash));
    let mut spans: Vec<Span> =
        hits.map(|run| folded.original_span(run[0].start, run[count - 1].end)).collect();
    spans.sort_unstable();
    merged(&spans)
}

/// How the post of `input`, of which `scorer` made `whole`, feels towards `target`; `None` when that is what it feels
/// as a whole.
pub fn towards<'s>(
    scorer: &dyn Scorer,
    input: &ScoreInput<'_>,
    whole: &Scored,
    target: Target<'_>,
    scratch: &'s mut Scratch,
) -> Option<Aspect<'s>> {
    if target.own.is_empty() {
        return None;
    }
    let mut aside = std::mem::take(&mut scratch.aside);
    clauses::find(input, whole.lang, target, &mut aside.pieces, &mut aside.spans);
    let mixed = if aside.spans.is_empty() {
        None
    } else {
        aside.quote(input.text, whole);
        let part = ScoreInput {
            text: &aside.text,
            folded: &aside.folded,
            lang_tags: &aside.tags,
            kind: input.kind,
            followers: None,
        };
        mixed(whole, &scorer.score(&part, scratch))
    };
    scratch.aside = aside;
    let sentiment = mixed.unwrap_or(whole.scores.sentiment);
    let is_turned =
        sentiment.label == SentimentLabel::Positive && words::is_outdone(input.folded, target.own);
    let clauses = if mixed.is_some() { &scratch.aside.spans[..] } else { &[] };
    let sentiment = if is_turned { turned(sentiment) } else { sentiment };
    (mixed.is_some() || is_turned).then_some(Aspect { sentiment, clauses, is_turned })
}

/// The sentiment of the whole and of a part of it, mixed; `None` when they were made in different ways.
fn mixed(whole: &Scored, part: &Scored) -> Option<Sentiment> {
    // Where nobody could tell the language of the whole, a part may look like one.
    if part.lang != whole.lang {
        return None;
    }
    match (&whole.odds, &part.odds) {
        (Some(whole_odds), Some(part_odds)) => {
            let share = share(whole_odds.score(), part_odds.score());
            let odds = Odds::mixed(whole_odds, part_odds, share);
            // Whatever made the whole less sure than its class is probable does so here.
            let trust = whole.scores.sentiment.confidence / whole_odds.likeliest().1.max(LEAST_ODDS);
            let (label, probability) = odds.likeliest();
            let confidence = rounded((probability * trust).min(1.0));
            Some(Sentiment { score: rounded(odds.score()), label, confidence })
        }
        (None, None) => {
            let (whole, part) = (whole.scores.sentiment, part.scores.sentiment);
            let share = share(whole.score, part.score);
            let score = rounded(between(whole.score, part.score, share));
            Some(Sentiment {
                score,
                label: label_of(score),
                confidence: whole.confidence.min(part.confidence),
            })
        }
        _ => None,
    }
}

/// How much a part with the score `part` counts.
fn share(whole: f32, part: f32) -> f32 {
    if whole * part < 0.0 && part.abs() > CLEAR { OPPOSITE_SHARE } else { SHARE }
}

fn between(whole: f32, part: f32, share: f32) -> f32 {
    whole + (part - whole) * share
}

/// Praise of another is blame.
fn turned(sentiment: Sentiment) -> Sentiment {
    Sentiment { score: -sentiment.score, label: SentimentLabel::Negative, ..sentiment }
}

impl Odds {
    /// The classes' logarithms mixed, and brought to the sum of 1 again.
    fn mixed(whole: &Self, part: &Self, share: f32) -> Self {
        let logarithm = |odds: f32| odds.max(LEAST_ODDS).ln();
        let powers: [f32; 3] = std::array::from_fn(|class| {
            between(logarithm(whole.0[class]), logarithm(part.0[class]), share).exp()
        });
        let sum: f32 = powers.iter().sum();
        Self(powers.map(|power| power / sum))
    }
}

#[cfg(test)]
mod tests;
