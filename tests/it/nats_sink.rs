//! The NATS sink against a real server: everything arrives, once, through crashes of the server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use async_nats::jetstream::{self, consumer};
use birddog::dispatch;
use birddog::model::body::{Body, BodyPost};
use birddog::model::{
    About, AboutPost, Change, Commit, Factors, ItemId, Key, Keyring, Lane, Moment, NewItem, Steady,
    Timestamp, WorkItem,
};
use birddog::sinks::{Config, Sink};
use birddog::store::{self, CursorUpdate, Reader, SinkLaneCounts, Store, Writer};
use crossbeam::channel::{Receiver, Sender, bounded};
use futures_util::StreamExt as _;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::servers::Nats;

/// A store with one NATS sink, a thread that plays the engine, and the dispatcher.
struct Rig {
    runtime: Runtime,
    reader: Reader,
    writes: Option<Sender<Vec<NewItem>>>,
    engine: Option<JoinHandle<()>>,
    shutdown: CancellationToken,
    _dir: tempfile::TempDir,
}

impl Rig {
    fn start(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = store::Config { path: dir.path().join("test.db"), ..store::Config::default() };
        let sink: Config = toml::from_str(settings).unwrap();
        let store = Store::open(&config, true).unwrap();
        let (reader, mut writer) = (store.reader(), store.into_writer());
        writer.set_sinks(&[Arc::from(sink.name())]).unwrap();
        let (writes, new_items) = bounded(4);
        let (updates, advances) = bounded(4);
        let engine = std::thread::spawn(move || play_engine(writer, &new_items, &advances));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let shutdown = CancellationToken::new();
        let quick = dispatch::Config { retry_max: Duration::from_millis(200), ..dispatch::Config::default() };
        let sinks: Vec<Sink> = vec![sink.build().unwrap()];
        runtime.spawn(dispatch::run(sinks, quick, reader.clone(), updates, shutdown.clone()));
        Self { runtime, reader, writes: Some(writes), engine: Some(engine), shutdown, _dir: dir }
    }

    fn store(&self, items: Vec<NewItem>) {
        self.writes.as_ref().unwrap().send(items).unwrap();
    }

    fn balance(&self) -> SinkLaneCounts {
        let counts = self.reader.sink_counts().unwrap().remove(0);
        counts.lanes.into_iter().fold(SinkLaneCounts::default(), |sum, lane| SinkLaneCounts {
            announced: sum.announced + lane.announced,
            delivered: sum.delivered + lane.delivered,
            dead: sum.dead + lane.dead,
            pending: sum.pending + lane.pending,
        })
    }

    /// Waits until the sink's balance is as wanted.
    fn wait(&self, is_reached: impl Fn(&SinkLaneCounts) -> bool) -> SinkLaneCounts {
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        loop {
            let balance = self.balance();
            assert_eq!(balance.announced, balance.delivered + balance.dead + balance.pending);
            if is_reached(&balance) {
                return balance;
            }
            assert!(std::time::Instant::now() < deadline, "not reached: {balance:?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.writes = None;
        if let Some(engine) = self.engine.take() {
            drop(engine.join());
        }
    }
}

fn play_engine(mut writer: Writer, items: &Receiver<Vec<NewItem>>, updates: &Receiver<CursorUpdate>) {
    loop {
        crossbeam::channel::select! {
            recv(items) -> items => {
                let Ok(items) = items else { return };
                let changes = items.into_iter().map(|item| Change::New(Box::new(item))).collect();
                writer.commit(&Commit { changes, ..Commit::default() }).unwrap();
            }
            recv(updates) -> update => {
                let Ok(update) = update else { return };
                writer.advance(&[update], Steady::ZERO).unwrap();
            }
        }
    }
}

fn item(n: u64, text: &str) -> NewItem {
    let now = Timestamp::from_micros(1_725_911_162_000_000);
    let uri = format!("at://{n}");
    let post = Keyring::FIXED.post("bluesky", &uri);
    let shown = BodyPost { source: "bluesky", uri: &uri, text, ..BodyPost::default() };
    let body = Body { lang: "en", post: shown, ..Body::default() };
    NewItem {
        id: ItemId(n.into()),
        team: Arc::from("support"),
        brand: Arc::from("acme"),
        score: 50,
        lane: Lane::from_index((n % 4) as u8),
        factors: Factors::default(),
        about: About::Post(AboutPost { cluster: post, post, author: Key(1), ..AboutPost::default() }),
        created_at: Moment::at(now),
        due_at: now,
        received_at: now,
        body: body.encode(),
    }
}

fn items(range: std::ops::RangeInclusive<u64>) -> Vec<NewItem> {
    range.map(|n| item(n, &format!("post {n}"))).collect()
}

/// Message id, subject and payload of everything in the stream.
async fn read_stream(url: &str) -> Vec<(String, String, Vec<u8>)> {
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    let mut stream = context.get_stream("BIRDDOG").await.unwrap();
    let count = stream.info().await.unwrap().state.messages;
    let config = consumer::pull::Config { ack_policy: consumer::AckPolicy::None, ..Default::default() };
    let consumer = stream.create_consumer(config).await.unwrap();
    let messages = consumer.messages().await.unwrap().take(usize::try_from(count).unwrap());
    let read = messages.map(|message| {
        let message = message.unwrap();
        let id = message.headers.as_ref().unwrap().get("Nats-Msg-Id").unwrap().to_string();
        (id, message.subject.to_string(), message.payload.to_vec())
    });
    read.collect().await
}

fn settings(server: &Nats) -> String {
    format!(
        "type = \"nats\"\nname = \"n\"\nurl = \"{}\"\nstream = \"BIRDDOG\"\ntimeout = \"2s\"",
        server.url()
    )
}

#[test]
fn items_arrive_once_under_their_subject_with_their_idempotency_key() {
    let server = Nats::start(&[]);
    let rig = Rig::start(&settings(&server));
    rig.store(items(1..=500));
    let balance = rig.wait(|balance| balance.delivered == 500);
    assert_eq!((balance.dead, balance.pending), (0, 0));
    let messages = rig.runtime.block_on(read_stream(&server.url()));
    assert_eq!(messages.len(), 500);
    for (key, subject, payload) in messages {
        let item: WorkItem = serde_json::from_slice(&payload).unwrap();
        assert_eq!(key, format!("{}-1", item.id));
        assert_eq!(subject, format!("birddog.support.{}", item.priority.lane.as_str()));
        assert_eq!(item.headline(), format!("post {}", item.id.0));
    }
}

#[test]
fn a_server_killed_on_the_way_gets_everything_in_the_end_and_nothing_twice() {
    let mut server = Nats::start(&[]);
    let rig = Rig::start(&settings(&server));
    let mut stored = 0;
    for round in 1..=4 {
        for _ in 0..4 {
            rig.store(items(stored + 1..=stored + 250));
            stored += 250;
        }
        rig.wait(|balance| balance.delivered > (round - 1) * 1_000);
        server.kill();
        rig.store(items(stored + 1..=stored + 50));
        stored += 50;
        server.restart();
    }
    let balance = rig.wait(|balance| balance.announced == stored && balance.pending == 0);
    assert_eq!((balance.delivered, balance.dead), (stored, 0));
    let messages = rig.runtime.block_on(read_stream(&server.url()));
    let mut copies: BTreeMap<String, u32> = BTreeMap::new();
    messages.into_iter().for_each(|(key, ..)| *copies.entry(key).or_default() += 1);
    assert_eq!(copies.len() as u64, stored, "all of them");
    assert!(copies.values().all(|&count| count == 1), "the server dropped what was sent twice");
}

/// Deletes the stream behind the sink's back.
async fn delete_stream(url: &str) {
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    context.delete_stream("BIRDDOG").await.unwrap();
}

/// The numbers of the items in the stream, in its order, by lane.
fn numbers_by_lane(messages: &[(String, String, Vec<u8>)]) -> BTreeMap<String, Vec<u64>> {
    let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (_, subject, payload) in messages {
        let item: WorkItem = serde_json::from_slice(payload).unwrap();
        numbers.entry(subject.clone()).or_default().push(item.id.0 as u64);
    }
    numbers
}

/// Checks that the stream holds exactly the items `range`, each lane in order.
fn assert_holds(rig: &Rig, server: &Nats, range: std::ops::RangeInclusive<u64>) {
    let lanes = numbers_by_lane(&rig.runtime.block_on(read_stream(&server.url())));
    assert!(lanes.values().all(|numbers| numbers.is_sorted()), "{lanes:?}");
    let mut all: Vec<u64> = lanes.into_values().flatten().collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(range));
}

#[test]
fn a_stream_that_is_deleted_is_made_again_and_nothing_waits_for_a_restart() {
    let server = Nats::start(&[]);
    let rig = Rig::start(&settings(&server));
    rig.store(items(1..=500));
    rig.wait(|balance| balance.delivered == 500);
    rig.runtime.block_on(delete_stream(&server.url()));
    rig.store(items(501..=1_000));
    let balance = rig.wait(|balance| balance.announced == 1_000 && balance.pending == 0);
    assert_eq!((balance.delivered, balance.dead), (1_000, 0));
    assert_holds(&rig, &server, 501..=1_000);
}

#[test]
fn a_stream_deleted_under_load_makes_no_dead_letters_and_keeps_the_order() {
    let server = Nats::start(&[]);
    let rig = Rig::start(&settings(&server));
    for round in 0..4 {
        (0..4).for_each(|part| {
            rig.store(items(round * 1_000 + part * 250 + 1..=round * 1_000 + part * 250 + 250))
        });
        rig.wait(|balance| balance.delivered > round * 1_000);
        rig.runtime.block_on(delete_stream(&server.url()));
    }
    rig.store(items(4_001..=4_100));
    let balance = rig.wait(|balance| balance.announced == 4_100 && balance.pending == 0);
    assert_eq!((balance.delivered, balance.dead), (4_100, 0));
    let lanes = numbers_by_lane(&rig.runtime.block_on(read_stream(&server.url())));
    assert!(lanes.values().all(|numbers| numbers.is_sorted()), "{lanes:?}");
    assert!(lanes.values().flatten().filter(|&&number| number > 4_000).count() == 100);
}

#[test]
fn a_server_that_lost_its_disk_gets_its_stream_again() {
    let mut server = Nats::start(&[]);
    let rig = Rig::start(&settings(&server));
    rig.store(items(1..=300));
    rig.wait(|balance| balance.delivered == 300);
    server.kill();
    server.wipe();
    rig.store(items(301..=600));
    server.restart();
    let balance = rig.wait(|balance| balance.announced == 600 && balance.pending == 0);
    assert_eq!((balance.delivered, balance.dead), (600, 0));
    assert_holds(&rig, &server, 301..=600);
}

#[test]
fn an_item_the_server_will_never_take_becomes_a_dead_letter_and_the_rest_passes() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("nats.conf");
    std::fs::write(&config, "max_payload: 4096\n").unwrap();
    let server = Nats::start(&["-c", config.to_str().unwrap()]);
    let rig = Rig::start(&settings(&server));
    let mut batch = items(1..=10);
    batch.insert(4, item(99, &"x".repeat(10_000)));
    rig.store(batch);
    let balance = rig.wait(|balance| balance.announced == 11 && balance.pending == 0);
    assert_eq!((balance.delivered, balance.dead), (10, 1));
    let letters = rig.reader.dead_letters(10).unwrap();
    assert_eq!((letters.len(), letters[0].id), (1, ItemId(99)));
    assert!(letters[0].reason.contains("exceeded"), "{}", letters[0].reason);
}

#[test]
fn a_server_that_is_not_there_yet_only_makes_the_backlog_grow() {
    let mut server = Nats::start(&[]);
    server.kill();
    let rig = Rig::start(&settings(&server));
    rig.store(items(1..=300));
    let balance = rig.wait(|balance| balance.announced == 300);
    assert_eq!((balance.delivered, balance.pending), (0, 300));
    server.restart();
    rig.wait(|balance| balance.delivered == 300);
}

#[test]
fn a_token_is_read_from_its_file_and_accepted() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Nats::start(&["--auth", "s3cret"]);
    let path = server.dir().join("token");
    std::fs::write(&path, "s3cret\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let rig = Rig::start(&format!("{}\ntoken_file = {path:?}", settings(&server)));
    rig.store(items(1..=5));
    rig.wait(|balance| balance.delivered == 5);
}
