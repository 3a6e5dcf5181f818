//! The reader: lines into batches, dealt to the workers in turn.
//!
//! It alone sees the lines in order, so it also keeps what depends on the order: the readable names of accounts that
//! some rule names in `from:`, which Jetstream sends as events of their own.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use crossbeam::channel::Sender;
use hashbrown::{HashMap, HashSet};
use memchr::memmem;

use super::errors::BacktestError;
use super::input::{Format, Input};
use super::options::Options;
use super::reject::FileCount;
use crate::formats::jetstream::Decoder;
use crate::model::{Event, RejectReason, Timestamp};
use crate::rules::RuleSet;

const BATCH_LINES: usize = 1_024;
const BATCH_BYTES: usize = 256 << 10;

/// Readable names of watched accounts, by their id.
pub(super) type Handles = HashMap<String, String>;

/// A batch of lines of one file.
pub(super) struct Lines {
    pub(super) file: usize,
    pub(super) format: Format,
    pub(super) handles: Arc<Handles>,
    bytes: Vec<u8>,
    /// Number of each line in its file, from 1, and where it ends in `bytes`.
    ends: Vec<(u64, usize)>,
}

impl Lines {
    fn new(file: usize, format: Format, handles: &Arc<Handles>) -> Self {
        Self { file, format, handles: Arc::clone(handles), bytes: Vec::new(), ends: Vec::new() }
    }

    /// The lines with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        starts.zip(&self.ends).map(|(start, (number, end))| (*number, &self.bytes[start..*end]))
    }

    fn push(&mut self, number: u64, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push((number, self.bytes.len()));
    }

    fn is_full(&self) -> bool {
        self.ends.len() >= BATCH_LINES || self.bytes.len() >= BATCH_BYTES
    }
}

/// Reads all inputs, one after the other.
pub(super) struct Reader {
    inputs: Vec<Input>,
    line_bytes_max: usize,
    lines_left: u64,
    /// Names in `from:`.
    named: HashSet<String>,
    handles: Arc<Handles>,
    decoder: Decoder,
    turn: usize,
}

/// The workers are gone: one of them panicked.
struct WorkersGone;

impl Reader {
    pub(super) fn new<'r>(
        inputs: Vec<Input>,
        options: &Options,
        sets: impl Iterator<Item = &'r RuleSet>,
    ) -> Self {
        Self {
            inputs,
            line_bytes_max: options.frame_bytes_max,
            lines_left: options.lines_max,
            named: sets.flat_map(|set| &set.anchors().named).cloned().collect(),
            handles: Arc::default(),
            decoder: Decoder::default(),
            turn: 0,
        }
    }

    /// Deals all lines to `workers`; what it saw of each input.
    pub(super) fn run(mut self, workers: &[Sender<Lines>]) -> Result<Vec<FileCount>, BacktestError> {
        let mut counts = Vec::new();
        for (file, mut input) in std::mem::take(&mut self.inputs).into_iter().enumerate() {
            let mut count = FileCount { format: input.format, ..FileCount::default() };
            let mut number = 0;
            let read = self.file(file, &mut input, &mut count, &mut number, workers);
            read.map_err(|error| BacktestError::Read { name: input.name, line: number, error })?;
            counts.push(count);
        }
        Ok(counts)
    }

    fn file(
        &mut self,
        file: usize,
        input: &mut Input,
        count: &mut FileCount,
        number: &mut u64,
        workers: &[Sender<Lines>],
    ) -> io::Result<()> {
        let (mut line, mut batch) = (Vec::new(), None);
        while self.lines_left > 0 && read_line(&mut input.reader, self.line_bytes_max, &mut line)? {
            *number += 1;
            let content = line.trim_ascii();
            if content.is_empty() {
                continue;
            }
            count.lines += 1;
            self.lines_left -= 1;
            let Some(format) = self.admit(content, *number, count) else { continue };
            let lines = batch.get_or_insert_with(|| Lines::new(file, format, &self.handles));
            lines.push(*number, content);
            let is_news = format == Format::Jetstream && self.learn(content);
            if (lines.is_full() || is_news) && self.deal(batch.take(), workers).is_err() {
                return Ok(());
            }
        }
        // When the workers are gone, their panic is what is told.
        let _ = self.deal(batch, workers);
        Ok(())
    }

    /// What the line is, or `None` when it was refused and counted.
    fn admit(&self, line: &[u8], number: u64, count: &mut FileCount) -> Option<Format> {
        if line.len() > self.line_bytes_max {
            count.rejected.add(RejectReason::TooLarge, number);
            return None;
        }
        count.format = count.format.or_else(|| Format::of(line));
        if count.format.is_none() {
            let is_json = serde_json::from_slice::<serde_json::Value>(line).is_ok();
            let reason = if is_json { RejectReason::WrongShape } else { RejectReason::InvalidJson };
            count.rejected.add(reason, number);
        }
        count.format
    }

    fn deal(&mut self, batch: Option<Lines>, workers: &[Sender<Lines>]) -> Result<(), WorkersGone> {
        let Some(batch) = batch else { return Ok(()) };
        let worker = &workers[self.turn % workers.len()];
        self.turn += 1;
        worker.send(batch).map_err(|_| WorkersGone)
    }

    /// Keeps the name that `line` gives to a watched account; true when that changes what is known.
    fn learn(&mut self, line: &[u8]) -> bool {
        if self.named.is_empty() || memmem::find(line, b"identity").is_none() {
            return false;
        }
        let Ok(Event::Handle { id, handle }) = self.decoder.decode(line, Timestamp::ZERO) else {
            return false;
        };
        let watched = handle.filter(|handle| self.named.contains(&handle.to_lowercase()));
        if self.handles.get(&id) == watched.as_ref() {
            return false;
        }
        let handles = Arc::make_mut(&mut self.handles);
        // A name has one owner: whoever had it before has it no more.
        handles.retain(|owner, known| {
            *owner != id && watched.as_ref().is_none_or(|new| !known.eq_ignore_ascii_case(new))
        });
        handles.extend(watched.map(|handle| (id, handle)));
        true
    }
}

/// Reads one line with its end; false at the end of the input. What is over the limit is left out, so the line is
/// known by its length to be too long.
fn read_line(input: &mut dyn BufRead, bytes_max: usize, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = input.take(bytes_max as u64 + 2).read_until(b'\n', line)?;
    if read > bytes_max + 1 && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok(read > 0)
}
