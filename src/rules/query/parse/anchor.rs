//! A query needs an anchor: some text, list, account or link that every post it matches has.

use crate::model::Span;
use crate::text::{CharClass, char_class};

use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::errors::{Problem, Unanchored};

/// True when every way to satisfy the query requires a term that can carry a rule: some text, list, account or link.
#[must_use]
pub fn has_anchor(node: &Node) -> bool {
    node.requires(carries)
}

fn carries(term: &Term) -> bool {
    !term.is_weak()
}

/// What is wrong with a query without an anchor, at the smallest part that lacks one.
pub(super) fn unanchored(node: &Node) -> Option<(Span, Problem)> {
    let blamed = node.unrequiring(carries)?;
    let what = match &blamed.kind {
        _ if is_negative(blamed) => Unanchored::Negation,
        Kind::Term(Term::Text(raw)) if says_something(&raw.source) => Unanchored::Raw,
        _ => Unanchored::Weak,
    };
    Some((blamed.span, Problem::NoAnchor(what)))
}

/// True when there is more than punctuation.
fn says_something(text: &str) -> bool {
    let says = |c| matches!(char_class(c), CharClass::Word | CharClass::Unspaced | CharClass::Emoji);
    text.chars().any(says)
}

fn is_negative(node: &Node) -> bool {
    match &node.kind {
        Kind::Not(_) => true,
        Kind::And(nodes) => nodes.iter().all(is_negative),
        _ => false,
    }
}
