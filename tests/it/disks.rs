//! A disk that fills up, and one that dawdles: the daemon stops reading, says so, goes on by itself, and loses nothing.

use std::time::Duration;

use crate::dice::Dice;
use crate::numbered::Numbered;
use crate::process::{Process, Site, until};
use crate::proof::{self, Proof};
use crate::shim::Shim;

const REWIND: &str = "200ms";
/// What a sync takes longer on the slow disk.
const SLOW_SYNC_MS: u64 = 500;
/// All that the daemon may ever have needed.
const MEMORY_MAX: u64 = 200 << 20;
/// What may be in flight more while the disk dawdles: what workers and engine hand on to each other is bounded.
const IN_FLIGHT_MAX: u64 = 48 << 20;

fn start(site: &Site, shim: &Shim) -> Process {
    site.start_with(|command| shim.on_disk(command, site.folder()))
}

#[test]
fn a_full_disk_pauses_the_daemon_which_goes_on_by_itself_and_loses_nothing() {
    let proof = Proof::of("disk full, again and again");
    let times = proof::count(5, 50);
    let mut dice = Dice::from_environment("full disk");
    let numbered = Numbered::serve(dice.below(u64::MAX));
    let (site, shim) = (Site::with_one_rule(&numbered.feed.url(), REWIND), Shim::new());
    shim.set_disk(None, 0);
    let mut daemon = start(&site, &shim);
    let client = daemon.listening();
    for _ in 0..times {
        until("it is ready", || (client.text("/readyz").0 == 200).then_some(()));
        std::thread::sleep(Duration::from_millis(dice.below(300)));
        // Some room is left at times, so that the disk fills up at any write.
        shim.set_disk(Some(dice.pick(&[0, 4_096, 100_000])), 0);
        until("it is not ready", || (client.text("/readyz").0 == 503).then_some(()));
        assert_eq!(client.text("/livez").0, 200, "a full disk must not become a restart loop");
        shim.set_disk(None, 0);
    }
    until("it is ready again", || (client.text("/readyz").0 == 200).then_some(()));
    numbered.stop();
    until("the store has dealt with the last event", || numbered.is_read_to_end(&site.store()).then_some(()));
    daemon.stop();
    let posts = numbered.check(&site.store());
    proof.holds(
        format_args!("{times} times"),
        format_args!("paused, went on by itself; {posts} posts, 0 lost"),
    );
}

/// Reads `posts` posts at full speed on a disk whose syncs take so much longer; the peak of memory.
fn peak_bytes(posts: u64, seed: u64, sync_ms: u64) -> u64 {
    let numbered = Numbered::serve_kept(seed, posts, 1e9);
    let (site, shim) = (Site::with_one_rule(&numbered.feed.url(), REWIND), Shim::new());
    shim.set_disk(None, sync_ms);
    let mut daemon = start(&site, &shim);
    let client = daemon.listening();
    numbered.wait_to_end(&site.store());
    let peak = daemon.peak_bytes().unwrap();
    let committing = client.metrics().sum("birddog_store_commit_seconds_sum", &[]);
    assert!(sync_ms == 0 || committing > 0, "no commit was slow");
    daemon.stop();
    assert_eq!(numbered.check(&site.store()) as u64, posts);
    peak
}

#[test]
fn a_disk_that_takes_half_a_second_to_sync_costs_neither_memory_nor_posts() {
    let proof = Proof::of("disk slow: a sync takes 500 ms longer, the stream comes at full speed");
    let posts = proof::count(20_000, 60_000);
    let seed = Dice::from_environment("slow disk").below(u64::MAX);
    let (quick, slow) = (peak_bytes(posts, seed, 0), peak_bytes(posts, seed, SLOW_SYNC_MS));
    let wrong = [
        (slow > MEMORY_MAX, format!("{} MiB at the peak", slow >> 20)),
        (slow > quick + IN_FLIGHT_MAX, format!("{} MiB, and {} on a quick disk", slow >> 20, quick >> 20)),
    ];
    let wrong = wrong.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, what)| what).collect();
    let result = format!("0 lost; {} MiB at most, {} on a quick disk", slow >> 20, quick >> 20);
    proof.verdict(format_args!("{posts} posts"), result, wrong);
}
