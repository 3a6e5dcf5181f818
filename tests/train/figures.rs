//! What predictions are worth, in a line.

use birddog::score::evaluation::{ClassFigures, Confusion};

/// The confusion of true and given classes.
pub(crate) fn confusion(pairs: impl Iterator<Item = (usize, usize)>, classes: usize) -> Confusion {
    let mut confusion = Confusion::new(classes);
    pairs.for_each(|(truth, given)| confusion.add(truth, given));
    confusion
}

/// Macro figures, then precision, recall and F1 of each class.
pub(crate) fn line(confusion: &Confusion, classes: usize) -> String {
    let shown = |ClassFigures { precision, recall, f1, .. }| format!("{precision:.2}/{recall:.2}/{f1:.3}");
    let each: Vec<String> = (0..classes).map(|class| shown(confusion.class(class))).collect();
    let (recall, f1) = (confusion.macro_recall(), confusion.macro_f1());
    format!("macro-recall {recall:.4}, macro-F1 {f1:.4}; P/R/F1 {}", each.join(" "))
}
