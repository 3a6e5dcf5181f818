//! `birddog eval` on labelled posts, from the command line.

use std::fs;

use serde_json::Value;

use crate::process::birddog;

const POSTS: &str = r#"{"text":"I love this so much, thank you!","label":"positive","lang":"en"}
{"text":"This is terrible, I hate it","label":"very_negative","lang":"en"}
{"text":"The council will meet on Thursday at noon","label":"neutral"}
{"text":"whatever","label":"irrelevant"}
"#;

#[test]
fn figures_and_confusion_are_given_for_each_scorer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posts.jsonl");
    fs::write(&path, POSTS).unwrap();
    let path = path.to_str().unwrap();
    let output = birddog(folder.path(), &["eval", "--task", "sentiment", "--data", path, "--format", "json"]);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["left_out"], &report["task"]), (&Value::from(1), &Value::from("sentiment")));
    let ours = &report["scorers"][0];
    assert_eq!((&ours["posts"], &ours["accuracy"]), (&Value::from(3), &Value::from(1.0)), "{report:#}");
    assert_eq!(report["scorers"][2]["scorer"], "majority");
    let text = birddog(folder.path(), &["eval", "--task", "sentiment", "--data", path]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("3 labelled posts; 1 with another label left out\n"), "{text}");
}

#[test]
fn bad_input_is_refused_with_its_place_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, content: &[u8], wanted: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let output = birddog(folder.path(), &["eval", "--task", "urgency", "--data", path.to_str().unwrap()]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(said.contains(wanted), "{said}");
    };
    refused("bad.jsonl", b"{\"text\":\"a\",\"label\":\"low\"}\nnope\n", "bad.jsonl:2");
    refused("packed.jsonl.gz", b"\x1F\x8B\x08\x00", "gzip -dc");
    refused("other.jsonl", POSTS.as_bytes(), "low, medium, high, critical");
    refused("empty.jsonl", b"", "no posts");
}

#[test]
fn languages_are_guessed_from_the_text_alone_and_may_be_named_in_english() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posts.jsonl");
    let posts = [
        ("german", "Warum ist das schon wieder nicht erreichbar?"),
        ("en-GB", "why is the app down again"),
        ("hi", "yaar ye kya hai"),
        ("de", "почему ничего не работает"),
        ("fr", "🔥"),
    ];
    let line =
        |(lang, text): (&str, &str)| serde_json::json!({ "text": text, "lang": lang }).to_string() + "\n";
    fs::write(&path, posts.map(line).concat()).unwrap();
    let path = path.to_str().unwrap();
    let args = ["eval", "--task", "language", "--data", path, "--format", "json"];
    let output = birddog(folder.path(), &args);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["labels"], serde_json::json!(["other", "de", "en", "fr", "hi", "und"]));
    let ours = &report["scorers"][0];
    assert_eq!(ours["accuracy"], 0.6, "{report:#}");
    assert_eq!(ours["confusion"][1], serde_json::json!([1, 1, 0, 0, 0, 0]), "Russian is none of these");
    assert_eq!(ours["confusion"][3], serde_json::json!([0, 0, 0, 0, 0, 1]), "nothing is known");
}

#[test]
fn the_sentiment_towards_a_target_stands_beside_that_of_the_whole_post() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posts.jsonl");
    let posts = r#"{"text":"I love Acme, such a great service, but Zenith is horrible","label":"positive","brand":"Acme"}
{"text":"I love Acme, such a great service, but Zenith is horrible","label":"negative","topic":"zenith"}
{"text":"I hate the weather. @acme was great, thank you","label":"positive","target":"acme"}
"#;
    fs::write(&path, posts).unwrap();
    let path = path.to_str().unwrap();
    let output = birddog(folder.path(), &["eval", "--task", "aspect", "--data", path, "--format", "json"]);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ways: Vec<&str> =
        report["scorers"].as_array().unwrap().iter().map(|way| way["scorer"].as_str().unwrap()).collect();
    assert_eq!(ways, ["birddog", "the whole post", "lexicon alone", "majority"]);
    let accuracy = |way: usize| report["scorers"][way]["accuracy"].as_f64().unwrap();
    assert!(accuracy(0) == 1.0 && accuracy(1) < 1.0, "{report:#}");
    fs::write(path, POSTS).unwrap();
    let output = birddog(folder.path(), &["eval", "--task", "aspect", "--data", path]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
}
