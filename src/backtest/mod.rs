//! Runs recorded posts through rules and says what would have come of it: volumes, samples, overlap, cost, and what
//! an edit of the rules gains and loses.
//!
//! Layer 3: threads, files and a clock, no printing. A reader deals batches of lines to workers in turn; the workers
//! decode, match and score as the daemon's do; their outcomes are counted in the order of the input, so the report
//! (but for its times) is the same for any number of threads. Every post is decoded and matched: unlike the daemon,
//! nothing is filtered unparsed, since shares need all posts. Duplicates count as often as they were recorded.

mod bounded;
mod change;
mod cost;
mod days;
mod draw;
mod errors;
mod input;
mod options;
mod overlap;
mod reading;
mod reject;
pub mod report;
mod sample;
mod tally;
mod worker;
mod zstd;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};

use crossbeam::channel::{Receiver, bounded};

use crate::rules::RuleSet;
use crate::rules::pack::LoadedRule;
use crate::score::TrainedScorer;

pub use errors::BacktestError;
pub use input::{Format, Input};
pub use options::Options;
pub use report::Report;

use cost::Cost;
use reading::Reader;
use reject::FileCount;
use tally::Tally;
use worker::{Outcome, Worker};

/// Batches that may wait for each worker, and outcomes of each that may wait to be counted.
const BATCHES_AHEAD: usize = 4;

/// Runs `inputs` through `rules` (those that are off included), and through the rules `before` a change.
///
/// `progress` hears how many bytes of the inputs' files have been read.
///
/// # Errors
/// When an input cannot be read, or holds no post.
pub fn run(
    rules: &[LoadedRule],
    before: Option<&[LoadedRule]>,
    inputs: Vec<Input>,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, BacktestError> {
    let (set, old_set) = (RuleSet::of_loaded(rules), before.map(RuleSet::of_loaded));
    let mut tally = Tally::new(rules, before, &inputs, options);
    let read: Vec<Arc<AtomicU64>> = inputs.iter().map(Input::read_counter).collect();
    let mut each = |outcome| {
        tally.add(outcome);
        progress(read.iter().map(|read| read.load(Ordering::Relaxed)).sum());
    };
    let (files, cost) = process(&set, old_set.as_ref(), inputs, options, &mut each)?;
    tally.files(files);
    if tally.posts() == 0 {
        return Err(tally.nothing());
    }
    Ok(report::build(&tally, &set, options.timing.then_some(&cost), cost.evaluated()))
}

/// Deals the lines to workers and hands their outcomes to `each` in the order of the input.
fn process(
    set: &RuleSet,
    before: Option<&RuleSet>,
    inputs: Vec<Input>,
    options: &Options,
    each: &mut dyn FnMut(Outcome),
) -> Result<(Vec<FileCount>, Cost), BacktestError> {
    let scorer = TrainedScorer::default();
    let reader = Reader::new(inputs, options, [Some(set), before].into_iter().flatten());
    thread::scope(|scope| {
        let (mut to_workers, mut outcomes, mut workers) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.threads.max(1) {
            let (sender, batches) = bounded(BATCHES_AHEAD);
            let (done, finished) = bounded(BATCHES_AHEAD);
            let mut worker = Worker::new(set, before, &scorer, options);
            workers.push(scope.spawn(move || {
                for lines in batches {
                    if done.send(worker.process(&lines)).is_err() {
                        break;
                    }
                }
                worker.cost
            }));
            to_workers.push(sender);
            outcomes.push(finished);
        }
        let reading = scope.spawn(move || reader.run(&to_workers));
        in_turn(&outcomes, each);
        // Should a worker have died, the others must not wait for somebody to take what they have.
        drop(outcomes);
        let costs = workers.into_iter().map(joined);
        let cost = costs.fold(Cost::new(set.rules().len()), Cost::plus);
        Ok((joined(reading)?, cost))
    })
}

/// What the thread made; its panic is ours.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Batches were dealt in turn, so taking outcomes in turn restores their order; the first worker without one had no
/// batch, and nobody after it.
fn in_turn(outcomes: &[Receiver<Outcome>], each: &mut dyn FnMut(Outcome)) {
    for outcomes in outcomes.iter().cycle() {
        match outcomes.recv() {
            Ok(outcome) => each(outcome),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests;
