//! The words we know: values, roles and cues, from the files beside this one, in tables made for look-up by word hash.
//!
//! Loaded once for the process. A file that does not parse is an error of the build, found by the tests: see `parse`.

mod build;
mod meaning;
mod parse;
mod symbols;
mod tables;

use std::sync::LazyLock;

pub(super) use meaning::{Meaning, Role};
pub(super) use symbols::SymbolHit;
pub(super) use tables::{Found, Lexicon, NO_PHRASE, TermId, Voice};

/// The lexicon of this binary.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(build::embedded);

#[cfg(test)]
mod tests {
    use super::meaning::Sense;
    use super::*;
    use crate::text::{LangCode, word_hash};

    fn sense(word: &str, lang: &'static str) -> Sense {
        let voice = LEXICON.voice(LangCode::of(lang));
        LEXICON.find(word_hash(word.as_bytes()), word.as_bytes(), voice).sense
    }

    #[test]
    fn a_word_means_what_it_means_in_its_language() {
        assert!(sense("gift", "en").value > 0.0);
        assert!(sense("gift", "de").value == 0.0);
        assert!(sense("die", "en").value < 0.0);
        assert!(sense("die", "de").value == 0.0);
        assert_eq!(sense("nicht", "de").role, Role::NotAfter);
        assert_eq!(sense("kein", "en").role, Role::None);
        assert_eq!(sense("wordthatisnot", "en"), Sense::default());
    }

    #[test]
    fn an_english_word_counts_less_in_another_language() {
        assert!(sense("awesome", "de").value < sense("awesome", "en").value);
        assert!(sense("awesome", "de").value > 0.0);
    }

    #[test]
    fn the_lexicon_stays_small() {
        assert!(LEXICON.terms.len() < 16_000, "{} words", LEXICON.terms.len());
        assert!(LEXICON.nodes.len() < 24_000, "{} phrase nodes", LEXICON.nodes.len());
    }
}
