//! The worker threads: batches in, outcomes out. Plain threads, a whole batch at a time.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::clock::monotonic_nanos;
use crate::config::Config;
use crate::line::{BatchOutcome, Handles, Worker};
use crate::model::Ack;
use crate::ruleset::RulesInForce;
use crate::score::{Scorer, TrainedScorer};
use crate::sources::{Intake, Place};

/// What every worker needs.
#[derive(Clone)]
pub struct WorkerParts {
    /// A batch is matched by one whole set.
    pub rules: RulesInForce,
    /// The scorer.
    pub scorer: Arc<dyn Scorer>,
    /// Names of watched accounts.
    pub handles: Arc<Handles>,
    /// Larger frames are refused.
    pub frame_bytes_max: usize,
    /// Of the hashes by which it is noted who engages with whom; without it nothing is.
    pub engagement_seed: Option<u64>,
}

impl WorkerParts {
    /// Workers that match by these rules, and know no names yet. Who settles what they make must have the same seed.
    #[must_use]
    pub fn new(config: &Config, rules: RulesInForce, influence_seed: u64) -> Self {
        Self {
            rules,
            scorer: Arc::new(TrainedScorer::default()),
            handles: Arc::new(Handles::default()),
            frame_bytes_max: config.limits.frame_bytes_max,
            engagement_seed: config.influence.stream.then_some(influence_seed),
        }
    }
}

/// What comes out of the line.
#[expect(clippy::large_enum_variant, reason = "there is one heartbeat a second")]
#[derive(Debug)]
pub enum Finished {
    /// The line moves.
    Heartbeat,
    /// A batch is dealt with.
    Batch(FinishedBatch),
}

/// An outcome, and the place that its batch keeps among those in flight until the outcome is triaged.
#[derive(Debug)]
pub struct FinishedBatch {
    /// What the worker made of the batch.
    pub outcome: BatchOutcome,
    /// Given back when dropped.
    pub place: Option<Place>,
    /// Called when what came of the batch is durable.
    pub ack: Option<Ack>,
}

/// Starts `count` workers. They end when the intake does; the receiver is then disconnected.
///
/// # Panics
/// When the system gives no thread.
#[must_use]
pub fn spawn_workers(
    count: usize,
    intake: &Intake,
    parts: &WorkerParts,
    outcomes_max: usize,
) -> (Receiver<Finished>, Vec<JoinHandle<()>>) {
    let (sender, receiver) = bounded(outcomes_max);
    let spawn = |number: usize| {
        let (intake, parts, sender) = (intake.clone(), parts.clone(), sender.clone());
        thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || work(&intake, parts, &sender))
            .expect("the system gives a few threads at start")
    };
    let threads = (0..count).map(spawn).collect();
    (receiver, threads)
}

fn work(intake: &Intake, parts: WorkerParts, outcomes: &Sender<Finished>) {
    let mut worker = Worker::new(parts.scorer, parts.handles, parts.frame_bytes_max)
        .timed_by(monotonic_nanos)
        .noting_engagements(parts.engagement_seed);
    while let Some(admitted) = intake.recv() {
        let finished = if admitted.is_heartbeat {
            Finished::Heartbeat
        } else {
            let outcome = worker.process(admitted.batch(), &parts.rules.load().set);
            let (place, ack) = admitted.into_parts();
            Finished::Batch(FinishedBatch { outcome, place, ack })
        };
        if outcomes.send(finished).is_err() {
            return;
        }
    }
}
