//! A query's text to its tree: precedence NOT > AND > OR, all problems at once, each with its place.
//!
//! Recursive descent over `lex`'s tokens, bounded in length, terms and depth, so that no input can exhaust the stack.

use crate::model::Span;
use crate::text::Folded;

use super::ast::{Feature, KINDS, Kind, Node, Term};
use super::errors::{Problem, QueryError, Side, Unanchored};
use super::lex::{Lexeme, Token, lex};
use super::operators::{OURS, instead_of, nearest};
use super::term::{Pattern, PatternError};

/// Longest query, in characters.
pub const QUERY_CHARS_MAX: usize = 8_192;
/// Most terms in a query; a list counts as one.
pub const QUERY_TERMS_MAX: usize = 1_024;
/// Deepest nesting of groups and negations.
pub const DEPTH_MAX: usize = 64;

/// Resolves `list:NAME`. `None` when the pack has no such list.
pub trait Lists {
    /// The patterns of list `name`, folded as the rule asks.
    fn patterns(&self, name: &str) -> Option<Vec<Pattern>>;
    /// All names, for "did you mean".
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl<F: Fn(&str) -> Option<Vec<Pattern>>> Lists for F {
    fn patterns(&self, name: &str) -> Option<Vec<Pattern>> {
        self(name)
    }
}

/// Parses `query`; with `exact`, words must be written just so (`fold = "exact"`).
///
/// # Errors
/// Every problem that was found, in order of place; at least one.
pub fn parse(query: &str, exact: bool, lists: &dyn Lists) -> Result<Node, Vec<QueryError>> {
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
        Parser { lexemes, at: 0, end, exact, lists, terms: 0, depth: 0, quotes_closed, errors, scratch };
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

/// True when every way to satisfy the query requires some text, list or author: an AND needs one operand that does,
/// an OR needs all, a negation never does.
#[must_use]
pub fn has_anchor(node: &Node) -> bool {
    match &node.kind {
        Kind::Term(term) => !term.is_weak(),
        Kind::List { .. } => true,
        Kind::Not(_) => false,
        Kind::And(nodes) => nodes.iter().any(has_anchor),
        Kind::Or(nodes) => nodes.iter().all(has_anchor),
    }
}

struct Parser<'q> {
    lexemes: Vec<Lexeme<'q>>,
    at: usize,
    /// Length of the query.
    end: u32,
    exact: bool,
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
            nodes.extend(self.operand());
        }
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
        self.terms += 1;
        if self.terms == QUERY_TERMS_MAX + 1 {
            self.report(span, Problem::TooManyTerms);
        }
        let kind = match token {
            Token::Word(source) | Token::Quoted(source) => self.text(source),
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

    fn text(&mut self, source: &str) -> Result<Kind, Problem> {
        let pattern = Pattern::read(source, self.exact, &mut self.scratch)
            .map_err(|error| problem_of(error, source))?;
        Ok(Kind::Term(Term::Text(pattern)))
    }

    fn field(&self, name: &str, value: &str) -> Result<Kind, Problem> {
        let name = name.to_lowercase();
        match name.as_str() {
            "from" => from(value).map(Kind::Term),
            "lang" => lang(value).map(Kind::Term),
            "is" => is(value).map(Kind::Term),
            "has" => has(value).map(Kind::Term),
            "list" => self.list(value),
            _ => Err(match instead_of(&name) {
                Some(instead) => Problem::Unsupported { what: format!("the operator `{name}:`"), instead },
                None => Problem::UnknownOperator { nearest: nearest(&name, OURS), name },
            }),
        }
    }

    fn list(&self, name: &str) -> Result<Kind, Problem> {
        let name = required(name, "list", "list:products")?;
        match self.lists.patterns(name) {
            Some(patterns) => Ok(Kind::List { name: name.to_owned(), patterns }),
            None => {
                let nearest = nearest(name, self.lists.names()).map(str::to_owned);
                Err(Problem::UnknownList { name: name.to_owned(), nearest })
            }
        }
    }

    fn check_anchor(&mut self, node: &Node) {
        if let Some(blamed) = unanchored(node) {
            let what = if is_negative(blamed) { Unanchored::Negation } else { Unanchored::Weak };
            self.report(blamed.span, Problem::NoAnchor(what));
        }
    }
}

/// Why `source` is no term.
pub(super) fn problem_of(error: PatternError, source: &str) -> Problem {
    match error {
        PatternError::Empty => Problem::NothingToFind(source.to_owned()),
        PatternError::PrefixTooShort => Problem::PrefixTooShort(source.to_owned()),
        PatternError::MisplacedWildcard => Problem::MisplacedWildcard,
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

/// The smallest part that makes the query unanchored.
fn unanchored(node: &Node) -> Option<&Node> {
    match &node.kind {
        _ if has_anchor(node) => None,
        Kind::Or(nodes) => nodes.iter().find_map(unanchored),
        _ => Some(node),
    }
}

fn is_negative(node: &Node) -> bool {
    match &node.kind {
        Kind::Not(_) => true,
        Kind::And(nodes) => nodes.iter().all(is_negative),
        _ => false,
    }
}

fn required<'v>(value: &'v str, operator: &'static str, example: &'static str) -> Result<&'v str, Problem> {
    let value = value.trim();
    if value.is_empty() { Err(Problem::MissingValue { operator, example }) } else { Ok(value) }
}

fn bad_value(operator: &'static str, value: &str, hint: impl Into<String>) -> Problem {
    Problem::BadValue { operator, value: value.to_owned(), hint: hint.into() }
}

fn from(value: &str) -> Result<Term, Problem> {
    let value = required(value, "from", "from:acmecloud")?;
    let who = value.trim_start_matches('@').to_lowercase();
    if who.is_empty() || who.contains(|c: char| c.is_whitespace() || "()*\"".contains(c)) {
        return Err(bad_value(
            "from",
            value,
            "give one account's handle or id, such as from:acmecloud.example",
        ));
    }
    Ok(Term::From(who))
}

fn lang(value: &str) -> Result<Term, Problem> {
    let value = required(value, "lang", "lang:en")?;
    let lower = value.to_lowercase();
    let is_code = |code: &str| (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase());
    if is_code(&lower) {
        return Ok(Term::Lang(lower));
    }
    let hint = match lower.split_once(['-', '_']) {
        Some((primary, _)) if is_code(primary) => format!("use lang:{primary}: it covers all its regions"),
        _ => "use an ISO 639 code, such as lang:en, lang:pt or lang:ja".to_owned(),
    };
    Err(bad_value("lang", value, hint))
}

fn is(value: &str) -> Result<Term, Problem> {
    let value = required(value, "is", "is:reply")?;
    let lower = value.to_lowercase();
    if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == lower) {
        return Ok(Term::Is(*kind));
    }
    let instead = match lower.as_str() {
        "retweet" | "reshare" | "share" | "boost" | "reblog" => "use is:repost",
        "tweet" | "original" | "status" => "use is:post",
        "comment" | "answer" => "use is:reply",
        "quoted" | "quote_tweet" => "use is:quote",
        "verified" | "nullcast" => "leave it out: there is nothing like it",
        _ => "it is one of is:post, is:reply, is:repost, is:quote",
    };
    Err(bad_value("is", value, instead))
}

fn has(value: &str) -> Result<Term, Problem> {
    let value = required(value, "has", "has:links")?;
    let lower = value.to_lowercase();
    if let Some((_, feature)) = Feature::NAMES.iter().find(|(name, _)| *name == lower) {
        return Ok(Term::Has(*feature));
    }
    let instead = match lower.as_str() {
        "images" | "image" | "videos" | "video" | "photo" | "pictures" | "video_link" | "native_video" => {
            "use has:media".to_owned()
        }
        "geo" | "profile_geo" => "posts carry no places; use place names as words".to_owned(),
        "cashtags" | "symbols" => "write the ticker itself, such as $ACME".to_owned(),
        _ => match nearest(&lower, Feature::NAMES.map(|(name, _)| name)) {
            Some(nearest) => format!("did you mean has:{nearest}?"),
            None => "it is one of has:links, has:media, has:mentions, has:hashtags, has:emoji".to_owned(),
        },
    };
    Err(bad_value("has", value, instead))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::PostKind;

    fn lists(name: &str) -> Option<Vec<Pattern>> {
        (name == "products").then(|| vec![Pattern::new("acme", false).unwrap()])
    }

    fn tree(query: &str) -> Node {
        parse(query, false, &lists).unwrap_or_else(|errors| panic!("{query}: {errors:?}"))
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
        let errors = parse(query, false, &lists).expect_err(query);
        let show = |error: &QueryError| {
            assert!(!error.problem.hint().is_empty() && !error.to_string().is_empty());
            (error.problem.id(), &query[error.span.0 as usize..error.span.1 as usize])
        };
        errors.iter().map(show).collect()
    }

    /// The one problem's hint.
    fn hint(query: &str) -> String {
        let errors = parse(query, false, &lists).expect_err(query);
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
            problems("ab* forom:x OR colo?r (lang:english has:geo list:prodcts !! a*b"),
            [
                ("query-wildcard", "ab*"),
                ("query-unknown-operator", "forom:x"),
                ("query-unsupported", "colo?r"),
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
        assert!(hint("acme is:retweet").contains("is:repost"));
        assert!(hint("acme has:images").contains("has:media"));
        assert!(hint("acme lang:en-GB").contains("lang:en"));
        assert!(hint("acme author:x").contains("from:"));
        assert!(hint("acme raw:\"AT&T\"").contains("exact"));
        assert!(hint("acme url:https://x.example/a").contains("has:links"));
        assert!(hint("acme https://x.example").contains("quotes"));
        assert!(hint("acme from:").contains("from:acme"));
        assert!(hint("acme || b").contains("OR"));
    }

    #[test]
    fn limits_are_errors_and_never_a_crash() {
        assert_eq!(parse(&"a".repeat(8_193), false, &lists).unwrap_err()[0].problem, Problem::TooLong(8_193));
        assert!(parse(&"é".repeat(8_192), false, &lists).is_ok());
        let many = "a ".repeat(1_025);
        assert_eq!(parse(&many, false, &lists).unwrap_err()[0].problem, Problem::TooManyTerms);
        for opener in ["(", "-", "(-"] {
            let deep = format!("{}a", opener.repeat(3_000));
            assert_eq!(parse(&deep, false, &lists).unwrap_err()[0].problem, Problem::TooDeep);
        }
    }

    #[test]
    fn exact_rules_keep_the_spelling() {
        let node = parse("Apple", true, &lists).unwrap();
        let Kind::Term(Term::Text(pattern)) = node.kind else { panic!("a word") };
        assert_eq!(pattern.exact_words().unwrap(), ["Apple"]);
    }

    fn without_spans(mut node: Node) -> Node {
        node.span = (0, 0);
        node.kind = match node.kind {
            Kind::Not(inner) => Kind::Not(Box::new(without_spans(*inner))),
            Kind::And(nodes) => Kind::And(nodes.into_iter().map(without_spans).collect()),
            Kind::Or(nodes) => Kind::Or(nodes.into_iter().map(without_spans).collect()),
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
            let pattern = Pattern::new(&source, false).ok()?;
            (!source.contains('"')).then_some(Kind::Term(Term::Text(pattern)))
        });
        let feature = prop::sample::select(Feature::NAMES.map(|(_, feature)| feature).to_vec());
        prop_oneof![
            6 => text,
            1 => "[a-z.:]{1,8}".prop_map(|who| Kind::Term(Term::From(who))),
            1 => "[a-z]{2,3}".prop_map(|lang| Kind::Term(Term::Lang(lang))),
            1 => feature.prop_map(|feature| Kind::Term(Term::Has(feature))),
            1 => Just(Kind::Term(Term::Is(PostKind::Repost))),
            1 => Just(Kind::List { name: "products".to_owned(), patterns: lists("products").unwrap() }),
        ]
    }

    fn any_tree() -> impl Strategy<Value = Node> {
        any_term().prop_map(node).prop_recursive(5, 40, 4, |inner| {
            let several = prop::collection::vec(inner.clone(), 2..5);
            prop_oneof![
                inner.prop_map(|inner| node(Kind::Not(Box::new(inner)))),
                several.clone().prop_map(|nodes| node(Kind::And(nodes))),
                several.prop_map(|nodes| node(Kind::Or(nodes))),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_printed_query_parses_to_the_same_tree(tree in any_tree()) {
            let anchor = node(Kind::Term(Term::Text(Pattern::new("anchor", false).unwrap())));
            let tree = node(Kind::And(vec![anchor, tree]));
            let printed = tree.to_string();
            let parsed = parse(&printed, false, &lists);
            prop_assert_eq!(parsed.map(without_spans), Ok(tree), "{}", printed);
        }

        #[test]
        fn no_text_crashes_the_parser(text in "\\PC{0,80}") {
            check_any(&text);
        }

        #[test]
        fn no_arrangement_of_tokens_crashes_the_parser(
            parts in prop::collection::vec(prop::sample::select(vec![
                "a", "OR", "AND", "NOT", "-", "(", ")", "\"", "\"b c\"", "lang:en", "x:y", "*", "list:products", "~3", "é",
            ]), 0..30),
            spaced in any::<bool>(),
        ) {
            check_any(&parts.join(if spaced { " " } else { "" }));
        }
    }

    /// Either a tree with an anchor that prints and parses, or errors whose places are in the text.
    fn check_any(text: &str) {
        match parse(text, false, &lists) {
            Ok(node) => {
                assert!(has_anchor(&node));
                let printed = node.to_string();
                let again = parse(&printed, false, &lists).map(without_spans);
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
