//! What `birddog check` and `birddog schema` give to editors and continuous integration.

use std::path::Path;
use std::process::Output;

use birddog::rules::diagnostic::Severity;
use birddog::rules::lint::LINTS;
use birddog::rules::schema::pack_schema;
use serde_json::{Value, json};

use crate::process::birddog;

const PACK: &str = "[pack]\nbrand = \"acme\"\nowner = \"care@acme.example\"\n\
    [[rule]]\nid = \"a\"\nteam = \"support\"\nquery = 'acme ab OR acme OR \"acme box\"'\n\
    [[rule]]\nid = \"a\"\nteam = \"support\"\nquery = 'acme (down'\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn folder(pack: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("rules/acme.toml"), pack).unwrap();
    folder
}

/// What SARIF 2.1.0 asks of a log, and what code scanning reads of it.
fn assert_sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-2.1.0.json"));
    assert_eq!(log["runs"].as_array().unwrap().len(), 1);
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "birddog");
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        assert!(rule["id"].is_string() && rule["help"]["text"].is_string(), "{rule}");
        assert!(rule["shortDescription"]["text"].is_string(), "{rule}");
        assert!(is_level(&rule["defaultConfiguration"]["level"]), "{rule}");
    }
    for result in run["results"].as_array().unwrap() {
        assert!(
            is_level(&result["level"]) && !result["message"]["text"].as_str().unwrap().is_empty(),
            "{result}"
        );
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_place(&result["locations"][0]);
        for (at, related) in result["relatedLocations"].as_array().into_iter().flatten().enumerate() {
            assert_eq!(related["id"], at + 1);
            assert!(related["message"]["text"].is_string());
            assert_place(related);
        }
    }
    assert!(run["invocations"][0]["executionSuccessful"].is_boolean());
}

fn is_level(level: &Value) -> bool {
    matches!(level.as_str(), Some("error" | "warning" | "note"))
}

fn assert_place(location: &Value) {
    let place = &location["physicalLocation"];
    let uri = place["artifactLocation"]["uri"].as_str().unwrap();
    assert!(!uri.contains([' ', '\\']) && (uri.starts_with("file:///") || !uri.starts_with('/')), "{uri}");
    let region = &place["region"];
    assert!(region["startLine"].as_u64() >= Some(1) && region["startColumn"].as_u64() >= Some(1), "{region}");
    if let Some(end) = region["endLine"].as_u64() {
        let start = (region["startLine"].as_u64().unwrap(), region["startColumn"].as_u64().unwrap());
        assert!(start <= (end, region["endColumn"].as_u64().unwrap()), "{region}");
    }
}

#[test]
fn sarif_has_what_code_scanning_reads() {
    let folder = folder(PACK);
    let output = birddog(folder.path(), &["check", "--format", "sarif"]);
    assert_eq!(output.status.code(), Some(64));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_sarif(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let found: Vec<(&str, &str)> = results
        .iter()
        .map(|result| (result["ruleId"].as_str().unwrap(), result["level"].as_str().unwrap()))
        .collect();
    for wanted in [("duplicate-id", "error"), ("query-parentheses", "error"), ("redundant-term", "warning")] {
        assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
    }
    let again = results.iter().find(|result| result["ruleId"] == "duplicate-id").unwrap();
    assert_eq!(again["relatedLocations"][0]["message"]["text"], "first here");
    assert_eq!(again["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "rules/acme.toml");
    let of_shipped = birddog(root(), &["check", "--format", "sarif"]);
    assert_eq!(of_shipped.status.code(), Some(0));
    let log: Value = serde_json::from_slice(&of_shipped.stdout).unwrap();
    assert_sarif(&log);
    assert_eq!(log["runs"][0]["results"], json!([]));
}

#[test]
fn lints_are_denied_and_allowed_by_name() {
    let pack = PACK.split("[[rule]]").take(2).collect::<Vec<_>>().join("[[rule]]");
    let folder = folder(&pack);
    let check = |args: &[&str]| {
        let output = birddog(folder.path(), &[&["check", "--format", "json"], args].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let found = report["diagnostics"].as_array().map_or(0, Vec::len);
        (output.status.code().unwrap(), found, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let assert_found = |args: &[&str], code: i32, found: usize| {
        let told = check(args);
        assert_eq!((told.0, told.1), (code, found), "{args:?}");
    };
    assert_found(&[], 0, 4);
    assert_eq!(check(&["--deny", "warnings"]).0, 64);
    assert_eq!(check(&["--deny-warnings"]).0, 64);
    assert_eq!(check(&["--deny", "same-query", "--deny", "implied-rule"]).0, 0);
    assert_eq!(check(&["--deny", "short-term"]).0, 64);
    let allowed = ["--allow", "short-term", "--allow", "redundant-term", "--allow", "rule-without-tests"];
    assert_found(&allowed, 0, 0);
    assert_found(&[&["--deny", "warnings"], &allowed[..]].concat(), 0, 0);
    let (code, _, told) = check(&["--allow", "short-trem"]);
    assert!(code == 64 && told.contains("did you mean short-term?"), "{told}");
    std::fs::write(
        folder.path().join("birddog.toml"),
        "[rules]\ndeny = [\"warnings\"]\nallow = [\"short-term\"]\n",
    )
    .unwrap();
    assert_found(&[], 64, 3);
    assert_found(&["--deny", "short-term"], 64, 4);
}

#[test]
fn the_folder_may_be_named_without_a_flag_and_a_file_is_answered_with_its_folder() {
    let folder = folder(PACK);
    for command in ["check", "test"] {
        let named = birddog(folder.path(), &[command, "rules"]);
        assert_eq!((named.status.code(), text(&named).contains("duplicate-id")), (Some(64), true));
        let both = birddog(folder.path(), &[command, "rules", "--rules", "rules"]);
        assert_eq!((both.status.code(), text(&both)), (Some(64), String::new()));
        let file = birddog(folder.path(), &[command, "rules/acme.toml"]);
        let told = String::from_utf8_lossy(&file.stderr).into_owned();
        assert!(
            file.status.code() == Some(64) && told.contains("rules/acme.toml is a file: name the folder"),
            "{told}"
        );
    }
}

#[test]
fn every_lint_is_listed_and_stands_in_the_manual() {
    let listed = birddog(root(), &["check", "--list-lints", "--format", "json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), LINTS.len());
    let table = text(&birddog(root(), &["check", "--list-lints"]));
    let manual = std::fs::read_to_string(root().join("rules/README.md")).unwrap();
    let section = manual.split("## Lints").nth(1).unwrap().split("\n## ").next().unwrap();
    for lint in LINTS {
        assert!(
            table.lines().any(|line| line.starts_with(lint.id) && line.ends_with(lint.meaning)),
            "{}",
            lint.id
        );
        let severity = if lint.severity == Severity::Note { "note" } else { "warning" };
        let row = format!("| `{}` | {severity} | {} |", lint.id, lint.meaning);
        assert!(section.contains(&row), "rules/README.md lacks {row}");
    }
    assert_eq!(section.lines().filter(|line| line.starts_with("| `")).count(), LINTS.len());
}

#[test]
fn the_schema_of_packs_is_committed() {
    let path = root().join("rules/pack.schema.json");
    let printed = text(&birddog(root(), &["schema"]));
    assert_eq!(printed, text(&birddog(root(), &["schema", "pack"])));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(printed == committed, "UPDATE_EXPECT=1 rewrites rules/pack.schema.json");
}

/// What `value` breaks of `schema`: only the keywords that ours has.
fn breaks(schema: &Value, value: &toml::Value, place: &str, out: &mut Vec<String>) {
    let is_type = match schema["type"].as_str().unwrap() {
        "object" => value.is_table(),
        "array" => value.is_array(),
        "string" => value.is_str(),
        "integer" => value.is_integer(),
        "boolean" => value.is_bool(),
        other => panic!("{other}"),
    };
    if !is_type {
        return out.push(format!("{place} is no {}", schema["type"]));
    }
    let choices = schema["enum"].as_array();
    if choices.is_some_and(|choices| !choices.iter().any(|choice| choice.as_str() == value.as_str())) {
        out.push(format!("{place} is {value}, none of {:?}", schema["enum"]));
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        breaks(&schema["items"], item, &format!("{place}[{at}]"), out);
    }
    let Some(table) = value.as_table() else { return };
    for required in schema["required"].as_array().into_iter().flatten() {
        if !table.contains_key(required.as_str().unwrap()) {
            out.push(format!("{place} lacks {required}"));
        }
    }
    for (key, value) in table {
        let property = &schema["properties"][key];
        let property = if property.is_null() { &schema["additionalProperties"] } else { property };
        match property.is_object() {
            true => breaks(property, value, &format!("{place}.{key}"), out),
            false => out.push(format!("{place} has no {key}")),
        }
    }
}

#[test]
fn the_shipped_packs_name_the_schema_and_keep_to_it() {
    let schema = pack_schema();
    let check = |text: &str| {
        let mut broken = Vec::new();
        breaks(&schema, &toml::from_str::<toml::Value>(text).unwrap(), "pack", &mut broken);
        broken
    };
    for name in ["acme", "globex", "northwind"] {
        let text = std::fs::read_to_string(root().join(format!("rules/{name}.toml"))).unwrap();
        assert!(text.starts_with("#:schema ./pack.schema.json\n"), "{name}");
        assert_eq!(check(&text), Vec::<String>::new(), "{name}");
    }
    let wrong = "[pack]\nbrand = 'a'\n[[rule]]\nid = 'a'\nquery = 'a'\nteam = 3\nstatus = 'lve'\ntest = 1\n";
    assert_eq!(check(wrong).len(), 4, "{:?}", check(wrong));
}
