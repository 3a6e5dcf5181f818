//! Rules that name no word to look for: they cost time on every post.

use super::super::ast::{Kind, Node, Term};
use super::{Lint, Linter};

pub(super) const NO_REQUIRED_LITERAL: Lint =
    Lint::warning("no-required-literal", "no word, phrase or author must be there, so every post is tried");

pub(super) fn lint(linter: &mut Linter<'_, '_>) {
    if let Some(part) = unrequired(&linter.rule.query) {
        let message =
            format!("`{}` requires no word, so the rule is tried on every post", linter.written(part));
        let hint =
            "put a word, phrase, list or from: beside it that is always there; an OR needs one on every side";
        linter.report(&NO_REQUIRED_LITERAL, part.span, message, hint);
    }
}

/// The smallest part because of which the rule has no required literal.
fn unrequired(node: &Node) -> Option<&Node> {
    match &node.kind {
        _ if requires_literal(node) => None,
        Kind::Or(nodes) => nodes.iter().find_map(unrequired),
        _ => Some(node),
    }
}

/// True when every post that matches holds one of some words or is by one of some authors: what the compiled set looks
/// rules up by.
fn requires_literal(node: &Node) -> bool {
    match &node.kind {
        Kind::Term(Term::Text(pattern)) => !pattern.is_unanchored(),
        Kind::Term(term) => matches!(term, Term::From(_)),
        Kind::List { patterns, .. } => !patterns.iter().any(|term| term.is_unanchored()),
        Kind::Near { left, right, .. } => requires_literal(left) || requires_literal(right),
        Kind::Window { terms, .. } => !terms.iter().all(|term| term.is_unanchored()),
        Kind::Not(_) => false,
        Kind::And(nodes) => nodes.iter().any(requires_literal),
        Kind::Or(nodes) => nodes.iter().all(requires_literal),
    }
}
