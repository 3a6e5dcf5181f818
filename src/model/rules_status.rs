//! What operators are shown of the rules in force.

use serde::{Deserialize, Serialize};

use super::{RuleCount, RuleDrift, RuleShare, Timestamp};

/// The rule set in force, as shown to operators.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesStatus {
    /// Rules that are compiled: live and shadow.
    pub count: u64,
    /// Rules whose matches become work.
    pub live: u64,
    /// Rules whose matches are counted and sampled.
    pub shadow: u64,
    /// Rules that are not compiled.
    pub off: u64,
    /// A short hash of what the set says: the same rules have the same.
    pub version: String,
    /// When this set was loaded.
    pub loaded_at: Option<Timestamp>,
    /// When the files were last read after the start.
    pub last_reload_at: Option<Timestamp>,
    /// What came of that.
    pub last_reload: Option<ReloadResult>,
    /// Why it was refused; the set in use stayed.
    pub last_error: Option<String>,
}

/// What reading the rules again has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReloadResult {
    /// Another set is in use.
    Applied,
    /// Something is wrong with the files: the set in use stayed.
    Refused,
    /// The files say what the set in use says.
    Unchanged,
}

impl ReloadResult {
    /// All results, in order.
    pub const ALL: [Self; 3] = [Self::Applied, Self::Refused, Self::Unchanged];

    /// Name as in JSON and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Unchanged => "unchanged",
        }
    }
}

/// How the rules in force do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RulesReport {
    /// Rules that match less or more a day than they expect.
    pub drifting_count: u64,
    /// The first hundred of them.
    pub drifting: Vec<RuleDrift>,
    /// The ten that cost most.
    pub costly: Vec<RuleShare>,
    /// A hundred of the rules in shadow, those that match most first.
    #[serde(default)]
    pub shadow_matches: Vec<RuleCount>,
}
