//! Findings as SARIF 2.1.0 (OASIS), for code scanning and editors.
//!
//! Pure: the caller says what the paths are relative to. Only what both sides of GitHub's code scanning read is written:
//! tool.driver with its rules, and results with level, message and places; lines and columns from 1, columns in
//! characters, ends exclusive.

use serde_json::{Value, json};

use super::diagnostic::{Diagnostic, Located, Severity, SourceFile, locate};
use super::lint::LINTS;

/// Where the schema of the format is.
pub const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Findings that are no lints, by id, with what they are about.
pub const ERRORS: [(&str, &str); 29] = [
    ("toml", "a pack that is no TOML"),
    ("pack-missing-key", "a setting that is missing"),
    ("pack-unknown-key", "a setting that does not exist"),
    ("pack-type", "a setting of the wrong type"),
    ("pack-value", "a setting with a value that will not do"),
    ("pack-name", "a name that will not do as a label"),
    ("duplicate-id", "two rules with one id"),
    ("too-many-rules", "more rules than there may be"),
    ("unknown-team", "a team that the configuration does not have"),
    ("unknown-template", "a reply template that the configuration does not have"),
    ("list-missing", "a list file that is not there"),
    ("list-empty", "a list without terms"),
    ("list-term", "a line of a list that is no term"),
    ("list-too-large", "a list with more terms than there may be"),
    ("query-empty", "a query or group with nothing in it"),
    ("query-too-large", "a query that is too long, too deep, or has too many terms"),
    ("query-parentheses", "a parenthesis without its other half"),
    ("query-quotes", "a quotation mark without its other half, or a typographic one"),
    ("query-operand", "an operator with nothing to work on"),
    ("query-unsupported", "an operator of another tool"),
    ("query-unknown-operator", "an operator that does not exist"),
    ("query-value", "an operator whose value is missing or will not do"),
    ("query-unknown-list", "a list that the pack does not name"),
    ("query-nothing-to-find", "a term of punctuation only"),
    ("query-wildcard", "a wildcard that is too short or misplaced"),
    ("query-proximity", "NEAR or a window that is misused"),
    ("query-braces", "a brace without its other half, or inside a word"),
    ("query-no-anchor", "a query, or a side of an OR, that would match nearly every post"),
    ("configuration", "a mistake in the configuration"),
];

/// `findings` as a SARIF log; `mistakes` are those of the configuration, which have no place in `files`.
#[must_use]
pub fn sarif(findings: &[Diagnostic], files: &[SourceFile], mistakes: &[String], version: &str) -> Value {
    let results: Vec<Value> = locate(findings, files).iter().map(result).collect();
    let notifications: Vec<Value> = mistakes.iter().map(|mistake| notification(mistake)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "birddog",
                "version": version,
                "semanticVersion": version,
                "rules": descriptors(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": true, "toolConfigurationNotifications": notifications }],
            "results": results,
        }],
    })
}

/// Every id with its severity and meaning: lints first.
fn ids() -> impl Iterator<Item = (&'static str, Severity, &'static str)> {
    let lints = LINTS.iter().map(|lint| (lint.id, lint.severity, lint.meaning));
    lints.chain(ERRORS.into_iter().map(|(id, meaning)| (id, Severity::Error, meaning)))
}

fn descriptors() -> Vec<Value> {
    let descriptor = |(id, severity, meaning): (&str, Severity, &str)| {
        json!({
            "id": id,
            "shortDescription": { "text": meaning },
            "help": { "text": format!("{meaning}. See rules/README.md.") },
            "defaultConfiguration": { "level": severity.as_str() },
        })
    };
    ids().map(descriptor).collect()
}

fn result(found: &Located<'_>) -> Value {
    let hint = if found.hint.is_empty() { String::new() } else { format!(" ({})", found.hint) };
    let mut result = json!({
        "ruleId": found.id,
        "level": found.severity.as_str(),
        "message": { "text": format!("{}{hint}", found.message) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": artifact(&found.file),
            "region": {
                "startLine": found.line,
                "startColumn": found.column,
                "endLine": found.end_line,
                "endColumn": found.end_column,
            },
        } }],
    });
    if let Some(index) = ids().position(|(id, ..)| id == found.id) {
        result["ruleIndex"] = index.into();
    }
    if let Some(also) = &found.also {
        result["relatedLocations"] = json!([{
            "id": 1,
            "message": { "text": also.label },
            "physicalLocation": {
                "artifactLocation": artifact(&also.file),
                "region": { "startLine": also.line, "startColumn": also.column },
            },
        }]);
    }
    result
}

fn notification(mistake: &str) -> Value {
    let rule = ids().position(|(id, ..)| id == "configuration");
    json!({
        "level": "error",
        "message": { "text": mistake },
        "associatedRule": { "id": "configuration", "index": rule },
    })
}

/// A path as a URI reference: absolute as `file:`, relative to the root of the sources otherwise.
fn artifact(path: &str) -> Value {
    let path = path.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    let uri: String = path.bytes().map(escaped).collect();
    if uri.starts_with('/') {
        return json!({ "uri": format!("file://{uri}") });
    }
    json!({ "uri": uri, "uriBaseId": "%SRCROOT%" })
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::pack::load;
    use crate::rules::query::errors::Problem;

    #[test]
    fn every_id_is_described_once() {
        let mut all: Vec<&str> = ids().map(|(id, ..)| id).collect();
        assert!(all.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
        assert!(all.contains(&Problem::Empty.id()));
    }

    #[test]
    fn a_finding_has_its_place_in_the_file_and_the_place_that_belongs_to_it() {
        let rule = "[[rule]]\nid = 'é'\nteam = 't'\nquery = 'acme'\n";
        let text = format!("[pack]\nbrand = 'a'\nowner = 'o'\n{rule}{rule}");
        let files = [SourceFile { path: "./my rules/é.toml".into(), text }];
        let (_, mut findings) = load(&files);
        findings.push(Diagnostic::error(0, (0, 6), "duplicate-id", "again").also(0, (7, 8), "first here"));
        let log = sarif(&findings, &files, &["no such team".to_owned()], "1.2.3");
        let run = &log["runs"][0];
        let first = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(first["artifactLocation"]["uri"], "my%20rules/%C3%A9.toml");
        assert_eq!(
            first["region"],
            json!({ "startLine": 5, "startColumn": 6, "endLine": 5, "endColumn": 9 })
        );
        let last = run["results"].as_array().unwrap().last().unwrap();
        assert_eq!(last["relatedLocations"][0]["message"]["text"], "first here");
        let index = last["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "duplicate-id");
        let told = &run["invocations"][0]["toolConfigurationNotifications"][0];
        assert_eq!(told["message"]["text"], "no such team");
    }

    #[test]
    fn an_absolute_path_is_a_file_uri() {
        assert_eq!(artifact("/a b/c.toml"), json!({ "uri": "file:///a%20b/c.toml" }));
    }
}
