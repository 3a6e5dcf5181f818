//! The report: what `--format json` prints, field for field. Names are stable; `schema` grows when one changes its
//! meaning. Times apart (`cost`), it is the same for the same rules, data and options.

mod build;
mod implied;

use std::sync::Arc;

use serde::Serialize;

use super::input::Format;
use crate::model::{RuleStatus, Timestamp};

pub(super) use build::build;

pub use super::change::{ChangedRule, RuleChanges};
pub use super::sample::Sample;

/// Version of the report's shape.
pub const SCHEMA: u32 = 1;
/// Pairs listed; the most alike first.
pub const PAIRS_LISTED_MAX: usize = 10_000;
/// Terms listed per rule.
pub const TERMS_LISTED_MAX: usize = 20;

/// Everything a backtest found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What was read.
    pub data: Data,
    /// Posts that the whole set matches.
    pub matched: Matched,
    /// All rules, in the order of the packs.
    pub rules: Vec<Rule>,
    /// Rules that match the same posts.
    pub overlap: Overlap,
    /// What matching costs; `null` when it was not measured.
    pub cost: Option<Cost>,
    /// What the rules gain and lose against others; `null` without `--against`.
    pub against: Option<Against>,
    /// What found no room in memory, or no time, so that some figures are at least what is said.
    pub dropped: Dropped,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Data {
    /// One per input.
    pub files: Vec<File>,
    /// New posts, in all files.
    pub posts: u64,
    /// Time of the first post; `null` when none has a time.
    pub first: Option<Timestamp>,
    /// Time of the last.
    pub last: Option<Timestamp>,
    /// From first to last, in days of 24 hours.
    pub days: f64,
    /// Posts without a time.
    pub undated: u64,
    /// What rates are taken from; `null` when no post has a time.
    pub rated: Option<Rated>,
    /// Posts by day (UTC); days without a post are left out.
    pub per_day: Vec<Day>,
}

/// The span that rates are taken from: the whole one, without odd days at its ends (at most one post in a hundred, or
/// a single one of 10 or more) where these make it twice as long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rated {
    /// Time of its first post.
    pub first: Timestamp,
    /// Time of its last.
    pub last: Timestamp,
    /// From first to last, in days of 24 hours.
    pub days: f64,
    /// Posts with a time outside.
    pub left_out: u64,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct File {
    /// Its path, or `standard input`.
    pub name: Arc<str>,
    /// What its lines are; `null` when no line told.
    pub format: Option<Format>,
    /// Lines that are not blank.
    pub lines: u64,
    /// New posts among them.
    pub posts: u64,
    /// Edits of posts, which are not matched again.
    pub edits: u64,
    /// Events that are no posts.
    pub others: u64,
    /// Lines refused, by reason.
    pub rejected: Vec<Rejected>,
}

/// Lines refused for one reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rejected {
    /// As in the metric `birddog_events_rejected_total`.
    pub reason: &'static str,
    /// How many.
    pub lines: u64,
    /// The first of them, from 1.
    pub first_line: u64,
}

/// Posts of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Day {
    /// `2026-11-22`, UTC.
    pub day: String,
    /// How many.
    pub posts: u64,
}

/// Posts that the whole set matches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Matched {
    /// By any rule.
    pub posts: u64,
    /// By a live rule: what makes work.
    pub live_posts: u64,
    /// `posts` of all posts, 0–1.
    pub share: f64,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Its id.
    pub id: Arc<str>,
    /// Its pack's brand.
    pub brand: Arc<str>,
    /// Its team.
    pub team: Arc<str>,
    /// Live, shadow or off; rules that are off are run too, as if they were not.
    pub status: RuleStatus,
    /// The query as written.
    pub query: String,
    /// Posts matched.
    pub posts: u64,
    /// Of all posts, 0–1.
    pub share: f64,
    /// Matches in 24 hours, from `data.rated` or `--posts-per-day`; `null` when the data covers under an
    /// hour, or under half of its posts have a time.
    pub rate_per_day: Option<f64>,
    /// `expect_per_day`, lowest and highest.
    pub expect_per_day: Option<(u32, u32)>,
    /// How the one fits the other.
    pub verdict: Verdict,
    /// By day of the post; days without a match are left out.
    pub per_day: Vec<Day>,
    /// By the lane their work items would take.
    pub lanes: Lanes,
    /// By sentiment.
    pub sentiment: Sentiments,
    /// What its terms found, lower case, with the number of posts; the most frequent first.
    pub terms: Vec<Term>,
    /// Posts that it had to be evaluated on.
    pub evaluated: u64,
    /// No term must be there, so it is evaluated on every post.
    pub unanchored: bool,
    /// What evaluating it took; `null` when that was not measured.
    pub cost: Option<RuleCost>,
    /// Some of the posts, no two of one text, drawn at random, in the order of the data.
    pub samples: Vec<Sample>,
}

/// A rule's volume against what its author expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Within `expect_per_day`.
    Within,
    /// Fewer.
    Below,
    /// More.
    Above,
    /// Nothing is expected, or the data covers too little time to tell, or too few posts have one.
    Unknown,
}

/// Posts by lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Lanes {
    pub critical: u64,
    pub high: u64,
    pub normal: u64,
    pub low: u64,
}

/// Posts by sentiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Sentiments {
    pub negative: u64,
    pub neutral: u64,
    pub positive: u64,
}

/// What a term found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Term {
    /// As it stands in posts, lower case.
    pub term: Box<str>,
    /// Posts of this rule's that hold it.
    pub posts: u64,
}

/// What a rule costs, in wall time. Whatever takes 0.2 ms or more is done twice, and the smaller time counts, so that
/// being put to sleep by the system is not taken for work.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RuleCost {
    /// Nanoseconds of all its evaluations.
    pub ns: u64,
    /// Of the time of all matching (finding terms, and all rules), 0–1.
    pub share: f64,
}

/// Nanoseconds over all posts, by part, measured as those of [`RuleCost`]. A rule's own are with the rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Lines to posts.
    pub decode_ns: u64,
    /// Folding, and finding the terms of all rules at once: what the rules share.
    pub find_ns: u64,
    /// `find_ns` of the time of all matching, 0–1.
    pub find_share: f64,
    /// All evaluations of all rules.
    pub rules_ns: u64,
    /// Sentiment, urgency, intent and language of the posts that match.
    pub score_ns: u64,
}

/// Rules that match the same posts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// Pairs under this index are left out.
    pub from: f64,
    /// At most 10,000, the most alike first.
    pub pairs: Vec<Pair>,
    /// Rules whose posts are certain to be those of another rule of their team too, as their queries tell. Looked for
    /// between rules that match the same posts here, and, for at most 100,000 pairs, for rules without a match; what
    /// was given up is in `dropped`.
    pub implied: Vec<Implied>,
}

/// Two rules.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The first in the packs.
    pub a: Arc<str>,
    /// The other.
    pub b: Arc<str>,
    /// Posts that both match.
    pub both: u64,
    /// Jaccard's index: both / either, 0–1.
    pub jaccard: f64,
    /// `both` of the posts of `a`, 0–1.
    pub of_a: f64,
    /// `both` of the posts of `b`, 0–1.
    pub of_b: f64,
}

/// Every post of one rule is another's too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Implied {
    /// The narrower rule.
    pub rule: Arc<str>,
    /// The wider one.
    pub by: Arc<str>,
}

/// The rules against others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Against {
    /// Rules added, removed and changed.
    pub rules: RuleChanges,
    /// Posts that a live rule matches now, and none did.
    pub gained: Flow,
    /// Posts that a live rule matched, and none does now.
    pub lost: Flow,
    /// Rules of either set with posts gained or lost.
    pub by_rule: Vec<RuleFlow>,
}

/// Posts that come or go.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flow {
    /// How many.
    pub posts: u64,
    /// Some of them.
    pub samples: Vec<Sample>,
}

/// One rule before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleFlow {
    /// Which.
    pub id: Arc<str>,
    /// Posts matched before.
    pub before: u64,
    /// Posts matched now.
    pub after: u64,
    /// Posts it matches now and did not.
    pub gained: Flow,
    /// Posts it matched and does not now.
    pub lost: Flow,
}

/// What found no room in memory, or no time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Matches missing in `rules[].per_day`.
    pub per_day: u64,
    /// Hits missing in `rules[].terms`.
    pub terms: u64,
    /// Pairs missing in `overlap`.
    pub pairs: u64,
    /// Pairs given up before it was clear whether they belong in `overlap.implied`.
    pub implied: u64,
}
