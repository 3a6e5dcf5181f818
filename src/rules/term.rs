//! A text term: what it looks for in a folded text, and whether it stands at a given place.
//!
//! The leaf that both evaluators share; how to find the places quickly is `index`'s business.

use std::fmt;

use crate::text::{CharClass, Folded, Word, char_class};

/// One text term of a query, folded like the texts it is looked for in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// As the author wrote it, for printing.
    pub source: String,
    /// How it is looked for.
    pub form: Form,
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
        /// The words must also be written exactly like this (`fold = "exact"`).
        exact: Option<Vec<String>>,
    },
    /// A word that starts with this (folded; at least three characters). `sigil` as above.
    Prefix {
        /// `#`, `@`, `$` or 0.
        sigil: u8,
        /// The folded prefix.
        prefix: String,
    },
    /// These characters anywhere in the folded text: emoji, and terms in scripts without spaces.
    Substring(String),
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
    /// A prefix under three characters.
    PrefixTooShort,
    /// `*` elsewhere than at the end of a single word.
    MisplacedWildcard,
}

impl Pattern {
    /// Reads a word or phrase (without its quotes): `acme`, `Acme Cloud`, `#AcmeDown`, `@acme.com`, `H&M`, `acme*`,
    /// `🤬`, `네슬레`.
    ///
    /// # Errors
    /// When nothing to look for is left, or a wildcard is misused.
    pub fn new(source: &str, exact: bool) -> Result<Self, PatternError> {
        Self::read(source, exact, &mut Folded::default())
    }

    /// As [`Pattern::new`], folding into `scratch`: a pack has a hundred thousand of them.
    pub(super) fn read(source: &str, exact: bool, scratch: &mut Folded) -> Result<Self, PatternError> {
        let form = match source.strip_suffix('*') {
            Some(stem) => prefix(stem, scratch)?,
            None if source.contains('*') => return Err(PatternError::MisplacedWildcard),
            None => words_or_substring(source, exact, scratch)?,
        };
        Ok(Self { source: source.to_owned(), form })
    }

    /// Every place where the pattern stands, as ranges of the folded text: the obvious way.
    #[must_use]
    pub fn find_all(&self, text: &Folded) -> Vec<(u32, u32)> {
        let Form::Substring(needle) = &self.form else {
            let tags = text.tags.iter().filter_map(|tag| self.tag_at(text, tag));
            return (0..text.words.len()).filter_map(|at| self.words_at(text, at)).chain(tags).collect();
        };
        text.text
            .match_indices(needle.as_str())
            .map(|(at, hit)| (at as u32, (at + hit.len()) as u32))
            .collect()
    }

    /// The range when the pattern stands at word `at` of `text`.
    #[must_use]
    pub fn words_at(&self, text: &Folded, at: usize) -> Option<(u32, u32)> {
        let first = text.words.get(at)?;
        match &self.form {
            Form::Substring(_) => None,
            Form::Prefix { sigil, prefix } => starts_with(text, first, *sigil, prefix),
            Form::Words { sigil, words, gaps, exact } => {
                if !sigil_fits(*sigil, first) || !words_fit(text, at, words, gaps) || is_elided_verb(text, at)
                {
                    return None;
                }
                let range = (first.start, text.words[at + words.len() - 1].end);
                let written = exact.as_ref().is_none_or(|exact| exact_fits(text, at, exact));
                written.then_some(range)
            }
        }
    }

    /// The range when the pattern is the whole camel-case hashtag `tag`.
    #[must_use]
    pub fn tag_at(&self, text: &Folded, tag: &Word) -> Option<(u32, u32)> {
        match &self.form {
            Form::Words { sigil, words, exact, .. } if words.len() == 1 => {
                let written = exact.as_ref().is_none_or(|exact| text.original(tag) == exact[0]);
                let found = written && sigil_fits(*sigil, tag) && text.word(tag) == words[0];
                found.then_some((tag.start, tag.end))
            }
            Form::Prefix { sigil, prefix } => starts_with(text, tag, *sigil, prefix),
            _ => None,
        }
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
            _ => None,
        }
    }
}

fn prefix(stem: &str, folded: &mut Folded) -> Result<Form, PatternError> {
    folded.fold(stem);
    let [word] = folded.words[..] else { return Err(PatternError::MisplacedWildcard) };
    let prefix = folded.word(&word).to_owned();
    if prefix.chars().count() < 3 {
        return Err(PatternError::PrefixTooShort);
    }
    if word.end as usize != folded.text.len() || !folded.tags.is_empty() {
        return Err(PatternError::MisplacedWildcard);
    }
    Ok(Form::Prefix { sigil: word.sigil, prefix })
}

fn words_or_substring(source: &str, exact: bool, folded: &mut Folded) -> Result<Form, PatternError> {
    folded.fold(source.trim());
    let substring = |c: char| matches!(char_class(c), CharClass::Unspaced | CharClass::Emoji);
    if folded.has_non_ascii && folded.text.chars().any(substring) {
        return Ok(Form::Substring(folded.text.trim().to_owned()));
    }
    // A hashtag in the query is looked for whole, never by its camel-case parts.
    let found: &[Word] = if folded.tags.is_empty() { &folded.words } else { &folded.tags };
    let Some(first) = found.first() else { return Err(PatternError::Empty) };
    let words: Vec<String> = found.iter().map(|word| folded.word(word).to_owned()).collect();
    let gaps = found.windows(2).map(|pair| Gap::from_written(folded.gap(&pair[0], &pair[1]))).collect();
    let exact = exact.then(|| {
        let trimmed = source.trim();
        let original = |word: &Word| folded.original_span(word.start, word.end);
        found
            .iter()
            .map(original)
            .map(|(start, end)| trimmed[start as usize..end as usize].to_owned())
            .collect()
    });
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

fn sigil_fits(wanted: u8, word: &Word) -> bool {
    wanted == 0 || wanted == word.sigil
}

fn starts_with(text: &Folded, word: &Word, sigil: u8, prefix: &str) -> Option<(u32, u32)> {
    (sigil_fits(sigil, word) && text.word(word).starts_with(prefix)).then_some((word.start, word.end))
}

fn words_fit(text: &Folded, at: usize, words: &[String], gaps: &[Gap]) -> bool {
    let Some(found) = text.words.get(at..at + words.len()) else { return false };
    found.iter().zip(words).all(|(word, wanted)| text.word(word) == wanted)
        && found.windows(2).zip(gaps).all(|(pair, gap)| gap.fits(text.gap(&pair[0], &pair[1])))
}

/// French "j'ai" (I have) holds no brand "AI", though "l'Oréal" holds "Oréal".
fn is_elided_verb(text: &Folded, at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| &text.words[before]) else { return false };
    let word = &text.words[at];
    text.word(word) == "ai" && text.word(before) == "j" && text.gap(before, word) == "'"
}

fn exact_fits(text: &Folded, at: usize, exact: &[String]) -> bool {
    text.words[at..].iter().zip(exact).all(|(word, written)| text.original(word) == written)
}

/// Bare where the parser reads it back as this very word; else in quotes.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_bare_word(&self.source) { f.write_str(&self.source) } else { write!(f, "\"{}\"", self.source) }
    }
}

fn is_bare_word(source: &str) -> bool {
    let opens =
        |c: char| c.is_alphanumeric() || matches!(c, '#' | '@' | '$') || char_class(c) == CharClass::Emoji;
    let goes_on = |c: char| opens(c) || matches!(c, '_' | '-' | '.' | '&' | '\'' | '*');
    !matches!(source, "OR" | "AND" | "NOT") && source.starts_with(opens) && source.chars().all(goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camel_case_hashtag_is_found_whole_in_either_spelling() {
        let text = Folded::new("ugh #AcmeDown again");
        let finds = |source, exact| !Pattern::new(source, exact).unwrap().find_all(&text).is_empty();
        assert!(finds("#acmedown", false) && finds("acmedown", false) && finds("acme down", false));
        assert!(finds("#AcmeDown", true) && !finds("#acmedown", true));
    }

    fn count(source: &str, text: &str) -> usize {
        Pattern::new(source, false).unwrap().find_all(&Folded::new(text)).len()
    }

    #[test]
    fn the_french_for_i_have_is_not_a_brand() {
        assert_eq!(count("AI", "j'ai vu J’AI partout, AI"), 1);
        assert_eq!(count("j'ai", "j'ai vu"), 1);
        assert_eq!(count("Oréal", "l'Oreal"), 1);
    }

    #[test]
    fn a_gap_written_with_punctuation_is_kept_and_a_space_is_generous() {
        assert_eq!(count("H&M", "h&m H & M hm"), 1);
        assert_eq!(count("acme cloud", "Acme, cloud acme-cloud #AcmeCloud acmecloud acme的cloud"), 3);
        assert_eq!(count("co-op", "co-op co op co‐op coop"), 3);
    }

    #[test]
    fn exact_terms_keep_their_case() {
        let pattern = Pattern::new("Apple", true).unwrap();
        assert_eq!(pattern.find_all(&Folded::new("Apple apple APPLE Apple")).len(), 2);
    }

    #[test]
    fn what_cannot_be_looked_for_is_refused() {
        for (source, wanted) in [
            ("?!", PatternError::Empty),
            ("ac*", PatternError::PrefixTooShort),
            ("*acme", PatternError::MisplacedWildcard),
            ("a b*", PatternError::MisplacedWildcard),
        ] {
            assert_eq!(Pattern::new(source, false), Err(wanted), "{source}");
        }
    }
}
