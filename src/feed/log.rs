//! The events that a feed serves: WebSocket frames ready to send, in segments, with what filters ask for.
//!
//! Framed once when loaded, so that an unfiltered client costs one large write per chunk. A live log grows at
//! the end and forgets at the front, by bytes; a client too slow for that continues at the oldest kept.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use super::errors::FeedError;
use crate::model::stable_hash;

/// Bytes per segment of a loaded file.
const SEGMENT_BYTES: usize = 4 << 20;
/// What a live log keeps for replay.
const LIVE_BYTES_MAX: usize = 64 << 20;
/// The class of identity and account events, which no collection filter stops.
pub(super) const NOT_A_COMMIT: u16 = 0;

/// One event in a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Where its frame starts in [`Segment::framed`].
    pub(super) start: u32,
    /// Where its JSON starts.
    pub(super) body: u32,
    /// Where both end.
    pub(super) end: u32,
    /// Index into the log's collections.
    pub(super) class: u16,
    /// Key of its `did`.
    pub(super) did: u64,
    /// Its `time_us`, or that of an earlier event when that is later: a search needs an order.
    pub(super) time_us: u64,
    /// Its `time_us` as it is: what a cursor is compared with.
    pub(super) own_time_us: u64,
}

/// Events that lie together.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) framed: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

/// What a reader finds at a segment number.
#[derive(Debug)]
pub(super) enum Found {
    Segment(Arc<Segment>),
    /// Forgotten; the oldest that is kept.
    Forgotten(u64),
    /// Not there yet, or never when the log does not grow.
    Ahead,
}

/// All segments.
#[derive(Debug)]
pub(super) struct Log {
    state: RwLock<State>,
    grown: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    segments: VecDeque<Arc<Segment>>,
    /// Number of the first one kept.
    first: u64,
    bytes: usize,
    collections: Vec<String>,
    last_time_us: u64,
}

impl Log {
    pub(super) fn new() -> Self {
        let state = State { collections: vec![String::new()], ..State::default() };
        Self { state: RwLock::new(state), grown: watch::Sender::new(0) }
    }

    /// Loads a file of one event per line.
    pub(super) fn load(path: &Path) -> Result<Self, FeedError> {
        let unreadable = |error| FeedError::Read { path: path.to_owned(), error };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let mut failed = None;
        let mut line = Vec::new();
        let lines = std::iter::from_fn(|| {
            line.clear();
            match reader.read_until(b'\n', &mut line) {
                Ok(0) => None,
                Ok(_) => Some(line.trim_ascii_end().to_vec()),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            }
        });
        let log = Self::of(lines);
        failed.map_or(Ok(log), |error| Err(unreadable(error)))
    }

    /// Holds the given events.
    pub(super) fn of(events: impl Iterator<Item = Vec<u8>>) -> Self {
        let log = Self::new();
        let mut segment = Segment::default();
        for event in events.filter(|event| !event.is_empty()) {
            log.frame(&mut segment, &event);
            if segment.framed.len() >= SEGMENT_BYTES {
                log.append(std::mem::take(&mut segment), usize::MAX);
            }
        }
        log.append(segment, usize::MAX);
        log
    }

    /// Appends to a growing log, and forgets what is too old.
    pub(super) fn grow(&self, events: impl Iterator<Item = Vec<u8>>) {
        let mut segment = Segment::default();
        events.for_each(|event| self.frame(&mut segment, &event));
        self.append(segment, LIVE_BYTES_MAX);
    }

    fn append(&self, mut segment: Segment, bytes_max: usize) {
        if segment.entries.is_empty() {
            return;
        }
        segment.framed.shrink_to_fit();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.bytes += segment.framed.len();
        state.segments.push_back(Arc::new(segment));
        while state.bytes > bytes_max && state.segments.len() > 1 {
            let forgotten = state.segments.pop_front().map_or(0, |old| old.framed.len());
            state.bytes -= forgotten;
            state.first += 1;
        }
        let end = state.first + state.segments.len() as u64;
        drop(state);
        self.grown.send_replace(end);
    }

    fn frame(&self, segment: &mut Segment, event: &[u8]) {
        let start = segment.framed.len();
        header(event.len(), &mut segment.framed);
        let body = segment.framed.len();
        segment.framed.extend_from_slice(event);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let own_time_us = time_us(event).unwrap_or(0);
        state.last_time_us = state.last_time_us.max(own_time_us);
        let class = state.class(field(event, b"\"collection\":\""));
        let did = stable_hash(field(event, b"\"did\":\"").unwrap_or_default());
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (start, body, end) = (small(start), small(body), small(segment.framed.len()));
        let time_us = state.last_time_us;
        segment.entries.push(Entry { start, body, end, class, did, time_us, own_time_us });
    }

    /// The segment of this number.
    pub(super) fn segment(&self, number: u64) -> Found {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = number.checked_sub(state.first) else { return Found::Forgotten(state.first) };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        state.segments.get(index).map_or(Found::Ahead, |segment| Found::Segment(Arc::clone(segment)))
    }

    /// Where playback after `cursor` starts: segment number and index of its first event later than it.
    pub(super) fn after(&self, cursor: u64) -> (u64, usize) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let ends_before =
            |segment: &Arc<Segment>| segment.entries.last().is_none_or(|entry| entry.time_us <= cursor);
        let index = state.segments.partition_point(ends_before);
        let within = state
            .segments
            .get(index)
            .map_or(0, |segment| segment.entries.partition_point(|entry| entry.time_us <= cursor));
        (state.first + index as u64, within)
    }

    /// Number of the segment that comes next when the log grows.
    pub(super) fn end(&self) -> u64 {
        *self.grown.borrow()
    }

    /// Tells of growth.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }

    /// All collections seen, by class; the first stands for events that are no commits.
    pub(super) fn collections(&self) -> Vec<String> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).collections.clone()
    }

    /// Events kept, and the time from the first to the last.
    pub(super) fn extent(&self) -> (u64, u64) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let events = state.segments.iter().map(|segment| segment.entries.len() as u64).sum();
        let first = state.segments.front().and_then(|segment| segment.entries.first());
        (events, state.last_time_us - first.map_or(0, |entry| entry.time_us))
    }
}

impl State {
    fn class(&mut self, collection: Option<&[u8]>) -> u16 {
        let Some(collection) = collection else { return NOT_A_COMMIT };
        let known = self.collections.iter().rposition(|known| known.as_bytes() == collection);
        let index = known.unwrap_or_else(|| {
            self.collections.push(String::from_utf8_lossy(collection).into_owned());
            self.collections.len() - 1
        });
        u16::try_from(index).unwrap_or(NOT_A_COMMIT)
    }
}

/// Writes the header of an unmasked text frame (RFC 6455 §5.2).
pub(super) fn header(length: usize, out: &mut Vec<u8>) {
    out.push(0x81);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => out.push(short),
        (_, Ok(medium)) => {
            out.push(126);
            out.extend(medium.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend((length as u64).to_be_bytes());
        }
    }
}

/// The string value that follows the first occurrence of `key`.
fn field<'e>(event: &'e [u8], key: &[u8]) -> Option<&'e [u8]> {
    let rest = &event[memchr::memmem::find(event, key)? + key.len()..];
    Some(&rest[..memchr::memchr(b'"', rest)?])
}

/// Where the digits of `time_us` are.
pub(super) fn time_range(event: &[u8]) -> Option<std::ops::Range<usize>> {
    const KEY: &[u8] = b"\"time_us\":";
    let start = memchr::memmem::find(event, KEY)? + KEY.len();
    let digits = event[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    Some(start..start + digits)
}

fn time_us(event: &[u8]) -> Option<u64> {
    std::str::from_utf8(&event[time_range(event)?]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(time_us: u64) -> Vec<u8> {
        let head = format!("{{\"did\":\"did:plc:a\",\"time_us\":{time_us},\"kind\":\"commit\",");
        format!("{head}\"commit\":{{\"collection\":\"app.bsky.feed.like\"}}}}").into_bytes()
    }

    #[test]
    fn playback_starts_behind_the_cursor() {
        let log = Log::of((1..=5).map(|n| event(n * 10)));
        assert_eq!(log.after(0), (0, 0));
        assert_eq!(log.after(20), (0, 2));
        assert_eq!(log.after(25), (0, 2));
        assert_eq!(log.after(50), (1, 0));
        assert_eq!(log.extent(), (5, 40));
    }

    #[test]
    fn a_growing_log_forgets_its_front_and_says_so() {
        let log = Log::new();
        let mut grown = log.watch();
        log.grow(std::iter::once(event(1)));
        assert!(grown.has_changed().unwrap());
        grown.mark_unchanged();
        for n in 0..3 {
            let mut segment = Segment::default();
            log.frame(&mut segment, &event(n));
            log.append(segment, 200);
        }
        assert!(matches!(log.segment(0), Found::Forgotten(first) if first > 0));
        assert!(matches!(log.segment(log.end()), Found::Ahead));
    }

    #[test]
    fn frame_headers_follow_the_three_forms() {
        let of = |length| {
            let mut out = Vec::new();
            header(length, &mut out);
            out
        };
        assert_eq!(of(125), [0x81, 125]);
        assert_eq!(of(126), [0x81, 126, 0, 126]);
        assert_eq!(of(65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
