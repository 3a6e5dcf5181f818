//! `sentiment:`: how the post feels, −1 to 1, once it is scored.

use super::field::Field;
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;
use crate::rules::query::comparison::Comparison;
use crate::rules::query::errors::Problem;

pub(super) const FIELD: Field = Field {
    name: "sentiment",
    example: "sentiment:<-0.3",
    meaning: "how the post feels, from -1 to 1, after scoring: >N, >=N, <N, <=N, N..M",
    is_weak: true,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    let hint = "compare with a number from -1.0 to 1.0, such as sentiment:<-0.3";
    let range = Comparison::parse_within(value, &(-1.0..=1.0));
    range.map(Term::Sentiment).ok_or_else(|| FIELD.refuse(value, Comparison::<f32>::turned_or(value, hint)))
}

pub(super) fn holds(range: Comparison<f32>, facts: &Facts<'_>) -> bool {
    range.holds(facts.scores.sentiment.score)
}
