//! Decides an expression, given the atoms that are present.

use crate::model::Post;
use crate::text::Folded;

use super::compile::Expr;
use super::fields::holds;
use super::index::AtomId;

/// A post with the atoms found in it, ascending and without repeats.
pub(super) struct Facts<'a> {
    pub(super) post: &'a Post,
    pub(super) segments: &'a [Folded],
    pub(super) present: &'a [AtomId],
}

impl Facts<'_> {
    pub(super) fn satisfy(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Atom(atom) => self.has(*atom),
            Expr::AnyOf(atoms) => self.present.iter().any(|atom| atoms.binary_search(atom).is_ok()),
            Expr::Field(term) => holds(term, self.post, self.segments),
            Expr::Not(inner) => !self.satisfy(inner),
            Expr::And(operands) => operands.iter().all(|operand| self.satisfy(operand)),
            Expr::Or(operands) => operands.iter().any(|operand| self.satisfy(operand)),
        }
    }

    /// Calls `each` for the present atoms that speak for the match: those not under a NOT.
    pub(super) fn positive(&self, expr: &Expr, each: &mut impl FnMut(AtomId)) {
        match expr {
            Expr::Atom(atom) if self.has(*atom) => each(*atom),
            Expr::AnyOf(atoms) => {
                self.present
                    .iter()
                    .filter(|atom| atoms.binary_search(atom).is_ok())
                    .for_each(|atom| each(*atom));
            }
            Expr::And(operands) | Expr::Or(operands) => {
                operands.iter().for_each(|operand| self.positive(operand, each));
            }
            Expr::Atom(_) | Expr::Field(_) | Expr::Not(_) => {}
        }
    }

    fn has(&self, atom: AtomId) -> bool {
        self.present.binary_search(&atom).is_ok()
    }
}
