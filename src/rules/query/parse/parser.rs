//! The grammar: OR, AND, NEAR, NOT and groups, by recursive descent.

use crate::model::Span;
use crate::text::Folded;

use super::lists::Lists;
use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::errors::{NearMisuse, Problem, QueryError, Side};
use crate::rules::query::lex::{Lexeme, Token};
use crate::rules::query::limits::DEPTH_MAX;
use crate::rules::query::term::Fold;

/// Reads the lexemes of one query from left to right.
pub(super) struct Parser<'q> {
    pub(super) lexemes: Vec<Lexeme<'q>>,
    pub(super) at: usize,
    /// Length of the query.
    pub(super) end: u32,
    pub(super) fold: Fold,
    pub(super) lists: &'q dyn Lists,
    pub(super) terms: usize,
    pub(super) depth: usize,
    /// False when the rest of the query vanished in an unclosed phrase: its parentheses are not to be missed.
    pub(super) quotes_closed: bool,
    pub(super) errors: Vec<QueryError>,
    pub(super) scratch: Folded,
}

impl<'q> Parser<'q> {
    /// A parser of these lexemes, of a query that ends at byte `end`; `errors` are those found so far.
    pub(super) fn new(
        lexemes: Vec<Lexeme<'q>>,
        end: u32,
        fold: Fold,
        lists: &'q dyn Lists,
        errors: Vec<QueryError>,
    ) -> Self {
        let quotes_closed = errors.iter().all(|error| error.problem != Problem::UnclosedQuote);
        let scratch = Folded::default();
        Self { lexemes, at: 0, end, fold, lists, terms: 0, depth: 0, quotes_closed, errors, scratch }
    }

    pub(super) fn peek(&self) -> Option<Token<'q>> {
        self.lexemes.get(self.at).map(|lexeme| lexeme.token)
    }

    pub(super) fn here(&self) -> Span {
        self.lexemes.get(self.at).map_or((self.end, self.end), |lexeme| lexeme.span)
    }

    /// Takes the next token if it is `token`.
    pub(super) fn eat(&mut self, token: Token<'_>) -> Option<Span> {
        let span = self.here();
        (self.peek() == Some(token)).then(|| {
            self.at += 1;
            span
        })
    }

    pub(super) fn report(&mut self, span: Span, problem: Problem) {
        self.errors.push(QueryError { span, problem });
    }

    /// Nothing to take as an operand here.
    pub(super) fn at_operand_end(&self) -> bool {
        matches!(self.peek(), None | Some(Token::Or | Token::And | Token::Close))
    }

    pub(super) fn query(&mut self) -> Option<Node> {
        if self.lexemes.is_empty() {
            self.report((0, self.end), Problem::Empty);
            return None;
        }
        let node = self.either();
        while let Some(span) = self.eat(Token::Close) {
            self.report(span, Problem::StrayClose);
            // An operator here had its operand before the stray parenthesis.
            if matches!(self.peek(), Some(Token::Or | Token::And)) {
                self.at += 1;
            }
            if self.peek().is_some() {
                self.either();
            }
        }
        node
    }

    /// Operands of OR.
    pub(super) fn either(&mut self) -> Option<Node> {
        let mut nodes = Vec::new();
        let mut operator = None;
        loop {
            match operator {
                Some(span) if matches!(self.peek(), None | Some(Token::Or | Token::Close)) => {
                    self.report(span, Problem::MissingOperand("OR", Side::After));
                }
                None if self.peek() == Some(Token::Or) => {
                    self.report(self.here(), Problem::MissingOperand("OR", Side::Before));
                }
                _ => nodes.extend(self.all()),
            }
            operator = self.eat(Token::Or);
            if operator.is_none() {
                return join(nodes, Kind::Or);
            }
        }
    }

    /// Operands of AND, written or implied.
    fn all(&mut self) -> Option<Node> {
        let mut nodes = Vec::new();
        if self.peek() == Some(Token::And) {
            self.report(self.here(), Problem::MissingOperand("AND", Side::Before));
        }
        loop {
            if let Some(span) = self.eat(Token::And) {
                if self.at_operand_end() {
                    self.report(span, Problem::MissingOperand("AND", Side::After));
                }
                continue;
            }
            if self.at_operand_end() {
                return join(nodes, Kind::And);
            }
            nodes.extend(self.close_operands());
        }
    }

    /// An operand, or two with NEAR between them.
    fn close_operands(&mut self) -> Option<Node> {
        let left = self.operand();
        let Some(Token::Near { distance, ordered }) = self.peek() else { return left };
        let operator = self.here();
        self.at += 1;
        if self.at_operand_end() {
            self.report(operator, Problem::MissingOperand("NEAR", Side::After));
            return left;
        }
        let right = self.operand();
        if matches!(self.peek(), Some(Token::Near { .. })) {
            self.report(self.here(), Problem::Near(NearMisuse::Chain));
            self.at += 1;
        }
        let (left, right) = (self.near_operand(left?)?, self.near_operand(right?)?);
        let span = (left.span.0, right.span.1);
        let kind = Kind::Near { left: Box::new(left), right: Box::new(right), distance, ordered };
        Some(Node { span, kind })
    }

    fn near_operand(&mut self, node: Node) -> Option<Node> {
        if stands_somewhere(&node) {
            return Some(node);
        }
        self.report(node.span, Problem::Near(NearMisuse::Operand));
        None
    }

    fn operand(&mut self) -> Option<Node> {
        if self.depth == DEPTH_MAX {
            self.report(self.here(), Problem::TooDeep);
            // What follows would only be reported as unbalanced.
            self.quotes_closed = false;
            self.at = self.lexemes.len();
            return None;
        }
        self.depth += 1;
        let node = match self.peek()? {
            Token::Not => self.negation(),
            Token::Open => self.group(),
            Token::Near { .. } => {
                self.report(self.here(), Problem::MissingOperand("NEAR", Side::Before));
                self.at += 1;
                None
            }
            token => self.term(token),
        };
        self.depth -= 1;
        node
    }

    fn negation(&mut self) -> Option<Node> {
        let span = self.here();
        self.at += 1;
        if self.at_operand_end() {
            let name = if span.1 - span.0 == 1 { "-" } else { "NOT" };
            self.report(span, Problem::MissingOperand(name, Side::After));
            return None;
        }
        let inner = self.operand()?;
        Some(Node { span: (span.0, inner.span.1), kind: Kind::Not(Box::new(inner)) })
    }

    fn group(&mut self) -> Option<Node> {
        let open = self.here();
        self.at += 1;
        if let Some(close) = self.eat(Token::Close) {
            self.report((open.0, close.1), Problem::EmptyGroup);
            return None;
        }
        // At the end of the query the unclosed group is the problem, not the missing operand.
        let inner = if self.peek().is_some() { self.either() } else { None };
        match self.eat(Token::Close) {
            Some(close) => inner.map(|node| Node { span: (open.0, close.1), ..node }),
            None => {
                if self.quotes_closed {
                    self.report(open, Problem::UnclosedGroup);
                }
                None
            }
        }
    }
}

/// True for what has places in a text: terms, lists, and an OR of these.
pub(super) fn stands_somewhere(node: &Node) -> bool {
    match &node.kind {
        Kind::Term(Term::Text(_)) | Kind::List { .. } => true,
        Kind::Or(nodes) => nodes.iter().all(stands_somewhere),
        _ => false,
    }
}

/// One node of its own, or several under `kind`.
fn join(mut nodes: Vec<Node>, kind: fn(Vec<Node>) -> Kind) -> Option<Node> {
    if nodes.len() < 2 {
        return nodes.pop();
    }
    let span = (nodes[0].span.0, nodes[nodes.len() - 1].span.1);
    Some(Node { span, kind: kind(nodes) })
}
