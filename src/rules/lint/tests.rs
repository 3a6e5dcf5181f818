//! Each lint where it must speak and where it must not.

use super::*;
use crate::rules::pack::load;
use crate::rules::{RuleSet, unscored};

const HEAD: &str = "[pack]\nbrand = \"acme\"\nowner = \"care@acme.example\"\n";
const TESTS: &str = "tests = [{ text = 'x', match = false }]";

fn findings(pack: &str, list: Option<&str>) -> (Vec<Diagnostic>, Vec<SourceFile>) {
    let mut files = vec![SourceFile { path: "a.toml".into(), text: format!("{HEAD}{pack}") }];
    files.extend(list.map(|text| SourceFile { path: "l.txt".into(), text: text.to_owned() }));
    let (packs, errors) = load(&files);
    assert_eq!(errors, []);
    let found = lint(&packs, &files, &mut unscored);
    for finding in &found {
        let lint = LINTS.iter().find(|lint| lint.id == finding.id).unwrap();
        assert!(finding.severity == lint.severity && !finding.hint.is_empty(), "{finding:?}");
    }
    (found, files)
}

/// The lints that speak, and the characters that they point at.
fn found(pack: &str, list: Option<&str>) -> Vec<(&'static str, String)> {
    let (findings, files) = findings(pack, list);
    let show = |finding: Diagnostic| {
        let (start, end) = (finding.span.0 as usize, finding.span.1 as usize);
        (finding.id, files[finding.file].text[start..end].to_owned())
    };
    findings.into_iter().map(show).collect()
}

fn rule(id: &str, query: &str, fields: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\nteam = \"t\"\nquery = '''{query}'''\n{fields}\n")
}

fn in_query(query: &str) -> Vec<(&'static str, String)> {
    found(&rule("r", query, TESTS), None)
}

fn assert_found(lint: &str, query: &str, part: &str) {
    assert_eq!(
        in_query(query),
        [(LINTS.iter().find(|one| one.id == lint).unwrap().id, part.to_owned())],
        "{query}"
    );
}

fn assert_clean(queries: &[&str]) {
    for query in queries {
        assert_eq!(in_query(query), [], "{query}");
    }
}

#[test]
fn good_rules_have_no_findings() {
    assert_clean(&[
        "\"acme cloud\" (down OR outag*) -is:repost #ac",
        "(acme OR globex) (is:post OR is:reply) -is:repost sentiment:<-0.2 urgency:0.5..1",
        "acme NEAR/10 (\"is down\" OR down)",
        "\"acme not working\"~10 lang:de -lang:en",
        "acme followers:>5 followers:<9",
        "from:acme.example (down OR -down)",
    ]);
}

#[test]
fn no_required_literal_names_the_side_that_lacks_one() {
    for (query, part) in [
        ("to:acme.example", "to:acme.example"),
        ("acme OR mentions:acme.example", "mentions:acme.example"),
        ("acme OR (url:acme.example -is:repost)", "(url:acme.example -is:repost)"),
        ("domain:acme.example has:links", "domain:acme.example has:links"),
    ] {
        assert_found("no-required-literal", query, part);
    }
    assert_clean(&[
        "to:acme.example refund",
        "from:acme.example OR acme",
        "domain:acme.example (acme OR cloud)",
    ]);
}

#[test]
fn no_required_literal_is_what_the_compiled_set_says() {
    let queries = [
        "acme",
        "to:acme",
        "from:acme",
        "to:acme from:acme",
        "acme OR url:x.example",
        "acme (url:x.example OR lang:de)",
        "url:x.example raw:\":-(\"",
        "(raw:\":-(\" OR acme) url:x.example",
        "url:x.example (raw:\":-(\" NEAR/3 acme)",
        "domain:x.example \"a b\"~2",
        "domain:x.example -acme",
    ];
    for query in queries {
        let (findings, files) = findings(&rule("r", query, TESTS), None);
        let (packs, _) = load(&files);
        let one = &packs.rules[0];
        let set = RuleSet::compile(vec![(one.info.clone(), &one.query)]);
        let is_found = findings.iter().any(|finding| finding.id == "no-required-literal");
        assert_eq!(is_found, set.anchors().needs_all, "{query}");
    }
}

#[test]
fn short_terms_prefixes_and_wildcards_are_named() {
    assert_found("short-term", "acme ab -xy", "ab");
    assert_found("short-prefix", "acm*", "acm*");
    assert_found("short-wildcard", "acme *fix", "*fix");
    assert_found("short-wildcard", "acme a?b*c", "a?b*c");
    assert_clean(&["acme {AB}", "acme #ab", "acme \"a b\"", "acme*", "*acme", "acme colo?r", "acme -ab"]);
    let exact = format!("fold = \"exact\"\n{TESTS}");
    assert_eq!(found(&rule("r", "acme AB", &exact), None), []);
}

#[test]
fn wide_distances_are_named() {
    assert_found("wide-distance", "acme NEAR/11 down", "acme NEAR/11 down");
    assert_found("wide-distance", "acme (globex ONEAR/50 down)", "(globex ONEAR/50 down)");
    assert_found("wide-distance", "\"acme down\"~11", "\"acme down\"~11");
}

#[test]
fn operators_in_lower_case_are_named() {
    let ids = |query| in_query(query).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(ids("acme or down"), ["lower-case-operator"]);
    assert_eq!(ids("acme \"or\" down"), ["short-term"]);
}

#[test]
fn words_that_were_meant_as_operators_are_named_with_what_to_write() {
    for (word, meant) in [
        ("NAER/3", "NEAR/3"),
        ("Near/3", "NEAR/3"),
        ("near/3", "NEAR/3"),
        ("onear/4", "ONEAR/4"),
        ("NEAR3", "NEAR/3"),
        ("NEAR", "NEAR/5"),
        ("WITHIN/3", "NEAR/3"),
        ("ANDNOT", "NOT"),
        ("EXCEPT", "NOT"),
    ] {
        let (findings, _) = findings(&rule("r", &format!("acme {word} down"), TESTS), None);
        assert_eq!(findings.len(), 1, "{word}: {findings:?}");
        assert_eq!(findings[0].id, "lower-case-operator");
        assert!(findings[0].hint.starts_with(&format!("write {meant}")), "{}", findings[0].hint);
    }
    assert_clean(&[
        "acme \"NEAR\" down",
        "acme near",
        "acme 24/7",
        "acme F16",
        "acme year/2026",
        "acme except",
    ]);
}

#[test]
fn values_that_no_post_has_are_named() {
    assert_found("unlikely-value", "acme lang:jp", "lang:jp");
    assert_found("unlikely-value", "acme lang:xx", "lang:xx");
    assert_found("unlikely-value", "acme lang:deu", "lang:deu");
    assert_found("unlikely-value", "acme source:twitter", "source:twitter");
    assert_found("unlikely-value", "acme -from:delta", "from:delta");
    assert_clean(&[
        "acme lang:ja",
        "acme lang:yue lang:gsw",
        "acme (source:json OR source:nostr)",
        "from:did:plc:z72i7hdynmk6r22z27h6tvur",
        "from:acme@mastodon.example",
    ]);
}

#[test]
fn a_name_without_a_dot_is_an_account_where_posts_are_not_from_bluesky() {
    assert_clean(&[
        "from:delta source:json",
        "acme -from:delta (source:json OR source:mastodon)",
        "acme -source:bluesky (mentions:delta OR to:delta)",
    ]);
    assert_found("unlikely-value", "from:delta source:bluesky", "from:delta");
    assert_found("unlikely-value", "from:delta (source:json OR acme)", "from:delta");
}

#[test]
fn single_quotes_that_quote_nothing_are_named() {
    assert_found("single-quotes", "acme 'not working'", "'not working'");
    assert_clean(&["acme 'tis don't", "acme 'til \"not working\""]);
}

#[test]
fn a_comment_without_a_space_in_a_list_is_named() {
    let pack = format!("[lists]\nl = \"l.txt\"\n{}", rule("r", "list:l", TESTS));
    let list = "#what people call us\ndelta flight #thenote\n#acme\n\"#globex down\"\nC# nine # note";
    let told = |part: &str| ("list-comment", part.to_owned());
    assert_eq!(found(&pack, Some(list)), [told("#what people call us"), told("delta flight #thenote")]);
}

#[test]
fn lists_of_packs_that_cannot_be_read_are_not_called_unused() {
    let ids = |pack: String, list: &str| {
        let files = [
            SourceFile { path: "a.toml".into(), text: format!("{HEAD}{pack}") },
            SourceFile { path: list.into(), text: "acme box".to_owned() },
        ];
        let (packs, errors) = load(&files);
        let found = errors.iter().map(|error| error.id);
        found.chain(lint(&packs, &files, &mut unscored).iter().map(|found| found.id)).collect::<Vec<_>>()
    };
    let lists = "[lists]\nl = \"l.txt\"\n";
    let rule = rule("r", "list:l down", TESTS);
    assert_eq!(ids(format!("{lists}{rule}reply = care\n"), "l.txt"), ["toml"]);
    assert_eq!(ids(format!("{lists}{}", rule.replace("down", "(down")), "l.txt"), ["query-parentheses"]);
    // The missing file is told once, where it is named.
    assert_eq!(ids(format!("{lists}{rule}"), "m.txt"), ["list-missing"]);
}

#[test]
fn rules_that_never_match_are_named_at_the_part_to_remove() {
    for (query, part) in [
        ("acme -(down OR Acme)", "Acme"),
        ("\"acme cloud\" -acme", "acme"),
        ("acme is:post is:reply", "is:reply"),
        ("acme sentiment:>0.5 sentiment:<0", "sentiment:<0"),
        ("acme followers:>10 followers:<=10", "followers:<=10"),
        ("acme intent:lead intent:churn", "intent:churn"),
        ("acme urgency:>1", "urgency:>1"),
        ("acme followers:<0", "followers:<0"),
        ("acme -is:post -is:reply -(is:repost OR is:quote)", "is:quote"),
        ("(acme (down -spam)) (-acme OR --spam)", "(-acme OR --spam)"),
        ("(acme OR globex) -acme -globex", "(acme OR globex)"),
        ("acme NEAR/3 down -acme", "acme"),
        ("acme is:reply -(is:reply OR spam)", "is:reply"),
    ] {
        assert_found("never-matches", query, part);
    }
    assert_clean(&["acme -\"acme cloud\"", "acme (is:post OR is:reply)", "acme sentiment:>0 sentiment:<0.5"]);
}

#[test]
fn sides_of_an_or_that_never_match_are_named() {
    for (query, part) in [
        ("(acme OR globex) -ACME", "acme"),
        ("(\"acme cloud\" OR globex) -acme", "\"acme cloud\""),
        ("acme (down OR (is:post is:reply)) -spam", "is:reply"),
        ("acme -is:repost (down OR (outage is:repost))", "is:repost"),
        ("acme OR (globex -globex)", "globex"),
    ] {
        let found = in_query(query);
        assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["unreachable-branch"], "{query}");
        assert_eq!(found[0].1, part, "{query}");
    }
    assert_clean(&["(acme OR globex) -\"acme cloud\"", "acme -is:repost (down OR (outage is:reply))"]);
}

#[test]
fn exclusions_of_what_cannot_be_are_named() {
    assert_found("empty-exclusion", "acme -(is:post is:reply)", "is:reply");
    assert_found("empty-exclusion", "acme -(spam OR (down -down))", "down");
    assert_clean(&["acme -(is:post down)"]);
}

#[test]
fn parts_of_an_or_that_a_wider_part_covers_are_named() {
    for (query, part) in [
        ("acme OR globex OR ÁCME", "ÁCME"),
        ("acme* OR acmecloud", "acmecloud"),
        ("acme OR \"acme cloud\"", "\"acme cloud\""),
        ("\"acme cloud\" OR (globex OR acme)", "\"acme cloud\""),
        ("col?red OR acme OR coloured", ""),
        ("colou?ed OR acme OR coloured", "coloured"),
        ("アクメ OR アクメクラウド", "アクメクラウド"),
        ("acme OR (acme down)", "(acme down)"),
        ("@acme OR acme", "@acme"),
        ("(acme NEAR/3 down) OR (acme NEAR/5 down)", "(acme NEAR/3 down)"),
    ] {
        if part.is_empty() {
            assert_clean(&[query]);
        } else {
            assert_found("redundant-term", query, part);
        }
    }
    // The platform may name a tag that the text does not show; places count beside NEAR.
    assert_clean(&["acme* OR #acmedown", "(acme OR \"acme cloud\") NEAR/2 down", "{Acme} OR #acme"]);
}

#[test]
fn a_term_that_a_list_covers_is_named() {
    let pack = |query: &str| format!("[lists]\nl = \"l.txt\"\n{}", rule("r", query, TESTS));
    let covered = found(&pack("list:l OR \"acme box\" OR globex"), Some("acme\ninitech"));
    assert_eq!(covered, [("redundant-term", "\"acme box\"".to_owned())]);
    assert_eq!(found(&pack("list:l OR globex"), Some("acme\nglobex box")), []);
}

#[test]
fn long_ors_are_searched_by_their_words() {
    let many: Vec<String> = (0..500).map(|n| format!("brand{n}")).collect();
    let query = format!("{} OR \"my brand7\"", many.join(" OR "));
    assert_found("redundant-term", &query, "\"my brand7\"");
}

#[test]
fn rules_without_tests_are_named() {
    let id = || vec![("rule-without-tests", "\"r\"".to_owned())];
    assert_eq!(found(&rule("r", "acme", ""), None), id());
    assert_eq!(found(&rule("r", "acme", "tests = [{ text = 'acme', match = true }]"), None), id());
}

#[test]
fn an_exclusion_that_refuses_its_own_test_is_named_with_the_test() {
    let tests = "tests = [{ text = 'acme is down, calm down', match = true }, { text = 'x', match = false }]";
    let pack = rule("r", "acme down -(spam OR \"calm down\")", tests);
    assert_eq!(found(&pack, None), [("excludes-own-test", "\"calm down\"".to_owned())]);
    let (findings, files) = findings(&pack, None);
    let test = findings[0].also.as_ref().unwrap();
    assert!(files[0].text[test.span.0 as usize..].starts_with("{ text = 'acme is down"));
    // It fails for another reason, or is refused as it should be.
    assert_eq!(found(&rule("r", "acme outage -\"calm down\"", tests), None), []);
    let refused = "tests = [{ text = 'acme down, calm down', match = false }]";
    assert_eq!(found(&rule("r", "acme down -\"calm down\"", refused), None), []);
}

#[test]
fn rules_that_say_the_same_are_named() {
    let two = |one: &str, other: &str| {
        let pack = format!("{}{}", rule("a", one, TESTS), rule("b", other, TESTS));
        found(&pack, None)
            .into_iter()
            .map(|(id, part)| (id, part.trim_matches('\'').to_owned()))
            .collect::<Vec<_>>()
    };
    let again = |part: &str| vec![("same-query", part.to_owned())];
    assert_eq!(two("acme (down OR out)", "(OUT OR down) Acme"), again("(OUT OR down) Acme"));
    assert_eq!(two("acme NEAR/3 down", "down NEAR/3 acme"), again("down NEAR/3 acme"));
    assert_eq!(two("\"acme down\"~3", "\"down acme\"~3"), again("\"down acme\"~3"));
    assert_eq!(two("acme down", "acme --down"), again("acme --down"));
    assert_eq!(two("acme ONEAR/3 down", "down ONEAR/3 acme"), []);
    assert_eq!(two("acme NEAR/3 down", "globex NEAR/4 down"), []);
}

#[test]
fn a_rule_that_another_one_implies_is_noted() {
    let two = |(narrow, fields): (&str, &str), (wide, more): (&str, &str)| {
        let pack = format!(
            "{}{}",
            rule("narrow", narrow, &format!("{fields}\n{TESTS}")),
            rule("wide", wide, &format!("{more}\n{TESTS}"))
        );
        found(&pack, None)
            .into_iter()
            .map(|(id, part)| (id, part.trim_matches('\'').to_owned()))
            .collect::<Vec<_>>()
    };
    let noted = |part: &str| vec![("implied-rule", part.to_owned())];
    assert_eq!(two(("\"acme cloud\" down", ""), ("acme", "")), noted("\"acme cloud\" down"));
    assert_eq!(two(("acmecloud refund", ""), ("acme* OR globex", "")), noted("acmecloud refund"));
    assert_eq!(two(("acme", ""), ("acme down", "")), noted("acme down"));
    assert_eq!(two(("acme down -is:repost", ""), ("acme -is:repost -is:quote", "")), []);
    // It has a purpose of its own.
    assert_eq!(two(("acme down", "priority = \"high\""), ("acme", "")), []);
    assert_eq!(two(("acme down", "reply = \"sorry\""), ("acme", "")), []);
    assert_eq!(two(("acme down", "status = \"shadow\""), ("acme", "")), []);
    assert_eq!(two(("acme down", ""), ("acme", "status = \"off\"")), []);
}

#[test]
fn rules_of_everyday_words_are_named_with_their_share() {
    for (query, part) in [
        ("the", "the"),
        ("acme OR (new good)", ""),
        ("acme OR today OR globex", "today"),
        ("nicht gut OR ich", "ich"),
        ("the you", "the you"),
        ("lang:es que", "lang:es que"),
        ("becau*", "becau*"),
        ("I'm -is:repost", "I'm -is:repost"),
        ("today OR acme OR \"the a\"~3", "\"the a\"~3"),
    ] {
        if part.is_empty() {
            assert_clean(&[query]);
        } else {
            assert_found("common-words", query, part);
        }
    }
    assert_clean(&[
        "acme today",
        "#today",
        "@the",
        "{THE}",
        "\"good morning\"",
        "lang:de today",
        "from:acme.example today",
        "A.P.C.",
    ]);
    let (findings, _) = findings(&rule("r", "the", TESTS), None);
    assert!(findings[0].message.contains("34% of English posts"), "{}", findings[0].message);
}

#[test]
fn the_shares_are_those_of_folded_words() {
    let lines = include_str!("common_words.tsv").lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in lines {
        let [_, word, share] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!(crate::text::Folded::new(word).text, word);
        assert!((1..100_000).contains(&share.parse::<u32>().unwrap()), "{line}");
        count += 1;
    }
    assert!(count > 1_000 && include_str!("common_words.tsv").len() < 60_000);
}

#[test]
fn lists_unused_and_terms_twice_are_named() {
    let one = rule("r", "acme", TESTS);
    assert_eq!(found(&one, Some("acme")), [("unused-list", String::new())]);
    let declared = format!("[lists]\nl = \"l.txt\"\n{one}");
    assert_eq!(
        found(&declared, Some("Acme\nbox\nácme\nab")),
        [
            ("unused-list", "l".to_owned()),
            ("duplicate-term", "ácme".to_owned()),
            ("short-term", "ab".to_owned())
        ]
    );
    let uses = |query: &str| declared.replace("'acme'", query);
    assert_eq!(found(&uses("'acme list:l'"), Some("box")), []);
    let exact = uses("'acme list:l'").replace("team = ", "fold = \"exact\"\nteam = ");
    assert_eq!(found(&exact, Some("Apple\napple\nAPPLE box")), []);
    assert_eq!(found(&exact, Some("Apple\nbox\nApple")), [("duplicate-term", "Apple".to_owned())]);
    let wide = Some("acme box\nbox\noutag*\noutages");
    assert_eq!(
        found(&uses("'acme list:l'"), wide),
        [("redundant-list-term", "acme box".to_owned()), ("redundant-list-term", "outages".to_owned())]
    );
    assert_eq!(found(&uses("'acme NEAR/3 list:l'"), wide), []);
}

#[test]
fn levels_deny_and_allow() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let applied = |deny: &[&str], allow: &[&str]| {
        let levels = Levels::read(&names(deny), &names(allow)).unwrap();
        let pack = format!("{}{}", rule("a", "acme ab", ""), rule("b", "acme ab cd", TESTS));
        let (mut findings, _) = findings(&pack, None);
        levels.apply(&mut findings);
        findings.iter().map(|finding| (finding.id, finding.severity.as_str())).collect::<Vec<_>>()
    };
    let all = applied(&[], &[]);
    assert_eq!(all.len(), 5, "{all:?}");
    let denied = applied(&["warnings"], &["short-term"]);
    assert_eq!(denied, [("rule-without-tests", "error"), ("implied-rule", "note")]);
    let one = applied(&["implied-rule"], &["short-term", "rule-without-tests"]);
    assert_eq!(one, [("implied-rule", "error")]);
    let mistakes = Levels::read(&names(&["short-trem", "warnigns"]), &names(&["warnings"])).unwrap_err();
    assert!(mistakes[0].contains("no lint \"warnings\""), "{mistakes:?}");
    assert!(mistakes[1].contains("did you mean short-term?") && mistakes[2].contains("mean warnings?"));
    let config = Levels::read(&[], &names(&["short-term"])).unwrap();
    let command = Levels::read(&names(&["short-term"]), &[]).unwrap();
    assert_eq!(config.with(command.clone()), command);
}

#[test]
fn ids_are_kebab_case_and_meanings_are_lines() {
    for lint in LINTS {
        assert!(lint.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", lint.id);
        assert!(lint.meaning.len() < 100 && !lint.meaning.ends_with('.'), "{}", lint.meaning);
        assert_eq!(LINTS.iter().filter(|other| other.id == lint.id).count(), 1);
    }
}
