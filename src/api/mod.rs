//! The HTTP API: the queue, the reply gate, health and metrics, for agents, operators and Prometheus.
//!
//! Layer 5. It sees [`Handle`] and `model` only. On loopback by default; a token for anything else. Everything
//! a client can make large or slow is bounded: connections, heads, bodies, requests, idle time.

mod changes;
mod config;
mod connections;
mod error;
mod guard;
mod routes;
mod token;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use metrics::{Gauge, counter, gauge};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::Handle;
use crate::model::metric::Metric;
use connections::{Activity, Connections};

pub use config::Config;
pub use connections::{CONNECTIONS_CLOSED, CONNECTIONS_OPEN};
pub use error::{Error, ErrorBody, ErrorDetail};
pub use guard::{REQUEST_SECONDS, REQUESTS};
pub use token::Token;
pub use wire::{
    AcceptedClock, By, Claim, HandOff, Items, Note, OneItem, Resolve, Rules, Samples, Switch, lease_default,
};

/// The metrics of this part.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        REQUESTS,
        "Requests answered, by route and outcome: ok, refused (4xx) or failed (5xx).",
        &["route", "outcome"],
    ),
    Metric::histogram(REQUEST_SECONDS, "Time from a request's head to its answer, by route.", &["route"]),
    Metric::gauge(CONNECTIONS_OPEN, "Connections open.", &[]),
    Metric::counter(
        CONNECTIONS_CLOSED,
        "Connections closed by us: evicted (made room), idle, refused (all others at work), accept (error).",
        &["reason"],
    ),
];

/// Bytes of a request's head; larger: 431.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How often idle connections are looked for.
const REAP_INTERVAL: Duration = Duration::from_secs(1);
/// Pause after a failed accept (no descriptors left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Said to a connection that finds all others at work.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The server, bound and not yet serving.
#[derive(Debug)]
pub struct Api {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    handle: Handle,
    config: Config,
}

impl Api {
    /// Checks the settings, reads the token, and binds.
    ///
    /// # Errors
    /// The first thing wrong with the settings, or [`Error::Bind`].
    pub async fn bind(config: Config, handle: Handle) -> Result<Self, Error> {
        if let Some(error) = config.errors().into_iter().next() {
            return Err(error);
        }
        let guard =
            Arc::new(guard::Guard::new(config.token()?, config.request_timeout, config.body_bytes_max));
        let router = routes::router(handle.clone())
            .layer(DefaultBodyLimit::disable()) // the guard has its own
            .layer(from_fn_with_state(guard, guard::guard));
        let bind = |source| Error::Bind { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        Ok(Self { listener, address, router, handle, config })
    }

    /// The address bound, with the port that was picked for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; then lets the requests in work finish within the drain timeout.
    pub async fn serve(self, shutdown: CancellationToken) {
        let server = Server {
            router: self.router,
            header_timeout: self.config.header_timeout,
            open: gauge!(CONNECTIONS_OPEN),
            tasks: TaskTracker::new(),
            shutdown,
        };
        let mut connections =
            Connections::new(self.config.connections_max, self.config.idle_timeout, Instant::now());
        server.accept(self.listener, &mut connections).await;
        self.handle.end_waits();
        server.tasks.close();
        if tokio::time::timeout(self.config.drain_timeout, server.tasks.wait()).await.is_err() {
            tracing::warn!("requests were cut off by the drain timeout");
            connections.close_all();
        }
    }
}

struct Server {
    router: Router,
    header_timeout: Duration,
    open: Gauge,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Server {
    async fn accept(&self, listener: TcpListener, connections: &mut Connections) {
        let accept_failed = counter!(CONNECTIONS_CLOSED, "reason" => "accept");
        let mut reap = tokio::time::interval(REAP_INTERVAL);
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                _ = reap.tick() => connections.reap(Instant::now()),
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => self.start(stream, connections),
                    Err(_) => {
                        accept_failed.increment(1);
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }

    fn start(&self, stream: TcpStream, connections: &mut Connections) {
        let Some(activity) = connections.admit(Instant::now()) else {
            // Best effort: the socket's empty send buffer takes it at once.
            let _ = stream.try_write(BUSY);
            return;
        };
        let _ = stream.set_nodelay(true);
        let router = TowerToHyperService::new(self.router.clone());
        let connection = connection(stream, router, activity, self.header_timeout, self.shutdown.clone());
        let open = self.open.clone();
        self.tasks.spawn(async move {
            open.increment(1);
            connection.await;
            open.decrement(1);
        });
    }
}

/// One connection from its first byte to its last. What a client does wrong ends it and is no news.
async fn connection(
    stream: TcpStream,
    router: TowerToHyperService<Router>,
    activity: Arc<Activity>,
    header_timeout: Duration,
    shutdown: CancellationToken,
) {
    let close = activity.close.clone();
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        activity.touch(Instant::now());
        request.extensions_mut().insert(Arc::clone(&activity));
        router.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(HEAD_BYTES_MAX);
    let mut served = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = served.as_mut() => return,
        () = close.cancelled() => return,
        () = shutdown.cancelled() => served.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = served => {}
        () = close.cancelled() => {}
    }
}
