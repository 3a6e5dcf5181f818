//! A query's text to its tree: precedence NOT > AND > OR, all problems at once, each with its place.
//!
//! Recursive descent over `lex`'s tokens, bounded in length, terms and depth, so that no input can exhaust the stack.

use std::sync::Arc;

use crate::model::Span;
use crate::text::{CharClass, Folded, char_class};

use super::ast::{Kind, Node, Term};
use super::errors::{NearMisuse, Problem, QueryError, Side, Unanchored};
use super::lex::{Lexeme, Token, lex};
use super::term::{Fold, Form, Pattern, PatternError};
use crate::rules::operators;
use crate::rules::operators::foreign::{instead_of, nearest};

/// Longest query, in characters.
pub const QUERY_CHARS_MAX: usize = 8_192;
/// Most terms in a query; a list counts as one, a word of `"…"~N` too.
pub const QUERY_TERMS_MAX: usize = 1_024;
/// Deepest nesting of groups and negations.
pub const DEPTH_MAX: usize = 64;

/// Resolves `list:NAME`. `None` when the pack has no such list.
pub trait Lists {
    /// The patterns of list `name`, folded as the rule asks.
    fn patterns(&self, name: &str) -> Option<Arc<[Arc<Pattern>]>>;
    /// Gives equal patterns one place in memory, if it can.
    fn share(&self, pattern: Pattern) -> Arc<Pattern> {
        Arc::new(pattern)
    }
    /// All names, for "did you mean".
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl<F: Fn(&str) -> Option<Vec<Pattern>>> Lists for F {
    fn patterns(&self, name: &str) -> Option<Arc<[Arc<Pattern>]>> {
        Some(self(name)?.into_iter().map(Arc::new).collect())
    }
}

/// Parses `query`, whose text terms are read as `fold` says.
///
/// # Errors
/// Every problem that was found, in order of place; at least one.
pub fn parse(query: &str, fold: Fold, lists: &dyn Lists) -> Result<Node, Vec<QueryError>> {
    let whole = (0, query.len() as u32);
    let chars = query.chars().count();
    if chars > QUERY_CHARS_MAX {
        return Err(vec![QueryError { span: whole, problem: Problem::TooLong(chars) }]);
    }
    let mut errors = Vec::new();
    let lexemes = lex(query, &mut errors);
    let quotes_closed = errors.iter().all(|error| error.problem != Problem::UnclosedQuote);
    let (scratch, end) = (Folded::default(), whole.1);
    let mut parser =
        Parser { lexemes, at: 0, end, fold, lists, terms: 0, depth: 0, quotes_closed, errors, scratch };
    let node = parser.query();
    if let Some(node) = &node
        && parser.errors.is_empty()
    {
        parser.check_anchor(node);
    }
    parser.errors.sort_by_key(|error| error.span);
    match node {
        Some(node) if parser.errors.is_empty() => Ok(node),
        _ => Err(parser.errors),
    }
}

/// True when every way to satisfy the query requires a term that can carry a rule: some text, list, account or link.
#[must_use]
pub fn has_anchor(node: &Node) -> bool {
    node.requires(carries)
}

fn carries(term: &Term) -> bool {
    !term.is_weak()
}

struct Parser<'q> {
    lexemes: Vec<Lexeme<'q>>,
    at: usize,
    /// Length of the query.
    end: u32,
    fold: Fold,
    lists: &'q dyn Lists,
    terms: usize,
    depth: usize,
    /// False when the rest of the query vanished in an unclosed phrase: its parentheses are not to be missed.
    quotes_closed: bool,
    errors: Vec<QueryError>,
    scratch: Folded,
}

impl<'q> Parser<'q> {
    fn peek(&self) -> Option<Token<'q>> {
        self.lexemes.get(self.at).map(|lexeme| lexeme.token)
    }

    fn here(&self) -> Span {
        self.lexemes.get(self.at).map_or((self.end, self.end), |lexeme| lexeme.span)
    }

    /// Takes the next token if it is `token`.
    fn eat(&mut self, token: Token<'_>) -> Option<Span> {
        let span = self.here();
        (self.peek() == Some(token)).then(|| {
            self.at += 1;
            span
        })
    }

    fn report(&mut self, span: Span, problem: Problem) {
        self.errors.push(QueryError { span, problem });
    }

    /// Nothing to take as an operand here.
    fn at_operand_end(&self) -> bool {
        matches!(self.peek(), None | Some(Token::Or | Token::And | Token::Close))
    }

    fn query(&mut self) -> Option<Node> {
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
    fn either(&mut self) -> Option<Node> {
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

    fn term(&mut self, token: Token<'q>) -> Option<Node> {
        let span = self.here();
        self.at += 1;
        self.count(span, 1);
        let kind = match token {
            Token::Word(source) => {
                let read = Pattern::word(source, self.fold, &mut self.scratch);
                self.text(source, read)
            }
            Token::Quoted(source) => {
                let read = Pattern::read(source, self.fold, &mut self.scratch);
                self.text(source, read)
            }
            Token::Cased(inner) => {
                let read = Pattern::cased(inner, &mut self.scratch);
                self.text(inner, read)
            }
            Token::Window(source, slack) => {
                self.count(span, source.split_whitespace().count().saturating_sub(1));
                self.window(source, slack)
            }
            Token::Field { name, value: "" } if self.group_touches(span) => self.group_value(name),
            Token::Field { name, value } => self.field(name, value),
            _ => return None,
        };
        match kind {
            Ok(kind) => Some(Node { span, kind }),
            Err(problem) => {
                self.report(span, problem);
                None
            }
        }
    }

    /// Counts terms, and reports once that there are too many.
    fn count(&mut self, span: Span, terms: usize) {
        let had_too_many = self.terms > QUERY_TERMS_MAX;
        self.terms += terms;
        if self.terms > QUERY_TERMS_MAX && !had_too_many {
            self.report(span, Problem::TooManyTerms);
        }
    }

    fn text(&self, source: &str, read: Result<Pattern, PatternError>) -> Result<Kind, Problem> {
        let pattern = read.map_err(|error| problem_of(error, source))?;
        Ok(Kind::Term(Term::Text(self.lists.share(pattern))))
    }

    /// `"a b c"~N`: each word a term of its own.
    fn window(&mut self, source: &str, slack: u8) -> Result<Kind, Problem> {
        let mut terms = Vec::new();
        for word in source.split_whitespace() {
            match Pattern::read(word, self.fold, &mut self.scratch) {
                Ok(Pattern { form: Form::Prefix { .. } | Form::Wildcard { .. }, .. }) => {
                    return Err(Problem::MisplacedWildcard);
                }
                Ok(pattern) => terms.push(self.lists.share(pattern)),
                // As in a phrase, punctuation by itself says nothing.
                Err(PatternError::Empty) => {}
                Err(error) => return Err(problem_of(error, word)),
            }
        }
        if terms.len() < 2 {
            return Err(Problem::Near(NearMisuse::SingleWord));
        }
        Ok(Kind::Window { source: source.to_owned(), terms, slack })
    }

    fn field(&mut self, written: &str, value: &str) -> Result<Kind, Problem> {
        let name = written.to_lowercase();
        match name.as_str() {
            "list" => return self.list(value),
            "raw" => return self.raw(value),
            _ => {}
        }
        match operators::field(&name) {
            Some(field) => field.parse(value).map(Kind::Term),
            None => Err(match instead_of(&name) {
                Some(instead) => Problem::Unsupported {
                    what: format!("the operator `{written}:`"),
                    instead: instead.to_owned(),
                },
                None => Problem::UnknownOperator { nearest: nearest(&name, operators::names()), name },
            }),
        }
    }

    /// A `(` directly behind the colon.
    fn group_touches(&self, field: Span) -> bool {
        self.peek() == Some(Token::Open) && self.here().0 == field.1
    }

    /// `from:(a OR b)`: what to write instead. The group is read past, so that its words are not complained about.
    fn group_value(&mut self, name: &str) -> Result<Kind, Problem> {
        let name = name.to_lowercase();
        let Some(operator) = operators::names().find(|ours| *ours == name) else {
            return self.field(&name, "");
        };
        let mut values = Vec::new();
        while let Some(lexeme) = self.lexemes.get(self.at) {
            self.at += 1;
            match lexeme.token {
                Token::Word(word) => values.push(format!("{operator}:{word}")),
                Token::Quoted(words) => values.push(format!("{operator}:\"{words}\"")),
                Token::Close => break,
                _ => {}
            }
        }
        let instead = match &values[..] {
            [] => format!("({operator}:a OR {operator}:b)"),
            [one] => one.clone(),
            _ => format!("({})", values.join(" OR ")),
        };
        Err(Problem::GroupValue { operator, instead })
    }

    fn raw(&mut self, value: &str) -> Result<Kind, Problem> {
        if value.is_empty() {
            return Err(Problem::MissingValue { operator: "raw", example: "raw:\"AT&T\"" });
        }
        let read = Pattern::raw(value, &mut self.scratch);
        self.text(value, read)
    }

    fn list(&self, name: &str) -> Result<Kind, Problem> {
        let name = name.trim();
        if name.is_empty() {
            return Err(Problem::MissingValue { operator: "list", example: "list:products" });
        }
        match self.lists.patterns(name) {
            Some(patterns) => Ok(Kind::List { name: name.to_owned(), patterns }),
            None => {
                let nearest = nearest(name, self.lists.names()).map(str::to_owned);
                Err(Problem::UnknownList { name: name.to_owned(), nearest })
            }
        }
    }

    fn check_anchor(&mut self, node: &Node) {
        if let Some(blamed) = node.unrequiring(carries) {
            let what = match &blamed.kind {
                _ if is_negative(blamed) => Unanchored::Negation,
                Kind::Term(Term::Text(raw)) if says_something(&raw.source) => Unanchored::Raw,
                _ => Unanchored::Weak,
            };
            self.report(blamed.span, Problem::NoAnchor(what));
        }
    }
}

/// Why `source` is no term.
pub(in crate::rules) fn problem_of(error: PatternError, source: &str) -> Problem {
    match error {
        PatternError::Empty => Problem::NothingToFind(source.to_owned()),
        PatternError::PrefixTooShort => Problem::PrefixTooShort(source.to_owned()),
        PatternError::MisplacedWildcard => Problem::MisplacedWildcard,
    }
}

/// True for what has places in a text: terms, lists, and an OR of these.
fn stands_somewhere(node: &Node) -> bool {
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

/// True when there is more than punctuation.
fn says_something(text: &str) -> bool {
    let says = |c| matches!(char_class(c), CharClass::Word | CharClass::Unspaced | CharClass::Emoji);
    text.chars().any(says)
}

fn is_negative(node: &Node) -> bool {
    match &node.kind {
        Kind::Not(_) => true,
        Kind::And(nodes) => nodes.iter().all(is_negative),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::PostKind;
    use crate::rules::query::ast::Feature;
    use crate::rules::query::comparison::Comparison;

    fn lists(name: &str) -> Option<Vec<Pattern>> {
        (name == "products").then(|| vec![Pattern::new("acme", Fold::Standard).unwrap()])
    }

    fn tree(query: &str) -> Node {
        parse(query, Fold::Standard, &lists).unwrap_or_else(|errors| panic!("{query}: {errors:?}"))
    }

    /// The tree with every group visible.
    fn shape(query: &str) -> String {
        fn show(node: &Node) -> String {
            let joined = |nodes: &[Node], by: &str| nodes.iter().map(show).collect::<Vec<_>>().join(by);
            match &node.kind {
                Kind::And(nodes) => format!("({})", joined(nodes, " & ")),
                Kind::Or(nodes) => format!("({})", joined(nodes, " | ")),
                Kind::Not(inner) => format!("!{}", show(inner)),
                _ => node.to_string(),
            }
        }
        show(&tree(query))
    }

    /// The problems' ids, and the characters that they point at.
    fn problems(query: &str) -> Vec<(&'static str, &str)> {
        let errors = parse(query, Fold::Standard, &lists).expect_err(query);
        let show = |error: &QueryError| {
            assert!(!error.problem.hint().is_empty() && !error.to_string().is_empty());
            (error.problem.id(), &query[error.span.0 as usize..error.span.1 as usize])
        };
        errors.iter().map(show).collect()
    }

    /// The one problem's hint.
    fn hint(query: &str) -> String {
        let errors = parse(query, Fold::Standard, &lists).expect_err(query);
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].problem.hint()
    }

    #[test]
    fn not_binds_tighter_than_and_and_and_tighter_than_or() {
        assert_eq!(shape("a b OR c AND d"), "((a & b) | (c & d))");
        assert_eq!(shape("a -b c OR d"), "((a & !b & c) | d)");
        assert_eq!(shape("a NOT (b OR c)"), "(a & !(b | c))");
        assert_eq!(shape("a -(b c) --d"), "(a & !(b & c) & !!d)");
        assert_eq!(shape("((a)) (b c)"), "(a & (b & c))");
    }

    #[test]
    fn the_query_of_the_manual_parses() {
        let query =
            r#"("acme cloud" OR @acmecloud OR #acmedown) (down OR outage OR "not working") -is:repost"#;
        assert_eq!(tree(query).to_string(), query);
        assert_eq!(
            tree("LIST:products From:@Acme.Example lang:EN has:media 🤬 네슬레 outag* $ACME").to_string(),
            "list:products from:acme.example lang:en has:media 🤬 네슬레 outag* $ACME"
        );
    }

    #[test]
    fn every_form_of_the_manual_parses_and_prints_itself() {
        for query in [
            "\"not working\"~3 acme",
            "acme NEAR/5 (down OR outage)",
            "list:products ONEAR/3 \"not working\" -b",
            "acme -(b NEAR/2 c)",
            "(a NEAR/1 b) OR c",
            "outag* *phone colo?r in*ing",
            "{Apple} {Apple Pie} raw:\"AT&T\" raw:\":-(\"",
            "to:acme.example mentions:did:plc:x source:bluesky",
            "url:acme.example/status domain:acme.example",
            "acme followers:>1000 sentiment:<-0.3 urgency:0.5..1 intent:churn",
        ] {
            let printed = tree(query).to_string();
            assert_eq!(without_spans(tree(&printed)), without_spans(tree(query)), "{printed}");
            let groups = |text: &str| text.matches('(').count();
            assert!(groups(&printed) <= groups(query), "{printed}");
        }
    }

    #[test]
    fn near_takes_terms_and_groups_of_alternatives() {
        assert_eq!(problems("acme NEAR/5 (a b)"), [("query-proximity", "(a b)")]);
        assert_eq!(problems("-acme NEAR/5 b"), [("query-proximity", "-acme")]);
        assert_eq!(problems("acme NEAR/5 lang:en"), [("query-proximity", "lang:en")]);
        assert_eq!(problems("a NEAR/5 b NEAR/5 c"), [("query-proximity", "NEAR/5")]);
        assert_eq!(problems("acme NEAR/5"), [("query-operand", "NEAR/5")]);
        assert_eq!(problems("NEAR/5 acme"), [("query-operand", "NEAR/5")]);
        assert_eq!(problems("\"acme\"~3"), [("query-proximity", "\"acme\"~3")]);
        assert_eq!(problems("\"acme dow*\"~3"), [("query-wildcard", "\"acme dow*\"~3")]);
    }

    #[test]
    fn raw_punctuation_cannot_carry_a_rule() {
        assert_eq!(problems("raw:\":-(\""), [("query-no-anchor", "raw:\":-(\"")]);
        for query in ["raw:\"네슬레\"", "raw:\"#AcmeDown\"", "raw:\"🤬\""] {
            assert_eq!(problems(query), [("query-no-anchor", query)]);
            assert!(hint(query).contains("{Case}"), "{query}");
        }
        assert!(has_anchor(&tree("raw:\"AT&T\"")) && has_anchor(&tree("raw:\":-(\" acme")));
    }

    #[test]
    fn spans_cover_what_was_written() {
        let query = "acme (down OR \"not ok\") -x";
        let Kind::And(nodes) = tree(query).kind else { panic!("an AND") };
        let written: Vec<&str> =
            nodes.iter().map(|node| &query[node.span.0 as usize..node.span.1 as usize]).collect();
        assert_eq!(written, ["acme", "(down OR \"not ok\")", "-x"]);
    }

    #[test]
    fn unbalanced_queries_point_at_the_opener() {
        assert_eq!(problems("acme (down OR (out"), [("query-parentheses", "("), ("query-parentheses", "(")]);
        assert_eq!(problems("acme) down"), [("query-parentheses", ")")]);
        assert_eq!(problems("(acme \"down) x"), [("query-quotes", "\"")]);
        assert_eq!(problems("acme ()"), [("query-empty", "()")]);
        assert_eq!(problems(""), [("query-empty", "")]);
        assert_eq!(problems("  "), [("query-empty", "  ")]);
        assert_eq!(problems("\"\""), [("query-nothing-to-find", "\"\"")]);
    }

    #[test]
    fn a_group_behind_a_colon_is_answered_with_the_values_spelt_out() {
        assert_eq!(problems("acme lang:(de OR en) down"), [("query-value", "lang:")]);
        assert!(hint("acme lang:(de OR en) down").contains("(lang:de OR lang:en)"));
        assert!(hint("from:(a.example b.example)").contains("(from:a.example OR from:b.example)"));
        assert_eq!(problems("acme lang:("), [("query-value", "lang:")]);
    }

    #[test]
    fn an_unclosed_value_is_one_problem() {
        assert_eq!(problems("raw:\"acme"), [("query-quotes", "\"")]);
    }

    #[test]
    fn a_number_apart_from_near_is_told_in_one_piece() {
        assert_eq!(problems("acme NEAR /3 down"), [("query-proximity", "NEAR /3")]);
        assert_eq!(problems("acme NEAR/ 3 down"), [("query-proximity", "NEAR/ 3")]);
        assert_eq!(problems("acme NEAR/x down"), [("query-proximity", "NEAR/x")]);
    }

    #[test]
    fn a_dangling_operator_is_the_problem() {
        assert_eq!(problems("OR acme"), [("query-operand", "OR")]);
        assert_eq!(problems("acme OR"), [("query-operand", "OR")]);
        assert_eq!(problems("acme OR OR b"), [("query-operand", "OR")]);
        assert_eq!(problems("(acme OR ) b"), [("query-operand", "OR")]);
        assert_eq!(problems("AND acme"), [("query-operand", "AND")]);
        assert_eq!(problems("acme AND"), [("query-operand", "AND")]);
        assert_eq!(problems("acme NOT"), [("query-operand", "NOT")]);
        assert_eq!(problems("acme (b -)"), [("query-operand", "-")]);
    }

    #[test]
    fn all_problems_are_reported_at_once_in_order() {
        assert_eq!(
            problems("ab* forom:x OR acme (lang:english has:geo list:prodcts !! a*b"),
            [
                ("query-wildcard", "ab*"),
                ("query-unknown-operator", "forom:x"),
                ("query-parentheses", "("),
                ("query-value", "lang:english"),
                ("query-value", "has:geo"),
                ("query-unknown-list", "list:prodcts"),
                ("query-nothing-to-find", "!!"),
                ("query-wildcard", "a*b"),
            ]
        );
    }

    #[test]
    fn a_query_needs_a_positive_anchor_on_every_side_of_an_or() {
        for (query, blamed) in [
            ("-acme", "-acme"),
            ("lang:en is:post", "lang:en is:post"),
            ("acme OR lang:en", "lang:en"),
            ("acme OR (b OR -c)", "-c"),
            ("-a -b", "-a -b"),
            ("--acme", "--acme"),
        ] {
            assert_eq!(problems(query), [("query-no-anchor", blamed)]);
        }
        for query in ["acme -b", "lang:en (a OR from:b OR list:products)", "a OR b lang:en", "🤬"] {
            assert!(has_anchor(&tree(query)), "{query}");
        }
    }

    #[test]
    fn hints_say_what_to_write_instead() {
        assert!(hint("acme form:x").contains("`from:`"));
        assert!(hint("acme is:boost").contains("is:repost"));
        assert!(hint("acme has:images").contains("has:media"));
        assert!(hint("acme lang:en-GB").contains("lang:en"));
        assert!(hint("acme author:x").contains("from:"));
        assert!(hint("acme url_contains:x").contains("url:"));
        assert!(hint("acme https://x.example").contains("url:"));
        assert!(hint("acme followers_count:>9").contains("followers:"));
        assert!(hint("acme sentiment:5").contains("-1"));
        assert!(hint("acme NEAR/5f down").contains("ONEAR"));
        assert!(hint("(acme NEAR/5 down) NEAR/5 out").contains("parentheses"));
        assert!(hint("acme from:").contains("from:acme"));
        assert!(hint("acme || b").contains("OR"));
    }

    #[test]
    fn limits_are_errors_and_never_a_crash() {
        assert_eq!(
            parse(&"a".repeat(8_193), Fold::Standard, &lists).unwrap_err()[0].problem,
            Problem::TooLong(8_193)
        );
        assert!(parse(&"é".repeat(8_192), Fold::Standard, &lists).is_ok());
        let many = "a ".repeat(1_025);
        assert_eq!(parse(&many, Fold::Standard, &lists).unwrap_err()[0].problem, Problem::TooManyTerms);
        let window = format!("\"{}\"~50", "a ".repeat(1_025));
        assert_eq!(parse(&window, Fold::Standard, &lists).unwrap_err()[0].problem, Problem::TooManyTerms);
        for opener in ["(", "-", "(-"] {
            let deep = format!("{}a", opener.repeat(3_000));
            assert_eq!(parse(&deep, Fold::Standard, &lists).unwrap_err()[0].problem, Problem::TooDeep);
        }
    }

    #[test]
    fn a_printed_query_is_no_deeper() {
        let deepest = format!("acme {}b", "-".repeat(DEPTH_MAX - 1));
        assert_eq!(tree(&deepest).to_string(), deepest);
    }

    #[test]
    fn exact_rules_keep_the_spelling() {
        let node = parse("Apple", Fold::Exact, &lists).unwrap();
        let Kind::Term(Term::Text(pattern)) = node.kind else { panic!("a word") };
        assert_eq!(pattern.exact_words().unwrap(), ["Apple"]);
        for query in ["\"{App\" b", "\"{a} {b}\"", "{Apple}", "\"{Apple}\"", "{a\"ア}", "\"{ア}\""] {
            let node = parse(query, Fold::Exact, &lists).unwrap();
            let again = parse(&node.to_string(), Fold::Exact, &lists).map(without_spans);
            assert_eq!(again, Ok(without_spans(node)), "{query}");
        }
    }

    fn without_spans(mut node: Node) -> Node {
        node.span = (0, 0);
        node.kind = match node.kind {
            Kind::Not(inner) => Kind::Not(Box::new(without_spans(*inner))),
            Kind::And(nodes) => Kind::And(nodes.into_iter().map(without_spans).collect()),
            Kind::Or(nodes) => Kind::Or(nodes.into_iter().map(without_spans).collect()),
            Kind::Near { left, right, distance, ordered } => {
                let [left, right] = [left, right].map(|side| Box::new(without_spans(*side)));
                Kind::Near { left, right, distance, ordered }
            }
            kind => kind,
        };
        node
    }

    fn node(kind: Kind) -> Node {
        Node { span: (0, 0), kind }
    }

    fn any_term() -> impl Strategy<Value = Kind> {
        let text = prop_oneof![
            "[#@$]?[a-zA-Z0-9]{1,6}\\*?",
            "[a-zA-Z .'&?!:~-]{1,12}",
            "(OR|AND|NOT|NEAR/5|-a|a:b|🤬|네슬레|a b)",
            "\\PC{1,6}",
        ];
        let text = text.prop_filter_map("a term", |source| {
            let pattern = Pattern::new(&source, Fold::Standard).ok()?;
            (!source.contains('"')).then_some(Kind::Term(Term::Text(Arc::new(pattern))))
        });
        let term = |read: Result<Pattern, PatternError>| {
            read.ok().map(|pattern| Kind::Term(Term::Text(Arc::new(pattern))))
        };
        let wildcard = "[a-z]{0,3}[*?]{1,2}[a-z]{0,3}".prop_filter_map("a wildcard", move |source| {
            term(Pattern::word(&source, Fold::Standard, &mut Folded::default()))
        });
        let raw = "[a-zA-Z &.'é🤬]{1,6}"
            .prop_filter_map("raw", move |source| term(Pattern::raw(&source, &mut Folded::default())));
        let window = ("[a-z]{1,5}( [a-z]{1,5}){1,3}", 0..=50_u8).prop_map(|(source, slack)| {
            let terms =
                source.split(' ').map(|word| Arc::new(Pattern::new(word, Fold::Standard).unwrap())).collect();
            Kind::Window { source, terms, slack }
        });
        let feature = prop::sample::select(Feature::NAMES.map(|(_, feature)| feature).to_vec());
        prop_oneof![
            6 => text,
            1 => wildcard,
            1 => raw,
            1 => window,
            1 => (any::<u8>(), any::<bool>()).prop_map(|(bound, above)| {
                let bound = f32::from(bound) / 255.0;
                let range = if above { Comparison::Above(bound) } else { Comparison::Within(-bound, bound) };
                Kind::Term(Term::Sentiment(range))
            }),
            1 => "[a-z.:]{1,8}".prop_map(|who| Kind::Term(Term::From(who))),
            1 => "[a-z]{2,3}".prop_map(|lang| Kind::Term(Term::Lang(lang))),
            1 => feature.prop_map(|feature| Kind::Term(Term::Has(feature))),
            1 => Just(Kind::Term(Term::Is(PostKind::Repost))),
            1 => Just(Kind::List { name: "products".to_owned(), patterns: Lists::patterns(&lists, "products").unwrap() }),
        ]
    }

    fn any_tree() -> impl Strategy<Value = Node> {
        any_term().prop_map(node).prop_recursive(5, 40, 4, |inner| {
            let several = prop::collection::vec(inner.clone(), 2..5);
            prop_oneof![
                inner.prop_map(|inner| node(Kind::Not(Box::new(inner)))),
                (any_term(), any_term(), 1..=50_u8, any::<bool>()).prop_filter_map(
                    "places",
                    |(left, right, distance, ordered)| {
                        let (left, right) = (node(left), node(right));
                        let fits = stands_somewhere(&left) && stands_somewhere(&right);
                        fits.then(|| {
                            node(Kind::Near {
                                left: Box::new(left),
                                right: Box::new(right),
                                distance,
                                ordered,
                            })
                        })
                    }
                ),
                several.clone().prop_map(|nodes| node(Kind::And(nodes))),
                several.prop_map(|nodes| node(Kind::Or(nodes))),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_printed_query_parses_to_the_same_tree(tree in any_tree()) {
            let anchor = node(Kind::Term(Term::Text(Arc::new(Pattern::new("anchor", Fold::Standard).unwrap()))));
            let tree = node(Kind::And(vec![anchor, tree]));
            let printed = tree.to_string();
            let parsed = parse(&printed, Fold::Standard, &lists);
            prop_assert_eq!(parsed.map(without_spans), Ok(tree), "{}", printed);
        }

        #[test]
        fn no_text_crashes_the_parser(text in "\\PC{0,80}") {
            check_any(&text);
        }

        #[test]
        fn no_arrangement_of_tokens_crashes_the_parser(
            parts in prop::collection::vec(prop::sample::select(vec![
                "a", "OR", "AND", "NOT", "-", "(", ")", "\"", "\"b c\"", "lang:en", "x:y", "*", "list:products", "~3", "é", "NEAR/3", "ONEAR/9", "{A", "}", "b*", "?", "raw:", "sentiment:<0",
            ]), 0..30),
            spaced in any::<bool>(),
        ) {
            check_any(&parts.join(if spaced { " " } else { "" }));
        }
    }

    /// Either a tree with an anchor that prints and parses, or errors whose places are in the text.
    fn check_any(text: &str) {
        match parse(text, Fold::Standard, &lists) {
            Ok(node) => {
                assert!(has_anchor(&node));
                let printed = node.to_string();
                let again = parse(&printed, Fold::Standard, &lists).map(without_spans);
                assert_eq!(again, Ok(without_spans(node)), "{printed}");
            }
            Err(errors) => {
                assert!(!errors.is_empty());
                for error in errors {
                    assert!(text.get(error.span.0 as usize..error.span.1 as usize).is_some());
                }
            }
        }
    }
}
