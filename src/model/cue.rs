//! The kinds of cue: what a phrase may say about urgency, intent and tone.

use serde::Serialize;

use super::flags::{Flag, Flags};

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
    /// Somebody died, or mourns.
    Grief,
    /// Boycotts, demonstrations, outrage.
    Protest,
}

impl Flag for Cue {
    const ALL: &'static [Self] = &[
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
        Self::Grief,
        Self::Protest,
    ];

    fn index(self) -> usize {
        self as usize
    }

    fn as_str(self) -> &'static str {
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
            Self::Grief => "grief",
            Self::Protest => "protest",
        }
    }
}

/// The kinds of cue in a post.
pub type Cues = Flags<Cue>;
