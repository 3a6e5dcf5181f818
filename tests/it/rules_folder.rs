//! The packs that come with birddog are in order, and the authors' page tells the truth.

use std::path::Path;
use std::process::Output;

use birddog::line::scores_of;
use birddog::model::Post;
use birddog::rules::lint::lint;
use birddog::rules::operators::FIELDS;
use birddog::rules::pack::load;
use birddog::rules::parse::parse;
use birddog::rules::term::{Fold, Pattern};
use birddog::rules::{RuleSet, Scratch, cases, diagnostic::render, unscored};
use birddog::ruleset;
use birddog::score::TrainedScorer;
use birddog::text::Folded;

use crate::process;
use crate::vocabulary::info;

fn rules() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

fn birddog(args: &[&str]) -> Output {
    process::birddog(Path::new(env!("CARGO_MANIFEST_DIR")), args)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_packs_have_no_errors_no_warnings_and_no_failing_tests() {
    let files = ruleset::read_dir(&rules()).unwrap();
    let (packs, errors) = load(&files);
    assert_eq!(render(&errors, &files, false), "");
    let mut scoring = |post: &Post, _: &Folded| scores_of(&TrainedScorer::new(), post);
    assert_eq!(render(&lint(&packs, &files, &mut scoring), &files, false), "");
    let outcome = cases::run(&packs.rules, &mut |post, _| scores_of(&TrainedScorer::new(), post));
    assert_eq!(outcome.failures, []);
    assert!(outcome.tests > 100);
}

/// The blocks of the authors' page that are marked as `kind`, without their indent.
fn blocks(kind: &str) -> Vec<String> {
    let page = std::fs::read_to_string(rules().join("README.md")).unwrap();
    let (mut blocks, mut open) = (Vec::new(), None);
    for line in page.lines() {
        let mark = line.trim_start().strip_prefix("```");
        match (&mut open, mark) {
            (None, Some(found)) => {
                open = Some((found == kind, line.len() - line.trim_start().len(), String::new()))
            }
            (Some((wanted, _, block)), Some(_)) => {
                if *wanted {
                    blocks.push(std::mem::take(block));
                }
                open = None;
            }
            (Some((_, indent, block)), None) => *block += &format!("{}\n", line.get(*indent..).unwrap_or("")),
            (None, None) => {}
        }
    }
    blocks
}

fn lists(_: &str) -> Option<Vec<Pattern>> {
    Some(vec![Pattern::new("acme", Fold::Standard).unwrap()])
}

#[test]
fn every_query_on_the_authors_page_parses() {
    let blocks = blocks("query");
    let queries: Vec<&str> = blocks.iter().flat_map(|block| block.lines()).collect();
    assert!(queries.len() >= 10, "{queries:?}");
    for query in queries {
        let errors = parse(query, Fold::Standard, &lists).err();
        assert_eq!(errors, None, "{query}");
    }
}

#[test]
fn every_match_on_the_authors_page_is_one() {
    let mut examples = 0;
    for (kind, fold) in
        [("match", Fold::Standard), ("match exact", Fold::Exact), ("match loose", Fold::Loose)]
    {
        for line in blocks(kind).iter().flat_map(|block| block.lines()) {
            let [query, text, expected] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let node = parse(query, fold, &lists).unwrap_or_else(|errors| panic!("{line}: {errors:?}"));
            let set = RuleSet::compile(vec![(info(0), &node)]);
            let post = Post { text: text.to_owned(), ..Post::default() };
            let found = set.matches(&post, &mut Scratch::default(), &mut unscored).len() == 1;
            assert_eq!(found, expected == "yes", "{line}");
            assert!(["yes", "no"].contains(&expected), "{line}");
            examples += 1;
        }
    }
    assert!(examples >= 40, "{examples}");
}

#[test]
fn every_operator_is_on_the_authors_page() {
    let page = std::fs::read_to_string(rules().join("README.md")).unwrap();
    for field in FIELDS {
        assert!(page.contains(&format!("`{}:", field.name)), "{}:", field.name);
    }
}

#[test]
fn the_packs_on_the_authors_page_pass_their_tests_without_a_warning() {
    for pack in blocks("toml") {
        let folder = tempfile::tempdir().unwrap();
        if pack.contains("acme-products.txt") {
            std::fs::write(folder.path().join("acme-products.txt"), &blocks("list")[0]).unwrap();
        }
        std::fs::write(folder.path().join("acme.toml"), pack).unwrap();
        let folder = folder.path().to_str().unwrap();
        for command in [&["test", folder][..], &["check", folder, "--deny", "warnings"]] {
            let output = birddog(command);
            assert_eq!(output.status.code(), Some(0), "{command:?}: {}", stdout(&output));
        }
    }
}

/// From an empty folder to a rule in shadow, as the page tells it; `tests/it/reload.rs` has the rest.
#[test]
fn a_new_author_gets_through_the_first_steps() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("rules/acme.toml"), &blocks("toml")[0]).unwrap();
    std::fs::write(folder.path().join("posts.jsonl"), &blocks("json")[0]).unwrap();
    let steps = blocks("sh")[..3].concat();
    let steps: Vec<&str> = steps.lines().collect();
    let codes = steps.iter().map(|step| {
        let words: Vec<&str> = step.split('\'').collect();
        let mut args: Vec<&str> = words[0].split_whitespace().skip(1).collect();
        args.extend(words.get(1));
        let output = process::birddog(folder.path(), &args);
        assert!(!step.contains("backtest") || stdout(&output).contains("2 posts"), "{}", stdout(&output));
        (step.split_whitespace().nth(1).unwrap(), output.status.code().unwrap())
    });
    let codes: Vec<(&str, i32)> = codes.collect();
    assert_eq!(codes, [("check", 0), ("test", 0), ("explain", 1), ("backtest", 0)]);
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
fn whatever_a_rule_can_ask_for_can_be_told_to_explain() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let pack = "[pack]\nbrand = \"a\"\nowner = \"o\"\n[[rule]]\nid = \"r\"\nteam = \"t\"\nquery = 'acme source:mastodon followers:>=100'\n";
    std::fs::write(path("a.toml"), pack).unwrap();
    let explain = |args: &[&str]| {
        let rules = folder.path().to_str().unwrap();
        birddog(&[&["explain", "--rules", rules, "--rule", "r"], args].concat()).status.code()
    };
    let text = ["--text", "acme"];
    assert_eq!(explain(&text), Some(1));
    assert_eq!(explain(&[&text[..], &["--source", "mastodon", "--followers", "100"]].concat()), Some(0));
    assert_eq!(explain(&[&text[..], &["--source", "mastodon", "--followers", "99"]].concat()), Some(1));
    assert_eq!(explain(&[&text[..], &["--source", "myspace"]].concat()), Some(64));
    for (post, code) in [
        (r#"{"text": "acme", "source": "mastodon", "followers": 100}"#, 0),
        (r#"{"text": "acme", "source": "mastodon", "user": "jo", "followers": 100}"#, 0),
        (r#"{"post": {"text": "acme", "source": "mastodon", "author": {"followers": 100}}}"#, 0),
        (r#"{"text": "acme", "source": "bluesky", "followers": 100}"#, 1),
        (r#"{"txt": "acme"}"#, 64),
    ] {
        std::fs::write(path("post.json"), post).unwrap();
        assert_eq!(explain(&["--post", &path("post.json")]), Some(code), "{post}");
    }
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
