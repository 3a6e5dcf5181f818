//! One sink's task: read a batch, deliver it until every item is settled, say how far it got, repeat.

use std::sync::Arc;
use std::time::Duration;

use crossbeam::channel::{Sender, TrySendError};
use metrics::{Counter, Histogram, counter, histogram};
use tokio_util::sync::CancellationToken;

use super::Config;
use super::dead_letter::{dead_letter, shown};
use super::lanes::Progress;
use super::retry::Retry;
use crate::clock::wall_clock;
use crate::model::{Lane, WorkItem};
use crate::sinks::{Deliver, Outcome, Outgoing};
use crate::store::{CursorUpdate, OutboxCursors, OutboxEntry, Reader, StoreError};

/// Items a sink acknowledged since the start, by sink and lane.
pub const DELIVERED_TOTAL: &str = "birddog_items_delivered_total";
/// Items given up since the start, by sink and lane.
pub const DEAD_LETTERED_TOTAL: &str = "birddog_items_dead_lettered_total";
/// Batches that had to be tried again, by sink.
pub const RETRIES_TOTAL: &str = "birddog_sink_retries_total";
/// Seconds from receiving a post to its item's first acknowledgement by the sink, by sink.
pub const DELIVERY_SECONDS: &str = "birddog_delivery_seconds";

/// How long the last update may wait for room when the task ends.
const LAST_UPDATE_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) struct Task<S> {
    sink: S,
    name: Arc<str>,
    config: Config,
    reader: Reader,
    retry: Retry,
    report: Report,
    metrics: Metrics,
}

impl<S: Deliver> Task<S> {
    pub(super) fn new(sink: S, config: Config, reader: Reader, updates: Sender<CursorUpdate>) -> Self {
        let name = sink.name();
        let retry = Retry::new(config.retry_min, config.retry_max);
        let (report, metrics) = (Report::new(&name, updates), Metrics::new(&name));
        Self { sink, name, config, reader, retry, report, metrics }
    }

    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.feed() => {}
        }
        self.report.finish().await;
    }

    /// Runs until dropped, which may happen at any await: what is not reported is sent again.
    async fn feed(&mut self) {
        loop {
            let entries = match self.next_batch().await {
                Ok(entries) => entries,
                Err(error) => {
                    tracing::warn!(sink = %self.name, %error, "outbox cannot be read");
                    Vec::new()
                }
            };
            if entries.is_empty() {
                tokio::time::sleep(self.config.poll_every).await;
            } else {
                self.deliver(Progress::new(entries)).await;
            }
            self.wait_for_engine().await;
        }
    }

    /// A sink never runs ahead of the engine by more than a batch, so what is unsent stays small.
    async fn wait_for_engine(&mut self) {
        self.report.send();
        while self.report.unsent.is_some() {
            tokio::time::sleep(self.config.poll_every).await;
            self.report.send();
        }
    }

    async fn next_batch(&mut self) -> Result<Vec<OutboxEntry>, StoreError> {
        let (reader, name, known) = (self.reader.clone(), Arc::clone(&self.name), self.report.cursors);
        let count_max = self.config.batch_max.max(1);
        let read = move || -> Result<_, StoreError> {
            let Some(cursors) =
                known.map_or_else(|| reader.outbox_cursors(&name), |known| Ok(Some(known)))?
            else {
                return Ok((None, Vec::new()));
            };
            Ok((Some(cursors), reader.outbox(&cursors, count_max, wall_clock())?))
        };
        let joined = tokio::task::spawn_blocking(read).await;
        let (cursors, entries) = joined.map_err(|error| StoreError::Io(error.to_string()))??;
        self.report.cursors = cursors;
        Ok(entries)
    }

    async fn deliver(&mut self, mut progress: Progress) {
        loop {
            self.bury_missing(&mut progress);
            let open = progress.open();
            if open.is_empty() {
                break;
            }
            let batch: Vec<_> = open.iter().filter_map(|&place| outgoing(progress.entry(place))).collect();
            let outcomes = self.sink.deliver(&batch).await;
            let mut trouble = None;
            for (place, outcome) in open.into_iter().zip(outcomes) {
                trouble = self.settle(&mut progress, place, outcome).or(trouble);
            }
            self.report.pass(&mut progress);
            if let Some(reason) = trouble {
                self.pause(&reason).await;
                progress = self.refreshed(progress).await;
            }
        }
        self.report.pass(&mut progress);
    }

    /// What is tried again is sent as it stands then: a reply that was allowed at first may be off by now.
    async fn refreshed(&mut self, mut progress: Progress) -> Progress {
        loop {
            let reader = self.reader.clone();
            let read = move || {
                let done = reader.refresh(progress.open_entries(), wall_clock());
                (progress, done)
            };
            let (same, done) = match tokio::task::spawn_blocking(read).await {
                Ok(read) => read,
                // A panic in the store's code: there is nothing left to deliver, and the outbox still has it all.
                Err(error) => {
                    tracing::error!(sink = %self.name, %error, "outbox cannot be read");
                    return Progress::new(Vec::new());
                }
            };
            progress = same;
            match done {
                Ok(()) => return progress,
                Err(error) => self.pause(&error.to_string()).await,
            }
        }
    }

    /// Items that retention removed before the sink took them.
    fn bury_missing(&self, progress: &mut Progress) {
        for place in progress.open() {
            if progress.entry(place).item.is_none() {
                self.bury(progress, place, 0, "retention removed the item before it was delivered");
            }
        }
    }

    /// Files one outcome; gives the reason when the item has to be tried again.
    fn settle(&mut self, progress: &mut Progress, place: usize, outcome: Outcome) -> Option<String> {
        match outcome {
            Outcome::Delivered => {
                self.metrics.delivered(progress.entry(place));
                self.retry.progress();
                progress.delivered(place);
                None
            }
            Outcome::Unavailable(reason) => Some(reason),
            Outcome::Refused(reason) => {
                self.bury(progress, place, 1, &reason);
                None
            }
            Outcome::Failed(reason) => {
                let attempts = progress.failed(place);
                if attempts < self.config.attempts_max {
                    return Some(reason);
                }
                self.bury(progress, place, attempts, &reason);
                None
            }
        }
    }

    fn bury(&self, progress: &mut Progress, place: usize, attempts: u32, reason: &str) {
        let letter = dead_letter(&self.name, progress.entry(place), attempts, reason, wall_clock());
        tracing::error!(sink = %self.name, id = %letter.id, attempts, reason = %letter.reason, "item is a dead letter");
        self.metrics.dead[usize::from(letter.lane.as_index())].increment(1);
        progress.dead(place, letter);
    }

    async fn pause(&mut self, reason: &str) {
        self.metrics.retries.increment(1);
        let pause = self.retry.pause();
        tracing::warn!(sink = %self.name, reason = shown(reason), pause_ms = pause.as_millis() as u64, "sink is tried again");
        tokio::time::sleep(pause).await;
    }
}

fn outgoing(entry: &OutboxEntry) -> Option<Outgoing> {
    entry.item.clone().map(|item| Outgoing { item, revision: entry.revision })
}

/// How far the sink got, and what of that the engine does not know yet.
struct Report {
    sink: Arc<str>,
    /// `None` until read from the store.
    cursors: Option<OutboxCursors>,
    unsent: Option<CursorUpdate>,
    updates: Sender<CursorUpdate>,
}

impl Report {
    fn new(sink: &Arc<str>, updates: Sender<CursorUpdate>) -> Self {
        Self { sink: Arc::clone(sink), cursors: None, unsent: None, updates }
    }

    /// Moves over what is settled, and says so.
    fn pass(&mut self, progress: &mut Progress) {
        let Some(cursors) = &mut self.cursors else { return };
        let before = *cursors;
        let dead = progress.pass(cursors);
        if *cursors == before {
            return;
        }
        let sink = &self.sink;
        let fresh = || CursorUpdate { sink: Arc::clone(sink), cursors: before, dead: Vec::new() };
        let update = self.unsent.get_or_insert_with(fresh);
        update.cursors = *cursors;
        update.dead.extend(dead);
        self.send();
    }

    /// Sends what is unsent, if there is room; else it waits, merged, for the next time.
    fn send(&mut self) {
        let Some(update) = self.unsent.take() else { return };
        if let Err(TrySendError::Full(update) | TrySendError::Disconnected(update)) =
            self.updates.try_send(update)
        {
            self.unsent = Some(update);
        }
    }

    async fn finish(mut self) {
        let deadline = tokio::time::Instant::now() + LAST_UPDATE_TIMEOUT;
        self.send();
        while self.unsent.is_some() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.send();
        }
    }
}

struct Metrics {
    delivered: [Counter; 4],
    dead: [Counter; 4],
    retries: Counter,
    seconds: Histogram,
}

impl Metrics {
    fn new(sink: &Arc<str>) -> Self {
        let by_lane = |name: &'static str| {
            Lane::ALL.map(|lane| counter!(name, "sink" => sink.to_string(), "lane" => lane.as_str()))
        };
        Self {
            delivered: by_lane(DELIVERED_TOTAL),
            dead: by_lane(DEAD_LETTERED_TOTAL),
            retries: counter!(RETRIES_TOTAL, "sink" => sink.to_string()),
            seconds: histogram!(DELIVERY_SECONDS, "sink" => sink.to_string()),
        }
    }

    fn delivered(&self, entry: &OutboxEntry) {
        self.delivered[usize::from(entry.lane.as_index())].increment(1);
        let item = entry.item.as_ref().filter(|_| entry.revision == 1);
        if let Some(body) = item.and_then(WorkItem::post) {
            self.seconds.record(wall_clock().since(body.post.received_at));
        }
    }
}
