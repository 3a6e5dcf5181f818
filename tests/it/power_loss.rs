//! Power loss at any moment: what was acknowledged before is there after, nothing is there twice or was never said, and
//! from there the daemon goes on to the end of the stream.
//!
//! One run of the daemon, restarts and a kill among them, is recorded by a library below it, and gives many histories:
//! each is the disk as it may look after a cut at one of the records. `BIRDDOG_SEED` plays a run again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::numbered::Numbered;
use crate::process::{Client, Process, Site, until};
use crate::proof::{self, Proof};
use crate::recorder::{Disk, Recording};
use crate::shim::Shim;

const POSTS: u64 = 1_500;
/// Events a second: some commits each, and more than one pass of the log into the database.
const RATE: f64 = 1_200.0;
/// A restart reads this much again.
const REWIND: &str = "200ms";
/// Lives of the daemon in one recording.
const LIVES: u64 = 4;
const STDOUT_SINK: &str = "[[sink]]\ntype = \"stdout\"\nname = \"out\"\n";

/// What an agent was told, once the recording had `bytes` bytes.
struct Promise {
    bytes: u64,
    id: String,
    state: &'static str,
    note: Option<String>,
}

/// A recording, and everything that was promised while it was made.
struct Recorded {
    recording: Recording,
    promises: Vec<Promise>,
}

struct Agent<'a> {
    shim: &'a Shim,
    promises: Vec<Promise>,
}

impl Agent<'_> {
    fn promised(&mut self, id: &str, state: &'static str, note: Option<String>) {
        let bytes = fs::metadata(self.shim.recording()).unwrap().len();
        self.promises.push(Promise { bytes, id: id.to_owned(), state, note });
    }

    /// Claims what there is; every other item is resolved, the others have a note.
    fn work(&mut self, client: &Client) {
        let claim = json!({"team": "support", "agent": "ann", "lease": "24h", "max": 4});
        let claimed = client.post("/api/v1/queue/claim", &claim)["items"].clone();
        for (place, item) in claimed.as_array().unwrap().iter().enumerate() {
            let id = item["id"].as_str().unwrap();
            let note = format!("case {} of {}", place, self.promises.len());
            if place % 2 == 0 {
                let body = json!({"agent": "ann", "note": note});
                client.post(&format!("/api/v1/items/{id}/resolve"), &body);
                self.promised(id, "resolved", Some(note));
            } else {
                client.post(&format!("/api/v1/items/{id}/note"), &json!({"agent": "ann", "text": note}));
                self.promised(id, "claimed", Some(note));
            }
        }
    }
}

fn start(site: &Site, shim: &Shim) -> Process {
    site.start_with(|command| {
        shim.record(command, site.folder());
        command.stdout(File::create(site.folder().join("stdout")).unwrap());
    })
}

fn record(numbered: &Numbered, dice: &mut Dice) -> Recorded {
    let (site, shim) = (Site::with_one_rule(&numbered.feed.url(), REWIND), Shim::new());
    site.configure(STDOUT_SINK);
    let mut agent = Agent { shim: &shim, promises: Vec::new() };
    for life in 1..=LIVES {
        let mut daemon = start(&site, &shim);
        let client = daemon.listening();
        let work = Duration::from_millis(400 + dice.below(400));
        let since = std::time::Instant::now();
        let is_over = |site: &Site| {
            if life == LIVES { numbered.is_read_to_end(&site.store()) } else { since.elapsed() > work }
        };
        until("this life is over", || {
            agent.work(&client);
            is_over(&site).then_some(())
        });
        if life == LIVES || dice.per_mille(500) {
            daemon.stop();
        } else {
            daemon.kill();
            Recording::catch_up(&shim.recording(), site.folder());
        }
    }
    Recorded { recording: Recording::read(&shim.recording()), promises: agent.promises }
}

/// What is wrong after a cut, if anything.
struct History<'a> {
    recorded: &'a Recorded,
    cut: usize,
    numbered: &'a Numbered,
}

impl History<'_> {
    fn check(&self, disk: &Disk, dice: &mut Dice) -> Result<(), String> {
        let site = Site::with_one_rule(&self.numbered.feed.url(), REWIND);
        disk.lose_power(site.folder(), dice);
        if site.store().exists() {
            self.check_at_rest(&site)?;
        }
        self.go_on(&site)
    }

    /// On a copy, since SQLite tidies up when it opens a file.
    fn check_at_rest(&self, site: &Site) -> Result<(), String> {
        let copy = tempfile::tempdir().unwrap();
        for name in ["birddog.db", "birddog.db-wal"] {
            if site.folder().join(name).exists() {
                fs::copy(site.folder().join(name), copy.path().join(name)).unwrap();
            }
        }
        let announced = self.announced();
        let db = Connection::open(copy.path().join("birddog.db")).map_err(|error| error.to_string())?;
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = db.query_row(tables, [], |row| row.get(0)).map_err(|error| error.to_string())?;
        drop(db);
        if tables == 0 {
            return announced.is_empty().then_some(()).ok_or_else(|| "the store is empty".to_owned());
        }
        let stored = self.numbered.check_so_far(&copy.path().join("birddog.db"))?;
        let lost: Vec<&String> = announced.difference(&stored).take(3).collect();
        if lost.is_empty() { Ok(()) } else { Err(format!("announced and lost: {lost:?}")) }
    }

    /// Identities of the posts whose items were announced before the cut.
    fn announced(&self) -> BTreeSet<String> {
        let text = self.recorded.recording.announced(self.cut);
        let whole = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        whole.map(|item| item["post"]["uri"].as_str().unwrap().to_owned()).collect()
    }

    /// The real daemon opens what is left, has all that was promised, and reads to the end of the stream.
    fn go_on(&self, site: &Site) -> Result<(), String> {
        let mut daemon = site.start();
        let client = daemon.listening();
        let bytes = self.recorded.recording.bytes_before(self.cut);
        for promise in self.recorded.promises.iter().filter(|promise| promise.bytes <= bytes) {
            promise.check(&show(&client, &promise.id)?)?;
        }
        until("the store has dealt with the last event", || {
            assert!(!daemon.has_ended(), "the daemon ended: {}", daemon.log());
            self.numbered.is_read_to_end(&site.store()).then_some(())
        });
        daemon.stop();
        self.numbered.check(&site.store());
        Ok(())
    }
}

fn show(client: &Client, id: &str) -> Result<Value, String> {
    let (status, text) = client.text(&format!("/api/v1/items/{id}"));
    if status == 200 { Ok(serde_json::from_str(&text).unwrap()) } else { Err(format!("lost: {id}: {text}")) }
}

impl Promise {
    fn check(&self, record: &Value) -> Result<(), String> {
        let state = &record["item"]["state"];
        let has_note = |note: &String| record["history"].to_string().contains(note.as_str());
        if state != self.state {
            return Err(format!("{} was {}, and is {state}", self.id, self.state));
        }
        if self.note.as_ref().is_some_and(|note| !has_note(note)) {
            return Err(format!("the note on {} is gone", self.id));
        }
        Ok(())
    }
}

/// Where to cut: right behind an announcement, when most is promised, or anywhere.
fn cuts(recorded: &Recorded, count: u64, dice: &mut Dice) -> Vec<usize> {
    let announcements = recorded.recording.announcements();
    assert!(announcements.len() > 20, "{} announcements are too few", announcements.len());
    let mut cut = || {
        if dice.per_mille(500) {
            announcements[dice.below(announcements.len() as u64) as usize] + 1
        } else {
            dice.below(recorded.recording.len() as u64 + 1) as usize
        }
    };
    let mut cuts: Vec<usize> = (0..count).map(|_| cut()).collect();
    cuts.sort_unstable();
    cuts
}

#[test]
fn after_a_power_loss_everything_acknowledged_is_there_once_and_the_daemon_goes_on() {
    let proof = Proof::of("power loss: unsynced writes dropped or torn at 512 bytes");
    let (recordings, histories) = (proof::count(1, 20), proof::count(20, 50));
    let mut dice = Dice::from_environment("power loss");
    let (mut wrong, mut promises, mut syncs) = (Vec::new(), 0, 0);
    for _ in 0..recordings {
        let seed = dice.below(u64::MAX);
        let (paced, quick) = Numbered::serve_twins(seed, POSTS, RATE);
        let recorded = record(&paced, &mut dice);
        promises += recorded.promises.len();
        syncs += recorded.recording.syncs();
        let mut disk = Disk::default();
        for cut in cuts(&recorded, histories, &mut dice) {
            disk.advance(&recorded.recording, cut);
            let history = History { recorded: &recorded, cut, numbered: &quick };
            if let Err(error) = history.check(&disk, &mut dice) {
                wrong.push(format!("seed {seed}, cut at {cut}: {error}"));
            }
        }
    }
    let count = format!("{} histories", recordings * histories);
    let result = format!(
        "0 lost, 0 twice, 0 invented; cuts among {syncs} syncs, {promises} acknowledged orders; each went on to the end"
    );
    proof.verdict(count, result, wrong);
}
