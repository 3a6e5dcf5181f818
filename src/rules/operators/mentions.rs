//! `mentions:`: an account named anywhere in the post, in the platform's markup or as `@handle` in the text.

use super::field::{Field, account, is_account};
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;
use crate::rules::query::errors::Problem;
use crate::rules::query::term::ends_handle;

pub(in crate::rules) const FIELD: Field = Field {
    name: "mentions",
    example: "mentions:acmecloud.example",
    meaning: "names this account, by markup or as @handle",
    is_weak: false,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    account(&FIELD, value).map(Term::Mentions)
}

pub(in crate::rules) fn holds(who: &str, facts: &Facts<'_>) -> bool {
    let marked = facts.post.mentions.iter().any(|id| is_account(id, who) || facts.is_known_as(id, who));
    marked || facts.segments.first().is_some_and(|text| is_written(&text.text, who))
}

fn is_written(text: &str, who: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        let opens =
            !text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '@'));
        opens && names_at(text, at, who)
    })
}

/// True when `@who`, and no longer name, stands at byte `at` of the folded `text`.
pub(in crate::rules) fn names_at(text: &str, at: usize, who: &str) -> bool {
    let Some(rest) = text[at..].strip_prefix('@').and_then(|rest| rest.strip_prefix(who)) else {
        return false;
    };
    ends_handle(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_ends_where_it_ends() {
        assert!(is_written("hi @acme.example, thanks", "acme.example"));
        assert!(is_written("hi @acme.example.", "acme.example") && is_written("(@acme)", "acme"));
        assert!(!is_written("hi @acme.example.org", "acme.example"));
        assert!(!is_written("@acme.example", "acme") && !is_written("me@acme", "acme"));
        assert!(!is_written("@acmes @acme_x", "acme") && !is_written("acme", "acme"));
    }
}
