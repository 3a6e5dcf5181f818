//! Feeds every external sink from the store's outbox: at least once, highest lane first, low never starved.
//!
//! Layer 4, one task a sink. Each has its own place in the outbox; a sink that is down only makes its own backlog
//! grow, and that in the store, never in memory. What a sink will never take becomes a dead letter. Tasks only
//! read the store; how far they got goes to the engine as [`CursorUpdate`]s, for `store::Writer::advance`.

mod config;
mod dead_letter;
mod lanes;
mod retry;
mod task;

use std::sync::Arc;
use std::time::Duration;

use crossbeam::channel::Sender;
use metrics::{Gauge, gauge};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use dead_letter::REASON_BYTES_MAX;
pub use task::{DEAD_LETTERED_TOTAL, DELIVERED_TOTAL, DELIVERY_SECONDS, RETRIES_TOTAL};

use crate::model::Lane;
use crate::model::metric::Metric;
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

/// The metrics of this part.
pub const METRICS: &[Metric] = &[
    Metric::gauge(
        OUTBOX_ANNOUNCED,
        "Announcements made for a sink since it was first configured: delivered + dead-lettered + pending.",
        &["sink", "lane"],
    ),
    Metric::gauge(OUTBOX_DELIVERED, "Announcements the sink acknowledged, as saved.", &["sink", "lane"]),
    Metric::gauge(OUTBOX_DEAD_LETTERED, "Announcements given up, as saved.", &["sink", "lane"]),
    Metric::gauge(OUTBOX_PENDING, "Announcements still to be sent.", &["sink", "lane"]),
    Metric::counter(DELIVERED_TOTAL, "Items a sink acknowledged since the start.", &["sink", "lane"]),
    Metric::counter(DEAD_LETTERED_TOTAL, "Items given up since the start.", &["sink", "lane"]),
    Metric::counter(RETRIES_TOTAL, "Batches that had to be tried again.", &["sink"]),
    Metric::histogram(
        DELIVERY_SECONDS,
        "From receiving a post to its item's acknowledgement by the sink.",
        &["sink"],
    ),
];

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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use crossbeam::channel::{Receiver, bounded};

    use super::*;
    use crate::clock::wall_clock;
    use crate::model::ItemId;
    use crate::sinks::{Outcome, Outgoing};
    use crate::store::SinkLaneCounts;
    use crate::store::testing::{Fixture, at, id, item};

    type Decide = fn(attempt: usize, item: ItemId) -> Outcome;

    /// Does as told, and remembers what it acknowledged.
    struct Scripted {
        decide: Decide,
        attempt: usize,
        delivered: Arc<Mutex<Vec<ItemId>>>,
    }

    impl Deliver for Scripted {
        fn name(&self) -> Arc<str> {
            Arc::from("scripted")
        }

        async fn deliver(&mut self, batch: &[Outgoing]) -> Vec<Outcome> {
            self.attempt += 1;
            let outcomes: Vec<_> = batch.iter().map(|out| (self.decide)(self.attempt, out.item.id)).collect();
            let delivered =
                batch.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Outcome::Delivered);
            self.delivered.lock().unwrap().extend(delivered.map(|(out, _)| out.item.id));
            outcomes
        }
    }

    fn quick() -> Config {
        Config {
            batch_max: 4,
            poll_every: Duration::from_millis(1),
            attempts_max: 3,
            retry_min: Duration::from_millis(1),
            retry_max: Duration::from_millis(2),
        }
    }

    fn filled(count: u64) -> Fixture {
        let mut fixture = Fixture::new();
        fixture.writer.set_sinks(&["scripted".into()]).unwrap();
        // Made now: what is old would count as critical, whatever its lane.
        let fresh = |n| crate::model::NewItem {
            created_at: crate::model::Moment::at(wall_clock()),
            ..item(n, Lane::from_index((n % 4) as u8))
        };
        fixture.store((1..=count).map(fresh).collect());
        fixture
    }

    fn total(fixture: &Fixture) -> SinkLaneCounts {
        let counts = fixture.reader.sink_counts().unwrap().remove(0);
        counts.lanes.into_iter().fold(SinkLaneCounts::default(), |sum, lane| SinkLaneCounts {
            announced: sum.announced + lane.announced,
            delivered: sum.delivered + lane.delivered,
            dead: sum.dead + lane.dead,
            pending: sum.pending + lane.pending,
        })
    }

    /// Plays the engine until nothing is pending.
    fn play_engine(fixture: &mut Fixture, updates: &Receiver<CursorUpdate>) {
        while total(fixture).pending > 0 {
            let update = updates.recv_timeout(Duration::from_secs(20)).expect("the sink's task goes on");
            fixture.writer.advance(&[update], at(9).steady).unwrap();
        }
    }

    /// Runs until nothing is pending; gives what the sink acknowledged, in order.
    fn deliver_all(fixture: &mut Fixture, decide: Decide) -> Vec<ItemId> {
        let delivered = Arc::new(Mutex::new(Vec::new()));
        let sink = Scripted { decide, attempt: 0, delivered: Arc::clone(&delivered) };
        let (sender, updates) = bounded(1);
        let shutdown = CancellationToken::new();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let task = run(vec![sink], quick(), fixture.reader.clone(), sender, shutdown.clone());
        let running = runtime.spawn(task);
        play_engine(fixture, &updates);
        shutdown.cancel();
        runtime.block_on(running).unwrap();
        let delivered = delivered.lock().unwrap();
        delivered.clone()
    }

    fn sorted(mut ids: Vec<ItemId>) -> Vec<ItemId> {
        ids.sort_unstable();
        ids
    }

    #[test]
    fn every_item_is_delivered_once_highest_lane_first() {
        let mut fixture = filled(20);
        let delivered = deliver_all(&mut fixture, |_, _| Outcome::Delivered);
        assert_eq!(delivered[..5], [3, 7, 11, 15, 19].map(id));
        assert_eq!(sorted(delivered), sorted((1..=20).map(id).collect()));
        assert_eq!(total(&fixture), SinkLaneCounts { announced: 20, delivered: 20, dead: 0, pending: 0 });
    }

    #[test]
    fn a_sink_that_is_down_loses_nothing_however_long_it_takes() {
        let mut fixture = filled(9);
        let decide: Decide = |attempt, _| {
            if attempt < 12 { Outcome::Unavailable("down".to_owned()) } else { Outcome::Delivered }
        };
        let delivered = deliver_all(&mut fixture, decide);
        assert_eq!(sorted(delivered), sorted((1..=9).map(id).collect()));
        assert_eq!(total(&fixture).dead, 0);
    }

    #[test]
    fn an_item_that_keeps_failing_is_given_up_and_the_others_pass() {
        let mut fixture = filled(9);
        let decide: Decide = |_, item| match item {
            item if item == id(3) => Outcome::Failed("poison".to_owned()),
            item if item == id(4) => Outcome::Refused("too large".to_owned()),
            _ => Outcome::Delivered,
        };
        let delivered = deliver_all(&mut fixture, decide);
        assert_eq!(delivered.len(), 7);
        assert_eq!(total(&fixture), SinkLaneCounts { announced: 9, delivered: 7, dead: 2, pending: 0 });
        let letters = fixture.reader.dead_letters(9).unwrap();
        let mut letters: Vec<_> = letters.iter().map(|l| (l.id, l.attempts, l.reason.as_str())).collect();
        letters.sort_by_key(|letter| letter.1);
        assert_eq!(letters, [(id(4), 1, "too large"), (id(3), 3, "poison")]);
    }

    #[test]
    fn an_item_that_retention_removed_is_counted_as_dead() {
        let mut fixture = filled(2);
        let changes = vec![crate::store::testing::gone(1)];
        let commit = crate::model::Commit { now: at(3), changes, ..Default::default() };
        fixture.writer.commit(&commit).unwrap();
        fixture.writer.prune(at(3) + Duration::from_secs(40 * 24 * 3_600)).unwrap();
        let delivered = deliver_all(&mut fixture, |_, _| Outcome::Delivered);
        assert_eq!(delivered, [id(2)]);
        assert_eq!(total(&fixture), SinkLaneCounts { announced: 3, delivered: 1, dead: 2, pending: 0 });
    }

    #[test]
    fn a_restart_goes_on_where_the_engine_was_told() {
        let mut fixture = filled(6);
        deliver_all(&mut fixture, |_, _| Outcome::Delivered);
        fixture.restart(at(9));
        fixture.store(vec![item(7, Lane::Low)]);
        assert_eq!(deliver_all(&mut fixture, |_, _| Outcome::Delivered), [id(7)]);
    }
}
