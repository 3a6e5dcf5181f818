//! Rules whose tests prove little, and exclusions that refuse a text which the rule's own test says it must find.

use super::linter::{Lint, Linter, children};
use crate::rules::Scoring;
use crate::rules::engine::facts::Facts;
use crate::rules::engine::naive;
use crate::rules::pack::RuleTest;
use crate::rules::query::ast::{Kind, Node};

pub(super) const RULE_WITHOUT_TESTS: Lint =
    Lint::warning("rule-without-tests", "a rule without tests, or without one that must not match");
pub(super) const EXCLUDES_OWN_TEST: Lint = Lint::warning(
    "excludes-own-test",
    "an exclusion that refuses a text which the rule's own test must find",
);

pub(super) fn lint(linter: &mut Linter<'_, '_>, scoring: &mut Scoring<'_>) {
    coverage(linter);
    let mut exclusions = Vec::new();
    collect(&linter.rule.query, &mut exclusions);
    if exclusions.is_empty() {
        return;
    }
    for test in linter.rule.tests.iter().filter(|test| test.expect) {
        let post = test.post();
        let segments = naive::segments(&post);
        let scores = scoring(&post, &segments[0]);
        let facts = Facts { post: &post, segments: &segments, scores: &scores };
        if let Some(exclusion) = culprit(&linter.rule.query, &exclusions, &facts) {
            refused(linter, exclusion, test, &facts);
        }
    }
}

fn coverage(linter: &mut Linter<'_, '_>) {
    let (rule, id) = (linter.rule, &linter.rule.info.id);
    let (message, hint) = if rule.tests.is_empty() {
        (format!("rule `{id}` has no tests"), "add tests = [{ text = \"…\", match = true }]")
    } else if rule.tests.iter().all(|test| test.expect) {
        (format!("rule `{id}` has no test that must not match"), "add a text that is near and not meant")
    } else {
        return;
    };
    linter.out.push(RULE_WITHOUT_TESTS.at(rule.file, rule.id_span, message).hint(hint));
}

/// What the query excludes.
fn collect<'n>(node: &'n Node, exclusions: &mut Vec<&'n Node>) {
    match &node.kind {
        Kind::Not(_) => exclusions.push(node),
        _ => children(node).iter().for_each(|child| collect(child, exclusions)),
    }
}

/// The exclusion without which the query would hold, or the first of several.
fn culprit<'n>(query: &Node, exclusions: &[&'n Node], facts: &Facts<'_>) -> Option<&'n Node> {
    if naive::holds(query, facts) {
        return None;
    }
    let refusing: Vec<&Node> = exclusions.iter().copied().filter(|one| !naive::holds(one, facts)).collect();
    let alone = refusing.iter().find(|one| holds_without(query, std::slice::from_ref(one), facts));
    let together = || refusing.first().filter(|_| holds_without(query, &refusing, facts));
    alone.or_else(together).copied()
}

/// Whether `node` holds when `exclusions` are left out.
fn holds_without(node: &Node, exclusions: &[&Node], facts: &Facts<'_>) -> bool {
    match &node.kind {
        Kind::Not(_) if exclusions.iter().any(|one| std::ptr::eq(*one, node)) => true,
        Kind::And(nodes) => nodes.iter().all(|node| holds_without(node, exclusions, facts)),
        Kind::Or(nodes) => nodes.iter().any(|node| holds_without(node, exclusions, facts)),
        _ => naive::holds(node, facts),
    }
}

fn refused(linter: &mut Linter<'_, '_>, exclusion: &Node, test: &RuleTest, facts: &Facts<'_>) {
    let part = excluded_part(exclusion, facts);
    let message =
        format!("excluding `{}` refuses a text that this rule's own test must find", linter.written(part));
    let found =
        linter.finding(&EXCLUDES_OWN_TEST, part.span, message, "narrow the exclusion, or correct the test");
    linter.out.push(found.also(linter.rule.file, test.span, "must match"));
}

/// The side of an excluded OR that holds.
fn excluded_part<'n>(exclusion: &'n Node, facts: &Facts<'_>) -> &'n Node {
    let Kind::Not(inner) = &exclusion.kind else { return exclusion };
    match &inner.kind {
        Kind::Or(nodes) => nodes.iter().find(|node| naive::holds(node, facts)).unwrap_or(inner),
        _ => inner,
    }
}
