//! The words we know: values, roles and cues, from the files beside this one, in tables made for look-up by word hash.
//!
//! Loaded once for the process. A file that does not parse is an error of the build, found by the tests: see `parse`.

mod build;
mod parse;
mod symbols;

use std::sync::LazyLock;

use crate::text::LangCode;

use crate::model::Cue;
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sense {
    /// −4 to 4.
    pub(super) value: f32,
    pub(super) role: Role,
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

/// Number of a word in the lexicon. Words that continue phrases come first, the short ones before the long, so that
/// what texts are mostly made of shares few cache lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TermId(u16);

impl TermId {
    /// A word that we do not know.
    pub(super) const UNKNOWN: Self = Self(u16::MAX);
}

/// One word, without its bytes: 16 bytes, a quarter of a cache line.
#[derive(Clone, Copy, Debug)]
struct Term {
    hash: u64,
    /// Its place in a [`Voice`].
    meaning: u16,
    root: u16,
    /// The length of a word that its hash and length tell from all others (see [`EXACT_BYTES`](crate::text::EXACT_BYTES)),
    /// or 0: its bytes must be compared.
    exact_len: u8,
}

/// A word found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) term: TermId,
    pub(super) sense: Sense,
    /// Where the phrases that begin with this word are; [`NO_PHRASE`] for none.
    pub(super) root: u16,
}

impl Found {
    pub(super) const NOTHING: Self =
        Self { term: TermId::UNKNOWN, sense: Sense { value: 0.0, role: Role::None }, root: NO_PHRASE };
}

/// The node of no phrase.
pub(super) const NO_PHRASE: u16 = 0;

/// A place in the trie of phrases.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Its part of [`Lexicon::edges`], in order of term.
    edges: (u16, u16),
    /// Its part of [`Lexicon::hits`].
    hits: (u16, u16),
}

/// The lexicon as it speaks to a post in one language: the sense of each meaning.
pub(super) type Voice = [Sense];

#[derive(Debug)]
pub(super) struct Lexicon {
    /// Open addressing by word hash: sixteen slots in a cache line.
    slots: Box<[Slot]>,
    terms: Vec<Term>,
    /// All words, one after the other, looked at for words whose hash is not exact.
    bytes: String,
    /// Where each word ends in `bytes`, the start of the first before it.
    bounds: Vec<u32>,
    /// By language; at last the voices for other languages and for [`LangCode::UND`].
    voices: Vec<(LangCode, Box<Voice>)>,
    nodes: Vec<Node>,
    /// Term and node it leads to.
    edges: Vec<(TermId, u16)>,
    hits: Vec<Hit>,
    /// Words before this continue phrases.
    following: TermId,
    pub(super) symbols: Symbols,
}

/// Some bits of a word's hash and its number; [`TermId::UNKNOWN`] is free.
#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u16,
    term: TermId,
}

impl Slot {
    const FREE: Self = Self { tag: 0, term: TermId::UNKNOWN };

    /// The slot's number is made of the low bits.
    const fn tag(hash: u64) -> u16 {
        (hash >> 48) as u16
    }
}

impl Lexicon {
    /// The senses for posts in `lang`.
    pub(super) fn voice(&self, lang: LangCode) -> &Voice {
        let spoken = self.voices.iter().find(|(code, _)| *code == lang || *code == build::OTHER);
        spoken.map_or(&[], |(_, voice)| voice)
    }

    /// The word of this hash and these bytes. Most unknown words cost one cache line, most others two.
    #[inline]
    pub(super) fn find(&self, hash: u64, word: &[u8], voice: &Voice) -> Found {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.term == TermId::UNKNOWN {
                return Found::NOTHING;
            }
            if slot.tag == Slot::tag(hash)
                && let Some(term) = self.term(slot.term, hash, word)
            {
                return Found { term: slot.term, sense: voice[term.meaning as usize], root: term.root };
            }
            at = (at + 1) & mask;
        }
    }

    #[inline]
    fn term(&self, id: TermId, hash: u64, word: &[u8]) -> Option<&Term> {
        let term = &self.terms[id.0 as usize];
        let is_same = term.hash == hash && (term.exact_len as usize == word.len() || self.word(id) == word);
        is_same.then_some(term)
    }

    fn word(&self, id: TermId) -> &[u8] {
        let at = id.0 as usize;
        &self.bytes.as_bytes()[self.bounds[at] as usize..self.bounds[at + 1] as usize]
    }

    /// Walks the phrases from the `root` of their first word; `each` gets a hit and how many words it takes.
    #[inline]
    pub(super) fn phrases(
        &self,
        root: u16,
        mut following: impl Iterator<Item = TermId>,
        mut each: impl FnMut(&Hit, usize),
    ) {
        let (mut node, mut words) = (root, 1);
        while node != NO_PHRASE {
            let Node { edges, hits } = self.nodes[node as usize];
            for hit in &self.hits[hits.0 as usize..hits.1 as usize] {
                each(hit, words);
            }
            // Most words cannot follow any.
            let Some(next) = following.next().filter(|next| next.0 < self.following.0) else { return };
            node = self.edge(edges, next);
            words += 1;
        }
    }

    #[inline]
    fn edge(&self, (start, end): (u16, u16), next: TermId) -> u16 {
        let edges = &self.edges[start as usize..end as usize];
        let at = edges.binary_search_by_key(&next.0, |(term, _)| term.0);
        at.map_or(NO_PHRASE, |at| edges[at].1)
    }
}

#[cfg(test)]
mod tests {
    use crate::text::word_hash;

    use super::*;

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
