//! Sorts patterns into the tables by which they are found.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use hashbrown::{HashMap, HashSet};

use super::table::{AtomId, Ends, Filter};
use super::{LATIN_MAX, PREFIX_SALT, ROOT, SUFFIX_SALT, TermIndex, step_key};
use crate::rules::query::term::unspaced;
use crate::rules::query::term::wildcard;
use crate::rules::query::term::{Form, Pattern};
use crate::text::word_hash;

/// A wildcard is looked up by its first or last letters when there are this many bytes of them.
const AFFIX_BYTES_MIN: usize = 2;

impl TermIndex {
    /// Builds the index; a pattern's [`AtomId`] is the one it comes with.
    ///
    /// # Panics
    /// When the substring automaton would need more than 2³¹ states: packs are limited far below.
    #[must_use]
    pub fn new<'a>(patterns: impl Iterator<Item = (AtomId, &'a Arc<Pattern>)>) -> Self {
        let mut builder = Builder::default();
        for (atom, pattern) in patterns {
            builder.add(atom, pattern);
        }
        builder.build()
    }
}

/// The tables in the making.
#[derive(Default)]
struct Builder {
    ends: HashMap<u64, Vec<AtomId>>,
    going_on: HashSet<u64>,
    prefix_lens: Vec<usize>,
    suffix_lens: Vec<usize>,
    infixes: Vec<String>,
    infix_atoms: Vec<AtomId>,
    floating: Vec<AtomId>,
    substrings: Vec<String>,
    substring_atoms: Vec<AtomId>,
    pieces: Vec<String>,
    /// First byte of every word of every pattern, and every byte beyond ASCII of what is looked for inside words.
    lead_bytes: Vec<u8>,
}

impl Builder {
    fn add(&mut self, atom: AtomId, pattern: &Pattern) {
        match &pattern.form {
            Form::Words { words, .. } => {
                self.lead_bytes.extend(words.iter().filter_map(|word| word.bytes().next()));
                self.add_words(atom, words.iter().map(|word| word_hash(word.as_bytes())))
            }
            Form::Prefix { prefix, .. } => self.add_prefix(atom, prefix),
            Form::Wildcard { glob, .. } => self.add_wildcard(atom, glob),
            Form::Raw { key: Some(key), .. } => {
                self.lead_bytes.extend(key.words.iter().filter_map(|word| word.bytes().next()));
                self.add_words(atom, key.words.iter().map(|word| word_hash(word.as_bytes())));
            }
            Form::Raw { key: None, .. } => self.floating.push(atom),
            Form::Substring { .. } | Form::Row(_) => {
                let Some(text) = unspaced::rarest(pattern) else { return };
                self.lead_bytes.extend(text.bytes().filter(|byte| !byte.is_ascii()));
                self.pieces.push(unspaced::longest_run(text).to_owned());
                self.substrings.push(text.to_owned());
                self.substring_atoms.push(atom);
            }
        }
    }

    fn add_prefix(&mut self, atom: AtomId, prefix: &str) {
        self.lead_bytes.extend(prefix.bytes().next());
        self.prefix_lens.push(prefix.len());
        self.add_words(atom, std::iter::once(word_hash(prefix.as_bytes()) ^ PREFIX_SALT));
    }

    fn add_wildcard(&mut self, atom: AtomId, glob: &str) {
        let (lead, trail, longest) = wildcard::literals(glob);
        if lead.len() >= AFFIX_BYTES_MIN {
            return self.add_prefix(atom, lead);
        }
        // Words of any script may end like this, or hold it.
        self.lead_bytes.extend(longest.bytes().filter(|byte| !byte.is_ascii()));
        self.lead_bytes.extend(lead.bytes().next());
        if trail.len() >= AFFIX_BYTES_MIN {
            self.suffix_lens.push(trail.len());
            self.add_words(atom, std::iter::once(word_hash(trail.as_bytes()) ^ SUFFIX_SALT));
        } else {
            self.infixes.push(longest.to_owned());
            self.infix_atoms.push(atom);
        }
    }

    fn add_words(&mut self, atom: AtomId, hashes: impl Iterator<Item = u64>) {
        let mut key = ROOT;
        for hash in hashes {
            if key != ROOT {
                self.going_on.insert(key);
            }
            key = step_key(key, hash);
        }
        self.ends.entry(key).or_default().push(atom);
    }

    fn build(mut self) -> TermIndex {
        for lens in [&mut self.prefix_lens, &mut self.suffix_lens] {
            lens.sort_unstable();
            lens.dedup();
        }
        let begins = |low: u8, high: u8| self.lead_bytes.iter().any(|lead| (low..=high).contains(lead));
        TermIndex {
            has_cyrillic: begins(0xD0, 0xD3),
            has_right_to_left: begins(0xD7, 0xDF),
            filter: Filter::new(&self.ends, &self.going_on),
            ends: Ends::new(self.ends),
            has_parts: !(self.prefix_lens.is_empty()
                && self.suffix_lens.is_empty()
                && self.infixes.is_empty()),
            prefix_lens: self.prefix_lens,
            suffix_lens: self.suffix_lens,
            infixes: automaton(&self.infixes),
            infix_atoms: self.infix_atoms,
            floating: self.floating,
            substrings: automaton(&self.substrings),
            substring_atoms: self.substring_atoms,
            has_plain_substrings: self.pieces.iter().any(|piece| is_plain(piece)),
            pieces: automaton(&self.pieces),
        }
    }
}

/// A character of `piece` is one that [`TermIndex::may_hold_substring`] passes over.
fn is_plain(piece: &str) -> bool {
    piece.chars().any(|c| !c.is_ascii() && (c <= LATIN_MAX || ('\u{2000}'..='\u{203F}').contains(&c)))
}

/// Finds any of `texts`, letters of ASCII in any case: the prefilter looks at words as they are written.
fn automaton(texts: &[String]) -> Option<AhoCorasick> {
    (!texts.is_empty()).then(|| {
        AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(texts)
            .expect("a pack's substrings are far below 2^31 states")
    })
}
