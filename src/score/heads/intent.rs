//! Intent by cue. Where several hold, the first of this order wins, because it costs most to miss:
//! safety, churn, complaint, lead, question, praise, other.
//!
//! A crisis is no intent of a text: the crisis detector sets it.

use crate::model::{Cue, Intent, Sentiment, SentimentLabel};

use crate::score::features::cue::CueWeights;

/// From this weight on harm is safety rather than talk of danger.
const SAFETY_FROM: f32 = 0.6;
const CHURN_FROM: f32 = 0.5;
/// A cue that settles the intent without help from the sentiment.
const STRONG: f32 = 0.55;
/// A cue that needs the sentiment to agree.
const WEAK: f32 = 0.3;
/// Evidence from here on is a complaint.
const COMPLAINT_FROM: f32 = 0.4;
/// The same for a post that sounds pleased.
const PLEASED_FROM: f32 = 0.75;
const ANGER_SHARE: f32 = 0.6;
/// What a mention of another account adds: complaints are sent to somebody.
const ADDRESS_SHARE: f32 = 0.15;
/// Things that go wrong with what was bought.
const TROUBLES: [Cue; 6] = [Cue::Complaint, Cue::Outage, Cue::Breach, Cue::Legal, Cue::Repeat, Cue::Waiting];

/// What the text shows besides cues.
#[derive(Clone, Copy, Debug)]
pub(in crate::score) struct About {
    pub(in crate::score) has_question_mark: bool,
    /// Another account is mentioned.
    pub(in crate::score) is_addressed: bool,
}

/// What the author of a post with these cues wants.
pub(in crate::score) fn intent(cues: &CueWeights, sentiment: &Sentiment, text: About) -> Intent {
    let is_pleased = sentiment.label == SentimentLabel::Positive;
    if cues.of(Cue::Harm) >= SAFETY_FROM && !is_over(cues) {
        Intent::Safety
    } else if cues.of(Cue::Churn) >= CHURN_FROM {
        Intent::Churn
    } else if is_complaint(cues, sentiment, text.is_addressed) {
        Intent::Complaint
    } else if cues.of(Cue::Lead) >= STRONG {
        Intent::Lead
    } else if cues.of(Cue::Question) >= STRONG || (text.has_question_mark && cues.of(Cue::Praise) < STRONG) {
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

/// Troubles combine as in urgency; anger adds to them, and so does being told to somebody's face.
fn is_complaint(cues: &CueWeights, sentiment: &Sentiment, is_addressed: bool) -> bool {
    let calm = TROUBLES.iter().fold(1.0, |calm, &cue| calm * (1.0 - cues.of(cue)));
    let anger = ANGER_SHARE * (-sentiment.score).max(0.0);
    let address = if is_addressed { ADDRESS_SHARE } else { 0.0 };
    let evidence = 1.0 - calm * (1.0 - anger) * (1.0 - address);
    let needed = if sentiment.label == SentimentLabel::Positive { PLEASED_FROM } else { COMPLAINT_FROM };
    let is_doubtful = cues.of(Cue::Lead) >= STRONG && cues.of(Cue::Complaint) < STRONG;
    evidence >= needed && !is_over(cues) && !is_doubtful
}
