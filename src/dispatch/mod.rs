//! Feeds every external sink from the store's outbox: at least once, highest lane first, low never starved.
//!
//! Layer 4, one task a sink. Each has its own place in the outbox; a sink that is down only makes its own backlog
//! grow, and that in the store, never in memory. What a sink will never take becomes a dead letter. Tasks only
//! read the store; how far they got goes to the engine as [`CursorUpdate`]s, for `store::Writer::advance`.

mod dead_letter;
mod lanes;
mod retry;
mod task;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam::channel::Sender;
use metrics::{Gauge, gauge};
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use dead_letter::REASON_BYTES_MAX;
pub use task::{DEAD_LETTERED_TOTAL, DELIVERED_TOTAL, DELIVERY_SECONDS, RETRIES_TOTAL};

use crate::model::{Lane, Timestamp};
use crate::sinks::Deliver;
use crate::store::{CursorUpdate, Reader, SinkCounts};

/// Announcements made for a sink since it was first configured, by lane: delivered + dead-lettered + pending.
pub const OUTBOX_ANNOUNCED: &str = "birddog_outbox_announced";
/// Announcements the sink acknowledged, by lane, as saved.
pub const OUTBOX_DELIVERED: &str = "birddog_outbox_delivered";
/// Announcements given up, by lane, as saved.
pub const OUTBOX_DEAD_LETTERED: &str = "birddog_outbox_dead_lettered";
/// Announcements still to be sent, by lane.
pub const OUTBOX_PENDING: &str = "birddog_outbox_pending";

/// How sinks are fed; the same for all.
///
/// ```toml
/// [dispatch]
/// batch_max = 256         # items sent before waiting for their acknowledgements
/// poll_every = "50ms"     # how often an idle sink looks for news
/// attempts_max = 5        # tries of an item that fails while others pass; then it is a dead letter
/// retry_min = "200ms"
/// retry_max = "30s"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Items in one batch, at most; with their bytes bounded too, the memory of a sink.
    pub batch_max: usize,
    /// Pause between looks at an empty outbox.
    #[serde(with = "crate::model::setting::duration")]
    pub poll_every: Duration,
    /// Tries of an item that the sink itself turns down. A sink that is down does not count.
    pub attempts_max: u32,
    /// Longest first pause before a retry.
    #[serde(with = "crate::model::setting::duration")]
    pub retry_min: Duration,
    /// Longest pause before any retry.
    #[serde(with = "crate::model::setting::duration")]
    pub retry_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            batch_max: 256,
            poll_every: Duration::from_millis(50),
            attempts_max: 5,
            retry_min: Duration::from_millis(200),
            retry_max: Duration::from_secs(30),
        }
    }
}

/// How often the balance of the outbox is published as metrics.
const BALANCE_EVERY: Duration = Duration::from_secs(1);

/// Feeds `sinks` until `shutdown`; then every task saves how far it got and ends.
///
/// `updates` may be bounded: what does not fit is merged and sent later. Name the sinks to the writer
/// (`Writer::set_sinks`) before; a sink the store does not know waits.
pub async fn run<S: Deliver + 'static>(
    sinks: Vec<S>,
    config: Config,
    reader: Reader,
    updates: Sender<CursorUpdate>,
    shutdown: CancellationToken,
) {
    let mut tasks = JoinSet::new();
    for sink in sinks {
        let task = task::Task::new(sink, config.clone(), reader.clone(), updates.clone());
        tasks.spawn(task.run(shutdown.clone()));
    }
    tasks.spawn(publish_balance(reader, shutdown));
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a sink's task died; its items wait in the store until a restart");
        }
    }
}

async fn publish_balance(reader: Reader, shutdown: CancellationToken) {
    let mut gauges: Vec<(Arc<str>, [Balance; 4])> = Vec::new();
    loop {
        let reader = reader.clone();
        match tokio::task::spawn_blocking(move || reader.sink_counts()).await {
            Ok(Ok(counts)) => counts.iter().for_each(|counts| show(&mut gauges, counts)),
            Ok(Err(error)) => tracing::warn!(%error, "outbox balance cannot be read"),
            Err(error) => tracing::warn!(%error, "outbox balance cannot be read"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(BALANCE_EVERY) => {}
        }
    }
}

fn show(gauges: &mut Vec<(Arc<str>, [Balance; 4])>, counts: &SinkCounts) {
    let known = gauges.iter().position(|(sink, _)| *sink == counts.sink);
    let place = known.unwrap_or_else(|| {
        gauges.push((Arc::clone(&counts.sink), Lane::ALL.map(|lane| Balance::new(&counts.sink, lane))));
        gauges.len() - 1
    });
    for (balance, counts) in gauges[place].1.iter().zip(counts.lanes) {
        balance.announced.set(counts.announced as f64);
        balance.delivered.set(counts.delivered as f64);
        balance.dead.set(counts.dead as f64);
        balance.pending.set(counts.pending as f64);
    }
}

struct Balance {
    announced: Gauge,
    delivered: Gauge,
    dead: Gauge,
    pending: Gauge,
}

impl Balance {
    fn new(sink: &str, lane: Lane) -> Self {
        let handle = |name| gauge!(name, "sink" => sink.to_owned(), "lane" => lane.as_str());
        Self {
            announced: handle(OUTBOX_ANNOUNCED),
            delivered: handle(OUTBOX_DELIVERED),
            dead: handle(OUTBOX_DEAD_LETTERED),
            pending: handle(OUTBOX_PENDING),
        }
    }
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::ZERO + since
}
