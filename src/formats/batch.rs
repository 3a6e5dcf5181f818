//! Raw frames on their way from a source to a worker, many at a time.

use std::sync::Arc;

use super::Format;
use crate::model::{Ack, Position, Timestamp};

/// Frames of one source, back to back in one allocation.
#[derive(Debug)]
pub struct Batch {
    /// The source's configured name.
    pub source: Arc<str>,
    /// 0, 1, 2 … per source since the process started, without gaps.
    pub sequence: u64,
    /// Where the source stands once every frame of this batch is dealt with.
    pub position: Position,
    /// When the first frame was read.
    pub received_at: Timestamp,
    /// How its frames are written.
    pub format: Format,
    /// Called when what came of it is durable.
    pub ack: Option<Ack>,
    /// It only shows that the whole line moves: no source sent it, and nothing is in it.
    pub is_heartbeat: bool,
    bytes: Vec<u8>,
    bounds: Vec<(u32, u32)>,
}

impl Batch {
    /// What shows that the whole line moves.
    #[must_use]
    pub fn heartbeat() -> Self {
        let empty = BatchBuilder::default().finish(&Arc::from(""), 0, Position(0));
        Self { is_heartbeat: true, ..empty }
    }

    /// The same frames, written in this format.
    #[must_use]
    pub fn of_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// Number of frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bounds.len()
    }

    /// True when there is no frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bounds.is_empty()
    }

    /// Bytes held, the unit of the in-flight limit.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The frames, in order of arrival.
    pub fn frames(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.bounds.iter().map(|&(start, end)| &self.bytes[start as usize..end as usize])
    }

    /// Empties the batch and keeps its memory for the next one.
    #[must_use]
    pub fn recycle(mut self) -> BatchBuilder {
        self.bounds.clear();
        BatchBuilder { bytes: self.bytes, bounds: self.bounds, received_at: None }
    }
}

/// Fills a [`Batch`] frame by frame. The arena is at most 4 GiB; sources seal far below.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    /// Before the first frame, whatever an earlier batch left: who reads into it need not write zeros first.
    bytes: Vec<u8>,
    /// Start and end of each frame in `bytes`.
    bounds: Vec<(u32, u32)>,
    received_at: Option<Timestamp>,
}

impl BatchBuilder {
    /// Reserves room for `frames` frames of `bytes` bytes in all.
    #[must_use]
    pub fn with_capacity(frames: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), bounds: Vec::with_capacity(frames), received_at: None }
    }

    /// Appends one frame; `now` is kept for the first.
    pub fn push(&mut self, frame: &[u8], now: Timestamp) {
        self.open(now);
        let start = offset(self.bytes.len());
        self.bytes.extend_from_slice(frame);
        self.bounds.push((start, offset(self.bytes.len())));
    }

    /// Appends a span that holds several frames, at these ranges of it, with one copy.
    pub fn push_span(&mut self, span: &[u8], frames: &[(u32, u32)], now: Timestamp) {
        if frames.is_empty() {
            return;
        }
        self.open(now);
        let base = offset(self.bytes.len());
        self.bytes.extend_from_slice(span);
        self.bounds.extend(frames.iter().map(|&(start, end)| (base + start, base + end)));
    }

    /// Takes `arena` with its frames, at these ranges of it, as it is, in place of the memory that is returned.
    ///
    /// # Panics
    /// When frames were pushed before.
    #[must_use]
    pub fn adopt(&mut self, arena: Vec<u8>, frames: &[(u32, u32)], now: Timestamp) -> Vec<u8> {
        assert!(self.is_empty(), "only an empty batch takes another arena");
        self.received_at = Some(now);
        self.bounds.extend_from_slice(frames);
        std::mem::replace(&mut self.bytes, arena)
    }

    fn open(&mut self, now: Timestamp) {
        if self.bounds.is_empty() {
            self.bytes.clear();
        }
        self.received_at.get_or_insert(now);
    }

    /// Number of frames so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bounds.len()
    }

    /// True before the first frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bounds.is_empty()
    }

    /// Bytes so far.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        if self.is_empty() { 0 } else { self.bytes.len() }
    }

    /// The last `count` frames pushed, in order of arrival, for reading the position.
    pub fn last(&self, count: usize) -> impl DoubleEndedIterator<Item = &[u8]> {
        let from = self.bounds.len().saturating_sub(count);
        self.bounds[from..].iter().map(|&(start, end)| &self.bytes[start as usize..end as usize])
    }

    /// Bytes of memory held, used or not.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity() + self.bounds.capacity() * size_of::<(u32, u32)>()
    }

    /// Closes the batch and leaves this builder empty.
    #[must_use]
    pub fn seal(&mut self, source: &Arc<str>, sequence: u64, position: Position) -> Batch {
        let (frames, bytes) = (self.bounds.len(), self.bytes.len());
        std::mem::replace(self, Self::with_capacity(frames, bytes)).finish(source, sequence, position)
    }

    /// Closes the batch.
    #[must_use]
    pub fn finish(mut self, source: &Arc<str>, sequence: u64, position: Position) -> Batch {
        self.bytes.truncate(self.byte_len());
        Batch {
            source: Arc::clone(source),
            sequence,
            position,
            received_at: self.received_at.unwrap_or_default(),
            format: Format::default(),
            ack: None,
            is_heartbeat: false,
            bytes: self.bytes,
            bounds: self.bounds,
        }
    }
}

/// Offsets are 32 bits wide: the arena is at most 4 GiB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_went_in() {
        let mut builder = BatchBuilder::default();
        for frame in [&b"one"[..], b"", b"three"] {
            builder.push(frame, Timestamp::from_micros(7));
        }
        assert_eq!(builder.last(2).collect::<Vec<_>>(), [&b""[..], b"three"]);
        assert_eq!(builder.last(9).count(), 3);
        let batch = builder.seal(&Arc::from("s"), 0, Position(9));
        assert_eq!(batch.frames().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        assert!(builder.is_empty());
    }

    #[test]
    fn a_span_brings_its_frames_at_once() {
        let mut builder = BatchBuilder::default();
        builder.push(b"zero", Timestamp::ZERO);
        builder.push_span(b"one\n\ntwo\n", &[(0, 3), (5, 8)], Timestamp::ZERO);
        let batch = builder.seal(&Arc::from("s"), 0, Position(9));
        assert_eq!(batch.frames().collect::<Vec<_>>(), [&b"zero"[..], b"one", b"two"]);
    }

    #[test]
    fn an_adopted_arena_takes_more_frames_and_gives_the_old_one_back() {
        let mut builder = BatchBuilder::default();
        builder.push(b"stale", Timestamp::ZERO);
        let mut builder = builder.finish(&Arc::from("s"), 0, Position(1)).recycle();
        assert_eq!((builder.len(), builder.byte_len()), (0, 0));
        let old = builder.adopt(b"part\none\ntwo".to_vec(), &[(5, 8)], Timestamp::ZERO);
        assert_eq!(old, b"stale");
        builder.push(b"two", Timestamp::ZERO);
        let batch = builder.finish(&Arc::from("s"), 1, Position(2));
        assert_eq!(batch.frames().collect::<Vec<_>>(), [&b"one"[..], b"two"]);
        let mut again = batch.recycle();
        again.push(b"new", Timestamp::ZERO);
        let batch = again.finish(&Arc::from("s"), 2, Position(3));
        assert_eq!((batch.byte_len(), batch.frames().collect::<Vec<_>>()), (3, vec![&b"new"[..]]));
    }
}
