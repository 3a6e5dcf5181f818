//! kill -9 at any moment, again and again, under load: the store ends complete and without duplicates.
//!
//! `BIRDDOG_KILLS` says how often (100 without it); `BIRDDOG_SEED` plays a run again.

use std::time::Duration;

use crate::dice::Dice;
use crate::numbered::Numbered;
use crate::process::{Site, until};
use crate::proof::{self, Proof};

const KILLS: u64 = 100;
const KILLS_OF_A_RELEASE: u64 = 5_000;
/// One store and one stream live through so many kills.
const KILLS_A_ROUND: u64 = 100;
/// More than the daemon reads in that many short lives, so that each one dies at work.
const POSTS: u64 = 30_000;
/// Events a second.
const RATE: f64 = 5_000.0;
/// A restart reads this much again, so that each one must recognise what it has.
const REWIND: &str = "200ms";

#[test]
fn a_daemon_killed_at_any_moment_loses_nothing_and_stores_nothing_twice() {
    let kills = std::env::var("BIRDDOG_KILLS").ok().and_then(|kills| kills.parse().ok());
    let kills = kills.unwrap_or_else(|| proof::count(KILLS, KILLS_OF_A_RELEASE));
    let proof = Proof::of("kill -9 at 20 to 300 ms under load");
    let mut dice = Dice::from_environment("crash");
    let (mut posts, mut reached, mut left) = (0, 0, kills);
    while left > 0 {
        let round = left.min(KILLS_A_ROUND);
        let (stored, connected) = kill_and_check(round, &mut dice);
        (posts, reached, left) = (posts + stored, reached + connected, left - round);
    }
    let result = format!("{posts} posts stored once each, 0 lost; {reached} kills hit a connected daemon");
    proof.holds(format_args!("{kills} kills"), result);
}

/// The posts that were stored, and how many kills hit a daemon that was connected.
fn kill_and_check(kills: u64, dice: &mut Dice) -> (usize, u64) {
    // Kept, not live: on a busy machine the daemon is dead for longer than a live feed remembers.
    let numbered = Numbered::serve_kept(dice.below(u64::MAX), POSTS, RATE);
    let site = Site::with_one_rule(&numbered.feed.url(), REWIND);
    let mut reached = 0;
    for _ in 0..kills {
        let before = numbered.feed.connections();
        let mut daemon = site.start();
        // One in four is killed on its way up; the others with events on the way.
        if dice.below(4) > 0 {
            until("the daemon connects", || {
                assert!(!daemon.has_ended(), "the daemon ended by itself");
                (numbered.feed.connections() > before).then_some(())
            });
            reached += 1;
        }
        std::thread::sleep(Duration::from_millis(20 + dice.below(281)));
        daemon.kill();
    }
    assert!(!numbered.is_read_to_end(&site.store()), "the last kills hit a daemon with nothing to do");
    let mut daemon = site.start();
    let client = daemon.listening();
    until("the store has dealt with the last event", || numbered.is_read_to_end(&site.store()).then_some(()));
    let duplicates = client.metrics().sum("birddog_events_triaged_total", &["outcome=\"duplicate\""]);
    daemon.stop();
    let posts = numbered.check(&site.store());
    println!("crash: the last run met {duplicates} posts again");
    assert!(posts as u64 > kills, "the load was too light to mean anything");
    (posts, reached)
}
