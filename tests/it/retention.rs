//! What is past its time goes as fast as new work comes: neither the closed items nor the files grow for ever.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::dice::now_us;
use crate::frames;
use crate::live::Live;
use crate::process::{Client, Site, until};
use crate::proof::{self, Proof};

/// Posts a second, each deleted a moment later.
const INFLOW: u64 = 2_500;
const RETENTION: Duration = Duration::from_secs(5);
/// What is past its time may still be there for so long.
const SLACK: Duration = Duration::from_secs(10);
const SETTINGS: &str = "[dedupe]\nwindow = \"5s\"\ncluster_window = \"5s\"\n";
const TICK: Duration = Duration::from_millis(20);
/// The write-ahead log may be so long, whatever came and went.
const WAL_BYTES_MAX: u64 = 64 << 20;

/// Says posts and deletes them until it is told to stop; how many.
fn pour(live: &Live, stop: &AtomicBool) -> u64 {
    let started = Instant::now();
    let mut said = 0;
    while !stop.load(Ordering::SeqCst) {
        let due = (started.elapsed().as_secs_f64() * INFLOW as f64) as u64;
        for number in said..due {
            let (did, rkey) = (frames::did(&format!("p{number}")), format!("k{number}"));
            live.say(frames::post(&did, &rkey, now_us(), "acme is down, and I am angry"));
            live.say(frames::delete(&did, &rkey, now_us()));
        }
        said = due;
        std::thread::park_timeout(TICK);
    }
    said
}

fn closed(client: &Client) -> u64 {
    let stats = client.get("/api/v1/queue/stats");
    let count = |team: &serde_json::Value, state: &str| team[state].as_u64().unwrap();
    let teams = stats["teams"].as_array().unwrap();
    teams.iter().map(|team| count(team, "resolved") + count(team, "withdrawn")).sum()
}

fn bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

#[test]
fn closed_items_go_as_fast_as_new_ones_come_and_the_files_stop_growing() {
    let proof = Proof::of("2,500 items/s made and closed, with a retention of 5 s");
    let seconds = proof::count(40, 600);
    let live = Live::serve();
    let site = Site::with_one_rule(&live.url(), "0s");
    site.set("[store]\n", "[store]\nretention = \"5s\"\nseen_window = \"5s\"\n");
    site.configure(SETTINGS);
    let mut daemon = site.start();
    let client = daemon.listening();
    until("it connects", || (live.connections() > 0).then_some(()));
    let stop = AtomicBool::new(false);
    let (mut most, mut wal, mut middle) = (0, 0, 0);
    let said = std::thread::scope(|scope| {
        let pouring = scope.spawn(|| pour(&live, &stop));
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(seconds) && !pouring.is_finished() {
            // Somebody is always looking: readers must not keep the log from being cut back.
            client.get("/api/v1/items?limit=200&state=withdrawn");
            most = most.max(closed(&client));
            wal = wal.max(bytes(&site.folder().join("birddog.db-wal")));
            if started.elapsed() < Duration::from_secs(seconds / 2) {
                middle = bytes(&site.store());
            }
        }
        stop.store(true, Ordering::SeqCst);
        pouring.join().unwrap()
    });
    let stored = client.metrics().sum("birddog_items_stored_total", &[]);
    let (inflow, end) = (stored / seconds, bytes(&site.store()));
    daemon.stop();
    let most_allowed = inflow * (RETENTION + SLACK).as_secs();
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(what)
        }
    };
    let is_load = stored * 10 >= said * 8 || !proof::is_release();
    check(is_load, format!("{stored} of {said} items were stored in time: too light a load"));
    check(most <= most_allowed, format!("{most} closed items at {inflow}/s, not {most_allowed}"));
    check(
        end <= middle + middle / 4,
        format!("the file grew from {middle} to {end} bytes in the second half"),
    );
    check(wal <= WAL_BYTES_MAX, format!("the log grew to {wal} bytes"));
    let result =
        format!("{most} closed items at most, a file of {} MiB, a log of {} MiB", end >> 20, wal >> 20);
    proof.verdict(format_args!("{stored} items in {seconds} s"), result, wrong);
}
