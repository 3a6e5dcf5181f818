//! The features of a post that the trained heads weigh: words, pairs and triples of them, the letters inside them,
//! how the post is written, and what the lexicon says of it.
//!
//! Features have no names: each is hashed to one of [`ROWS`] rows of the model's table, and may share it with others.
//! Training and scoring read a post by this one code, so that they cannot drift apart. Nothing here is learned.

use crate::text::{Folded, Word};

use super::cue::{Cue, CueWeights};
use super::explanation::{Notes, Why};
use super::tokens::{Token, has_long_run};
use crate::model::Sentiment;

/// Rows of the table are numbered with this many bits.
const ROW_BITS: u32 = 18;
/// Rows of the model's table.
pub const ROWS: usize = 1 << ROW_BITS;
/// From this row on stand the features that count half.
const HALF: u32 = 1 << (ROW_BITS - 1);
/// A word turns around at most this many words behind it.
const SCOPE_WORDS: u32 = 6;
/// Letters are looked at in stretches of 2 to this many.
const LETTERS_MAX: usize = 5;
/// Letters of a longer word are looked at up to here.
const WORD_CHARS_MAX: usize = 40;

/// What a feature is made of. How much each kind counts was chosen on development data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A word, a mark or an emoji; negated where a negation stands before it.
    Word,
    /// Two neighbours.
    Pair,
    /// Three neighbours.
    Triple,
    /// A word in capitals, or with letters drawn out.
    Shape,
    /// The whole post: length, capitals, marks, links, its first and last word.
    Frame,
    /// Letters inside a word.
    Letters,
    /// Sums of the lexicon's values, and cues.
    Lexicon,
}

impl Kind {
    /// There are many features of this kind, or they say little each: they count half.
    const fn counts_half(self) -> bool {
        matches!(self, Self::Frame | Self::Letters | Self::Lexicon)
    }
}

/// Something that stands in the post: a word, a mark, an emoji, a mention, a link.
#[derive(Clone, Copy, Debug)]
struct Unit {
    hash: u64,
    start: u32,
    end: u32,
    is_negated: bool,
    has_letters: bool,
}

const MENTION: u64 = 3;
const LINK: u64 = 2;

/// The features of one post, as rows of the table, and how long the vector of them is.
#[derive(Debug, Default)]
pub struct Grams {
    rows: Vec<u32>,
    /// Hashes of its words, without mentions, links and marks.
    words: Vec<u64>,
    /// Sum of the squares of the features' weights.
    square: f32,
    units: Vec<Unit>,
    letters: Vec<u32>,
    shape: Shape,
}

/// Counts over the whole post.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    capitals: u32,
    drawn_out: u32,
    links: u32,
    mentions: u32,
    tags: u32,
}

/// What the lexicon found in a post: the sums of its notes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    positive: f32,
    negative: f32,
    highest: f32,
    lowest: f32,
    last: f32,
    positives: u32,
    negatives: u32,
}

impl Notes for Evidence {
    fn note(&mut self, _: u32, _: u32, why: Why, weight: f32, _: bool) {
        if matches!(why, Why::Cue(_)) {
            return;
        }
        self.last = weight;
        self.highest = self.highest.max(weight);
        self.lowest = self.lowest.min(weight);
        if weight > 0.0 {
            self.positive += weight;
            self.positives += 1;
        } else {
            self.negative -= weight;
            self.negatives += 1;
        }
    }
}

/// What the lexicon made of a post.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexical<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) sentiment: &'a Sentiment,
    pub(super) cues: &'a CueWeights,
}

impl Grams {
    /// Rows of the features, one for each time that a feature stands in the post.
    #[must_use]
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Hashes of the words, by which the model tells those it knows.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// What a feature in this row counts.
    #[must_use]
    pub const fn weight(row: u32) -> f32 {
        if row < HALF { 1.0 } else { 0.5 }
    }

    /// The length of the vector; never 0.
    #[must_use]
    pub fn length(&self) -> f32 {
        self.square.sqrt().max(1.0)
    }

    /// Reads a post whose tokens have been read and valued.
    pub(super) fn read(&mut self, text: &str, folded: &Folded, tokens: &[Token], lexical: Lexical<'_>) {
        self.rows.clear();
        self.words.clear();
        self.square = 0.0;
        self.shape = Shape::default();
        self.find_units(folded, tokens);
        self.push_words();
        self.push_letters(folded);
        self.push_frame(text);
        self.push_lexicon(lexical);
    }

    #[cfg(test)]
    pub(super) fn push_rows(&mut self, rows: std::ops::Range<u32>) {
        self.square += rows.len() as f32;
        self.rows.extend(rows.map(|row| row % ROWS as u32));
    }

    #[inline]
    fn push(&mut self, kind: Kind, hash: u64) {
        let row = (hash >> (65 - ROW_BITS)) as u32;
        self.rows.push(if kind.counts_half() { HALF + row } else { row });
        self.square += if kind.counts_half() { 0.25 } else { 1.0 };
    }

    fn find_units(&mut self, folded: &Folded, tokens: &[Token]) {
        self.units.clear();
        let (mut last, mut scope, mut in_link) = (0, 0, false);
        for (word, token) in folded.words.iter().zip(tokens) {
            if (word.start as usize) < last {
                continue;
            }
            let goes_on = in_link && token.is_link;
            if !goes_on {
                self.push_marks(folded, last, word.start as usize);
            }
            last = word.end as usize;
            in_link = token.is_link;
            if token.opens_clause {
                scope = 0;
            }
            if token.is_link || word.sigil == b'@' {
                self.push_reference(word, token.is_link, goes_on);
                continue;
            }
            self.push_word(folded, word, scope > 0);
            scope = if token.negates() { SCOPE_WORDS } else { scope.saturating_sub(1) };
        }
        if !in_link {
            self.push_marks(folded, last, folded.text.len());
        }
    }

    fn push_reference(&mut self, word: &Word, is_link: bool, goes_on: bool) {
        if goes_on {
            return;
        }
        let hash = if is_link { LINK } else { MENTION };
        *(if is_link { &mut self.shape.links } else { &mut self.shape.mentions }) += 1;
        self.units.push(Unit {
            hash,
            start: word.start,
            end: word.end,
            is_negated: false,
            has_letters: false,
        });
    }

    fn push_word(&mut self, folded: &Folded, word: &Word, is_negated: bool) {
        let bytes = folded.word(word).as_bytes();
        let is_drawn_out = bytes.len() > 2 && has_long_run(bytes);
        let hash = if bytes.iter().all(u8::is_ascii_digit) {
            mix(5, bytes.len() as u64)
        } else if is_drawn_out {
            squeezed_hash(bytes)
        } else {
            word.hash
        };
        self.words.push(hash);
        self.shape.tags += u32::from(word.sigil == b'#');
        if is_drawn_out {
            self.shape.drawn_out += 1;
            self.push(Kind::Shape, mix(hash, 107));
        }
        if is_capitals(folded.original(word)) {
            self.shape.capitals += 1;
            self.push(Kind::Shape, mix(hash, 106));
        }
        self.units.push(Unit { hash, start: word.start, end: word.end, is_negated, has_letters: true });
    }

    /// Marks and emoji between words: each stretch of ASCII marks is one, each emoji is one.
    fn push_marks(&mut self, folded: &Folded, start: usize, end: usize) {
        let gap = folded.text.get(start..end).unwrap_or_default();
        if gap == " " {
            return;
        }
        let mut at = start;
        for chunk in gap.split(' ') {
            if !chunk.is_empty() {
                self.push_chunk(chunk, at);
            }
            at += chunk.len() + 1;
        }
    }

    fn push_chunk(&mut self, chunk: &str, at: usize) {
        if chunk.is_ascii() {
            let bytes = chunk.as_bytes();
            if !matches!(bytes, b"'" | b"@" | b"#" | b"," | b"-") {
                self.push_mark(mark_hash(bytes), at, at + bytes.len());
            }
            return;
        }
        let mut last = '\0';
        for (offset, c) in chunk.char_indices().filter(|(_, c)| !c.is_ascii()) {
            if c != last {
                self.push_mark(mix(u64::from(u32::from(c)), 78), at + offset, at + offset + c.len_utf8());
            }
            last = c;
        }
    }

    fn push_mark(&mut self, hash: u64, start: usize, end: usize) {
        let (start, end) = (start as u32, end as u32);
        self.units.push(Unit { hash, start, end, is_negated: false, has_letters: true });
    }

    fn push_words(&mut self) {
        let units = std::mem::take(&mut self.units);
        let (mut before, mut pair_before) = (None, None);
        for unit in &units {
            if unit.is_negated {
                self.push(Kind::Word, mix(unit.hash, 0x5555));
            }
            self.push(Kind::Word, mix(unit.hash, 101));
            let pair = before.map(|before: u64| mix(mix(before, 7), unit.hash));
            if let Some(pair) = pair {
                self.push(Kind::Pair, mix(pair, 102));
            }
            if let Some(two) = pair_before {
                self.push(Kind::Triple, mix(mix(two, 9), mix(unit.hash, 103)));
            }
            (before, pair_before) = (Some(unit.hash), pair);
        }
        if let (Some(first), Some(last)) = (units.first(), units.last()) {
            self.push(Kind::Frame, mix(first.hash, 202));
            self.push(Kind::Frame, mix(last.hash, 203));
        }
        self.units = units;
    }

    fn push_letters(&mut self, folded: &Folded) {
        let mut letters = std::mem::take(&mut self.letters);
        for at in 0..self.units.len() {
            let Unit { start, end, has_letters, .. } = self.units[at];
            if !has_letters {
                continue;
            }
            letters.clear();
            letters.push(u32::from(' '));
            let text = &folded.text[start as usize..end as usize];
            letters.extend(text.chars().take(WORD_CHARS_MAX).map(u32::from));
            letters.push(u32::from(' '));
            self.push_stretches(&letters);
        }
        self.letters = letters;
    }

    fn push_stretches(&mut self, letters: &[u32]) {
        for start in 0..letters.len() - 1 {
            let mut hash = mix(0x1234, u64::from(letters[start]));
            for &letter in letters[start + 1..].iter().take(LETTERS_MAX - 1) {
                hash = mix(hash, u64::from(letter));
                self.push(Kind::Letters, hash);
            }
        }
    }

    fn push_frame(&mut self, text: &str) {
        let count = |test: fn(&u8) -> bool| text.bytes().filter(test).count() as u32;
        let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
        let Shape { capitals, drawn_out, links, mentions, tags } = self.shape;
        let counts = [
            upper * 8 / (upper + lower + 1),
            capitals.min(4),
            drawn_out.min(3),
            count(|byte| *byte == b'?').min(3),
            count(|byte| *byte == b'!').min(4),
            links.min(2),
            mentions.min(3),
            tags.min(4),
            (self.units.len() as u32 / 5).min(8),
        ];
        for (what, count) in (1..).zip(counts) {
            self.push(Kind::Frame, mix(mix(what, 201), u64::from(count)));
        }
    }

    fn push_lexicon(&mut self, lexical: Lexical<'_>) {
        let Evidence { positive, negative, highest, lowest, last, positives, negatives } = *lexical.evidence;
        let step = |value: f32, steps: f32| (value * steps).round().clamp(-12.0, 12.0) as i64 as u64;
        let steps = [
            step(positive, 2.0),
            step(negative, 2.0),
            u64::from(positives.min(5)),
            u64::from(negatives.min(5)),
            step(last, 2.0),
            step(highest, 2.0),
            step(lowest, 2.0),
            step(positive - negative, 2.0),
            step(lexical.sentiment.score, 10.0),
        ];
        for (what, step) in (400..).zip(steps) {
            self.push(Kind::Lexicon, mix(mix(what, 11), step));
        }
        for (what, cue) in (500..).zip(Cue::ALL) {
            let weight = lexical.cues.of(cue);
            if weight > 0.0 {
                self.push(Kind::Lexicon, mix(mix(what, 11), 1));
                self.push(Kind::Lexicon, mix(mix(what, 12), step(weight, 4.0)));
            }
        }
    }
}

#[inline]
fn mix(hash: u64, more: u64) -> u64 {
    let mixed = (hash ^ more.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    mixed ^ (mixed >> 32)
}

/// The hash of a word in which no letter stands more than twice in a row.
fn squeezed_hash(word: &[u8]) -> u64 {
    let (mut hash, mut last, mut run) = (0x51, 0, 0);
    for &byte in word {
        run = if byte == last { run + 1 } else { 1 };
        last = byte;
        if run <= 2 {
            hash = mix(hash, u64::from(byte));
        }
    }
    hash
}

/// `!`, `!!`, and three or more of them; other stretches by their first bytes.
fn mark_hash(marks: &[u8]) -> u64 {
    let first = marks[0];
    if marks.iter().all(|&mark| mark == first) {
        return mix(u64::from(first), 0x70 + marks.len().min(3) as u64);
    }
    marks.iter().take(6).fold(0x77, |hash, &mark| mix(hash, u64::from(mark)))
}

fn is_capitals(written: &str) -> bool {
    written.len() > 1 && written.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::super::{ScoreInput, trained::Reader};
    use super::*;
    use crate::model::PostKind;

    fn rows(text: &str) -> (Vec<u32>, usize, f32) {
        let folded = Folded::new(text);
        let input =
            ScoreInput { text, folded: &folded, lang_tags: &[], kind: PostKind::Post, followers: None };
        let mut reader = Reader::default();
        let grams = reader.read(&input);
        (grams.rows().to_vec(), grams.words().len(), grams.length())
    }

    #[test]
    fn the_same_text_has_the_same_features_and_mentions_and_links_are_all_alike() {
        let text = "@acme it does NOT work!!! 😡 https://acme.example/a/b";
        assert_eq!(rows(text).0, rows(text).0);
        assert_eq!(rows("hey @acme see https://a.example/x").0, rows("hey @acmo see https://b.example/x").0);
        assert_ne!(rows("it does work").0, rows("it does not work").0);
    }

    #[test]
    fn words_are_counted_without_mentions_links_and_marks() {
        assert_eq!(rows("@acme great work!! 😡 https://acme.example/good/bad").1, 2);
        assert_eq!(rows("").1, 0);
    }

    #[test]
    fn the_length_is_that_of_the_vector() {
        let (rows, _, length) = rows("what a day, so good");
        let square: f32 = rows.iter().map(|&row| Grams::weight(row) * Grams::weight(row)).sum();
        assert!((length * length - square).abs() < 1e-2);
    }

    #[test]
    fn a_long_text_has_features_in_proportion_to_its_length() {
        let (one, ..) = rows(&"word ".repeat(1_000));
        let (two, ..) = rows(&"word ".repeat(2_000));
        assert!(two.len() < 2 * one.len() && rows(&"a".repeat(100_000)).0.len() < 1_000);
    }
}
