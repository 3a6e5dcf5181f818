//! Standard error and output that are full, closed or stuck: they cost lines, and never the daemon or a command.

use std::fs::{File, OpenOptions};
use std::io::{PipeReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::numbered::Numbered;
use crate::process::{Client, DRAIN_TIMEOUT, Process, Site, until};

const DROPPED: &str = "birddog_log_lines_dropped_total";
const POSTS: u64 = 500;
const EVENTS: u64 = 4 * POSTS;
/// What a pipe holds before its writer waits.
const PIPE_BYTES: usize = 65_536;

fn full_disk() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// A pipe whose reader has gone.
fn closed_pipe() -> Stdio {
    std::io::pipe().unwrap().1.into()
}

/// A pipe that is full and that nobody reads for as long as the reader is kept.
fn stuck_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let (end, filled) = (writer.try_clone().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&filled);
    // The last write waits until the reader goes.
    std::thread::spawn(move || {
        while writer.write_all(b"\n").is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    until("the pipe is full", || (filled.load(Ordering::SeqCst) >= PIPE_BYTES).then_some(()));
    (reader, end.into())
}

/// A daemon that logs to `stderr` and has read everything that there is.
fn at_work(numbered: &Numbered, stderr: impl Into<Stdio>) -> (Site, Process, Client) {
    let site = Site::with_one_rule(&numbered.feed.url(), "50ms");
    let port = site.fix_port();
    let mut daemon = site.start_logging_to(stderr);
    let client = daemon.listening_on(port);
    client.triaged(EVENTS);
    (site, daemon, client)
}

#[test]
fn a_full_disk_or_a_closed_pipe_under_the_log_costs_lines_and_not_the_daemon() {
    let numbered = Numbered::serve_kept(1, POSTS, 1e6);
    for stderr in [full_disk().into(), closed_pipe()] {
        let (_site, mut daemon, client) = at_work(&numbered, stderr);
        until("the drop is counted", || (client.metrics().sum(DROPPED, &[]) > 0).then_some(()));
        daemon.stop();
    }
}

#[test]
fn a_stuck_reader_of_the_log_holds_up_neither_work_nor_the_api_nor_the_end() {
    let numbered = Numbered::serve_kept(2, POSTS, 1e6);
    let (_reader, stderr) = stuck_pipe();
    let (_site, mut daemon, client) = at_work(&numbered, stderr);
    assert_eq!(client.text("/readyz").0, 200);
    daemon.signal("TERM");
    let (status, took) = daemon.ended();
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(took < DRAIN_TIMEOUT / 2, "took {took:?}");
}

#[test]
fn a_reader_that_comes_back_is_told_how_many_lines_it_missed_and_none_of_them_acts() {
    let numbered = Numbered::serve_kept(3, POSTS, 1e6);
    let (mut reader, stderr) = std::io::pipe().unwrap();
    let (_site, mut daemon, client) = at_work(&numbered, stderr);
    // Each of these is a long line in the audit log.
    let order = json!({"by": "ann\u{202e}nna", "reason": "x\u{9b}2J".repeat(800)});
    let dropped = until("lines are dropped", || {
        client.post("/api/v1/reply/arm", &order);
        Some(client.metrics().sum(DROPPED, &[])).filter(|&dropped| dropped > 0)
    });
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).map(|_| log)
    });
    daemon.stop();
    let log = reading.join().unwrap().unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let said = lines.filter_map(|line| {
        Some(line["message"].as_str()?.strip_suffix(" log lines were dropped")?.parse::<u64>().unwrap())
    });
    assert!(said.sum::<u64>() >= dropped);
    assert!(log.contains("annnna") && !log.contains(['\u{202e}', '\u{9b}']));
}

#[test]
fn the_demo_goes_on_without_anybody_who_can_read_it() {
    let demo = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_birddog"));
        command.args(["demo", "--for", "2s", "--rate", "500", "--listen", "127.0.0.1:0"]);
        command.stdin(Stdio::null());
        command
    };
    let full = demo().stdout(full_disk()).stderr(full_disk()).status().unwrap();
    assert_eq!(full.code(), Some(0), "a full disk: {full}");
    let closed = demo().stdout(closed_pipe()).stderr(closed_pipe()).status().unwrap();
    assert_eq!(closed.code(), Some(0), "closed pipes: {closed}");
    let (_reader, stuck) = stuck_pipe();
    let mut child = demo().stdout(stuck).stderr(Stdio::null()).spawn().unwrap();
    let stuck = until("the demo ends", || child.try_wait().unwrap());
    assert_eq!(stuck.code(), Some(0), "a terminal that is held: {stuck}");
}

#[test]
fn commands_keep_their_exit_codes_when_nobody_reads_them() {
    let run = |args: &[&str], stdout: Stdio, stderr: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_birddog"));
        command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.stdin(File::open("tests/fixtures/aspect.jsonl").unwrap()).stdout(stdout).stderr(stderr);
        command.status().unwrap().code()
    };
    let nowhere = Path::new("/nowhere").to_str().unwrap();
    for closed in [closed_pipe, || full_disk().into()] {
        assert_eq!(run(&["check", "--rules", nowhere], Stdio::null(), closed()), Some(64));
        assert_eq!(run(&["run", "--rules", nowhere], Stdio::null(), closed()), Some(64));
        assert_eq!(run(&["scan", "--rules", "rules"], Stdio::null(), closed()), Some(2), "not one event");
        assert_eq!(run(&["score"], Stdio::null(), closed()), Some(0));
    }
    assert_eq!(run(&["score"], closed_pipe(), Stdio::null()), Some(0), "`birddog score | head` is no error");
    assert_eq!(run(&["check", "--list-lints"], closed_pipe(), Stdio::null()), Some(0));
    assert_eq!(run(&["score"], full_disk().into(), Stdio::null()), Some(2));
}
