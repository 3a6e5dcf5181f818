//! Decides an expression, given the atoms that are present.

use crate::text::Folded;

use super::compile::{Expr, Near, Window};
use super::facts::Facts;
use super::index::{AtomId, Hit};
use crate::rules::query::near::{self, Need, Place};

/// A post with the atoms found in it.
pub(in crate::rules) struct Found<'a> {
    pub(in crate::rules) facts: Facts<'a>,
    /// Ascending and without repeats.
    pub(in crate::rules) present: &'a [AtomId],
    /// Where they stand, text by text.
    pub(in crate::rules) hits: &'a [Hit],
    /// For each text, where its hits end in `hits`.
    pub(in crate::rules) ends: &'a [usize],
}

impl Found<'_> {
    pub(in crate::rules) fn satisfy(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Atom(atom) => self.has(*atom),
            Expr::AnyOf(atoms) => self.has_any(atoms),
            Expr::Field(term) => self.facts.satisfy(term),
            Expr::Not(inner) => !self.satisfy(inner),
            Expr::And(operands) => operands.iter().all(|operand| self.satisfy(operand)),
            Expr::Or(operands) => operands.iter().any(|operand| self.satisfy(operand)),
            // Places are looked at when all that is needed is there: with many rules it seldom is.
            Expr::Near(near) => {
                self.has_any(&near.left)
                    && self.has_any(&near.right)
                    && self.texts().any(|(text, hits)| !pairs(near, text, hits).is_empty())
            }
            Expr::Window(window) => {
                window.needs.iter().all(|&(atom, _)| self.has(atom))
                    && self.texts().any(|(text, hits)| closest(window, text, hits).is_some())
            }
        }
    }

    /// Calls `each` for every place in the post's own text that speaks for the match, of an expression that holds: none
    /// under a NOT, and none in a part that does not hold.
    pub(in crate::rules) fn positive(&self, expr: &Expr, each: &mut impl FnMut(Place)) {
        let Some((text, hits)) = self.texts().next() else { return };
        match expr {
            Expr::Atom(atom) => places(hits, &[*atom]).for_each(each),
            Expr::AnyOf(atoms) => places(hits, atoms).for_each(each),
            Expr::Near(near) => pairs(near, text, hits).into_iter().for_each(each),
            Expr::Window(window) => closest(window, text, hits).into_iter().flatten().for_each(each),
            Expr::And(operands) => operands.iter().for_each(|operand| self.positive(operand, each)),
            Expr::Or(operands) => {
                let holding = operands.iter().filter(|operand| self.satisfy(operand));
                holding.for_each(|operand| self.positive(operand, each));
            }
            Expr::Field(_) | Expr::Not(_) => {}
        }
    }

    fn texts(&self) -> impl Iterator<Item = (&Folded, &[Hit])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = starts.zip(self.ends).map(|(start, &end)| &self.hits[start..end]);
        self.facts.segments.iter().zip(ranges)
    }

    /// Any of `atoms`, which are ascending.
    fn has_any(&self, atoms: &[AtomId]) -> bool {
        self.present.iter().any(|atom| atoms.binary_search(atom).is_ok())
    }

    fn has(&self, atom: AtomId) -> bool {
        self.present.binary_search(&atom).is_ok()
    }
}

/// The places of any of `atoms`, which are ascending.
fn places<'h>(hits: &'h [Hit], atoms: &'h [AtomId]) -> impl Iterator<Item = Place> + 'h {
    hits.iter().filter(|hit| atoms.binary_search(&hit.atom).is_ok()).map(|hit| (hit.start, hit.end))
}

fn pairs(near: &Near, text: &Folded, hits: &[Hit]) -> Vec<Place> {
    let (left, right): (Vec<Place>, Vec<Place>) =
        (places(hits, &near.left).collect(), places(hits, &near.right).collect());
    near::pairs(text, &left, &right, near.distance, near.ordered)
}

fn closest(window: &Window, text: &Folded, hits: &[Hit]) -> Option<Vec<Place>> {
    let need = |&(atom, count): &(AtomId, usize)| Need { places: places(hits, &[atom]).collect(), count };
    near::window(text, window.needs.iter().map(need).collect(), window.slack)
}
