//! Intent by cue. Where several hold, the first of this order wins, because it costs most to miss:
//! safety, churn, complaint, lead, question, praise, other.
//!
//! A crisis is no intent of a text: the crisis detector sets it.

use crate::model::{Intent, Sentiment, SentimentLabel};

use super::cue::{Cue, CueWeights};

/// From this weight on harm is safety rather than talk of danger.
const SAFETY_FROM: f32 = 0.6;
const CHURN_FROM: f32 = 0.5;
/// A cue that settles the intent without help from the sentiment.
const STRONG: f32 = 0.55;
/// A cue that needs the sentiment to agree.
const WEAK: f32 = 0.3;
/// Things that go wrong with what was bought.
const TROUBLES: [Cue; 6] = [Cue::Complaint, Cue::Outage, Cue::Breach, Cue::Legal, Cue::Repeat, Cue::Waiting];

/// What the author of a post with these cues wants.
pub(super) fn intent(cues: &CueWeights, sentiment: &Sentiment, has_question_mark: bool) -> Intent {
    let is_pleased = sentiment.label == SentimentLabel::Positive;
    if cues.of(Cue::Harm) >= SAFETY_FROM && !is_over(cues) {
        Intent::Safety
    } else if cues.of(Cue::Churn) >= CHURN_FROM {
        Intent::Churn
    } else if is_complaint(cues, sentiment) {
        Intent::Complaint
    } else if cues.of(Cue::Lead) >= STRONG {
        Intent::Lead
    } else if cues.of(Cue::Question) >= STRONG || (has_question_mark && cues.of(Cue::Praise) < STRONG) {
        Intent::Question
    } else if cues.of(Cue::Praise) >= STRONG || (is_pleased && cues.of(Cue::Praise) >= WEAK) {
        Intent::Praise
    } else {
        Intent::Other
    }
}

fn is_over(cues: &CueWeights) -> bool {
    cues.of(Cue::Resolved) >= STRONG
}

fn is_complaint(cues: &CueWeights, sentiment: &Sentiment) -> bool {
    let trouble = cues.strongest(&TROUBLES);
    match sentiment.label {
        SentimentLabel::Positive => false,
        SentimentLabel::Negative => trouble >= WEAK,
        SentimentLabel::Neutral => trouble >= STRONG && !is_over(cues),
    }
}
