//! Finds every place of every pattern in the time of one look-up a word, however many patterns there are.
//!
//! Whole-word patterns stand in a trie of word hashes, anchored: a walk begins only where a word is the first of some
//! pattern, which a bitmap tells for nearly all words without touching the table. Substring patterns (emoji, scripts
//! without spaces) go through Aho-Corasick, and only over texts that are not ASCII.
//! Why not one Aho-Corasick over all text: its time goes to hits inside words and to cache misses (RULES.md 3).

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use hashbrown::HashMap;

use crate::text::{Folded, Word, word_hash};

use super::term::{Form, Pattern};

/// A pattern's number in its [`TermIndex`].
pub type AtomId = u32;

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

const ROOT: u32 = 0;
const PREFIX_SALT: u64 = 0xA5A5_5A5A_C3C3_3C3C;
/// Bits of the bitmap per key: 1 in 16 foreign words is let through to the table.
const BITS_PER_KEY: usize = 16;

/// The patterns, ready to be found.
#[derive(Debug)]
pub struct TermIndex {
    first_words: Bitmap,
    steps: Table,
    nodes: Vec<Node>,
    prefix_lens: Vec<usize>,
    substrings: Option<AhoCorasick>,
    substring_atoms: Vec<AtomId>,
}

/// One state of the walk.
#[derive(Clone, Debug, Default)]
struct Node {
    /// Patterns that end here, if their gaps, sigil and spelling fit too.
    ends: Vec<AtomId>,
    has_steps: bool,
}

impl TermIndex {
    /// Builds the index; a pattern's [`AtomId`] is the one it comes with.
    ///
    /// # Panics
    /// When the substring automaton would need more than 2³¹ states: packs are limited far below.
    #[must_use]
    pub fn new<'a>(patterns: impl Iterator<Item = (AtomId, &'a Pattern)>) -> Self {
        let mut builder = Builder::default();
        for (atom, pattern) in patterns {
            builder.add(atom, pattern);
        }
        builder.build()
    }

    /// Appends every place of every pattern in `text`, in no particular order. `patterns` is what the index was built
    /// from, by atom.
    pub fn find(&self, text: &Folded, patterns: &[Pattern], hits: &mut Vec<Hit>) {
        for at in 0..text.words.len() {
            self.walk_from(text, at, patterns, hits);
        }
        for tag in &text.tags {
            let mut at_tag = |atom: AtomId| {
                let range = patterns[atom as usize].tag_at(text, tag);
                hits.extend(range.map(|(start, end)| Hit { atom, start, end }));
            };
            self.ends_of_first(tag.hash).iter().copied().for_each(&mut at_tag);
            self.prefixes_of(text.word(tag).as_bytes()).for_each(at_tag);
        }
        if text.has_non_ascii {
            self.find_substrings(&text.text, hits);
        }
    }

    fn walk_from(&self, text: &Folded, at: usize, patterns: &[Pattern], hits: &mut Vec<Hit>) {
        let first = &text.words[at];
        let mut check = |atom: AtomId| {
            let range = patterns[atom as usize].words_at(text, at);
            hits.extend(range.map(|(start, end)| Hit { atom, start, end }));
        };
        self.prefixes_of(text.word(first).as_bytes()).for_each(&mut check);
        if !self.first_words.may_contain(first.hash) {
            return;
        }
        let mut node = ROOT;
        for word in &text.words[at..] {
            let Some(next) = self.steps.get(step_key(node, word.hash)) else { return };
            let found = &self.nodes[next as usize];
            found.ends.iter().copied().for_each(&mut check);
            if !found.has_steps {
                return;
            }
            node = next;
        }
    }

    fn ends_of_first(&self, hash: u64) -> &[AtomId] {
        let node =
            if self.first_words.may_contain(hash) { self.steps.get(step_key(ROOT, hash)) } else { None };
        node.map_or(&[], |node| &self.nodes[node as usize].ends)
    }

    fn prefixes_of<'a>(&'a self, word: &'a [u8]) -> impl Iterator<Item = AtomId> + 'a {
        let lens = self.prefix_lens.iter().take_while(|&&len| len <= word.len());
        lens.flat_map(|&len| self.ends_of_first(word_hash(&word[..len]) ^ PREFIX_SALT).iter().copied())
    }

    fn find_substrings(&self, text: &str, hits: &mut Vec<Hit>) {
        let Some(automaton) = &self.substrings else { return };
        hits.extend(automaton.find_overlapping_iter(text).map(|hit| Hit {
            atom: self.substring_atoms[hit.pattern().as_usize()],
            start: hit.start() as u32,
            end: hit.end() as u32,
        }));
    }

    /// True when a folded text may hold some pattern. Never false when it does.
    #[must_use]
    pub fn may_match(&self, text: &Folded, walk: &mut Walk) -> bool {
        walk.reset();
        let bytes = |word: &Word| text.word(word).as_bytes();
        text.words.iter().any(|word| self.step(walk, word.hash, bytes(word)))
            || text.tags.iter().any(|tag| {
                walk.reset();
                self.step(walk, tag.hash, bytes(tag))
            })
            || (text.has_non_ascii
                && self.substrings.as_ref().is_some_and(|found| found.is_match(&text.text)))
    }

    /// Takes one word (its hash, and its bytes in any case) and tells whether some pattern may end with it.
    #[inline]
    pub fn step(&self, walk: &mut Walk, hash: u64, word: &[u8]) -> bool {
        let mut ends = false;
        if !walk.open.is_empty() {
            ends = self.step_open(walk, hash);
        }
        if self.first_words.may_contain(hash) {
            ends |= self.enter(walk, step_key(ROOT, hash));
        }
        if !self.prefix_lens.is_empty() {
            ends |= self.prefixes_of(word).next().is_some();
        }
        ends
    }

    #[inline(never)]
    fn step_open(&self, walk: &mut Walk, hash: u64) -> bool {
        let open = std::mem::take(&mut walk.open);
        let ends = open.iter().fold(false, |ends, &node| self.enter(walk, step_key(node, hash)) | ends);
        walk.spare = open;
        walk.spare.clear();
        ends
    }

    fn enter(&self, walk: &mut Walk, key: u64) -> bool {
        let Some(next) = self.steps.get(key) else { return false };
        let node = &self.nodes[next as usize];
        if node.has_steps {
            if walk.open.capacity() == 0 {
                std::mem::swap(&mut walk.open, &mut walk.spare);
            }
            walk.open.push(next);
        }
        !node.ends.is_empty()
    }
}

/// The phrases begun and not yet ended, while the words of one text go by.
#[derive(Debug, Default)]
pub struct Walk {
    open: Vec<u32>,
    spare: Vec<u32>,
}

impl Walk {
    /// Forgets all begun phrases: a new text begins.
    #[inline]
    pub fn reset(&mut self) {
        self.open.clear();
    }
}

#[inline]
fn step_key(node: u32, hash: u64) -> u64 {
    // The root's keys are the hashes themselves; 0 marks an empty slot of the table.
    let key = if node == ROOT { hash } else { (hash ^ u64::from(node)).wrapping_mul(0xD6E8_FEB8_6659_FD93) };
    key.max(1)
}

#[derive(Debug)]
struct Bitmap {
    words: Vec<u64>,
    shift: u32,
}

impl Bitmap {
    fn new(keys: &[u64]) -> Self {
        let bits = (keys.len().max(64) * BITS_PER_KEY).next_power_of_two();
        let mut map = Self { words: vec![0; bits / 64], shift: 64 - bits.trailing_zeros() };
        for &key in keys {
            let bit = map.bit(key);
            map.words[bit / 64] |= 1 << (bit % 64);
        }
        map
    }

    #[inline]
    fn bit(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    #[inline]
    fn may_contain(&self, key: u64) -> bool {
        let bit = self.bit(key);
        self.words[bit / 64] >> (bit % 64) & 1 == 1
    }
}

/// Open addressing with linear probing; at most half full; key 0 is an empty slot.
#[derive(Debug)]
struct Table {
    slots: Vec<(u64, u32)>,
    shift: u32,
}

impl Table {
    fn new(entries: &HashMap<u64, u32>) -> Self {
        let len = (entries.len() * 2).next_power_of_two().max(16);
        let mut table = Self { slots: vec![(0, 0); len], shift: 64 - len.trailing_zeros() };
        for (&key, &node) in entries {
            let mut at = table.slot(key);
            while table.slots[at].0 != 0 {
                at = (at + 1) & (len - 1);
            }
            table.slots[at] = (key, node);
        }
        table
    }

    #[inline]
    fn slot(&self, key: u64) -> usize {
        (key.wrapping_mul(0xFF51_AFD7_ED55_8CCD) >> self.shift) as usize
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u32> {
        let mut at = self.slot(key);
        loop {
            match self.slots[at] {
                (found, node) if found == key => return Some(node),
                (0, _) => return None,
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }
}

struct Builder {
    steps: HashMap<u64, u32>,
    nodes: Vec<Node>,
    first_words: Vec<u64>,
    prefix_lens: Vec<usize>,
    substrings: Vec<String>,
    substring_atoms: Vec<AtomId>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            steps: HashMap::new(),
            nodes: vec![Node::default()],
            first_words: Vec::new(),
            prefix_lens: Vec::new(),
            substrings: Vec::new(),
            substring_atoms: Vec::new(),
        }
    }
}

impl Builder {
    fn add(&mut self, atom: AtomId, pattern: &Pattern) {
        match &pattern.form {
            Form::Words { words, .. } => {
                self.add_words(atom, words.iter().map(|word| word_hash(word.as_bytes())))
            }
            Form::Prefix { prefix, .. } => {
                self.prefix_lens.push(prefix.len());
                self.add_words(atom, std::iter::once(word_hash(prefix.as_bytes()) ^ PREFIX_SALT));
            }
            Form::Substring(text) => {
                self.substrings.push(text.clone());
                self.substring_atoms.push(atom);
            }
        }
    }

    fn add_words(&mut self, atom: AtomId, hashes: impl Iterator<Item = u64>) {
        let mut node = ROOT;
        for hash in hashes {
            if node == ROOT {
                self.first_words.push(hash);
            }
            self.nodes[node as usize].has_steps = true;
            let fresh = self.nodes.len() as u32;
            node = *self.steps.entry(step_key(node, hash)).or_insert(fresh);
            if node == fresh {
                self.nodes.push(Node::default());
            }
        }
        self.nodes[node as usize].ends.push(atom);
    }

    fn build(mut self) -> TermIndex {
        self.prefix_lens.sort_unstable();
        self.prefix_lens.dedup();
        let automaton = (!self.substrings.is_empty()).then(|| {
            AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(&self.substrings)
                .expect("a pack's substrings are far below 2^31 states")
        });
        TermIndex {
            first_words: Bitmap::new(&self.first_words),
            steps: Table::new(&self.steps),
            nodes: self.nodes,
            prefix_lens: self.prefix_lens,
            substrings: automaton,
            substring_atoms: self.substring_atoms,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(sources: &[&str]) -> Vec<Pattern> {
        sources.iter().map(|source| Pattern::new(source, false).unwrap()).collect()
    }

    fn check(sources: &[&str], text: &str) -> Vec<Hit> {
        let patterns = patterns(sources);
        let index = TermIndex::new((0..).zip(&patterns));
        let folded = Folded::new(text);
        let mut hits = Vec::new();
        index.find(&folded, &patterns, &mut hits);
        hits.sort_unstable();
        hits.dedup();
        let naive = |(atom, pattern): (u32, &Pattern)| {
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
