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

impl ReplyVerdict {
    /// Name as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Hold => "hold",
            Self::Suppress => "suppress",
        }
    }
}

/// The gate's decision with its full trace; stands on the work item and in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyDecision {
    /// Allow, hold or suppress, as it stands now.
    pub decision: ReplyVerdict,
    /// The template the rule asked for.
    pub template: Arc<str>,
    /// The first guard that refused, or `revoked`; `None` when all passed.
    pub guard: Option<String>,
    /// `guard:ok` or `guard:reason`, in the order asked; at the end `revoked:reason`.
    pub trace: Vec<String>,
    /// Until when the reply may be released; only while it is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Why what was decided no longer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

impl ReplyDecision {
    /// The decision as it stands when `reason` speaks against it: a reply that was allowed or held is suppressed.
    #[must_use]
    pub fn revoke(mut self, reason: Revocation) -> Self {
        if self.decision != ReplyVerdict::Suppress {
            self.decision = ReplyVerdict::Suppress;
            self.guard = Some("revoked".to_owned());
            self.trace.push(["revoked:", reason.as_str()].concat());
            (self.expires_at, self.revoked) = (None, Some(reason));
        }
        self
    }
}

/// Why a reply that was allowed must not be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// The author changed what would be answered.
    Edited,
    /// The post is gone, or its author.
    Deleted,
    /// It was not released in time.
    Stale,
    /// The author asked not to be answered.
    OptOut,
    /// The gate was disarmed since.
    Disarmed,
    /// The first revision of the item released it; this is a later one.
    Repeat,
}

impl Revocation {
    /// Name as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Deleted => "deleted",
            Self::Stale => "stale",
            Self::OptOut => "opt_out",
            Self::Disarmed => "disarmed",
            Self::Repeat => "repeat",
        }
    }
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

/// The reply gate's master switch as last moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplySwitch {
    /// True lets replies out.
    pub armed: bool,
    /// Who moved it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}
