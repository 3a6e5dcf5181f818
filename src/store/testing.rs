//! What the store's tests share: a store in a temporary folder, and items by number.

use std::sync::Arc;
use std::time::Duration;

use smallvec::smallvec;

use super::{Config, Reader, Store, Writer};
use crate::model::body::{Address, Body, BodyMatch, BodyPost};
use crate::model::{
    About, AboutPost, Change, Commit, Factors, ItemId, Key, Keyring, Lane, Moment, NewItem, PostGone,
    QueueOp, Recovered, Scores, Sentiment, SentimentLabel, Timestamp, WorkItem,
};

/// A point in time all tests count from.
pub(crate) const T0: Timestamp = Timestamp::from_micros(1_725_911_162_000_000);

const KEYS: Keyring = Keyring::FIXED;

/// `seconds` after [`T0`], on both clocks.
pub(crate) fn at(seconds: u64) -> Moment {
    Moment::at(T0) + Duration::from_secs(seconds)
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
    pub(crate) fn restart(&mut self, now: Moment) -> Recovered {
        let elsewhere = Config { path: self.dir.path().join("elsewhere.db"), ..self.config.clone() };
        let stand_in = Store::open(&elsewhere, true).unwrap();
        // Readers hold the lock as the writer does.
        self.reader = stand_in.reader();
        self.writer = stand_in.into_writer();
        let store = Store::open(&self.config, true).unwrap();
        let recovered = store.recover(now.steady).unwrap();
        self.reader = store.reader();
        self.writer = store.into_writer();
        recovered
    }

    pub(crate) fn store(&mut self, items: Vec<NewItem>) {
        let now = items.last().map_or(at(0), |item| item.created_at);
        self.writer.commit(&Commit { now, changes: news(items), ..Commit::default() }).unwrap();
    }

    pub(crate) fn claim(&mut self, team: &str, agent: &str, count_max: u32, now: Moment) -> Vec<WorkItem> {
        let op = QueueOp::Claim {
            team: team.to_owned(),
            agent: agent.to_owned(),
            lease: Duration::from_secs(60),
            count_max,
        };
        self.writer.apply(&op, now).unwrap()
    }

    pub(crate) fn get(&self, id: ItemId) -> WorkItem {
        self.reader.show(id, T0).unwrap().unwrap().item
    }

    pub(crate) fn actions(&self, id: ItemId) -> Vec<String> {
        let history = self.reader.show(id, T0).unwrap().unwrap().history;
        history.into_iter().map(|entry| format!("{} {}", entry.agent, entry.action)).collect()
    }
}

/// Changes that make these items.
pub(crate) fn news(items: Vec<NewItem>) -> Vec<Change> {
    items.into_iter().map(|item| Change::New(Box::new(item))).collect()
}

/// The id of item `n`.
pub(crate) fn id(n: u64) -> ItemId {
    KEYS.item(cluster(n), "support")
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
        about: About::Post(AboutPost {
            cluster: cluster(n),
            post: post(n),
            author: author(n % 10),
            ..AboutPost::default()
        }),
        created_at: at(n),
        due_at: at(n + 900).wall,
        received_at: at(n).wall,
        body: body_of(n, &format!("post number {n}")),
    }
}

pub(crate) fn uri(n: u64) -> String {
    format!("at://did:{}/app.bsky.feed.post/{n}", n % 10)
}

pub(crate) fn post(n: u64) -> Key {
    KEYS.post("bluesky", &uri(n))
}

pub(crate) fn author(n: u64) -> Key {
    KEYS.author("bluesky", &format!("did:{n}"))
}

pub(crate) fn cluster(n: u64) -> Key {
    KEYS.event(KEYS.post("bluesky", &uri(n)), "1")
}

/// Post `n` is deleted, whichever cluster it began.
pub(crate) fn gone(n: u64) -> Change {
    let event = KEYS.deletion(KEYS.post("bluesky", &uri(n)), "2");
    Change::PostGone(PostGone { network: "bluesky", uri: uri(n).into(), post: post(n), cluster: None, event })
}

/// Account `n` ends.
pub(crate) fn author_gone(n: u64) -> Change {
    Change::AuthorGone { network: "bluesky", id: format!("did:{n}").into(), author: author(n) }
}

/// A body of post `n` with this text.
pub(crate) fn body_of(n: u64, text: &str) -> Vec<u8> {
    let uri = uri(n);
    let post = BodyPost {
        source: "bluesky",
        uri: &uri,
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
    let scores = Scores { sentiment, urgency: 0.5, ..Scores::default() };
    let body = Body { scores, lang: "en", matches: smallvec![found], post, ..Body::default() };
    body.encode()
}
