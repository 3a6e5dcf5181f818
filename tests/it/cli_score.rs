//! `birddog score` as a pipe: order, kept fields, and the exit code.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn score(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_birddog"));
    command.arg("score").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn scores_come_in_the_order_of_the_posts() {
    let input = "{\"id\":1,\"text\":\"Acme is down, this is terrible!\"}\n{\"id\":2,\"text\":\"danke, super Service\",\"lang\":\"de\"}\n";
    let output = score(&["--explain"], input);
    let lines = String::from_utf8(output.stdout).unwrap();
    let labels: Vec<(i64, String, String)> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| {
            (line["id"].as_i64().unwrap(), line["sentiment"]["label"].to_string(), line["lang"].to_string())
        })
        .collect();
    let expected = [(1, "\"negative\"", "\"en\""), (2, "\"positive\"", "\"de\"")];
    assert_eq!(labels, expected.map(|(id, label, lang)| (id, label.to_owned(), lang.to_owned())));
    assert!(output.status.success() && lines.contains("\"why\":\"outage\""));
}

#[test]
fn a_bad_line_keeps_its_place_and_fails_the_run() {
    let output = score(&[], "{\"text\":\"a\"}\n{}\n{\"text\":\"b\"}\n");
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), lines.lines().count()), (Some(1), 3));
    assert!(lines.lines().nth(1).unwrap().starts_with("{\"error\":"));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("line 2: "));
}

#[test]
fn a_target_has_its_own_sentiment_and_the_explanation_says_which_clause_counted() {
    let text = "I love Acme, such a great service, but Zenith is horrible and useless";
    let line = |target: &str| format!("{{\"text\":\"{text}\",\"target\":\"{target}\"}}\n");
    let input = line("acme") + &line("@Zenith") + &line("nobody") + &format!("{{\"text\":\"{text}\"}}\n");
    let output = score(&["--explain"], &input);
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["sentiment"]["label"], &lines[0]["target"]), (&"positive".into(), &"acme".into()));
    assert_eq!(lines[1]["sentiment"]["label"], "negative");
    assert_eq!(lines[1]["explanation"]["target"]["clauses"][0]["text"], "but Zenith is horrible and useless");
    assert_eq!(lines[1]["explanation"]["target"]["whole"], lines[3]["sentiment"]);
    assert_eq!(lines[2]["sentiment"], lines[3]["sentiment"]);
    assert!(lines[3]["explanation"].get("target").is_none());
    let negative = |line: &serde_json::Value| line["priority"]["factors"]["sentiment"].as_f64().unwrap();
    assert!(negative(&lines[0]) == 0.0 && negative(&lines[1]) > 0.5);
}
