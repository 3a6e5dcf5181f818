//! Trains the table of letters that `text::lang` embeds: `cargo run --release --example train_languages -- DATA SENTENCES`.
//!
//! DATA is the folder of labelled posts; SENTENCES a folder of plain sentences, `nl.txt` and so on, as
//! `tests/languages/sentences` lays it out. Writes `src/text/lang/letters.bin`, and prints what it is worth on texts
//! that it did not learn from. Every run gives the same bytes: the only chance in it is a seeded order.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod data;
mod regression;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use birddog::text::Folded;
use birddog::text::lang::letters::{LANES, LANGUAGES, Letters, ROWS, Row};

use data::{Part, Sample};
use regression::{Example, Planes};

const ARTEFACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/text/lang/letters.bin");
/// The share of weights that may be cut to the largest step, so that the many small ones keep their differences.
const CUT_SHARE: f64 = 0.0005;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1).map(PathBuf::from);
    let mut folder = || args.next().context("usage: train_languages DATA SENTENCES");
    let samples = data::all(&folder()?, &folder()?)?;
    let (learned, kept): (Vec<_>, Vec<_>) =
        samples.into_iter().partition(|sample| sample.part == Part::Learned);
    let planes = regression::train(&regression::cleaned(examples(&learned)));
    let (biases, rows) = whole_numbers(&planes);
    let artefact = Letters::write(&biases, &rows);
    let letters = Letters::read(&artefact).context("what is written can be read")?;
    report(&letters, &kept);
    Ok(std::fs::write(ARTEFACT, artefact)?)
}

fn examples(samples: &[Sample]) -> Vec<Example> {
    let mut folded = Folded::default();
    let example = |sample: &Sample| {
        folded.fold(&sample.text);
        Example::of(&sample.text, &folded, sample.lane)
    };
    samples.iter().map(example).filter(|example| !example.rows.is_empty()).collect()
}

/// Weights as whole numbers of one step, and biases in that step.
fn whole_numbers(planes: &Planes) -> ([f32; LANES], Vec<Row>) {
    let mut sizes: Vec<f32> = planes.rows.iter().flatten().map(|weight| weight.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    let largest = sizes[sizes.len() - 1 - (sizes.len() as f64 * CUT_SHARE) as usize];
    let step = largest / f32::from(i8::MAX);
    let whole = |weight: f32| (weight / step).round().clamp(-f32::from(i8::MAX), f32::from(i8::MAX)) as i8;
    assert_eq!(planes.rows.len(), ROWS);
    (planes.biases.map(|bias| bias / step), planes.rows.iter().map(|row| row.map(whole)).collect())
}

/// The share right by set and language; of those without a language, the share that is given none.
fn report(letters: &Letters, kept: &[Sample]) {
    let mut right: BTreeMap<(&str, &str), (u32, u32)> = BTreeMap::new();
    let mut folded = Folded::default();
    for sample in kept {
        folded.fold(&sample.text);
        let wanted = data::named(sample.lane);
        let counts = right.entry((sample.set, LANGUAGES[sample.lane])).or_default();
        counts.0 += 1;
        counts.1 += u32::from(letters.language(&sample.text, &folded) == wanted);
    }
    for ((set, language), (posts, right)) in right {
        println!("{set:10} {language:6} {:.3} of {posts}", f64::from(right) / f64::from(posts));
    }
}
