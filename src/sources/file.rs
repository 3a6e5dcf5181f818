//! The file source: one event per line from a file or standard input.
//!
//! A thread of its own reads big chunks; the lines are split and batched here. A big chunk becomes the memory of a
//! batch as it is: nothing but the kernel copies it. Positions are byte offsets behind the last line of a batch, so a
//! restart resumes; standard input has no past and starts at 0. Refuses compressed input, which has no lines.
//! Does not follow a file that grows: it ends at the end.
//!
//! ```toml
//! [[source]]
//! type = "file"
//! name = "archive"
//! path = "events.jsonl"   # or "-" for standard input
//! format = "jetstream"    # or "json": one post a line, with its fields where [source.fields] says
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crossbeam::queue::ArrayQueue;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::batching::{Batcher, Batching};
use super::errors::SourceError;
use super::format::{FormatName, format_of};
use super::handover::{Handover, WorkersGone};
use super::status::{Refusal, SourceStatus};
use crate::clock::wall_clock;
use crate::formats::Format;
use crate::formats::packed::packed_with;
use crate::model::setting::size;
use crate::model::{Position, Timestamp};

/// Bytes per read.
const CHUNK_BYTES: usize = 256 << 10;
/// Room behind a chunk for the rest of its last line, so that taking it in does not move the chunk.
const TAIL_BYTES: usize = 64 << 10;
/// The least part of a chunk that becomes a batch without a copy. A smaller one, as pipes have, is copied behind what
/// came before: many small batches cost more.
const ADOPTED_BYTES_MIN: usize = CHUNK_BYTES / 2;
/// Chunks between the reading thread and the splitter.
const CHUNKS_AHEAD: usize = 4;
/// How long the last batch may wait for room when we shut down. It is read again after the restart.
const LAST_BATCH_WAIT: Duration = Duration::from_secs(1);

/// Settings of a file source; see the module for an example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The source's name in metrics, positions and work items.
    pub name: String,
    /// The file, or `-` for standard input.
    pub path: PathBuf,
    /// How its lines are written.
    pub format: FormatName,
    /// Where the fields of posts stand, for `format = "json"`: JSON pointers by name of the field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Longer lines are skipped and counted.
    #[serde(with = "size")]
    pub frame_bytes_max: usize,
    /// When a batch is closed.
    pub batch: Batching,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "file".to_owned(),
            path: PathBuf::from("-"),
            format: FormatName::default(),
            fields: BTreeMap::new(),
            frame_bytes_max: 2 << 20,
            batch: Batching::default(),
        }
    }
}

/// A file source, ready to run.
#[derive(Debug)]
pub(super) struct FileSource {
    config: Config,
    format: Format,
    status: Arc<SourceStatus>,
}

impl FileSource {
    pub(super) fn new(config: Config, status: Arc<SourceStatus>) -> Result<Self, SourceError> {
        let format = format_of(status.name(), config.format, &config.fields)?;
        Ok(Self { config, format, status })
    }

    pub(super) async fn run(
        self,
        saved: Option<Position>,
        handover: Handover,
        shutdown: CancellationToken,
    ) -> Result<(), SourceError> {
        self.status.connecting(&self.config.path.display().to_string(), true);
        let is_stdin = self.config.path == Path::new("-");
        let start = if is_stdin { 0 } else { saved.unwrap_or_default().0 };
        let input = self.open(is_stdin, start)?;
        self.status.set_connected(true);
        let (chunks, spare) = read_ahead(input);
        let batcher =
            Batcher::new(self.config.batch, self.format.clone(), handover, Arc::clone(&self.status));
        let lines = Lines::new(self.config.frame_bytes_max, start);
        let ended = Splitter { batcher, lines, status: &self.status, spare }.run(chunks, &shutdown).await;
        self.status.set_ended();
        let (name, path) = (Arc::clone(self.status.name()), self.config.path.clone());
        ended.map_err(|stop| match stop {
            Stop::WorkersGone => SourceError::WorkersGone { name },
            Stop::Packed(with) => SourceError::Packed { name, path, with },
            Stop::Io(error) => SourceError::Read { name, path, error },
        })
    }

    fn open(&self, is_stdin: bool, start: u64) -> Result<Box<dyn Read + Send>, SourceError> {
        if is_stdin {
            return Ok(Box::new(io::stdin()));
        }
        let open = || {
            let mut file = File::open(&self.config.path)?;
            // Pipes cannot seek, and need not.
            if start > 0 {
                let length = file.metadata()?.len();
                if start > length {
                    return Err(io::Error::other(format!(
                        "it has {length} bytes and the saved position is {start}: was it replaced? \
                         give the source a new name to read it from the start"
                    )));
                }
                file.seek(SeekFrom::Start(start))?;
            }
            Ok(file)
        };
        open().map(|file| Box::new(file) as Box<dyn Read + Send>).map_err(|error| SourceError::Open {
            name: Arc::clone(self.status.name()),
            path: self.config.path.clone(),
            error,
        })
    }
}

/// Reads on a thread of its own, which may stay behind in a blocked read of standard input when we end.
fn read_ahead(mut input: Box<dyn Read + Send>) -> (mpsc::Receiver<io::Result<Vec<u8>>>, SpareChunks) {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    let spare: SpareChunks = Arc::new(ArrayQueue::new(CHUNKS_AHEAD));
    let spares = Arc::clone(&spare);
    std::thread::spawn(move || {
        loop {
            let mut chunk = spares.pop().unwrap_or_default();
            chunk.reserve((CHUNK_BYTES + TAIL_BYTES).saturating_sub(chunk.len()));
            chunk.resize(CHUNK_BYTES, 0);
            let read = match input.read(&mut chunk) {
                Ok(0) => return,
                Ok(read) => Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let failed = read.is_err();
            let message = read.map(|read| {
                chunk.truncate(read);
                chunk
            });
            if sender.blocking_send(message).is_err() || failed {
                return;
            }
        }
    });
    (receiver, spare)
}

/// Chunks that have been split, for the reading thread to fill again.
type SpareChunks = Arc<ArrayQueue<Vec<u8>>>;

enum Stop {
    WorkersGone,
    Packed(&'static str),
    Io(io::Error),
}

impl From<WorkersGone> for Stop {
    fn from(_: WorkersGone) -> Self {
        Self::WorkersGone
    }
}

struct Splitter<'a> {
    batcher: Batcher,
    lines: Lines,
    status: &'a SourceStatus,
    spare: SpareChunks,
}

impl Splitter<'_> {
    async fn run(
        mut self,
        mut chunks: mpsc::Receiver<io::Result<Vec<u8>>>,
        shutdown: &CancellationToken,
    ) -> Result<(), Stop> {
        let mut stop = pin!(shutdown.cancelled());
        let mut seal = pin!(sleep_until(Instant::now()));
        loop {
            let chunk = tokio::select! {
                biased;
                () = &mut stop => break,
                () = &mut seal, if !self.batcher.is_empty() => {
                    if self.hand_over(shutdown).await? { continue }
                    break
                }
                chunk = chunks.recv() => chunk,
            };
            let was_empty = self.batcher.is_empty();
            let Some(chunk) = chunk.transpose().map_err(Stop::Io)? else {
                self.lines.finish(&mut self.batcher, self.status);
                break;
            };
            if self.lines.is_at_start() {
                refuse_packed(&chunk)?;
            }
            let Some(spare) = self.split(chunk, shutdown).await? else { break };
            // A full pool lets the memory go.
            let _ = self.spare.push(spare);
            if was_empty && !self.batcher.is_empty() {
                seal.set(sleep_until(self.batcher.deadline(Instant::now())));
            }
        }
        self.finish(shutdown).await
    }

    /// Moves a chunk's lines into batches; memory for the next chunk, or `None` when we are to stop.
    async fn split(&mut self, chunk: Vec<u8>, shutdown: &CancellationToken) -> Result<Option<Vec<u8>>, Stop> {
        let received_at = wall_clock();
        let start = self.lines.end_begun_line(&chunk, &mut self.batcher, self.status, received_at);
        if let Some(end) = self.lines.find_all(&chunk, start, self.batcher.limits()) {
            if !self.hand_over(shutdown).await? {
                return Ok(None);
            }
            self.lines.offset += (end - start) as u64;
            self.lines.part(&chunk[end..], self.status);
            return Ok(Some(self.batcher.adopt(chunk, &self.lines.lines, received_at)));
        }
        let mut rest = &chunk[start..];
        loop {
            if self.batcher.is_full() && !self.hand_over(shutdown).await? {
                return Ok(None);
            }
            if rest.is_empty() {
                return Ok(Some(chunk));
            }
            rest = self.lines.take(rest, &mut self.batcher, self.status, received_at);
        }
    }

    /// Hands the open batch over, waiting for room as long as it takes; false when we are to stop.
    async fn hand_over(&mut self, shutdown: &CancellationToken) -> Result<bool, Stop> {
        self.batcher.seal(Position(self.lines.offset));
        tokio::select! {
            biased;
            handed_over = self.batcher.hand_over() => Ok(handed_over.map(|()| true)?),
            () = shutdown.cancelled() => Ok(false),
        }
    }

    async fn finish(&mut self, shutdown: &CancellationToken) -> Result<(), Stop> {
        let last = async {
            self.batcher.hand_over().await?;
            self.batcher.seal(Position(self.lines.offset));
            self.batcher.hand_over().await
        };
        if shutdown.is_cancelled() {
            return Ok(timeout(LAST_BATCH_WAIT, last).await.unwrap_or(Ok(()))?);
        }
        Ok(last.await?)
    }
}

fn refuse_packed(start: &[u8]) -> Result<(), Stop> {
    packed_with(start).map_or(Ok(()), |with| Err(Stop::Packed(with)))
}

/// Finds lines in chunks. A line is what ends in `\n`, or in the end; `\r` stays. Blank lines are no events.
#[derive(Debug)]
struct Lines {
    line_bytes_max: usize,
    /// Behind the last whole line taken.
    offset: u64,
    /// The start of a line whose end is in a later chunk.
    carry: Vec<u8>,
    /// Bytes of an oversized line skipped so far; `None` outside one.
    skipping: Option<u64>,
    /// Where lines stand in a chunk, reused from chunk to chunk.
    lines: Vec<(u32, u32)>,
}

impl Lines {
    fn new(line_bytes_max: usize, offset: u64) -> Self {
        Self { line_bytes_max, offset, carry: Vec::new(), skipping: None, lines: Vec::new() }
    }

    fn is_at_start(&self) -> bool {
        self.offset == 0 && self.carry.is_empty() && self.skipping.is_none()
    }

    /// Ends the line that an earlier chunk began; where the next one starts, or the end if it goes on still.
    fn end_begun_line(
        &mut self,
        chunk: &[u8],
        batcher: &mut Batcher,
        status: &SourceStatus,
        received_at: Timestamp,
    ) -> usize {
        if self.carry.is_empty() && self.skipping.is_none() {
            return 0;
        }
        let Some(end) = memchr::memchr(b'\n', chunk) else {
            self.part(chunk, status);
            return chunk.len();
        };
        self.line(&chunk[..end], 1, batcher, status, received_at);
        end + 1
    }

    /// Finds the lines that start at `start` or later, when a batch has room for all of them and there are enough to
    /// make one; where the last whole one ends.
    fn find_all(&mut self, chunk: &[u8], start: usize, limits: Batching) -> Option<usize> {
        if chunk.len() - start < ADOPTED_BYTES_MIN || chunk.len() >= limits.bytes_max {
            return None;
        }
        let end = self.find(chunk, start, limits.frames_max - 1, usize::MAX);
        // What was not taken must be the start of a line.
        memchr::memchr(b'\n', &chunk[end..]).is_none().then_some(end)
    }

    /// Finds whole lines from `start` on, up to one that is too long or would not fit; where the last one ends.
    fn find(&mut self, chunk: &[u8], from: usize, frames_max: usize, bytes_max: usize) -> usize {
        let mut start = from;
        self.lines.clear();
        for end in memchr::memchr_iter(b'\n', &chunk[from..]).map(|at| from + at) {
            if end - start > self.line_bytes_max || self.lines.len() >= frames_max || start >= bytes_max {
                break;
            }
            if end > start && &chunk[start..end] != b"\r" {
                self.lines.push((start as u32, end as u32));
            }
            start = end + 1;
        }
        start
    }

    /// Takes lines until the chunk or the batch ends; what is left of the chunk. No line may have begun before.
    fn take<'c>(
        &mut self,
        chunk: &'c [u8],
        batcher: &mut Batcher,
        status: &SourceStatus,
        received_at: Timestamp,
    ) -> &'c [u8] {
        // The usual case, with one copy for many lines.
        let mut start = self.find(chunk, 0, batcher.frames_left(), batcher.bytes_left());
        batcher.push_span(&chunk[..start], &self.lines, received_at);
        self.offset += start as u64;
        if batcher.is_full() {
            return &chunk[start..];
        }
        let rest = start;
        for end in memchr::memchr_iter(b'\n', &chunk[rest..]).map(|at| rest + at) {
            self.line(&chunk[start..end], 1, batcher, status, received_at);
            start = end + 1;
            if batcher.is_full() {
                return &chunk[start..];
            }
        }
        self.part(&chunk[start..], status);
        &[]
    }

    /// One whole line, without its end of `terminator` bytes.
    fn line(
        &mut self,
        tail: &[u8],
        terminator: u64,
        batcher: &mut Batcher,
        status: &SourceStatus,
        received_at: Timestamp,
    ) {
        if let Some(skipped) = self.skipping.take() {
            self.offset += skipped + tail.len() as u64 + terminator;
            return;
        }
        let length = self.carry.len() + tail.len();
        self.offset += length as u64 + terminator;
        if length > self.line_bytes_max {
            status.refused(Refusal::TooLarge);
        } else if self.carry.is_empty() {
            push(tail, batcher, received_at);
        } else {
            self.carry.extend_from_slice(tail);
            push(&self.carry, batcher, received_at);
        }
        self.carry.clear();
    }

    /// The start of a line that ends later.
    fn part(&mut self, part: &[u8], status: &SourceStatus) {
        if let Some(skipped) = &mut self.skipping {
            *skipped += part.len() as u64;
        } else if self.carry.len() + part.len() > self.line_bytes_max {
            status.refused(Refusal::TooLarge);
            self.skipping = Some((self.carry.len() + part.len()) as u64);
            self.carry.clear();
        } else {
            self.carry.extend_from_slice(part);
        }
    }

    /// The end of the input ends the last line too.
    fn finish(&mut self, batcher: &mut Batcher, status: &SourceStatus) {
        self.line(&[], 0, batcher, status, wall_clock());
    }
}

fn push(line: &[u8], batcher: &mut Batcher, received_at: Timestamp) {
    if !line.is_empty() && line != b"\r" {
        batcher.push(line, received_at);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::formats::packed::PACKED;
    use crate::sources::handover::{Intake, Limits};

    struct Run {
        lines: Vec<String>,
        positions: Vec<u64>,
        status: Arc<SourceStatus>,
    }

    fn drain(intake: &Intake, run: &mut Run) {
        while let Some(batch) = intake.recv() {
            run.lines.extend(batch.frames().map(|f| String::from_utf8_lossy(f).into_owned()));
            run.positions.push(batch.position.0);
        }
    }

    async fn read(content: &[u8], start: Option<u64>, config: Config) -> Run {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let config = Config { path: file.path().to_owned(), ..config };
        let status = Arc::new(SourceStatus::new(Arc::from("file"), "file"));
        let (handover, intake) = Handover::new(Limits::default());
        let source = FileSource::new(config, Arc::clone(&status)).unwrap();
        source.run(start.map(Position), handover, CancellationToken::new()).await.unwrap();
        let mut run = Run { lines: Vec::new(), positions: Vec::new(), status };
        drain(&intake, &mut run);
        run
    }

    fn small_batches() -> Config {
        Config { batch: Batching { frames_max: 2, ..Batching::default() }, ..Config::default() }
    }

    #[tokio::test]
    async fn lines_come_in_order_and_the_last_needs_no_newline() {
        let content = b"one\ntwo\n\nthree\r\n\r\nfour";
        let run = read(content, None, small_batches()).await;
        assert_eq!(run.lines, ["one", "two", "three\r", "four"]);
        assert_eq!(run.positions.last(), Some(&(content.len() as u64)));
        assert!(run.status.is_ended());
    }

    #[tokio::test]
    async fn every_position_resumes_at_the_next_line() {
        let content: Vec<u8> = (0..7).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let all = read(&content, None, small_batches()).await;
        for (index, &position) in all.positions.iter().enumerate() {
            let rest = read(&content, Some(position), small_batches()).await;
            let taken = ((index + 1) * 2).min(all.lines.len());
            assert_eq!(rest.lines, all.lines[taken..], "from offset {position}");
        }
    }

    #[tokio::test]
    async fn an_overlong_line_is_counted_and_the_next_one_read() {
        let long = "x".repeat(CHUNK_BYTES * 2 + 7);
        let content = format!("one\n{long}\ntwo\n{long}");
        let run = read(content.as_bytes(), None, Config { frame_bytes_max: 1000, ..Config::default() }).await;
        assert_eq!(run.lines, ["one", "two"]);
        assert_eq!(run.status.rejected(Refusal::TooLarge), 2);
    }

    #[tokio::test]
    async fn lines_across_chunks_are_whole() {
        let content: Vec<u8> =
            (0..3000).flat_map(|n| format!("{n} {}\n", "y".repeat(400)).into_bytes()).collect();
        let run = read(&content, None, Config::default()).await;
        assert_eq!(run.lines.len(), 3000);
        assert!(
            run.lines
                .iter()
                .enumerate()
                .all(|(n, line)| line.starts_with(&format!("{n} ")) && line.ends_with('y'))
        );
        assert_eq!(run.positions.last(), Some(&(content.len() as u64)));
    }

    #[tokio::test]
    async fn every_position_of_batches_that_took_a_chunk_as_it_was_resumes_at_the_next_line() {
        let line = |n: usize| format!("{n} {}{}", "z".repeat(n % 900), ["\n", "\r\n", "\n\n"][n % 3]);
        let content = (0..2500).map(line).collect::<String>().into_bytes();
        let patient = Batching { age_max: Duration::from_secs(60), ..Batching::default() };
        let all = read(&content, None, Config { batch: patient, ..Config::default() }).await;
        assert_eq!((all.lines.len(), all.positions.len()), (2500, 4));
        for &position in &all.positions {
            let before = content[..position as usize].split(|byte| *byte == b'\n').filter(|l| !l.is_empty());
            let taken = before.count();
            let rest = read(&content, Some(position), Config::default()).await;
            assert_eq!(rest.lines, all.lines[taken..], "from offset {position}");
        }
    }

    #[tokio::test]
    async fn a_missing_file_is_named() {
        let status = Arc::new(SourceStatus::new(Arc::from("file"), "file"));
        let config = Config { path: PathBuf::from("/nowhere/events.jsonl"), ..Config::default() };
        let (handover, _intake) = Handover::new(Limits::default());
        let ended =
            FileSource::new(config, status).unwrap().run(None, handover, CancellationToken::new()).await;
        assert!(ended.unwrap_err().to_string().contains("/nowhere/events.jsonl"));
    }

    #[tokio::test]
    async fn compressed_input_is_refused_with_the_remedy() {
        for (magic, with) in PACKED {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&[magic, b"\n\x08{}\n"].concat()).unwrap();
            let config = Config { path: file.path().to_owned(), ..Config::default() };
            let status = Arc::new(SourceStatus::new(Arc::from("file"), "file"));
            let (handover, _intake) = Handover::new(Limits::default());
            let ended =
                FileSource::new(config, status).unwrap().run(None, handover, CancellationToken::new()).await;
            let said = ended.unwrap_err().to_string();
            assert!(said.contains(&format!("{with} -dc FILE | birddog scan")), "{said}");
        }
        assert_eq!(read(b"BZ\n\x1F\n", None, Config::default()).await.lines, ["BZ", "\x1F"]);
    }

    #[tokio::test]
    async fn shutdown_stops_a_source_that_waits_for_room() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&b"line\n".repeat(50_000)).unwrap();
        let config = Config { path: file.path().to_owned(), ..small_batches() };
        let (handover, intake) =
            Handover::new(Limits { bytes_in_flight_max: 4096, batches_in_flight_max: 1000 });
        let status = Arc::new(SourceStatus::new(Arc::from("file"), "file"));
        let shutdown = CancellationToken::new();
        let task =
            tokio::spawn(FileSource::new(config, status).unwrap().run(None, handover, shutdown.clone()));
        while intake.bytes_in_flight() < 4096 {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
        task.await.unwrap().unwrap();
        assert!(intake.bytes_in_flight() <= 4096);
    }
}
