//! Parts of a query that can never hold, by themselves or beside what stands around them.
//!
//! An AND is taken apart into its claims, NOTs pushed down. Two claims that exclude each other end the rule; inside an
//! OR they end that branch, which is judged beside the claims around it.

use crate::model::PostKind;

use super::linter::{Lint, Linter, children};
use crate::rules::query::ast::{KINDS, Kind, Node, Term};
use crate::rules::query::comparison::Comparison;
use crate::rules::query::implication::{excludes_within, implies_within};

pub(super) const NEVER_MATCHES: Lint =
    Lint::warning("never-matches", "a rule that no post can match: `acme -acme`, `is:post is:reply`");
pub(super) const UNREACHABLE_BRANCH: Lint =
    Lint::warning("unreachable-branch", "a side of an OR that no post can match: `(acme OR down) -acme`");
pub(super) const EMPTY_EXCLUSION: Lint =
    Lint::warning("empty-exclusion", "an exclusion of what can never be: `acme -(is:post is:reply)`");

/// A claim of an AND: a part that must hold, or must not.
#[derive(Clone, Copy)]
struct Claim<'n> {
    node: &'n Node,
    negated: bool,
}

/// Why claims cannot all hold.
struct Clash<'n> {
    /// The part to point at, and another that belongs to it.
    part: &'n Node,
    other: Option<&'n Node>,
    message: String,
}

/// False for a rule that no post can match.
pub(super) fn lint(linter: &mut Linter<'_, '_>) -> bool {
    let (query, before) = (&linter.rule.query, linter.out.len());
    let mut claims = Vec::new();
    flatten(query, false, &mut claims);
    match clash(linter, &[], &claims) {
        Some(clash) => report(linter, &NEVER_MATCHES, clash, "this never matches", "remove one of the two"),
        None => branches(linter, &[], &claims, &NEVER_MATCHES),
    }
    let found = &linter.out[before..];
    let is_alive = found.iter().all(|finding| finding.id != NEVER_MATCHES.id);
    exclusions(linter, query);
    is_alive
}

fn report(linter: &mut Linter<'_, '_>, lint: &Lint, clash: Clash<'_>, then: &str, hint: &str) {
    let message = format!("{}: {then}", clash.message);
    match clash.other {
        Some(other) => {
            linter.report_with(lint, (clash.part.span, other.span), message, hint, "cannot hold beside it");
        }
        None => linter.report(lint, clash.part.span, message, "remove it, or write what is meant"),
    }
}

/// The claims that `node`, or its opposite, consists of.
fn flatten<'n>(node: &'n Node, negated: bool, claims: &mut Vec<Claim<'n>>) {
    match &node.kind {
        Kind::Not(inner) => flatten(inner, !negated, claims),
        Kind::And(nodes) if !negated => nodes.iter().for_each(|node| flatten(node, negated, claims)),
        Kind::Or(nodes) if negated => nodes.iter().for_each(|node| flatten(node, negated, claims)),
        _ => claims.push(Claim { node, negated }),
    }
}

/// Looks into the ORs among `claims`; `around` holds as well. When no branch is left, `whole` is reported.
fn branches<'n>(linter: &mut Linter<'_, '_>, around: &[Claim<'n>], claims: &[Claim<'n>], whole: &Lint) {
    for (at, claim) in claims.iter().enumerate().filter(|(_, claim)| !claim.negated) {
        let Kind::Or(nodes) = &claim.node.kind else { continue };
        let beside = claims[..at].iter().chain(&claims[at + 1..]);
        let around: Vec<Claim> = around.iter().chain(beside).copied().collect();
        let found: Vec<(Vec<Claim>, Option<Clash>)> = nodes
            .iter()
            .map(|branch| {
                let mut claims = Vec::new();
                flatten(branch, false, &mut claims);
                let found = clash(linter, &around, &claims);
                (claims, found)
            })
            .collect();
        if found.iter().all(|(_, clash)| clash.is_some()) {
            let message = format!("no side of `{}` can hold here", linter.written(claim.node));
            let clash = Clash { part: claim.node, other: None, message };
            report(linter, whole, clash, "this never matches", "");
            continue;
        }
        for (claims, clash) in found {
            match clash {
                Some(clash) => {
                    let then = "this side of the OR never matches";
                    report(linter, &UNREACHABLE_BRANCH, clash, then, "remove the side, or what excludes it");
                }
                None => branches(linter, &around, &claims, &UNREACHABLE_BRANCH),
            }
        }
    }
}

/// Excluded groups that exclude nothing.
fn exclusions(linter: &mut Linter<'_, '_>, node: &Node) {
    if let Kind::Not(inner) = &node.kind {
        let parts = match &inner.kind {
            Kind::Or(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(&**inner),
        };
        for part in parts {
            let mut claims = Vec::new();
            flatten(part, false, &mut claims);
            if let Some(clash) = clash(linter, &[], &claims) {
                report(linter, &EMPTY_EXCLUSION, clash, "this excludes nothing", "remove it");
            }
        }
    }
    children(node).iter().for_each(|child| exclusions(linter, child));
}

/// The first of `claims` that cannot hold, by itself, beside the others, or beside those `around`.
fn clash<'n>(linter: &mut Linter<'_, '_>, around: &[Claim<'n>], claims: &[Claim<'n>]) -> Option<Clash<'n>> {
    for (at, claim) in claims.iter().enumerate() {
        if !claim.negated && is_impossible(claim.node) {
            let message = format!("`{}` holds for no post", linter.written(claim.node));
            return Some(Clash { part: claim.node, other: None, message });
        }
        if let Some(other) = around.iter().find(|other| exclude(claim, other, linter.steps)) {
            let Clash { message, .. } = clash_of(linter, claim, other);
            return Some(Clash { part: claim.node, other: Some(other.node), message });
        }
        if let Some(other) = claims[..at].iter().find(|other| exclude(claim, other, linter.steps)) {
            return Some(clash_of(linter, claim, other));
        }
    }
    no_kind_left(around, claims)
}

fn clash_of<'n>(linter: &Linter<'_, '_>, claim: &Claim<'n>, other: &Claim<'n>) -> Clash<'n> {
    let written = |claim: &Claim| linter.written(claim.node);
    let (part, beside, message) = match (claim.negated, other.negated) {
        (false, true) | (true, false) => {
            let (wanted, excluded) = if claim.negated { (other, claim) } else { (claim, other) };
            let (shown, hidden) = (written(wanted), written(excluded));
            let message = if shown.to_lowercase() == hidden.to_lowercase() {
                format!("`{shown}` is both required and excluded")
            } else {
                format!("`{shown}` is required, and `{hidden}`, which covers it, is excluded")
            };
            (excluded, wanted, message)
        }
        _ => (claim, other, format!("`{}` and `{}` never hold together", written(other), written(claim))),
    };
    Clash { part: part.node, other: Some(beside.node), message }
}

/// True when the two can be shown not to hold together.
fn exclude(claim: &Claim<'_>, other: &Claim<'_>, steps: &mut u32) -> bool {
    match (claim.negated, other.negated) {
        (false, false) => {
            (has_fields(claim.node) && has_fields(other.node))
                && excludes_within(claim.node, other.node, steps)
        }
        (false, true) => implies_within(claim.node, other.node, steps),
        (true, false) => implies_within(other.node, claim.node, steps),
        (true, true) => false,
    }
}

/// False for what consists of texts, which never exclude each other.
fn has_fields(node: &Node) -> bool {
    match &node.kind {
        Kind::Not(_) => true,
        Kind::Term(term) => !matches!(term, Term::Text(_)),
        _ => children(node).iter().any(has_fields),
    }
}

/// A number beyond what there is.
fn is_impossible(node: &Node) -> bool {
    match &node.kind {
        Kind::Term(Term::Sentiment(range)) => is_outside(*range, -1.0, 1.0),
        Kind::Term(Term::Urgency(range)) => is_outside(*range, 0.0, 1.0),
        Kind::Term(Term::Followers(Comparison::Below(bound))) => *bound == 0,
        Kind::Term(Term::Followers(Comparison::Above(bound))) => *bound == u64::MAX,
        _ => false,
    }
}

fn is_outside(range: Comparison<f32>, low: f32, high: f32) -> bool {
    match range {
        Comparison::Above(bound) => bound >= high,
        Comparison::Below(bound) => bound <= low,
        _ => false,
    }
}

/// Every kind of post is excluded.
fn no_kind_left<'n>(around: &[Claim<'n>], claims: &[Claim<'n>]) -> Option<Clash<'n>> {
    let is_excluded = |wanted: PostKind| {
        let mut all = around.iter().chain(claims);
        all.any(|claim| {
            claim.negated && matches!(claim.node.kind, Kind::Term(Term::Is(kind)) if kind == wanted)
        })
    };
    let last = claims.iter().rfind(|claim| matches!(claim.node.kind, Kind::Term(Term::Is(_))))?;
    let every = KINDS.iter().all(|(_, kind)| is_excluded(*kind));
    let message = "every kind of post is excluded".to_owned();
    every.then_some(Clash { part: last.node, other: None, message })
}
