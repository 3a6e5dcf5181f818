//! What the reply gate decided, and why.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// How far a rule's automatic replies may go. New rules start in shadow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplyMode {
    /// Never.
    Off,
    /// Decide and record, send nothing.
    #[default]
    Shadow,
    /// A person releases each.
    Approve,
    /// Released by the gate alone.
    Auto,
}

/// Allow, hold for a person, or suppress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ReplyVerdict {
    Allow,
    Hold,
    Suppress,
}

/// The gate's decision with its full trace; stands on the work item and in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyDecision {
    /// Allow, hold or suppress.
    pub decision: ReplyVerdict,
    /// The template the rule asked for.
    pub template: Arc<str>,
    /// The first guard that refused; `None` when all passed.
    pub guard: Option<String>,
    /// `guard:ok` or `guard:reason`, in the order asked.
    pub trace: Vec<String>,
}

/// The gate's master switch and recent counts, for operators.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyStatus {
    /// False: every reply is suppressed until somebody arms the gate.
    pub armed: bool,
    /// Who switched last, when anybody did; `birddog` when it disarmed itself.
    pub switched_by: Option<String>,
    /// Why.
    pub switched_reason: Option<String>,
    /// When.
    pub switched_at: Option<Timestamp>,
    /// Allowed in the last hour, over all rules and accounts.
    pub allowed_last_hour: u64,
    /// Decisions since the start.
    pub decisions: ReplyCounts,
}

/// Decisions by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ReplyCounts {
    pub allowed: u64,
    pub held: u64,
    pub suppressed: u64,
}
