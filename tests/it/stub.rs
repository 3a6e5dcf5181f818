//! A daemon without sources and without a disk: a queue in memory and an engine thread, behind the real API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use birddog::api::{Api, Config};
use birddog::app::{Command, Handle, Parts, ReadQueue, SourceStatus, Status};
use birddog::model::{
    ChangeFilter, ChangePage, HistoryEntry, ItemFilter, ItemId, ItemPage, ItemRecord, ItemState, QueueError,
    QueueOp, QueueStats, RuleSample, RulesStatus, TeamStats, Timestamp, WorkItem,
};
use crossbeam::channel::Receiver;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The id of the first item; the others follow.
pub(crate) const FIRST: ItemId = ItemId(0x00c0_ffee_0000_0001);

#[derive(Default)]
struct Queue(Mutex<BTreeMap<u128, ItemRecord>>);

impl Queue {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<u128, ItemRecord>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn apply(&self, op: QueueOp) -> Result<Vec<WorkItem>, QueueError> {
        match op {
            QueueOp::Claim { team, agent, count_max, .. } => Ok(self.claim(&team, &agent, count_max)),
            QueueOp::Ack { id, agent } => {
                self.change(id, &agent, "ack", None, |item| item.state = ItemState::Waiting)
            }
            QueueOp::Release { id, agent } => {
                self.change(id, &agent, "release", None, |item| item.state = ItemState::New)
            }
            QueueOp::HandOff { id, agent, to_team, reason } => {
                self.change(id, &agent, "handoff", Some(reason), |item| item.team = to_team.into())
            }
            QueueOp::Resolve { id, agent, note } => {
                self.change(id, &agent, "resolve", note, |item| item.state = ItemState::Resolved)
            }
            QueueOp::Note { id, agent, text } => self.change(id, &agent, "note", Some(text), |_| {}),
        }
    }

    fn claim(&self, team: &str, agent: &str, count_max: u32) -> Vec<WorkItem> {
        self.with(|items| {
            let open = items.values_mut().map(|record| &mut record.item);
            let open = open.filter(|item| &*item.team == team && item.state == ItemState::New);
            let claim = |item: &mut WorkItem| {
                item.state = ItemState::Claimed;
                item.claimed_by = Some(agent.to_owned());
                item.clone()
            };
            open.take(count_max as usize).map(claim).collect()
        })
    }

    fn change(
        &self,
        id: ItemId,
        agent: &str,
        action: &str,
        detail: Option<String>,
        change: impl FnOnce(&mut WorkItem),
    ) -> Result<Vec<WorkItem>, QueueError> {
        self.with(|items| {
            let record = items.get_mut(&id.0).ok_or(QueueError::NotFound(id))?;
            let state = record.item.state;
            if action != "note" && !matches!(state, ItemState::Claimed | ItemState::Waiting) {
                return Err(QueueError::WrongState { id, state, wanted: "changed" });
            }
            change(&mut record.item);
            let (agent, action) = (agent.to_owned(), action.to_owned());
            record.history.push(HistoryEntry { at: Timestamp::ZERO, agent, action, detail });
            Ok(vec![record.item.clone()])
        })
    }
}

impl ReadQueue for Queue {
    fn list(&self, filter: &ItemFilter) -> Result<ItemPage, QueueError> {
        let fits = |item: &&WorkItem| {
            filter.team.as_deref().is_none_or(|team| *item.team == *team)
                && filter.state.is_none_or(|state| item.state == state)
        };
        let items =
            self.with(|items| items.values().map(|record| &record.item).filter(fits).cloned().collect());
        Ok(ItemPage { items, next: None })
    }

    fn show(&self, id: ItemId) -> Result<ItemRecord, QueueError> {
        self.with(|items| items.get(&id.0).cloned()).ok_or(QueueError::NotFound(id))
    }

    fn stats(&self) -> Result<QueueStats, QueueError> {
        let new = self.with(|items| items.values().filter(|r| r.item.state == ItemState::New).count() as u64);
        let team =
            TeamStats { team: "support".to_owned(), new_by_lane: [0, 0, 0, new], ..Default::default() };
        Ok(QueueStats { teams: vec![team] })
    }

    fn changes(&self, filter: &ChangeFilter) -> Result<ChangePage, QueueError> {
        Ok(ChangePage { next: filter.after, newest: filter.after, ..ChangePage::default() })
    }
}

fn item(id: ItemId, text: &str) -> WorkItem {
    let at = "2026-11-21T10:00:00Z";
    let value = serde_json::json!({
        "schema": 1, "id": id.to_string(), "created_at": at, "updated_at": at, "brand": "acme",
        "team": "support", "state": "new", "due_at": at,
        "priority": {"score": 87, "lane": "critical", "factors": {"urgency": 0.8, "sentiment": 0.7,
            "influence": 0.1, "amplification": 0.3, "floor": "high"}},
        "sentiment": {"score": -0.72, "label": "negative", "confidence": 0.9}, "urgency": 0.81,
        "urgency_label": "high", "intent": "complaint", "lang": "en",
        "matches": [{"rule": "acme-outage", "spans": [[0, 4]]}],
        "post": {"source": "bluesky", "uri": "at://x", "url": null, "author": {"id": "did:x", "handle": null},
            "text": text, "created_at": at, "received_at": at, "kind": "post", "root": null, "parent": null,
            "links": [], "hashtags": [], "mentions": []},
        "cluster": {"id": "0", "size": 3, "authors": 2, "first_seen": at},
        "author_history": {"mentions": 4, "open_items": 1, "last_sentiment": null, "first_seen": null},
        "reply": null
    });
    serde_json::from_value(value).unwrap()
}

fn sample() -> RuleSample {
    RuleSample {
        received_at: Timestamp::ZERO,
        uri: "at://x".to_owned(),
        author: "did:x".to_owned(),
        lang: "en".to_owned(),
        text: "acme\x1b[2J".to_owned(),
        spans: vec![(0, 4)],
    }
}

fn engine(queue: &Queue, status: &Status, commands: &Receiver<Command>) {
    let heartbeat = status.register_loop("engine");
    for command in commands {
        heartbeat.tick();
        match command {
            Command::Queue(op, reply) => drop(reply.send(queue.apply(op))),
            Command::ReplySwitch { armed, by, reason, reply } => {
                let mut state = (*status.reply()).clone();
                (state.armed, state.switched_by, state.switched_reason) = (armed, Some(by), Some(reason));
                status.set_reply(state.clone());
                drop(reply.send(Ok(state)));
            }
            Command::AcceptClock { reply, .. } => drop(reply.send(Ok(0.0))),
            Command::Samples { rule, reply } => drop(reply.send(if rule == "acme-shadow" {
                Ok(vec![sample()])
            } else {
                Err(format!("no {rule}"))
            })),
        }
    }
}

/// A running stub; stops when dropped.
pub(crate) struct Daemon {
    pub(crate) address: SocketAddr,
    pub(crate) status: Arc<Status>,
    pub(crate) shutdown: CancellationToken,
    served: Option<tokio::task::JoinHandle<()>>,
    runtime: Runtime,
}

impl Daemon {
    /// Starts with two items for the team `support`, on a free port.
    pub(crate) fn start(config: Config) -> Self {
        let config = Config { listen: "127.0.0.1:0".parse().unwrap(), token_env: None, ..config };
        let (status, queue) = (Arc::new(Status::default()), Arc::new(Queue::default()));
        for (offset, text) in ["acme is down", "again\x1b[2J\nFAKE \u{202e}row"].into_iter().enumerate() {
            let id = ItemId(FIRST.0 + offset as u128);
            queue.with(|items| items.insert(id.0, ItemRecord { item: item(id, text), history: vec![] }));
        }
        let (commands, receiver) = Handle::commands();
        thread::spawn({
            let (queue, status) = (Arc::clone(&queue), Arc::clone(&status));
            move || engine(&queue, &status, &receiver)
        });
        let changes = tokio::sync::watch::channel(0).1;
        let metrics = Arc::new(|| "birddog_build_info 1\n".to_owned());
        let handle = Handle::new(Parts {
            commands,
            queue,
            status: Arc::clone(&status),
            metrics,
            changes,
            ingests: Vec::new(),
        });
        let runtime = Runtime::new().unwrap();
        let api = runtime.block_on(Api::bind(config, handle)).unwrap();
        let (address, shutdown) = (api.local_addr(), CancellationToken::new());
        let served = Some(runtime.spawn(api.serve(shutdown.clone())));
        Self { address, status, shutdown, served, runtime }
    }

    /// Makes `/readyz` say yes.
    pub(crate) fn make_ready(&self) {
        self.status.set_store_writable(true);
        self.status.report_rules(|| RulesStatus { count: 1, ..RulesStatus::default() });
        self.status.report_sources(|| vec![SourceStatus { connected: true, ..SourceStatus::default() }]);
    }

    /// Stops and waits for the server's end.
    pub(crate) fn stop(&mut self) {
        self.shutdown.cancel();
        if let Some(served) = self.served.take() {
            self.runtime.block_on(served).unwrap();
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
