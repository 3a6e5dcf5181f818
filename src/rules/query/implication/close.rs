//! What follows from NEAR and from `"…"~N`.

use std::sync::Arc;

use super::claim::Claim;
use super::patterns::{is_equal, pattern_implies};
use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::term::Pattern;

/// What follows from words that stand close together: that they stand so in wider limits, and that they are there.
pub(super) fn close_implies(close: &Kind, other: Claim<'_>) -> bool {
    match (close, other.kind()) {
        (Kind::Near { left, right, distance, ordered }, Some(Kind::Near { .. })) => {
            near_implies((left, right), *distance, *ordered, other)
        }
        (Kind::Window { terms, slack, .. }, Some(Kind::Window { terms: wanted, slack: wider, .. })) => {
            let count = |terms: &[Arc<Pattern>], term: &Pattern| {
                terms.iter().filter(|one| is_equal(one, term)).count()
            };
            slack <= wider
                && terms.len() == wanted.len()
                && terms.iter().all(|term| count(terms, term) == count(wanted, term))
        }
        (Kind::Near { left, right, .. }, _) => [left, right].into_iter().any(|side| {
            alternatives(side).is_some_and(|found| found.iter().all(|one| is_pattern_there(one, other)))
        }),
        (Kind::Window { terms, .. }, _) => terms.iter().any(|term| is_pattern_there(term, other)),
        _ => false,
    }
}

fn is_pattern_there(pattern: &Pattern, other: Claim<'_>) -> bool {
    other.pattern().is_some_and(|other| pattern_implies(pattern, other))
}

/// The same places, or more of them, in wider limits.
fn near_implies((left, right): (&Node, &Node), distance: u8, ordered: bool, other: Claim<'_>) -> bool {
    let Some(Kind::Near { left: first, right: second, distance: wider, ordered: is_strict }) = other.kind()
    else {
        return false;
    };
    let straight = has_places(first, left) && has_places(second, right);
    let turned = !is_strict && has_places(first, right) && has_places(second, left);
    distance <= *wider && (ordered || !is_strict) && (straight || turned)
}

/// Every place of `other` is one of `node`, too.
fn has_places(node: &Node, other: &Node) -> bool {
    let (Some(mine), Some(theirs)) = (alternatives(node), alternatives(other)) else { return false };
    theirs.iter().all(|theirs| mine.iter().any(|mine| is_equal(mine, theirs)))
}

/// The patterns of an operand of NEAR.
fn alternatives(node: &Node) -> Option<Vec<&Pattern>> {
    match &node.kind {
        Kind::Term(Term::Text(pattern)) => Some(vec![pattern]),
        Kind::List { patterns, .. } => Some(patterns.iter().map(|pattern| &**pattern).collect()),
        Kind::Or(nodes) => {
            let parts: Option<Vec<Vec<&Pattern>>> = nodes.iter().map(alternatives).collect();
            parts.map(|parts| parts.into_iter().flatten().collect())
        }
        _ => None,
    }
}
