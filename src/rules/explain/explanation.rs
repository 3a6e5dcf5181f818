//! An explanation: the query's tree with the truth of every part, and the parts that decided against.
//!
//! Serialises as the JSON of `birddog explain`.

use serde::Serialize;

use crate::model::{Lane, RuleStatus, Span};

/// Most terms named in one sentence.
pub(super) const SHOWN_MAX: usize = 8;

/// What a rule makes of a post.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Whether the rule matches.
    pub matched: bool,
    /// Its id.
    pub rule: String,
    /// Its brand.
    pub brand: String,
    /// The team that a match goes to.
    pub team: String,
    /// Lowest lane of its items.
    pub floor: Lane,
    /// Only `live` sends work.
    pub status: RuleStatus,
    /// The query as it was understood.
    pub query: String,
    /// Byte ranges in the text of the terms that speak for the match; empty without one.
    pub spans: Vec<Span>,
    /// The parts that decided against; empty when it matches.
    pub failed: Vec<Failed>,
    /// Every part with its truth.
    pub tree: Verdict,
}

/// A part of the query that decided against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The part.
    pub query: String,
    /// Why it does not hold.
    pub why: String,
}

/// The truth of one part of a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The part, printed.
    pub query: String,
    /// `and`, `or`, `not`, `near`, `term` or `list`.
    pub kind: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// Where it stands in the text, for text terms and lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// Why it holds or not, where that takes words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The operands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operands: Vec<Verdict>,
}
