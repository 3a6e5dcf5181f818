//! Sentiment, urgency, intent, influence, and the priority made of them.

use serde::{Deserialize, Serialize};

use super::{Cues, Tones};

/// The queue's lanes, lowest first, so that `max` picks the more urgent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// When there is time.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Before the usual.
    High,
    /// Now.
    Critical,
}

impl Lane {
    /// All lanes, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// Name as in JSON and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// 0 for low to 3 for critical: the form on disk.
    #[must_use]
    pub const fn as_index(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Lane::as_index`]; anything above 3 is critical.
    #[must_use]
    pub const fn from_index(index: u8) -> Self {
        match index {
            0 => Self::Low,
            1 => Self::Normal,
            2 => Self::High,
            _ => Self::Critical,
        }
    }
}

/// Negative, neutral or positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum SentimentLabel {
    Negative,
    #[default]
    Neutral,
    Positive,
}

impl SentimentLabel {
    /// All labels, the worst first.
    pub const ALL: [Self; 3] = [Self::Negative, Self::Neutral, Self::Positive];

    /// Name as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Neutral => "neutral",
            Self::Positive => "positive",
        }
    }
}

/// How the text feels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sentiment {
    /// −1 (worst) to 1 (best).
    pub score: f32,
    /// The class.
    pub label: SentimentLabel,
    /// 0 (nothing known) to 1.
    pub confidence: f32,
}

/// Urgency in words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum UrgencyLabel {
    #[default]
    Low,
    Medium,
    High,
    Critical,
}

impl UrgencyLabel {
    /// All labels, the calmest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Name as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What the author wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// Something went wrong.
    Complaint,
    /// Wants to know.
    Question,
    /// Wants to buy.
    Lead,
    /// Is pleased.
    Praise,
    /// Is leaving.
    Churn,
    /// Somebody may come to harm.
    Safety,
    /// A crisis alarm of our own.
    Crisis,
    /// None of these.
    #[default]
    Other,
}

impl Intent {
    /// What a text may say; a crisis is not told by one text.
    pub const OF_TEXTS: [Self; 7] =
        [Self::Complaint, Self::Question, Self::Lead, Self::Praise, Self::Churn, Self::Safety, Self::Other];

    /// Name as in JSON and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Question => "question",
            Self::Lead => "lead",
            Self::Praise => "praise",
            Self::Churn => "churn",
            Self::Safety => "safety",
            Self::Crisis => "crisis",
            Self::Other => "other",
        }
    }
}

/// What the scorer says of one post. On disk, by postcard, the order of the fields is the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// How it feels.
    pub sentiment: Sentiment,
    /// How soon somebody must act, 0–1.
    pub urgency: f32,
    /// The same in words.
    pub urgency_label: UrgencyLabel,
    /// What the author wants.
    pub intent: Intent,
    /// How far the author's voice carries, 0–1. Of the moment: an item keeps it among its [`Factors`].
    #[serde(skip)]
    pub influence: f32,
    /// What spoke for urgency and intent.
    #[serde(default)]
    pub cues: Cues,
    /// Why no machine should answer.
    #[serde(default)]
    pub tones: Tones,
}

/// What the priority is made of; each number 0–1, 1 the most pressing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Factors {
    /// [`Scores::urgency`].
    pub urgency: f32,
    /// How negative: `max(0, −score)`.
    pub sentiment: f32,
    /// [`Scores::influence`].
    pub influence: f32,
    /// How many repeat it.
    pub amplification: f32,
    /// The rule's lowest lane.
    pub floor: Lane,
}

impl Factors {
    /// Of a post with these `scores`, that so many repeat, by a rule with this lowest lane.
    #[must_use]
    pub fn new(scores: &Scores, amplification: f32, floor: Lane) -> Self {
        Self {
            urgency: scores.urgency,
            sentiment: (-scores.sentiment.score).max(0.0),
            influence: scores.influence,
            amplification,
            floor,
        }
    }
}

/// Where in the queue an item stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Priority {
    /// 0–100.
    pub score: u8,
    /// Never below the rule's floor.
    pub lane: Lane,
    /// Why.
    pub factors: Factors,
}
