//! Parts of an OR, and terms of a list, that find nothing that another part does not find.

use hashbrown::HashMap;

use super::linter::{Lint, Linter};
use super::pairs::texts;
use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::implication::{implies_within, pattern_implies};
use crate::rules::query::term::{Form, Pattern};

pub(super) const REDUNDANT_TERM: Lint =
    Lint::warning("redundant-term", "a part of an OR that a wider part covers: `acme OR \"acme cloud\"`");

/// Most parts of an OR that are compared each with each.
const PARTS_MAX: usize = 64;
/// Terms of lists in an OR with more of them are not compared with its other terms.
const LIST_TERMS_MAX: usize = 1_000;
/// Terms that no word leads to are compared with each other up to this many.
const OTHERS_MAX: usize = 256;

pub(super) fn lint(linter: &mut Linter<'_, '_>) {
    either(linter, &linter.rule.query);
}

fn either(linter: &mut Linter<'_, '_>, node: &Node) {
    if let Kind::Or(nodes) = &node.kind {
        let mut parts = Vec::new();
        flatten(nodes, &mut parts);
        redundancy(linter, &parts);
    }
    // The terms beside NEAR count by their places: there, a phrase is not the word in it.
    super::linter::children(node).iter().for_each(|child| either(linter, child));
}

fn flatten<'n>(nodes: &'n [Node], parts: &mut Vec<&'n Node>) {
    for node in nodes {
        match &node.kind {
            Kind::Or(inner) => flatten(inner, parts),
            _ => parts.push(node),
        }
    }
}

fn redundancy(linter: &mut Linter<'_, '_>, parts: &[&Node]) {
    let mut by = covering_terms(parts);
    if parts.len() <= PARTS_MAX {
        for (at, by) in by.iter_mut().enumerate().filter(|(_, by)| by.is_none()) {
            *by = covering_part(parts, at, linter.steps);
        }
    }
    for (part, by) in parts.iter().zip(by) {
        let Some(by) = by else { continue };
        let message =
            format!("`{}` adds nothing: `{}` covers it", linter.written(part), linter.written(parts[by]));
        let places = (part.span, parts[by].span);
        linter.report_with(&REDUNDANT_TERM, places, message, "remove the narrower one", "covers it");
    }
}

/// For each part that is a single term, the part that covers it, if that is a term or a list.
fn covering_terms(parts: &[&Node]) -> Vec<Option<usize>> {
    let (mut patterns, mut owners): (Vec<&Pattern>, Vec<usize>) = (Vec::new(), Vec::new());
    for (at, part) in parts.iter().enumerate() {
        match &part.kind {
            Kind::Term(Term::Text(pattern)) => {
                patterns.push(pattern);
                owners.push(at);
            }
            Kind::List { patterns: terms, .. } if patterns.len() + terms.len() <= LIST_TERMS_MAX => {
                patterns.extend(terms.iter().map(AsRef::as_ref));
                owners.extend(std::iter::repeat_n(at, terms.len()));
            }
            _ => {}
        }
    }
    let mut found = vec![None; parts.len()];
    for (at, by) in coverers(&patterns).into_iter().enumerate() {
        let is_term = matches!(parts[owners[at]].kind, Kind::Term(_));
        found[owners[at]] = by.map(|by| owners[by]).filter(|_| is_term);
    }
    found
}

fn covering_part(parts: &[&Node], at: usize, steps: &mut u32) -> Option<usize> {
    // Terms among each other are done, and a term implies nothing more.
    let is_term = |node: &Node| matches!(node.kind, Kind::Term(Term::Text(_)));
    let others = (0..parts.len()).filter(|&other| other != at);
    let mut others = others.filter(|&other| !is_term(parts[at]) || !is_term(parts[other]));
    others.find(|&other| {
        implies_within(parts[at], parts[other], steps)
            && (other < at || !implies_within(parts[other], parts[at], steps))
    })
}

/// For each pattern, another one that is found wherever it is; of two that find the same, only the later has one.
pub(super) fn coverers(patterns: &[&Pattern]) -> Vec<Option<usize>> {
    let index = Index::new(patterns);
    let covers = |at: usize, by: usize| {
        by != at
            && pattern_implies(patterns[at], patterns[by])
            && (by < at || !pattern_implies(patterns[by], patterns[at]))
    };
    (0..patterns.len()).map(|at| index.candidates(patterns[at]).find(|&by| covers(at, by))).collect()
}

/// Finds the patterns that might cover another one.
struct Index<'p> {
    /// By the first word, or the whole text of a substring.
    words: HashMap<&'p str, Vec<usize>>,
    prefixes: HashMap<&'p str, Vec<usize>>,
    /// Wildcards and substrings, unless there are too many.
    others: Vec<usize>,
}

impl<'p> Index<'p> {
    fn new(patterns: &[&'p Pattern]) -> Self {
        let mut index = Self { words: HashMap::new(), prefixes: HashMap::new(), others: Vec::new() };
        for (at, pattern) in patterns.iter().enumerate() {
            match &pattern.pieces()[0].form {
                Form::Words { words, .. } => index.words.entry(words[0].as_str()).or_default().push(at),
                Form::Prefix { prefix, .. } => index.prefixes.entry(prefix.as_str()).or_default().push(at),
                Form::Wildcard { glob: text, .. } | Form::Substring { text, .. } | Form::Raw { text, .. } => {
                    index.words.entry(text.as_str()).or_default().push(at);
                    index.others.push(at);
                }
                // A piece is none.
                Form::Row(_) => {}
            }
        }
        if index.others.len() > OTHERS_MAX {
            index.others.clear();
        }
        index
    }

    fn candidates(&self, pattern: &'p Pattern) -> impl Iterator<Item = usize> + '_ {
        let words = texts(pattern);
        let starts = |word: &'p str| word.char_indices().map(|(at, c)| &word[..at + c.len_utf8()]);
        let prefixes = words.clone().flat_map(starts).filter_map(|start| self.prefixes.get(start));
        let exact = words.filter_map(|word| self.words.get(word));
        exact.chain(prefixes).flatten().chain(&self.others).copied()
    }
}
