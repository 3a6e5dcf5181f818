//! `birddog queue` and `birddog reply` as an agent types them, against a real API.

use std::process::{Command, Output};

use birddog::api::Config;
use birddog::feed::FeedOptions;
use serde_json::Value;

use crate::process::{Feed, Site};
use crate::stub::{Daemon, FIRST};

fn birddog(api: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_birddog"));
    command.args(args).env("BIRDDOG_API", api).env("BIRDDOG_AGENT", "ann").env_remove("BIRDDOG_API_TOKEN");
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn an_agent_works_the_queue_from_a_terminal() {
    let daemon = Daemon::start(Config::default());
    let (api, id) = (daemon.url(""), FIRST.to_string());
    for (args, shown) in [
        (&["queue", "stats"][..], "support"),
        (&["queue", "list", "--team", "support"], "again[2J FAKE row"),
        (&["queue", "claim", "--team", "support"], "claimed"),
        (&["queue", "ack", &id], "waiting"),
        (&["queue", "note", &id, "called back"], "waiting"),
        (&["queue", "handoff", &id, "--to", "sales", "--reason", "asks for a quote"], "sales"),
        (&["queue", "resolve", &id, "--note", "sold"], "resolved"),
        (&["queue", "show", &id], "asks for a quote"),
        (&["queue", "claim", "--team", "nobody"], "nothing to claim"),
        (&["reply", "arm", "--reason", "checked"], "armed"),
        (&["reply", "disarm", "--reason", "storm"], "disarmed"),
        (&["reply", "status"], "by ann"),
    ] {
        let output = birddog(&api, args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains(shown), "{args:?}: {}", text(&output.stdout));
        assert!(!text(&output.stdout).contains(['\x1b', '\u{202e}']), "{args:?}");
    }
}

#[test]
fn json_is_the_answer_of_the_api() {
    let daemon = Daemon::start(Config::default());
    let output = birddog(&daemon.url(""), &["queue", "list", "--format", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["items"][1]["post"]["text"], "again\x1b[2J\nFAKE \u{202e}row");
    assert!(!text(&output.stdout).contains('\u{202e}'));
}

#[test]
fn exit_codes_tell_usage_from_runtime_errors() {
    let daemon = Daemon::start(Config::default());
    let api = daemon.url("");
    for (args, code, said) in [
        (&["queue", "--help"][..], 0, ""),
        (&["queue", "show", "00000000000000ff"], 2, "not_found"),
        (&["queue", "resolve", &FIRST.to_string()], 2, "wrong_state"),
        (&["queue", "show", "xyz"], 64, "32 hexadecimal digits"),
        (&["queue", "claim"], 64, "--team"),
        (&["quack"], 64, "quack"),
        (&["queue", "list", "--api", "http://127.0.0.1:1"], 2, "birddog run"),
        (&["queue", "list", "--api", "foo"], 64, "http://127.0.0.1:8642"),
        (&["queue", "list", "--token-file", "/no/such/token"], 64, "/no/such/token"),
        (&["queue", "ack", &FIRST.to_string(), "--agent", " "], 64, "BIRDDOG_AGENT"),
        (&["demo", "--rate", "0"], 64, "more than 0"),
        (&["feed", "--story", "1", "--rate", "0"], 64, "more than 0"),
        (&["feed"], 64, "--story SEED"),
        (&["queue", "list", "--log-level", "nonsense"], 64, "error, warn, info, debug, trace or off"),
    ] {
        let output = birddog(&api, args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{args:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_team_that_nobody_has_is_refused_with_those_that_are() {
    let feed = Feed::serve(FeedOptions::lines(vec![
        "{\"did\":\"did:plc:a\",\"time_us\":1,\"kind\":\"identity\"}".to_owned(),
    ]));
    let site = Site::with_one_rule(&feed.url(), "1s");
    let mut daemon = site.start();
    let client = daemon.listening();
    for command in ["list", "claim"] {
        let output = birddog(&client.base, &["queue", command, "--team", "nobody"]);
        assert_eq!(output.status.code(), Some(2), "{command}: {}", text(&output.stdout));
        let said = text(&output.stderr);
        assert!(said.contains("no team \"nobody\"") && said.contains("support"), "{command}: {said}");
        let known = birddog(&client.base, &["queue", command, "--team", "support"]);
        assert!(known.status.success(), "{command}: {}", text(&known.stderr));
    }
    assert_eq!(client.text("/api/v1/items?team=nobody").0, 400);
    daemon.stop();
}

#[test]
fn a_token_is_asked_for_and_taken_from_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a-token-of-the-test-0123456789\n").unwrap();
    let daemon = Daemon::start(Config { token_file: Some(file.path().to_owned()), ..Config::default() });
    let refused = birddog(&daemon.url(""), &["queue", "stats"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--token-file"));
    let path = file.path().to_str().unwrap();
    assert!(birddog(&daemon.url(""), &["queue", "stats", "--token-file", path]).status.success());
}
