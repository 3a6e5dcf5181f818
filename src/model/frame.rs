//! Raw frames on their way from a source to a worker, many at a time.

use std::sync::Arc;

use super::Timestamp;

/// Where a source is, in the source's own unit, growing: Jetstream microseconds, a file's byte offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

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
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Batch {
    /// Number of frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is no frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes held, the unit of the in-flight limit.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The frames, in order of arrival.
    pub fn frames(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start as usize..end as usize])
    }

    /// Empties the batch and keeps its memory for the next one.
    #[must_use]
    pub fn recycle(mut self) -> BatchBuilder {
        self.bytes.clear();
        self.ends.clear();
        BatchBuilder { bytes: self.bytes, ends: self.ends, received_at: None }
    }
}

/// Fills a [`Batch`] frame by frame. The arena is at most 4 GiB; sources seal far below.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    received_at: Option<Timestamp>,
}

impl BatchBuilder {
    /// Reserves room for `frames` frames of `bytes` bytes in all.
    #[must_use]
    pub fn with_capacity(frames: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(frames), received_at: None }
    }

    /// Appends one frame; `now` is kept for the first.
    pub fn push(&mut self, frame: &[u8], now: Timestamp) {
        self.received_at.get_or_insert(now);
        self.bytes.extend_from_slice(frame);
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// Number of frames so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True before the first frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes so far.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The last frame pushed, for reading the position.
    #[must_use]
    pub fn last(&self) -> Option<&[u8]> {
        let (&end, rest) = self.ends.split_last()?;
        let start = rest.last().copied().unwrap_or(0);
        Some(&self.bytes[start as usize..end as usize])
    }

    /// Bytes of memory held, used or not.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<u32>()
    }

    /// Closes the batch and leaves this builder empty.
    #[must_use]
    pub fn seal(&mut self, source: &Arc<str>, sequence: u64, position: Position) -> Batch {
        let (frames, bytes) = (self.ends.len(), self.bytes.len());
        std::mem::replace(self, Self::with_capacity(frames, bytes)).finish(source, sequence, position)
    }

    /// Closes the batch.
    #[must_use]
    pub fn finish(self, source: &Arc<str>, sequence: u64, position: Position) -> Batch {
        Batch {
            source: Arc::clone(source),
            sequence,
            position,
            received_at: self.received_at.unwrap_or_default(),
            bytes: self.bytes,
            ends: self.ends,
        }
    }
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
        assert_eq!(builder.last(), Some(&b"three"[..]));
        let batch = builder.seal(&Arc::from("s"), 0, Position(9));
        assert_eq!(batch.frames().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        assert!(builder.is_empty());
    }
}
