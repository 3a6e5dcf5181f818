//! Multinomial logistic regression by stochastic gradient descent with adaptive steps (Duchi, Hazan and Singer,
//! "Adaptive Subgradient Methods", JMLR 2011), one size of step for each row.

use birddog::text::Folded;
use birddog::text::lang::letters::{LANES, LANGUAGES, ROWS, for_each_row};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;

const SEED: u64 = 42;
const EPOCHS: usize = 5;
/// These three were chosen on a fifth of the training posts.
const STEP: f32 = 0.2;
const BIAS_STEP: f32 = 0.002;
/// 0 weighs texts alike, 1 languages.
const BALANCE: f32 = 0.75;
/// Epochs of the first training, which finds the posts in English among those tagged as Hindi.
const CLEANING_EPOCHS: usize = 3;
const ENGLISH_FROM: f32 = 0.8;

/// The features of a text, and its language.
pub(crate) struct Example {
    pub(crate) rows: Vec<u32>,
    pub(crate) lane: usize,
}

impl Example {
    pub(crate) fn of(text: &str, folded: &Folded, lane: usize) -> Self {
        let mut rows = Vec::new();
        for_each_row(text, folded, |row| rows.push(row as u32));
        Self { rows, lane }
    }

    /// What each of its features counts.
    fn value(&self) -> f32 {
        (self.rows.len() as f32).sqrt().recip()
    }
}

/// Weights of the rows, and biases, by lane.
pub(crate) struct Planes {
    pub(crate) rows: Vec<[f32; LANES]>,
    pub(crate) biases: [f32; LANES],
}

impl Planes {
    /// The probability of each lane.
    fn probabilities(&self, example: &Example) -> [f32; LANES] {
        let mut scores = [0.0; LANES];
        for &row in &example.rows {
            scores.iter_mut().zip(&self.rows[row as usize]).for_each(|(score, weight)| *score += weight);
        }
        let value = example.value();
        scores.iter_mut().zip(&self.biases).for_each(|(score, bias)| *score = *score * value + bias);
        let most = scores.iter().copied().fold(f32::MIN, f32::max);
        let odds = scores.map(|score| (score - most).exp());
        let sum: f32 = odds.iter().sum();
        odds.map(|odds| odds / sum)
    }
}

/// Without the posts that are tagged as Hindi and plainly English: a quarter of that data is.
pub(crate) fn cleaned(mut examples: Vec<Example>) -> Vec<Example> {
    let lane = |name: &str| LANGUAGES.iter().position(|known| *known == name);
    let (Some(english), hindi) = (lane("en"), lane("hi")) else { return examples };
    let first = descend(&examples, CLEANING_EPOCHS);
    examples.retain(|one| Some(one.lane) != hindi || first.probabilities(one)[english] < ENGLISH_FROM);
    examples
}

pub(crate) fn train(examples: &[Example]) -> Planes {
    descend(examples, EPOCHS)
}

fn descend(examples: &[Example], epochs: usize) -> Planes {
    let mut planes = Planes { rows: vec![[0.0; LANES]; ROWS], biases: [0.0; LANES] };
    let mut slopes = vec![1e-3_f32; ROWS];
    let weights = weights(examples);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut random = SmallRng::seed_from_u64(SEED);
    for _ in 0..epochs {
        order.shuffle(&mut random);
        for &at in &order {
            step(&mut planes, &mut slopes, &examples[at], weights[examples[at].lane]);
        }
    }
    planes
}

/// What a text of each lane weighs: more where there are few.
fn weights(examples: &[Example]) -> [f32; LANES] {
    const USUAL: f32 = 3000.0;
    let mut counts = [0.0_f32; LANES];
    examples.iter().for_each(|example| counts[example.lane] += 1.0);
    counts.map(|count| (USUAL / count.max(1.0)).powf(BALANCE))
}

fn step(planes: &mut Planes, slopes: &mut [f32], example: &Example, weight: f32) {
    let mut errors = planes.probabilities(example);
    errors[example.lane] -= 1.0;
    for (bias, error) in planes.biases.iter_mut().zip(errors) {
        *bias -= BIAS_STEP * error * weight;
    }
    let pull = weight * example.value();
    let steepness = errors.iter().map(|error| error * error).sum::<f32>() * pull * pull;
    for &row in &example.rows {
        let slope = &mut slopes[row as usize];
        *slope += steepness;
        let step = STEP * pull / slope.sqrt();
        for (weight, error) in planes.rows[row as usize].iter_mut().zip(errors) {
            *weight -= step * error;
        }
    }
}
