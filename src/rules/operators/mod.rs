//! The operators of the language, one file each: how its value is read, and when it holds.
//!
//! `name:value` operators are listed in [`FIELDS`]; the parser, the printer and the evaluators know them only from
//! there. `near`, `wildcard` and `raw` are forms of text terms, `emoji` is where some may stand. `foreign` names what people bring along from elsewhere.

pub(super) mod domain;
pub(super) mod followers;
pub(super) mod foreign;
pub(super) mod from;
pub mod has;
pub(super) mod intent;
pub mod is;
pub(super) mod lang;
pub(super) mod links;
pub(super) mod mentions;
pub(super) mod sentiment;
pub(super) mod source;
pub(super) mod to;
pub(super) mod urgency;
pub(super) mod url;

pub use super::query::{comparison, near};
pub use foreign::nearest;
pub(crate) use lang::code_meant_by;

use crate::rules::engine::facts::Facts;
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
    parse: fn(&str) -> Result<Term, Problem>,
}

/// All of them, in the order of the manual.
pub const FIELDS: [Field; 13] = [
    from::FIELD,
    to::FIELD,
    mentions::FIELD,
    lang::FIELD,
    source::FIELD,
    url::FIELD,
    domain::FIELD,
    is::FIELD,
    has::FIELD,
    followers::FIELD,
    sentiment::FIELD,
    urgency::FIELD,
    intent::FIELD,
];

/// Names before a colon that are no [`Field`]: they make text terms and lists.
pub(in crate::rules) const OTHERS: [&str; 2] = ["list", "raw"];

/// Every name that may stand before a colon.
pub(in crate::rules) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|field| field.name).chain(OTHERS)
}

/// The operator of this name, lower case.
pub(in crate::rules) fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
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

    fn refuse(&self, value: &str, hint: impl Into<String>) -> Problem {
        Problem::BadValue { operator: self.name, value: value.to_owned(), hint: hint.into() }
    }
}

/// True when `term`, which is no text, holds.
pub(in crate::rules) fn holds(term: &Term, facts: &Facts<'_>) -> bool {
    match term {
        Term::Text(pattern) => facts.finds(pattern),
        Term::From(who) => from::holds(who, facts),
        Term::To(who) => to::holds(who, facts),
        Term::Mentions(who) => mentions::holds(who, facts),
        Term::Lang(lang) => lang::holds(lang, facts),
        Term::Source(network) => source::holds(network, facts),
        Term::Url(part) => url::holds(part, facts),
        Term::Domain(domain) => domain::holds(domain, facts),
        Term::Is(kind) => is::holds(*kind, facts),
        Term::Has(feature) => has::holds(*feature, facts),
        Term::Followers(range) => followers::holds(*range, facts),
        Term::Sentiment(range) => sentiment::holds(*range, facts),
        Term::Urgency(range) => urgency::holds(*range, facts),
        Term::Intent(intent) => intent::holds(*intent, facts),
    }
}

/// An account as `from:`, `to:` and `mentions:` name it: handle or id, lower case, without `@`.
fn account(field: &Field, value: &str) -> Result<String, Problem> {
    let who = value.trim_start_matches('@').to_lowercase();
    if who.is_empty() || who.contains(|c: char| c.is_whitespace() || "()*\"".contains(c)) {
        let hint = format!("give one account's handle or id, such as {}", field.example);
        return Err(field.refuse(value, hint));
    }
    Ok(who)
}

/// True when the account `name`, in any case and with or without `@`, is the one that a query names as `who`.
fn is_account(name: &str, who: &str) -> bool {
    name.trim_start_matches('@').chars().flat_map(char::to_lowercase).eq(who.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_reads_its_own_example_and_prints_it_again() {
        for field in &FIELDS {
            let (name, value) = field.example.split_once(':').unwrap();
            assert_eq!(name, field.name);
            let term = field.parse(value).unwrap();
            assert_eq!(term.to_string(), field.example);
            assert_eq!(term.is_weak(), field.is_weak, "{}", field.name);
            assert!(field.parse(" ").is_err() && !field.meaning.is_empty());
        }
    }
}
