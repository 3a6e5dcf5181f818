//! The language of Latin letters by which of them stand together: for posts whose function words do not tell.
//!
//! A table of weights, one row for each hashed run of three or four letters (a word's ends are spaces) and for each
//! letter with an accent, one lane for each language: what a multinomial logistic regression says. `tests/languages`
//! makes the table; `README.md` beside it is its card. Pure; nothing here allocates but the table, once a process.

use std::sync::LazyLock;

use crate::text::Folded;

/// The first bytes of an artefact: what it is, and its version.
pub const MAGIC: [u8; 8] = *b"BDLANG1\n";
/// Weights of one row.
pub const LANES: usize = 24;
/// Rows of the table.
pub const ROWS: usize = 1 << ROW_BITS;
const ROW_BITS: u32 = 13;
/// Of a longer post the first words tell.
const WORDS_MAX: usize = 32;
/// Longer ones are hardly words.
const WORD_BYTES_MAX: usize = 24;
const ACCENTS_MAX: usize = 64;
/// Rows whose sums cannot overflow sixteen bits; a power of two.
const BLOCK_ROWS: usize = 128;
const NUMBER_BYTES: usize = size_of::<f32>();

/// What the lanes stand for: names of things (`und`) and languages without a lane of their own (`other`) too.
pub const LANGUAGES: [&str; LANES] = [
    "und", "other", "en", "de", "fr", "es", "it", "pt", "hi", "nl", "sv", "da", "no", "fi", "pl", "cs", "tr",
    "id", "ca", "ro", "hu", "vi", "tl", "ha",
];
/// Lanes that name no language.
const NAMELESS: usize = 2;

/// One weight for each lane.
pub type Row = [i8; LANES];

/// The table of this binary.
pub static LETTERS: LazyLock<Letters> = LazyLock::new(|| {
    Letters::read(include_bytes!("letters.bin")).expect("the tests read the artefact of this build")
});

/// The table of weights.
#[derive(Debug)]
pub struct Letters {
    /// In steps of the weights, as the sums are.
    biases: [f32; LANES],
    rows: Vec<Row>,
}

impl Letters {
    /// Reads an artefact; `None` when it is none, or of another version or size.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (numbers, table) = bytes.strip_prefix(&MAGIC)?.split_at_checked(LANES * NUMBER_BYTES)?;
        if table.len() != ROWS * LANES {
            return None;
        }
        let number = |at: usize| {
            let bytes = &numbers[at * NUMBER_BYTES..];
            f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
        };
        let row = |row: &[u8]| std::array::from_fn(|lane| row[lane].cast_signed());
        Some(Self { biases: std::array::from_fn(number), rows: table.chunks_exact(LANES).map(row).collect() })
    }

    /// The artefact that [`Letters::read`] reads.
    #[must_use]
    pub fn write(biases: &[f32; LANES], rows: &[Row]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(biases.iter().flat_map(|bias| bias.to_le_bytes()));
        bytes.extend(rows.iter().flatten().map(|weight| weight.cast_unsigned()));
        bytes
    }

    /// The likeliest language of `text`, whose folded form is `folded`; ISO 639. `None` when it is likelier a name, or
    /// in none of these languages, or has no letters.
    #[must_use]
    pub fn language(&self, text: &str, folded: &Folded) -> Option<&'static str> {
        let mut sums = Sums::of(&self.rows);
        for_each_row(text, folded, |row| sums.add(row));
        let (sums, rows) = sums.finish();
        // Sums grow with the text, biases do not: each row weighs less in a longer one.
        let weight = (rows > 0).then(|| (rows as f32).sqrt().recip())?;
        let score = |lane: usize| sums[lane] as f32 * weight + self.biases[lane];
        let best = (0..LANES).max_by(|&lane, &next| score(lane).total_cmp(&score(next)))?;
        (best >= NAMELESS).then_some(LANGUAGES[best])
    }
}

/// Sums of rows, block by block: sixteen bits suffice for one, and add up fastest.
struct Sums<'a> {
    table: &'a [Row],
    block: [u16; BLOCK_ROWS],
    total: [i32; LANES],
    rows: usize,
}

impl<'a> Sums<'a> {
    fn of(table: &'a [Row]) -> Self {
        Self { table, block: [0; BLOCK_ROWS], total: [0; LANES], rows: 0 }
    }

    #[inline]
    fn add(&mut self, row: usize) {
        self.block[self.rows % BLOCK_ROWS] = row as u16;
        self.rows += 1;
        if self.rows.is_multiple_of(BLOCK_ROWS) {
            self.flush(BLOCK_ROWS);
        }
    }

    fn flush(&mut self, rows: usize) {
        let mut sums = [0_i16; LANES];
        for &row in &self.block[..rows] {
            for (sum, weight) in sums.iter_mut().zip(&self.table[usize::from(row)]) {
                *sum += i16::from(*weight);
            }
        }
        self.total.iter_mut().zip(sums).for_each(|(total, sum)| *total += i32::from(sum));
    }

    fn finish(mut self) -> ([i32; LANES], usize) {
        self.flush(self.rows % BLOCK_ROWS);
        (self.total, self.rows)
    }
}

/// Calls `each` with the row of each feature of `text`, whose folded form is `folded`: those of its words but for
/// links, hashtags and handles, and those of its accents, which folding takes away.
#[inline]
pub fn for_each_row(text: &str, folded: &Folded, mut each: impl FnMut(usize)) {
    let bytes = folded.text.as_bytes();
    let mut link_end = 0;
    for word in folded.words.iter().filter(|word| word.sigil == 0).take(WORDS_MAX) {
        let (start, end) = (word.start as usize, word.end as usize);
        if start < link_end {
            continue;
        }
        if bytes[end..].starts_with(b"://") {
            link_end =
                end + bytes[end..].iter().position(u8::is_ascii_whitespace).unwrap_or(usize::MAX - end);
        } else if bytes[start].is_ascii_alphabetic() && end - start <= WORD_BYTES_MAX {
            for_each_run(&bytes[start..end], &mut each);
        }
    }
    if folded.has_non_ascii {
        text.chars().filter_map(accent).take(ACCENTS_MAX).for_each(|letter| each(row_of(letter)));
    }
}

/// Each run of three letters, and each of four, of a word between spaces.
#[inline]
fn for_each_run(word: &[u8], each: &mut impl FnMut(usize)) {
    let mut four = u32::from_be_bytes([0, 0, b' ', word[0]]);
    for (at, &byte) in word[1..].iter().chain(b" ").enumerate() {
        four = four << 8 | u32::from(byte);
        each(row_of(four & 0x00FF_FFFF));
        if at > 0 {
            each(row_of(four));
        }
    }
}

/// The number of a letter, or mark, that is beyond ASCII but of the Latin alphabet.
fn accent(c: char) -> Option<u32> {
    // No run of letters has such a first byte.
    const MARK: u32 = 0xFF << 24;
    let is_latin = matches!(c, '¡' | '¿' | '\u{C0}'..'\u{250}' | '\u{1E00}'..'\u{1F00}');
    is_latin.then(|| u32::from(c.to_lowercase().next().unwrap_or(c)) | MARK)
}

#[inline]
fn row_of(letters: u32) -> usize {
    const MULTIPLIER: u32 = 0x9E37_79B1;
    (letters.wrapping_mul(MULTIPLIER) >> (u32::BITS - ROW_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<usize> {
        let mut rows = Vec::new();
        for_each_row(text, &Folded::new(text), |row| rows.push(row));
        rows
    }

    #[test]
    fn the_table_of_this_binary_is_read_and_written_the_same() {
        let bytes = include_bytes!("letters.bin");
        assert_eq!(Letters::write(&LETTERS.biases, &LETTERS.rows), bytes);
        assert!(bytes.len() <= 200_000, "it must stay small");
        assert!(Letters::read(&bytes[1..]).is_none());
        assert!(Letters::read(&bytes[..bytes.len() - 1]).is_none());
    }

    #[test]
    fn links_handles_and_hashtags_say_nothing_of_a_language() {
        assert!(rows("@acme #acme https://acme.example/das/ist/nicht 12345 🔥").is_empty());
        assert_eq!(rows("so https://acme.example/das gut"), rows("so gut"));
        assert_eq!(rows("so https://acme.example/das"), rows("so"));
    }

    #[test]
    fn runs_are_of_three_and_four_letters_with_the_ends_of_the_word() {
        let run =
            |letters: &str| row_of(letters.bytes().fold(0, |letters, byte| letters << 8 | u32::from(byte)));
        assert_eq!(rows("a"), [run(" a ")]);
        assert_eq!(rows("Das"), [run(" da"), run("das"), run(" das"), run("as "), run("das ")]);
        assert_eq!(rows("é"), [run(" e "), row_of(0xFF00_0000 | 0xE9)]);
    }

    #[test]
    fn sums_of_the_longest_text_do_not_overflow() {
        let table = [[i8::MIN; LANES]];
        let mut sums = Sums::of(&table);
        let most = WORDS_MAX * WORD_BYTES_MAX * 2 + ACCENTS_MAX;
        (0..most).for_each(|_| sums.add(0));
        assert_eq!(sums.finish(), ([-128 * most as i32; LANES], most));
    }
}
