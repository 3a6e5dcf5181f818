//! `is:`: the kind of post.

use super::field::Field;
use crate::model::PostKind;
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::{KINDS, Term};
use crate::rules::query::errors::Problem;

pub(super) const FIELD: Field = Field {
    name: "is",
    example: "is:reply",
    meaning: "post, reply, repost or quote; a reply that quotes is both reply and quote",
    is_weak: true,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    let lower = value.to_lowercase();
    if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == lower) {
        return Ok(Term::Is(*kind));
    }
    // X's own names for the same things, so that its rules run unchanged.
    let instead = match lower.as_str() {
        "retweet" => return Ok(Term::Is(PostKind::Repost)),
        "reshare" | "share" | "boost" | "reblog" => "use is:repost",
        "tweet" | "original" | "status" => "use is:post",
        "comment" | "answer" => "use is:reply",
        "quoted" | "quote_tweet" => "use is:quote",
        "verified" | "nullcast" => "leave it out: there is nothing like it",
        _ => "it is one of is:post, is:reply, is:repost, is:quote",
    };
    Err(FIELD.refuse(value, instead))
}

pub(super) fn holds(kind: PostKind, facts: &Facts<'_>) -> bool {
    facts.post.is_of_kind(kind)
}
