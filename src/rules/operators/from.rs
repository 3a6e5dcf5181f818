//! `from:`: who wrote the post.

use super::field::{Field, account, is_account};
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;
use crate::rules::query::errors::Problem;

pub(super) const FIELD: Field = Field {
    name: "from",
    example: "from:acmecloud.example",
    meaning: "written by this account, by handle or id",
    is_weak: false,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    account(&FIELD, value).map(Term::From)
}

pub(super) fn holds(who: &str, facts: &Facts<'_>) -> bool {
    let author = &facts.post.author;
    [Some(author.id.as_str()), author.handle.as_deref()]
        .into_iter()
        .flatten()
        .any(|name| is_account(name, who))
}
