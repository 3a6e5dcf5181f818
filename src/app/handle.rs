//! The one thing the API holds: commands go to the engine's thread, reads go to read-only connections.
//!
//! It owns no state. A full command queue or a stopping engine is an answer
//! ([`QueueError::Unavailable`]), never a wait without end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Health, Status, StatusReport};
use crate::model::{
    ChangeFilter, ChangePage, ItemFilter, ItemId, ItemPage, ItemRecord, QueueError, QueueOp, QueueStats,
    ReplyStatus, RuleSample, RulesReport, RulesStatus, WorkItem,
};
use crate::sources::http::{Ingest, IngestError};

/// Commands that may wait for the engine; the next one is refused as unavailable.
pub const COMMANDS_MAX: usize = 1_024;

/// Reads of the store at the same time; the next ones wait, as long as their request's timeout allows.
pub const READS_MAX: usize = 4;

/// Clients that follow the change feed at the same time; the next ones are refused as unavailable.
pub const STREAMS_MAX: usize = 64;

/// What the outside asks of the engine's thread. Each carries the way back for its answer.
#[derive(Debug)]
pub enum Command {
    /// One operation on the queue.
    Queue(QueueOp, oneshot::Sender<Result<Vec<WorkItem>, QueueError>>),
    /// Arms or disarms the reply gate, with a line in the audit log.
    ReplySwitch {
        /// True to arm.
        armed: bool,
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// The state after the switch.
        reply: oneshot::Sender<Result<ReplyStatus, QueueError>>,
    },
    /// Takes the wall clock for right, however far it leapt, with a line in the audit log.
    AcceptClock {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// The leap that was accepted, in seconds.
        reply: oneshot::Sender<Result<f64, QueueError>>,
    },
    /// What a shadow rule matched.
    Samples {
        /// Which.
        rule: String,
        /// The newest first; when no shadow rule has that id, what there is instead.
        reply: oneshot::Sender<Result<Vec<RuleSample>, String>>,
    },
}

/// Reading the queue, on connections of its own. Calls block: the handle keeps them off the async threads.
pub trait ReadQueue: Send + Sync {
    /// A page of the items that fit the filter, best first.
    ///
    /// # Errors
    /// [`QueueError::Invalid`] when the filter names a team or a place in the list that there is not; [`QueueError::Unavailable`] when the
    /// store cannot be read.
    fn list(&self, filter: &ItemFilter) -> Result<ItemPage, QueueError>;

    /// One item and its history.
    ///
    /// # Errors
    /// [`QueueError::NotFound`], or [`QueueError::Unavailable`].
    fn show(&self, id: ItemId) -> Result<ItemRecord, QueueError>;

    /// Every team's queue in numbers.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the store cannot be read.
    fn stats(&self) -> Result<QueueStats, QueueError>;

    /// What happened to items after a number.
    ///
    /// # Errors
    /// [`QueueError::Invalid`] when the filter names a team that there is not; [`QueueError::Unavailable`] when the
    /// store cannot be read.
    fn changes(&self, filter: &ChangeFilter) -> Result<ChangePage, QueueError>;
}

/// What a handle is made of.
pub struct Parts {
    /// To the engine's thread; see [`Handle::commands`].
    pub commands: Sender<Command>,
    /// The read side of the store.
    pub queue: Arc<dyn ReadQueue>,
    /// The notice board.
    pub status: Arc<Status>,
    /// Renders the Prometheus text.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// The number of the newest change that is durable; ends with the engine.
    pub changes: watch::Receiver<u64>,
    /// The sources that take what is sent to the API.
    pub ingests: Vec<Ingest>,
}

/// What the API sees of the daemon. Cloning is cheap.
#[derive(Clone)]
pub struct Handle {
    parts: Arc<Parts>,
    reads: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    ending: CancellationToken,
}

/// The right to follow the change feed for as long as one likes.
#[derive(Debug)]
pub struct StreamPermit(
    #[expect(dead_code, reason = "gives the permit back when dropped")] OwnedSemaphorePermit,
);

impl Handle {
    /// Makes the bounded channel between handles and the engine.
    #[must_use]
    pub fn commands() -> (Sender<Command>, Receiver<Command>) {
        bounded(COMMANDS_MAX)
    }

    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            ending: CancellationToken::new(),
        }
    }

    /// Runs one queue operation on the engine's thread and waits until it is durable.
    ///
    /// Dropping the future does not undo the operation.
    ///
    /// # Errors
    /// As the store says; [`QueueError::Unavailable`] when the engine is full or stopping.
    pub async fn queue(&self, op: QueueOp) -> Result<Vec<WorkItem>, QueueError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Queue(op, reply))?;
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Arms or disarms the reply gate; the answer is its state after the switch.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the engine is full or stopping, or the switch could not be stored.
    pub async fn reply_switch(
        &self,
        armed: bool,
        by: String,
        reason: String,
    ) -> Result<ReplyStatus, QueueError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::ReplySwitch { armed, by, reason, reply })?;
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Takes the wall clock for right; the answer is the leap that was accepted, in seconds.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the engine is full or stopping, or the store cannot be written.
    pub async fn accept_clock(&self, by: String, reason: String) -> Result<f64, QueueError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::AcceptClock { by, reason, reply })?;
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// The newest posts that a shadow rule matched, the newest first; when no shadow rule has that id, what there is
    /// instead.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the engine is full or stopping.
    pub async fn samples(&self, rule: String) -> Result<Result<Vec<RuleSample>, String>, QueueError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Samples { rule, reply })?;
        answer.await.map_err(|_| stopping())
    }

    /// Takes the posts of a body for the source of that name, or for the only one there is, and waits until what came of
    /// them is durable; how many they were.
    ///
    /// # Errors
    /// See [`IngestError`].
    pub async fn ingest(
        &self,
        source: Option<&str>,
        body: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<usize, IngestError> {
        let ingest = self.ingest_of(source)?.clone();
        let offered = tokio::task::spawn_blocking(move || ingest.offer(body.as_ref())).await;
        let (count, stored) = offered.unwrap_or(Err(IngestError::Lost))?;
        stored.await.map_err(|_| IngestError::Lost)?;
        Ok(count)
    }

    fn ingest_of(&self, source: Option<&str>) -> Result<&Ingest, IngestError> {
        let ingests = &self.parts.ingests;
        let found = match source {
            Some(name) => ingests.iter().find(|ingest| ingest.name() == name),
            None => ingests.first().filter(|_| ingests.len() == 1),
        };
        found.ok_or_else(|| {
            let names: Vec<&str> = ingests.iter().map(Ingest::name).collect();
            let problem = match names[..] {
                [] => "no source takes posts over HTTP; add [[source]] type = \"http\"".to_owned(),
                _ => format!("name the source as in ?source={}; there are {}", names[0], names.join(", ")),
            };
            IngestError::Invalid(vec![problem])
        })
    }

    /// A page of the items that fit the filter.
    ///
    /// # Errors
    /// As [`ReadQueue::list`].
    pub async fn list(&self, filter: ItemFilter) -> Result<ItemPage, QueueError> {
        self.read(move |queue| queue.list(&filter)).await
    }

    /// One item and its history.
    ///
    /// # Errors
    /// As [`ReadQueue::show`].
    pub async fn show(&self, id: ItemId) -> Result<ItemRecord, QueueError> {
        self.read(move |queue| queue.show(id)).await
    }

    /// Every team's queue in numbers.
    ///
    /// # Errors
    /// As [`ReadQueue::stats`].
    pub async fn stats(&self) -> Result<QueueStats, QueueError> {
        self.read(|queue| queue.stats()).await
    }

    /// What happened to items after a number; when that is nothing yet, waits for it.
    ///
    /// # Errors
    /// As [`ReadQueue::changes`].
    pub async fn changes(&self, mut filter: ChangeFilter, wait: Duration) -> Result<ChangePage, QueueError> {
        let deadline = Instant::now() + wait;
        let mut newest = self.parts.changes.clone();
        loop {
            newest.borrow_and_update();
            let wanted = filter.clone();
            let page = self.read(move |queue| queue.changes(&wanted)).await?;
            if !page.changes.is_empty() || page.gap {
                return Ok(page);
            }
            filter.after = page.next;
            if page.next < page.newest {
                continue;
            }
            let is_over = tokio::select! {
                changed = newest.changed() => changed.is_err(),
                () = sleep_until(deadline) => true,
                () = self.ending.cancelled() => true,
            };
            if is_over {
                return Ok(page);
            }
        }
    }

    /// The right to follow the feed.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when [`STREAMS_MAX`] do already.
    pub fn stream_permit(&self) -> Result<StreamPermit, QueueError> {
        let permit = Arc::clone(&self.streams).try_acquire_owned();
        let full = |_| QueueError::Unavailable(format!("{STREAMS_MAX} clients follow the changes already"));
        permit.map(StreamPermit).map_err(full)
    }

    /// Ends the waits for changes: the daemon stops.
    pub fn end_waits(&self) {
        self.ending.cancel();
    }

    /// True once [`Handle::end_waits`] was called.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// The reply gate's state.
    #[must_use]
    pub fn reply_status(&self) -> Arc<ReplyStatus> {
        self.parts.status.reply()
    }

    /// Whether our loops tick.
    #[must_use]
    pub fn live(&self) -> Health {
        self.parts.status.live()
    }

    /// Whether new work can be taken in.
    #[must_use]
    pub fn ready(&self) -> Health {
        self.parts.status.ready()
    }

    /// Every component's state; what the sinks still have to do is read from the store.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the daemon is stopping or the read broke off.
    pub async fn status(&self) -> Result<StatusReport, QueueError> {
        self.off_async(|parts| Ok(parts.status.report())).await
    }

    /// The rule set in use, and how its rules do.
    #[must_use]
    pub fn rules(&self) -> (RulesStatus, Arc<RulesReport>) {
        (self.parts.status.rules(), self.parts.status.rules_report())
    }

    /// All metrics in the Prometheus text format.
    #[must_use]
    pub fn render_metrics(&self) -> String {
        self.parts.status.refresh_metrics();
        (self.parts.metrics)()
    }

    fn send(&self, command: Command) -> Result<(), QueueError> {
        self.parts.commands.try_send(command).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                QueueError::Unavailable(format!("{COMMANDS_MAX} operations are waiting; try again shortly"))
            }
            TrySendError::Disconnected(_) => stopping(),
        })
    }

    async fn read<T, F>(&self, read: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn ReadQueue) -> Result<T, QueueError> + Send + 'static,
    {
        self.off_async(move |parts| read(&*parts.queue)).await
    }

    /// Runs what may wait for the disk on a thread of its own, as soon as there is a permit.
    async fn off_async<T, F>(&self, work: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: FnOnce(&Parts) -> Result<T, QueueError> + Send + 'static,
    {
        let permit = Arc::clone(&self.reads).acquire_owned().await.map_err(|_| stopping())?;
        let parts = Arc::clone(&self.parts);
        let done = tokio::task::spawn_blocking(move || {
            let answer = work(&parts);
            drop(permit);
            answer
        });
        done.await
            .unwrap_or_else(|_| Err(QueueError::Unavailable("a read of the store broke off".to_owned())))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("commands_waiting", &self.parts.commands.len()).finish_non_exhaustive()
    }
}

fn stopping() -> QueueError {
    QueueError::Unavailable("the daemon is stopping".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Empty;

    impl ReadQueue for Empty {
        fn list(&self, _: &ItemFilter) -> Result<ItemPage, QueueError> {
            Ok(ItemPage::default())
        }

        fn show(&self, id: ItemId) -> Result<ItemRecord, QueueError> {
            Err(QueueError::NotFound(id))
        }

        fn stats(&self) -> Result<QueueStats, QueueError> {
            panic!("a reader that breaks")
        }

        fn changes(&self, filter: &ChangeFilter) -> Result<ChangePage, QueueError> {
            Ok(ChangePage { next: filter.after, newest: filter.after, ..ChangePage::default() })
        }
    }

    fn handle(commands: Sender<Command>) -> Handle {
        let metrics = Arc::new(String::new);
        let changes = watch::channel(0).1;
        Handle::new(Parts {
            commands,
            queue: Arc::new(Empty),
            status: Arc::default(),
            metrics,
            changes,
            ingests: Vec::new(),
        })
    }

    fn note() -> QueueOp {
        QueueOp::Note { id: ItemId(1), agent: "ann".to_owned(), text: "seen".to_owned() }
    }

    fn reason<T: fmt::Debug>(answer: Result<T, QueueError>) -> String {
        answer.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_full_command_queue_is_an_answer_and_not_a_wait() {
        let (commands, _engine) = bounded(0);
        assert!(reason(handle(commands).queue(note()).await).contains("try again"));
    }

    #[tokio::test]
    async fn an_engine_that_goes_away_is_an_answer() {
        let (commands, engine) = Handle::commands();
        let handle = handle(commands);
        let waiting = tokio::spawn({
            let handle = handle.clone();
            async move { handle.queue(note()).await }
        });
        let taken = tokio::task::spawn_blocking(move || engine.recv()).await.unwrap();
        drop(taken);
        assert!(reason(waiting.await.unwrap()).contains("stopping"));
        assert!(reason(handle.reply_switch(true, "ann".into(), "test".into()).await).contains("stopping"));
    }

    #[tokio::test]
    async fn a_reader_that_panics_does_not_take_the_permit_with_it() {
        let (commands, _engine) = Handle::commands();
        let handle = handle(commands);
        for _ in 0..=READS_MAX {
            assert!(reason(handle.stats().await).contains("broke off"));
        }
        assert!(handle.list(ItemFilter::default()).await.unwrap().items.is_empty());
    }
}
