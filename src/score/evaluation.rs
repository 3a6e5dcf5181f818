//! What labels given to posts are worth beside the true ones: the confusion table and the figures made of it.

use serde::Serialize;

/// Counts of posts by true and by given label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// True label × given label, row by row.
    counts: Vec<u64>,
}

/// The figures of one class; each 0–1, and 0 where it would be 0/0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassFigures {
    /// Of the posts given this label, the share that has it.
    pub precision: f64,
    /// Of the posts that have this label, the share that was given it.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// Posts that have this label.
    pub posts: u64,
}

impl Confusion {
    /// No posts yet, of so many classes.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// Counts one post.
    ///
    /// # Panics
    /// When a class is out of range.
    pub fn add(&mut self, truth: usize, given: usize) {
        assert!(truth < self.classes && given < self.classes, "a class is below {}", self.classes);
        self.counts[truth * self.classes + given] += 1;
    }

    /// Posts with the true label `truth` that were given `given`.
    #[must_use]
    pub fn count(&self, truth: usize, given: usize) -> u64 {
        self.counts[truth * self.classes + given]
    }

    /// All posts.
    #[must_use]
    pub fn posts(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The share of posts that were given their label.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        share((0..self.classes).map(|class| self.count(class, class)).sum(), self.posts())
    }

    /// The figures of one class.
    #[must_use]
    pub fn class(&self, class: usize) -> ClassFigures {
        let posts = (0..self.classes).map(|given| self.count(class, given)).sum();
        let given = (0..self.classes).map(|truth| self.count(truth, class)).sum();
        let hits = self.count(class, class);
        let (precision, recall) = (share(hits, given), share(hits, posts));
        let f1 = if hits == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
        ClassFigures { precision, recall, f1, posts }
    }

    /// The mean F1 of the classes that some post has.
    #[must_use]
    pub fn macro_f1(&self) -> f64 {
        self.mean(|figures| figures.f1)
    }

    /// The mean recall of the classes that some post has.
    #[must_use]
    pub fn macro_recall(&self) -> f64 {
        self.mean(|figures| figures.recall)
    }

    fn mean(&self, figure: fn(&ClassFigures) -> f64) -> f64 {
        let classes = (0..self.classes).map(|class| self.class(class)).filter(|class| class.posts > 0);
        let figures: Vec<f64> = classes.map(|class| figure(&class)).collect();
        figures.iter().sum::<f64>() / figures.len().max(1) as f64
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let mut confusion = Confusion::new(3);
        for (truth, given, times) in [(0, 0, 3), (0, 1, 1), (1, 1, 2), (1, 0, 2)] {
            (0..times).for_each(|_| confusion.add(truth, given));
        }
        let first = confusion.class(0);
        assert_eq!((first.precision, first.recall, first.posts), (0.6, 0.75, 4));
        assert!((first.f1 - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(confusion.accuracy(), 5.0 / 8.0);
        assert_eq!(confusion.macro_recall(), 0.625, "no post has the third class: it does not count");
    }

    #[test]
    fn no_posts_give_zeros() {
        let confusion = Confusion::new(2);
        assert_eq!((confusion.accuracy(), confusion.macro_f1(), confusion.class(1).f1), (0.0, 0.0, 0.0));
    }
}
