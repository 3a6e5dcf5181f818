//! Open connections, bounded. When there is no room for one more, the one that has been without a request in
//! work for longest gives way, so idle or slow clients never lock the others out.
//!
//! Pure book-keeping: the server owns the sockets and tells the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use metrics::{Counter, counter};
use tokio_util::sync::CancellationToken;

/// Connections open.
pub const CONNECTIONS_OPEN: &str = "birddog_api_connections_open";
/// Connections closed or refused by us to protect the others.
pub const CONNECTIONS_CLOSED: &str = "birddog_api_connections_closed_total";

/// One connection's side of the book.
#[derive(Debug)]
pub(super) struct Activity {
    base: Instant,
    in_work: AtomicU32,
    last_millis: AtomicU64,
    /// Cancelled when the connection must go.
    pub(super) close: CancellationToken,
}

impl Activity {
    fn new(base: Instant, now: Instant) -> Self {
        let activity = Self {
            base,
            in_work: AtomicU32::new(0),
            last_millis: AtomicU64::new(0),
            close: CancellationToken::new(),
        };
        activity.touch(now);
        activity
    }

    /// A request begins; it ends when the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> InWork {
        self.in_work.fetch_add(1, Ordering::Relaxed);
        InWork(Arc::clone(self))
    }

    /// Something arrived.
    pub(super) fn touch(&self, now: Instant) {
        let millis = now.saturating_duration_since(self.base).as_millis();
        self.last_millis.store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// `None` while a request is in work, else since when there is none.
    fn idle_since(&self) -> Option<Duration> {
        let idle = self.in_work.load(Ordering::Relaxed) == 0;
        idle.then(|| Duration::from_millis(self.last_millis.load(Ordering::Relaxed)))
    }
}

/// A request in work.
#[derive(Debug)]
pub(super) struct InWork(Arc<Activity>);

impl Drop for InWork {
    fn drop(&mut self) {
        self.0.touch(Instant::now());
        self.0.in_work.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The book.
pub(super) struct Connections {
    base: Instant,
    open: Vec<Arc<Activity>>,
    count_max: usize,
    idle_timeout: Duration,
    evicted: Counter,
    idled: Counter,
    refused: Counter,
}

impl Connections {
    pub(super) fn new(count_max: usize, idle_timeout: Duration, now: Instant) -> Self {
        let closed = |reason: &'static str| counter!(CONNECTIONS_CLOSED, "reason" => reason);
        Self {
            base: now,
            open: Vec::new(),
            count_max,
            idle_timeout,
            evicted: closed("evicted"),
            idled: closed("idle"),
            refused: closed("refused"),
        }
    }

    /// Makes room for a new connection; `None` when every other is at work.
    pub(super) fn admit(&mut self, now: Instant) -> Option<Arc<Activity>> {
        if self.open.len() >= self.count_max {
            self.forget_ended();
        }
        if self.open.len() >= self.count_max && !self.evict_idlest() {
            self.refused.increment(1);
            return None;
        }
        let activity = Arc::new(Activity::new(self.base, now));
        self.open.push(Arc::clone(&activity));
        Some(activity)
    }

    /// Closes the connections that have been idle for too long.
    pub(super) fn reap(&mut self, now: Instant) {
        self.forget_ended();
        let age = now.saturating_duration_since(self.base);
        let (limit, idled) = (self.idle_timeout, &self.idled);
        self.open.retain(|activity| {
            let expired = activity.idle_since().is_some_and(|since| age.saturating_sub(since) > limit);
            if expired {
                activity.close.cancel();
                idled.increment(1);
            }
            !expired
        });
    }

    /// Closes all, at work or not.
    pub(super) fn close_all(&self) {
        self.open.iter().for_each(|activity| activity.close.cancel());
    }

    /// A connection's task holds the other reference for as long as it runs.
    fn forget_ended(&mut self) {
        self.open.retain(|activity| Arc::strong_count(activity) > 1);
    }

    fn evict_idlest(&mut self) -> bool {
        let idle = self.open.iter().enumerate();
        let idlest = idle.filter_map(|(index, activity)| Some((activity.idle_since()?, index))).min();
        let Some((_, index)) = idlest else { return false };
        self.open.swap_remove(index).close.cancel();
        self.evicted.increment(1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(10);

    fn book(count_max: usize) -> (Connections, Instant) {
        let now = Instant::now();
        (Connections::new(count_max, IDLE, now), now)
    }

    #[test]
    fn the_idlest_gives_way_and_the_one_at_work_stays() {
        let (mut book, now) = book(2);
        let first = book.admit(now).unwrap();
        let second = book.admit(now + Duration::from_secs(1)).unwrap();
        let at_work = first.begin();
        let third = book.admit(now + Duration::from_secs(2)).unwrap();
        assert!(second.close.is_cancelled() && !first.close.is_cancelled());
        let both = (at_work, third.begin());
        assert!(book.admit(now).is_none(), "all are at work");
        drop(both);
        assert!(book.admit(now).is_some());
    }

    #[test]
    fn an_ended_connection_makes_room_without_an_eviction() {
        let (mut book, now) = book(1);
        drop(book.admit(now));
        let second = book.admit(now).unwrap();
        assert!(!second.close.is_cancelled());
    }

    #[test]
    fn idle_connections_are_closed_in_time_and_busy_ones_are_not() {
        let (mut book, now) = book(9);
        let (idle, busy) = (book.admit(now).unwrap(), book.admit(now).unwrap());
        let _at_work = busy.begin();
        book.reap(now + IDLE);
        assert!(!idle.close.is_cancelled());
        book.reap(now + IDLE + Duration::from_secs(1));
        assert!(idle.close.is_cancelled() && !busy.close.is_cancelled());
    }
}
