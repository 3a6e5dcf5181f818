//! `domain:`: the site that some link of the post leads to, its subdomains included.

use super::field::Field;
use super::links;
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;
use crate::rules::query::errors::Problem;

pub(super) const FIELD: Field = Field {
    name: "domain",
    example: "domain:acme.example",
    meaning: "some link leads to this domain or one below it",
    is_weak: false,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    let domain =
        value.trim_start_matches("*.").trim_start_matches("www.").trim_end_matches('.').to_lowercase();
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-')
    };
    if domain.contains('.') && domain.split('.').all(is_label) {
        return Ok(Term::Domain(domain));
    }
    Err(FIELD.refuse(
        value,
        "give a domain without scheme and path, such as domain:acme.example; use url: for a path",
    ))
}

pub(super) fn holds(domain: &str, facts: &Facts<'_>) -> bool {
    links::of(facts).any(|link| {
        let host = links::host(link).to_lowercase();
        host.strip_suffix(domain).is_some_and(|above| above.is_empty() || above.ends_with('.'))
    })
}
