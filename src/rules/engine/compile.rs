//! From query trees to expressions over numbered atoms, and the choice of each rule's anchors.
//!
//! An anchor set is a list of atoms or authors of which at least one is present in every post that the rule matches
//! (Lucene Monitor's presearcher): only rules with a present anchor are evaluated. AND takes its cheapest operand, OR
//! takes all, NOT and the weak terms have none.

use std::sync::Arc;

use hashbrown::HashMap;

use super::index::AtomId;
use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::term::{Form, Pattern};

/// A query over atoms.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rules) enum Expr {
    Atom(AtomId),
    /// Any of these, ascending: a keyword list.
    AnyOf(Box<[AtomId]>),
    Field(Term),
    Not(Box<Expr>),
    And(Box<[Expr]>),
    Or(Box<[Expr]>),
    Near(Box<Near>),
    Window(Box<Window>),
}

/// `left NEAR/N right`: any atom of one side near any of the other.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rules) struct Near {
    /// Ascending.
    pub(in crate::rules) left: Box<[AtomId]>,
    /// Ascending.
    pub(in crate::rules) right: Box<[AtomId]>,
    pub(in crate::rules) distance: u8,
    pub(in crate::rules) ordered: bool,
}

/// `"…"~N`: every atom so many times, close together.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rules) struct Window {
    pub(in crate::rules) needs: Box<[(AtomId, usize)]>,
    pub(in crate::rules) slack: u8,
}

/// What must be present for a rule to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::rules) enum Anchor {
    Atom(AtomId),
    /// Author id or handle, lower case.
    Author(String),
}

/// Numbers patterns; equal patterns share a number.
#[derive(Debug, Default)]
pub(in crate::rules) struct Compiler {
    atoms: HashMap<BySense, AtomId>,
    pub(in crate::rules) patterns: Vec<Arc<Pattern>>,
}

/// Two spellings of the same pattern are one atom.
#[derive(Debug)]
struct BySense(Arc<Pattern>);

impl BySense {
    fn sense(&self) -> (&Form, bool) {
        (&self.0.form, self.0.is_loose)
    }
}

impl PartialEq for BySense {
    fn eq(&self, other: &Self) -> bool {
        self.sense() == other.sense()
    }
}

impl Eq for BySense {}

impl std::hash::Hash for BySense {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.sense().hash(state);
    }
}

struct Anchors {
    cost: f64,
    anchors: Vec<Anchor>,
}

impl Compiler {
    /// The expression of a query, and its anchors; `None` when the query has no positive strong term, which the
    /// parser refuses.
    pub(in crate::rules) fn rule(&mut self, query: &Node) -> (Expr, Option<Vec<Anchor>>) {
        let expr = self.expr(query);
        let anchors = self.anchors(&expr).map(|found| found.anchors);
        (expr, anchors)
    }

    fn atom(&mut self, pattern: &Arc<Pattern>) -> AtomId {
        let next = self.patterns.len() as AtomId;
        let atom = *self.atoms.entry(BySense(Arc::clone(pattern))).or_insert(next);
        if (atom as usize) < self.patterns.len() {
            return atom;
        }
        self.patterns.push(Arc::clone(pattern));
        atom
    }

    fn expr(&mut self, node: &Node) -> Expr {
        match &node.kind {
            Kind::Term(Term::Text(pattern)) => Expr::Atom(self.atom(pattern)),
            Kind::Term(term) => Expr::Field(term.clone()),
            Kind::List { .. } => Expr::AnyOf(self.atoms(node)),
            Kind::Near { left, right, distance, ordered } => Expr::Near(Box::new(Near {
                left: self.atoms(left),
                right: self.atoms(right),
                distance: *distance,
                ordered: *ordered,
            })),
            Kind::Window { terms, slack, .. } => {
                let mut needs: Vec<(AtomId, usize)> = Vec::new();
                for atom in terms.iter().map(|term| self.atom(term)) {
                    match needs.iter_mut().find(|(known, _)| *known == atom) {
                        Some((_, count)) => *count += 1,
                        None => needs.push((atom, 1)),
                    }
                }
                Expr::Window(Box::new(Window { needs: needs.into(), slack: *slack }))
            }
            Kind::Not(inner) => Expr::Not(Box::new(self.expr(inner))),
            Kind::And(nodes) => Expr::And(nodes.iter().map(|node| self.expr(node)).collect()),
            Kind::Or(nodes) => Expr::Or(nodes.iter().map(|node| self.expr(node)).collect()),
        }
    }

    /// The atoms of what has places: a term, a list, or an OR of these; ascending.
    fn atoms(&mut self, node: &Node) -> Box<[AtomId]> {
        let mut atoms = Vec::new();
        self.collect_atoms(node, &mut atoms);
        atoms.sort_unstable();
        atoms.dedup();
        atoms.into()
    }

    fn collect_atoms(&mut self, node: &Node, atoms: &mut Vec<AtomId>) {
        match &node.kind {
            Kind::Term(Term::Text(pattern)) => atoms.push(self.atom(pattern)),
            Kind::List { patterns, .. } => atoms.extend(patterns.iter().map(|pattern| self.atom(pattern))),
            Kind::Or(nodes) => nodes.iter().for_each(|node| self.collect_atoms(node, atoms)),
            // The parser puts nothing else under NEAR.
            _ => {}
        }
    }

    fn anchors(&self, expr: &Expr) -> Option<Anchors> {
        match expr {
            Expr::Atom(atom) => self.anchors_of(&[*atom]),
            Expr::AnyOf(atoms) => self.anchors_of(atoms),
            Expr::Near(near) => {
                let sides = [&near.left, &near.right].into_iter().filter_map(|side| self.anchors_of(side));
                cheapest(sides)
            }
            Expr::Window(window) => {
                cheapest(window.needs.iter().filter_map(|&(atom, _)| self.anchors_of(&[atom])))
            }
            Expr::Field(Term::From(who)) => {
                Some(Anchors { cost: 0.0, anchors: vec![Anchor::Author(who.clone())] })
            }
            Expr::Field(_) | Expr::Not(_) => None,
            Expr::And(operands) => cheapest(operands.iter().filter_map(|operand| self.anchors(operand))),
            Expr::Or(operands) => {
                let found: Option<Vec<Anchors>> =
                    operands.iter().map(|operand| self.anchors(operand)).collect();
                let found = found?;
                let cost = found.iter().map(|operand| operand.cost).sum();
                Some(Anchors {
                    cost,
                    anchors: found.into_iter().flat_map(|operand| operand.anchors).collect(),
                })
            }
        }
    }

    /// `None` when one of them can be anywhere.
    fn anchors_of(&self, atoms: &[AtomId]) -> Option<Anchors> {
        let pattern = |atom: &AtomId| &*self.patterns[*atom as usize];
        if atoms.iter().any(|atom| pattern(atom).is_unanchored()) {
            return None;
        }
        let cost = atoms.iter().map(|atom| commonness(pattern(atom))).sum();
        Some(Anchors { cost, anchors: atoms.iter().map(|&atom| Anchor::Atom(atom)).collect() })
    }
}

fn cheapest(found: impl Iterator<Item = Anchors>) -> Option<Anchors> {
    found.min_by(|a, b| a.cost.total_cmp(&b.cost))
}

/// A guess at how many posts hold the pattern: longer is rarer, and a sigil makes it rarer still.
fn commonness(pattern: &Pattern) -> f64 {
    let (chars, sigil, widening) = match &pattern.form {
        Form::Words { sigil, words, .. } => (words.iter().map(String::len).sum(), *sigil, 1.0),
        Form::Prefix { sigil, prefix } => (prefix.len(), *sigil, 4.0),
        Form::Wildcard { sigil, glob, .. } => (glob.len(), *sigil, 8.0),
        Form::Substring { text, .. } | Form::Raw { text, .. } => (text.len(), 0, 1.0),
        Form::Row(pieces) => return pieces.iter().map(commonness).fold(1.0, f64::min),
    };
    let length: usize = chars;
    widening / (length.max(1).pow(2) as f64) / if sigil == 0 { 1.0 } else { 4.0 }
}
