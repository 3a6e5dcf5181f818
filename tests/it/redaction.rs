//! Deleted text is gone from every file of the store, not only from the answers; and the files are nobody else's.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::dice::now_us;
use crate::frames;
use crate::live::{Live, item};
use crate::process::{Client, Process, Site, until};
use crate::proof::Proof;

/// Text that was deleted may still stand in the log for so long.
const GONE_AFTER: Duration = Duration::from_secs(90);
/// Longer than a page of the database.
const LONG_TEXT: usize = 40_000;

/// The store's files.
fn files(site: &Site) -> Vec<PathBuf> {
    let entries = fs::read_dir(site.folder()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("birddog.db")).collect()
}

fn holds(path: &Path, word: &str) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    memchr::memmem::find(&bytes, word.as_bytes()).is_some()
}

/// Where each of `words` still stands.
fn found(site: &Site, words: &[String]) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let in_file = |path: PathBuf| {
        let found = words.iter().filter(|word| holds(&path, word)).count();
        (found > 0).then_some((found, path))
    };
    let found = files(site).into_iter().filter_map(in_file);
    found.map(|(count, path)| format!("{count} of {} texts in {}", words.len(), name(&path))).collect()
}

struct Stage {
    live: Live,
    site: Site,
    daemon: Process,
    client: Client,
    words: Vec<String>,
}

impl Stage {
    fn new() -> Self {
        let live = Live::serve();
        let site = Site::with_one_rule(&live.url(), "0s");
        let mut daemon = site.start();
        let client = daemon.listening();
        until("it connects", || (live.connections() > 0).then_some(()));
        Self { live, site, daemon, client, words: Vec::new() }
    }

    /// A text with a word of its own at its beginning and at its end.
    fn text(&mut self, padding: usize) -> String {
        let word = |number: usize| format!("secret{number:04}confided");
        let (first, last) = (word(self.words.len()), word(self.words.len() + 1));
        self.words.extend([first.clone(), last.clone()]);
        format!("acme {first} {} {last}", "lorem ipsum ".repeat(padding / 12))
    }

    fn post(&mut self, name: &str, padding: usize) -> String {
        let text = self.text(padding);
        self.live.say(frames::post(&frames::did(name), name, now_us(), &text));
        frames::uri(&frames::did(name), name)
    }

    fn edit(&mut self, name: &str) {
        let text = self.text(0);
        self.live.say(frames::update(&frames::did(name), name, now_us(), &text));
    }

    fn delete(&self, name: &str) {
        self.live.say(frames::delete(&frames::did(name), name, now_us()));
    }

    /// One post for each way in which a text comes and goes.
    fn tell_secrets(&mut self) {
        self.post("plain", 0);
        self.post("long", LONG_TEXT);
        self.post("edited", 0);
        self.edit("edited");
        self.post("account", 300);
        let uri = self.post("held", 300);
        self.live.settle(&self.client);
        self.client.post(
            "/api/v1/queue/claim",
            &json!({"team": "support", "agent": "ann", "lease": "1h", "max": 100}),
        );
        let id = item(&self.client, &uri).unwrap()["id"].as_str().unwrap().to_owned();
        self.client.post(&format!("/api/v1/items/{id}/ack"), &json!({"agent": "ann"}));
    }

    fn delete_secrets(&self) {
        ["plain", "long", "edited", "held"].iter().for_each(|name| self.delete(name));
        self.live.say(frames::account_gone(&frames::did("account"), now_us()));
        self.live.settle(&self.client);
    }
}

#[test]
fn deleted_text_stands_in_no_file_of_the_store_while_running_and_after_a_stop() {
    let proof = Proof::of("deleted text: searched for in every file of the store");
    let mut stage = Stage::new();
    stage.tell_secrets();
    let before = found(&stage.site, &stage.words);
    assert!(!before.is_empty(), "the texts can be found as long as they are there");
    stage.delete_secrets();
    let deleted = Instant::now();
    let mut wrong = loop {
        let left = found(&stage.site, &stage.words);
        if left.is_empty() || deleted.elapsed() > GONE_AFTER {
            break left;
        }
        std::thread::park_timeout(Duration::from_millis(200));
    };
    wrong.iter_mut().for_each(|left| left.push_str(" while running"));
    let after = deleted.elapsed().as_secs();
    stage.daemon.stop();
    wrong.extend(found(&stage.site, &stage.words).into_iter().map(|left| left + " after a clean stop"));
    let count = format!("{} texts: new, held, edited, long, account gone", stage.words.len());
    proof.verdict(count, format_args!("gone after {after} s, and after a clean stop"), wrong);
}

#[test]
fn the_files_of_the_store_can_be_read_by_their_owner_only() {
    let proof = Proof::of("modes of the store's files");
    let mut stage = Stage::new();
    stage.tell_secrets();
    let modes = |site: &Site| {
        let mode = |path: &Path| fs::metadata(path).map_or(0o600, |file| file.permissions().mode() & 0o777);
        let files = files(site).into_iter().map(|path| (mode(&path), path));
        let open = files.filter(|(mode, _)| *mode != 0o600);
        open.map(|(mode, path)| format!("{} has mode {mode:o}", path.file_name().unwrap().display()))
            .collect::<Vec<_>>()
    };
    let mut wrong = modes(&stage.site);
    let count = files(&stage.site).len();
    stage.daemon.stop();
    wrong.extend(modes(&stage.site));
    proof.verdict(format_args!("{count} files"), "0600", wrong);
}
