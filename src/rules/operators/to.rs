//! `to:`: the account that a reply answers, or that the text begins with.

use super::field::{Field, account, is_account};
use super::mentions;
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;
use crate::rules::query::errors::Problem;

pub(super) const FIELD: Field = Field {
    name: "to",
    example: "to:acmecloud.example",
    meaning: "a reply to this account, or a post that begins with its @handle",
    is_weak: false,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    account(&FIELD, value).map(Term::To)
}

pub(super) fn holds(who: &str, facts: &Facts<'_>) -> bool {
    let answers = facts.post.answered().is_some_and(|id| is_account(id, who) || facts.is_known_as(id, who));
    answers || facts.segments.first().is_some_and(|text| mentions::names_at(text.text.trim_start(), 0, who))
}
