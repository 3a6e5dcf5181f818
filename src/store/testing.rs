//! What the store's tests share: a store in a temporary folder, and items by number.

use std::sync::Arc;
use std::time::Duration;

use smallvec::smallvec;

use super::{Config, Reader, Store, Writer};
use crate::model::body::{Address, Body, BodyMatch, BodyPost};
use crate::model::{
    AuthorHistory, Commit, Factors, ItemId, Lane, NewItem, QueueOp, Recovered, Sentiment, SentimentLabel,
    Timestamp, WorkItem, stable_key,
};

/// A point in time all tests count from.
pub(crate) const T0: Timestamp = Timestamp::from_micros(1_725_911_162_000_000);

/// `seconds` after [`T0`].
pub(crate) fn at(seconds: u64) -> Timestamp {
    T0 + Duration::from_secs(seconds)
}

/// An open store whose folder goes with it.
pub(crate) struct Fixture {
    pub(crate) config: Config,
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
    dir: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { path: dir.path().join("test.db"), ..Config::default() };
        configure(&mut config);
        let store = Store::open(&config, true).unwrap();
        let (reader, writer) = (store.reader(), store.into_writer());
        Self { config, writer, reader, dir }
    }

    /// Closes the writer and opens the store again, as after a restart; gives what is recovered at `now`.
    pub(crate) fn restart(&mut self, now: Timestamp) -> Recovered {
        let elsewhere = Config { path: self.dir.path().join("elsewhere.db"), ..self.config.clone() };
        let stand_in = Store::open(&elsewhere, true).unwrap().into_writer();
        drop(std::mem::replace(&mut self.writer, stand_in));
        let store = Store::open(&self.config, true).unwrap();
        let recovered = store.recover(now).unwrap();
        self.writer = store.into_writer();
        recovered
    }

    pub(crate) fn store(&mut self, items: Vec<NewItem>) {
        let now = items.last().map_or(T0, |item| item.created_at);
        self.writer.commit(&Commit { now, items, ..Commit::default() }).unwrap();
    }

    pub(crate) fn claim(&mut self, team: &str, agent: &str, count_max: u32, now: Timestamp) -> Vec<WorkItem> {
        let op = QueueOp::Claim {
            team: team.to_owned(),
            agent: agent.to_owned(),
            lease: Duration::from_secs(60),
            count_max,
        };
        self.writer.apply(&op, now).unwrap()
    }

    pub(crate) fn get(&self, id: ItemId) -> WorkItem {
        self.reader.show(id).unwrap().unwrap().item
    }

    pub(crate) fn actions(&self, id: ItemId) -> Vec<String> {
        let history = self.reader.show(id).unwrap().unwrap().history;
        history.into_iter().map(|entry| format!("{} {}", entry.agent, entry.action)).collect()
    }
}

/// The id of item `n`.
pub(crate) fn id(n: u64) -> ItemId {
    ItemId::derive("bluesky", &n.to_string(), "support")
}

/// Item `n` of team support, made `n` seconds after [`T0`]; post `n`, author `n % 10`.
pub(crate) fn item(n: u64, lane: Lane) -> NewItem {
    NewItem {
        id: id(n),
        team: Arc::from("support"),
        brand: Arc::from("acme"),
        score: 50,
        lane,
        factors: Factors { urgency: 0.5, ..Factors::default() },
        cluster: post(n),
        post: post(n),
        author: author(n % 10),
        created_at: at(n),
        due_at: at(n + 900),
        received_at: at(n),
        history: AuthorHistory::default(),
        reply: None,
        body: body(&format!("post number {n}")),
    }
}

pub(crate) fn post(n: u64) -> u64 {
    stable_key(format!("at://post/{n}").as_bytes())
}

pub(crate) fn author(n: u64) -> u64 {
    stable_key(format!("did:{n}").as_bytes())
}

/// A body with this text.
pub(crate) fn body(text: &str) -> Vec<u8> {
    let post = BodyPost {
        source: "bluesky",
        uri: "at://did:1/app.bsky.feed.post/1",
        url: Address::OfUri,
        handle: Some("somebody.example"),
        text,
        created_at: T0,
        received_at: T0,
        links: smallvec!["https://example.org"],
        hashtags: smallvec!["acme"],
        mentions: smallvec!["did:2"],
        ..BodyPost::default()
    };
    let found = BodyMatch { rule: "acme-outage", spans: vec![(0, 4)].into() };
    let sentiment = Sentiment { score: -0.5, label: SentimentLabel::Negative, confidence: 0.9 };
    let body =
        Body { sentiment, urgency: 0.5, lang: "en", matches: smallvec![found], post, ..Body::default() };
    body.encode()
}
