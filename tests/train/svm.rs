//! Linear support vector machines with squared hinge loss, by dual coordinate descent (Hsieh et al., "A Dual
//! Coordinate Descent Method for Large-scale Linear SVM", ICML 2008), one against the rest. Features are scaled by how
//! telling they are (after Wang and Manning, "Baselines and Bigrams", ACL 2012); the weights take the scale in.

use birddog::score::grams::ROWS;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;

use crate::data::Matrix;

const EPOCHS: usize = 12;
const SEED: u64 = 42;
const SMOOTHING: f32 = 1.0;
/// Chosen on development data, like the smoothing.
const TELLING_MIN: f32 = 0.5;

/// Weights of the rows, and the bias.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: f32,
}

impl Plane {
    pub(crate) fn margin(&self, posts: &Matrix, at: usize) -> f32 {
        posts.row(at).map(|(row, value)| self.weights[row] * value).sum::<f32>() + self.bias
    }
}

/// How hard examples of class `class` of `classes` pull: `cost`, times what balances the classes.
fn costs(labels: &[usize], classes: usize, cost: f32) -> Vec<f32> {
    let count = |class: usize| labels.iter().filter(|&&label| label == class).count().max(1) as f32;
    (0..classes).map(|class| cost * labels.len() as f32 / (classes as f32 * count(class))).collect()
}

/// A plane for each class; `labels[k]` is the class of post `examples[k]`. With two classes, one plane: for class 1.
/// What each row counts is `common`, or else how telling it is.
pub(crate) fn train(
    posts: &Matrix,
    examples: &[usize],
    labels: &[usize],
    classes: usize,
    cost: f32,
    common: Option<&[f32]>,
) -> Vec<Plane> {
    let costs = costs(labels, classes, cost);
    let of_class = |class: usize| {
        let signs: Vec<f32> = labels.iter().map(|&label| if label == class { 1.0 } else { -1.0 }).collect();
        let costs: Vec<f32> = labels.iter().map(|&label| costs[label]).collect();
        let counts = common.map_or_else(|| telling(posts, examples, &signs), <[f32]>::to_vec);
        let mut plane = descend(&posts.scaled(&counts), examples, &signs, &costs);
        plane.weights.iter_mut().zip(&counts).for_each(|(weight, count)| *weight *= count);
        plane
    };
    let wanted: Vec<usize> = if classes == 2 { vec![1] } else { (0..classes).collect() };
    std::thread::scope(|scope| {
        let threads: Vec<_> = wanted.into_iter().map(|class| scope.spawn(move || of_class(class))).collect();
        threads.into_iter().map(|thread| thread.join().expect("training does not panic")).collect()
    })
}

/// What each row counts: the size of the logarithm of how much likelier it is in one class than in the other, and
/// [`TELLING_MIN`].
fn telling(posts: &Matrix, examples: &[usize], signs: &[f32]) -> Vec<f32> {
    let mut sums = [vec![SMOOTHING; ROWS], vec![SMOOTHING; ROWS]];
    for (&at, &sign) in examples.iter().zip(signs) {
        posts.row(at).for_each(|(row, value)| sums[usize::from(sign > 0.0)][row] += value);
    }
    let totals: [f32; 2] = std::array::from_fn(|class| sums[class].iter().sum());
    let ratio = |row: usize| (sums[1][row] / totals[1]) / (sums[0][row] / totals[0]);
    (0..ROWS).map(|row| TELLING_MIN + ratio(row).ln().abs()).collect()
}

fn descend(posts: &Matrix, examples: &[usize], signs: &[f32], costs: &[f32]) -> Plane {
    let mut plane = Plane { weights: vec![0.0; ROWS], bias: 0.0 };
    let square = |at: usize| posts.row(at).map(|(_, value)| value * value).sum::<f32>() + 1.0;
    let squares: Vec<f32> = examples.iter().zip(costs).map(|(&at, cost)| square(at) + 0.5 / cost).collect();
    let mut alphas = vec![0.0_f32; examples.len()];
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut random = SmallRng::seed_from_u64(SEED);
    for _ in 0..EPOCHS {
        order.shuffle(&mut random);
        for &k in &order {
            let slope = signs[k] * plane.margin(posts, examples[k]) - 1.0 + alphas[k] * 0.5 / costs[k];
            let alpha = (alphas[k] - slope / squares[k]).max(0.0);
            let step = (alpha - alphas[k]) * signs[k];
            alphas[k] = alpha;
            if step != 0.0 {
                posts.row(examples[k]).for_each(|(row, value)| plane.weights[row] += step * value);
                plane.bias += step;
            }
        }
    }
    plane
}
