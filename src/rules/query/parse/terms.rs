//! Terms: words, phrases, windows, lists and `name:value`.

use crate::model::Span;

use super::parser::Parser;
use crate::rules::operators;
use crate::rules::operators::foreign::{instead_of, nearest};
use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::errors::{NearMisuse, Problem};
use crate::rules::query::lex::Token;
use crate::rules::query::limits::QUERY_TERMS_MAX;
use crate::rules::query::term::{Form, Pattern, PatternError};

impl<'q> Parser<'q> {
    pub(super) fn term(&mut self, token: Token<'q>) -> Option<Node> {
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
        let pattern = read.map_err(|error| Problem::of_pattern(error, source))?;
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
                Err(error) => return Err(Problem::of_pattern(error, word)),
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
                None => {
                    let hint = unknown_operator_hint(&name);
                    Problem::UnknownOperator { name, hint }
                }
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
}

/// What to write instead of `name:`.
fn unknown_operator_hint(name: &str) -> String {
    match nearest(name, operators::names()) {
        Some(nearest) => format!("did you mean `{nearest}:`? to look for the text, put it in quotes"),
        None if matches!(name, "http" | "https") => {
            "to look for a link, use url:, such as url:acme.example/status".to_owned()
        }
        None => {
            let names: Vec<String> = operators::names().map(|name| format!("{name}:")).collect();
            format!("operators are {}; to look for the text, put it in quotes", names.join(", "))
        }
    }
}
