//! One store, one daemon: by whatever name a second one comes, it is refused, and the first goes on unharmed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::dice::now_us;
use crate::frames;
use crate::live::{Live, item};
use crate::process::{Site, until};
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
        fs::hard_link(site.store(), folder.join("hard.db")).unwrap();
        folder.join("hard.db")
    }),
    ("a hard link beside it", |site, _| {
        fs::hard_link(site.store(), site.folder().join("other.db")).unwrap();
        site.folder().join("other.db")
    }),
    ("its own name, the lock file removed", |site, _| {
        // Where there is none, there is nothing to remove.
        let _ = fs::remove_file(site.folder().join("birddog.db.lock"));
        site.store()
    }),
];

/// What went wrong when a second daemon came by another name.
fn come_by(name: &str, alias: Alias) -> Vec<String> {
    let live = Live::serve();
    let (first, second) = (Site::with_one_rule(&live.url(), "0s"), Site::with_one_rule(&live.url(), "0s"));
    let mut daemon = first.start();
    let client = daemon.listening();
    until("it connects", || (live.connections() > 0).then_some(()));
    let mut uris = Vec::new();
    let mut say = |text: &str| {
        let (did, rkey) = (frames::did("ann"), format!("k{}", uris.len()));
        live.say(frames::post(&did, &rkey, now_us(), text));
        live.settle(&client);
        uris.push(frames::uri(&did, &rkey));
    };
    say("acme is down");

    let path = alias(&first, second.folder());
    second.set(&format!("path = {:?}", second.store()), &format!("path = {path:?}"));
    let mut intruder = second.start();
    let mut wrong = Vec::new();
    until("the second daemon has made up its mind", || {
        let listens = intruder.log().contains("\"api\":\"");
        (intruder.has_ended() || listens).then_some(())
    });
    if intruder.has_ended() {
        let (status, _) = intruder.ended();
        if status.code() != Some(2) {
            wrong.push(format!("{name}: the second daemon ended with {status}"));
        }
    } else {
        wrong.push(format!("{name}: the second daemon was let in"));
        intruder.kill();
    }

    if client.text("/readyz").0 != 200 || daemon.has_ended() {
        wrong.push(format!("{name}: the first daemon was harmed"));
        return wrong;
    }
    say("acme is down again");
    daemon.stop();
    let health = Connection::open(first.store())
        .and_then(|db| db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)));
    if health.as_deref() != Ok("ok") {
        wrong.push(format!("{name}: the store is damaged: {health:?}"));
        return wrong;
    }
    let mut daemon = first.start();
    let client = daemon.listening();
    let lost = uris.iter().filter(|uri| item(&client, uri).is_none()).count();
    if lost > 0 {
        wrong.push(format!("{name}: {lost} of {} posts lost", uris.len()));
    }
    daemon.stop();
    wrong
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
