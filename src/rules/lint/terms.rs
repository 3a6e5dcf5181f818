//! Single terms that find too much, and words that were meant as operators.

use crate::model::Span;

use super::super::ast::{Kind, Node, Term};
use super::super::term::{Form, Pattern};
use super::{Lint, Linter};

/// Terms shorter than this match too much.
const TERM_CHARS_MIN: usize = 3;
/// Prefixes and wildcards with fewer letters match too much.
const LITERAL_CHARS_MIN: usize = 4;
/// Terms farther apart than this have little to do with each other.
const DISTANCE_MAX: u8 = 10;
const ACRONYM_HINT: &str =
    "use a phrase, #tag or @handle; an acronym as {AI} in the query, or with fold = \"exact\"";

pub(super) const SHORT_TERM: Lint = Lint::warning("short-term", "a word of fewer than 3 characters");
pub(super) const SHORT_PREFIX: Lint =
    Lint::warning("short-prefix", "a prefix of fewer than 4 characters, such as `acm*`");
pub(super) const SHORT_WILDCARD: Lint =
    Lint::warning("short-wildcard", "a wildcard with fewer than 4 letters, such as `*fix`");
pub(super) const WIDE_DISTANCE: Lint =
    Lint::warning("wide-distance", "NEAR, ONEAR or `\"…\"~N` over more than 10 words");
pub(super) const LOWER_CASE_OPERATOR: Lint =
    Lint::warning("lower-case-operator", "`or`, `and` or `not`, which are looked for as words");

pub(super) fn lint(linter: &mut Linter<'_, '_>) {
    node(linter, &linter.rule.query, true);
}

fn node(linter: &mut Linter<'_, '_>, part: &Node, is_positive: bool) {
    match &part.kind {
        Kind::Term(Term::Text(pattern)) => term(linter, pattern, part, is_positive),
        Kind::Near { left, right, distance, ordered } => {
            let name = if *ordered { "ONEAR" } else { "NEAR" };
            wide(linter, part.span, *distance, &format!("{name}/{distance}"));
            node(linter, left, is_positive);
            node(linter, right, is_positive);
        }
        // Words that mean little by themselves may mean much together.
        Kind::Window { slack, .. } => wide(linter, part.span, *slack, &format!("~{slack}")),
        Kind::Not(inner) => node(linter, inner, !is_positive),
        Kind::And(nodes) | Kind::Or(nodes) => nodes.iter().for_each(|part| node(linter, part, is_positive)),
        Kind::Term(_) | Kind::List { .. } => {}
    }
}

fn wide(linter: &mut Linter<'_, '_>, span: Span, distance: u8, written: &str) {
    if distance > DISTANCE_MAX {
        let message = format!("`{written}` reaches beyond most posts' sentences");
        let hint = format!("use at most {DISTANCE_MAX}, or AND if they need not stand close together");
        linter.report(&WIDE_DISTANCE, span, message, hint);
    }
}

fn term(linter: &mut Linter<'_, '_>, pattern: &Pattern, part: &Node, is_positive: bool) {
    let written = linter.written(part);
    if matches!(written, "or" | "and" | "not" | "Or" | "And" | "Not") {
        let message = format!("`{written}` is looked for as a word");
        let hint = "operators are upper case: OR, AND, NOT; quote the word if it is meant";
        linter.report(&LOWER_CASE_OPERATOR, part.span, message, hint);
    } else if let Some((lint, message, hint)) = too_short(pattern).filter(|_| is_positive) {
        linter.report(lint, part.span, message, hint);
    }
}

/// Why `pattern` finds too much.
pub(super) fn too_short(pattern: &Pattern) -> Option<(&'static Lint, String, &'static str)> {
    let (source, chars) = (&pattern.source, |text: &str| text.chars().count());
    match &pattern.form {
        Form::Words { sigil: 0, words, exact: None, .. }
            if words.len() == 1 && chars(&words[0]) < TERM_CHARS_MIN =>
        {
            let message = format!("`{source}` is shorter than {TERM_CHARS_MIN} characters");
            Some((&SHORT_TERM, message, ACRONYM_HINT))
        }
        Form::Prefix { prefix, .. } if chars(prefix) < LITERAL_CHARS_MIN => {
            let message = format!("the prefix `{source}` is shorter than {LITERAL_CHARS_MIN} characters");
            Some((&SHORT_PREFIX, message, "write more of the word, or list its forms with OR"))
        }
        Form::Wildcard { glob, .. } if chars(glob) - gaps(glob) < LITERAL_CHARS_MIN => {
            let message = format!("the wildcard `{source}` has fewer than {LITERAL_CHARS_MIN} letters");
            Some((&SHORT_WILDCARD, message, "write more of the word, or list its forms with OR"))
        }
        _ => None,
    }
}

fn gaps(glob: &str) -> usize {
    glob.matches(['*', '?']).count()
}
