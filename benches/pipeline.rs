//! The performance goals, each as a ratio or against its bound, with the answers checked.
//!
//! `cargo bench --bench pipeline [-- [real] PART…]`; parts: listen, scan, store, rules, latency, memory. All without one.
//! With `real`, texts have hashtags, links, emoji and five languages, as those of the network; without, plain words.
//! Every part runs the real binary as its users do; CPU is what the kernel charged the child process. The feed runs
//! in a process of its own.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on says so by panicking")]

mod data;
mod measure;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use data::{BUSY, Data, Folder, GOAL, Mix, REAL, Texts};
use measure::{Daemon, Feed, bare_drain, birddog, finish, median, naive};

const EVENTS: usize = 1_000_000;
const ROUNDS: usize = 3;
const STORED: &str = "birddog_items_stored_total";

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if std::env::args().any(|argument| argument == "--drain") {
        return bare_drain(&arguments[0], arguments[1].parse().unwrap());
    }
    if std::env::args().any(|argument| argument == "--naive") {
        return naive(Path::new(&arguments[0]), Path::new(&arguments[1]));
    }
    let parts: [(&str, Part); 6] = [
        ("listen", listen),
        ("scan", scan),
        ("store", store),
        ("rules", rules),
        ("latency", latency),
        ("memory", memory),
    ];
    let is_real = arguments.iter().any(|argument| argument == "real");
    let bench = Bench::new(if is_real { Texts::Real } else { Texts::Plain });
    let wanted: Vec<&String> = arguments.iter().filter(|argument| *argument != "real").collect();
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|argument| *argument == name) {
            part(&bench);
        }
    }
}

type Part = fn(&Bench);

struct Bench {
    folder: Folder,
    texts: Texts,
}

impl Bench {
    fn new(texts: Texts) -> Self {
        let folder = Folder::new();
        let data = Data::new(7, texts);
        data.write_rules(&folder.path("rules-10"), 10);
        data.write_rules(&folder.path("rules-10k"), 10_000);
        data.write_rules(&folder.path("rules-100k"), 100_000);
        Self { folder, texts }
    }

    fn events(&self, name: &str, count: usize, mix: Mix) -> (std::path::PathBuf, u64) {
        let path = self.folder.path(name);
        let naming = Data::new(7, self.texts).write_events(&path, count, mix);
        (path, naming)
    }
}

/// CPU per event of the whole daemon over a WebSocket, against reading and dropping the same feed. Both are measured
/// while they run: what starting costs (10,000 rules to load) is shown by itself.
fn listen(bench: &Bench) {
    const MEASURED: usize = 4 * EVENTS;
    let (events, naming) = bench.events("goal.jsonl", EVENTS, GOAL);
    let feed = Feed::start(&events, &["--loop"]);
    let (mut drain, mut whole, mut start) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..ROUNDS {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--drain", &feed.url, &MEASURED.to_string()]);
        drain.push(finish(command).per_event(MEASURED));
        let daemon = Daemon::start(&bench.folder, &feed.url, "rules-10k", &[]);
        let (cpu, from) = daemon.wait_for_events(EVENTS as u64 / 10);
        start = cpu;
        let (cpu, to) = daemon.wait_for_events(from + MEASURED as u64);
        whole.push((cpu - start) * 1e6 / (to - from) as f64);
        // Every naming post of every round of the feed makes one item.
        daemon.wait_for_metric(STORED, (naming * (to / EVENTS as u64)) as f64);
        daemon.stop();
    }
    let (drain, whole) = (median(&mut drain), median(&mut whole));
    println!(
        "listen   {whole:.3} µs CPU/event, bare drain {drain:.3}: {:.2}x (goal 3.0, then 2.0); \
         10,000 rules, {naming} of {EVENTS} events stored; the start took {start:.2} s",
        whole / drain
    );
}

/// Events per second of `scan` on the real mix, against a naive listener that finds the same posts.
fn scan(bench: &Bench) {
    const MANY: usize = 2 * EVENTS;
    let (events, naming) = bench.events("real.jsonl", MANY, REAL);
    let rules = bench.folder.path("rules-10k");
    let (mut ours, mut theirs, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut command = birddog();
        command.arg("scan").arg("--rules").arg(&rules).arg("--input").arg(&events).arg("--no-dedupe");
        let usage = finish(command);
        assert_eq!(usage.lines, naming, "scan finds every naming post");
        ours.push(usage.wall);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--naive").arg(&rules).arg(&events);
        let naive = finish(command);
        assert_eq!(naive.lines, naming, "the naive listener finds every naming post");
        theirs.push(naive.wall);
        cpu.push(naive.cpu / usage.cpu);
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    println!(
        "scan     {:.2} M events/s, naive listener {:.2}: {:.1}x (goal 4); CPU {:.1}x; {naming} posts each",
        MANY as f64 / ours / 1e6,
        MANY as f64 / theirs / 1e6,
        theirs / ours,
        median(&mut cpu),
    );
}

/// CPU per event from a file to the durable store, 6% of events matching.
fn store(bench: &Bench) {
    let (events, naming) = bench.events("busy.jsonl", EVENTS, BUSY);
    let (mut per_event, mut starts) = (Vec::new(), Vec::new());
    let (nothing, _) = bench.events("nothing.jsonl", 1, BUSY);
    for _ in 0..ROUNDS {
        let idle = Daemon::start_on_file(&bench.folder, &nothing, "rules-10k");
        idle.wait_for_events(1);
        starts.push(idle.stop().per_event(EVENTS));
        let daemon = Daemon::start_on_file(&bench.folder, &events, "rules-10k");
        daemon.wait_for_events(EVENTS as u64);
        daemon.wait_for_metric(STORED, naming as f64);
        per_event.push(daemon.stop().per_event(EVENTS));
    }
    let (whole, start) = (median(&mut per_event), median(&mut starts));
    println!(
        "store    {:.3} µs CPU/event from a file to the store (goal 0.9), {whole:.3} with starting and stopping; \
         {naming} items in {EVENTS} events",
        whole - start
    );
}

/// CPU of 10,000 and of 100,000 rules against that of 10, on the same events.
fn rules(bench: &Bench) {
    let (events, _) = bench.events("goal.jsonl", EVENTS, GOAL);
    let cost = |rules: &str| {
        let mut command = birddog();
        command.arg("scan").arg("--rules").arg(bench.folder.path(rules)).arg("--input").arg(&events);
        finish(command).per_event(EVENTS)
    };
    let mut costs = ["rules-10", "rules-10k", "rules-100k"].map(|rules| (rules, Vec::new()));
    for _ in 0..ROUNDS {
        costs.iter_mut().for_each(|(rules, costs)| costs.push(cost(rules)));
    }
    let [few, many, most] = costs.map(|(_, mut costs)| median(&mut costs));
    println!(
        "rules    10: {few:.3}, 10,000: {many:.3}, 100,000: {most:.3} µs CPU/event: {:.2}x and {:.2}x \
         (goals 1.5 and 3), what loading costs included",
        many / few,
        most / few
    );
}

/// Receipt to disk at 20,000 posts a second, as the daemon's own histogram has it.
fn latency(bench: &Bench) {
    const POSTS_PER_SECOND: f64 = 20_000.0;
    const GOAL_MS: f64 = 50.0;
    let (events, naming) = bench.events("latency.jsonl", EVENTS / 2, BUSY);
    let rate = format!("{}", POSTS_PER_SECOND / BUSY.posts);
    let feed = Feed::start(&events, &["--rate", &rate]);
    let daemon = Daemon::start(&bench.folder, &feed.url, "rules-10k", &[]);
    // Measured before the feed ends, under load.
    daemon.wait_for_events(EVENTS as u64 / 2 * 9 / 10);
    let bound_ms = daemon.quantile_bound("birddog_receive_to_stored_seconds", 0.99) * 1e3;
    daemon.wait_for_metric(STORED, naming as f64);
    daemon.wait_for_events(EVENTS as u64 / 2);
    assert_eq!(daemon.metric_sum(STORED), naming as f64, "every naming post makes one item");
    daemon.stop();
    println!(
        "latency  p99 ≤ {bound_ms:.0} ms at {POSTS_PER_SECOND:.0} posts/s: {:.2} of the goal {GOAL_MS:.0}; \
         {naming} items",
        bound_ms / GOAL_MS
    );
}

/// Resident memory after ten million events.
fn memory(bench: &Bench) {
    const MANY: u64 = 10 * EVENTS as u64;
    const GOAL_MIB: f64 = 200.0;
    let (events, naming) = bench.events("goal.jsonl", EVENTS, GOAL);
    let feed = Feed::start(&events, &["--loop"]);
    let daemon = Daemon::start(&bench.folder, &feed.url, "rules-10k", &[]);
    let started = Instant::now();
    daemon.wait_for_events(MANY);
    let took = started.elapsed();
    let (now, peak) = daemon.memory_mib();
    // Every round of the feed has other authors: its naming posts are items of their own.
    daemon.wait_for_metric(STORED, (naming * (MANY / EVENTS as u64)) as f64);
    let items = daemon.metric_sum(STORED);
    let (_, received) = daemon.wait_for_events(MANY);
    let at_most = naming * received.div_ceil(EVENTS as u64);
    assert!(items <= at_most as f64, "{items} items of at most {at_most} naming posts");
    daemon.stop();
    println!(
        "memory   {now:.0} MiB after {MANY} events: {:.2} of the goal {GOAL_MIB:.0} (peak {peak:.0}); \
         {:.2} M events/s, {items:.0} items",
        now / GOAL_MIB,
        MANY as f64 / took.as_secs_f64() / 1e6
    );
}
