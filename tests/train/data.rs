//! The features of labelled posts.

use birddog::score::grams::Grams;
use birddog::score::{Reader, ScoreInput};
use birddog::text::Folded;

use crate::labelled::Labelled;

/// Features of posts, as the rows of a sparse matrix; each row has length 1.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    starts: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f32>,
}

impl Matrix {
    /// The features of `posts`; `words` is called with the words of each.
    pub(crate) fn of(posts: &[Labelled], mut words: impl FnMut(&[u64])) -> Self {
        let (mut reader, mut folded) = (Reader::default(), Folded::default());
        let mut matrix = Self { starts: vec![0], ..Self::default() };
        for post in posts {
            folded.fold(&post.text);
            let tags = post.tags();
            let input = ScoreInput::of_text(&post.text, &folded, &tags);
            let grams = reader.read(&input);
            words(grams.words());
            matrix.push(grams);
        }
        matrix
    }

    fn push(&mut self, grams: &Grams) {
        let mut rows = grams.rows().to_vec();
        rows.sort_unstable();
        for same in rows.chunk_by(|row, next| row == next) {
            self.rows.push(same[0]);
            self.values.push(same.len() as f32 * Grams::weight(same[0]) / grams.length());
        }
        self.starts.push(self.rows.len());
    }

    /// The same with each value times its row's scale.
    pub(crate) fn scaled(&self, scales: &[f32]) -> Self {
        let scaled = self.rows.iter().zip(&self.values).map(|(&row, value)| value * scales[row as usize]);
        Self { starts: self.starts.clone(), rows: self.rows.clone(), values: scaled.collect() }
    }

    /// The features of post `at`, with their values.
    pub(crate) fn row(&self, at: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = self.starts[at]..self.starts[at + 1];
        let rows = self.rows[range.clone()].iter().map(|&row| row as usize);
        rows.zip(self.values[range].iter().copied())
    }
}
