//! Whether every post that one query matches is matched by another too, told from the trees alone.
//!
//! Sound and not complete: `true` is a proof, `false` means only that none was found. The rules of the proof are those
//! of AND, OR and NOT, and a few about terms: a phrase has its words, a word its prefixes, words that stand close
//! together stand there, a wider range holds a narrower one, a post has
//! one kind, unless it is a reply that quotes. What is not known here implies only
//! its equal. Named and exhaustive where a new field or form could make a proof wrong.

mod claim;
mod close;
mod fields;
mod patterns;
mod search;
#[cfg(test)]
mod tests;

pub(in crate::rules) use patterns::pattern_implies;

use super::ast::Node;
use claim::Claim;
use search::Search;

/// Steps after which the search for a proof is given up. To take apart a claim of many parts is more than one step.
pub const STEPS_MAX: u32 = 100_000;
/// True when every post that `query` matches is certain to be matched by `other`.
#[must_use]
pub fn implies(query: &Node, other: &Node) -> bool {
    implies_within(query, other, &mut { STEPS_MAX })
}

/// As [`implies_within`], in at most `most` of the steps that are `left`, which it takes off; `None` when they did not
/// suffice.
pub fn implies_of(query: &Node, other: &Node, most: u32, left: &mut u32) -> Option<bool> {
    let granted = most.min(*left);
    let mut steps = granted;
    let is_implied = implies_within(query, other, &mut steps);
    *left -= granted - steps;
    (is_implied || steps > 0).then_some(is_implied)
}

/// As [`implies`], in at most `steps`, which are used up.
#[must_use]
pub fn implies_within(query: &Node, other: &Node, steps: &mut u32) -> bool {
    search(Claim::of(query), Claim::of(other), steps)
}

/// True when it is certain that no post matches both; in at most `steps`, which are used up.
pub(in crate::rules) fn excludes_within(query: &Node, other: &Node, steps: &mut u32) -> bool {
    search(Claim::of(query), Claim { negated: true, ..Claim::of(other) }, steps)
}

fn search(query: Claim<'_>, other: Claim<'_>, steps: &mut u32) -> bool {
    let mut search = Search { steps_left: *steps };
    let found = search.implies(query, other);
    *steps = search.steps_left;
    found
}
