//! SIGTERM under load: a clean end in time at any moment, with nothing lost; a second one leaves at once.

use std::time::Duration;

use rusqlite::Connection;

use crate::dice::Dice;
use crate::numbered::Numbered;
use crate::process::{DRAIN_TIMEOUT, Site, until};
use crate::proof::{self, Proof};

#[test]
fn sigterm_at_any_moment_ends_cleanly_in_time_and_nothing_is_lost() {
    let proof = Proof::of("SIGTERM at 0 to 300 ms under load");
    let stops = proof::count(20, 500);
    let mut dice = Dice::from_environment("shutdown");
    let numbered = Numbered::serve(dice.below(u64::MAX));
    let site = Site::with_one_rule(&numbered.feed.url(), "50ms");
    for _ in 0..stops {
        let mut daemon = site.start();
        daemon.listening();
        std::thread::sleep(Duration::from_millis(dice.below(300)));
        daemon.stop();
    }
    numbered.stop();
    let posts = finish(&site, &numbered);
    proof.holds(format_args!("{stops} stops"), format_args!("exit 0 in time; {posts} posts, 0 lost"));
}

#[test]
fn while_the_store_is_locked_it_is_not_ready_and_a_second_sigterm_leaves_at_once() {
    let numbered = Numbered::serve(Dice::from_environment("second signal").below(u64::MAX));
    let site = Site::with_one_rule(&numbered.feed.url(), "50ms");
    let mut daemon = site.start();
    let client = daemon.listening();
    until("it is ready", || (client.text("/readyz").0 == 200).then_some(()));

    let db = Connection::open(site.store()).unwrap();
    db.busy_timeout(Duration::from_secs(10)).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    until("it is not ready", || (client.text("/readyz").0 == 503).then_some(()));
    assert_eq!(client.text("/livez").0, 200, "a locked store must not become a restart loop");

    daemon.signal("TERM");
    daemon.said("stopping");
    assert!(!daemon.has_ended(), "what is in flight cannot be stored yet");
    daemon.signal("TERM");
    let (status, took) = daemon.ended();
    assert_eq!(status.code(), Some(2), "{status}");
    assert!(took < DRAIN_TIMEOUT / 4, "took {took:?}");

    drop(db);
    numbered.stop();
    finish(&site, &numbered);
}

/// Lets a last daemon read on to the end, and checks the store; the number of posts.
fn finish(site: &Site, numbered: &Numbered) -> usize {
    let mut daemon = site.start();
    daemon.listening();
    until("the store has dealt with the last event", || numbered.is_read_to_end(&site.store()).then_some(()));
    daemon.stop();
    let posts = numbered.check(&site.store());
    assert!(posts > 100, "{posts} posts are too light a load");
    posts
}
