//! One connection after the other to a Jetstream server, with what lasts between them: the open batch, the
//! position, and how long the stream has ever been silent.
//!
//! The read loop asks the clock once per read and registers no timer per frame.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::gap::{Finding, GapCheck};
use super::position::{SAMPLES_MAX, StreamClock, now_us};
use super::request::Request;
use super::silence::Silence;
use crate::clock::wall_clock;
use crate::model::{Position, Timestamp};
use crate::sources::batching::Batcher;
use crate::sources::frames::Incoming;
use crate::sources::handover::WorkersGone;
use crate::sources::status::SourceStatus;
use crate::sources::supervisor::{Attempt, Failure};
use crate::sources::websocket::{Connection, OpenError, words};

/// Events in the first quarter of the allowed silence may be those that a reconnect reads again: they do not prove that
/// the server receives anything new.
const READ_AGAIN_PART: u32 = 4;
/// How long the last batch may wait for room when we shut down. It is read again after the restart.
const LAST_BATCH_WAIT: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    Shutdown,
    WorkersGone,
    /// Anything that a new connection may heal. A server's own words in `why` are made safe to show.
    Lost {
        why: String,
        failure: Failure,
    },
}

impl Ended {
    fn lost(why: impl Into<String>) -> Self {
        Self::Lost { why: why.into(), failure: Failure::Lost }
    }

    fn closed(code: Option<u16>, reason: &[u8]) -> Self {
        let code = code.map_or_else(|| "without a code".to_owned(), |code| format!("code {code}"));
        let reason = words(reason);
        Self::lost(format!(
            "closed by the server, {code}{}{reason}",
            if reason.is_empty() { "" } else { ": " }
        ))
    }
}

impl From<WorkersGone> for Ended {
    fn from(_: WorkersGone) -> Self {
        Self::WorkersGone
    }
}

impl From<OpenError> for Ended {
    fn from(error: OpenError) -> Self {
        let failure = match error {
            OpenError::Status { status: 400, .. } => Failure::Refused,
            OpenError::Status { status: 429 | 503, retry_after: Some(wait), .. } => Failure::RetryAfter(wait),
            _ => Failure::Lost,
        };
        Self::Lost { why: error.to_string(), failure }
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

/// What lasts from connection to connection, and the one that is open.
#[derive(Debug)]
pub(super) struct Session<'a> {
    config: &'a Config,
    status: &'a SourceStatus,
    shutdown: &'a CancellationToken,
    tls: Arc<ClientConfig>,
    batcher: Batcher,
    clock: StreamClock,
    /// Address of the host that brought the last events.
    last_host: Option<String>,
    silence: Silence,
    current: Current,
}

/// The state of one connection.
#[derive(Debug)]
struct Current {
    /// The position from which it resumed.
    resumed_at: Option<u64>,
    /// Until the first events have said whether some are missing.
    gap: Option<GapCheck>,
    connected_at: Option<Instant>,
    events: u64,
    /// The last read brought a message with a time: what has none is no event, and proves nothing.
    dated: bool,
    /// Events came that cannot have been read before.
    fresh_events: bool,
    /// Times in a row that this host was given up for its silence before.
    silences: u32,
    /// From when on an event cannot have been read before.
    fresh_from: Instant,
    last_event: Instant,
    /// When anything came, even a pong.
    last_sign: Instant,
}

impl Current {
    fn new(resumed_at: Option<u64>, gap: Option<GapCheck>, silences: u32) -> Self {
        let now = Instant::now();
        Self {
            resumed_at,
            gap,
            connected_at: None,
            events: 0,
            dated: false,
            fresh_events: false,
            silences,
            fresh_from: now,
            last_event: now,
            last_sign: now,
        }
    }

    fn opened(&mut self, allowed_silence: Duration) {
        let now = Instant::now();
        (self.connected_at, self.last_event, self.last_sign) = (Some(now), now, now);
        self.fresh_from = now + allowed_silence / READ_AGAIN_PART;
    }
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
        let clock = StreamClock::new(config.rewind, resume);
        let (silence, current) = (config.silence(Instant::now()), Current::new(None, None, 0));
        Self { config, status, shutdown, tls, batcher, clock, last_host: None, silence, current }
    }

    fn cursor(&self, request: &Request) -> Option<u64> {
        let is_other = self.last_host.as_deref().is_some_and(|last| last != request.address());
        self.clock.cursor(if is_other { self.config.rewind_other_host } else { Duration::ZERO })
    }

    /// Connects once and reads until that ends. What was read is handed over in every case but the workers' end.
    /// `silences` says how many times in a row this host was given up for its silence.
    pub(super) async fn run(&mut self, request: &Request, silences: u32) -> Ended {
        let (position, cursor) = (self.clock.position(), self.cursor(request));
        let gap = cursor.zip(position);
        let gap = gap.map(|(cursor, last)| GapCheck::new(cursor, last, self.config.gap_tolerance));
        self.current = Current::new(position, gap, silences);
        let ended = self.connect_and_read(request).await;
        self.status.set_connected(false);
        if self.current.events > 0 {
            self.last_host = Some(request.address().to_owned());
        }
        let flushed = match ended {
            Ended::WorkersGone => return ended,
            Ended::Shutdown => timeout(LAST_BATCH_WAIT, self.hand_over()).await.unwrap_or(Ok(())),
            // Without a connection there is nothing to keep alive: wait for room as long as it takes.
            Ended::Lost { .. } => tokio::select! {
                () = self.shutdown.cancelled() => return Ended::Shutdown,
                flushed = hand_over(&mut self.batcher, &mut self.clock, self.status) => flushed,
            },
        };
        flushed.map_or_else(Ended::from, |()| ended)
    }

    /// Sums up the connection that ended. Progress takes enough *new* events, or enough time without a stall.
    /// Events that were only read again do not count, so a frame that kills each connection makes no storm.
    pub(super) fn attempt(&self, failure: Failure) -> Attempt {
        let Current { connected_at, resumed_at, events, fresh_events, .. } = self.current;
        let new_events = if self.clock.position() > resumed_at { events } else { 0 };
        let lived = connected_at.filter(|_| failure != Failure::Silent).map(|at| at.elapsed());
        let progress = self.config.retry.is_progress(new_events, lived.unwrap_or_default());
        Attempt {
            opened: connected_at.is_some(),
            progress: connected_at.is_some() && progress,
            fresh_events,
            failure,
        }
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
        let uri = request.uri(self.cursor(request));
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
        self.current.opened(self.allowed_silence());
        self.status.set_connected(true);
        tracing::info!(source = %self.status.name(), host = request.address(), "connected");
        Ok(connection)
    }

    /// Reads until something ends it, which is always an `Err`.
    async fn read(&mut self, connection: &mut Connection) -> Result<std::convert::Infallible, Ended> {
        let shutdown = self.shutdown;
        let mut stop = pin!(shutdown.cancelled());
        let mut seal = pin!(sleep_until(Instant::now()));
        let mut ping = every(self.config.ping);
        let mut watch = pin!(sleep_until(self.patience_ends()));
        // The first frames may have come with the answer to the upgrade.
        self.take_all(connection, seal.as_mut()).await?;
        loop {
            let read = tokio::select! {
                biased;
                () = &mut stop => return Err(Ended::Shutdown),
                _ = ping.tick() => { connection.queue_ping(); None }
                () = &mut watch => { self.check_alive()?; watch.as_mut().reset(self.patience_ends()); None }
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
    async fn take_all(&mut self, connection: &mut Connection, seal: Pin<&mut Sleep>) -> Result<(), Ended> {
        let (read_at, received_at) = (Instant::now(), wall_clock());
        self.current.last_sign = read_at;
        let was_empty = self.batcher.is_empty();
        let events = self.current.events;
        self.current.dated = false;
        while self.drain(connection, received_at)? == Drained::Full {
            self.hand_over_soon().await?;
        }
        let new = self.current.events - events;
        if self.current.dated {
            self.silence_ended(read_at);
        }
        if (was_empty || new > self.config.batch.frames_max as u64) && !self.batcher.is_empty() {
            seal.reset(self.batcher.deadline(read_at));
        }
        Ok(())
    }

    fn silence_ended(&mut self, now: Instant) {
        let current = &mut self.current;
        self.silence.ended(now.saturating_duration_since(current.last_event), now);
        current.last_event = now;
        current.fresh_events |= now >= current.fresh_from;
    }

    /// The hot loop: one header parse and one copy per frame.
    fn drain(&mut self, connection: &mut Connection, received_at: Timestamp) -> Result<Drained, Ended> {
        let (frames, out) = connection.split();
        while let Some(incoming) = frames.next().map_err(|error| Ended::lost(error.to_string()))? {
            match incoming {
                Incoming::Message(message) => {
                    if let Some(check) = &mut self.current.gap {
                        check_gap(check, message, self.status).then(|| self.current.gap = None);
                    }
                    self.current.dated = self.current.dated || time_us(message).is_some();
                    self.batcher.push(message, received_at);
                    self.current.events += 1;
                    if self.batcher.is_full() {
                        return Ok(Drained::Full);
                    }
                }
                Incoming::Refused(reason) => self.status.refused(reason),
                Incoming::Ping(payload) => Connection::queue_pong(out, payload),
                Incoming::Pong => {}
                Incoming::Close(code, reason) => return Err(Ended::closed(code, reason)),
            }
        }
        Ok(Drained::Dry)
    }

    /// Hands the open batch over; gives the connection up when there is no room for too long. The batch waits.
    async fn hand_over_soon(&mut self) -> Result<(), Ended> {
        let (limit, begun) = (self.config.backpressure_max, Instant::now());
        let Ok(handed_over) = timeout(limit, self.hand_over()).await else {
            self.status.closed_for_backpressure();
            return Err(Ended::lost("the workers have no room"));
        };
        // Waiting for room is our own silence, not the server's.
        let waited = begun.elapsed();
        self.current.last_sign += waited;
        self.current.last_event += waited;
        Ok(handed_over?)
    }

    async fn hand_over(&mut self) -> Result<(), WorkersGone> {
        hand_over(&mut self.batcher, &mut self.clock, self.status).await
    }

    /// Returns how long the connection may bring no event. Once it has brought fresh ones, earlier silences do not count.
    fn allowed_silence(&self) -> Duration {
        let silences = if self.current.fresh_events { 0 } else { self.current.silences };
        self.silence.allowed(silences, Instant::now())
    }

    /// Returns when the connection has been silent for too long, unless something comes before, and publishes the limit.
    fn patience_ends(&self) -> Instant {
        let allowed = self.allowed_silence();
        self.status.set_allowed_silence(allowed);
        (self.current.last_event + allowed).min(self.current.last_sign + self.config.silence)
    }

    /// Gives the connection up when it brings no event for longer than the stream used to, or no sign of life at all.
    fn check_alive(&self) -> Result<(), Ended> {
        let (no_event, no_sign) = (self.current.last_event.elapsed(), self.current.last_sign.elapsed());
        let allowed = self.allowed_silence();
        let why = if no_sign >= self.config.silence {
            format!("no sign of life for {no_sign:.1?}")
        } else if no_event >= allowed {
            format!("no event for {no_event:.1?}; {allowed:.1?} of silence are allowed")
        } else {
            return Ok(());
        };
        Err(Ended::Lost { why, failure: Failure::Silent })
    }
}

/// Checks an event of a new connection; returns true once it is known whether events are missing.
fn check_gap(check: &mut GapCheck, message: &[u8], status: &SourceStatus) -> bool {
    let finding = time_us(message).map_or(Finding::Open, |time| check.event(time));
    if let Finding::Gap(gap) = finding {
        status.gap_found(gap);
        tracing::warn!(source = %status.name(), seconds = gap.as_secs_f64(), "gap in the stream");
    }
    finding != Finding::Open
}

/// Seals the open batch with the position after it, and hands it over. Cancel-safe.
async fn hand_over(
    batcher: &mut Batcher,
    clock: &mut StreamClock,
    status: &SourceStatus,
) -> Result<(), WorkersGone> {
    batcher.hand_over().await?;
    let now = now_us();
    // An event cannot be later than its receipt: a clock is wrong, and if it is ours, waiting costs nothing.
    let times = || batcher.last(SAMPLES_MAX).filter_map(time_us).map(|time| time.min(now));
    if let Some(last) = times().next_back() {
        status.event_seen(Timestamp::from_micros(i64::try_from(last).unwrap_or(i64::MAX)));
        clock.observe(times());
    }
    batcher.seal(Position(clock.position().unwrap_or(0)));
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
