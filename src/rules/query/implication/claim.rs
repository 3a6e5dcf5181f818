//! A part of a query, or its opposite, and how it is taken apart.

use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::term::Pattern;

/// Parts of a claim that are listed in a step.
const PARTS_PER_STEP: u32 = 64;

/// A part of a query, or its opposite.
#[derive(Clone, Copy)]
pub(super) struct Claim<'q> {
    pub(super) what: What<'q>,
    pub(super) negated: bool,
}

#[derive(Clone, Copy)]
pub(super) enum What<'q> {
    Node(&'q Node),
    Pattern(&'q Pattern),
}

/// A claim taken apart, with negations pushed down.
pub(super) enum Shape<'q> {
    All(Vec<Claim<'q>>),
    Any(Vec<Claim<'q>>),
    Leaf,
}

impl<'q> Claim<'q> {
    pub(super) fn of(node: &'q Node) -> Self {
        Self { what: What::Node(node), negated: false }
    }

    pub(super) fn shape(self) -> Shape<'q> {
        let What::Node(node) = self.what else { return Shape::Leaf };
        let of = |what| Self { what, negated: self.negated };
        match &node.kind {
            Kind::Not(inner) => Self { what: What::Node(inner), negated: !self.negated }.shape(),
            Kind::And(nodes) => {
                Shape::of(nodes.iter().map(|node| of(What::Node(node))).collect(), !self.negated)
            }
            Kind::Or(nodes) => {
                Shape::of(nodes.iter().map(|node| of(What::Node(node))).collect(), self.negated)
            }
            Kind::List { patterns, .. } => {
                Shape::of(patterns.iter().map(|one| of(What::Pattern(one))).collect(), self.negated)
            }
            _ => Shape::Leaf,
        }
    }

    /// The claim without its NOTs.
    pub(super) fn leaf(mut self) -> Self {
        while let What::Node(Node { kind: Kind::Not(inner), .. }) = self.what {
            self = Self { what: What::Node(inner), negated: !self.negated };
        }
        self
    }

    pub(super) fn pattern(self) -> Option<&'q Pattern> {
        match self.what {
            What::Pattern(pattern) => Some(pattern),
            What::Node(Node { kind: Kind::Term(Term::Text(pattern)), .. }) => Some(pattern),
            What::Node(_) => None,
        }
    }

    pub(super) fn term(self) -> Option<&'q Term> {
        match self.what {
            What::Node(Node { kind: Kind::Term(term), .. }) => Some(term),
            _ => None,
        }
    }

    pub(super) fn kind(self) -> Option<&'q Kind> {
        match self.what {
            What::Node(node) => Some(&node.kind),
            What::Pattern(_) => None,
        }
    }
}

impl<'q> Shape<'q> {
    /// What taking it apart counts for: a list of 100,000 terms is not had for nothing.
    pub(super) fn steps(&self) -> u32 {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.len() as u32 / PARTS_PER_STEP,
            Self::Leaf => 0,
        }
    }

    fn of(parts: Vec<Claim<'q>>, all: bool) -> Self {
        if all { Self::All(parts) } else { Self::Any(parts) }
    }
}
