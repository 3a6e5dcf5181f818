//! The bounded lock-free hand-over of batches from sources (tokio) to workers (plain threads).
//!
//! Permits for bytes and for batches are taken *before* the push, so the memory in flight is one number and
//! nothing ever blocks a tokio thread. Permits come back when the worker drops the batch; its memory is
//! used again for a later one. When full, sources wait, and stop reading their sockets.

use std::ops::Deref;
use std::sync::Arc;

use crossbeam::channel::{Receiver, Sender, bounded};
use crossbeam::queue::ArrayQueue;
use metrics::Gauge;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::formats::{Batch, BatchBuilder};
use crate::model::Ack;
use crate::model::metric::Metric;
use crate::model::setting::size;

/// Bytes handed over and not yet let go by a worker.
pub const BYTES: &str = "birddog_handover_bytes";
/// The limit of [`BYTES`].
pub const BYTES_MAX: &str = "birddog_handover_max_bytes";
/// Batches handed over and not yet let go by a worker.
pub const BATCHES: &str = "birddog_handover_batches";
/// The limit of [`BATCHES`].
pub const BATCHES_MAX: &str = "birddog_handover_batches_max";

/// What this file emits.
pub const METRICS: &[Metric] = &[
    Metric::gauge(BYTES, "Bytes handed over and not yet let go by a worker.", &[]),
    Metric::gauge(BYTES_MAX, "The limit of bytes in flight.", &[]),
    Metric::gauge(BATCHES, "Batches handed over and not yet let go by a worker.", &[]),
    Metric::gauge(BATCHES_MAX, "The limit of batches in flight.", &[]),
];

/// Permits are kibibytes: a tokio semaphore counts in 32 bits per request.
const PERMIT_BYTES: usize = 1024;
/// Arenas kept for reuse, and the largest one worth keeping.
const SPARE_ARENAS: usize = 16;
const SPARE_ARENA_BYTES_MAX: usize = 2 << 20;

/// Limits of the hand-over.
///
/// ```toml
/// bytes_in_flight_max = "16MiB"
/// batches_in_flight_max = 1024
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of all batches between a source and the end of a worker's work. At least one batch always fits. More
    /// than the processor's caches hold only makes every frame come from memory.
    #[serde(with = "size")]
    pub bytes_in_flight_max: usize,
    /// Batches between a source and the end of a worker's work, 1 or more.
    pub batches_in_flight_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_in_flight_max: 16 << 20, batches_in_flight_max: 1024 }
    }
}

/// Nobody takes batches any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the workers are gone")]
pub struct WorkersGone;

/// The sources' end. Clone it for each source; once every clone is gone the workers drain and end.
#[derive(Clone, Debug)]
pub struct Handover {
    queue: Sender<Admitted>,
    shared: Arc<Shared>,
}

/// The workers' end. Clone it for each worker.
#[derive(Clone, Debug)]
pub struct Intake {
    queue: Receiver<Admitted>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bytes: Arc<Semaphore>,
    batches: Arc<Semaphore>,
    permits_max: u32,
    batches_max: usize,
    spare: ArrayQueue<BatchBuilder>,
    bytes_gauge: Gauge,
    batches_gauge: Gauge,
}

impl Shared {
    fn bytes_in_flight(&self) -> usize {
        (self.permits_max as usize).saturating_sub(self.bytes.available_permits()) * PERMIT_BYTES
    }

    fn batches_in_flight(&self) -> usize {
        self.batches_max.saturating_sub(self.batches.available_permits())
    }

    fn show(&self) {
        self.bytes_gauge.set(self.bytes_in_flight() as f64);
        self.batches_gauge.set(self.batches_in_flight() as f64);
    }

    fn permits(&self, bytes: usize) -> u32 {
        let wanted = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX);
        wanted.clamp(1, self.permits_max)
    }
}

impl Handover {
    /// Makes both ends. Install the metrics recorder first.
    #[must_use]
    pub fn new(limits: Limits) -> (Self, Intake) {
        let batches_max = limits.batches_in_flight_max.clamp(1, Semaphore::MAX_PERMITS);
        let permits = (limits.bytes_in_flight_max / PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS);
        let permits_max = u32::try_from(permits).unwrap_or(u32::MAX);
        let (sender, receiver) = bounded(batches_max);
        metrics::gauge!(BYTES_MAX).set(f64::from(permits_max) * PERMIT_BYTES as f64);
        metrics::gauge!(BATCHES_MAX).set(batches_max as f64);
        let shared = Arc::new(Shared {
            bytes: Arc::new(Semaphore::new(permits_max as usize)),
            batches: Arc::new(Semaphore::new(batches_max)),
            permits_max,
            batches_max,
            spare: ArrayQueue::new(SPARE_ARENAS),
            bytes_gauge: metrics::gauge!(BYTES),
            batches_gauge: metrics::gauge!(BATCHES),
        });
        (Self { queue: sender, shared: Arc::clone(&shared) }, Intake { queue: receiver, shared })
    }

    /// Waits for room for `bytes`. A request over the whole limit waits for all of it. Cancel-safe.
    pub async fn reserve(&self, bytes: usize) -> Room {
        const NEVER_CLOSED: &str = "the semaphores are never closed";
        let shared = &self.shared;
        let slot = Arc::clone(&shared.batches).acquire_owned().await.expect(NEVER_CLOSED);
        let permits = Arc::clone(&shared.bytes).acquire_many_owned(shared.permits(bytes));
        Room { slot, bytes: permits.await.expect(NEVER_CLOSED) }
    }

    /// Hands a batch over into reserved room.
    ///
    /// # Errors
    /// [`WorkersGone`] when every [`Intake`] is gone; the batch is dropped, its position not advanced.
    pub fn send(&self, room: Room, batch: Batch) -> Result<(), WorkersGone> {
        let admitted = Admitted { batch: Some(batch), shared: Arc::clone(&self.shared), room: Some(room) };
        let sent = self.queue.try_send(admitted).map_err(|_| WorkersGone);
        self.shared.show();
        sent
    }

    /// An empty builder with the memory of an earlier batch, if there is one.
    #[must_use]
    pub fn builder(&self) -> BatchBuilder {
        self.shared.spare.pop().unwrap_or_default()
    }

    /// Bytes handed over and not yet let go, in steps of 1 KiB.
    #[must_use]
    pub fn bytes_in_flight(&self) -> usize {
        self.shared.bytes_in_flight()
    }
}

impl Intake {
    /// Waits for the next batch; `None` once all sources have ended and the queue is drained.
    /// Blocks the thread: never call it on a tokio thread.
    #[must_use]
    pub fn recv(&self) -> Option<Admitted> {
        self.queue.recv().ok()
    }

    /// The next batch if one is there.
    #[must_use]
    pub fn try_recv(&self) -> Option<Admitted> {
        self.queue.try_recv().ok()
    }

    /// Bytes handed over and not yet let go, in steps of 1 KiB.
    #[must_use]
    pub fn bytes_in_flight(&self) -> usize {
        self.shared.bytes_in_flight()
    }

    /// Batches handed over and not yet let go.
    #[must_use]
    pub fn batches_in_flight(&self) -> usize {
        self.shared.batches_in_flight()
    }
}

/// Permission to hand one batch over.
#[derive(Debug)]
pub struct Room {
    slot: OwnedSemaphorePermit,
    #[expect(dead_code, reason = "held for its drop")]
    bytes: OwnedSemaphorePermit,
}

/// A batch's place among those in flight, kept until its outcome is settled. Given back when dropped.
#[derive(Debug)]
pub struct Place {
    #[expect(dead_code, reason = "held for its drop")]
    slot: OwnedSemaphorePermit,
}

/// A batch in a worker's hands. Dropping it gives its room back and its memory to a later batch.
#[derive(Debug)]
pub struct Admitted {
    batch: Option<Batch>,
    shared: Arc<Shared>,
    room: Option<Room>,
}

impl Admitted {
    /// The batch.
    ///
    /// # Panics
    /// Never: the batch is only taken in `drop`.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        self.batch.as_ref().expect("the batch is only taken in drop")
    }

    /// Lets the batch and its bytes go, and keeps its place and whom to tell when it is durable.
    #[must_use]
    pub fn into_parts(mut self) -> (Option<Place>, Option<Ack>) {
        let ack = self.batch.as_mut().and_then(|batch| batch.ack.take());
        (self.room.take().map(|room| Place { slot: room.slot }), ack)
    }
}

impl Deref for Admitted {
    type Target = Batch;

    fn deref(&self) -> &Batch {
        self.batch()
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let Some(builder) = self.batch.take().map(Batch::recycle)
            && builder.capacity() <= SPARE_ARENA_BYTES_MAX
        {
            // A full pool means that enough arenas wait: this one is simply freed.
            let _ = self.shared.spare.push(builder);
        }
        drop(self.room.take());
        self.shared.show();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Position, Timestamp};

    fn batch(sequence: u64, bytes: usize) -> Batch {
        let mut builder = BatchBuilder::default();
        builder.push(&vec![b'x'; bytes], Timestamp::ZERO);
        builder.finish(&Arc::from("s"), sequence, Position(sequence))
    }

    fn limits(bytes_in_flight_max: usize, batches_in_flight_max: usize) -> Limits {
        Limits { bytes_in_flight_max, batches_in_flight_max }
    }

    #[tokio::test]
    async fn batches_arrive_in_order_and_the_end_is_seen_after_draining() {
        let (handover, intake) = Handover::new(Limits::default());
        for sequence in 0..3 {
            let room = handover.reserve(10).await;
            handover.send(room, batch(sequence, 10)).unwrap();
        }
        drop(handover);
        let order: Vec<_> = std::iter::from_fn(|| intake.recv()).map(|a| a.sequence).collect();
        assert_eq!(order, [0, 1, 2]);
    }

    #[tokio::test]
    async fn bytes_in_flight_never_exceed_the_limit_and_come_back_on_drop() {
        let (handover, intake) = Handover::new(limits(8 * 1024, 100));
        for sequence in 0..8 {
            let room = handover.reserve(1024).await;
            handover.send(room, batch(sequence, 1024)).unwrap();
        }
        assert_eq!(intake.bytes_in_flight(), 8 * 1024);
        let full = tokio::time::timeout(std::time::Duration::ZERO, handover.reserve(1)).await;
        assert!(full.is_err(), "there is no room");
        drop(intake.recv());
        assert_eq!(intake.bytes_in_flight(), 7 * 1024);
        drop(handover.reserve(1024).await);
    }

    #[tokio::test]
    async fn the_number_of_batches_is_bounded_too() {
        let (handover, intake) = Handover::new(limits(1 << 20, 1));
        let room = handover.reserve(1).await;
        handover.send(room, batch(0, 1)).unwrap();
        assert!(tokio::time::timeout(std::time::Duration::ZERO, handover.reserve(1)).await.is_err());
        drop(intake.recv());
        drop(handover.reserve(1).await);
        assert_eq!(intake.batches_in_flight(), 0);
    }

    #[tokio::test]
    async fn a_batch_over_the_whole_limit_still_passes_alone() {
        let (handover, intake) = Handover::new(limits(2 * 1024, 4));
        let room = handover.reserve(1 << 20).await;
        handover.send(room, batch(0, 1 << 20)).unwrap();
        assert_eq!(intake.recv().map(|a| a.byte_len()), Some(1 << 20));
    }

    #[tokio::test]
    async fn a_source_learns_that_the_workers_are_gone() {
        let (handover, intake) = Handover::new(Limits::default());
        drop(intake);
        let room = handover.reserve(1).await;
        assert_eq!(handover.send(room, batch(0, 1)), Err(WorkersGone));
        assert_eq!(handover.bytes_in_flight(), 0);
    }

    #[tokio::test]
    async fn memory_is_used_again() {
        let (handover, intake) = Handover::new(Limits::default());
        let room = handover.reserve(5_000).await;
        handover.send(room, batch(0, 5_000)).unwrap();
        drop(intake.recv());
        assert!(handover.builder().capacity() >= 5_000);
        assert_eq!(handover.builder().capacity(), 0);
    }
}
