//! `followers:`: how many follow the author, where the source says so. Where it doesn't, no comparison holds.

use super::field::Field;
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;
use crate::rules::query::comparison::Comparison;
use crate::rules::query::errors::Problem;

pub(super) const FIELD: Field = Field {
    name: "followers",
    example: "followers:>10000",
    meaning: "the author's followers, where the source sends them: >N, >=N, <N, <=N, N..M",
    is_weak: true,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    let hint =
        "compare with a whole number: followers:>1000, followers:>=1000, followers:<50, followers:50..1000";
    let range = Comparison::parse(value);
    range.map(Term::Followers).ok_or_else(|| FIELD.refuse(value, Comparison::<u64>::turned_or(value, hint)))
}

pub(super) fn holds(range: Comparison<u64>, facts: &Facts<'_>) -> bool {
    facts.post.author.followers.is_some_and(|followers| range.holds(followers))
}
