//! What all connections of a feed share, and what is counted of them.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::faults::Faults;
use super::log::Log;

/// Connections whose opening is remembered for tests.
const OPENINGS_MAX: usize = 10_000;

/// What a server has done so far.
#[derive(Debug, Default)]
pub struct Stats {
    pub(super) connections: AtomicUsize,
    pub(super) open: AtomicUsize,
    pub(super) events: AtomicU64,
    pub(super) bytes: AtomicU64,
    openings: Mutex<Vec<Opening>>,
}

/// One attempt to connect.
#[derive(Clone, Debug)]
pub struct Opening {
    /// When.
    pub at: Instant,
    /// The path and query asked for.
    pub request: String,
}

impl Stats {
    /// Attempts to connect, refused ones included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }

    /// Connections that are open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Events sent, to all clients together.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events.load(Relaxed)
    }

    /// Bytes sent, to all clients together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// The first attempts to connect, in order.
    #[must_use]
    pub fn openings(&self) -> Vec<Opening> {
        self.openings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn opened(&self, request: &str) {
        let mut openings = self.openings.lock().unwrap_or_else(PoisonError::into_inner);
        if openings.len() < OPENINGS_MAX {
            openings.push(Opening { at: Instant::now(), request: request.to_owned() });
        }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) log: Arc<Log>,
    pub(super) rate: Option<f64>,
    pub(super) loop_: bool,
    pub(super) live: bool,
    pub(super) ping: Duration,
    pub(super) faults: Faults,
    pub(super) stats: Stats,
}
