//! The search for a proof: claims are taken apart until terms stand against terms.

use super::claim::{Claim, Shape, What};
use super::close::close_implies;
use super::fields::{excludes, term_implies};
use super::patterns::pattern_implies;
use crate::rules::query::ast::Kind;

/// The search for one proof, with the steps it may still take.
pub(super) struct Search {
    pub(super) steps_left: u32,
}

impl Search {
    /// True when a proof was found that whatever holds `query` holds `other`.
    pub(super) fn implies(&mut self, query: Claim<'_>, other: Claim<'_>) -> bool {
        if self.steps_left == 0 {
            return false;
        }
        self.steps_left -= 1;
        if is_same(query, other) {
            return true;
        }
        let (query_shape, other_shape) = (query.shape(), other.shape());
        self.steps_left = self.steps_left.saturating_sub(query_shape.steps() + other_shape.steps());
        match (query_shape, other_shape) {
            (_, Shape::All(parts)) => parts.into_iter().all(|part| self.implies(query, part)),
            (Shape::Any(cases), _) => cases.into_iter().all(|case| self.implies(case, other)),
            (Shape::All(parts), Shape::Any(cases)) => {
                cases.into_iter().any(|case| self.implies(query, case))
                    || parts.into_iter().any(|part| self.implies(part, other))
            }
            (Shape::All(parts), Shape::Leaf) => parts.into_iter().any(|part| self.implies(part, other)),
            (Shape::Leaf, Shape::Any(cases)) => cases.into_iter().any(|case| self.implies(query, case)),
            (Shape::Leaf, Shape::Leaf) => leaf_implies(query.leaf(), other.leaf()),
        }
    }
}

/// A short cut for parts written alike, and all that is said of nodes of a kind not known here.
fn is_same(query: Claim<'_>, other: Claim<'_>) -> bool {
    let (query, other) = (query.leaf(), other.leaf());
    let (What::Node(mine), What::Node(theirs)) = (query.what, other.what) else { return false };
    query.negated == other.negated
        && match (&mine.kind, &theirs.kind) {
            // Whatever name it goes by in its pack.
            (Kind::List { patterns: mine, .. }, Kind::List { patterns: theirs, .. }) => mine == theirs,
            (mine, theirs) => mine == theirs,
        }
}

fn leaf_implies(query: Claim<'_>, other: Claim<'_>) -> bool {
    match (query.negated, other.negated) {
        (false, false) => positive_implies(query, other),
        (true, true) => positive_implies(other, query),
        (false, true) => query.term().zip(other.term()).is_some_and(|(query, other)| excludes(query, other)),
        (true, false) => false,
    }
}

fn positive_implies(query: Claim<'_>, other: Claim<'_>) -> bool {
    if let (Some(query), Some(other)) = (query.pattern(), other.pattern()) {
        return pattern_implies(query, other);
    }
    if let (Some(query), Some(other)) = (query.term(), other.term()) {
        return term_implies(query, other);
    }
    query.kind().is_some_and(|kind| close_implies(kind, other))
}
