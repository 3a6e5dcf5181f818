//! The operators of the language, one file each: how its value is read, and when it holds.
//!
//! `name:value` operators are listed in [`FIELDS`]; the parser, the printer and the evaluators know them only from
//! there. `foreign` names what people bring along from elsewhere. Forms of text terms are in `query::term`.

pub(super) mod domain;
mod field;
pub(super) mod followers;
pub(super) mod foreign;
pub(super) mod from;
pub(super) mod has;
pub(super) mod intent;
pub(super) mod is;
pub(super) mod lang;
pub(super) mod links;
pub(super) mod mentions;
pub(super) mod sentiment;
pub(super) mod source;
pub(super) mod to;
pub(super) mod urgency;
pub(super) mod url;

pub use super::query::{comparison, near};
pub use field::Field;
pub use foreign::nearest;
pub(crate) use lang::code_meant_by;

use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;

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

impl Facts<'_> {
    /// True when `term` holds.
    #[must_use]
    pub fn satisfy(&self, term: &Term) -> bool {
        match term {
            Term::Text(pattern) => self.finds(pattern),
            Term::From(who) => from::holds(who, self),
            Term::To(who) => to::holds(who, self),
            Term::Mentions(who) => mentions::holds(who, self),
            Term::Lang(lang) => lang::holds(lang, self),
            Term::Source(network) => source::holds(network, self),
            Term::Url(part) => url::holds(part, self),
            Term::Domain(domain) => domain::holds(domain, self),
            Term::Is(kind) => is::holds(*kind, self),
            Term::Has(feature) => has::holds(*feature, self),
            Term::Followers(range) => followers::holds(*range, self),
            Term::Sentiment(range) => sentiment::holds(*range, self),
            Term::Urgency(range) => urgency::holds(*range, self),
            Term::Intent(intent) => intent::holds(*intent, self),
        }
    }
}

#[cfg(test)]
mod tests;
