//! What follows from `name:value` terms, and which of them exclude each other.

use crate::model::PostKind;
use crate::rules::query::ast::Term;
use crate::rules::query::comparison::Comparison;

pub(super) fn term_implies(term: &Term, other: &Term) -> bool {
    match (term, other) {
        (Term::Followers(range), Term::Followers(wider)) => range_implies(*range, *wider),
        (Term::Sentiment(range), Term::Sentiment(wider)) => range_implies(*range, *wider),
        (Term::Urgency(range), Term::Urgency(wider)) => range_implies(*range, *wider),
        (Term::Url(part), Term::Url(shorter)) => part.contains(shorter.as_str()),
        (Term::Domain(domain), Term::Domain(above)) => {
            domain.strip_suffix(above.as_str()).is_some_and(|below| below.ends_with('.'))
        }
        _ => false,
    }
}

/// A reply may quote another post.
fn may_be_both(kind: PostKind, other: PostKind) -> bool {
    matches!((kind, other), (PostKind::Reply, PostKind::Quote) | (PostKind::Quote, PostKind::Reply))
}

/// True when no post satisfies both: it has one kind (or quotes in a reply), one intent, one network, and one of each number.
pub(super) fn excludes(term: &Term, other: &Term) -> bool {
    match (term, other) {
        (Term::Is(kind), Term::Is(other)) => kind != other && !may_be_both(*kind, *other),
        (Term::Intent(intent), Term::Intent(other)) => intent != other,
        (Term::Source(network), Term::Source(other)) => !network.eq_ignore_ascii_case(other),
        (Term::Followers(range), Term::Followers(other)) => are_apart(*range, *other),
        (Term::Sentiment(range), Term::Sentiment(other)) => are_apart(*range, *other),
        (Term::Urgency(range), Term::Urgency(other)) => are_apart(*range, *other),
        _ => false,
    }
}

/// An end of a range: the number, and whether it belongs to the range.
type End<N> = Option<(N, bool)>;

fn ends<N: Copy>(range: Comparison<N>) -> (End<N>, End<N>) {
    match range {
        Comparison::Above(bound) => (Some((bound, false)), None),
        Comparison::AtLeast(bound) => (Some((bound, true)), None),
        Comparison::Below(bound) => (None, Some((bound, false))),
        Comparison::AtMost(bound) => (None, Some((bound, true))),
        Comparison::Within(low, high) => (Some((low, true)), Some((high, true))),
    }
}

fn range_implies<N: PartialOrd + Copy>(range: Comparison<N>, wider: Comparison<N>) -> bool {
    let ((low, high), (wider_low, wider_high)) = (ends(range), ends(wider));
    let is_within = |end: End<N>, wider: End<N>, is_past: fn(&N, &N) -> bool| match (end, wider) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some((end, has_end)), Some((wider, has_wider))) => {
            is_past(&end, &wider) || (end == wider && (has_wider || !has_end))
        }
    };
    is_within(low, wider_low, N::gt) && is_within(high, wider_high, N::lt)
}

fn are_apart<N: PartialOrd + Copy>(range: Comparison<N>, other: Comparison<N>) -> bool {
    let is_below = |high: End<N>, low: End<N>| match (high, low) {
        (Some((high, has_high)), Some((low, has_low))) => {
            high < low || (high == low && !(has_high && has_low))
        }
        _ => false,
    };
    let ((low, high), (other_low, other_high)) = (ends(range), ends(other));
    is_below(high, other_low) || is_below(other_high, low)
}
