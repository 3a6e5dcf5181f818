//! Why a score is what it is: the words and cues, each with its place in the text and what it gave.

use serde::Serialize;

use crate::model::{Sentiment, Span};

use super::aspect::Aspect;
use super::input::ScoreInput;
use super::scored::rounded;
use crate::model::Cue;

/// What a contribution is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// A word or phrase with a value.
    Word,
    /// An emoji, an emoticon, or a word of a script without spaces.
    Symbol,
    /// A word that turns others around, with nothing to turn.
    Negation,
    /// A cue of urgency or intent.
    #[serde(untagged)]
    Cue(Cue),
}

/// One thing that moved a score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contribution {
    /// The words as written. Untrusted.
    pub text: String,
    /// Where, in bytes of the text.
    pub span: Span,
    /// What it is.
    pub why: Why,
    /// For sentiment the value after negation, intensity and clause (about −6 to 6); for a cue its weight, 0–1.
    pub weight: f32,
    /// A negation turned it around or took its weight.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub negated: bool,
}

/// All that moved the scores of one post, in no particular order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explanation {
    /// What made the sentiment.
    pub sentiment: Vec<Contribution>,
    /// What made urgency and intent.
    pub cues: Vec<Contribution>,
    /// Where the sentiment is that towards a target, and not that of the whole: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetWhy>,
}

/// Why the sentiment towards a target is not that of the whole post.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetWhy {
    /// The sentiment of the whole post.
    pub whole: Sentiment,
    /// The clauses that counted most, as written; none when only the post's praise of another was turned around.
    pub clauses: Vec<Clause>,
    /// The post calls another better, so that its praise became blame.
    pub turned: bool,
}

/// A stretch of the post.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clause {
    /// As written. Untrusted.
    pub text: String,
    /// Where, in bytes of the text.
    pub span: Span,
}

impl TargetWhy {
    /// Why `aspect` of `text` is not `whole`.
    #[must_use]
    pub fn new(text: &str, whole: Sentiment, aspect: &Aspect<'_>) -> Self {
        let clause = |&(start, end): &Span| {
            let written = text.get(start as usize..end as usize).unwrap_or_default();
            let start = start + (written.len() - written.trim_start().len()) as u32;
            let text = written.trim().to_owned();
            Clause { span: (start, start + text.len() as u32), text }
        };
        Self { whole, clauses: aspect.clauses.iter().map(clause).collect(), turned: aspect.is_turned }
    }
}

/// Takes notes while a post is scored, or does not.
pub(super) trait Notes {
    /// Something gave `weight`; `(start, end)` is in the folded text.
    fn note(&mut self, start: u32, end: u32, why: Why, weight: f32, negated: bool);
}

/// Nobody asked why.
pub(super) struct NoNotes;

impl Notes for NoNotes {
    #[inline]
    fn note(&mut self, _: u32, _: u32, _: Why, _: f32, _: bool) {}
}

/// Both take notes.
impl<A: Notes, B: Notes> Notes for (&mut A, &mut B) {
    #[inline]
    fn note(&mut self, start: u32, end: u32, why: Why, weight: f32, negated: bool) {
        self.0.note(start, end, why, weight, negated);
        self.1.note(start, end, why, weight, negated);
    }
}

/// Makes an [`Explanation`].
pub(super) struct Explaining<'a> {
    pub(super) text: &'a str,
    pub(super) folded: &'a crate::text::Folded,
    pub(super) explanation: Explanation,
}

impl<'a> Explaining<'a> {
    pub(super) fn of(input: &ScoreInput<'a>) -> Self {
        Self { text: input.text, folded: input.folded, explanation: Explanation::default() }
    }
}

impl Notes for Explaining<'_> {
    fn note(&mut self, start: u32, end: u32, why: Why, weight: f32, negated: bool) {
        let span = self.folded.original_span(start, end);
        let text = self.text.get(span.0 as usize..span.1 as usize).unwrap_or_default().to_owned();
        let contribution = Contribution { text, span, why, weight: rounded(weight), negated };
        match why {
            Why::Cue(_) => self.explanation.cues.push(contribution),
            _ => self.explanation.sentiment.push(contribution),
        }
    }
}
