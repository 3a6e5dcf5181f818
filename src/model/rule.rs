//! What the rest of the line needs to know about a rule, without its query.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Lane, Timestamp};

/// A rule's place in its compiled set. Means nothing in another set.
pub type RuleIndex = u32;

/// Whether a rule's matches go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleStatus {
    /// Matches become work.
    #[default]
    Live,
    /// Matches are counted and sampled, and nothing is sent.
    Shadow,
    /// Not compiled.
    Off,
}

impl RuleStatus {
    /// All of them, the usual one first.
    pub const ALL: [Self; 3] = [Self::Live, Self::Shadow, Self::Off];

    /// Name as in packs, JSON and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

/// A rule's labels and settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// `[a-z0-9-]{1,64}`, unique over all packs.
    pub id: Arc<str>,
    /// The pack's brand.
    pub brand: Arc<str>,
    /// The team whose queue gets the item, unless a route says otherwise.
    pub team: Arc<str>,
    /// Lowest lane an item of this rule may have.
    pub floor: Lane,
    /// Live or shadow (rules that are off are not compiled).
    pub status: RuleStatus,
    /// Name of the reply template the rule asks for.
    pub reply: Option<Arc<str>>,
}

#[cfg(test)]
impl RuleInfo {
    /// A rule for tests, of which only id and status matter.
    pub(crate) fn of(id: &str, status: RuleStatus) -> Self {
        let (brand, team) = ("b".into(), "t".into());
        Self { id: id.into(), brand, team, floor: Lane::Low, status, reply: None }
    }
}

/// One evaluation of a rule that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleCost {
    /// The rule, in the set of its outcome.
    pub rule: RuleIndex,
    /// What deciding it took, in nanoseconds; the stopwatch's own few among them.
    pub nanos: u32,
}

/// A rule that matches less or more than it expects to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleDrift {
    /// The rule.
    pub rule: Arc<str>,
    /// True when it matches too much, false when too little.
    pub above: bool,
    /// Matches in the last 24 hours, to the hour.
    pub matches: u64,
    /// Its `expect_per_day`.
    pub expected: (u32, u32),
    /// When this was first seen.
    pub since: Timestamp,
}

/// What a rule in shadow has matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// The rule.
    pub rule: Arc<str>,
    /// Posts since it looks in shadow for what it looks for, or since the start; edits are not counted again.
    pub matches: u64,
}

/// What a rule costs among the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleShare {
    /// The rule.
    pub rule: Arc<str>,
    /// Its share of the time spent on deciding rules lately, 0 to 1.
    pub ratio: f64,
    /// What deciding it takes on average, in nanoseconds.
    pub nanos: u64,
}
