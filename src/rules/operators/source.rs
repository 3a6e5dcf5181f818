//! `source:`: the network that the post comes from.

use super::field::Field;
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;
use crate::rules::query::errors::Problem;

pub(super) const FIELD: Field = Field {
    name: "source",
    example: "source:bluesky",
    meaning: "comes from this network",
    is_weak: true,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    let lower = value.to_lowercase();
    if lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Ok(Term::Source(lower));
    }
    Err(FIELD.refuse(value, "give a network's name, such as source:bluesky or source:mastodon"))
}

pub(super) fn holds(network: &str, facts: &Facts<'_>) -> bool {
    facts.post.network.eq_ignore_ascii_case(network)
}
