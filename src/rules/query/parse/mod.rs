//! A query's text to its tree: precedence NOT > AND > OR, all problems at once, each with its place.
//!
//! `parser` descends over `lex`'s tokens, `terms` reads those that are terms, and `anchor` refuses what would match nearly
//! every post. Bounded in length, terms and depth, so that no input can exhaust the stack.

mod anchor;
mod lists;
mod parser;
mod terms;
#[cfg(test)]
mod tests;

pub use super::limits::{DEPTH_MAX, QUERY_CHARS_MAX, QUERY_TERMS_MAX};
pub use anchor::has_anchor;
pub use lists::Lists;

use super::ast::Node;
use super::errors::{Problem, QueryError};
use super::lex::lex;
use super::term::Fold;
use anchor::unanchored;
use parser::Parser;

/// Parses `query`, whose text terms are read as `fold` says.
///
/// # Errors
/// Every problem that was found, in order of place; at least one.
pub fn parse(query: &str, fold: Fold, lists: &dyn Lists) -> Result<Node, Vec<QueryError>> {
    let whole = (0, query.len() as u32);
    let chars = query.chars().count();
    if chars > QUERY_CHARS_MAX {
        return Err(vec![QueryError { span: whole, problem: Problem::TooLong(chars) }]);
    }
    let mut errors = Vec::new();
    let lexemes = lex(query, &mut errors);
    let mut parser = Parser::new(lexemes, whole.1, fold, lists, errors);
    let node = parser.query();
    if let Some(node) = &node
        && parser.errors.is_empty()
        && let Some((span, problem)) = unanchored(node)
    {
        parser.report(span, problem);
    }
    parser.errors.sort_by_key(|error| error.span);
    match node {
        Some(node) if parser.errors.is_empty() => Ok(node),
        _ => Err(parser.errors),
    }
}
