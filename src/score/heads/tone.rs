//! Tone: why no machine should answer. Grief, protest, legal threats and harm go by cue, in the languages that have
//! cues; sarcasm and insults by the trained model, for English. The thresholds are chosen for recall: a post that is
//! held for a person costs a minute, a cheerful answer to mockery makes the news. What they give is in the model's
//! card (`model/README.md`).

use crate::model::{Cue, Intent, Tone, Tones};

use super::model::{Head, Lanes, Model};
use crate::score::features::cue::CueWeights;

/// A cue from this weight on speaks for its tone.
const CUE_FROM: f32 = 0.4;
/// Probabilities from which the heads are believed.
const SARCASM_FROM: f32 = 0.46;
const INSULT_FROM: f32 = 0.32;
const HATE_FROM: f32 = 0.37;

/// What the cues say, whatever the language.
pub(in crate::score) fn by_cues(cues: &CueWeights, intent: Intent) -> Tones {
    let mut tones = Tones::NONE;
    for (tone, cue) in [(Tone::Grief, Cue::Grief), (Tone::Legal, Cue::Legal), (Tone::Protest, Cue::Protest)] {
        tones.add_if(tone, cues.of(cue) >= CUE_FROM);
    }
    tones.add_if(Tone::Safety, intent == Intent::Safety || cues.of(Cue::Harm) >= CUE_FROM);
    tones
}

/// Adds what the model says of an English post, or that nobody asked it.
pub(in crate::score) fn by_model(judged: Option<(&Model, &Lanes)>, tones: &mut Tones) {
    let Some((model, margins)) = judged else { return tones.add(Tone::Unjudged) };
    let says = |head: Head, from: f32| model.probability(margins, head) >= from;
    tones.add_if(Tone::Sarcasm, says(Head::Irony, SARCASM_FROM));
    tones.add_if(Tone::Insult, says(Head::Insult, INSULT_FROM) || says(Head::Hate, HATE_FROM));
}
