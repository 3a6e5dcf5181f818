//! The packs that come with birddog are in order, and the authors' page tells the truth.

use std::path::Path;
use std::process::{Command, Output};

use birddog::config;
use birddog::model::Post;
use birddog::pipeline::scores_of;
use birddog::rules::lint::lint;
use birddog::rules::pack::load;
use birddog::rules::parse::parse;
use birddog::rules::term::{Fold, Pattern};
use birddog::rules::{cases, diagnostic::render};
use birddog::score::LexicalScorer;
use birddog::text::Folded;

fn rules() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

fn birddog(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_birddog"));
    command.args(args).env("NO_COLOR", "1").current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_packs_have_no_errors_no_warnings_and_no_failing_tests() {
    let files = config::read_dir(&rules()).unwrap();
    let (packs, errors) = load(&files);
    assert_eq!(render(&errors, &files, false), "");
    let mut scoring = |post: &Post, _: &Folded| scores_of(&LexicalScorer::new(), post);
    assert_eq!(render(&lint(&packs, &files, &mut scoring), &files, false), "");
    let outcome = cases::run(&packs.rules, &mut |post, _| scores_of(&LexicalScorer::new(), post));
    assert_eq!(outcome.failures, []);
    assert!(outcome.tests > 100);
}

#[test]
fn every_query_on_the_authors_page_parses() {
    let page = std::fs::read_to_string(rules().join("README.md")).unwrap();
    let lists = |_: &str| Some(vec![Pattern::new("acme", Fold::Standard).unwrap()]);
    let blocks = page.split("```query\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let queries: Vec<&str> = blocks.flat_map(str::lines).collect();
    assert!(queries.len() >= 15, "{queries:?}");
    for query in queries {
        let errors = parse(query, Fold::Standard, &lists).err();
        assert_eq!(errors, None, "{query}");
    }
}

#[test]
fn the_pack_on_the_authors_page_loads() {
    let page = std::fs::read_to_string(rules().join("README.md")).unwrap();
    let pack = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("acme.toml"), pack).unwrap();
    std::fs::write(folder.path().join("acme-products.txt"), "acme box\n").unwrap();
    let output = birddog(&["test", "--rules", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn the_commands_for_authors_speak_by_exit_code_and_json() {
    let checked = birddog(&["check", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((checked.status.code(), &report["ok"], &report["errors"]), (Some(0), &true.into(), &0.into()));

    let bad = birddog(&["check", "--rules", "tests/golden/rules-errors/query-errors", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert_eq!(bad.status.code(), Some(64));
    let first = &report["diagnostics"][0];
    assert_eq!(
        (&first["line"], &first["column"], &first["id"]),
        (&8.into(), &15.into(), &"query-parentheses".into())
    );

    assert_eq!(birddog(&["test"]).status.code(), Some(0));
    assert_eq!(birddog(&["test", "--rule", "none"]).status.code(), Some(64));
    assert_eq!(birddog(&["check", "--rules", "no-such-folder"]).status.code(), Some(64));
}

#[test]
fn a_match_and_a_miss_are_explained() {
    let explain = |text: &str, more: &[&str]| {
        birddog(&[&["explain", "--rule", "acme-outage", "--text", text, "--format", "json"], more].concat())
    };
    let hit = explain("Acme Cloud is down", &[]);
    let json: serde_json::Value = serde_json::from_slice(&hit.stdout).unwrap();
    assert_eq!((hit.status.code(), &json["matched"]), (Some(0), &true.into()));
    assert_eq!(json["spans"], serde_json::json!([[0, 10], [14, 18]]));

    let miss = explain("Acme Cloud is down", &["--kind", "repost"]);
    let json: serde_json::Value = serde_json::from_slice(&miss.stdout).unwrap();
    assert_eq!((miss.status.code(), &json["matched"]), (Some(1), &false.into()));
    assert_eq!(json["failed"][0]["query"], "-is:repost");

    let all = birddog(&["explain", "--text", "Acme Cloud is down", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(all.status.code(), Some(0));
    assert!(json["rules"].as_array().unwrap().iter().any(|rule| rule["matched"] == true));
}

#[test]
fn the_configuration_is_checked_with_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("birddog.toml");
    let check = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let output = birddog(&["check", "--format", "json", "-c", path.to_str().unwrap()]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report["config"][0].as_str().unwrap_or_default().to_owned(), report)
    };
    let (code, _, report) = check("[teams.support]\nrespond_within = \"15m\"\n");
    let first = &report["diagnostics"][0];
    assert_eq!((code, &first["id"]), (Some(64), &"unknown-team".into()));
    assert!(first["file"].as_str().unwrap().ends_with("acme.toml") && first["line"].as_u64() > Some(1));
    assert_eq!(report["config"], serde_json::json!([]));
    let (code, mistake, _) = check("[stoer]\n");
    assert!(code == Some(64) && mistake.contains("stoer"), "{mistake}");
    let (code, mistake, _) = check("[rules]\nallow = [\"short-trem\"]\n");
    assert!(code == Some(64) && mistake.contains("did you mean short-term?"), "{mistake}");
}

#[test]
fn the_rules_are_where_the_configuration_says_unless_the_command_line_says_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("birddog.toml");
    let config = path.to_str().unwrap();
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    std::fs::create_dir(folder.path().join("packs")).unwrap();
    let pack = "[pack]\nbrand = \"zeta\"\nowner = \"care@zeta.example\"\n[[rule]]\nid = \"only-here\"\nquery = 'zeta'\n\
                team = \"support\"\ntests = [{ text = 'zeta is down', match = true }]\n";
    std::fs::write(folder.path().join("packs/zeta.toml"), pack).unwrap();
    write(&format!("[rules]\npath = {:?}\n", folder.path().join("packs")));
    let explain = ["explain", "--rule", "only-here", "--text", "zeta"];
    for command in [&["test", "--rule", "only-here"][..], &explain, &["check"]] {
        let found = birddog(&[command, &["-c", config]].concat());
        assert_eq!(found.status.code(), Some(0), "{command:?}: {}", stdout(&found));
    }
    for command in [&["test", "--rule", "only-here"][..], &explain] {
        let elsewhere = birddog(&[command, &["-c", config, "--rules", "rules"]].concat());
        assert_eq!(elsewhere.status.code(), Some(64), "{command:?}");
    }
    write("[stoer]\n");
    let broken = birddog(&["test", "-c", config]);
    assert!(broken.status.code() == Some(64) && String::from_utf8_lossy(&broken.stderr).contains("stoer"));
}
