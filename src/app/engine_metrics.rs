//! What the engine counts: every event's fate, and the time from receipt to the disk.
//!
//! The conservation law: `received = rejected + filtered + triaged{outcome}` summed over the outcomes, per source.

use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::dedupe;
use crate::line::{BatchOutcome, Counts};
use crate::model::metric::Metric;
use crate::model::{Commit, RejectReason, Timestamp};
use crate::reply;
use crate::score::influence;
use crate::sources::{Refusal, SourceStatus};
use crate::triage::{AUTHOR_ENTRIES, AUTHOR_EVICTED, TRIAGED, Triage, TriageCounts};

/// Frames received, by source.
pub const RECEIVED: &str = "birddog_events_received_total";
/// Frames refused, by source and reason.
pub const REJECTED: &str = "birddog_events_rejected_total";
/// Frames that could not matter, by source.
pub const FILTERED: &str = "birddog_events_filtered_total";
/// Posts among the events.
pub const POSTS: &str = "birddog_posts_total";
/// Receipt of a batch to its items on the disk.
pub const STORED_SECONDS: &str = "birddog_receive_to_stored_seconds";

/// What the engine emits.
pub const METRICS: &[Metric] = &[
    Metric::counter(RECEIVED, "Events received, by source.", &["source"]),
    Metric::counter(REJECTED, "Events refused, by source and reason.", &["source", "reason"]),
    Metric::counter(FILTERED, "Events that could not matter, by source.", &["source"]),
    Metric::counter(POSTS, "Posts among the events, by source.", &["source"]),
    Metric::histogram(STORED_SECONDS, "Seconds from the receipt of a batch to its items on the disk.", &[]),
];

/// Handles, made once, and what was counted since they were told last: once for each group of batches.
pub(super) struct EngineMetrics {
    sources: Vec<Source>,
    stored_seconds: Histogram,
    memory: [(Gauge, Counter); 4],
    engagements: Counter,
    armed: Gauge,
    refused: Vec<[u64; Refusal::ALL.len()]>,
}

struct Source {
    name: Arc<str>,
    counters: SourceCounters,
    counts: Counts,
    triaged: [u64; TriageCounts::OUTCOMES],
}

struct SourceCounters {
    received: Counter,
    filtered: Counter,
    posts: Counter,
    rejected: Vec<Counter>,
    binary: Counter,
    triaged: Vec<Counter>,
}

impl SourceCounters {
    fn new(source: &Arc<str>) -> Self {
        let rejected =
            |reason: &'static str| counter!(REJECTED, "source" => source.to_string(), "reason" => reason);
        let triaged =
            |outcome: &'static str| counter!(TRIAGED, "source" => source.to_string(), "outcome" => outcome);
        Self {
            received: counter!(RECEIVED, "source" => source.to_string()),
            filtered: counter!(FILTERED, "source" => source.to_string()),
            posts: counter!(POSTS, "source" => source.to_string()),
            rejected: RejectReason::ALL.iter().map(|reason| rejected(reason.as_str())).collect(),
            binary: rejected("binary"),
            triaged: TriageCounts::default()
                .by_outcome()
                .iter()
                .map(|(outcome, _)| triaged(outcome))
                .collect(),
        }
    }
}

impl Source {
    fn new(name: &Arc<str>) -> Self {
        let (counts, triaged) = Default::default();
        Self { name: Arc::clone(name), counters: SourceCounters::new(name), counts, triaged }
    }

    fn publish(&mut self) {
        let (counters, counts) = (&self.counters, std::mem::take(&mut self.counts));
        let triaged = std::mem::take(&mut self.triaged);
        let of_source = [&counters.received, &counters.filtered, &counters.posts];
        let counters = of_source.into_iter().chain(&counters.rejected).chain(&counters.triaged);
        let counts = [counts.received, counts.filtered, counts.posts].into_iter().chain(counts.rejected);
        for (counter, count) in counters.zip(counts.chain(triaged)).filter(|(_, count)| *count > 0) {
            counter.increment(count);
        }
    }
}

impl EngineMetrics {
    pub(super) fn new(sources: &[Arc<SourceStatus>]) -> Self {
        Self {
            sources: sources.iter().map(|source| Source::new(source.name())).collect(),
            stored_seconds: histogram!(STORED_SECONDS),
            memory: [
                (gauge!(dedupe::SEEN_ENTRIES), counter!(dedupe::SEEN_EVICTED)),
                (gauge!(dedupe::CLUSTER_ENTRIES), counter!(dedupe::CLUSTER_EVICTED)),
                (gauge!(AUTHOR_ENTRIES), counter!(AUTHOR_EVICTED)),
                (gauge!(influence::AUTHOR_ENTRIES), counter!(influence::AUTHOR_EVICTED)),
            ],
            engagements: counter!(influence::ENGAGEMENTS),
            armed: gauge!(reply::ARMED),
            refused: vec![[0; Refusal::ALL.len()]; sources.len()],
        }
    }

    fn source(&mut self, name: &Arc<str>) -> &mut Source {
        let known = self.sources.iter().position(|source| source.name == *name);
        let place = known.unwrap_or_else(|| {
            self.sources.push(Source::new(name));
            self.sources.len() - 1
        });
        &mut self.sources[place]
    }

    pub(super) fn take(&mut self, outcome: &BatchOutcome) {
        self.source(&outcome.source).counts += outcome.counts;
    }

    pub(super) fn triaged(&mut self, source: &Arc<str>, counts: &TriageCounts) {
        let triaged = &mut self.source(source).triaged;
        triaged.iter_mut().zip(counts.by_outcome()).for_each(|(sum, (_, count))| *sum += count);
    }

    /// Tells the handles what was counted since the last time.
    pub(super) fn publish(&mut self) {
        self.sources.iter_mut().for_each(Source::publish);
    }

    pub(super) fn committed(&self, commit: &Commit, now: Timestamp) {
        let mut batch = None;
        for received_at in commit.new_items().map(|item| item.received_at) {
            if batch.replace(received_at) != Some(received_at) {
                self.stored_seconds.record(now.since(received_at).as_secs_f64());
            }
        }
    }

    /// What is only looked at now and then.
    pub(super) fn observe(&mut self, triage: &Triage, sources: &[Arc<SourceStatus>]) {
        let memory = triage.memory();
        for ((entries, evicted), (now, gone)) in
            self.memory.iter().zip([memory.seen, memory.clusters, memory.authors, memory.audience])
        {
            entries.set(now as f64);
            evicted.absolute(gone);
        }
        self.engagements.absolute(triage.engagements());
        for (outcome, guard, count) in triage.reply_decisions() {
            counter!(reply::DECISIONS, "outcome" => outcome, "guard" => guard).absolute(count);
        }
        self.count_refusals(sources);
    }

    pub(super) fn set_armed(&self, armed: bool) {
        self.armed.set(f64::from(u8::from(armed)));
    }

    /// Frames that a source refused by itself are in no batch: received and rejected all the same.
    fn count_refusals(&mut self, sources: &[Arc<SourceStatus>]) {
        for (at, source) in sources.iter().enumerate() {
            for reason in Refusal::ALL {
                let total = source.rejected(reason);
                let fresh = total - std::mem::replace(&mut self.refused[at][reason as usize], total);
                if fresh > 0 {
                    let counters = &self.source(source.name()).counters;
                    counters.received.increment(fresh);
                    match reason {
                        Refusal::TooLarge => {
                            counters.rejected[RejectReason::TooLarge as usize].increment(fresh)
                        }
                        Refusal::Binary => counters.binary.increment(fresh),
                    }
                }
            }
        }
    }
}
