//! One connection after the other to a Jetstream server, with what lasts between them: the open batch, the
//! time of the last event, and whether the next connection must be checked for a gap.
//!
//! The read loop asks the clock once per read and registers no timer per frame.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::Config;
use super::request::Request;
use crate::clock::wall_clock;
use crate::model::{Position, Timestamp};
use crate::sources::batching::Batcher;
use crate::sources::frames::Incoming;
use crate::sources::handover::WorkersGone;
use crate::sources::status::SourceStatus;
use crate::sources::supervisor::Supervisor;
use crate::sources::websocket::{Connection, OpenError};

/// An event from further in the future than this does not move the cursor: the server would skip to live.
const FUTURE_MAX: Duration = Duration::from_secs(3600);
/// The longest silence that widens the gap tolerance.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// How long the last batch may wait for room when we shut down. It is read again after the restart.
const LAST_BATCH_WAIT: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    Shutdown,
    WorkersGone,
    /// HTTP 400: asking again cannot help.
    Refused(String),
    /// Anything that a new connection may heal.
    Lost {
        why: String,
        retry_after: Option<Duration>,
    },
}

impl Ended {
    fn lost(why: impl Into<String>) -> Self {
        Self::Lost { why: why.into(), retry_after: None }
    }
}

impl From<WorkersGone> for Ended {
    fn from(_: WorkersGone) -> Self {
        Self::WorkersGone
    }
}

impl From<OpenError> for Ended {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Status { status: 400, reason, .. } => Self::Refused(reason),
            OpenError::Status { status: 429 | 503, retry_after, .. } => {
                Self::Lost { why: error.to_string(), retry_after }
            }
            other => Self::lost(other.to_string()),
        }
    }
}

/// Where the read loop stands with the frames it has.
#[derive(Debug, PartialEq, Eq)]
enum Drained {
    /// No whole frame is left: read on.
    Dry,
    /// The batch is full: hand it over first.
    Full,
}

/// What lasts from connection to connection.
#[derive(Debug)]
pub(super) struct Session<'a> {
    config: &'a Config,
    status: &'a SourceStatus,
    shutdown: &'a CancellationToken,
    tls: Arc<ClientConfig>,
    batcher: Batcher,
    /// The time of the last event handed over, in microseconds.
    last_event: Option<u64>,
    /// The same, when this connection was opened.
    resumed_at: Option<u64>,
    /// The first event of this connection has yet to be compared with `resumed_at`.
    gap_unchecked: bool,
    connected_at: Option<Instant>,
    events: u64,
    stalled: bool,
    last_message: Instant,
    last_sign: Instant,
    longest_idle: Duration,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        config: &'a Config,
        status: &'a Arc<SourceStatus>,
        batcher: Batcher,
        resume: Option<u64>,
        shutdown: &'a CancellationToken,
        tls: Arc<ClientConfig>,
    ) -> Self {
        let now = Instant::now();
        Self {
            config,
            status,
            shutdown,
            tls,
            batcher,
            last_event: resume,
            resumed_at: None,
            gap_unchecked: false,
            connected_at: None,
            events: 0,
            stalled: false,
            last_message: now,
            last_sign: now,
            longest_idle: Duration::ZERO,
        }
    }

    /// Connects once and reads until that ends. What was read is handed over in every case but the workers' end.
    pub(super) async fn run(&mut self, request: &Request) -> Ended {
        let ended = self.connect_and_read(request).await;
        let flushed = match ended {
            Ended::WorkersGone => return ended,
            Ended::Shutdown => timeout(LAST_BATCH_WAIT, self.hand_over()).await.unwrap_or(Ok(())),
            // Without a connection there is nothing to keep alive: wait for room as long as it takes.
            _ => tokio::select! {
                () = self.shutdown.cancelled() => return Ended::Shutdown,
                flushed = hand_over(&mut self.batcher, &mut self.last_event, self.status) => flushed,
            },
        };
        flushed.map_or_else(Ended::from, |()| ended)
    }

    /// True when the connection that ended was worth it: enough *new* events, or enough time without a stall.
    /// Events that were only read again do not count, so a frame that kills each connection makes no storm.
    pub(super) fn made_progress(&self, supervisor: &Supervisor, ended: &Ended) -> bool {
        let Some(connected_at) = self.connected_at else { return false };
        let moved = self.last_event > self.resumed_at;
        let events = if moved { self.events } else { 0 };
        let lived = if self.stalled { Duration::ZERO } else { connected_at.elapsed() };
        !matches!(ended, Ended::Refused(_)) && supervisor.is_progress(events, lived)
    }

    async fn connect_and_read(&mut self, request: &Request) -> Ended {
        let mut connection = match self.open(request).await {
            Ok(connection) => connection,
            Err(ended) => return ended,
        };
        let ended = match self.read(&mut connection).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        };
        connection.queue_close();
        // The peer may be gone already; closing politely is all this is for.
        let _ = connection.flush(LAST_BATCH_WAIT).await;
        ended
    }

    async fn open(&mut self, request: &Request) -> Result<Connection, Ended> {
        (self.events, self.stalled, self.connected_at) = (0, false, None);
        self.resumed_at = self.last_event;
        self.gap_unchecked = self.last_event.is_some();
        let rewind = u64::try_from(self.config.rewind.as_micros()).unwrap_or(u64::MAX);
        let uri = request.uri(self.last_event.map(|time_us| time_us.saturating_sub(rewind)));
        let limit = self.config.connect_timeout;
        let opening = timeout(limit, Connection::open(&uri, &self.tls, self.config.frame_bytes_max));
        let mut connection = tokio::select! {
            () = self.shutdown.cancelled() => return Err(Ended::Shutdown),
            opened = opening => opened.unwrap_or(Err(OpenError::TimedOut))?,
        };
        if let Some(hello) = request.hello() {
            connection.queue_text(hello.to_string());
            connection.flush(limit).await.map_err(|error| Ended::lost(error.to_string()))?;
        }
        self.connected();
        tracing::info!(source = %self.status.name(), host = request.address(), "connected");
        Ok(connection)
    }

    fn connected(&mut self) {
        let now = Instant::now();
        self.connected_at = Some(now);
        (self.last_message, self.last_sign) = (now, now);
        self.status.set_connected(true);
    }

    /// Reads until something ends it, which is always an `Err`.
    async fn read(&mut self, connection: &mut Connection) -> Result<std::convert::Infallible, Ended> {
        let shutdown = self.shutdown;
        let mut stop = pin!(shutdown.cancelled());
        let mut seal = pin!(sleep_until(Instant::now()));
        let mut ping = every(self.config.ping);
        let mut watch = every(self.config.stall.min(self.config.silence) / 4);
        // The first frames may have come with the answer to the upgrade.
        self.take_all(connection, seal.as_mut()).await?;
        loop {
            let read = tokio::select! {
                biased;
                () = &mut stop => return Err(Ended::Shutdown),
                _ = ping.tick() => { connection.queue_ping(); None }
                _ = watch.tick() => { self.check_alive()?; None }
                () = &mut seal, if !self.batcher.is_empty() => { self.hand_over_soon().await?; None }
                read = connection.fill() => Some(read),
            };
            match read {
                Some(Ok(0)) => return Err(Ended::lost("closed by the server without a word")),
                Some(Ok(_)) => self.take_all(connection, seal.as_mut()).await?,
                Some(Err(error)) => return Err(Ended::lost(error.to_string())),
                None => {}
            }
            let flushed = connection.flush(self.config.connect_timeout).await;
            flushed.map_err(|error| Ended::lost(format!("cannot write: {error}")))?;
        }
    }

    /// Moves every whole frame into batches, and hands over the full ones.
    async fn take_all(
        &mut self,
        connection: &mut Connection,
        seal: std::pin::Pin<&mut Sleep>,
    ) -> Result<(), Ended> {
        let (read_at, received_at) = (Instant::now(), wall_clock());
        self.last_sign = read_at;
        let was_empty = self.batcher.is_empty();
        let events = self.events;
        while self.drain(connection, received_at)? == Drained::Full {
            self.hand_over_soon().await?;
        }
        if self.events > events {
            self.longest_idle = self.longest_idle.max(read_at - self.last_message).min(IDLE_MAX);
            self.last_message = read_at;
        }
        let is_new = was_empty || self.events - events > self.config.batch.frames_max as u64;
        if is_new && !self.batcher.is_empty() {
            seal.reset(self.batcher.deadline(read_at));
        }
        Ok(())
    }

    /// The hot loop: one header parse and one copy per frame.
    fn drain(&mut self, connection: &mut Connection, received_at: Timestamp) -> Result<Drained, Ended> {
        let (frames, out) = connection.split();
        while let Some(incoming) = frames.next().map_err(|error| Ended::lost(error.to_string()))? {
            match incoming {
                Incoming::Message(message) => {
                    if self.gap_unchecked {
                        self.check_gap(message);
                    }
                    self.batcher.push(message, received_at);
                    self.events += 1;
                    if self.batcher.is_full() {
                        return Ok(Drained::Full);
                    }
                }
                Incoming::Refused(reason) => self.status.refused(reason),
                Incoming::Ping(payload) => Connection::queue_pong(out, payload),
                Incoming::Pong => {}
                Incoming::Close(Some(code)) => {
                    return Err(Ended::lost(format!("closed by the server, code {code}")));
                }
                Incoming::Close(None) => return Err(Ended::lost("closed by the server")),
            }
        }
        Ok(Drained::Dry)
    }

    /// Hands the open batch over; gives the connection up when there is no room for too long. The batch waits.
    async fn hand_over_soon(&mut self) -> Result<(), Ended> {
        let limit = self.config.backpressure_max;
        let Ok(handed_over) = timeout(limit, self.hand_over()).await else {
            self.status.closed_for_backpressure();
            return Err(Ended::lost("the workers have no room"));
        };
        // Waiting for room is our own silence, not the server's; without a wait this moves both by next to nothing.
        (self.last_sign, self.last_message) = (Instant::now(), Instant::now());
        Ok(handed_over?)
    }

    async fn hand_over(&mut self) -> Result<(), WorkersGone> {
        hand_over(&mut self.batcher, &mut self.last_event, self.status).await
    }

    /// A full stream must bring events; any stream must show a sign of life.
    fn check_alive(&mut self) -> Result<(), Ended> {
        let (no_message, no_sign) = (self.last_message.elapsed(), self.last_sign.elapsed());
        self.stalled =
            no_sign >= self.config.silence || !self.config.is_filtered() && no_message >= self.config.stall;
        if self.stalled {
            return Err(Ended::lost("stalled"));
        }
        Ok(())
    }

    /// Compares the first event of a connection with the last one before it. The server was asked for events
    /// from before that one: if it still held them, the first could not be later.
    fn check_gap(&mut self, message: &[u8]) {
        let (Some(first), Some(last)) = (time_us(message), self.resumed_at) else { return };
        self.gap_unchecked = false;
        let gap = Duration::from_micros(first.saturating_sub(last));
        if gap > self.config.gap_tolerance + self.longest_idle {
            self.status.gap_found(gap);
            tracing::warn!(source = %self.status.name(), seconds = gap.as_secs_f64(), "gap in the stream");
        }
    }
}

/// Seals the open batch where its last event stands, and hands it over. Cancel-safe.
async fn hand_over(
    batcher: &mut Batcher,
    last_event: &mut Option<u64>,
    status: &SourceStatus,
) -> Result<(), WorkersGone> {
    batcher.hand_over().await?;
    if let Some(time_us) = batcher.last().and_then(time_us) {
        let (now, event_at) =
            (wall_clock(), Timestamp::from_micros(i64::try_from(time_us).unwrap_or(i64::MAX)));
        status.event_seen(event_at, now);
        if event_at <= now + FUTURE_MAX {
            *last_event = (*last_event).max(Some(time_us));
        }
    }
    batcher.seal(Position(last_event.unwrap_or(0)));
    batcher.hand_over().await
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval(period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    ticks
}

/// Reads `"time_us":` from the head of an event without parsing it. `None` when it is not there.
pub(super) fn time_us(frame: &[u8]) -> Option<u64> {
    const KEY: &[u8] = b"\"time_us\":";
    let rest = &frame[memchr::memmem::find(frame, KEY)? + KEY.len()..];
    let rest = rest.trim_ascii_start();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_read_from_the_head() {
        let time = |text: &str| time_us(text.as_bytes());
        assert_eq!(
            time(r#"{"did":"d","time_us":1725911162329308,"kind":"commit"}"#),
            Some(1_725_911_162_329_308)
        );
        assert_eq!(time(r#"{"time_us": 5}"#), Some(5));
        assert_eq!(time(r#"{"time_us":"5"}"#), None);
        assert_eq!(time(r#"{"time_us":"#), None);
        assert_eq!(time(r#"{"time_us":99999999999999999999999}"#), None);
        assert_eq!(time(""), None);
    }
}
