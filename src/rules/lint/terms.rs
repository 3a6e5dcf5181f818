//! Single terms that find too much, and words that were meant as operators.

use crate::model::Span;

use super::linter::{Lint, Linter};
use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::term::{Form, Pattern};

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
    Lint::warning("lower-case-operator", "`or`, `not`, `near/3`, `NAER/3` …, which are looked for as words");

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
    if let Some(hint) = meant_operator(written) {
        let message = format!("`{written}` is looked for as a word");
        linter.report(&LOWER_CASE_OPERATOR, part.span, message, hint);
    } else if let Some((lint, message, hint)) = too_short(pattern).filter(|_| is_positive) {
        linter.report(lint, part.span, message, hint);
    }
}

/// What to write when a word looks like an operator. Words in quotes are meant as they stand.
fn meant_operator(written: &str) -> Option<String> {
    if matches!(written, "or" | "and" | "not" | "Or" | "And" | "Not") {
        let hint = "operators are upper case: OR, AND, NOT; quote the word if it is meant";
        return Some(hint.to_owned());
    }
    let meant = meant_distance(written).or_else(|| meant_word(written))?;
    Some(format!("write {meant}; put the word in quotes if it is meant"))
}

/// `NAER/3`, `near/3`, `NEAR3`, `WITHIN/3`.
fn meant_distance(written: &str) -> Option<String> {
    let (name, number) = match written.split_once('/') {
        Some(parts) => parts,
        None => written.split_at(written.find(|c: char| c.is_ascii_digit())?),
    };
    let is_number = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let upper = name.to_ascii_uppercase();
    let is_close = |ours| strsim::osa_distance(&upper, ours) <= 1;
    let is_elsewhere = matches!(&*upper, "WITHIN" | "W" | "NEXT" | "BEFORE" | "PRE" | "ADJ");
    let meant = match &*upper {
        _ if !is_number => return None,
        "BEFORE" | "PRE" => "ONEAR",
        _ if is_close("ONEAR") && upper.starts_with("O") => "ONEAR",
        _ if is_close("NEAR") || is_elsewhere => "NEAR",
        _ => return None,
    };
    // Without the slash only the names themselves: H2O and F16 are words.
    let is_plain = written.contains('/') || matches!(&*upper, "NEAR" | "ONEAR");
    is_plain.then(|| format!("{meant}/{number}"))
}

/// Words in capitals that are operators elsewhere, or lack their number.
fn meant_word(written: &str) -> Option<String> {
    let meant = match written {
        "NEAR" | "ONEAR" => return Some(format!("{written}/5, for at most 5 words apart")),
        "WITHIN" | "ADJ" => "NEAR/5, for at most 5 words apart",
        "ANDNOT" | "EXCEPT" | "MINUS" | "BUTNOT" => "NOT",
        "ORNOT" => "OR NOT",
        "XOR" => "OR",
        _ => return None,
    };
    Some(meant.to_owned())
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
