//! A query's characters as tokens with their places. Knows quotes, words, `name:value`, parentheses and the minus.
//!
//! Refuses here what can be told from one token: foreign symbols, wildcards and quotes from elsewhere.

use crate::model::Span;

use super::errors::{Problem, QueryError};
use super::near;
use crate::rules::operators::foreign;

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Token<'q> {
    Open,
    Close,
    Or,
    And,
    /// `NOT`, or a `-` before something.
    Not,
    /// A word as written.
    Word(&'q str),
    /// What stands between quotes.
    Quoted(&'q str),
    /// `"…"~N`: all these words, with at most N others among them.
    Window(&'q str, u8),
    /// `{Case}`: what stands between the braces.
    Cased(&'q str),
    /// `NEAR/N` and, in order, `ONEAR/N`.
    Near {
        distance: u8,
        ordered: bool,
    },
    /// `name:value`; the value may be empty.
    Field {
        name: &'q str,
        value: &'q str,
    },
    /// Already reported; stands for a term so that its neighbours keep their operands.
    Refused,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(in crate::rules) struct Lexeme<'q> {
    pub(in crate::rules) token: Token<'q>,
    pub(in crate::rules) span: Span,
}

/// Cuts `query` into tokens; problems go to `errors`.
pub(in crate::rules) fn lex<'q>(query: &'q str, errors: &mut Vec<QueryError>) -> Vec<Lexeme<'q>> {
    let mut lexer = Lexer { query, at: 0, errors };
    let mut lexemes = Vec::new();
    while let Some(lexeme) = lexer.next() {
        lexemes.push(lexeme);
    }
    lexemes
}

struct Lexer<'q, 'e> {
    query: &'q str,
    at: usize,
    errors: &'e mut Vec<QueryError>,
}

impl<'q> Lexer<'q, '_> {
    fn next(&mut self) -> Option<Lexeme<'q>> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        let start = self.at;
        let token = match self.rest().chars().next()? {
            '(' => self.take(1, Token::Open),
            ')' => self.take(1, Token::Close),
            '"' => self.quoted(),
            '{' => self.braced(),
            '-' => self.minus(),
            _ => self.word(),
        };
        Some(Lexeme { token, span: (start as u32, self.at as u32) })
    }

    fn rest(&self) -> &'q str {
        &self.query[self.at..]
    }

    fn take(&mut self, len: usize, token: Token<'q>) -> Token<'q> {
        self.at += len;
        token
    }

    fn refuse(&mut self, start: usize, problem: Problem) -> Token<'q> {
        self.errors.push(QueryError { span: (start as u32, self.at as u32), problem });
        Token::Refused
    }

    fn minus(&mut self) -> Token<'q> {
        let start = self.at;
        self.at += 1;
        match self.rest().chars().next() {
            Some(c) if !c.is_whitespace() => Token::Not,
            _ => self.refuse(start, Problem::LoneMinus),
        }
    }

    fn quoted(&mut self) -> Token<'q> {
        let start = self.at;
        let Some(inner) = self.quoted_text() else {
            self.at = start + 1;
            self.refuse(start, Problem::UnclosedQuote);
            self.at = self.query.len();
            return Token::Refused;
        };
        let end = self.at;
        let Some(digits) = self.rest().strip_prefix('~').map(digits_len) else { return Token::Quoted(inner) };
        self.at += 1 + digits;
        match distance(&self.query[end + 1..self.at]) {
            Some(slack) => Token::Window(inner, slack),
            None => self.refuse(end, Problem::Distance("~")),
        }
    }

    fn braced(&mut self) -> Token<'q> {
        let (start, rest) = (self.at, self.rest());
        match rest.find('}') {
            Some(len) => {
                self.at += len + 1;
                Token::Cased(&rest[1..len])
            }
            None => {
                self.at += rest.find(char::is_whitespace).unwrap_or(rest.len());
                self.refuse(start, Problem::UnclosedBrace)
            }
        }
    }

    /// The text between the quote here and the next one; `None` when there is no next one.
    fn quoted_text(&mut self) -> Option<&'q str> {
        let inner = &self.rest()[1..];
        let len = inner.find('"')?;
        self.at += len + 2;
        Some(&inner[..len])
    }

    fn word(&mut self) -> Token<'q> {
        let start = self.at;
        let rest = self.rest();
        let len = rest.find(ends_word).unwrap_or(rest.len());
        let word = &rest[..len];
        if let Some(name) = field_name(word) {
            return self.field(name);
        }
        self.at += len;
        match word {
            "OR" => Token::Or,
            "AND" => Token::And,
            "NOT" => Token::Not,
            _ if is_near(word) || is_near_apart(word, &rest[len..]) => self.near(start, word),
            _ => match refusal(word) {
                Some(problem) => self.refuse(start, problem),
                None => Token::Word(word),
            },
        }
    }

    fn near(&mut self, start: usize, word: &'q str) -> Token<'q> {
        let (name, number) = word.split_once('/').unwrap_or((word, ""));
        if number.is_empty() {
            // `NEAR /3`, `NEAR / 3`: the number goes with it.
            let apart = |c: char| c.is_whitespace() || c == '/' || c.is_ascii_digit();
            self.at += self.rest().find(|c| !apart(c)).unwrap_or(self.rest().len());
            self.at -= self.query[start..self.at].len() - self.query[start..self.at].trim_end().len();
        }
        match distance(number).filter(|&distance| distance > 0) {
            Some(distance) => Token::Near { distance, ordered: name == "ONEAR" },
            None if number.ends_with(['f', 'F']) => self.refuse(start, Problem::DirectedNear),
            None => self.refuse(start, Problem::Distance("NEAR/")),
        }
    }

    fn field(&mut self, name: &'q str) -> Token<'q> {
        self.at += name.len() + 1;
        let rest = self.rest();
        let value = if rest.starts_with('"') {
            match self.quoted_text() {
                Some(value) => value,
                None => return self.quoted(),
            }
        } else {
            let len = rest.find(ends_word).unwrap_or(rest.len());
            self.at += len;
            &rest[..len]
        };
        Token::Field { name, value }
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"')
}

/// A number of words, up to the farthest allowed.
fn distance(number: &str) -> Option<u8> {
    number.parse().ok().filter(|&distance| distance <= near::DISTANCE_MAX)
}

fn digits_len(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// What stands before the colon, when it looks like the name of an operator rather than a time or a smiley.
fn field_name(word: &str) -> Option<&str> {
    let (name, _) = word.split_once(':')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    is_name.then_some(name)
}

/// Why a bare word cannot be what it seems.
fn refusal(word: &str) -> Option<Problem> {
    if let Some(instead) = foreign::foreign_symbol(word) {
        return Some(Problem::ForeignSymbol(word.to_owned(), instead));
    }
    if word.contains(is_typographic_quote) {
        return Some(Problem::TypographicQuote);
    }
    if word.starts_with(is_typographic_dash) {
        return Some(Problem::TypographicDash);
    }
    if word.contains(['{', '}']) {
        return Some(Problem::MisplacedBrace);
    }
    if word.len() > 2 && word.starts_with('/') && word.ends_with('/') {
        return Some(unsupported(
            "a regular expression",
            "list the forms with OR, or use a prefix such as outag*",
        ));
    }
    if is_stray_distance(word) {
        return Some(unsupported(
            "`~` that does not directly follow a phrase",
            "write `\"acme down\"~3` for words that stand close together",
        ));
    }
    is_fuzzy(word).then(|| {
        unsupported(
            "fuzzy search, `~`,",
            "list the spellings with OR, use wildcards such as outag* and colo?r, or fold = \"loose\" on the rule",
        )
    })
}

fn unsupported(what: impl Into<String>, instead: &str) -> Problem {
    Problem::Unsupported { what: what.into(), instead: instead.to_owned() }
}

/// `NEAR/5`, `ONEAR/5`, `NEAR/5f`; not the word NEAR.
fn is_near(word: &str) -> bool {
    word.strip_prefix('O').unwrap_or(word).strip_prefix("NEAR/").is_some()
}

/// `NEAR /5`: its number stands apart.
fn is_near_apart(word: &str, rest: &str) -> bool {
    matches!(word, "NEAR" | "ONEAR") && rest.trim_start().starts_with('/')
}

/// `acme~` or `acme~2`.
fn is_fuzzy(word: &str) -> bool {
    word.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with('~')
}

/// `~3` that is not directly behind a phrase.
fn is_stray_distance(word: &str) -> bool {
    word.strip_prefix('~').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(in crate::rules) fn is_typographic_quote(c: char) -> bool {
    matches!(c, '“' | '”' | '„' | '‟' | '«' | '»')
}

pub(in crate::rules) fn is_typographic_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(query: &str) -> Vec<Token<'_>> {
        let mut errors = Vec::new();
        let lexemes = lex(query, &mut errors);
        assert_eq!(errors, []);
        lexemes.into_iter().map(|lexeme| lexeme.token).collect()
    }

    fn refusals(query: &str) -> Vec<(Span, &'static str)> {
        let mut errors = Vec::new();
        lex(query, &mut errors);
        errors.iter().map(|error| (error.span, error.problem.id())).collect()
    }

    #[test]
    fn words_keep_their_sigils_and_inner_punctuation() {
        use Token::{And, Close, Field, Not, Open, Or, Quoted, Word};
        assert_eq!(
            tokens("a OR (#b -\"c d\") AND NOT @e.com H&M 10:30 :) from:did:plc:x"),
            [
                Word("a"),
                Or,
                Open,
                Word("#b"),
                Not,
                Quoted("c d"),
                Close,
                And,
                Not,
                Word("@e.com"),
                Word("H&M"),
                Word("10:30"),
                Word(":"),
                Close,
                Field { name: "from", value: "did:plc:x" }
            ]
        );
    }

    #[test]
    fn an_unclosed_quote_is_marked_at_its_opening() {
        assert_eq!(refusals("acme \"cloud down"), [((5, 6), "query-quotes")]);
    }

    #[test]
    fn distances_and_braces_are_read() {
        use Token::{Cased, Near, Window, Word};
        assert_eq!(
            tokens("a NEAR/5 b ONEAR/50 {Apple Pie} \"x y\"~0 colo?r NEAR"),
            [
                Word("a"),
                Near { distance: 5, ordered: false },
                Word("b"),
                Near { distance: 50, ordered: true },
                Cased("Apple Pie"),
                Window("x y", 0),
                Word("colo?r"),
                Word("NEAR")
            ]
        );
        for query in ["NEAR/0", "NEAR/51", "NEAR/", "NEAR/x", "NEAR/5f", "\"a b\"~51", "\"a b\"~"] {
            assert_eq!(refusals(query).first().map(|(_, id)| *id), Some("query-proximity"), "{query}");
        }
        assert_eq!(refusals("{Apple"), [((0, 6), "query-braces")]);
        assert_eq!(refusals("App{le}"), [((0, 7), "query-braces")]);
    }

    #[test]
    fn operators_from_elsewhere_are_named() {
        for query in ["a | b", "a && b", "acme~2", "/a.c/", "a ~3", "raw:\"b\"~3", "a ~"] {
            assert_eq!(refusals(query).first().map(|(_, id)| *id), Some("query-unsupported"), "{query}");
        }
        assert_eq!(refusals("“acme"), [((0, 7), "query-quotes")]);
        assert_eq!(refusals("a –b - c"), [((2, 6), "query-operand"), ((7, 8), "query-operand")]);
        assert_eq!(refusals("really? NEAR wow?!"), []);
    }
}
