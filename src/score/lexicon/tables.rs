//! The tables that words and phrases are looked up in.

use super::meaning::{Hit, Role, Sense};
use super::symbols::Symbols;
use crate::text::LangCode;

/// Stands for every language that the lexicon has no words of.
pub(super) const OTHER: LangCode = LangCode::of("zzz");

/// Number of a word in the lexicon. Words that continue phrases come first, the short ones before the long, so that
/// what texts are mostly made of shares few cache lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::score) struct TermId(pub(super) u16);

impl TermId {
    /// A word that we do not know.
    pub(in crate::score) const UNKNOWN: Self = Self(u16::MAX);
}

/// One word, without its bytes: 16 bytes, a quarter of a cache line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) hash: u64,
    /// Its place in a [`Voice`].
    pub(super) meaning: u16,
    pub(super) root: u16,
    /// The length of a word that its hash and length tell from all others (see [`EXACT_BYTES`](crate::text::EXACT_BYTES)),
    /// or 0: its bytes must be compared.
    pub(super) exact_len: u8,
}

/// A word found.
#[derive(Clone, Copy, Debug)]
pub(in crate::score) struct Found {
    pub(in crate::score) term: TermId,
    pub(in crate::score) sense: Sense,
    /// Where the phrases that begin with this word are; [`NO_PHRASE`] for none.
    pub(in crate::score) root: u16,
}

impl Found {
    pub(in crate::score) const NOTHING: Self =
        Self { term: TermId::UNKNOWN, sense: Sense { value: 0.0, role: Role::None }, root: NO_PHRASE };
}

/// The node of no phrase.
pub(in crate::score) const NO_PHRASE: u16 = 0;

/// A place in the trie of phrases.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Its part of [`Lexicon::edges`], in order of term.
    pub(super) edges: (u16, u16),
    /// Its part of [`Lexicon::hits`].
    pub(super) hits: (u16, u16),
}

/// The lexicon as it speaks to a post in one language: the sense of each meaning.
pub(in crate::score) type Voice = [Sense];

/// All words and phrases.
#[derive(Debug)]
pub(in crate::score) struct Lexicon {
    /// Open addressing by word hash: sixteen slots in a cache line.
    pub(super) slots: Box<[Slot]>,
    pub(super) terms: Vec<Term>,
    /// All words, one after the other, looked at for words whose hash is not exact.
    pub(super) bytes: String,
    /// Where each word ends in `bytes`, the start of the first before it.
    pub(super) bounds: Vec<u32>,
    /// By language; at last the voices for other languages and for [`LangCode::UND`].
    pub(super) voices: Vec<(LangCode, Box<Voice>)>,
    pub(super) nodes: Vec<Node>,
    /// Term and node it leads to.
    pub(super) edges: Vec<(TermId, u16)>,
    pub(super) hits: Vec<Hit>,
    /// Words before this continue phrases.
    pub(super) following: TermId,
    pub(in crate::score) symbols: Symbols,
}

/// Some bits of a word's hash and its number; [`TermId::UNKNOWN`] is free.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) tag: u16,
    pub(super) term: TermId,
}

impl Slot {
    pub(super) const FREE: Self = Self { tag: 0, term: TermId::UNKNOWN };

    /// The slot's number is made of the low bits.
    pub(super) const fn tag(hash: u64) -> u16 {
        (hash >> 48) as u16
    }
}

impl Lexicon {
    /// The senses for posts in `lang`.
    pub(in crate::score) fn voice(&self, lang: LangCode) -> &Voice {
        let spoken = self.voices.iter().find(|(code, _)| *code == lang || *code == OTHER);
        spoken.map_or(&[], |(_, voice)| voice)
    }

    /// The word of this hash and these bytes. Most unknown words cost one cache line, most others two.
    #[inline]
    pub(in crate::score) fn find(&self, hash: u64, word: &[u8], voice: &Voice) -> Found {
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
    pub(in crate::score) fn phrases(
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
