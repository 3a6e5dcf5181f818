//! When to try again, and where: back-off with full jitter, and failover over an ordered list of hosts.
//!
//! Every host has a schedule of its own, and one that is held back holds nobody else back. Pure but for the jitter.
//! A delay resets only after real progress of that host, so that a server that accepts and drops meets the same
//! schedule as one that refuses.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::model::setting::duration;

/// A server may ask for a pause of at most this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// How to try again.
///
/// ```toml
/// [source.retry]
/// first = "250ms"        # the first retry comes within this
/// min = "250ms"          # later ones never sooner than this …
/// max = "30s"            # … and never later than this
/// failures_max = 3       # then another host, if one may be tried
/// refused_min = "1m"     # after HTTP 400, a host is tried again no sooner than this …
/// refused_max = "1h"     # … and more and more slowly, up to this
/// progress_events = 1000 # new events after which all is forgiven
/// progress_time = "30s"  # or a connection that lived this long
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// The first retry comes after 0 to this.
    #[serde(with = "duration")]
    pub first: Duration,
    /// Every later retry waits at least this.
    #[serde(with = "duration")]
    pub min: Duration,
    /// No retry waits longer than this, unless the server asks for it.
    #[serde(with = "duration")]
    pub max: Duration,
    /// Failures of a host in a row before another one's turn, 1 or more.
    pub failures_max: u32,
    /// The first retry after HTTP 400 waits once to twice this.
    #[serde(with = "duration")]
    pub refused_min: Duration,
    /// No retry after HTTP 400 waits longer than this.
    #[serde(with = "duration")]
    pub refused_max: Duration,
    /// New events that count as progress.
    pub progress_events: u64,
    /// Connected time that counts as progress.
    #[serde(with = "duration")]
    pub progress_time: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            min: Duration::from_millis(250),
            max: Duration::from_secs(30),
            failures_max: 3,
            refused_min: Duration::from_secs(60),
            refused_max: Duration::from_secs(3_600),
            progress_events: 1_000,
            progress_time: Duration::from_secs(30),
        }
    }
}

/// The outcome of a connection, or of the attempt at one.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The server accepted the upgrade.
    pub(super) opened: bool,
    /// Enough came for all failures to be forgiven; see [`Retry::is_progress`].
    pub(super) progress: bool,
    /// Events came, and not only those that a reconnect reads again.
    pub(super) fresh_events: bool,
    /// Why it ended.
    pub(super) failure: Failure,
}

/// Why a connection ended, or never was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Anything that the same host may heal soon.
    Lost,
    /// The server wants to be left alone for this long.
    RetryAfter(Duration),
    /// Connected, and no event came for longer than allowed.
    Silent,
    /// HTTP 400: the host calls the request wrong.
    Refused,
}

/// Decides for one source which host is tried next, and when.
#[derive(Debug)]
pub(super) struct Supervisor {
    retry: Retry,
    /// In order of preference.
    hosts: Vec<Host>,
    current: usize,
}

/// The record of one host.
#[derive(Debug)]
struct Host {
    failures: u32,
    delays: Option<ExponentialBackoff>,
    not_before: Instant,
    /// The last failure may be over soon: trying again here is better than changing the host.
    keeps_turn: bool,
    refused: bool,
    refusal_delays: Option<ExponentialBackoff>,
    /// Times in a row that this host was silent, while no other one brought fresh events either.
    silences: u32,
    silent_at: Option<Instant>,
}

impl Retry {
    /// Returns true when a connection that brought this much was worth it.
    pub(super) fn is_progress(&self, new_events: u64, connected: Duration) -> bool {
        new_events >= self.progress_events || connected >= self.progress_time
    }
}

impl Supervisor {
    pub(super) fn new(retry: Retry, hosts: usize, now: Instant) -> Self {
        let hosts = (0..hosts.max(1)).map(|_| Host::new(now)).collect();
        Self { retry, hosts, current: 0 }
    }

    /// Returns the host whose turn it is, and from when on it may be tried.
    pub(super) fn next(&self) -> (usize, Instant) {
        (self.current, self.hosts[self.current].not_before)
    }

    /// Returns how many times in a row the host whose turn it is was given up for its silence.
    pub(super) fn silences(&self) -> u32 {
        self.hosts[self.current].silences
    }

    /// Returns true while the host whose turn it is refuses the request.
    pub(super) fn is_refused(&self) -> bool {
        self.hosts[self.current].refused
    }

    /// Returns true while every host refuses the request.
    pub(super) fn is_refused_by_all(&self) -> bool {
        self.hosts.iter().all(|host| host.refused)
    }

    /// Records how the attempt at the current host ended, and chooses the next host.
    pub(super) fn ended(&mut self, attempt: &Attempt, now: Instant) {
        if attempt.fresh_events {
            self.hosts.iter_mut().for_each(|host| host.silences = 0);
        }
        let host = &mut self.hosts[self.current];
        host.forgive(attempt);
        host.fail(attempt.failure, &self.retry, now);
        if !host.keeps_turn {
            self.current = self.choose(now);
        }
    }

    /// Chooses, among the hosts that may be tried at once, one that was never silent, or else the one whose silence is
    /// longest ago; then goes by preference. When there is no such host, chooses the one that may be tried soonest.
    fn choose(&self, now: Instant) -> usize {
        let rank = |index: &usize| {
            let host = &self.hosts[*index];
            (host.not_before.max(now), host.silent_at, *index)
        };
        (0..self.hosts.len()).min_by_key(rank).unwrap_or(0)
    }
}

impl Host {
    fn new(now: Instant) -> Self {
        Self {
            failures: 0,
            delays: None,
            not_before: now,
            keeps_turn: true,
            refused: false,
            refusal_delays: None,
            silences: 0,
            silent_at: None,
        }
    }

    fn forgive(&mut self, attempt: &Attempt) {
        if attempt.opened {
            (self.refused, self.refusal_delays) = (false, None);
        }
        if attempt.progress {
            (self.failures, self.delays) = (0, None);
        }
        if attempt.fresh_events {
            self.silent_at = None;
        }
    }

    fn fail(&mut self, failure: Failure, retry: &Retry, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.keeps_turn = failure == Failure::Lost && self.failures < retry.failures_max;
        let delay = self.delay(retry);
        let wait = match failure {
            Failure::Lost => delay,
            Failure::RetryAfter(wanted) => delay.max(wanted.min(RETRY_AFTER_MAX)),
            Failure::Silent => {
                self.silences = self.silences.saturating_add(1);
                self.silent_at = Some(now);
                delay
            }
            Failure::Refused => {
                self.refused = true;
                delay.max(self.refusal_delay(retry))
            }
        };
        self.not_before = now + wait;
    }

    fn delay(&mut self, retry: &Retry) -> Duration {
        let Some(delays) = &mut self.delays else {
            self.delays = Some(growing(retry.min * 2, retry.max));
            return between(Duration::ZERO, retry.first);
        };
        between(retry.min, delays.next().unwrap_or(retry.max))
    }

    fn refusal_delay(&mut self, retry: &Retry) -> Duration {
        let growing = || growing(retry.refused_min * 2, retry.refused_max);
        let ceiling = self.refusal_delays.get_or_insert_with(growing).next().unwrap_or(retry.refused_max);
        between(ceiling / 2, ceiling)
    }
}

/// Delays that double from `min` to `max` and never end.
fn growing(min: Duration, max: Duration) -> ExponentialBackoff {
    let builder = ExponentialBuilder::default().with_min_delay(min.min(max)).with_max_delay(max);
    builder.without_max_times().build()
}

fn between(floor: Duration, ceiling: Duration) -> Duration {
    floor + ceiling.saturating_sub(floor).mul_f64(rand::random::<f64>())
}

#[cfg(test)]
mod tests {
    use Failure::{Lost, Refused, RetryAfter, Silent};

    use super::*;

    /// An ended attempt that was worth nothing.
    fn in_vain(failure: Failure) -> Attempt {
        Attempt { opened: false, progress: false, fresh_events: false, failure }
    }

    /// How long a connection lives that is given up for its silence.
    const SILENCE: Duration = Duration::from_secs(60);

    /// A supervisor, and a time that goes from attempt to attempt without waste.
    struct Run {
        supervisor: Supervisor,
        now: Instant,
    }

    impl Run {
        fn new(hosts: usize) -> Self {
            let now = Instant::now();
            Self { supervisor: Supervisor::new(Retry::default(), hosts, now), now }
        }

        /// Lets the next attempt end; returns the host that follows, and after how long.
        fn ended(&mut self, attempt: &Attempt) -> (usize, Duration) {
            let lived = if attempt.failure == Silent { SILENCE } else { Duration::ZERO };
            self.now = self.now.max(self.supervisor.next().1) + lived;
            self.supervisor.ended(attempt, self.now);
            let (host, due) = self.supervisor.next();
            (host, due.saturating_duration_since(self.now))
        }

        fn failed(&mut self, failure: Failure) -> (usize, Duration) {
            self.ended(&in_vain(failure))
        }
    }

    #[test]
    fn the_first_retry_is_quick_and_later_ones_stay_inside_a_growing_window() {
        let retry = Retry::default();
        for _ in 0..200 {
            let mut run = Run::new(1);
            assert!(run.failed(Lost).1 <= retry.first);
            let mut ceiling = retry.min * 2;
            for _ in 0..12 {
                let (_, delay) = run.failed(Lost);
                assert!(delay >= retry.min && delay <= ceiling.min(retry.max), "{delay:?} over {ceiling:?}");
                ceiling *= 2;
            }
        }
    }

    #[test]
    fn only_progress_resets() {
        let retry = Retry::default();
        let mut run = Run::new(1);
        run.failed(Lost);
        assert!(run.failed(Lost).1 >= retry.min);
        assert!(!retry.is_progress(999, Duration::from_secs(29)));
        assert!(retry.is_progress(1_000, Duration::ZERO));
        assert!(retry.is_progress(0, Duration::from_secs(30)));
        assert!(run.ended(&Attempt { opened: true, fresh_events: true, ..in_vain(Lost) }).1 >= retry.min);
        assert!(run.ended(&Attempt { progress: true, ..in_vain(Lost) }).1 <= retry.first);
    }

    #[test]
    fn three_failures_bring_the_next_host() {
        let mut run = Run::new(2);
        let turns: Vec<usize> = (0..5).map(|_| run.failed(Lost).0).collect();
        assert_eq!(turns, [0, 0, 1, 1, 1]);
    }

    #[test]
    fn no_host_is_tried_faster_than_its_own_schedule_and_none_waits_for_another() {
        let retry = Retry::default();
        let mut run = Run::new(3);
        let (mut last, mut tried) = ([None; 3], [0; 3]);
        for _ in 0..600 {
            let (host, due) = run.supervisor.next();
            let at = run.now.max(due);
            let soonest = run.supervisor.hosts.iter().map(|host| host.not_before.max(run.now)).min();
            let is_steady = run.supervisor.hosts[host].failures >= retry.failures_max;
            assert!(!is_steady || Some(at) == soonest, "host {host} was waited for");
            if let Some(last) = last[host].replace(at).filter(|_| tried[host] > 1) {
                assert!(at - last >= retry.min);
            }
            tried[host] += 1;
            run.failed(Lost);
        }
        assert!(tried.iter().all(|tried| *tried > 150), "{tried:?}");
    }

    #[test]
    fn retry_after_holds_back_its_host_alone_and_within_reason() {
        let mut run = Run::new(2);
        assert_eq!(run.failed(RetryAfter(Duration::from_secs(60))), (1, Duration::ZERO));
        let mut turns = (0..40).map(|_| run.failed(Lost)).take_while(|(host, _)| *host == 1);
        assert!(turns.by_ref().count() > 3, "the other host is tried while this one is held back");
        let waited = run.supervisor.hosts[0].not_before;
        assert!(run.now <= waited, "{:?} too long", run.now - waited);
        let mut alone = Run::new(1);
        assert!(alone.failed(RetryAfter(Duration::from_secs(60))).1 >= Duration::from_secs(60));
        assert_eq!(alone.failed(RetryAfter(Duration::from_secs(1 << 40))).1, RETRY_AFTER_MAX);
    }

    #[test]
    fn a_refusal_holds_back_its_host_alone_longer_each_time_until_it_opens() {
        let retry = Retry::default();
        let mut run = Run::new(2);
        assert_eq!(run.failed(Refused), (1, Duration::ZERO));
        assert!(!run.supervisor.is_refused_by_all());
        let mut floor = retry.refused_min;
        let mut alone = Run::new(1);
        for _ in 0..12 {
            let (_, delay) = alone.failed(Refused);
            assert!(delay >= floor.min(retry.refused_max / 2) && delay <= retry.refused_max, "{delay:?}");
            assert!(alone.supervisor.is_refused_by_all());
            floor *= 2;
        }
        let (_, delay) = alone.ended(&Attempt { opened: true, ..in_vain(Lost) });
        assert!(delay <= retry.max && !alone.supervisor.is_refused());
        assert!(alone.failed(Refused).1 <= retry.refused_min * 2);
    }

    #[test]
    fn a_silent_host_goes_behind_those_that_were_not_or_not_lately() {
        let mut run = Run::new(3);
        let turns: Vec<usize> = (0..7).map(|_| run.failed(Silent).0).collect();
        assert_eq!(turns, [1, 2, 0, 1, 2, 0, 1]);
        assert_eq!(run.supervisor.silences(), 2, "the third round is the second host's");
    }

    #[test]
    fn a_silent_host_is_tried_again_when_the_others_are_down() {
        let mut run = Run::new(2);
        assert_eq!(run.failed(Silent).0, 1);
        let turns: Vec<usize> = (0..20).map(|_| run.failed(Lost).0).collect();
        assert!(turns.contains(&0), "{turns:?}");
    }

    #[test]
    fn fresh_events_from_one_host_end_the_silence_of_all() {
        let mut run = Run::new(2);
        run.failed(Silent);
        run.failed(Silent);
        assert_eq!(run.supervisor.silences(), 1);
        run.ended(&Attempt { fresh_events: true, ..in_vain(Silent) });
        run.failed(Silent);
        assert_eq!(run.supervisor.silences(), 1, "the first host's own silence since then");
    }
}
