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

/// What was seen while posts poured in.
#[derive(Default)]
struct Seen {
    said: u64,
    closed_max: u64,
    wal_max: u64,
    /// The size of the file after half the time.
    middle: u64,
}

/// Pours for so long, and looks on. Somebody always reads: that must not keep the log from being cut back.
fn watch(live: &Live, client: &Client, site: &Site, time: Duration) -> Seen {
    let (stop, started, mut seen) = (AtomicBool::new(false), Instant::now(), Seen::default());
    std::thread::scope(|scope| {
        let pouring = scope.spawn(|| pour(live, &stop));
        while started.elapsed() < time {
            client.get("/api/v1/items?limit=200&state=withdrawn");
            seen.closed_max = seen.closed_max.max(closed(client));
            seen.wal_max = seen.wal_max.max(bytes(&site.folder().join("birddog.db-wal")));
            if started.elapsed() < time / 2 {
                seen.middle = bytes(&site.store());
            }
        }
        stop.store(true, Ordering::SeqCst);
        seen.said = pouring.join().unwrap();
    });
    seen
}

#[test]
fn closed_items_go_as_fast_as_new_ones_come_and_the_files_stop_growing() {
    let proof = Proof::of("2,500 items/s made and closed, with a retention of 5 s");
    let seconds = proof::count(40, 600);
    let live = Live::serve();
    let site = Site::with_one_rule(&live.url(), "0s");
    site.set("[store]\n", "[store]\nretention = \"5s\"\nseen_window = \"5s\"\nchanges_kept = \"5s\"\n");
    site.configure(SETTINGS);
    let mut daemon = site.start();
    let client = daemon.listening();
    until("it connects", || (live.connections() > 0).then_some(()));
    let Seen { said, closed_max, wal_max, middle } =
        watch(&live, &client, &site, Duration::from_secs(seconds));
    let stored = client.metrics().sum("birddog_items_stored_total", &[]);
    let (inflow, end) = (stored / seconds, bytes(&site.store()));
    // How long a stop may take is another test's: on a machine that does not keep up, what waits is dealt with first.
    let caught_up = || (client.metrics().sum("birddog_items_stored_total", &[]) >= said).then_some(());
    until("what was said is stored", caught_up);
    daemon.stop();
    let allowed = inflow * (RETENTION + SLACK).as_secs();
    let is_load = stored * 10 >= said * 8 || !proof::is_release();
    let wrong = [
        (is_load, format!("{stored} of {said} items were stored in time: too light a load")),
        (closed_max <= allowed, format!("{closed_max} closed items at {inflow}/s, not {allowed}")),
        (
            end <= middle + middle / 4,
            format!("the file grew from {middle} to {end} bytes in the second half"),
        ),
        (wal_max <= WAL_BYTES_MAX, format!("the log grew to {wal_max} bytes")),
    ];
    let wrong = wrong.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| what).collect();
    let (file, log) = (end >> 20, wal_max >> 20);
    let result = format!("{closed_max} closed items at most, a file of {file} MiB, a log of {log} MiB");
    proof.verdict(format_args!("{stored} items in {seconds} s"), result, wrong);
}
