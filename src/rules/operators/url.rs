//! `url:`: a part of some link of the post.

use super::field::Field;
use super::links;
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;
use crate::rules::query::errors::Problem;

pub(super) const FIELD: Field = Field {
    name: "url",
    example: "url:acme.example/status",
    meaning: "some link holds these characters, in any case",
    is_weak: false,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    let part = value.trim_start_matches("https://").trim_start_matches("http://").to_lowercase();
    if part.chars().count() < 3 || part.contains(char::is_whitespace) {
        return Err(FIELD
            .refuse(value, "write at least three characters of the link, such as url:acme.example/status"));
    }
    Ok(Term::Url(part))
}

pub(super) fn holds(part: &str, facts: &Facts<'_>) -> bool {
    links::of(facts).any(|link| link.to_lowercase().contains(part))
}
