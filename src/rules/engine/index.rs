//! Finds every place of every pattern in the time of one look-up a word, however many patterns there are.
//!
//! Whole-word patterns stand in a trie of word hashes, anchored: a walk begins only where a word is the first of some
//! pattern, which a small filter tells for nearly all words. Substring patterns (emoji, scripts
//! without spaces) go through Aho-Corasick, and only over texts that are not ASCII.
//! Why not one Aho-Corasick over all text: its time goes to hits inside words and to cache misses.

use std::sync::Arc;

use aho_corasick::AhoCorasick;
use smallvec::SmallVec;

use crate::text::{Folded, Word, word_hash};

mod build;
mod table;

pub use table::AtomId;

use table::{Ends, Filter};

use crate::rules::query::term::unspaced;
use crate::rules::query::term::{Form, Pattern};

/// One place of one pattern: a range of the folded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Which pattern.
    pub atom: AtomId,
    /// Where it starts.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
}

/// The key of the walk before its first word.
const ROOT: u64 = 0;
const PREFIX_SALT: u64 = 0xA5A5_5A5A_C3C3_3C3C;
const SUFFIX_SALT: u64 = 0x5A5A_A5A5_3C3C_C3C3;
/// Words and tags of most pieces that have tags.
const USUAL_READINGS: usize = 16;
/// The last character whose first byte is no more than this byte: Latin letters and their kin.
const LATIN_MAX: char = '\u{027F}';
const LATIN_LEAD_MAX: u8 = 0xC9;

/// The patterns, ready to be found.
///
/// A walk is named by a key that grows with each word it has seen; which keys exist is told by the filter alone, so
/// that the table is read only where a pattern (most likely) ends.
#[derive(Debug)]
pub struct TermIndex {
    filter: Filter,
    ends: Ends,
    prefix_lens: Vec<usize>,
    suffix_lens: Vec<usize>,
    /// Wildcards that neither begin nor end with enough letters, by their longest stretch of letters.
    infixes: Option<AhoCorasick>,
    infix_atoms: Vec<AtomId>,
    /// What no word points to: looked for in every text.
    floating: Vec<AtomId>,
    substrings: Option<AhoCorasick>,
    substring_atoms: Vec<AtomId>,
    /// Of each substring the longest stretch that one run of a text must hold.
    pieces: Option<AhoCorasick>,
    /// Some substring is made of characters that most texts beyond ASCII have: `©`, `‼`.
    has_plain_substrings: bool,
    /// Some pattern is looked up by a part of a word.
    has_parts: bool,
    has_cyrillic: bool,
    has_right_to_left: bool,
}

impl TermIndex {
    /// Appends every place of every pattern in `text`, in no particular order. `patterns` is what the index was built
    /// from, by atom.
    pub fn find(&self, text: &Folded, patterns: &[Arc<Pattern>], hits: &mut Vec<Hit>) {
        for at in 0..text.piece_count() {
            self.walk_from(text, at, patterns, hits);
        }
        if text.has_non_ascii {
            self.find_substrings(text, patterns, hits);
        }
        for &atom in &self.floating {
            let places = patterns[atom as usize].find_all(text).into_iter();
            hits.extend(places.map(|(start, end)| Hit { atom, start, end }));
        }
    }

    /// As [`TermIndex::find`], taking each word in any of its loose spellings. `text` must have been loosened.
    pub fn find_loosely(&self, text: &Folded, patterns: &[Arc<Pattern>], hits: &mut Vec<Hit>) {
        let first = hits.len();
        self.find(text, patterns, hits);
        let mut atoms = Vec::new();
        for at in 0..text.piece_count() {
            atoms.clear();
            self.atoms_at(text, at, &mut atoms);
            for &atom in &atoms {
                let range = patterns[atom as usize].words_at(text, at);
                hits.extend(range.map(|(start, end)| Hit { atom, start, end }));
            }
        }
        // A word found in two spellings is one place: "…"~N counts them.
        let mut found = hits.split_off(first);
        found.sort_unstable();
        found.dedup();
        hits.append(&mut found);
    }

    /// Every pattern that may begin with piece `at` of a loosened text, in whatever spelling.
    fn atoms_at(&self, text: &Folded, at: usize, atoms: &mut Vec<AtomId>) {
        self.walk_loosely(text, at, ROOT, atoms);
        for (_, spelling) in text.loose_spellings(at) {
            atoms.extend(self.affixes_of(spelling.as_bytes()));
            atoms.extend(self.infixes_of(spelling));
        }
    }

    /// Every pattern of whole words that may go on at piece `at`, whatever spellings its words are taken in.
    fn walk_loosely(&self, text: &Folded, at: usize, key: u64, atoms: &mut Vec<AtomId>) {
        let Some(word) = text.piece(at) else { return };
        let spellings = text.loose_spellings(at).map(|(hash, _)| hash);
        for hash in std::iter::once(word.hash).chain(spellings) {
            let key = step_key(key, hash);
            let (may_end, may_go_on) = self.filter.look_up(key);
            if may_end {
                atoms.extend(self.ends.get(key));
            }
            if may_go_on {
                text.pieces_after(at).for_each(|next| self.walk_loosely(text, next, key, atoms));
            }
        }
    }

    /// True when a loosened text may hold some pattern. Never false when it does.
    #[must_use]
    pub fn may_match_loosely(&self, text: &Folded) -> bool {
        let mut atoms = Vec::new();
        let is_begun = |at: usize| {
            self.atoms_at(text, at, &mut atoms);
            !atoms.is_empty()
        };
        (0..text.piece_count()).any(is_begun) || self.may_match(text, &mut Walk::default())
    }

    fn walk_from(&self, text: &Folded, at: usize, patterns: &[Arc<Pattern>], hits: &mut Vec<Hit>) {
        let Some(first) = text.piece(at) else { return };
        let mut check = |atom: AtomId| {
            let range = patterns[atom as usize].words_at(text, at);
            hits.extend(range.map(|(start, end)| Hit { atom, start, end }));
        };
        self.affixes_of(text.word(first).as_bytes()).for_each(&mut check);
        self.infixes_of(text.word(first)).for_each(&mut check);
        self.walk_on(text, at, ROOT, &mut check);
    }

    /// Checks every pattern of whole words that goes on at piece `at`.
    fn walk_on(&self, text: &Folded, mut at: usize, mut key: u64, check: &mut impl FnMut(AtomId)) {
        while let Some(piece) = text.piece(at) {
            key = step_key(key, piece.hash);
            let (may_end, may_go_on) = self.filter.look_up(key);
            if may_end {
                self.ends.get(key).iter().copied().for_each(&mut *check);
            }
            if !may_go_on {
                return;
            }
            if text.tags.is_empty() {
                at += 1;
                continue;
            }
            return text.pieces_after(at).for_each(|next| self.walk_on(text, next, key, check));
        }
    }

    fn ends_of_first(&self, hash: u64) -> &[AtomId] {
        let key = step_key(ROOT, hash);
        if self.filter.look_up(key).0 { self.ends.get(key) } else { &[] }
    }

    /// Patterns looked up by how a word begins or ends.
    fn affixes_of<'a>(&'a self, word: &'a [u8]) -> impl Iterator<Item = AtomId> + 'a {
        let fits = |len: &&usize| **len <= word.len();
        let prefixes = self.prefix_lens.iter().take_while(fits);
        let prefixes = prefixes.map(|&len| word_hash(&word[..len]) ^ PREFIX_SALT);
        let suffixes = self.suffix_lens.iter().take_while(fits);
        let suffixes = suffixes.map(|&len| word_hash(&word[word.len() - len..]) ^ SUFFIX_SALT);
        prefixes.chain(suffixes).flat_map(|hash| self.ends_of_first(hash).iter().copied())
    }

    /// Patterns looked up by what stands inside a word.
    fn infixes_of<'a>(&'a self, word: &'a str) -> impl Iterator<Item = AtomId> + 'a {
        let found = self.infixes.iter().flat_map(move |infixes| infixes.find_overlapping_iter(word));
        found.map(|hit| self.infix_atoms[hit.pattern().as_usize()])
    }

    fn find_substrings(&self, text: &Folded, patterns: &[Arc<Pattern>], hits: &mut Vec<Hit>) {
        let Some(automaton) = &self.substrings else { return };
        let mut rows = Vec::new();
        for found in automaton.find_overlapping_iter(&text.text) {
            let atom = self.substring_atoms[found.pattern().as_usize()];
            match &patterns[atom as usize].form {
                Form::Substring { text: needle, exact } => {
                    let range = unspaced::place(text, found.start(), needle, exact.as_deref());
                    hits.extend(range.map(|(start, end)| Hit { atom, start, end }));
                }
                _ => rows.push(atom),
            }
        }
        rows.sort_unstable();
        rows.dedup();
        for atom in rows {
            let places = patterns[atom as usize].find_all(text).into_iter();
            hits.extend(places.map(|(start, end)| Hit { atom, start, end }));
        }
    }

    /// True when a folded text may hold some pattern. Never false when it does.
    #[must_use]
    pub fn may_match(&self, text: &Folded, walk: &mut Walk) -> bool {
        walk.reset();
        self.continue_with(text, walk)
    }

    /// As [`TermIndex::may_match`], for a piece of a text whose earlier words `walk` has seen.
    #[must_use]
    pub fn continue_with(&self, piece: &Folded, walk: &mut Walk) -> bool {
        let bytes = |word: &Word| piece.word(word).as_bytes();
        let found = match piece.tags.is_empty() {
            true => {
                piece.words.iter().fold(false, |found, word| found | self.step(walk, word.hash, bytes(word)))
            }
            false => self.continue_with_tags(piece, walk),
        };
        found
            || (piece.has_non_ascii && self.pieces.as_ref().is_some_and(|found| found.is_match(&piece.text)))
    }

    /// The words of a hashtag may count one by one or some together; phrases may go on after either.
    #[inline(never)]
    fn continue_with_tags(&self, piece: &Folded, walk: &mut Walk) -> bool {
        let mut readings: SmallVec<[&Word; USUAL_READINGS]> = piece.pieces().collect();
        readings.sort_by_key(|word| word.start);
        // Phrases begun, each with where its last word ends.
        let mut open: SmallVec<[(u32, u64); USUAL_READINGS]> = walk.take_open().map(|key| (0, key)).collect();
        let mut going_on: SmallVec<[u64; USUAL_READINGS]> = SmallVec::new();
        let mut found = false;
        for group in readings.chunk_by(|word, next| word.start == next.start) {
            going_on.clear();
            open.retain(|&mut (end, key)| {
                let goes_on = end <= group[0].start;
                going_on.extend(goes_on.then_some(key));
                !goes_on
            });
            for word in group {
                let begun = going_on.iter().map(|&key| next_key(key, word.hash));
                for key in begun.chain([step_key(ROOT, word.hash)]) {
                    let (may_end, may_go_on) = self.filter.look_up(key);
                    found |= may_end && !self.ends.get(key).is_empty();
                    open.extend(may_go_on.then_some((word.end, key)));
                }
                found |= self.has_parts && self.has_part_of(piece.word(word).as_bytes());
            }
        }
        walk.open.extend(open.into_iter().map(|(_, key)| key));
        found
    }

    /// True when `run` may hold a pattern that is looked for anywhere, not only as words. Letters of Latin with their
    /// accents, and general punctuation, never fold to anything that such a pattern is made of, unless one holds
    /// them itself.
    #[must_use]
    pub fn may_hold_substring(&self, run: &[u8]) -> bool {
        let is_telling = |(at, &byte): (usize, &u8)| match byte {
            0xE2 => run.get(at + 1) != Some(&0x80),
            byte => byte > LATIN_LEAD_MAX,
        };
        self.pieces.is_some() && (self.has_plain_substrings || run.iter().enumerate().any(is_telling))
    }

    /// True when `run` is written wholly in a script in which no pattern has a word: Cyrillic, Hebrew, Arabic and
    /// their neighbours, whose letters never fold to letters of another script.
    #[must_use]
    pub fn is_foreign(&self, run: &[u8]) -> bool {
        let within = |low: u8, high: u8| {
            run.iter().all(|&byte| (byte >= low && byte <= high) || (byte & 0xC0) == 0x80)
        };
        (!self.has_right_to_left && within(0xD7, 0xDF)) || (!self.has_cyrillic && within(0xD0, 0xD3))
    }

    /// Takes one word (its hash, and its bytes in any case) and tells whether some pattern may end with it.
    #[inline]
    pub fn step(&self, walk: &mut Walk, hash: u64, word: &[u8]) -> bool {
        let (first, second) = (step_key(ROOT, hash), next_key(walk.last, hash));
        // Every third word begins some phrase, which cannot be guessed: both look-ups are made before the one branch.
        let (ends, goes_on) = self.filter.look_up(first);
        let (second_ends, second_goes_on) = self.filter.look_up(second);
        let second = (walk.goes_on & (second_ends | second_goes_on)).then_some(second);
        (walk.last, walk.goes_on) = (first, goes_on);
        let mut found = false;
        if ends | second.is_some() | !walk.open.is_empty() {
            found = self.step_on(walk, hash, ends.then_some(first), second);
        }
        found | (self.has_parts && self.has_part_of(word))
    }

    /// True when some pattern may be a part of `word`.
    fn has_part_of(&self, word: &[u8]) -> bool {
        self.affixes_of(word).next().is_some()
            || self.infixes.as_ref().is_some_and(|infixes| infixes.is_match(word))
    }

    #[inline(never)]
    fn step_on(&self, walk: &mut Walk, hash: u64, ending: Option<u64>, second: Option<u64>) -> bool {
        let mut found = ending.is_some_and(|key| !self.ends.get(key).is_empty());
        std::mem::swap(&mut walk.open, &mut walk.spare);
        walk.open.clear();
        for at in 0..walk.spare.len() {
            found |= self.enter(walk, next_key(walk.spare[at], hash));
        }
        second.map_or(found, |second| found | self.enter(walk, second))
    }

    fn enter(&self, walk: &mut Walk, key: u64) -> bool {
        let (may_end, may_go_on) = self.filter.look_up(key);
        if may_go_on {
            walk.open.push(key);
        }
        may_end && !self.ends.get(key).is_empty()
    }
}

/// The phrases begun and not yet ended, while the words of one text go by.
#[derive(Debug, Default)]
pub struct Walk {
    /// The key of the last word alone, and whether some phrase may go on after it.
    last: u64,
    goes_on: bool,
    /// The keys of phrases begun before.
    open: Vec<u64>,
    spare: Vec<u64>,
}

impl Walk {
    /// Forgets all begun phrases: a new text begins.
    #[inline]
    pub fn reset(&mut self) {
        self.goes_on = false;
        self.open.clear();
    }

    /// The keys of all begun phrases, which are forgotten.
    fn take_open(&mut self) -> impl Iterator<Item = u64> + '_ {
        let last = std::mem::take(&mut self.goes_on).then_some(self.last);
        self.open.drain(..).chain(last)
    }
}

/// The key of a walk after one more word. Never 0, which marks an empty slot.
#[inline]
fn step_key(key: u64, hash: u64) -> u64 {
    if key == ROOT { hash | 1 } else { next_key(key, hash) }
}

/// [`step_key`] of a walk that has begun.
#[inline]
fn next_key(key: u64, hash: u64) -> u64 {
    // The hash is mixed already; only what has come before must be folded in.
    (key.rotate_left(23) ^ hash).wrapping_mul(0xD6E8_FEB8_6659_FD93) | 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::query::term::Fold;

    fn patterns(sources: &[&str]) -> Vec<Arc<Pattern>> {
        sources.iter().map(|source| Arc::new(Pattern::new(source, Fold::Standard).unwrap())).collect()
    }

    fn check(sources: &[&str], text: &str) -> Vec<Hit> {
        let patterns = patterns(sources);
        let index = TermIndex::new((0..).zip(&patterns));
        let folded = Folded::new(text);
        let mut hits = Vec::new();
        index.find(&folded, &patterns, &mut hits);
        hits.sort_unstable();
        hits.dedup();
        let naive = |(atom, pattern): (u32, &Arc<Pattern>)| {
            let places = pattern.find_all(&folded);
            places.into_iter().map(move |(start, end)| Hit { atom, start, end })
        };
        let mut expected: Vec<Hit> = (0..).zip(&patterns).flat_map(naive).collect();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(hits, expected, "{sources:?} in {text:?}");
        assert!(hits.is_empty() || index.may_match(&folded, &mut Walk::default()), "{sources:?} in {text:?}");
        hits
    }

    #[test]
    fn overlapping_and_nested_phrases_are_all_found() {
        let sources =
            ["the north face", "north", "face", "the north", "The North Face Store", "norther*", "nor*"];
        assert_eq!(check(&sources, "At the North Face, the NORTH face store northern").len(), 13);
    }

    #[test]
    fn sigils_gaps_and_emoji_decide() {
        assert_eq!(check(&["#acme", "@acme", "$acme", "acme"], "#Acme @acme acme $ACME").len(), 7);
        assert_eq!(check(&["H&M", "coca-cola"], "H&M h m coca cola Coca-Cola coca. cola").len(), 3);
        assert_eq!(check(&["🤬", "네슬레", "#acmedown", "down"], "🤬 네슬레를 #AcmeDown").len(), 4);
    }

    proptest! {
        #[test]
        fn the_index_finds_what_the_obvious_search_finds(
            sources in proptest::collection::vec("(#|@)?[ab]{1,2}([ -]([ab]|é){1,2}){0,2}", 1..6),
            text in "([#@ ]?[abAB]{1,2}[ -.é]?|네|🤬){0,20}",
        ) {
            let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
            check(&sources, &text);
        }
    }
}
