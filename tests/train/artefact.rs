//! From planes to the artefact: whole-number weights, and margins fitted to probabilities.

use std::path::Path;

use birddog::score::grams::{Grams, ROWS};
use birddog::score::model::{Head, KNOWN_BITS, LANES, MODEL, Model, Scale, known_place};

use crate::data::Matrix;
use crate::svm::Plane;
use crate::tasks;

/// Words seen more rarely than this count as unknown.
const SEEN_MIN: u8 = 2;
/// The share of weights that may be cut to the largest step, so that the many small ones keep their differences.
const CUT_SHARE: f64 = 0.0005;
/// Slopes and offsets are looked for in this many rounds.
const ROUNDS: usize = 60;

/// Trains all heads on all development data.
pub(crate) fn make(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let mut scale = Scale::default();
    let mut rows = vec![[0_i8; LANES]; ROWS];
    let mut seen = vec![0_u8; 1 << KNOWN_BITS];
    for task in tasks::all(folder)? {
        let matrix = Matrix::of(&task.posts, |words| words.iter().for_each(|&word| count(word, &mut seen)));
        let planes = task.train(&matrix, &(0..task.posts.len()).collect::<Vec<_>>());
        for (lane, plane) in (task.head.first_lane()..).zip(&planes) {
            write_lane(lane, plane, &mut scale, &mut rows);
        }
        let margins = task.cross_validate(&matrix);
        let judged = task.judged().map(|at| (&margins[at], task.labels[at])).collect::<Vec<_>>();
        fit(task.head, &judged, &mut scale);
        println!("{:?}: {} posts", task.head, task.posts.len());
    }
    let known: Vec<u8> = seen.chunks(8).map(bits).collect();
    Ok(Model::write(&scale, &known, &rows))
}

/// The shipped model with one lane put in the place of that of `head`, which has one.
pub(crate) fn with_lane(head: Head, plane: &Plane, (slope, offset): (f32, f32)) -> Option<Model> {
    let (mut scale, known, rows) = MODEL.parts();
    let (lane, mut rows) = (head.first_lane(), rows.to_vec());
    write_lane(lane, plane, &mut scale, &mut rows);
    (scale.slopes[lane], scale.offsets[lane]) = (slope, offset);
    Model::read(&Model::write(&scale, known, &rows))
}

fn count(word: u64, seen: &mut [u8]) {
    let (byte, bit) = known_place(word);
    let count = &mut seen[byte * 8 + bit.trailing_zeros() as usize];
    *count = count.saturating_add(1);
}

fn bits(counts: &[u8]) -> u8 {
    counts.iter().enumerate().fold(0, |bits, (at, &count)| bits | u8::from(count >= SEEN_MIN) << at)
}

fn write_lane(lane: usize, plane: &Plane, scale: &mut Scale, rows: &mut [[i8; LANES]]) {
    // Scoring adds a weight as often as its feature stands in the post: what the feature counts goes into it.
    let weight = |row: usize| plane.weights[row] * Grams::weight(row as u32);
    let mut sizes: Vec<f32> = (0..ROWS).map(|row| weight(row).abs()).filter(|&size| size > 0.0).collect();
    sizes.sort_by(f32::total_cmp);
    let largest = sizes[sizes.len() - 1 - (sizes.len() as f64 * CUT_SHARE) as usize];
    scale.steps[lane] = largest / f32::from(i8::MAX);
    scale.biases[lane] = plane.bias;
    for (row, lanes) in rows.iter_mut().enumerate() {
        let steps = (weight(row) / scale.steps[lane]).round();
        lanes[lane] = steps.clamp(-f32::from(i8::MAX), f32::from(i8::MAX)) as i8;
    }
}

/// Fits the slope (and, with one lane, the offset) so that the labels are the likeliest. Classes weigh alike in a head
/// of several lanes: their order is then that of the margins.
fn fit(head: Head, judged: &[(&Vec<f32>, usize)], scale: &mut Scale) {
    let first = head.first_lane();
    if head.lanes() == 1 {
        let judged: Vec<(f32, bool)> =
            judged.iter().map(|(margins, label)| (margins[0], *label == 1)).collect();
        (scale.slopes[first], scale.offsets[first]) = logistic(&judged);
        return;
    }
    let count = |class: usize| judged.iter().filter(|one| one.1 == class).count() as f64;
    let counts: Vec<f64> = (0..head.lanes()).map(count).collect();
    let (slope, _) = lowest(|slope, _| {
        let surprise = |&(margins, label): &(&Vec<f32>, usize)| {
            let odds = margins.iter().map(|margin| f64::from((margin - margins[label]) * slope).exp());
            odds.sum::<f64>().ln() / counts[label]
        };
        judged.iter().map(surprise).sum()
    });
    scale.slopes[first..first + head.lanes()].fill(slope);
}

/// The slope and the offset by which margins become the likeliest probabilities of yes.
pub(crate) fn logistic(judged: &[(f32, bool)]) -> (f32, f32) {
    lowest(|slope, offset| {
        let surprise = |&(margin, is_yes): &(f32, bool)| {
            let sign = if is_yes { -1.0 } else { 1.0 };
            f64::from((sign * (margin * slope + offset)).exp()).ln_1p()
        };
        judged.iter().map(surprise).sum()
    })
}

/// Where `loss` is lowest, by steps along both axes that narrow when none helps.
fn lowest(loss: impl Fn(f32, f32) -> f64) -> (f32, f32) {
    let (mut at, mut step) = ((1.0_f32, 0.0_f32), 1.0_f32);
    let mut best = loss(at.0, at.1);
    for _ in 0..ROUNDS {
        let around = [(step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)];
        let tried = around.map(|(slope, offset)| (at.0 + slope, at.1 + offset));
        let found = tried.map(|at| (loss(at.0, at.1), at)).into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
        match found {
            Some((value, place)) if value < best => (best, at) = (value, place),
            _ => step /= 2.0,
        }
    }
    at
}
