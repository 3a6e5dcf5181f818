//! What listening costs: CPU per event of our source and hand-over, against tokio-tungstenite reading and
//! dropping each message of the same feed ("bare drain").
//!
//! `cargo bench --bench intake [-- --events N] [--input FILE]`. The feed runs in a process of its own, so that
//! its CPU does not count. Each run checks that every event arrived.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use birddog::feed::story::Story;
use birddog::feed::{FeedOptions, Input, Server};
use birddog::model::Timestamp;
use birddog::sources::{Config, Handover, Source, file, handover::Limits, jetstream};
use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
use tokio_util::sync::CancellationToken;

const EVENTS: u64 = 4_000_000;
const ROUNDS: usize = 3;
/// Kernel clock ticks per second in `/proc/self/stat`.
const TICKS: f64 = 100.0;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    if arguments.iter().any(|a| a == "--serve") {
        return serve(value("--input").cloned());
    }
    let events = value("--events").map_or(EVENTS, |n| n.parse().expect("--events takes a number"));
    let (mut feed, url) = start_feed(value("--input"));
    let mut best = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        for (slot, run) in [bare_drain as fn(&str, u64), source_and_handover].into_iter().enumerate() {
            let (cpu, wall) = (cpu_seconds(), Instant::now());
            run(&url, events);
            let per_event = (cpu_seconds() - cpu) / events as f64 * 1e6;
            best[slot] = best[slot].min(per_event);
            let rate = events as f64 / wall.elapsed().as_secs_f64() / 1e6;
            let name = ["bare drain", "source + hand-over"][slot];
            println!("{name:20} {per_event:.3} µs CPU/event  {rate:.2} M events/s");
        }
    }
    let [bare, ours] = best;
    println!("ratio {:.2} (source + hand-over {ours:.3} / bare drain {bare:.3})", ours / bare);
    let served = cpu_seconds_of(&feed.id().to_string()) / (2 * ROUNDS as u64 * events) as f64 * 1e6;
    println!("{:20} {served:.3} µs CPU/event", "the feed itself");
    if let Some(path) = value("--input") {
        let cpu = cpu_seconds();
        let lines = file_and_handover(path);
        println!("{:20} {:.3} µs CPU/event", "file + hand-over", (cpu_seconds() - cpu) / lines as f64 * 1e6);
    }
    feed.kill().expect("the feed is ours");
    feed.wait().expect("the feed is ours");
}

fn start_feed(input: Option<&String>) -> (Child, String) {
    let mut command = Command::new(std::env::current_exe().expect("we run"));
    command.arg("--serve").args(input.into_iter().flat_map(|path| ["--input", path])).stdout(Stdio::piped());
    let mut feed = command.spawn().expect("the feed starts");
    let mut url = String::new();
    let out = feed.stdout.take().expect("piped above");
    BufReader::new(out).read_line(&mut url).expect("the feed says where it listens");
    (feed, url.trim().to_owned())
}

fn serve(input: Option<String>) {
    runtime().block_on(async {
        let story = || Story::new(7, Timestamp::from_micros(1_725_911_162_000_000)).events(400_000);
        let input =
            input.map_or_else(|| Input::Generator(Box::new(story())), |path| Input::File(path.into()));
        let mut options = FeedOptions::new(input);
        options.loop_ = true;
        let server =
            Server::bind("127.0.0.1:0".parse().expect("an address"), options).await.expect("it binds");
        println!("{}", server.url());
        std::future::pending::<()>().await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Reads and drops each message.
fn bare_drain(url: &str, events: u64) {
    runtime().block_on(async {
        let config = WebSocketConfig::default().read_buffer_size(128 << 10);
        let connecting = tokio_tungstenite::connect_async_with_config(url, Some(config), true);
        let (mut socket, _) = connecting.await.expect("the feed listens");
        let mut seen = 0;
        while seen < events {
            if let Message::Text(text) = socket.next().await.expect("no end").expect("no error") {
                std::hint::black_box(text);
                seen += 1;
            }
        }
    });
}

/// Our source, handing batches to a thread that drops them.
fn source_and_handover(url: &str, events: u64) {
    let config = jetstream::Config {
        hosts: vec![url.to_owned()],
        wanted_collections: Vec::new(),
        ..jetstream::Config::default()
    };
    assert!(drain(Config::Jetstream(config), events) >= events, "every event arrives");
}

/// The file source over the same events; how many there are.
fn file_and_handover(path: &str) -> u64 {
    drain(Config::File(file::Config { path: path.into(), ..file::Config::default() }), u64::MAX)
}

/// Runs a source until it ends or `events` have come to a thread that drops them.
fn drain(config: Config, events: u64) -> u64 {
    let (handover, intake) = Handover::new(Limits::default());
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let worker = std::thread::spawn(move || {
        let mut seen = 0;
        while seen < events
            && let Some(batch) = intake.recv()
        {
            seen += batch.len() as u64;
        }
        stop.cancel();
        seen
    });
    let source = Source::new(config).expect("a good configuration");
    // Ends with an error when the worker is gone first, which is how a run on a stream is meant to end.
    let _ = runtime().block_on(source.run(None, handover, shutdown));
    worker.join().expect("the worker ends")
}

/// User and system time of this process so far.
fn cpu_seconds() -> f64 {
    cpu_seconds_of("self")
}

fn cpu_seconds_of(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / TICKS
}
