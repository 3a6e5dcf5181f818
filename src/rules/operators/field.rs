//! What every `name:value` operator says of itself, and how its values are read and refused.

use crate::rules::query::ast::Term;
use crate::rules::query::errors::Problem;

/// One `name:value` operator.
pub struct Field {
    /// What stands before the colon.
    pub name: &'static str,
    /// A query that shows it.
    pub example: &'static str,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// Narrows a match and cannot carry a rule alone.
    pub is_weak: bool,
    /// Reads a value that is not empty.
    pub(super) parse: fn(&str) -> Result<Term, Problem>,
}

impl Field {
    /// Reads `value`, white space taken off.
    pub(in crate::rules) fn parse(&self, value: &str) -> Result<Term, Problem> {
        let value = value.trim();
        if value.is_empty() {
            return Err(Problem::MissingValue { operator: self.name, example: self.example });
        }
        (self.parse)(value)
    }

    pub(super) fn refuse(&self, value: &str, hint: impl Into<String>) -> Problem {
        Problem::BadValue { operator: self.name, value: value.to_owned(), hint: hint.into() }
    }
}

/// An account as `from:`, `to:` and `mentions:` name it: handle or id, lower case, without `@`.
pub(super) fn account(field: &Field, value: &str) -> Result<String, Problem> {
    let who = value.trim_start_matches('@').to_lowercase();
    if who.is_empty() || who.contains(|c: char| c.is_whitespace() || "()*\"".contains(c)) {
        let hint = format!("give one account's handle or id, such as {}", field.example);
        return Err(field.refuse(value, hint));
    }
    Ok(who)
}

/// True when the account `name`, in any case and with or without `@`, is the one that a query names as `who`.
pub(super) fn is_account(name: &str, who: &str) -> bool {
    name.trim_start_matches('@').chars().flat_map(char::to_lowercase).eq(who.chars())
}
