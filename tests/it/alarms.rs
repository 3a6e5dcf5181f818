//! Alarms, from the observer that raises them to whoever works on them: items like any other, of a body of their own.

use std::time::Duration;

use birddog::model::{
    Alarm, ChangeFilter, ChangeKind, Commit, ItemBody, ItemFilter, ItemState, Lane, Moment, QueueOp,
    RaisedAlarm, Scores, Timestamp, WorkItem,
};
use birddog::store::{Config, Reader, Store, Writer};
use birddog::triage::{self, Triage};
use tempfile::TempDir;

/// A triage and the store that it writes to.
struct Rig {
    folder: TempDir,
    triage: Triage,
    writer: Writer,
    reader: Reader,
}

fn at(second: u64) -> Moment {
    Moment::at(Timestamp::from_micros(1_796_080_000_000_000)) + Duration::from_secs(second)
}

fn open(folder: &TempDir) -> (Triage, Writer, Reader) {
    let config = Config { path: folder.path().join("birddog.db"), ..Config::default() };
    let store = Store::open(&config, true).unwrap();
    let mut triage = Triage::new(triage::Config { keys: store.keys().unwrap(), ..triage::Config::default() });
    triage.restore(&store.recover(at(0).steady).unwrap(), at(0));
    let reader = store.reader();
    (triage, store.into_writer(), reader)
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (triage, mut writer, reader) = open(&folder);
        writer.set_sinks(&["nats".into()]).unwrap();
        Self { folder, triage, writer, reader }
    }

    /// As after a kill: nothing is left but the file.
    fn restart(self) -> Self {
        let Self { folder, triage, writer, reader } = self;
        drop((triage, writer, reader));
        let (triage, writer, reader) = open(&folder);
        Self { folder, triage, writer, reader }
    }

    fn raise(&mut self, brand: &str, posts: u64, lane: Lane, second: u64) {
        let title = format!("{brand} is talked about 40 times as often as usual");
        let alarm = Alarm { posts, authors: posts, ..Alarm::new("surge", brand, &title, at(0).wall) };
        let alarm = Alarm { last_seen: at(second).wall, evidence: vec!["at://x".to_owned()], ..alarm };
        let (team, scores) = ("pr".into(), Scores::default());
        let raised = RaisedAlarm { team, brand: brand.into(), lane, score: 90, scores, alarm };
        let mut commit = Commit::default();
        self.triage.raise(&raised, at(second), &mut commit);
        self.writer.commit(&commit).unwrap();
    }

    fn items(&self) -> Vec<WorkItem> {
        self.reader.list(&ItemFilter::default(), at(0).wall).unwrap().items
    }

    fn kinds(&self) -> Vec<ChangeKind> {
        let page = self.reader.changes(&ChangeFilter::default()).unwrap();
        page.changes.iter().map(|change| change.kind).collect()
    }

    fn announced(&self) -> Vec<(WorkItem, u32)> {
        let entries = self.reader.outbox(&[0; 4], 99, at(0).wall).unwrap();
        entries.into_iter().map(|entry| (entry.item.unwrap(), entry.revision)).collect()
    }
}

fn alarm(item: &WorkItem) -> &Alarm {
    let ItemBody::Alarm { alarm } = &item.body else { panic!("{item:?} is about a post") };
    alarm
}

#[test]
fn an_alarm_that_goes_on_is_one_item_whatever_is_restarted_meanwhile() {
    let mut rig = Rig::new();
    rig.raise("acme", 100, Lane::High, 1);
    rig.raise("globex", 5, Lane::High, 2);
    rig = rig.restart();
    rig.raise("acme", 900, Lane::High, 3);
    rig.raise("acme", 5_000, Lane::Critical, 4);
    let items = rig.items();
    let shown: Vec<_> =
        items.iter().map(|item| (&*item.brand, alarm(item).posts, item.priority.lane)).collect();
    assert_eq!(shown, [("acme", 5_000, Lane::Critical), ("globex", 5, Lane::High)]);
    use ChangeKind::{Created, Raised, Updated};
    assert_eq!(rig.kinds(), [Created, Created, Updated, Raised]);
    let revisions: Vec<_> = rig.announced().iter().map(|(item, revision)| (item.id, *revision)).collect();
    assert!(revisions.contains(&(items[0].id, 2)), "sinks are told when the lane changes: {revisions:?}");
}

#[test]
fn an_alarm_is_worked_on_like_any_item_and_is_new_work_when_it_comes_back() {
    let mut rig = Rig::new();
    rig.raise("acme", 100, Lane::High, 1);
    let (team, agent, lease) = ("pr".to_owned(), "ann".to_owned(), Duration::from_secs(60));
    let claim = QueueOp::Claim { team, agent: agent.clone(), lease, count_max: 9 };
    let [claimed] = &rig.writer.apply(&claim, at(2)).unwrap()[..] else { panic!("one item was to be had") };
    let id = claimed.id;
    assert_eq!((claimed.state, alarm(claimed).key.as_str()), (ItemState::Claimed, "surge acme"));
    rig.raise("acme", 200, Lane::High, 3);
    assert_eq!(alarm(&rig.items()[0]).posts, 200, "news reach whoever has it");
    let resolve = QueueOp::Resolve { id, agent, note: None };
    rig.writer.apply(&resolve, at(4)).unwrap();
    rig.raise("acme", 50, Lane::High, 5);
    let open = rig.items();
    assert_eq!((open.len(), alarm(&open[0]).posts), (1, 50));
    assert_ne!(open[0].id, id);
}

#[test]
fn an_alarm_names_no_author_and_no_post_of_its_own() {
    let mut rig = Rig::new();
    rig.raise("acme", 100, Lane::High, 1);
    let item = rig.items().remove(0);
    let json = serde_json::to_value(&item).unwrap();
    for absent in ["post", "author_history", "cluster", "matches", "reply", "lang"] {
        assert!(json.get(absent).is_none(), "{absent} in {json}");
    }
    assert_eq!(json["alarm"]["evidence"], serde_json::json!(["at://x"]));
    assert_eq!(serde_json::from_value::<WorkItem>(json).unwrap(), item);
}
