//! Reads the text of a term to the pattern it stands for.

use crate::text::{Folded, Word, as_written};

use super::pattern::{Fold, Form, Gap, Pattern, PatternError};
use super::{raw, unspaced, wildcard};

impl Pattern {
    /// Reads a word, or a phrase or list term (without quotes): `acme`, `Acme Cloud`, `#AcmeDown`, `@acme.com`, `H&M`,
    /// `acme*`, `*fix`, `🤬`, `네슬레`. A `?` is punctuation here; the
    /// parser reads words without quotes, where it stands for one character.
    ///
    /// # Errors
    /// When nothing to look for is left, or a wildcard is misused.
    pub fn new(source: &str, fold: Fold) -> Result<Self, PatternError> {
        Self::read(source, fold, &mut Folded::default())
    }

    /// As [`Pattern::new`], folding into `scratch`: a pack has a hundred thousand of them.
    pub(in crate::rules) fn read(
        source: &str,
        fold: Fold,
        scratch: &mut Folded,
    ) -> Result<Self, PatternError> {
        let form = match source.strip_suffix('*') {
            Some(stem) if !stem.contains('*') && fold != Fold::Exact => prefix(stem, scratch)?,
            _ if source.contains('*') => wildcard_form(source, fold, scratch)?,
            _ => plain(source, fold, scratch)?,
        };
        Ok(Self::of_form(source, form, fold))
    }

    /// Reads a word that stands without quotes in a query, where an inner `?` is one unknown character.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub(in crate::rules) fn word(
        source: &str,
        fold: Fold,
        scratch: &mut Folded,
    ) -> Result<Self, PatternError> {
        if !has_inner_question_mark(source) {
            return Self::read(source, fold, scratch);
        }
        let form = wildcard_form(source.trim_end_matches(['?', '!', '.']), fold, scratch)?;
        Ok(Self::of_form(source, form, fold))
    }

    /// Reads `{Case}`: words that must be written just so, whatever the rule's `fold` is.
    ///
    /// # Errors
    /// As [`Pattern::new`]; wildcards are misused here.
    pub(in crate::rules) fn cased(inner: &str, scratch: &mut Folded) -> Result<Self, PatternError> {
        if inner.contains(['*', '?']) {
            return Err(PatternError::MisplacedWildcard);
        }
        let form = plain(inner, Fold::Exact, scratch)?;
        Ok(Self::of_form(&format!("{{{inner}}}"), form, Fold::Exact))
    }

    /// Reads `raw:"…"`.
    ///
    /// # Errors
    /// When there is nothing but white space.
    pub(in crate::rules) fn raw(text: &str, scratch: &mut Folded) -> Result<Self, PatternError> {
        if text.trim().is_empty() {
            return Err(PatternError::Empty);
        }
        let form = Form::Raw { text: text.to_owned(), key: raw::key(text, scratch) };
        Ok(Self::of_form(text, form, Fold::Exact))
    }
}

fn wildcard_form(source: &str, fold: Fold, folded: &mut Folded) -> Result<Form, PatternError> {
    let read = wildcard::read(source, folded)?;
    let exact = (fold == Fold::Exact).then_some(read.written);
    Ok(Form::Wildcard { sigil: read.sigil, glob: read.glob, exact })
}

/// `colo?r`, and not the end of a question.
fn has_inner_question_mark(word: &str) -> bool {
    word.trim_end_matches(['?', '!', '.']).contains('?')
}

fn prefix(stem: &str, folded: &mut Folded) -> Result<Form, PatternError> {
    folded.fold(stem);
    let [word] = folded.whole_words()[..] else { return Err(PatternError::MisplacedWildcard) };
    let prefix = folded.word(&word).to_owned();
    if prefix.chars().count() < wildcard::LITERAL_CHARS_MIN {
        return Err(PatternError::PrefixTooShort);
    }
    if word.end as usize != folded.text.len() {
        return Err(PatternError::MisplacedWildcard);
    }
    Ok(Form::Prefix { sigil: word.sigil, prefix })
}

/// Whole words, or characters that are found anywhere, or both in a row.
fn plain(source: &str, fold: Fold, folded: &mut Folded) -> Result<Form, PatternError> {
    folded.fold(source);
    if !unspaced::is_unspaced(folded) {
        return words_or_substring(folded, fold);
    }
    let mut row = Vec::new();
    for piece in unspaced::pieces(source, folded) {
        folded.fold(piece);
        match words_or_substring(folded, fold) {
            Ok(form) => row.push(Pattern::of_form("", form, fold)),
            // As between words, punctuation by itself says nothing.
            Err(PatternError::Empty) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(if row.len() == 1 { row.remove(0).form } else { Form::Row(row) })
}

fn words_or_substring(folded: &Folded, fold: Fold) -> Result<Form, PatternError> {
    if unspaced::is_unspaced(folded) {
        return Ok(unspaced::substring(folded, fold == Fold::Exact));
    }
    // A hashtag in the query is looked for whole, never by its words.
    let found = folded.whole_words();
    let Some(first) = found.first() else { return Err(PatternError::Empty) };
    let words: Vec<String> = found.iter().map(|word| folded.word(word).to_owned()).collect();
    let gaps = found.windows(2).map(|pair| Gap::from_written(folded.gap(&pair[0], &pair[1]))).collect();
    let written = |word: &Word| as_written(folded.original(word)).into_owned();
    let exact = (fold == Fold::Exact).then(|| found.iter().map(written).collect());
    Ok(Form::Words { sigil: first.sigil, words, gaps, exact })
}

impl Gap {
    fn from_written(gap: &str) -> Self {
        match gap {
            "-" => Self::Hyphen,
            _ if gap.is_empty() || gap.contains(' ') => Self::Any,
            _ => Self::Exactly(gap.to_owned()),
        }
    }
}
