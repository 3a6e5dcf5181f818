//! What loads, and what is said of what does not.

use super::*;
use crate::model::{Lane, PostKind, RuleStatus};
use crate::rules::diagnostic::{Diagnostic, SourceFile, render};

fn files(files: &[(&str, &str)]) -> Vec<SourceFile> {
    files.iter().map(|(path, text)| SourceFile { path: path.into(), text: (*text).to_owned() }).collect()
}

const HEAD: &str = "[pack]\nbrand = \"acme\"\nowner = \"care@acme.example\"\n";

fn rule(fields: &str) -> String {
    format!("{HEAD}[[rule]]\nid = \"a\"\nteam = \"support\"\n{fields}\n")
}

/// The ids of the findings and the characters that they point at.
fn found(text: &str) -> Vec<(&'static str, String)> {
    let files = files(&[("rules/acme.toml", text)]);
    let (_, findings) = load(&files);
    assert!(!render(&findings, &files, false).contains('\u{1b}'));
    let show = |finding: &Diagnostic| {
        (finding.id, text[finding.span.0 as usize..finding.span.1 as usize].to_owned())
    };
    findings.iter().map(show).collect()
}

fn found_in_rule(fields: &str) -> Vec<(&'static str, String)> {
    found(&rule(fields))
}

#[test]
fn the_pack_of_the_manual_loads() {
    let pack = r#"
[pack]
brand = "acme"                     # label on metrics and work items
owner = "care@acme.example"
[lists]
products = "acme-products.txt"
[[rule]]
id       = "acme-outage"
query    = '("acme cloud" OR @acmecloud OR #acmedown OR list:products) (down OR outage) -is:repost'
team     = "support"
priority = "high"
status   = "live"
fold     = "standard"
reply    = "status-page"
expect_per_day = [5, 400]
tests = [
  { text = "Acme Cloud is down again!!", match = true },
  { text = "on cloud nine with acme", match = false },
]
[[rule]]
id = "acme-reply"
query = 'acme is:reply'
team = "pr"
status = "off"
tests = [{ text = "acme", kind = "reply", lang = "de", from = "did:x", media = true, match = true }]
"#;
    let files = files(&[("r/acme-products.txt", "acme box\n"), ("r/acme.toml", pack)]);
    let (packs, findings) = load(&files);
    assert_eq!(findings, []);
    let rule = &packs.rules[0];
    assert_eq!((&*rule.info.id, &*rule.info.brand, &*rule.info.team), ("acme-outage", "acme", "support"));
    assert_eq!((rule.info.floor, rule.info.status), (Lane::High, RuleStatus::Live));
    assert_eq!((rule.info.reply.as_deref(), rule.expect_per_day), (Some("status-page"), Some((5, 400))));
    assert_eq!((rule.tests.len(), rule.tests[0].expect, rule.tests[1].expect), (2, true, false));
    assert_eq!((packs.packs[0].owner.as_str(), packs.lists[0].terms.len()), ("care@acme.example", 1));
    let post = packs.rules[1].tests[0].post();
    assert_eq!((post.kind, post.langs, post.has_media), (PostKind::Reply, vec!["de".to_owned()], true));
    assert_eq!((packs.rules[1].info.status, packs.rules[1].info.floor), (RuleStatus::Off, Lane::Low));
}

#[test]
fn query_errors_point_into_the_file() {
    assert_eq!(found_in_rule("query = 'acme form:x'"), [("query-unknown-operator", "form:x".to_owned())]);
    assert_eq!(
        found_in_rule(r#"query = "\"acme x\" form:x""#),
        [("query-unknown-operator", "form:x".to_owned())]
    );
    assert_eq!(found_in_rule("query = '''\nacme\n(down'''"), [("query-parentheses", "(".to_owned())]);
}

#[test]
fn unknown_keys_and_wrong_types_are_all_reported() {
    let fields = "query = 3\nteem = \"x\"\nstatus = \"lve\"\nexpect_per_day = [4, 2]\nfold = \"lose\"\n\
        tests = [{ text = \"x\", math = true }, 7]";
    assert_eq!(
        found_in_rule(fields).iter().map(|(id, text)| (*id, text.as_str())).collect::<Vec<_>>(),
        [
            ("pack-type", "3"),
            ("pack-unknown-key", "teem"),
            ("pack-value", "\"lve\""),
            ("pack-value", "[4, 2]"),
            ("pack-value", "\"lose\""),
            ("pack-missing-key", "{ text = \"x\", math = true }"),
            ("pack-unknown-key", "math"),
            ("pack-type", "7"),
        ]
    );
}

#[test]
fn what_is_missing_is_named() {
    let ids = |text: &str| found(text).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(ids(""), ["pack-missing-key"]);
    assert_eq!(ids("[pack]\n"), ["pack-missing-key", "pack-missing-key"]);
    assert_eq!(found(&format!("{HEAD}[[rule]]\n")), vec![("pack-missing-key", "[[rule]]".to_owned()); 3]);
}

#[test]
fn a_rule_with_one_bracket_is_answered_with_two() {
    let files = files(&[("a.toml", &rule("query = 'a'").replace("[[rule]]", "[rule]"))]);
    let (_, findings) = load(&files);
    assert_eq!((findings.len(), findings[0].id), (1, "pack-type"));
    assert!(findings[0].hint.contains("[[rule]]"), "{}", findings[0].hint);
}

#[test]
fn names_are_those_of_labels() {
    let text = format!("{HEAD}[[rule]]\nid = \"Acme Outage\"\nteam = \"PR\"\nquery = 'a'\n");
    assert_eq!(found(&text), [("pack-name", "\"Acme Outage\"".into()), ("pack-name", "\"PR\"".into())]);
}

#[test]
fn an_id_used_twice_names_both_places() {
    let one = rule("query = 'acme'");
    let files = files(&[("a.toml", &one), ("b.toml", &one)]);
    let (packs, findings) = load(&files);
    assert_eq!((findings.len(), findings[0].id, findings[0].file), (1, "duplicate-id", 1));
    assert_eq!(findings[0].also.as_ref().map(|place| (place.file, place.span)), Some((0, findings[0].span)));
    assert_eq!(packs.rules.len(), 2);
}

#[test]
fn lists_are_found_beside_the_pack_and_folded_as_the_rule_asks() {
    let pack = format!(
        "{HEAD}[lists]\np = \"p.txt\"\nq = \"pp.txt\"\n[[rule]]\nid = \"a\"\nteam = \"t\"\nquery = 'list:p'\n\
         [[rule]]\nid = \"b\"\nteam = \"t\"\nquery = 'list:p'\nfold = \"exact\"\n[[rule]]\nid = \"c\"\nteam = \"t\"\nquery = 'list:x'\n"
    );
    let files = files(&[("d/a.toml", &pack), ("d/p.txt", "Acme\n!!\n"), ("pp.txt", "x")]);
    let (packs, findings) = load(&files);
    let ids: Vec<_> = findings.iter().map(|finding| (finding.file, finding.id)).collect();
    assert_eq!(ids, [(0, "list-missing"), (0, "query-unknown-list"), (1, "list-term")]);
    assert!(findings[0].hint.contains("did you mean") && findings[1].hint.contains("[lists]"));
    let pattern = |rule: usize| match &packs.rules[rule].query.kind {
        crate::rules::query::ast::Kind::List { patterns, .. } => patterns[0].exact_words().is_some(),
        _ => panic!("a list"),
    };
    assert_eq!((pattern(0), pattern(1)), (false, true));
}

#[test]
fn a_file_that_is_no_toml_reports_its_own_errors_only() {
    let text = format!("{HEAD}[[rule]]\nid = 'a\nteam = \n");
    assert!(found(&text).iter().all(|(id, _)| *id == "toml"));
    assert!(!found(&text).is_empty());
}
