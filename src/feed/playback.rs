//! One client's way through a log: which bytes come next, filtered, and repeated when the feed loops.

use std::ops::Range;
use std::sync::Arc;

use super::filter::Filter;
use super::log::{Entry, Found, Log, Segment, time_range};

/// Bytes per write: large enough that system calls cost little.
const CHUNK_BYTES: usize = 256 << 10;

/// What comes next.
#[derive(Debug)]
pub(super) enum Next<'p> {
    /// Bytes to send, and the events in them.
    Chunk { bytes: &'p [u8], events: u64 },
    /// Nothing now.
    Nothing,
}

/// A place in a log.
#[derive(Debug)]
pub(super) struct Playback {
    log: Arc<Log>,
    filter: Filter,
    looping: bool,
    /// Times the log has been played to its end.
    pass: u64,
    /// Event time from the log's first to its last, once looping.
    span: u64,
    /// Events up to this time are not sent from segments before [`Playback::live_from`].
    cursor: u64,
    live_from: u64,
    segment: u64,
    entry: usize,
    out: Vec<u8>,
    /// Kept alive while a chunk of it is being sent.
    current: Option<Arc<Segment>>,
}

impl Playback {
    pub(super) fn new(log: Arc<Log>, mut filter: Filter, place: (u64, usize), looping: bool) -> Self {
        filter.compile(&log.collections());
        let (segment, entry) = place;
        let (out, current) = (Vec::new(), None);
        Self { log, filter, looping, pass: 0, span: 0, cursor: 0, live_from: 0, segment, entry, out, current }
    }

    /// Moves to the cursor: what is there and later than it comes first, then everything new. As on servers, which keep
    /// events by their time, an earlier event is left out wherever it lies among the later ones.
    pub(super) fn behind(mut self, cursor: u64) -> Self {
        (self.segment, self.entry) = self.log.after(cursor);
        (self.cursor, self.live_from) = (cursor, self.log.end());
        self
    }

    pub(super) fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.filter.compile(&self.log.collections());
    }

    /// The next events, `events_max` of them at most.
    pub(super) fn next(&mut self, events_max: u64) -> Next<'_> {
        self.out.clear();
        let mut idle_passes = 0;
        loop {
            match self.log.segment(self.segment) {
                Found::Forgotten(first) => (self.segment, self.entry) = (first, 0),
                Found::Ahead if self.looping && self.log.end() > 0 && idle_passes < 2 => {
                    (self.segment, self.entry) = (0, 0);
                    self.pass += 1;
                    (_, self.span) = self.log.extent();
                    idle_passes += 1;
                }
                Found::Ahead => return Next::Nothing,
                Found::Segment(segment) if self.entry >= segment.entries.len() => {
                    (self.segment, self.entry) = (self.segment + 1, 0);
                }
                Found::Segment(segment) => {
                    let events = self.take(&segment, events_max);
                    if events > 0 {
                        return self.chunk(segment, events);
                    }
                }
            }
        }
    }

    /// Moves on through a segment; the events to send from it.
    fn take(&mut self, segment: &Segment, events_max: u64) -> u64 {
        let most = usize::try_from(events_max).unwrap_or(usize::MAX);
        let is_replay = self.pass == 0 && self.segment < self.live_from;
        if self.filter.is_open() && self.pass == 0 && !is_replay {
            let from = self.entry;
            let limit = segment.entries[from].start as usize + CHUNK_BYTES;
            let ahead = segment.entries[from..].partition_point(|entry| (entry.end as usize) < limit);
            self.entry += ahead.max(1).min(most);
            return (self.entry - from) as u64;
        }
        let mut events = 0;
        while let Some(entry) = segment.entries.get(self.entry)
            && events < most
            && self.out.len() < CHUNK_BYTES
        {
            self.entry += 1;
            if self.filter.is_stale(entry.class) {
                self.filter.compile(&self.log.collections());
            }
            let is_read = is_replay && entry.own_time_us <= self.cursor;
            if self.filter.passes(entry) && !is_read {
                self.copy(segment, entry);
                events += 1;
            }
        }
        events as u64
    }

    fn copy(&mut self, segment: &Segment, entry: &Entry) {
        let start = self.out.len();
        self.out.extend_from_slice(&segment.framed[entry.start as usize..entry.end as usize]);
        if self.pass > 0 {
            let body = start + (entry.body - entry.start) as usize;
            restamp(&mut self.out[body..], self.pass, self.span);
        }
    }

    fn chunk(&mut self, segment: Arc<Segment>, events: u64) -> Next<'_> {
        if !self.out.is_empty() {
            return Next::Chunk { bytes: &self.out, events };
        }
        let last = &segment.entries[self.entry - 1];
        let first = &segment.entries[self.entry - usize::try_from(events).unwrap_or(1)];
        let range = first.start as usize..last.end as usize;
        Next::Chunk { bytes: &self.current.insert(segment).framed[range], events }
    }
}

/// Makes a repeated event a new one: its time moves on by the length of the log, and its author is another,
/// so that it is no redelivery. Lengths stay.
pub(super) fn restamp(event: &mut [u8], pass: u64, span: u64) {
    const DID: &[u8] = b"{\"did\":\"did:plc:";
    const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    if event.starts_with(DID)
        && let Some(letters) = event.get_mut(DID.len()..DID.len() + 3)
    {
        for (place, letter) in letters.iter_mut().enumerate() {
            *letter = BASE32[usize::try_from(pass >> (5 * place)).unwrap_or(0) % 32];
        }
    }
    let Some(range) = time_range(event) else { return };
    move_time(event, range, pass * (span + 1));
}

fn move_time(event: &mut [u8], range: Range<usize>, by: u64) {
    let time: u64 =
        event[range.clone()].iter().fold(0, |n, digit| n.wrapping_mul(10) + u64::from(digit - b'0'));
    let mut moved = time.wrapping_add(by);
    for digit in event[range].iter_mut().rev() {
        *digit = b'0' + u8::try_from(moved % 10).unwrap_or(0);
        moved /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::Parameters;
    use super::*;

    fn event(n: u64) -> Vec<u8> {
        let kind = if n.is_multiple_of(2) { "post" } else { "like" };
        let head = format!("{{\"did\":\"did:plc:aaaa\",\"time_us\":{},\"kind\":\"commit\",", 1_000_000 + n);
        format!("{head}\"commit\":{{\"collection\":\"app.bsky.feed.{kind}\",\"rkey\":\"{n}\"}}}}")
            .into_bytes()
    }

    fn play(query: &str, looping: bool, wanted: u64) -> String {
        let log = Arc::new(Log::of((0..10).map(event)));
        let filter = Parameters::parse(query).unwrap().filter;
        let mut playback = Playback::new(Arc::clone(&log), filter, (0, 0), looping);
        let (mut seen, mut sent) = (Vec::new(), 0);
        while sent < wanted
            && let Next::Chunk { bytes, events } = playback.next((wanted - sent).min(3))
        {
            seen.extend_from_slice(bytes);
            sent += events;
        }
        String::from_utf8_lossy(&seen).into_owned()
    }

    #[test]
    fn an_open_filter_sends_all_and_a_filter_sends_its_own() {
        assert_eq!(play("", false, 100).matches("\"rkey\"").count(), 10);
        let posts = play("wantedCollections=app.bsky.feed.post", false, 100);
        assert_eq!((posts.matches("feed.post").count(), posts.matches("feed.like").count()), (5, 0));
    }

    #[test]
    fn a_second_pass_has_later_times_and_other_authors() {
        let seen = play("", true, 20);
        assert_eq!(seen.matches("did:plc:aaaa").count(), 10);
        assert_eq!(seen.matches("did:plc:baaa").count(), 10);
        assert!(seen.contains("\"time_us\":1000010,") && seen.contains("\"time_us\":1000019,"));
    }

    #[test]
    fn a_loop_that_nothing_passes_does_not_spin() {
        assert_eq!(play("wantedCollections=a.b.c", true, 1), "");
    }
}
