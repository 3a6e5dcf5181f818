//! Trains the model that `score` embeds: `cargo run --release --example train -- DATA [--check]`.
//!
//! DATA is the folder of labelled posts (its README names the files; none of it is part of this project). Without
//! `--check` it trains on all development data and writes `src/score/heads/model/scores.bin`; with it, it trains on a part,
//! prints what that is worth on the rest, and writes nothing. Every run gives the same bytes: the only chance in it is
//! a seeded order of the examples.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod artefact;
mod data;
mod figures;
#[path = "../../benches/labelled/mod.rs"]
mod labelled;
mod svm;
mod tasks;

use std::path::PathBuf;

use anyhow::Context as _;

const ARTEFACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/score/heads/model/scores.bin");

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().context("usage: train DATA [--check]")?);
    match args.next().as_deref() {
        Some("--check") => tasks::check(&folder, args.next().as_deref()),
        _ => Ok(std::fs::write(ARTEFACT, artefact::make(&folder)?)?),
    }
}
