//! The live head: publishes events at a rate into a log that grows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::log::{Found, Log};
use super::playback::restamp;

/// How often the head moves.
const TICK: Duration = Duration::from_millis(5);

/// Events to publish.
pub(super) type Events = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// Starts publishing; the log that grows.
pub(super) fn start(events: Events, rate: f64, stop: &CancellationToken) -> Arc<Log> {
    let log = Arc::new(Log::new());
    tokio::spawn(publish(Arc::clone(&log), events, rate, stop.clone()));
    log
}

async fn publish(log: Arc<Log>, mut events: Events, rate: f64, stop: CancellationToken) {
    let started = Instant::now();
    let mut published = 0;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let due = (started.elapsed().as_secs_f64() * rate) as usize;
        log.grow(events.by_ref().take(due - published));
        published = due;
    }
}

/// The events of a loaded log, once or for ever.
pub(super) fn events_of(log: Arc<Log>, looping: bool) -> Events {
    let passes = if looping { u64::MAX } else { 1 };
    let (_, span) = log.extent();
    Box::new((0..passes).flat_map(move |pass| {
        let log = Arc::clone(&log);
        (0..log.end()).flat_map(move |number| segment_events(&log, number, pass, span))
    }))
}

fn segment_events(log: &Log, number: u64, pass: u64, span: u64) -> Vec<Vec<u8>> {
    let Found::Segment(segment) = log.segment(number) else { return Vec::new() };
    let event = |entry: &super::log::Entry| {
        let mut event = segment.framed[entry.body as usize..entry.end as usize].to_vec();
        if pass > 0 {
            restamp(&mut event, pass, span);
        }
        event
    };
    segment.entries.iter().map(event).collect()
}
