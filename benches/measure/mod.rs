//! Child processes and what they cost: the daemon, the feed, and the programs to compare with.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use futures_util::StreamExt;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};

use crate::data::Folder;

/// Kernel clock ticks per second in `/proc/PID/stat`.
const TICKS: f64 = 100.0;
const PATIENCE: Duration = Duration::from_secs(300);

/// What a finished process took.
pub(crate) struct Usage {
    pub(crate) cpu: f64,
    pub(crate) wall: f64,
    pub(crate) lines: u64,
}

impl Usage {
    /// Microseconds of CPU per event.
    pub(crate) fn per_event(&self, events: usize) -> f64 {
        self.cpu * 1e6 / events as f64
    }
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The real binary.
pub(crate) fn birddog() -> Command {
    Command::new(env!("CARGO_BIN_EXE_birddog"))
}

/// Runs to the end, counting the lines on its standard output.
pub(crate) fn finish(mut command: Command) -> Usage {
    let started = Instant::now();
    let before = children_cpu();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut lines = 0;
    loop {
        let read = out.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
    }
    assert!(child.wait().unwrap().success());
    Usage { cpu: children_cpu() - before, wall: started.elapsed().as_secs_f64(), lines }
}

/// User and system seconds of all children that were waited for.
fn children_cpu() -> f64 {
    stat_sum("/proc/self/stat", 13..15)
}

fn stat_sum(path: &str, fields: std::ops::Range<usize>) -> f64 {
    let stat = fs::read_to_string(path).unwrap();
    let all: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    all[fields].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS
}

/// `birddog feed` on a free port.
pub(crate) struct Feed {
    child: Child,
    pub(crate) url: String,
    _out: BufReader<ChildStdout>,
}

impl Feed {
    pub(crate) fn start(events: &Path, more: &[&str]) -> Self {
        let mut command = birddog();
        command.args(["feed", "--listen", "127.0.0.1:0", "--input"]).arg(events).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        out.read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned(), _out: out }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `birddog run` on a fresh store.
pub(crate) struct Daemon {
    child: Option<Child>,
    api: String,
}

impl Daemon {
    pub(crate) fn start(folder: &Folder, url: &str, rules: &str, more: &[&str]) -> Self {
        let source = format!("type = \"jetstream\"\nhosts = [\"{url}\"]\nwanted_collections = []\n");
        Self::spawn(folder, &source, rules, more)
    }

    pub(crate) fn start_on_file(folder: &Folder, events: &Path, rules: &str) -> Self {
        Self::spawn(folder, &format!("type = \"file\"\npath = '{}'\n", events.display()), rules, &[])
    }

    fn spawn(folder: &Folder, source: &str, rules: &str, more: &[&str]) -> Self {
        let store = folder.path("store");
        let _ = fs::remove_dir_all(&store);
        fs::create_dir_all(&store).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "[[source]]\n{source}\n[rules]\npath = '{}'\n[store]\npath = '{}'\n[api]\nlisten = \"127.0.0.1:{port}\"\n",
            folder.path(rules).display(),
            store.join("bench.db").display(),
        );
        let path = folder.path("bench.toml");
        fs::write(&path, config).unwrap();
        let child =
            birddog().arg("run").arg("-c").arg(&path).args(more).stderr(Stdio::null()).spawn().unwrap();
        Self { child: Some(child), api: format!("127.0.0.1:{port}") }
    }

    fn metrics(&self) -> Option<String> {
        let mut stream = TcpStream::connect(&self.api).ok()?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.api).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Sum over all labels.
    pub(crate) fn metric_sum(&self, name: &str) -> f64 {
        let text = self.metrics().unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.strip_prefix(name));
        lines
            .filter(|rest| rest.starts_with(['{', ' ']))
            .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Waits until `events` have been received; CPU seconds and events so far.
    pub(crate) fn wait_for_events(&self, events: u64) -> (f64, u64) {
        const RECEIVED: &str = "birddog_events_received_total";
        self.wait_for_metric(RECEIVED, events as f64);
        let stat = format!("/proc/{}/stat", self.child.as_ref().unwrap().id());
        (stat_sum(&stat, 11..13), self.metric_sum(RECEIVED) as u64)
    }

    pub(crate) fn wait_for_metric(&self, name: &str, value: f64) {
        let started = Instant::now();
        while self.metric_sum(name) < value {
            assert!(started.elapsed() < PATIENCE, "{name} is {} of {value}", self.metric_sum(name));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The smallest bucket bound that the quantile does not pass, in seconds.
    pub(crate) fn quantile_bound(&self, name: &str, quantile: f64) -> f64 {
        let text = self.metrics().unwrap();
        let prefix = format!("{name}_bucket{{le=\"");
        let buckets: Vec<(f64, f64)> = text
            .lines()
            .filter_map(|line| line.strip_prefix(&prefix)?.split_once("\"} "))
            .map(|(bound, count)| (bound.parse().unwrap_or(f64::INFINITY), count.parse().unwrap()))
            .collect();
        let total = buckets.last().unwrap().1;
        buckets.iter().find(|(_, count)| *count >= total * quantile).unwrap().0
    }

    /// Resident memory now and at its peak.
    pub(crate) fn memory_mib(&self) -> (f64, f64) {
        let id = self.child.as_ref().unwrap().id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1024.0
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// SIGTERM, and what the whole run took.
    pub(crate) fn stop(mut self) -> Usage {
        let mut child = self.child.take().unwrap();
        let before = children_cpu();
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}");
        Usage { cpu: children_cpu() - before, wall: 0.0, lines: 0 }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Reads and drops each message.
pub(crate) fn bare_drain(url: &str, events: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = WebSocketConfig::default().read_buffer_size(128 << 10);
        let (mut socket, _) =
            tokio_tungstenite::connect_async_with_config(url, Some(config), true).await.unwrap();
        let mut seen = 0;
        while seen < events {
            if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
                std::hint::black_box(text);
                seen += 1;
            }
        }
    });
}

#[derive(Deserialize)]
struct Event<'a> {
    did: &'a str,
    time_us: u64,
    kind: &'a str,
    #[serde(borrow)]
    commit: Option<Commit<'a>>,
}

#[derive(Deserialize)]
struct Commit<'a> {
    operation: &'a str,
    collection: &'a str,
    rkey: &'a str,
    #[serde(borrow)]
    record: Option<Record<'a>>,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    text: Option<std::borrow::Cow<'a, str>>,
}

/// What a good programmer writes in an afternoon: serde_json on every event, lower-casing, one Aho-Corasick over the
/// brands, a look at the characters beside each hit; a line of JSON for each post found.
pub(crate) fn naive(rules: &Path, events: &Path) {
    let pack = fs::read_to_string(rules.join("bench.toml")).unwrap();
    let brands: Vec<String> = pack
        .lines()
        .filter_map(|line| line.strip_prefix("query = '\"")?.strip_suffix("\"'"))
        .map(str::to_lowercase)
        .collect();
    let automaton = AhoCorasick::new(&brands).unwrap();
    let mut input = BufReader::with_capacity(1 << 20, fs::File::open(events).unwrap());
    let mut out = std::io::BufWriter::with_capacity(1 << 20, std::io::stdout());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).unwrap() > 0 {
        let event: Event<'_> = serde_json::from_slice(&line).unwrap();
        if let ("commit", Some(commit)) = (event.kind, &event.commit)
            && commit.operation == "create"
            && commit.collection == "app.bsky.feed.post"
            && let Some(text) = commit.record.as_ref().and_then(|record| record.text.as_deref())
        {
            let lower = text.to_lowercase();
            let stands_alone = |start: usize, end: usize| {
                let word = |c: char| c.is_alphanumeric() || c == '_';
                !lower[..start].chars().next_back().is_some_and(word)
                    && !lower[end..].chars().next().is_some_and(word)
            };
            let found: Vec<&str> = automaton
                .find_overlapping_iter(&lower)
                .filter(|hit| stands_alone(hit.start(), hit.end()))
                .map(|hit| brands[hit.pattern().as_usize()].as_str())
                .collect();
            if !found.is_empty() {
                let item = serde_json::json!({
                    "did": event.did, "rkey": commit.rkey, "time_us": event.time_us, "text": text, "rules": found,
                });
                writeln!(out, "{item}").unwrap();
            }
        }
        line.clear();
    }
    out.flush().unwrap();
}
