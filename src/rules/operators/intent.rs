//! `intent:`: what the author wants, once the post is scored.

use super::field::Field;
use super::foreign::nearest;
use crate::model::Intent;
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;
use crate::rules::query::errors::Problem;

pub(super) const FIELD: Field = Field {
    name: "intent",
    example: "intent:complaint",
    meaning: "complaint, question, lead, praise, churn, safety or other, after scoring",
    is_weak: true,
    parse,
};

/// What a post can want; an alarm of our own is no post.
const INTENTS: [Intent; 7] = [
    Intent::Complaint,
    Intent::Question,
    Intent::Lead,
    Intent::Praise,
    Intent::Churn,
    Intent::Safety,
    Intent::Other,
];

fn parse(value: &str) -> Result<Term, Problem> {
    let lower = value.to_lowercase();
    if let Some(intent) = INTENTS.into_iter().find(|intent| intent.as_str() == lower) {
        return Ok(Term::Intent(intent));
    }
    let names = INTENTS.map(|intent| intent.as_str());
    let hint = match nearest(&lower, names) {
        Some(nearest) => format!("did you mean intent:{nearest}?"),
        None => format!("it is one of {}", names.join(", ")),
    };
    Err(FIELD.refuse(value, hint))
}

pub(super) fn holds(intent: Intent, facts: &Facts<'_>) -> bool {
    facts.scores.intent == intent
}
