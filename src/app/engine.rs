//! The engine: one thread that owns all state. It triages outcomes in order, commits them in groups, and runs the
//! queue's operations between commits.
//!
//! A commit that fails is tried again, the same commit, until it holds: meanwhile nothing else is taken, the channels
//! fill, the workers wait, the sources stop reading. Nothing is lost, and it goes on by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, never, select, tick};
use tokio::sync::watch;

use super::engine_metrics::EngineMetrics;
use super::order::InOrder;
use super::workers::Finished;
use super::{Command, Heartbeat, Status, drift_log};
use crate::clock::{self, Clock};
use crate::line::BatchOutcome;
use crate::model::{Ack, Commit, Moment, PostBody, QueueError, QueueOp, ReplyStatus, WorkItem};
use crate::monitor::{self, Monitor};
use crate::ruleset::{ActiveRules, RulesInForce};
use crate::sources::SourceStatus;
use crate::store::{CursorUpdate, StoreError, Writer};
use crate::text::display::one_line;
use crate::triage::Triage;

/// Outcomes after which a group is committed, whatever is in it.
const GROUP_OUTCOMES_MAX: usize = 64;
const TICK: Duration = Duration::from_millis(250);
const EXPIRE_EVERY: Duration = Duration::from_secs(1);
/// How often the store is told of the time when there is nothing else to commit.
const CLOCK_EVERY: Duration = Duration::from_secs(30);
/// How long one tick may go on removing what is past its time.
const PRUNE_TIME_MAX: Duration = Duration::from_millis(100);
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// How long a store that takes nothing may have been failing when the daemon stops, or else is tried on: what waits is
/// read again from the saved position, so a longer wait would gain nothing.
const FAILING_STORE_DRAIN_MAX: Duration = Duration::from_secs(5);

/// What the engine is made of.
pub struct EngineParts {
    /// All decisions that depend on the past.
    pub triage: Triage,
    /// The store.
    pub writer: Writer,
    /// Tells those who wait that there are new changes.
    pub changes: watch::Sender<u64>,
    /// Both clocks.
    pub clock: Clock,
    /// The notice board.
    pub status: Arc<Status>,
    /// The rules in force.
    pub rules: RulesInForce,
    /// Whose refused frames are counted.
    pub sources: Vec<Arc<SourceStatus>>,
    /// Items after which a group is committed.
    pub group_items_max: usize,
    /// How long a failing commit is tried after the sources have ended.
    pub drain_timeout: Duration,
}

/// The channels into the engine.
pub struct Inbox {
    /// From the workers; ends when the sources have.
    pub outcomes: Receiver<Finished>,
    /// From the API; ends when the daemon stops.
    pub commands: Receiver<Command>,
    /// From dispatch.
    pub cursors: Receiver<CursorUpdate>,
}

/// See the module.
pub struct Engine {
    parts: EngineParts,
    order: InOrder,
    commit: Commit,
    /// Of the batches in `commit`: senders that wait until it is durable.
    acks: Vec<Ack>,
    metrics: EngineMetrics,
    monitor: Monitor,
    /// The set that store and monitor follow.
    followed: Option<Arc<ActiveRules>>,
    heartbeat: Arc<Heartbeat>,
    pulse: Arc<Heartbeat>,
    stop: Receiver<()>,
    looked_at: Instant,
    clock_saved_at: Instant,
}

impl Engine {
    /// Puts the engine together. `stop` disconnects when the daemon wants it to end.
    #[must_use]
    pub fn new(parts: EngineParts, stop: Receiver<()>) -> Self {
        let heartbeat = parts.status.register_loop("engine");
        let pulse = parts.status.register_loop("pulse");
        let metrics = EngineMetrics::new(&parts.sources);
        parts.status.set_store_writable(true);
        let now = Instant::now();
        Self {
            parts,
            order: InOrder::default(),
            commit: Commit::default(),
            acks: Vec::new(),
            metrics,
            monitor: Monitor::default(),
            followed: None,
            heartbeat,
            pulse,
            stop,
            looked_at: now,
            clock_saved_at: now,
        }
    }

    /// Runs until the outcomes have ended and the daemon stops.
    ///
    /// # Errors
    /// When the store refuses for a reason that no repeat will mend, or stays unwritable through the drain.
    pub fn run(mut self, mut inbox: Inbox) -> Result<(), StoreError> {
        let ticker = tick(TICK);
        let mut flowing = true;
        self.follow_rules();
        self.show_reply(self.now());
        loop {
            select! {
                recv(inbox.outcomes) -> outcome => match outcome {
                    Ok(outcome) => self.take_group(outcome, &inbox.outcomes)?,
                    Err(_) => {
                        inbox.outcomes = never();
                        flowing = false;
                        self.commit_all()?;
                        self.parts.status.retire_loop("pulse");
                    }
                },
                recv(inbox.commands) -> command => match command {
                    Ok(command) => self.command(command)?,
                    Err(_) => inbox.commands = never(),
                },
                recv(inbox.cursors) -> update => match update {
                    Ok(update) => self.advance(update, &inbox.cursors)?,
                    Err(_) => inbox.cursors = never(),
                },
                recv(ticker) -> _ => self.tick()?,
            }
            self.show_changes();
            if !flowing && self.is_stopping() {
                return self.close();
            }
        }
    }

    /// Wakes those who wait for changes, once these are durable.
    fn show_changes(&self) {
        let newest = self.parts.writer.newest_change();
        self.parts.changes.send_if_modified(|shown| std::mem::replace(shown, newest) != newest);
    }

    fn now(&self) -> Moment {
        self.parts.clock.now()
    }

    /// The last commit, and a log without anything that was deleted.
    fn close(&mut self) -> Result<(), StoreError> {
        self.commit_all()?;
        let now = self.now();
        self.housekeeping("saving the clock", |writer| writer.save_clock(now))?;
        self.housekeeping("cutting the log", Writer::cut_log)
    }

    fn is_stopping(&self) -> bool {
        matches!(self.stop.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Disconnected))
    }

    /// Triages what is there, up to a group, and commits it.
    fn take_group(&mut self, first: Finished, more: &Receiver<Finished>) -> Result<(), StoreError> {
        self.take(first);
        for _ in 1..GROUP_OUTCOMES_MAX {
            if self.commit.changes.len() >= self.parts.group_items_max {
                break;
            }
            let Ok(outcome) = more.try_recv() else { break };
            self.take(outcome);
        }
        self.metrics.publish();
        self.monitor.publish();
        self.heartbeat.tick();
        if is_worth_a_commit(&self.commit) || !self.acks.is_empty() { self.commit_all() } else { Ok(()) }
    }

    fn take(&mut self, finished: Finished) {
        self.follow_rules();
        let now = self.now();
        let Self { parts, order, commit, acks, metrics, monitor, pulse, .. } = self;
        let Finished::Batch(finished) = finished else { return pulse.tick() };
        order.push(finished, |outcome, ack| {
            metrics.take(&outcome);
            log_refused(&outcome);
            monitor.observe(&outcome, now);
            acks.extend(ack);
            let source = Arc::clone(&outcome.source);
            let counts = parts.triage.apply(outcome, now, commit);
            metrics.triaged(&source, &counts);
        });
    }

    fn tick(&mut self) -> Result<(), StoreError> {
        self.heartbeat.tick();
        self.follow_rules();
        let now = self.now();
        self.parts.triage.tick(now, &mut self.commit);
        self.commit_all()?;
        self.show_reply(now);
        self.metrics.observe(&self.parts.triage, &self.parts.sources);
        if let Some(findings) = self.monitor.tick(now) {
            drift_log::log(&findings.drift);
            for alarm in &findings.alarms {
                self.parts.triage.raise(alarm, now, &mut self.commit);
            }
            self.parts.status.set_rules_report(findings.report);
        }
        if self.looked_at.elapsed() >= EXPIRE_EVERY {
            self.looked_at = Instant::now();
            self.expire(now)?;
        }
        if self.clock_saved_at.elapsed() >= CLOCK_EVERY {
            self.clock_saved_at = Instant::now();
            self.housekeeping("saving the clock", |writer| writer.save_clock(now))?;
        }
        self.housekeeping("pruning", |writer| prune(writer, now))
    }

    /// What has to be looked at once a second: leases, the age and number of open items, the size of the store.
    fn expire(&mut self, now: Moment) -> Result<(), StoreError> {
        self.housekeeping("expiring claims", |writer| writer.expire(now).map(|_| ()))?;
        let mut authors = Vec::new();
        self.housekeeping("expiring items", |writer| {
            writer.expire_items(now).map(|expired| authors = expired)
        })?;
        authors.into_iter().for_each(|author| self.parts.triage.record_closed(author));
        self.housekeeping("compacting", Writer::compact)
    }

    /// Work that may wait for the next turn when the store is busy.
    fn housekeeping(
        &mut self,
        what: &'static str,
        work: impl FnOnce(&mut Writer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match work(&mut self.parts.writer) {
            Err(error) if error.is_retryable() => {
                tracing::warn!(what, %error, "store housekeeping put off");
                Ok(())
            }
            done => done,
        }
    }

    fn show_reply(&self, now: Moment) {
        let reply = self.parts.triage.reply_status(now);
        self.metrics.set_armed(reply.armed);
        self.parts.status.set_reply(reply);
    }

    /// Commits everything triaged so far, however long that takes.
    fn commit_all(&mut self) -> Result<(), StoreError> {
        if is_empty(&self.commit) {
            // Nothing came of them that has to be stored.
            self.acks.drain(..).for_each(Ack::call);
            return Ok(());
        }
        let commit = std::mem::take(&mut self.commit);
        let mut deletions = Vec::new();
        self.until_it_holds(|writer| writer.commit(&commit).map(|report| deletions = report.deletions))?;
        self.parts.triage.remember_deletions(&deletions, commit.now);
        self.metrics.committed(&commit, self.now().wall);
        self.acks.drain(..).for_each(Ack::call);
        Ok(())
    }

    fn until_it_holds(
        &mut self,
        mut write: impl FnMut(&mut Writer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (started, mut pause) = (Instant::now(), RETRY_FIRST);
        loop {
            // A stop earns one more whole try, however long the store has failed.
            let is_stopping = self.is_stopping();
            let Err(error) = write(&mut self.parts.writer) else { break };
            self.refused(error, started, is_stopping)?;
            self.rest(pause);
            pause = (pause * 2).min(RETRY_MAX);
        }
        self.parts.status.set_store_writable(true);
        Ok(())
    }

    /// Ends the retries when they cannot help: the error is final, or the drain is over.
    fn refused(&self, error: StoreError, since: Instant, is_stopping: bool) -> Result<(), StoreError> {
        self.parts.status.set_store_writable(false);
        // The line stands still on purpose: that is readiness' business and not liveness'.
        self.heartbeat.tick();
        self.pulse.tick();
        let failing_max = self.parts.drain_timeout.min(FAILING_STORE_DRAIN_MAX);
        let given_up = is_stopping && since.elapsed() >= failing_max;
        if !error.is_retryable() || given_up {
            tracing::error!(%error, "commit given up; it is read again from the saved position");
            return Err(error);
        }
        tracing::warn!(%error, "commit failed, trying again");
        Ok(())
    }

    /// Waits before the next try; a stop that comes meanwhile is a reason to try at once.
    fn rest(&self, pause: Duration) {
        if self.is_stopping() {
            std::thread::sleep(pause);
        } else {
            let _ = self.stop.recv_timeout(pause);
        }
    }

    fn command(&mut self, command: Command) -> Result<(), StoreError> {
        self.follow_rules();
        match command {
            Command::Queue(op, reply) => {
                // What the agent sees must include what was triaged before.
                self.commit_all()?;
                let done = self.parts.writer.apply(&op, self.now());
                if let (QueueOp::Resolve { .. }, Ok(items)) = (&op, &done) {
                    self.note_resolved(items);
                }
                // The caller may have given up waiting; the operation holds all the same.
                let _ = reply.send(done);
            }
            Command::ReplySwitch { armed, by, reason, reply } => {
                self.commit_all()?;
                let _ = reply.send(self.switch(armed, &by, &reason)?);
            }
            Command::AcceptClock { by, reason, reply } => {
                self.commit_all()?;
                let _ = reply.send(self.accept_clock(&by, &reason));
            }
            Command::Samples { rule, reply } => _ = reply.send(self.monitor.samples(&rule)),
        }
        Ok(())
    }

    /// Looks whether other rules are in force. What was matched by them can only have come after they were.
    fn follow_rules(&mut self) {
        let is_followed = |followed: &Arc<_>| Arc::ptr_eq(followed, &self.parts.rules.load());
        if self.followed.as_ref().is_some_and(is_followed) {
            return;
        }
        let active = self.parts.rules.load_full();
        self.parts.writer.set_teams(active.teams.iter().map(|team| &**team));
        let rules = monitor::Rules { manifest: &active.manifest, infos: active.set.rules() };
        self.monitor.follow(rules, self.now().wall);
        self.followed = Some(active);
    }

    fn note_resolved(&mut self, items: &[WorkItem]) {
        for item in items {
            if let Some(PostBody { post, .. }) = item.post() {
                self.parts.triage.record_resolved(&post.source, &post.author.id);
            }
        }
    }

    fn switch(
        &mut self,
        armed: bool,
        by: &str,
        reason: &str,
    ) -> Result<Result<ReplyStatus, QueueError>, StoreError> {
        let now = self.now();
        let (by, reason) = (&*one_line(by), &*one_line(reason));
        if armed {
            self.parts.triage.arm_replies(by, reason, now, &mut self.commit);
        } else {
            self.parts.triage.disarm_replies(by, reason, now, &mut self.commit);
        }
        tracing::info!(target: "birddog::audit", armed, by, reason, "reply gate switched");
        self.commit_all()?;
        self.show_reply(now);
        Ok(Ok(self.parts.triage.reply_status(now)))
    }

    /// A person has decided that the wall clock is right.
    fn accept_clock(&mut self, by: &str, reason: &str) -> Result<f64, QueueError> {
        let (by, reason) = (&*one_line(by), &*one_line(reason));
        let leap_micros = self.parts.clock.leap_micros();
        let now = self.parts.clock.accept();
        self.parts.writer.set_boot(clock::boot(), now.steady);
        tracing::info!(target: "birddog::audit", by, reason, leap_micros, "clock accepted");
        self.parts.writer.accept_clock(now)?;
        Ok(leap_micros as f64 / 1e6)
    }

    fn advance(&mut self, first: CursorUpdate, more: &Receiver<CursorUpdate>) -> Result<(), StoreError> {
        let mut updates = vec![first];
        updates.extend(more.try_iter());
        // Dispatch takes what it has sent for applied: dropping an update would drop its dead letters.
        let now = self.now().steady;
        self.until_it_holds(|writer| writer.advance(&updates, now))
    }
}

/// Removes what is past its time, slice by slice, for a bounded time.
fn prune(writer: &mut Writer, now: Moment) -> Result<(), StoreError> {
    let started = Instant::now();
    while writer.prune(now)?.more && started.elapsed() < PRUNE_TIME_MAX {}
    Ok(())
}

/// The source tells what is wrong with what it was sent; the rest is counted.
fn log_refused(outcome: &BatchOutcome) {
    if let Some((number, detail)) = outcome.refused.first() {
        let (source, refused) = (&*outcome.source, outcome.counts.rejected.iter().sum::<u64>());
        let detail = one_line(detail);
        tracing::warn!(source, refused, number = number + 1, detail = &*detail, "events of a batch refused");
    }
}

/// Positions alone can wait for the next tick: after a crash they are read again and fall to the dedupe window.
fn is_worth_a_commit(commit: &Commit) -> bool {
    !(commit.changes.is_empty() && commit.ledger.is_empty() && commit.reply_switch.is_none())
}

fn is_empty(commit: &Commit) -> bool {
    !is_worth_a_commit(commit)
        && commit.positions.is_empty()
        && commit.seen.is_empty()
        && commit.joined.is_empty()
}
