//! Rules that look for the same as another one, or only for a part of it.
//!
//! A rule can only be a part of another if it has a term that is one of the other's anchors: only such pairs of one
//! brand and team are compared, a few for each rule, so that 100,000 rules take no longer than they must.

use std::collections::BTreeMap;
use std::ops::Bound;

use hashbrown::{HashMap, HashSet};

use crate::model::{RuleInfo, RuleStatus};

use super::linter::{Lint, children};
use crate::rules::diagnostic::Diagnostic;
use crate::rules::pack::LoadedRule;
use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::implication::implies_of;
use crate::rules::query::term::{Form, Pattern};

pub(super) const SAME_QUERY: Lint =
    Lint::warning("same-query", "two rules of a team that look for the same, whatever the order");
pub(super) const IMPLIED_RULE: Lint = Lint::note(
    "implied-rule",
    "a rule whose posts all match another rule of brand and team, of no lower priority",
);

/// Most rules that one is compared with.
const CANDIDATES_MAX: usize = 32;
/// Most steps of proof for one pair.
const PAIR_STEPS_MAX: u32 = 2_000;
/// Most words by which one rule is found.
const KEYS_MAX: usize = 256;

pub(super) fn lint(rules: &[&LoadedRule], steps: &mut u32, out: &mut Vec<Diagnostic>) {
    let again = same_queries(rules, out);
    let mut groups: BTreeMap<(&str, &str, bool), Vec<&LoadedRule>> = BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        let RuleInfo { brand, team, status, .. } = &rule.info;
        if *status != RuleStatus::Off && !again.contains(&at) {
            groups.entry((brand, team, *status == RuleStatus::Shadow)).or_default().push(rule);
        }
    }
    groups.values().for_each(|group| implied(group, steps, out));
}

/// Reports rules that are repeated, and returns those that repeat.
fn same_queries(rules: &[&LoadedRule], out: &mut Vec<Diagnostic>) -> HashSet<usize> {
    let mut seen: HashMap<(usize, &str, String), &LoadedRule> = HashMap::new();
    let mut again = HashSet::new();
    for (at, &rule) in rules.iter().enumerate().filter(|(_, rule)| rule.info.status != RuleStatus::Off) {
        // The same words for two teams are two rules; a list's name means something within its pack only.
        let key = (rule.pack, &*rule.info.team, normal_form(&rule.query));
        let first = *seen.entry(key).or_insert(rule);
        if !std::ptr::eq(first, rule) {
            let message = format!("rules `{}` and `{}` look for the same", first.info.id, rule.info.id);
            let found = SAME_QUERY.at(rule.file, rule.query_span, message);
            out.push(found.also(first.file, first.query_span, "the same here").hint("keep one of them"));
            again.insert(at);
        }
    }
    again
}

/// Equal for queries that differ only in order, repetition, nesting and spelling that folds away.
fn normal_form(node: &Node) -> String {
    match &node.kind {
        Kind::Term(Term::Text(pattern)) => format!("{:?} {}", pattern.form, pattern.is_loose),
        Kind::Window { terms, slack, .. } => {
            let mut forms: Vec<String> =
                terms.iter().map(|term| format!("{:?} {}", term.form, term.is_loose)).collect();
            forms.sort_unstable();
            format!("{forms:?}~{slack}")
        }
        Kind::Near { left, right, distance, ordered } => {
            let name = if *ordered { "ONEAR" } else { "NEAR" };
            let mut sides = [normal_form(left), normal_form(right)];
            if !ordered {
                sides.sort_unstable();
            }
            format!("({} {name}/{distance} {})", sides[0], sides[1])
        }
        Kind::Term(term) => term.to_string(),
        Kind::List { name, .. } => format!("list:{name}"),
        Kind::Not(inner) => match &inner.kind {
            Kind::Not(inner) => normal_form(inner),
            _ => format!("-{}", normal_form(inner)),
        },
        Kind::And(nodes) => joined(nodes, true, " "),
        Kind::Or(nodes) => joined(nodes, false, " OR "),
    }
}

fn joined(nodes: &[Node], is_and: bool, separator: &str) -> String {
    let mut forms = operands(nodes, is_and);
    forms.sort_unstable();
    forms.dedup();
    match forms.as_slice() {
        [only] => only.clone(),
        _ => format!("({})", forms.join(separator)),
    }
}

fn operands(nodes: &[Node], is_and: bool) -> Vec<String> {
    let mut forms = Vec::new();
    for node in nodes {
        match &node.kind {
            Kind::And(inner) if is_and => forms.extend(operands(inner, true)),
            Kind::Or(inner) if !is_and => forms.extend(operands(inner, false)),
            _ => forms.push(normal_form(node)),
        }
    }
    forms
}

/// Reports the rules of `group` whose posts are all found by another.
fn implied(group: &[&LoadedRule], steps: &mut u32, out: &mut Vec<Diagnostic>) {
    let mut by_key: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, rule) in group.iter().enumerate() {
        keys(&rule.query).into_iter().for_each(|key| by_key.entry(key).or_default().push(at));
    }
    let mut reported = HashSet::new();
    for (at, wide) in group.iter().enumerate() {
        for other in candidates(at, wide, &by_key) {
            let narrow = group[other];
            if reported.contains(&other) || !adds_nothing_to(&narrow.info, &wide.info) {
                continue;
            }
            let is_implied = within(narrow, wide, steps)
                // Of two that find the same, the later one is told of.
                && (at < other || !within(wide, narrow, steps));
            if is_implied {
                reported.insert(other);
                out.push(finding(narrow, wide));
            }
        }
    }
}

fn within(narrow: &LoadedRule, wide: &LoadedRule, steps: &mut u32) -> bool {
    implies_of(&narrow.query, &wide.query, PAIR_STEPS_MAX, steps) == Some(true)
}

fn finding(narrow: &LoadedRule, wide: &LoadedRule) -> Diagnostic {
    let (one, other) = (&narrow.info.id, &wide.info.id);
    let message = format!("every post that `{one}` matches is matched by `{other}`, too");
    let found = IMPLIED_RULE.at(narrow.file, narrow.query_span, message);
    found
        .also(wide.file, wide.query_span, "matches them all")
        .hint("remove it, give it a priority or reply of its own, or exclude its posts from the wider rule")
}

/// The narrower rule brings no higher priority and no reply of its own.
fn adds_nothing_to(narrow: &RuleInfo, wide: &RuleInfo) -> bool {
    narrow.floor <= wide.floor && (narrow.reply.is_none() || narrow.reply == wide.reply)
}

/// Rules that have a term which is one of `wide`'s anchors.
fn candidates(at: usize, wide: &LoadedRule, by_key: &BTreeMap<&str, Vec<usize>>) -> Vec<usize> {
    let Some(anchors) = anchors(&wide.query) else { return Vec::new() };
    let mut found = Vec::new();
    for anchor in anchors {
        let rules = match &anchor {
            Key::Whole(key) => by_key.get(*key).into_iter().flatten().copied().collect(),
            Key::Start(start) => starting_with(start, by_key),
        };
        for other in rules {
            if other != at && !found.contains(&other) {
                found.push(other);
            }
            if found.len() == CANDIDATES_MAX {
                return found;
            }
        }
    }
    found
}

fn starting_with(start: &str, by_key: &BTreeMap<&str, Vec<usize>>) -> Vec<usize> {
    let range = by_key.range::<str, _>((Bound::Included(start), Bound::Unbounded));
    let fits = range.take_while(|(key, _)| key.starts_with(start));
    fits.flat_map(|(_, rules)| rules.iter().copied()).take(CANDIDATES_MAX + 1).collect()
}

/// How a term is found among those of other rules.
enum Key<'q> {
    Whole(&'q str),
    Start(&'q str),
}

fn key(pattern: &Pattern) -> Key<'_> {
    match &pattern.form {
        Form::Words { words, .. } => Key::Whole(&words[0]),
        Form::Prefix { prefix, .. } => Key::Start(prefix),
        Form::Wildcard { glob: text, .. } | Form::Substring { text, .. } | Form::Raw { text, .. } => {
            Key::Whole(text)
        }
        Form::Row(pieces) => key(&pieces[0]),
    }
}

/// Of the fewest keys, one of which every post that `node` matches must hold.
fn anchors(node: &Node) -> Option<Vec<Key<'_>>> {
    match &node.kind {
        Kind::Term(Term::Text(pattern)) => Some(vec![key(pattern)]),
        Kind::Term(term) => term.account().map(|who| vec![Key::Whole(who)]),
        Kind::List { patterns, .. } => Some(patterns.iter().map(|term| key(term)).collect()),
        Kind::Window { terms, .. } => terms.first().map(|term| vec![key(term)]),
        Kind::Near { left, right, .. } => fewest([&**left, &**right].into_iter()),
        Kind::Not(_) => None,
        Kind::And(nodes) => fewest(nodes.iter()),
        Kind::Or(nodes) => {
            let sides: Option<Vec<Vec<Key>>> = nodes.iter().map(anchors).collect();
            sides.map(|sides| sides.into_iter().flatten().collect())
        }
    }
}

fn fewest<'q>(nodes: impl Iterator<Item = &'q Node>) -> Option<Vec<Key<'q>>> {
    nodes.filter_map(anchors).min_by_key(Vec::len)
}

/// The words, prefixes, substrings and accounts of a query, those that it excludes left out.
fn keys(query: &Node) -> HashSet<&str> {
    let mut found = HashSet::new();
    collect(query, &mut found);
    found
}

/// The words of a pattern and of its pieces, or its whole texts.
pub(super) fn texts(pattern: &Pattern) -> impl Iterator<Item = &str> + Clone {
    pattern.pieces().iter().flat_map(texts_of_piece).map(String::as_str)
}

fn texts_of_piece(piece: &Pattern) -> &[String] {
    match &piece.form {
        Form::Words { words, .. } => words,
        Form::Prefix { prefix: text, .. } | Form::Wildcard { glob: text, .. } => std::slice::from_ref(text),
        Form::Substring { text, .. } | Form::Raw { text, .. } => std::slice::from_ref(text),
        Form::Row(_) => &[],
    }
}

fn collect<'q>(node: &'q Node, found: &mut HashSet<&'q str>) {
    let mut add = |pattern: &'q Pattern| found.extend(texts(pattern));
    match &node.kind {
        Kind::Term(Term::Text(pattern)) => add(pattern),
        Kind::Term(term) => found.extend(term.account()),
        Kind::List { patterns, .. } => patterns.iter().take(KEYS_MAX).for_each(|term| add(term)),
        Kind::Window { terms, .. } => terms.iter().for_each(|term| add(term)),
        Kind::Near { left, right, .. } => {
            [left, right].into_iter().for_each(|side| collect(side, found));
        }
        Kind::Not(_) => {}
        Kind::And(_) | Kind::Or(_) => children(node).iter().for_each(|child| collect(child, found)),
    }
}
