//! Urgency: how soon somebody must act, from cues.
//!
//! The formula: each kind of cue counts once, with its strongest weight `w`, and kinds combine as independent reasons
//! (noisy or): `u = 1 − Π (1 − w)` over harm, breach, outage, legal, churn, repeat, deadline, waiting, vulnerable, a
//! complaint at [`COMPLAINT_SHARE`] of its weight, and negative sentiment at [`SENTIMENT_SHARE`] of its size. Praise and
//! a problem solved then dampen: `u × (1 − PRAISE_DAMPING × praise) × (1 − RESOLVED_DAMPING × resolved)`.
//! Nothing here is learned; [`urgency_label`] cuts the number into four.

use crate::model::UrgencyLabel;

use super::cue::{Cue, CueWeights};

/// Cues that call for haste by themselves.
const CAUSES: [Cue; 7] =
    [Cue::Harm, Cue::Breach, Cue::Outage, Cue::Legal, Cue::Churn, Cue::Repeat, Cue::Waiting];
/// Cues that only make another cause more pressing: "today" and "my baby" alone are no reason to hurry.
const AGGRAVATIONS: [Cue; 2] = [Cue::Deadline, Cue::Vulnerable];
/// What an aggravation counts when there is no cause.
const ALONE_SHARE: f32 = 0.4;
const COMPLAINT_SHARE: f32 = 0.5;
const SENTIMENT_SHARE: f32 = 0.25;
const PRAISE_DAMPING: f32 = 0.6;
const RESOLVED_DAMPING: f32 = 0.8;

const MEDIUM_FROM: f32 = 0.3;
const HIGH_FROM: f32 = 0.6;
const CRITICAL_FROM: f32 = 0.85;

/// Urgency, 0–1, of a post with these cues and this sentiment score (−1 to 1).
pub(super) fn urgency(cues: &CueWeights, sentiment: f32) -> f32 {
    let mut calm = CAUSES.iter().fold(1.0, |calm, &cue| calm * (1.0 - cues.of(cue)));
    calm *= 1.0 - COMPLAINT_SHARE * cues.of(Cue::Complaint);
    let share = if calm < 1.0 { 1.0 } else { ALONE_SHARE };
    calm = AGGRAVATIONS.iter().fold(calm, |calm, &cue| calm * (1.0 - share * cues.of(cue)));
    calm *= 1.0 - SENTIMENT_SHARE * (-sentiment).max(0.0);
    let praise = cues.of(Cue::Praise) * sentiment.max(0.0);
    (1.0 - calm) * (1.0 - PRAISE_DAMPING * praise) * (1.0 - RESOLVED_DAMPING * cues.of(Cue::Resolved))
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
        let all: Vec<(Cue, f32)> = CAUSES.iter().map(|&cue| (cue, 1.0)).collect();
        assert_eq!(with(&[], 0.0), 0.0);
        assert_eq!(with(&all, -1.0), 1.0);
        assert!(with(&[(Cue::Outage, 0.6), (Cue::Repeat, 0.5)], 0.0) > with(&[(Cue::Outage, 0.6)], 0.0));
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
    fn labels_cut_the_number_where_the_page_says() {
        assert_eq!(urgency_label(0.29), UrgencyLabel::Low);
        assert_eq!(urgency_label(0.3), UrgencyLabel::Medium);
        assert_eq!(urgency_label(0.6), UrgencyLabel::High);
        assert_eq!(urgency_label(0.85), UrgencyLabel::Critical);
    }
}
