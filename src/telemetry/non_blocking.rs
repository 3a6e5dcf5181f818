//! Lines to a stream that may be slow, stuck or gone: who writes one never waits, never fails, never panics.
//!
//! Lines wait in one buffer of bounded size, and a thread of their own writes them in batches. What finds no room,
//! or meets a stream that takes nothing (a full disk, a closed pipe), is dropped and counted; a notice in its place
//! says how many lines are missing.

use std::io::{self, ErrorKind, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that may wait; as many again may be on their way out.
pub const WAITING_BYTES_MAX: usize = 1 << 20;
/// Pause before a stream that is not ready is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// The writing end. Cloning is cheap; the thread runs until the process ends.
#[derive(Clone)]
pub struct NonBlocking(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines that found no room since the thread last looked.
    refused: u64,
    is_writing: bool,
    /// Lines that never came out, since the start.
    dropped_total: u64,
}

impl NonBlocking {
    /// Starts the thread that writes to `output`; `notice` makes the line that says how many lines are missing.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        output: impl Write + Send + 'static,
        notice: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let writer = Writer { shared: Arc::clone(&shared), output, notice, missing: 0, is_torn: false };
        thread::Builder::new().name("lines".to_owned()).spawn(move || writer.run())?;
        Ok(Self(shared))
    }

    /// Takes whole lines; when there is no room they are dropped, and counted.
    pub fn push(&self, lines: &[u8]) {
        let mut state = self.0.lock();
        if state.waiting.len() + lines.len() > WAITING_BYTES_MAX {
            let count = count_lines(lines);
            state.refused += count;
            state.dropped_total += count;
            return;
        }
        state.waiting.extend_from_slice(lines);
        drop(state);
        self.0.changed.notify_all();
    }

    /// Waits until all lines are out, at most for `timeout`; true when they are.
    pub fn flush(&self, timeout: Duration) -> bool {
        let state = self.0.lock();
        let is_busy = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        let waited = self.0.changed.wait_timeout_while(state, timeout, is_busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Lines dropped since the start.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.0.lock().dropped_total
    }
}

impl std::fmt::Debug for NonBlocking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NonBlocking")
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of ours panics under the lock, and lines are more use than a poisoned log.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines and swaps them into `batch`; gives how many more found no room behind them.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        batch.clear();
        let mut state = self.lock();
        state.is_writing = false;
        self.changed.notify_all();
        let is_idle = |state: &mut State| state.waiting.is_empty();
        let mut state = self.changed.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut state.waiting, batch);
        state.is_writing = true;
        mem::take(&mut state.refused)
    }
}

/// The thread's side.
struct Writer<W, N> {
    shared: Arc<Shared>,
    output: W,
    notice: N,
    /// Lines dropped that no notice has told of.
    missing: u64,
    /// The last line that came out has no end.
    is_torn: bool,
}

impl<W: Write, N: Fn(u64) -> String> Writer<W, N> {
    fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let refused = self.shared.take(&mut batch);
            self.tell_missing();
            let unwritten = self.write(&batch);
            self.missing += unwritten + refused;
            self.shared.lock().dropped_total += unwritten;
            if unwritten == 0 {
                self.tell_missing();
            }
        }
    }

    fn tell_missing(&mut self) {
        if self.missing > 0 && self.write((self.notice)(self.missing).as_bytes()) == 0 {
            self.missing = 0;
        }
    }

    /// Writes lines, as far as the stream takes them; gives how many did not come out whole.
    fn write(&mut self, lines: &[u8]) -> u64 {
        if mem::take(&mut self.is_torn) && write_all(&mut self.output, b"\n").0.is_err() {
            self.is_torn = true;
            return count_lines(lines);
        }
        let (result, written) = write_all(&mut self.output, lines);
        if result.is_ok() {
            return 0;
        }
        self.is_torn = lines[..written].last().is_some_and(|&byte| byte != b'\n');
        count_lines(lines) - count_ends(&lines[..written])
    }
}

/// As `Write::write_all`, but waits for streams that are not ready, and says how many bytes went out.
fn write_all(output: &mut impl Write, bytes: &[u8]) -> (io::Result<()>, usize) {
    let mut written = 0;
    while written < bytes.len() {
        match output.write(&bytes[written..]) {
            Ok(0) => return (Err(ErrorKind::WriteZero.into()), written),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY_PAUSE),
            Err(error) => return (Err(error), written),
        }
    }
    (output.flush(), written)
}

fn count_ends(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn count_lines(lines: &[u8]) -> u64 {
    count_ends(lines) + u64::from(lines.last().is_some_and(|&byte| byte != b'\n'))
}

#[cfg(test)]
mod tests {
    use crossbeam::channel::{Receiver, Sender, bounded, unbounded};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// How one write ends: this many bytes, or an error.
    type Answer = io::Result<usize>;

    /// Does with each write as it is told, and shows what came out.
    struct Scripted {
        writes: Sender<Vec<u8>>,
        answers: Receiver<Answer>,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes.send(bytes.to_vec()).unwrap();
            self.answers.recv().unwrap().map(|most| most.min(bytes.len()))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Rig {
        lines: NonBlocking,
        writes: Receiver<Vec<u8>>,
        answers: Sender<Answer>,
    }

    impl Rig {
        fn start() -> Self {
            let (writes, seen) = unbounded();
            let (answers, told) = bounded(0);
            let notice = |missing| format!("({missing} missing)\n");
            let lines = NonBlocking::start(Scripted { writes, answers: told }, notice).unwrap();
            Self { lines, writes: seen, answers }
        }

        /// What the stream is asked to write; it then answers.
        fn write(&self, answer: Answer) -> String {
            let bytes = self.writes.recv_timeout(PATIENCE).unwrap();
            self.answers.send_timeout(answer, PATIENCE).unwrap();
            String::from_utf8(bytes).unwrap()
        }
    }

    fn full() -> Answer {
        Err(ErrorKind::StorageFull.into())
    }

    const ALL: Answer = Ok(usize::MAX);

    #[test]
    fn lines_come_out_in_order_and_flush_waits_for_them() {
        let Rig { lines, writes, answers } = Rig::start();
        lines.push(b"one\n");
        assert_eq!(writes.recv_timeout(PATIENCE).unwrap(), b"one\n");
        assert!(!lines.flush(Duration::from_millis(1)), "the line is not out yet");
        lines.push(b"two\n");
        lines.push(b"three\n");
        answers.send(ALL).unwrap();
        assert_eq!(writes.recv_timeout(PATIENCE).unwrap(), b"two\nthree\n");
        answers.send(ALL).unwrap();
        assert!(lines.flush(PATIENCE));
        assert_eq!(lines.dropped_total(), 0);
    }

    #[test]
    fn a_reader_that_stalls_holds_nobody_up_and_is_told_what_it_missed() {
        let rig = Rig::start();
        rig.lines.push(b"first\n");
        let first = rig.writes.recv_timeout(PATIENCE).unwrap();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        let room = WAITING_BYTES_MAX / line.len();
        (0..room + 7).for_each(|_| rig.lines.push(&line));
        assert!(!rig.lines.flush(Duration::from_millis(1)));
        assert_eq!(rig.lines.dropped_total(), 7);
        rig.answers.send(ALL).unwrap();
        assert_eq!((first.as_slice(), rig.write(ALL).len()), (&b"first\n"[..], WAITING_BYTES_MAX));
        assert_eq!(rig.write(ALL), "(7 missing)\n");
        rig.lines.push(b"next\n");
        assert_eq!(rig.write(ALL), "next\n");
    }

    #[test]
    fn a_full_disk_costs_lines_and_the_next_that_gets_through_says_how_many() {
        let rig = Rig::start();
        rig.lines.push(b"lost\nlost\n");
        rig.write(full());
        rig.lines.push(b"lost\n");
        assert_eq!(rig.write(full()), "(2 missing)\n");
        assert_eq!(rig.write(full()), "lost\n");
        rig.lines.push(b"next\n");
        assert_eq!(rig.write(ALL), "(3 missing)\n");
        assert_eq!(rig.write(ALL), "next\n");
        assert_eq!(rig.lines.dropped_total(), 3);
    }

    #[test]
    fn a_line_that_was_cut_off_does_not_run_into_the_next() {
        let rig = Rig::start();
        rig.lines.push(b"one\ntwo\nthree\n");
        rig.write(Ok(6));
        assert_eq!(rig.write(full()), "o\nthree\n");
        rig.lines.push(b"four\n");
        assert_eq!(rig.write(ALL), "\n");
        assert_eq!(rig.write(ALL), "(2 missing)\n");
        assert_eq!(rig.write(ALL), "four\n");
    }

    #[test]
    fn a_stream_that_is_not_ready_or_interrupted_is_tried_again() {
        let rig = Rig::start();
        rig.lines.push(b"one\n");
        for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted] {
            assert_eq!(rig.write(Err(kind.into())), "one\n");
        }
        assert_eq!(rig.write(ALL), "one\n");
        assert!(rig.lines.flush(PATIENCE));
        assert_eq!(rig.lines.dropped_total(), 0);
    }

    #[test]
    fn a_line_larger_than_all_room_is_dropped_and_the_next_one_says_so() {
        let rig = Rig::start();
        rig.lines.push(&b"x".repeat(WAITING_BYTES_MAX + 1));
        rig.lines.push(b"next\n");
        assert_eq!(rig.write(ALL), "next\n");
        assert_eq!(rig.write(ALL), "(1 missing)\n");
    }
}
