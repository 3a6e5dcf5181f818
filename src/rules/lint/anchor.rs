//! Rules that name no word to look for: they cost time on every post.

use super::linter::{Lint, Linter};
use crate::rules::query::ast::Term;

pub(super) const NO_REQUIRED_LITERAL: Lint =
    Lint::warning("no-required-literal", "no word, phrase or author must be there, so every post is tried");

pub(super) fn lint(linter: &mut Linter<'_, '_>) {
    if let Some(part) = linter.rule.query.unrequiring(is_literal) {
        let message =
            format!("`{}` requires no word, so the rule is tried on every post", linter.written(part));
        let hint =
            "put a word, phrase, list or from: beside it that is always there; an OR needs one on every side";
        linter.report(&NO_REQUIRED_LITERAL, part.span, message, hint);
    }
}

/// What the compiled set looks rules up by: words and authors.
fn is_literal(term: &Term) -> bool {
    match term {
        Term::Text(pattern) => !pattern.is_unanchored(),
        _ => matches!(term, Term::From(_)),
    }
}
