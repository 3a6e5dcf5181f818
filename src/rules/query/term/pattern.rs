//! What a text term looks for: its words, characters or wildcard, folded like the texts it is looked for in.

use crate::text::{CharClass, char_class};

use super::raw::Key;

/// How much of the spelling counts: `fold` of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Words must be written just so.
    Exact,
    /// Case, accents and the kinds of hyphens and apostrophes do not count.
    #[default]
    Standard,
    /// Besides, repeated letters, digits for letters and letters of another script that look the same do not count.
    Loose,
}

/// One text term of a query, folded like the texts it is looked for in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// As the author wrote it, for printing; with braces for `{Case}`, without `raw:` and its quotes.
    pub source: String,
    /// How it is looked for.
    pub form: Form,
    /// The loose spellings of the text's words count too.
    pub is_loose: bool,
}

/// How a pattern is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Whole words in a row. At least one.
    Words {
        /// `#`, `@`, `$` that must open the first word, or 0.
        sigil: u8,
        /// Folded words.
        words: Vec<String>,
        /// What must stand between them: one fewer than words.
        gaps: Vec<Gap>,
        /// The words must also be written exactly like this (`fold = "exact"`, `{Case}`).
        exact: Option<Vec<String>>,
    },
    /// A word that starts with this (folded; at least three characters). `sigil` as above.
    Prefix {
        /// `#`, `@`, `$` or 0.
        sigil: u8,
        /// The folded prefix.
        prefix: String,
    },
    /// One word that fits a glob of `*` and `?`.
    Wildcard {
        /// `#`, `@`, `$` or 0.
        sigil: u8,
        /// The folded glob.
        glob: String,
        /// The word must also be written to fit this one (`fold = "exact"`).
        exact: Option<String>,
    },
    /// These characters anywhere in the folded text: emoji, and terms in scripts without spaces. See
    /// `unspaced`.
    Substring {
        /// Folded, and never with white space that the author wrote.
        text: String,
        /// They must also be written exactly like this.
        exact: Option<String>,
    },
    /// A phrase of words and substrings: no word and no letter stands between its pieces. At least two, one of them a
    /// substring; without sources of their own, so that rows which find the same are the same.
    Row(Vec<Pattern>),
    /// Exactly these characters in the text as written, not cut out of a longer word.
    Raw {
        /// The characters.
        text: String,
        /// A word that shows where they may stand.
        key: Option<Key>,
    },
}

/// What may stand between two words of a phrase.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Gap {
    /// White space, punctuation, or nothing in a split hashtag: the author wrote a space.
    Any,
    /// A hyphen or a space: the author wrote a hyphen.
    Hyphen,
    /// Just this: the author wrote `&`, `.`, `'` … without a space.
    Exactly(String),
}

/// Why a text is no term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// Nothing is left after folding: only punctuation or spaces.
    Empty,
    /// A wildcard with under three literal characters.
    PrefixTooShort,
    /// `*` or `?` beside punctuation, in a phrase, or in a script without spaces.
    MisplacedWildcard,
}

impl Pattern {
    pub(super) fn of_form(source: &str, form: Form, fold: Fold) -> Self {
        let has_words = match &form {
            Form::Substring { .. } | Form::Raw { .. } => false,
            Form::Row(pieces) => pieces.iter().any(|piece| matches!(piece.form, Form::Words { .. })),
            Form::Words { .. } | Form::Prefix { .. } | Form::Wildcard { .. } => true,
        };
        Self { source: source.to_owned(), form, is_loose: fold == Fold::Loose && has_words }
    }

    /// No word of it shows where it may stand, so that it is looked for in whole texts and cannot carry a rule.
    #[must_use]
    pub fn is_unanchored(&self) -> bool {
        matches!(self.form, Form::Raw { key: None, .. })
    }

    /// The words as they must be written, without sigil, when the rule asks for the exact spelling.
    #[must_use]
    pub fn exact_words(&self) -> Option<&[String]> {
        match &self.form {
            Form::Words { exact, .. } => exact.as_deref(),
            _ => None,
        }
    }

    /// Written with `#`: the platform's own hashtags count too.
    #[must_use]
    pub fn as_hashtag(&self) -> Option<&str> {
        match &self.form {
            Form::Words { sigil: b'#', words, .. } if words.len() == 1 => Some(&words[0]),
            Form::Substring { text, .. } => text.strip_prefix('#').filter(|tag| !tag.is_empty()),
            _ => None,
        }
    }

    /// The pieces of a row, or the pattern itself.
    pub(in crate::rules) fn pieces(&self) -> &[Self] {
        match &self.form {
            Form::Row(pieces) => pieces,
            _ => std::slice::from_ref(self),
        }
    }
}

impl Gap {
    /// True when `gap`, as it stands in a folded text, will do.
    #[must_use]
    pub fn fits(&self, gap: &str) -> bool {
        match self {
            Self::Any => !gap.chars().any(|c| char_class(c) == CharClass::Unspaced),
            Self::Hyphen => gap == "-" || gap == " ",
            Self::Exactly(written) => gap == written,
        }
    }
}
