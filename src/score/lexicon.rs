//! The words we know: values, roles and cues, from the files beside this one, in tables made for look-up by word hash.
//!
//! Loaded once for the process. A file that does not parse is an error of the build, found by the tests: see `parse`.

mod build;
mod parse;
mod symbols;

use std::sync::LazyLock;

use crate::text::LangCode;

use super::cue::Cue;
pub(super) use symbols::{SymbolHit, Symbols};

/// The lexicon of this binary.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(build::embedded);

/// What a word does to the words around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    #[default]
    None,
    /// Turns around what follows.
    Not,
    /// Turns around what follows and what precedes in the same clause.
    NotAfter,
    /// Strengthens what follows.
    More,
    /// Weakens what follows.
    Less,
    /// What follows counts more than what came before.
    But,
}

/// What a word means in one language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sense {
    lang: LangCode,
    /// −4 to 4.
    pub(super) value: f32,
    pub(super) role: Role,
}

impl Sense {
    const NOTHING: Self = Self { lang: LangCode::UND, value: 0.0, role: Role::None };
}

/// A phrase found: its value, or a cue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    /// The whole phrase has this value, −4 to 4, and its words none.
    Value(f32),
    /// The phrase is a cue of this weight, 0–1.
    Cue(Cue, f32),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    lang: LangCode,
    is_phrase: bool,
    pub(super) meaning: Meaning,
}

impl Hit {
    /// One English word proves little in another language; an English phrase does.
    pub(super) fn counts_in(&self, lang: LangCode) -> bool {
        self.lang == lang || lang == LangCode::UND || (self.is_phrase && self.lang == LangCode::EN)
    }
}

/// Index of a word in the lexicon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TermId(u32);

impl TermId {
    /// A word that we do not know.
    pub(super) const UNKNOWN: Self = Self(u32::MAX);
}

#[derive(Clone, Copy, Debug)]
struct Term {
    start: u32,
    len: u32,
    senses: (u32, u32),
    /// Where the phrases that begin with this word are; 0 for none.
    node: u32,
}

#[derive(Clone, Debug, Default)]
struct Node {
    hits: (u32, u32),
    has_next: bool,
}

/// English values count this much in a post of another language.
const FOREIGN_WORD_WEIGHT: f32 = 0.7;

#[derive(Debug)]
pub(super) struct Lexicon {
    /// Open addressing; `u32::MAX` is free.
    slots: Box<[(u64, u32)]>,
    /// All words, one after the other.
    bytes: String,
    terms: Vec<Term>,
    senses: Vec<Sense>,
    nodes: Vec<Node>,
    edges: hashbrown::HashMap<(u32, u32), u32, foldhash::fast::FixedState>,
    hits: Vec<Hit>,
    pub(super) symbols: Symbols,
}

impl Lexicon {
    /// The word of this hash and these bytes.
    #[inline]
    pub(super) fn find(&self, hash: u64, word: &str) -> TermId {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let (found, term) = self.slots[at];
            if term == u32::MAX {
                return TermId::UNKNOWN;
            }
            if found == hash && self.word(term) == word {
                return TermId(term);
            }
            at = (at + 1) & mask;
        }
    }

    fn word(&self, term: u32) -> &str {
        let term = &self.terms[term as usize];
        &self.bytes[term.start as usize..(term.start + term.len) as usize]
    }

    /// What `term` means in a post in `lang`: its sense there, else the English one, weaker.
    #[inline]
    pub(super) fn sense(&self, term: TermId, lang: LangCode) -> Sense {
        let Some(term) = self.terms.get(term.0 as usize) else { return Sense::NOTHING };
        let senses = &self.senses[term.senses.0 as usize..term.senses.1 as usize];
        if let Some(sense) = senses.iter().find(|sense| sense.lang == lang) {
            return *sense;
        }
        match senses.first() {
            Some(first) if lang == LangCode::UND => *first,
            Some(first) if first.lang == LangCode::EN => {
                Sense { value: first.value * FOREIGN_WORD_WEIGHT, ..*first }
            }
            _ => Sense::NOTHING,
        }
    }

    /// Walks the phrases that begin with the first of `words`; `each` gets a hit and how many words it takes.
    #[inline]
    pub(super) fn phrases(
        &self,
        first: TermId,
        mut following: impl Iterator<Item = TermId>,
        mut each: impl FnMut(&Hit, usize),
    ) {
        let Some(term) = self.terms.get(first.0 as usize) else { return };
        let (mut node, mut words) = (term.node, 1);
        while node != 0 {
            let Node { hits, has_next } = &self.nodes[node as usize];
            for hit in &self.hits[hits.0 as usize..hits.1 as usize] {
                each(hit, words);
            }
            if !has_next {
                return;
            }
            let Some(next) = following.next() else { return };
            node = self.edges.get(&(node, next.0)).copied().unwrap_or(0);
            words += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::text::word_hash;

    use super::*;

    fn sense(word: &str, lang: &'static str) -> Sense {
        let term = LEXICON.find(word_hash(word.as_bytes()), word);
        LEXICON.sense(term, LangCode::of(lang))
    }

    #[test]
    fn a_word_means_what_it_means_in_its_language() {
        assert!(sense("gift", "en").value > 0.0);
        assert!(sense("gift", "de").value == 0.0);
        assert!(sense("die", "en").value < 0.0);
        assert!(sense("die", "de").value == 0.0);
        assert_eq!(sense("nicht", "de").role, Role::NotAfter);
        assert_eq!(sense("kein", "en").role, Role::None);
        assert_eq!(sense("wordthatisnot", "en"), Sense::NOTHING);
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
