//! Prints a pattern so that the parser reads it back.

use std::fmt;

use crate::text::{CharClass, Folded, char_class};

use super::pattern::{Form, Pattern};

impl Pattern {
    /// Written in braces, as the parser reads it back: in quotes, they might belong to the text.
    fn is_cased(&self) -> bool {
        let inner = self.source.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        inner.filter(|inner| !inner.contains('}')).is_some_and(|inner| {
            Self::cased(inner, &mut Folded::default()).is_ok_and(|read| read.form == self.form)
        })
    }
}

/// Bare where the parser reads it back as this very word; else in quotes.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_wildcard = matches!(self.form, Form::Wildcard { .. });
        match &self.form {
            Form::Raw { text, .. } => write!(f, "raw:\"{text}\""),
            // Nothing else may be written with braces.
            _ if self.is_cased() => f.write_str(&self.source),
            _ if is_wildcard || is_bare_word(&self.source) => f.write_str(&self.source),
            _ => write!(f, "\"{}\"", self.source),
        }
    }
}

fn is_bare_word(source: &str) -> bool {
    let opens =
        |c: char| c.is_alphanumeric() || matches!(c, '#' | '@' | '$') || char_class(c) == CharClass::Emoji;
    let goes_on = |c: char| opens(c) || matches!(c, '_' | '-' | '.' | '&' | '\'' | '*');
    !matches!(source, "OR" | "AND" | "NOT") && source.starts_with(opens) && source.chars().all(goes_on)
}
