//! One store, one daemon: by whatever name a second one comes, it is refused, and the first goes on unharmed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::dice::now_us;
use crate::frames;
use crate::live::{Live, item};
use crate::process::{Client, Process, Site, until};
use crate::proof::Proof;

/// Another name for the store of `site`, in `folder`.
type Alias = fn(site: &Site, folder: &Path) -> PathBuf;

const ALIASES: [(&str, Alias); 6] = [
    ("its own name", |site, _| site.store()),
    ("a symbolic link", |site, folder| {
        symlink(site.store(), folder.join("link.db")).unwrap();
        folder.join("link.db")
    }),
    ("a folder that is a symbolic link", |site, folder| {
        symlink(site.folder(), folder.join("folder")).unwrap();
        folder.join("folder/birddog.db")
    }),
    ("a hard link", |site, folder| {
        fs::hard_link(site.store(), folder.join("second.db")).unwrap();
        folder.join("second.db")
    }),
    ("a hard link beside it", |site, _| {
        fs::hard_link(site.store(), site.folder().join("second.db")).unwrap();
        site.folder().join("second.db")
    }),
    ("its own name, the lock file removed", |site, _| {
        // Where there is none, there is nothing to remove.
        let _ = fs::remove_file(site.folder().join("birddog.db.lock"));
        site.store()
    }),
];

/// The first daemon, with what it was given to remember.
struct First {
    live: Live,
    site: Site,
    daemon: Process,
    client: Client,
    uris: Vec<String>,
}

impl First {
    fn new() -> Self {
        let live = Live::serve();
        let site = Site::with_one_rule(&live.url(), "0s");
        let mut daemon = site.start();
        let client = daemon.listening();
        until("it connects", || (live.connections() > 0).then_some(()));
        Self { live, site, daemon, client, uris: Vec::new() }
    }

    fn remember(&mut self, text: &str) {
        let (did, rkey) = (frames::did("ann"), format!("k{}", self.uris.len()));
        self.live.say(frames::post(&did, &rkey, now_us(), text));
        self.live.settle(&self.client);
        self.uris.push(frames::uri(&did, &rkey));
    }

    /// What the visit did to it, if anything.
    fn harm(mut self) -> Option<String> {
        if self.client.text("/readyz").0 != 200 || self.daemon.has_ended() {
            return Some("the first daemon is not well".to_owned());
        }
        self.remember("acme is down again");
        self.daemon.stop();
        let health = Connection::open(self.site.store())
            .and_then(|db| db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)));
        if health.as_deref() != Ok("ok") {
            return Some(format!("the store is damaged: {health:?}"));
        }
        let mut daemon = self.site.start();
        let client = daemon.listening();
        let lost = self.uris.iter().filter(|uri| item(&client, uri).is_none()).count();
        (lost > 0).then(|| format!("{lost} of {} posts are lost", self.uris.len()))
    }
}

/// A second daemon comes to the store `path`; what is wrong with how it was received.
fn receive(second: &Site, path: &Path) -> Option<String> {
    second.set(&format!("path = {:?}", second.store()), &format!("path = {path:?}"));
    let mut intruder = second.start();
    let is_in = until("the second daemon is in, or has ended", || {
        let is_in = intruder.log().contains("\"api\":\"");
        (intruder.has_ended() || is_in).then_some(is_in)
    });
    if is_in {
        return Some("the second daemon was let in".to_owned());
    }
    let (status, _) = intruder.ended();
    (status.code() != Some(2)).then(|| format!("the second daemon ended with {status}"))
}

fn come_by(name: &str, alias: Alias) -> Vec<String> {
    let mut first = First::new();
    let second = Site::with_one_rule(&first.live.url(), "0s");
    first.remember("acme is down");
    let path = alias(&first.site, second.folder());
    let received = receive(&second, &path);
    if path.ends_with("second.db") {
        // While a store has two names, the first daemon would be refused a start as well.
        fs::remove_file(&path).unwrap();
    }
    let wrong = received.into_iter().chain(first.harm());
    wrong.map(|what| format!("{name}: {what}")).collect()
}

#[test]
fn a_second_daemon_is_refused_by_whatever_name_it_comes_and_the_first_goes_on() {
    let proof = Proof::of("two daemons on one store");
    let wrong = ALIASES.iter().flat_map(|(name, alias)| come_by(name, *alias)).collect();
    let names: Vec<_> = ALIASES.iter().map(|(name, _)| *name).collect();
    proof.verdict(
        names.len(),
        format_args!("the second refused, the first unharmed: {}", names.join(", ")),
        wrong,
    );
}
