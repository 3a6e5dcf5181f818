//! One client: the upgrade, then events as fast as it reads or at the rate, pings, answers, goodbyes.

use std::future::pending;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{Request, create_response, write_response};

use super::client::{Said, listen};
use super::faults::Fault;
use super::filter::{Filter, Parameters, Update};
use super::log::header;
use super::playback::{Next, Playback};
use super::shared::{Shared, Stats};
use crate::clock::wall_clock;

/// The longest request head: 10,000 DIDs fit.
const HEAD_BYTES_MAX: usize = 1 << 20;
/// A client that has not asked by then is dropped.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest reason in a close frame (RFC 6455 §5.5).
const REASON_BYTES_MAX: usize = 123;
/// How often a paced client gets events.
const TICK: Duration = Duration::from_millis(5);

/// Serves one client to its end.
pub(super) async fn run(mut stream: TcpStream, shared: &Shared, number: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (request, already_read) =
        timeout(HEAD_TIMEOUT, read_head(&mut stream)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    shared.stats.opened(&request.uri().to_string());
    let fault = shared.faults.of(number);
    if let Fault::SlowUpgrade(wait) = fault {
        sleep(wait).await;
    }
    let parameters = match upgrade(&request, &fault) {
        Ok((response, parameters)) => {
            stream.write_all(&response).await?;
            parameters
        }
        Err(refusal) => return stream.write_all(&refusal).await,
    };
    if fault == Fault::AcceptThenDrop {
        return Ok(());
    }
    let (reader, writer) = stream.into_split();
    let (heard, said) = mpsc::channel(16);
    let listener = tokio::spawn(listen(reader, already_read, heard));
    let ended = Client::new(writer, said, shared, parameters, fault).serve().await;
    listener.abort();
    ended
}

fn now_us() -> u64 {
    u64::try_from(wall_clock().as_micros()).unwrap_or(0)
}

async fn read_head(stream: &mut TcpStream) -> io::Result<(Request, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let parsed = Request::try_parse(&bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        if let Some((size, request)) = parsed {
            return Ok((request, bytes.split_off(size)));
        }
        if bytes.len() > HEAD_BYTES_MAX || stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The bytes of the 101 answer and what is asked for, or the bytes of a refusal.
fn upgrade(request: &Request, fault: &Fault) -> Result<(Vec<u8>, Parameters), Vec<u8>> {
    if let Fault::Refuse { status, retry_after } = fault {
        return Err(refusal(*status, *retry_after, "refused on purpose"));
    }
    if request.uri().path() != "/subscribe" {
        return Err(refusal(404, None, "the events are under /subscribe"));
    }
    let parameters = Parameters::parse(request.uri().query().unwrap_or_default())
        .map_err(|reason| refusal(400, None, &reason))?;
    let response = create_response(request).map_err(|error| refusal(400, None, &error.to_string()))?;
    let mut bytes = Vec::new();
    write_response(&mut bytes, &response).map_err(|error| refusal(500, None, &error.to_string()))?;
    Ok((bytes, parameters))
}

fn refusal(status: u16, retry_after: Option<u64>, reason: &str) -> Vec<u8> {
    let retry_after = retry_after.map_or_else(String::new, |seconds| format!("Retry-After: {seconds}\r\n"));
    let length = reason.len();
    format!("HTTP/1.1 {status} Refused\r\n{retry_after}Content-Length: {length}\r\nConnection: close\r\n\r\n{reason}")
        .into_bytes()
}

struct Client<'s> {
    writer: OwnedWriteHalf,
    said: mpsc::Receiver<Said>,
    grown: watch::Receiver<u64>,
    playback: Playback,
    stats: &'s Stats,
    fault: Fault,
    rate: Option<f64>,
    started: Instant,
    sent: u64,
    waits_for_hello: bool,
    ping: Duration,
    next_ping: Instant,
}

/// Why to stop writing events for now.
enum Pause {
    /// Nothing to send until the log grows, or for ever.
    Dry,
    /// The next events are due then.
    Until(Instant),
    /// The connection ends here.
    End,
}

impl<'s> Client<'s> {
    fn new(
        writer: OwnedWriteHalf,
        said: mpsc::Receiver<Said>,
        shared: &'s Shared,
        parameters: Parameters,
        fault: Fault,
    ) -> Self {
        let mut cursor = parameters.cursor;
        if let Fault::Forgot { time_us } = fault {
            cursor = cursor.max(Some(time_us));
        }
        let first = if shared.live { (shared.log.end(), 0) } else { (0, 0) };
        // As servers do: of the future there is nothing to replay.
        let cursor = cursor.filter(|cursor| !shared.live || *cursor <= now_us());
        let log = std::sync::Arc::clone(&shared.log);
        let mut playback = Playback::new(log, parameters.filter, first, shared.loop_);
        if let Some(cursor) = cursor {
            playback = playback.behind(cursor);
        }
        let now = Instant::now();
        Self {
            writer,
            said,
            grown: shared.log.watch(),
            playback,
            stats: &shared.stats,
            fault,
            rate: shared.rate,
            started: now,
            sent: 0,
            waits_for_hello: parameters.require_hello,
            ping: shared.ping,
            next_ping: now + shared.ping,
        }
    }

    async fn serve(mut self) -> io::Result<()> {
        loop {
            self.grown.mark_unchanged();
            while let Ok(said) = self.said.try_recv() {
                if !self.answer(said).await? {
                    return Ok(());
                }
            }
            let pause = if self.waits_for_hello { Some(Pause::Dry) } else { self.send_events().await? };
            let until = match pause {
                None => continue,
                Some(Pause::End) => return Ok(()),
                Some(Pause::Until(due)) => due.min(self.next_ping),
                Some(Pause::Dry) => self.next_ping,
            };
            if !self.wait(until, matches!(pause, Some(Pause::Dry))).await? {
                return Ok(());
            }
        }
    }

    /// Waits for the time, for more events if there are none, or for the client's word; false at the end.
    async fn wait(&mut self, until: Instant, dry: bool) -> io::Result<bool> {
        let grown = async {
            if !dry || self.grown.changed().await.is_err() {
                pending::<()>().await;
            }
        };
        tokio::select! {
            said = self.said.recv() => match said {
                Some(said) => return self.answer(said).await,
                None => return Ok(false),
            },
            () = grown => {}
            () = sleep_until(until) => {}
        }
        if Instant::now() >= self.next_ping {
            self.next_ping += self.ping;
            if !self.is_stalled() {
                self.writer.write_all(&[0x89, 0]).await?;
            }
        }
        Ok(true)
    }

    /// Sends one chunk; why not to go on at once, if so.
    async fn send_events(&mut self) -> io::Result<Option<Pause>> {
        let allowed = self.allowed();
        if allowed == 0 {
            return self.at_limit().await;
        }
        let Next::Chunk { bytes, events } = self.playback.next(allowed) else { return Ok(Some(Pause::Dry)) };
        self.sent += events;
        self.stats.events.fetch_add(events, Relaxed);
        self.stats.bytes.fetch_add(bytes.len() as u64, Relaxed);
        self.writer.write_all(bytes).await?;
        Ok(None)
    }

    /// Events that may go out now, by rate and by fault.
    fn allowed(&self) -> u64 {
        let paced = self.rate.map_or(u64::MAX, |rate| {
            let due = (self.started.elapsed().as_secs_f64() * rate) as u64;
            due.saturating_sub(self.sent)
        });
        let limit = match self.fault {
            Fault::DropAfter(limit)
            | Fault::StallAfter(limit)
            | Fault::PingsOnlyAfter(limit)
            | Fault::Inject { after: limit, .. } => limit,
            _ => u64::MAX,
        };
        paced.min(limit.saturating_sub(self.sent))
    }

    /// Nothing may go out now: the fault's turn, or the rate's.
    async fn at_limit(&mut self) -> io::Result<Option<Pause>> {
        match &self.fault {
            Fault::DropAfter(limit) if self.sent >= *limit => Ok(Some(Pause::End)),
            Fault::StallAfter(limit) | Fault::PingsOnlyAfter(limit) if self.sent >= *limit => {
                Ok(Some(Pause::Dry))
            }
            Fault::Inject { after, bytes } if self.sent >= *after => {
                self.writer.write_all(bytes).await?;
                self.fault = Fault::None;
                Ok(None)
            }
            _ => Ok(Some(Pause::Until(Instant::now() + TICK))),
        }
    }

    fn is_stalled(&self) -> bool {
        matches!(self.fault, Fault::StallAfter(limit) if self.sent >= limit)
    }

    /// Deals with the client's word; false when the connection is over.
    async fn answer(&mut self, said: Said) -> io::Result<bool> {
        match said {
            Said::Ping(payload) if !self.is_stalled() => self.control(0x8A, &payload).await.map(|()| true),
            Said::Ping(_) => Ok(true),
            Said::Close => self.close(1000, "").await,
            Said::TooLarge => self.close(1009, "message too large").await,
            Said::Message(message) => match Filter::update(&message) {
                Update::Replace(filter) => {
                    self.playback.set_filter(filter);
                    self.waits_for_hello = false;
                    Ok(true)
                }
                Update::Ignore => Ok(true),
                Update::Malformed => self.close(1007, "malformed message").await,
                Update::Invalid(reason) => self.close(1008, &reason).await,
            },
        }
    }

    async fn close(&mut self, code: u16, reason: &str) -> io::Result<bool> {
        let reason = &reason.as_bytes()[..reason.len().min(REASON_BYTES_MAX)];
        let payload = [&code.to_be_bytes()[..], reason].concat();
        self.control(0x88, &payload).await?;
        Ok(false)
    }

    async fn control(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        let mut frame = Vec::with_capacity(payload.len() + 2);
        header(payload.len(), &mut frame);
        frame[0] = first;
        frame.extend_from_slice(payload);
        self.writer.write_all(&frame).await
    }
}
