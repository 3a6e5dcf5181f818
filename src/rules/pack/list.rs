//! Keyword lists: one term a line, as in `acme-products.txt`.
//!
//! A `#` at the start of a line or after white space, followed by white space or the end of the line, starts a
//! comment; `#acmedown` is a hashtag. A line is a word, a phrase (quotes are not needed), a prefix, a hashtag, …: the
//! terms of the query language, without its operators.

use std::sync::Arc;

use crate::model::Span;

use crate::rules::diagnostic::Diagnostic;
use crate::rules::query::errors::Problem;
use crate::rules::query::term::{Fold, Pattern};

/// Most terms in one list.
pub const LIST_TERMS_MAX: usize = 100_000;

/// A list's terms with their places.
#[derive(Clone, Debug, Default)]
pub struct KeywordList {
    /// Index of its file among those given to the loader.
    pub file: usize,
    /// The terms, folded, in order.
    pub terms: Arc<[Arc<Pattern>]>,
    /// Where each stands in the file.
    pub spans: Vec<Span>,
}

/// Reads a list, its terms as `fold` says. Refused lines are left out and reported.
#[must_use]
pub fn read(file: usize, text: &str, fold: Fold) -> (KeywordList, Vec<Diagnostic>) {
    let mut list = KeywordList { file, ..KeywordList::default() };
    let (mut terms, mut problems) = (Vec::new(), Vec::new());
    for (term, span) in lines(text) {
        if terms.len() == LIST_TERMS_MAX {
            let message = format!("the list has more than {LIST_TERMS_MAX} terms");
            problems.push(
                Diagnostic::error(file, span, "list-too-large", message).hint("split it into several lists"),
            );
            break;
        }
        match pattern(term, fold) {
            Ok(pattern) => {
                terms.push(Arc::new(pattern));
                list.spans.push(span);
            }
            Err((id, message, hint)) => {
                problems.push(Diagnostic::error(file, span, id, message).hint(hint));
            }
        }
    }
    if terms.is_empty() && problems.is_empty() {
        let empty =
            Diagnostic::error(file, (0, text.len().min(1) as u32), "list-empty", "the list has no terms");
        problems.push(empty.hint("write one term a line"));
    }
    list.terms = terms.into();
    (list, problems)
}

/// The terms with their places: white space, comments, quotes and a byte-order mark taken off.
pub(in crate::rules) fn lines(text: &str) -> impl Iterator<Item = (&str, Span)> {
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        let term = line[..comment_start(line)].trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
        let term = term.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(term);
        let offset = start + (term.as_ptr() as usize - line.as_ptr() as usize);
        (!term.is_empty()).then(|| (term, (offset as u32, (offset + term.len()) as u32)))
    })
}

fn comment_start(line: &str) -> usize {
    let is_comment = |at: &usize| {
        let opens = line[..*at].chars().next_back().is_none_or(|c| c.is_whitespace() || c == '\u{FEFF}');
        opens && line[at + 1..].chars().next().is_none_or(char::is_whitespace)
    };
    line.match_indices('#').map(|(at, _)| at).find(is_comment).unwrap_or(line.len())
}

fn pattern(term: &str, fold: Fold) -> Result<Pattern, (&'static str, String, String)> {
    if is_query(term) {
        let message = format!("`{term}` is a query; a list holds plain terms");
        let hint = "write one term a line, and put operators in the rule's query: `list:NAME -is:repost`";
        return Err(("list-term", message, hint.to_owned()));
    }
    Pattern::new(term, fold).map_err(|error| {
        let problem: Problem = Problem::of_pattern(error, term);
        ("list-term", problem.to_string(), problem.hint())
    })
}

fn is_query(term: &str) -> bool {
    let is_operator = |word: &str| matches!(word, "OR" | "AND" | "NOT");
    let is_field = |word: &str| {
        word.split_once(':')
            .is_some_and(|(name, _)| crate::rules::operators::names().any(|ours| ours == name))
    };
    let mut words = term.split_whitespace();
    term.starts_with(['-', '(', '{'])
        || term.contains('"')
        || words.any(|word| is_operator(word) || is_field(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let (list, problems) = read(0, text, Fold::Standard);
        assert_eq!(problems, []);
        for (term, span) in list.terms.iter().zip(&list.spans) {
            assert_eq!(term.source, text[span.0 as usize..span.1 as usize]);
        }
        list.terms.iter().map(|term| term.source.clone()).collect()
    }

    #[test]
    fn comments_are_not_terms_and_hashtags_are_not_comments() {
        let text = "\u{FEFF}# Acme's products\r\nAcme Cloud  # the big one\r\n\r\n#\n  #acmedown\n\"acme box\"\nC#\nC# 9\noutag*\n네슬레";
        assert_eq!(terms(text), ["Acme Cloud", "#acmedown", "acme box", "C#", "C# 9", "outag*", "네슬레"]);
    }

    #[test]
    fn queries_and_nothings_are_refused_in_their_place() {
        let text = "ok\n-no\n{Apple}\na OR b\nlang:en\n!!\nab*\na*b\n\"half";
        let (list, problems) = read(3, text, Fold::Standard);
        assert_eq!(list.terms.len(), 1);
        let places: Vec<&str> =
            problems.iter().map(|found| &text[found.span.0 as usize..found.span.1 as usize]).collect();
        assert_eq!(places, ["-no", "{Apple}", "a OR b", "lang:en", "!!", "ab*", "a*b", "\"half"]);
        assert!(
            problems.iter().all(|found| found.file == 3 && found.id == "list-term" && !found.hint.is_empty())
        );
    }

    #[test]
    fn an_empty_list_is_an_error() {
        assert_eq!(read(0, "# nothing\n", Fold::Standard).1[0].id, "list-empty");
        assert_eq!(read(0, "", Fold::Standard).1[0].id, "list-empty");
    }
}
