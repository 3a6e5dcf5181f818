//! Stores that former versions wrote: each opens, with its items, its positions, its ledger and the reply switch.
//!
//! `tests/fixtures/stores/schema-N.sqlite` is what that version's daemon left when it was stopped;
//! `schema-N.items.jsonl` is what its own API said of the items.

use std::path::{Path, PathBuf};
use std::time::Duration;

use birddog::model::{
    Change, ChangeFilter, Commit, ItemFilter, ItemId, ItemState, Key, Moment, PostGone, QueueOp, Recovered,
    ReplyVerdict, WorkItem,
};
use birddog::store::{Config, Store};
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores")
}

/// A copy of a former store, which can be opened.
struct Former {
    config: Config,
    expected: Vec<Value>,
    _dir: tempfile::TempDir,
}

impl Former {
    fn of(schema: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.db");
        std::fs::copy(fixtures().join(format!("schema-{schema}.sqlite")), &path).unwrap();
        let expected =
            std::fs::read_to_string(fixtures().join(format!("schema-{schema}.items.jsonl"))).unwrap();
        let expected = expected.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { config: Config { path, ..Config::default() }, expected, _dir: dir }
    }

    fn open(&self) -> Store {
        Store::open(&self.config, true).unwrap()
    }
}

fn all_items(store: &Store) -> Vec<WorkItem> {
    let states = [None, Some(ItemState::Resolved), Some(ItemState::Withdrawn)];
    let list = |state| {
        let filter = ItemFilter { state, limit: Some(1_000), ..ItemFilter::default() };
        store.reader().list(&filter, birddog::clock::wall_clock()).unwrap().items
    };
    states.into_iter().flat_map(list).collect()
}

fn uri_of(item: &WorkItem) -> &str {
    &item.post().expect("it is about a post").post.uri
}

/// What the fixture says of an item, said of this one.
fn said_of(item: &WorkItem) -> Value {
    let body = item.post().expect("it is about a post");
    json!({
        "id": item.id.to_string(), "team": item.team, "state": item.state, "score": item.priority.score,
        "lane": item.priority.lane, "created_at": item.created_at, "due_at": item.due_at, "uri": body.post.uri,
        "author": body.post.author.id, "text": body.post.text, "size": body.cluster.size,
        "authors": body.cluster.authors, "intent": item.scores.intent, "held_by": item.claimed_by,
        "rules": body.matches.iter().map(|found| found.rule.to_string()).collect::<Vec<_>>(),
    })
}

fn recovered(store: &Store) -> Recovered {
    store.recover(store.clock().unwrap().steady).unwrap()
}

#[test]
fn a_store_of_schema_3_opens_with_all_its_items_as_they_were() {
    let former = Former::of(3);
    let mut expected = former.expected.clone();
    expected.iter_mut().for_each(|item| _ = item.as_object_mut().unwrap().remove("reply"));
    for round in 0..2 {
        let store = former.open();
        let items: Vec<Value> = all_items(&store).iter().map(said_of).collect();
        assert_eq!(items, expected, "round {round}");
    }
}

#[test]
fn a_store_of_schema_4_opens_with_its_items_positions_and_ledger() {
    let former = Former::of(4);
    for round in 0..2 {
        let store = former.open();
        let items: Vec<Value> = all_items(&store).iter().map(said_of).collect();
        assert_eq!(items, former.expected, "round {round}");
        let recovered = recovered(&store);
        assert_eq!(recovered.positions[0].1.0, 1_767_225_608_967_614);
        assert_eq!((recovered.ledger.len(), recovered.seen.is_empty()), (17, false));
        assert!(recovered.reply_switch.as_ref().is_some_and(|switch| switch.armed));
        let page = store.reader().changes(&ChangeFilter::default()).unwrap();
        assert_eq!((page.changes.len(), page.newest, page.gap), (0, 0, false), "the feed begins");
    }
}

#[test]
fn its_positions_switch_and_ledger_bind_as_they_did() {
    let former = Former::of(3);
    let store = former.open();
    let recovered = recovered(&store);
    let position = recovered.positions.iter().find(|(source, _)| &**source == "bluesky").unwrap().1;
    assert_eq!(position.0, 1_796_080_989_977_271);
    assert!(recovered.reply_switch.as_ref().is_some_and(|switch| switch.armed && switch.by == "ann"));
    let count = |verdict| recovered.ledger.iter().filter(|entry| entry.verdict == verdict).count();
    assert_eq!((count(ReplyVerdict::Allow), count(ReplyVerdict::Suppress)), (3, 19));
    let allowed = recovered.ledger.iter().find(|entry| entry.verdict == ReplyVerdict::Allow).unwrap();
    let item = all_items(&store).into_iter().find(|item| Key::unkeyed(uri_of(item)) == allowed.post);
    let item = item.expect("an answered post has its item");
    assert_eq!(Key::unkeyed(&item.post().unwrap().post.author.id), allowed.author);
    assert!(recovered.ledger.iter().all(|entry| entry.at.steady <= store.clock().unwrap().steady));
}

#[test]
fn an_entry_whose_author_is_nowhere_else_in_the_store_still_binds() {
    let former = Former::of(3);
    let db = rusqlite::Connection::open(&former.config.path).unwrap();
    let author = birddog::model::stable_hash(b"did:plc:longgone") as i64;
    let sql = "INSERT INTO ledger(at, post, author, conversation, rule, account, verdict, guard)
        VALUES (1, 2, ?1, 4, 'r', 'bluesky', 2, 'opt_out')";
    db.execute(sql, [author]).unwrap();
    drop(db);
    let recovered = recovered(&former.open());
    let unkeyed = Key::unkeyed("did:plc:longgone");
    assert!(recovered.ledger.iter().any(|entry| entry.author == unkeyed), "{:?}", recovered.ledger);
}

#[test]
fn its_items_can_be_worked_on_and_withdrawn() {
    let former = Former::of(3);
    let store = former.open();
    let keys = store.keys().unwrap();
    let waiting = all_items(&store).into_iter().find(|item| item.state == ItemState::Waiting).unwrap();
    let reader = store.reader();
    let mut writer = store.into_writer();
    let now = Moment::at(birddog::clock::wall_clock());
    let agent = waiting.claimed_by.clone().unwrap();
    writer.apply(&QueueOp::Resolve { id: waiting.id, agent, note: None }, now).unwrap();
    let withdrawn =
        |state: &str| former.expected.iter().find(|item| item["state"] == state).cloned().unwrap();
    let target = withdrawn("new");
    let (uri, id): (&str, ItemId) =
        (target["uri"].as_str().unwrap(), target["id"].as_str().unwrap().parse().unwrap());
    let post = keys.post("bluesky", uri);
    let gone = PostGone {
        network: "bluesky",
        uri: uri.into(),
        post,
        cluster: None,
        event: keys.deletion(post, "x"),
    };
    let commit = Commit {
        now: now + Duration::from_secs(1),
        changes: vec![Change::PostGone(gone)],
        ..Commit::default()
    };
    assert_eq!(writer.commit(&commit).unwrap().changes_missed, 0);
    let record = reader.show(id, now.wall).unwrap().unwrap();
    assert_eq!((record.item.state, record.item.headline()), (ItemState::Withdrawn, ""));
}
