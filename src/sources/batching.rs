//! Fills batches by count, bytes and time, and hands them over in order.
//!
//! Asks no clock: the source passes the time of each read. Time is kept per batch, never per frame.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::handover::{Handover, WorkersGone};
use super::status::SourceStatus;
use crate::formats::{Batch, BatchBuilder, Format};
use crate::model::setting::{duration, size};
use crate::model::{Position, Timestamp};

/// When a batch is closed: at the first limit reached.
///
/// ```toml
/// [source.batch]
/// frames_max = 1024
/// bytes_max = "1MiB"
/// age_max = "5ms"
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Batching {
    /// Frames per batch, 1 or more.
    pub frames_max: usize,
    /// Bytes per batch; the last frame may pass it.
    #[serde(with = "size")]
    pub bytes_max: usize,
    /// How long the first frame of a batch may wait for more.
    #[serde(with = "duration")]
    pub age_max: Duration,
}

impl Default for Batching {
    fn default() -> Self {
        Self { frames_max: 1024, bytes_max: 1 << 20, age_max: Duration::from_millis(5) }
    }
}

/// The open batch of one source, and the sealed one that waits for room.
#[derive(Debug)]
pub(super) struct Batcher {
    source: Arc<str>,
    format: Format,
    status: Arc<SourceStatus>,
    handover: Handover,
    limits: Batching,
    open: BatchBuilder,
    sealed: Option<Batch>,
    sequence: u64,
}

impl Batcher {
    pub(super) fn new(
        limits: Batching,
        format: Format,
        handover: Handover,
        status: Arc<SourceStatus>,
    ) -> Self {
        // Nothing would ever fit into a batch of nothing.
        let limits =
            Batching { frames_max: limits.frames_max.max(1), bytes_max: limits.bytes_max.max(1), ..limits };
        let source = Arc::clone(status.name());
        let open = handover.builder();
        Self { source, format, status, handover, limits, open, sealed: None, sequence: 0 }
    }

    pub(super) fn push(&mut self, frame: &[u8], now: Timestamp) {
        self.open.push(frame, now);
    }

    /// Several frames with one copy; at most [`Batcher::frames_left`].
    pub(super) fn push_span(&mut self, span: &[u8], frames: &[(u32, u32)], now: Timestamp) {
        self.open.push_span(span, frames, now);
    }

    /// Makes `arena`, which holds at most [`Batching::frames_max`] frames at these ranges, the open batch, without a
    /// copy; memory to read into comes back. The batch before must have been sealed.
    pub(super) fn adopt(&mut self, arena: Vec<u8>, frames: &[(u32, u32)], now: Timestamp) -> Vec<u8> {
        self.open.adopt(arena, frames, now)
    }

    pub(super) fn limits(&self) -> Batching {
        self.limits
    }

    /// Frames that still fit into the open batch.
    pub(super) fn frames_left(&self) -> usize {
        self.limits.frames_max.saturating_sub(self.open.len())
    }

    /// Bytes that still fit into the open batch.
    pub(super) fn bytes_left(&self) -> usize {
        self.limits.bytes_max.saturating_sub(self.open.byte_len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= self.limits.frames_max || self.open.byte_len() >= self.limits.bytes_max
    }

    /// When a batch that opened at `now` must be closed.
    pub(super) fn deadline(&self, now: Instant) -> Instant {
        now + self.limits.age_max
    }

    /// The last `count` frames of the open batch, in order.
    pub(super) fn last(&self, count: usize) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.open.last(count)
    }

    /// Closes the open batch. The one before must have been handed over.
    pub(super) fn seal(&mut self, position: Position) {
        debug_assert!(self.sealed.is_none(), "seal only after hand_over");
        if self.open.is_empty() {
            return;
        }
        let full = std::mem::replace(&mut self.open, self.handover.builder());
        let batch = full.finish(&self.source, self.sequence, position).of_format(self.format.clone());
        self.status.batch_sealed(batch.len(), batch.byte_len(), batch.received_at);
        self.sequence += 1;
        self.sealed = Some(batch);
    }

    /// Waits for room and hands the sealed batch over. Cancel-safe: a cancelled batch waits for the next call.
    pub(super) async fn hand_over(&mut self) -> Result<(), WorkersGone> {
        let Some(bytes) = self.sealed.as_ref().map(Batch::byte_len) else { return Ok(()) };
        let room = self.handover.reserve(bytes).await;
        match self.sealed.take() {
            Some(batch) => self.handover.send(room, batch),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::handover::Limits;

    fn batcher(handover: &Handover, limits: Batching) -> Batcher {
        let status = Arc::new(SourceStatus::new(Arc::from("s"), "test"));
        Batcher::new(limits, Format::default(), handover.clone(), status)
    }

    #[tokio::test]
    async fn a_batch_is_full_by_count_or_by_bytes() {
        let (handover, _intake) = Handover::new(Limits::default());
        let mut batcher =
            batcher(&handover, Batching { frames_max: 3, bytes_max: 10, ..Batching::default() });
        batcher.push(b"0123456789", Timestamp::ZERO);
        assert!(batcher.is_full());
        batcher.seal(Position(1));
        batcher.hand_over().await.unwrap();
        for _ in 0..3 {
            assert!(!batcher.is_full());
            batcher.push(b"x", Timestamp::ZERO);
        }
        assert!(batcher.is_full());
    }

    #[tokio::test]
    async fn a_cancelled_hand_over_loses_nothing() {
        let limits = Limits { bytes_in_flight_max: 1024, batches_in_flight_max: 8 };
        let (handover, intake) = Handover::new(limits);
        let mut batcher = batcher(&handover, Batching::default());
        for position in 0..2 {
            batcher.push(b"frame", Timestamp::ZERO);
            batcher.seal(Position(position));
            let _ = tokio::time::timeout(Duration::ZERO, batcher.hand_over()).await;
        }
        assert_eq!(intake.recv().map(|batch| batch.sequence), Some(0));
        batcher.hand_over().await.unwrap();
        assert_eq!(intake.recv().map(|batch| (batch.sequence, batch.position)), Some((1, Position(1))));
    }
}
