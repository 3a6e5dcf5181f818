//! Urgency: how soon somebody must act. From cues; where an English post tells of a disaster, from the trained model.
//!
//! By cues: each kind counts once, with its strongest weight `w`, and kinds combine as independent reasons
//! (noisy or, `1 − Π (1 − w)`). Grave kinds (harm, breach, legal) count in full. Service kinds (outage, churn, repeat,
//! waiting, complaint, negative sentiment) together reach [`SERVICE_MAX`]: what is critical is more than bad service.
//! Aggravations (deadline, vulnerable, grief) multiply in last, and count little alone. Praise and a problem solved
//! dampen: `u × (1 − PRAISE_DAMPING × praise) × (1 − RESOLVED_DAMPING × resolved)`.
//!
//! In a disaster every post has such words, also the prayers and the weather report: there the model, which learned
//! from posts of disasters what responders had to act on, gives the probability that somebody must act. It becomes a
//! score by [`CUTS`], and cues count [`DISASTER_DISCOUNT`] less, one label, unless they speak of grave harm to what is somebody's own; the higher of the two stands. Where the model
//! sees no disaster, mere words of it ("on fire", "a storm of") do not count.

use crate::model::{Cue, UrgencyLabel};

use crate::score::features::cue::CueWeights;

/// Kinds that can make a post critical by themselves.
const GRAVE: [Cue; 3] = [Cue::Harm, Cue::Breach, Cue::Legal];
/// Kinds of bad service.
const SERVICE: [Cue; 4] = [Cue::Outage, Cue::Churn, Cue::Repeat, Cue::Waiting];
/// Cues that only make another cause more pressing: "today" and "my baby" alone are no reason to hurry.
const AGGRAVATIONS: [Cue; 3] = [Cue::Deadline, Cue::Vulnerable, Cue::Grief];
/// The most that bad service reaches without an aggravation; below [`CRITICAL_FROM`].
const SERVICE_MAX: f32 = 0.84;
/// What an aggravation counts when there is no cause.
const ALONE_SHARE: f32 = 0.4;
/// A complaint says what; how soon is for the other kinds to say.
const COMPLAINT_SHARE: f32 = 0.5;
const SENTIMENT_SHARE: f32 = 0.25;
const PRAISE_DAMPING: f32 = 0.6;
const RESOLVED_DAMPING: f32 = 0.8;

/// From this probability on a post tells of a disaster, if it has a word of harm.
const DISASTER_FROM: f32 = 0.25;
/// From here on it does without one.
const DISASTER_SURE: f32 = 0.6;
/// What cues count less then.
const DISASTER_DISCOUNT: f32 = 0.3;
/// Weaker words of harm ("fire", "storm") say nothing where no disaster is told of.
const HARM_LEAST: f32 = 0.5;
/// Harm from here on, in a personal post, is no talk of the news.
const HARM_GRAVE: f32 = 0.85;
/// Probabilities that somebody must act, and the scores that they become; in between in proportion. Chosen for
/// macro-F1 on posts of disasters that the model had not seen.
const CUTS: [(f32, f32); 5] =
    [(0.0, 0.0), (0.10, MEDIUM_FROM), (0.17, HIGH_FROM), (0.30, CRITICAL_FROM), (1.0, 1.0)];

const MEDIUM_FROM: f32 = 0.3;
const HIGH_FROM: f32 = 0.6;
const CRITICAL_FROM: f32 = 0.85;

/// Urgency, 0–1, of a post with these cues and this sentiment score (−1 to 1).
pub(in crate::score) fn urgency(cues: &CueWeights, sentiment: f32) -> f32 {
    let calm = |kinds: &[Cue]| kinds.iter().fold(1.0, |calm, &cue| calm * (1.0 - cues.of(cue)));
    let upset =
        (1.0 - COMPLAINT_SHARE * cues.of(Cue::Complaint)) * (1.0 - SENTIMENT_SHARE * (-sentiment).max(0.0));
    let service = 1.0 - calm(&SERVICE) * upset;
    let causes = 1.0 - calm(&GRAVE) * (1.0 - SERVICE_MAX * service);
    let share = if causes > 0.0 { 1.0 } else { ALONE_SHARE };
    let pressing = AGGRAVATIONS.iter().fold(1.0, |calm, &cue| calm * (1.0 - share * cues.of(cue)));
    let praise = cues.of(Cue::Praise) * sentiment.max(0.0);
    let damping = (1.0 - PRAISE_DAMPING * praise) * (1.0 - RESOLVED_DAMPING * cues.of(Cue::Resolved));
    (1.0 - (1.0 - causes) * pressing) * damping
}

/// What the model hears in a post.
#[derive(Clone, Copy, Debug)]
pub(in crate::score) struct Heard {
    /// Probability that it tells of a disaster.
    pub(in crate::score) disaster: f32,
    /// Probability that, if it does, somebody must act on it.
    pub(in crate::score) acute: f32,
    /// It speaks of what is mine, ours or yours: what "your charger" did to "my kitchen" is no news of the world.
    pub(in crate::score) is_personal: bool,
}

/// Urgency of a post that the model has read too.
pub(in crate::score) fn judged(cues: &CueWeights, sentiment: f32, heard: Heard) -> f32 {
    let Heard { disaster, acute, is_personal } = heard;
    let is_told = disaster >= DISASTER_SURE || (disaster >= DISASTER_FROM && cues.of(Cue::Harm) > 0.0);
    if !is_told {
        return urgency(&cues.without_weak(Cue::Harm, HARM_LEAST), sentiment);
    }
    let is_own = is_personal && cues.of(Cue::Harm) >= HARM_GRAVE;
    let discount = if is_own { 0.0 } else { DISASTER_DISCOUNT };
    let step = CUTS.windows(2).find(|step| acute < step[1].0).unwrap_or(&CUTS[CUTS.len() - 2..]);
    let [(from, low), (to, high)] = [step[0], step[1]];
    let learned = low + (high - low) * (acute - from) / (to - from);
    learned.max(urgency(cues, sentiment) - discount)
}

/// Low below 0.3, medium below 0.6, high below 0.85, critical from there.
#[must_use]
pub fn urgency_label(urgency: f32) -> UrgencyLabel {
    match urgency {
        urgency if urgency >= CRITICAL_FROM => UrgencyLabel::Critical,
        urgency if urgency >= HIGH_FROM => UrgencyLabel::High,
        urgency if urgency >= MEDIUM_FROM => UrgencyLabel::Medium,
        _ => UrgencyLabel::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cues: &[(Cue, f32)], sentiment: f32) -> f32 {
        let mut weights = CueWeights::default();
        for &(cue, weight) in cues {
            weights.raise(cue, weight);
        }
        urgency(&weights, sentiment)
    }

    #[test]
    fn reasons_add_up_and_never_pass_one() {
        let all: Vec<(Cue, f32)> =
            [GRAVE.as_slice(), &SERVICE].concat().iter().map(|&cue| (cue, 1.0)).collect();
        assert_eq!(with(&[], 0.0), 0.0);
        assert_eq!(with(&all, -1.0), 1.0);
        assert!(with(&[(Cue::Outage, 0.6), (Cue::Repeat, 0.5)], 0.0) > with(&[(Cue::Outage, 0.6)], 0.0));
    }

    #[test]
    fn bad_service_alone_is_never_critical() {
        let worst: Vec<(Cue, f32)> = SERVICE.iter().chain(&[Cue::Complaint]).map(|&cue| (cue, 1.0)).collect();
        assert_eq!(urgency_label(with(&worst, -1.0)), UrgencyLabel::High);
        assert_eq!(urgency_label(with(&[(Cue::Harm, 0.9)], 0.0)), UrgencyLabel::Critical);
    }

    #[test]
    fn praise_and_solutions_calm() {
        let outage = with(&[(Cue::Outage, 0.6)], -0.3);
        assert!(with(&[(Cue::Outage, 0.6), (Cue::Resolved, 0.7)], 0.3) < outage / 2.0);
        assert!(
            with(&[(Cue::Deadline, 0.5)], 0.0) < with(&[(Cue::Outage, 0.3), (Cue::Deadline, 0.5)], 0.0) / 2.0
        );
    }

    #[test]
    fn in_a_disaster_the_model_decides_and_grave_cues_keep_all_but_a_label() {
        let judged = |harm: f32, disaster: f32, acute: f32| {
            let mut cues = CueWeights::default();
            cues.raise(Cue::Harm, harm);
            super::judged(&cues, 0.0, Heard { disaster, acute, is_personal: false })
        };
        assert!((judged(0.7, 0.1, 0.9) - 0.7).abs() < 1e-6, "no disaster");
        assert_eq!(judged(0.4, 0.1, 0.9), 0.0, "a figure of speech");
        assert_eq!(judged(0.1, 0.9, 0.17), HIGH_FROM);
        assert_eq!(urgency_label(judged(0.7, 0.9, 0.02)), UrgencyLabel::Medium);
        let (mut harm, heard) =
            (CueWeights::default(), Heard { disaster: 0.9, acute: 0.02, is_personal: true });
        harm.raise(Cue::Harm, 0.9);
        assert_eq!(urgency_label(super::judged(&harm, 0.0, heard)), UrgencyLabel::Critical, "my own kitchen");
        assert_eq!((judged(0.0, 1.0, 1.0), judged(0.0, 1.0, 0.0)), (1.0, 0.0));
        assert!((0..100u8).map(|acute| judged(0.2, 0.5, f32::from(acute) / 99.0)).is_sorted());
        assert_eq!(judged(0.0, 0.4, 0.9), 0.0, "nothing but a probability speaks of a disaster");
    }

    #[test]
    fn labels_cut_the_number_where_the_page_says() {
        assert_eq!(urgency_label(0.29), UrgencyLabel::Low);
        assert_eq!(urgency_label(0.3), UrgencyLabel::Medium);
        assert_eq!(urgency_label(0.6), UrgencyLabel::High);
        assert_eq!(urgency_label(0.85), UrgencyLabel::Critical);
    }
}
