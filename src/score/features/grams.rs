//! The features of a post that the trained heads weigh: words, pairs and triples of them, the letters inside them,
//! how the post is written, and what the lexicon says of it.
//!
//! Features have no names: each is hashed to one of [`ROWS`] rows of the model's table, and may share it with others.
//! Training and scoring read a post by this one code, so that they cannot drift apart. Nothing here is learned.

use crate::text::{Folded, Word};

use super::reading::Reading;
use super::tokens::{Token, has_long_run};
use super::typography::{Typography, is_capitals};
use crate::model::Cue;
use crate::model::flags::Flag as _;
use crate::score::explanation::{Notes, Why};

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

/// What features of the same words are told apart by. Any numbers would do; a model is made for these.
mod salt {
    pub(super) const LINK: u64 = 2;
    pub(super) const MENTION: u64 = 3;
    pub(super) const NUMBER: u64 = 5;
    pub(super) const FIRST_OF_TWO: u64 = 7;
    pub(super) const FIRST_TWO_OF_THREE: u64 = 9;
    pub(super) const LEXICON: u64 = 11;
    pub(super) const CUE_WEIGHT: u64 = 12;
    pub(super) const EMOJI: u64 = 78;
    pub(super) const SQUEEZED: u64 = 0x51;
    pub(super) const ONE_MARK: u64 = 0x70;
    pub(super) const MARKS: u64 = 0x77;
    pub(super) const WORD: u64 = 101;
    pub(super) const PAIR: u64 = 102;
    pub(super) const TRIPLE: u64 = 103;
    pub(super) const CAPITALS: u64 = 106;
    pub(super) const DRAWN_OUT: u64 = 107;
    pub(super) const COUNT: u64 = 201;
    pub(super) const FIRST_UNIT: u64 = 202;
    pub(super) const LAST_UNIT: u64 = 203;
    pub(super) const SUMS: u64 = 400;
    pub(super) const CUES: u64 = 500;
    pub(super) const LETTERS: u64 = 0x1234;
    pub(super) const NEGATED: u64 = 0x5555;
}

/// The features of one post, as rows of the table, and how long the vector of them is.
#[derive(Debug, Default)]
pub struct Grams {
    rows: Vec<u32>,
    /// Hashes of its words, without mentions, links and marks.
    words: Vec<u64>,
    /// Sum of the squares of the features' weights.
    square: f32,
    units: Vec<Unit>,
    counts: Counts,
}

/// Counts over the whole post.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    capitals: u32,
    drawn_out: u32,
    links: u32,
    mentions: u32,
    tags: u32,
}

/// What the lexicon found in a post: the sums of its notes.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::score) struct Evidence {
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
        self.length_with(0)
    }

    /// The length with so many more features of letters.
    #[must_use]
    pub fn length_with(&self, letters: usize) -> f32 {
        (self.square + 0.25 * letters as f32).sqrt().max(1.0)
    }

    /// Reads a post that the lexicon has read: its `tokens`, the `evidence` of its notes, and what it made of them. All
    /// features but the letters inside words.
    pub(in crate::score) fn read(
        &mut self,
        folded: &Folded,
        tokens: &[Token],
        evidence: &Evidence,
        reading: &Reading,
    ) {
        self.rows.clear();
        self.words.clear();
        self.square = 0.0;
        self.counts = Counts::default();
        self.find_units(folded, tokens);
        self.push_words();
        self.push_frame(&reading.typography);
        self.push_lexicon(evidence, reading);
    }

    #[cfg(test)]
    pub(in crate::score) fn push_rows(&mut self, rows: std::ops::Range<u32>) {
        self.square += rows.len() as f32;
        self.rows.extend(rows.map(|row| row % ROWS as u32));
    }

    #[inline]
    fn push(&mut self, kind: Kind, hash: u64) {
        self.push_row(kind, row(kind, hash));
    }

    #[inline]
    fn push_row(&mut self, kind: Kind, row: u32) {
        self.rows.push(row);
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
        let hash = if is_link { salt::LINK } else { salt::MENTION };
        *(if is_link { &mut self.counts.links } else { &mut self.counts.mentions }) += 1;
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
            mix(salt::NUMBER, bytes.len() as u64)
        } else if is_drawn_out {
            squeezed_hash(bytes)
        } else {
            word.hash
        };
        // "aaaa" is no word that anybody knows, even if "aa" is.
        let is_one_letter = is_drawn_out && bytes.iter().all(|byte| *byte == bytes[0]);
        self.words.push(if is_one_letter { word.hash } else { hash });
        self.counts.tags += u32::from(word.sigil == b'#');
        if is_drawn_out {
            self.counts.drawn_out += 1;
            self.push(Kind::Shape, mix(hash, salt::DRAWN_OUT));
        }
        if is_capitals(folded.original(word)) {
            self.counts.capitals += 1;
            self.push(Kind::Shape, mix(hash, salt::CAPITALS));
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
                self.push_mark(
                    mix(u64::from(u32::from(c)), salt::EMOJI),
                    at + offset,
                    at + offset + c.len_utf8(),
                );
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
                self.push(Kind::Word, mix(unit.hash, salt::NEGATED));
            }
            self.push(Kind::Word, mix(unit.hash, salt::WORD));
            let pair = before.map(|before: u64| mix(mix(before, salt::FIRST_OF_TWO), unit.hash));
            if let Some(pair) = pair {
                self.push(Kind::Pair, mix(pair, salt::PAIR));
            }
            if let Some(two) = pair_before {
                self.push(
                    Kind::Triple,
                    mix(mix(two, salt::FIRST_TWO_OF_THREE), mix(unit.hash, salt::TRIPLE)),
                );
            }
            (before, pair_before) = (Some(unit.hash), pair);
        }
        if let (Some(first), Some(last)) = (units.first(), units.last()) {
            self.push(Kind::Frame, mix(first.hash, salt::FIRST_UNIT));
            self.push(Kind::Frame, mix(last.hash, salt::LAST_UNIT));
        }
        self.units = units;
    }

    /// What stands in the post and has letters, each with a hash that is the same for the same text.
    pub(in crate::score) fn spelled<'a>(
        &'a self,
        folded: &'a Folded,
    ) -> impl Iterator<Item = (&'a str, u64)> {
        let units = self.units.iter().filter(|unit| unit.has_letters);
        units.map(|unit| (&folded.text[unit.start as usize..unit.end as usize], unit.hash))
    }

    /// Adds the letters inside words to what [`Grams::read`] has read.
    pub(in crate::score) fn read_letters(&mut self, folded: &Folded) {
        let (units, mut letters) = (std::mem::take(&mut self.units), Vec::new());
        for unit in units.iter().filter(|unit| unit.has_letters) {
            let word = &folded.text[unit.start as usize..unit.end as usize];
            Self::for_each_stretch(word, &mut letters, |row| self.push_row(Kind::Letters, row));
        }
        self.units = units;
    }

    /// The rows of the stretches of letters in a word; `letters` is room.
    pub(in crate::score) fn for_each_stretch(word: &str, letters: &mut Vec<u32>, mut each: impl FnMut(u32)) {
        letters.clear();
        letters.push(u32::from(' '));
        letters.extend(word.chars().take(WORD_CHARS_MAX).map(u32::from));
        letters.push(u32::from(' '));
        for start in 0..letters.len() - 1 {
            let mut hash = mix(salt::LETTERS, u64::from(letters[start]));
            for &letter in letters[start + 1..].iter().take(LETTERS_MAX - 1) {
                hash = mix(hash, u64::from(letter));
                each(row(Kind::Letters, hash));
            }
        }
    }

    fn push_frame(&mut self, typography: &Typography) {
        let Typography { exclamations, questions, upper, lower } = *typography;
        let Counts { capitals, drawn_out, links, mentions, tags } = self.counts;
        let counts = [
            (upper * 8 / (upper + lower + 1)) as u32,
            capitals.min(4),
            drawn_out.min(3),
            questions.min(3) as u32,
            exclamations.min(4) as u32,
            links.min(2),
            mentions.min(3),
            tags.min(4),
            (self.units.len() as u32 / 5).min(8),
        ];
        for (what, count) in (1..).zip(counts) {
            self.push(Kind::Frame, mix(mix(what, salt::COUNT), u64::from(count)));
        }
    }

    fn push_lexicon(&mut self, evidence: &Evidence, reading: &Reading) {
        let Evidence { positive, negative, highest, lowest, last, positives, negatives } = *evidence;
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
            step(reading.scored.scores.sentiment.score, 10.0),
        ];
        for (what, step) in (salt::SUMS..).zip(steps) {
            self.push(Kind::Lexicon, mix(mix(what, salt::LEXICON), step));
        }
        for (what, cue) in (salt::CUES..).zip(Cue::ALL.iter().copied()) {
            let weight = reading.cues.of(cue);
            if weight > 0.0 {
                self.push(Kind::Lexicon, mix(mix(what, salt::LEXICON), 1));
                self.push(Kind::Lexicon, mix(mix(what, salt::CUE_WEIGHT), step(weight, 4.0)));
            }
        }
    }
}

/// The row of a feature.
#[inline]
const fn row(kind: Kind, hash: u64) -> u32 {
    let row = (hash >> (65 - ROW_BITS)) as u32;
    if kind.counts_half() { HALF + row } else { row }
}

#[inline]
fn mix(hash: u64, more: u64) -> u64 {
    let mixed = (hash ^ more.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    mixed ^ (mixed >> 32)
}

/// The hash of a word in which no letter stands more than twice in a row.
fn squeezed_hash(word: &[u8]) -> u64 {
    let (mut hash, mut last, mut run) = (salt::SQUEEZED, 0, 0);
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
        return mix(u64::from(first), salt::ONE_MARK + marks.len().min(3) as u64);
    }
    marks.iter().take(6).fold(salt::MARKS, |hash, &mark| mix(hash, u64::from(mark)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{Reader, ScoreInput};

    fn rows(text: &str) -> (Vec<u32>, usize, f32) {
        let folded = Folded::new(text);
        let input = ScoreInput::of_text(text, &folded, &[]);
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
