//! A Jetstream server of our own: serves a file, lines or a generator over real WebSockets.
//!
//! Layer 3, for the demo, tests and load. Speaks the v1 wire with cursor and filters,
//! and misbehaves on request ([`Fault`]). Not for the public internet: no TLS, no limit on clients.

mod client;
mod errors;
mod faults;
mod filter;
mod log;
mod playback;
mod publish;
mod session;
mod shared;
pub mod story;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use errors::FeedError;
pub use faults::{Fault, Faults};
use log::Log;
use shared::Shared;
pub use shared::{Opening, Stats};

/// Events per second of a live feed without a rate.
const LIVE_RATE: f64 = 1_000.0;
/// Events that are served from a list: more, or events without end, are a [`Input::Generator`]'s.
const LINES_MAX: usize = 1_000_000;

/// Where the events come from.
pub enum Input {
    /// One event per line.
    File(PathBuf),
    /// One event each.
    Lines(Vec<String>),
    /// One event each. Without [`FeedOptions::live`] it must end: all of it is made before the first client.
    Generator(Box<dyn Iterator<Item = String> + Send>),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Lines(lines) => write!(f, "Lines({})", lines.len()),
            Self::Generator(_) => f.write_str("Generator"),
        }
    }
}

/// How to serve.
#[derive(Debug)]
pub struct FeedOptions {
    /// What to serve.
    pub input: Input,
    /// Events per second: to each client, or of the live head. `None` is as fast as the client reads; a live
    /// feed then publishes 1,000 per second.
    pub rate: Option<f64>,
    /// Starts again at the end, with later times and other authors.
    pub loop_: bool,
    /// There is one live head for all: a client without a cursor joins there. Otherwise everything is there
    /// from the start, and such a client begins at the first event.
    pub live: bool,
    /// How often clients are pinged.
    pub ping: Duration,
    /// Misbehaviour.
    pub faults: Faults,
}

impl FeedOptions {
    /// Serves `input` at full speed, once, from the start.
    #[must_use]
    pub fn new(input: Input) -> Self {
        let ping = Duration::from_secs(30);
        Self { input, rate: None, loop_: false, live: false, ping, faults: Faults::default() }
    }

    /// Serves these events, which all stay in memory.
    ///
    /// # Panics
    /// When there are more than a million: what has no end is for [`Input::Generator`], live.
    #[must_use]
    pub fn lines(lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let lines: Vec<String> = lines.into_iter().take(LINES_MAX + 1).map(Into::into).collect();
        assert!(lines.len() <= LINES_MAX, "over {LINES_MAX} events: give a live Input::Generator");
        Self::new(Input::Lines(lines))
    }
}

/// A running feed. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    events: u64,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

impl Server {
    /// Loads the events and listens; port 0 takes any free port.
    ///
    /// # Errors
    /// When the address is taken, or the events cannot be read.
    pub async fn bind(address: SocketAddr, options: FeedOptions) -> Result<Self, FeedError> {
        let unbound = |error| FeedError::Bind { address: address.to_string(), error };
        let listener = TcpListener::bind(address).await.map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        let stop = CancellationToken::new();
        let FeedOptions { input, live, loop_: looping, rate, .. } = options;
        let (log, events) = prepare(Source { input, live, looping, rate }, &stop).await?;
        let shared = Arc::new(Shared {
            log,
            // A live head is paced where it is published.
            rate: rate.filter(|_| !live),
            loop_: looping && !live,
            live,
            ping: options.ping,
            faults: options.faults,
            stats: Stats::default(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared), stop.clone()));
        Ok(Self { address, events, shared, _stop: stop.drop_guard() })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address for a Jetstream client.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}/subscribe", self.address)
    }

    /// Events loaded; 0 for a live generator.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }
}

/// The log to serve, and how many events it starts with.
async fn prepare(options: Source, stop: &CancellationToken) -> Result<(Arc<Log>, u64), FeedError> {
    let Source { input, live, looping, rate } = options;
    let rate = rate.unwrap_or(LIVE_RATE);
    let input = match input {
        Input::Generator(events) if live => {
            return Ok((publish::start(Box::new(events.map(String::into_bytes)), rate, stop), 0));
        }
        input => input,
    };
    let loading = tokio::task::spawn_blocking(move || load(input));
    let log = Arc::new(loading.await.unwrap_or(Err(FeedError::Empty))?);
    let (events, _) = log.extent();
    match (events, live) {
        (0, _) => Err(FeedError::Empty),
        (_, false) => Ok((log, events)),
        (_, true) => Ok((publish::start(publish::events_of(log, looping), rate, stop), events)),
    }
}

/// The part of the options that says what is served.
struct Source {
    input: Input,
    live: bool,
    looping: bool,
    rate: Option<f64>,
}

fn load(input: Input) -> Result<Log, FeedError> {
    match input {
        Input::File(path) => Log::load(&path),
        Input::Lines(lines) => Ok(Log::of(lines.into_iter().map(String::into_bytes))),
        Input::Generator(events) => Ok(Log::of(events.map(String::into_bytes))),
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return clients.shutdown().await,
            Some(_) = clients.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let number = shared.stats.connections.fetch_add(1, Relaxed);
                clients.spawn(serve(stream, Arc::clone(&shared), number));
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, number: usize) {
    shared.stats.open.fetch_add(1, Relaxed);
    if let Err(error) = session::run(stream, &shared, number).await {
        tracing::debug!(%error, number, "client left");
    }
    shared.stats.open.fetch_sub(1, Relaxed);
}

#[cfg(test)]
mod tests;
