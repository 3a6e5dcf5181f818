//! From query trees to expressions over numbered atoms, and the choice of each rule's anchors.
//!
//! An anchor set is a list of atoms or authors of which at least one is present in every post that the rule matches
//! (Lucene Monitor's presearcher): only rules with a present anchor are evaluated. AND takes its cheapest operand, OR
//! takes all, NOT and the weak terms have none.

use hashbrown::HashMap;

use super::ast::{Kind, Node, Term};
use super::index::AtomId;
use super::term::{Form, Pattern};

/// A query over atoms.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Atom(AtomId),
    /// Any of these, ascending: a keyword list.
    AnyOf(Box<[AtomId]>),
    Field(Term),
    Not(Box<Expr>),
    And(Box<[Expr]>),
    Or(Box<[Expr]>),
}

/// What must be present for a rule to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Anchor {
    Atom(AtomId),
    /// Author id or handle, lower case.
    Author(String),
}

/// Numbers patterns; equal patterns share a number.
#[derive(Debug, Default)]
pub(super) struct Compiler {
    atoms: HashMap<Form, AtomId>,
    pub(super) patterns: Vec<Pattern>,
}

struct Anchors {
    cost: f64,
    anchors: Vec<Anchor>,
}

impl Compiler {
    /// The expression of a query, and its anchors; `None` when the query has no positive strong term, which the
    /// parser refuses.
    pub(super) fn rule(&mut self, query: &Node) -> (Expr, Option<Vec<Anchor>>) {
        let expr = self.expr(query);
        let anchors = self.anchors(&expr).map(|found| found.anchors);
        (expr, anchors)
    }

    fn atom(&mut self, pattern: &Pattern) -> AtomId {
        if let Some(&atom) = self.atoms.get(&pattern.form) {
            return atom;
        }
        let atom = self.patterns.len() as AtomId;
        self.atoms.insert(pattern.form.clone(), atom);
        self.patterns.push(pattern.clone());
        atom
    }

    fn expr(&mut self, node: &Node) -> Expr {
        match &node.kind {
            Kind::Term(Term::Text(pattern)) => Expr::Atom(self.atom(pattern)),
            Kind::Term(term) => Expr::Field(term.clone()),
            Kind::List { patterns, .. } => {
                let mut atoms: Vec<AtomId> = patterns.iter().map(|pattern| self.atom(pattern)).collect();
                atoms.sort_unstable();
                atoms.dedup();
                Expr::AnyOf(atoms.into())
            }
            Kind::Not(inner) => Expr::Not(Box::new(self.expr(inner))),
            Kind::And(nodes) => Expr::And(nodes.iter().map(|node| self.expr(node)).collect()),
            Kind::Or(nodes) => Expr::Or(nodes.iter().map(|node| self.expr(node)).collect()),
        }
    }

    fn anchors(&self, expr: &Expr) -> Option<Anchors> {
        match expr {
            Expr::Atom(atom) => Some(self.anchors_of(&[*atom])),
            Expr::AnyOf(atoms) => Some(self.anchors_of(atoms)),
            Expr::Field(Term::From(who)) => {
                Some(Anchors { cost: 0.0, anchors: vec![Anchor::Author(who.clone())] })
            }
            Expr::Field(_) | Expr::Not(_) => None,
            Expr::And(operands) => {
                let found = operands.iter().filter_map(|operand| self.anchors(operand));
                found.min_by(|a, b| a.cost.total_cmp(&b.cost))
            }
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

    fn anchors_of(&self, atoms: &[AtomId]) -> Anchors {
        let cost = atoms.iter().map(|&atom| commonness(&self.patterns[atom as usize])).sum();
        Anchors { cost, anchors: atoms.iter().map(|&atom| Anchor::Atom(atom)).collect() }
    }
}

/// A guess at how many posts hold the pattern: longer is rarer, and a sigil makes it rarer still.
fn commonness(pattern: &Pattern) -> f64 {
    let (chars, sigil, widening) = match &pattern.form {
        Form::Words { sigil, words, .. } => (words.iter().map(String::len).sum(), *sigil, 1.0),
        Form::Prefix { sigil, prefix } => (prefix.len(), *sigil, 4.0),
        Form::Substring(text) => (text.len(), 0, 1.0),
    };
    let length: usize = chars;
    widening / (length.max(1).pow(2) as f64) / if sigil == 0 { 1.0 } else { 4.0 }
}
