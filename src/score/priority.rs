//! The priority: one number from 0 to 100 and a lane, out of factors that a person can check.
//!
//! With each factor f in 0–1 and its weight w in 0–1, `score = 100 · (1 − Π (1 − w·f))`: each factor closes a share of
//! the distance that the others left. One grave factor is enough, several small ones add up, none takes away: the
//! score is monotone in every factor. The lane is that of the score, and never below the rule's floor.
//! Age is not a factor here, since it changes while the item waits: the store lets waiting items age when it
//! chooses the next to claim.

use crate::model::Report;
use serde::Deserialize;

use crate::model::{Factors, Lane, Priority};

/// Weights and lane limits.
///
/// ```toml
/// [priority]
/// urgency = 0.9            # weights, 0 to 1
/// sentiment = 0.45
/// influence = 0.25
/// amplification = 0.5
/// critical_from = 90       # scores, 0 to 100
/// high_from = 60
/// normal_from = 25
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of urgency: at 0.9, harm to a person alone (urgency 1) is critical.
    pub urgency: f32,
    /// Weight of negative sentiment: anger alone is at most normal.
    pub sentiment: f32,
    /// Weight of influence.
    pub influence: f32,
    /// Weight of amplification.
    pub amplification: f32,
    /// Lowest score of lane critical.
    pub critical_from: u8,
    /// Lowest score of lane high.
    pub high_from: u8,
    /// Lowest score of lane normal.
    pub normal_from: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            urgency: 0.9,
            sentiment: 0.45,
            influence: 0.25,
            amplification: 0.5,
            critical_from: 90,
            high_from: 60,
            normal_from: 25,
        }
    }
}

impl Config {
    /// The priority that the factors give. Factors out of 0–1 are taken as the nearer end, NaN as 0.
    #[must_use]
    pub fn priority(&self, factors: Factors) -> Priority {
        let parts = [
            (self.urgency, factors.urgency),
            (self.sentiment, factors.sentiment),
            (self.influence, factors.influence),
            (self.amplification, factors.amplification),
        ];
        let left: f32 = parts.iter().map(|&(weight, factor)| 1.0 - weight * unit(factor)).product();
        let score = (100.0 * (1.0 - left)).round() as u8;
        Priority { score, lane: self.lane(score).max(factors.floor), factors }
    }

    fn lane(&self, score: u8) -> Lane {
        match score {
            s if s >= self.critical_from => Lane::Critical,
            s if s >= self.high_from => Lane::High,
            s if s >= self.normal_from => Lane::Normal,
            _ => Lane::Low,
        }
    }

    /// Every mistake, as a sentence.
    pub fn validate(&self, report: &mut Report) {
        let weights = [
            ("urgency", self.urgency),
            ("sentiment", self.sentiment),
            ("influence", self.influence),
            ("amplification", self.amplification),
        ];
        for (name, weight) in weights {
            let is_wrong = !(0.0..=1.0).contains(&weight);
            report.add_if(is_wrong, format_args!("priority.{name} is {weight}; weights go from 0 to 1"));
        }
        let critical = self.critical_from;
        let beyond = format_args!("priority.critical_from is {critical}; scores go from 0 to 100");
        report.add_if(critical > 100, beyond);
        let is_rising = self.normal_from <= self.high_from && self.high_from <= critical;
        let falls = "priority: normal_from, high_from and critical_from must not fall, in this order";
        report.add_if(!is_rising, falls);
    }
}

fn unit(factor: f32) -> f32 {
    if factor > 0.0 { factor.min(1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn factors(urgency: f32, sentiment: f32, influence: f32, amplification: f32) -> Factors {
        Factors { urgency, sentiment, influence, amplification, floor: Lane::Low }
    }

    #[test]
    fn known_posts_land_where_a_person_would_put_them() {
        let lane = |f| Config::default().priority(f).lane;
        assert_eq!(lane(factors(0.05, 0.0, 0.0, 0.0)), Lane::Low);
        assert_eq!(lane(factors(0.1, 0.6, 0.0, 0.0)), Lane::Normal);
        assert_eq!(lane(factors(0.8, 0.7, 0.1, 0.3)), Lane::High);
        assert_eq!(lane(factors(1.0, 0.0, 0.0, 0.0)), Lane::Critical);
        assert_eq!(lane(factors(0.5, 0.7, 0.0, 0.9)), Lane::High);
    }

    #[test]
    fn the_floor_lifts_the_lane_and_leaves_the_score() {
        let high = Config::default().priority(Factors { floor: Lane::High, ..Factors::default() });
        assert_eq!((high.score, high.lane), (0, Lane::High));
    }

    #[test]
    fn nonsense_is_taken_as_the_nearer_end() {
        let config = Config::default();
        assert_eq!(config.priority(factors(f32::NAN, -3.0, f32::NEG_INFINITY, 0.0)).score, 0);
        assert!(config.priority(factors(f32::INFINITY, 9.0, 9.0, 9.0)).score > 90);
    }

    #[test]
    fn bad_weights_and_limits_are_named() {
        let config = Config { urgency: 1.5, sentiment: f32::NAN, high_from: 95, ..Config::default() };
        assert_eq!(Report::of(|report| config.validate(report)).len(), 3);
        let beyond = Config { critical_from: 101, ..Config::default() };
        assert_eq!(Report::of(|report| beyond.validate(report)).len(), 1);
        assert!(Report::of(|report| Config::default().validate(report)).is_empty());
    }

    proptest! {
        #[test]
        fn more_of_any_factor_never_lowers_score_or_lane(
            base in prop::array::uniform4(0.0f32..=1.0),
            which in 0usize..4,
            more in 0.0f32..=1.0,
            floors in (0u8..4, 0u8..4),
            weights in prop::array::uniform4(0.0f32..=1.0),
        ) {
            let [urgency, sentiment, influence, amplification] = weights;
            let config = Config { urgency, sentiment, influence, amplification, ..Config::default() };
            let mut lifted = base;
            lifted[which] = lifted[which].max(more);
            let priority = |[u, s, i, a]: [f32; 4], floor| {
                config.priority(Factors { floor: Lane::from_index(floor), ..factors(u, s, i, a) })
            };
            let (low, high) = (floors.0.min(floors.1), floors.0.max(floors.1));
            let (before, after) = (priority(base, low), priority(lifted, high));
            prop_assert!(after.score >= before.score && after.lane >= before.lane);
            prop_assert!(before.score <= 100 && before.lane >= Lane::from_index(low));
        }
    }
}
