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

/// What a yes-or-no head gives at recalls of 0.5 to 0.9: precision, the share of noes that are taken for yes, and the
/// probability from which on.
pub(crate) fn trade(judged: &[(f32, bool)], probability: impl Fn(f32) -> f32) -> String {
    let mut ranked = judged.to_vec();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let yes = ranked.iter().filter(|one| one.1).count();
    let noes = (ranked.len() - yes) as f32;
    let mut found = 0;
    let points = ranked.iter().enumerate().map(|(at, one)| {
        found += usize::from(one.1);
        let (precision, recall) = (found as f32 / (at + 1) as f32, found as f32 / yes as f32);
        (one.0, precision, recall, (at + 1 - found) as f32 / noes)
    });
    let points: Vec<(f32, f32, f32, f32)> = points.collect();
    let f1 = |&(_, precision, recall, _): &(f32, f32, f32, f32)| {
        2.0 * precision * recall / (precision + recall).max(f32::MIN_POSITIVE)
    };
    let best = points.iter().max_by(|a, b| f1(a).total_cmp(&f1(b)));
    let mut out =
        best.map_or_else(String::new, |at| format!("best F1 {:.3} from {:.2};", f1(at), probability(at.0)));
    for wanted in [0.5, 0.6, 0.7, 0.8, 0.9] {
        let Some(&(margin, precision, recall, false_share)) = points.iter().find(|at| at.2 >= wanted) else {
            continue;
        };
        out += &format!(
            " R {recall:.2}: P {precision:.2}, noes {false_share:.2}, from {:.2};",
            probability(margin)
        );
    }
    out
}
