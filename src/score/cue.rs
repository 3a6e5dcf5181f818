//! The kinds of cue: what a phrase may say about urgency and intent.

use serde::Serialize;

/// What a cue speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cue {
    /// Injury, fire, poison, disaster, danger.
    Harm,
    /// Something is down, or does not work.
    Outage,
    /// Hacked, leaked, stolen, charged without consent.
    Breach,
    /// Lawyers, courts, regulators.
    Legal,
    /// Time is short.
    Deadline,
    /// Not the first attempt; nobody answered.
    Repeat,
    /// Leaves, or threatens to.
    Churn,
    /// A person in need of special care.
    Vulnerable,
    /// Waits for an answer.
    Waiting,
    /// Something went wrong with what was bought.
    Complaint,
    /// Wants to know.
    Question,
    /// Wants to buy.
    Lead,
    /// Is pleased.
    Praise,
    /// Solved, over, or told of another time.
    Resolved,
}

/// How many kinds there are.
pub(super) const CUES: usize = Cue::ALL.len();

impl Cue {
    /// All kinds, in the order of their index.
    pub const ALL: [Self; 14] = [
        Self::Harm,
        Self::Outage,
        Self::Breach,
        Self::Legal,
        Self::Deadline,
        Self::Repeat,
        Self::Churn,
        Self::Vulnerable,
        Self::Waiting,
        Self::Complaint,
        Self::Question,
        Self::Lead,
        Self::Praise,
        Self::Resolved,
    ];

    /// Name as in the cue file and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Harm => "harm",
            Self::Outage => "outage",
            Self::Breach => "breach",
            Self::Legal => "legal",
            Self::Deadline => "deadline",
            Self::Repeat => "repeat",
            Self::Churn => "churn",
            Self::Vulnerable => "vulnerable",
            Self::Waiting => "waiting",
            Self::Complaint => "complaint",
            Self::Question => "question",
            Self::Lead => "lead",
            Self::Praise => "praise",
            Self::Resolved => "resolved",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cue| cue.as_str() == name)
    }
}

/// The strongest weight seen of each kind, 0–1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct CueWeights([f32; CUES]);

impl CueWeights {
    /// The weight of `cue`.
    pub(super) fn of(&self, cue: Cue) -> f32 {
        self.0[cue as usize]
    }

    /// Keeps the larger of the weight so far and `weight`: saying a thing twice does not make it worse.
    pub(super) fn raise(&mut self, cue: Cue, weight: f32) {
        let kept = &mut self.0[cue as usize];
        *kept = kept.max(weight);
    }
}
