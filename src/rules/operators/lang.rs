//! `lang:`: the language that the author tagged.

use super::{Field, Problem, Term};
use crate::rules::facts::Facts;

pub(super) const FIELD: Field = Field {
    name: "lang",
    example: "lang:en",
    meaning: "tagged with this language (ISO 639), all its regions included",
    is_weak: true,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    let lower = value.to_lowercase();
    let is_code = |code: &str| (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase());
    if is_code(&lower) {
        return Ok(Term::Lang(lower));
    }
    let hint = match lower.split_once(['-', '_']) {
        Some((primary, _)) if is_code(primary) => format!("use lang:{primary}: it covers all its regions"),
        _ => "use an ISO 639 code, such as lang:en, lang:pt or lang:ja".to_owned(),
    };
    Err(FIELD.refuse(value, hint))
}

pub(super) fn holds(lang: &str, facts: &Facts<'_>) -> bool {
    facts.post.langs.iter().any(|tag| primary_subtag(tag).eq_ignore_ascii_case(lang))
}

fn primary_subtag(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}
