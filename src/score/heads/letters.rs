//! The letters inside words, summed once a word.
//!
//! Stretches of letters are four fifths of a post's features, and each is a row of a table that no near cache holds. They
//! depend on the word alone, and most words of a post have been met before: so each worker keeps the sums of the words
//! that it met last. Sums of whole numbers: the scores are the same to the last bit.

use super::model::{LANES, Model, Sums};
use crate::score::features::grams::Grams;
use crate::text::Folded;

/// Words kept; a power of two. With 64 bytes each they fit the second cache beside a good part of the table.
const WORDS_KEPT: usize = 4_096;
/// Longer words are rare and not kept.
const WORD_BYTES_MAX: usize = 26;

/// The words met last, with the sums of their letters.
#[derive(Debug, Default)]
pub(in crate::score) struct LetterSums {
    words: Vec<Known>,
    /// Whose weights were summed.
    model: Option<&'static Model>,
    letters: Vec<u32>,
    rows: Vec<u32>,
}

/// One cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Known {
    sums: [i16; LANES],
    /// Features.
    count: u16,
    /// Bytes of `text`; 0 in an empty place.
    len: u8,
    /// The word itself: a hash could be forged, and one author would change the scores of another.
    text: [u8; WORD_BYTES_MAX],
}

impl Known {
    const NONE: Self = Self { sums: [0; LANES], count: 0, len: 0, text: [0; WORD_BYTES_MAX] };

    fn is(&self, word: &[u8]) -> bool {
        usize::from(self.len) == word.len() && self.text[..word.len()] == *word
    }
}

impl LetterSums {
    /// Adds the letters of the words that `grams` has read to `sums`; how many features they are.
    pub(super) fn add(
        &mut self,
        model: &'static Model,
        grams: &Grams,
        folded: &Folded,
        sums: &mut Sums,
    ) -> usize {
        if !self.model.is_some_and(|known| std::ptr::eq(known, model)) {
            (self.model, self.words) = (Some(model), vec![Known::NONE; WORDS_KEPT]);
        }
        grams.spelled(folded).map(|(word, hash)| self.add_word(model, word, hash, sums)).sum()
    }

    fn add_word(&mut self, model: &Model, word: &str, hash: u64, sums: &mut Sums) -> usize {
        let place = (hash >> 32) as usize % WORDS_KEPT;
        if !self.words[place].is(word.as_bytes()) {
            self.rows.clear();
            Grams::for_each_stretch(word, &mut self.letters, |row| self.rows.push(row));
            if word.len() > WORD_BYTES_MAX {
                model.add(&self.rows, sums);
                return self.rows.len();
            }
            self.words[place] = known(model, word.as_bytes(), &self.rows);
        }
        let known = &self.words[place];
        sums.iter_mut().zip(known.sums).for_each(|(sum, word)| *sum += i32::from(word));
        usize::from(known.count)
    }
}

fn known(model: &Model, word: &[u8], rows: &[u32]) -> Known {
    let mut sums = [0; LANES];
    model.add(rows, &mut sums);
    let mut known = Known { count: rows.len() as u16, len: word.len() as u8, ..Known::NONE };
    known.text[..word.len()].copy_from_slice(word);
    // A word that is kept has at most a hundred features, and none weighs more than 128.
    known.sums = sums.map(|sum| sum as i16);
    known
}

#[cfg(test)]
mod tests {
    use super::super::model::MODEL;
    use super::super::trained::Reader;
    use super::*;
    use crate::score::{ScoreInput, Scorer as _, Scratch, TrainedScorer};

    #[test]
    fn a_known_word_fills_one_cache_line() {
        assert_eq!(size_of::<Known>(), 64);
    }

    #[test]
    fn kept_sums_are_those_of_all_features() {
        let model = &*MODEL;
        let (mut kept, mut reader) = (LetterSums::default(), Reader::default());
        let long = "donaudampfschifffahrtsgesellschaftskapitän".repeat(9);
        for text in
            ["", "it does not work!!! 😡 😡", "aaaa so gooood", &long, "schön, 最高です @a https://b.example"]
        {
            let folded = Folded::new(text);
            let input = ScoreInput::of_text(text, &folded, &[]);
            let (mut all, mut rest) = ([0; LANES], [0; LANES]);
            model.add(reader.read(&input).rows(), &mut all);
            let count = reader.read(&input).rows().len();
            for _ in 0..2 {
                rest = [0; LANES];
                let grams = reader.read_without_letters(&input);
                model.add(grams.rows(), &mut rest);
                let letters = kept.add(model, grams, &folded, &mut rest);
                assert_eq!(grams.rows().len() + letters, count, "{text}");
            }
            assert_eq!(rest, all, "{text}");
        }
    }

    #[test]
    fn what_was_scored_before_changes_no_score() {
        let (scorer, mut used) = (TrainedScorer::new(), Scratch::default());
        let texts: Vec<String> =
            (0..3_000).map(|n| format!("word{n} is great, word{} is awful", n % 7)).collect();
        for text in texts.iter().chain(&texts) {
            let folded = Folded::new(text);
            let input = ScoreInput::of_text(text, &folded, &[]);
            assert_eq!(
                scorer.score(&input, &mut used),
                scorer.score(&input, &mut Scratch::default()),
                "{text}"
            );
        }
    }
}
