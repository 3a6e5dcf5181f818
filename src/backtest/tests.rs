//! Whole backtests over made-up feeds in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::report::Verdict;
use super::*;
use crate::feed::story::Story;
use crate::formats::jetstream::Decoder;
use crate::line::scores_of;
use crate::model::{Event, Post, Timestamp};
use crate::rules::diagnostic::SourceFile;
use crate::rules::naive;
use crate::rules::pack::load;

const PACK: &str = r#"
[pack]
brand = "acme"
owner = "care@acme.example"
[lists]
brand = "brand.txt"
[[rule]]
id = "acme"
query = 'list:brand'
team = "support"
expect_per_day = [1, 2]
[[rule]]
id = "acme-outage"
query = 'list:brand (down OR outage* OR panne OR störung)'
team = "support"
priority = "high"
[[rule]]
id = "acme-shadow"
query = 'acme* -down'
team = "support"
status = "shadow"
[[rule]]
id = "acme-furious"
query = 'acme* sentiment:<-0.3'
team = "support"
[[rule]]
id = "northwind"
query = 'northwind* OR @northwindhelp'
team = "pr"
[[rule]]
id = "nobody"
query = 'list:brand "xyzzy plugh"'
team = "support"
status = "off"
"#;

fn rules(pack: &str) -> Vec<LoadedRule> {
    let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.to_owned() };
    let (packs, findings) = load(&[
        file("r/a.toml", pack),
        file("r/brand.txt", "acme cloud\nacmecloud\n@acmecloud\n#acmedown\n"),
    ]);
    assert_eq!(findings, []);
    packs.rules
}

/// Two days of the story, one event every 20 seconds or so.
fn story() -> String {
    let start = Timestamp::parse("2026-11-20T18:00:00Z").unwrap();
    Story::new(7, start).at_rate(0.05).events(8_000).map(|event| event + "\n").collect()
}

fn input(text: impl Into<String>) -> Input {
    Input::new("feed", io::Cursor::new(text.into()), None, None).unwrap()
}

fn untimed() -> Options {
    Options { timing: false, ..Options::default() }
}

fn report(inputs: Vec<Input>, options: &Options) -> Report {
    run(&rules(PACK), None, inputs, options, &mut |_| {}).unwrap()
}

fn posts(feed: &str) -> Vec<Post> {
    let mut decoder = Decoder::default();
    let events = feed.lines().map(|line| decoder.decode(line.as_bytes(), Timestamp::ZERO).unwrap());
    events.filter_map(|event| if let Event::Create(post) = event { Some(post) } else { None }).collect()
}

#[test]
fn the_counts_are_those_of_the_obvious_evaluator() {
    let (feed, rules) = (story(), rules(PACK));
    let report = report(vec![input(feed.clone())], &untimed());
    let (posts, scorer) = (posts(&feed), TrainedScorer::new());
    let hits = |rule: &LoadedRule| -> BTreeSet<usize> {
        let is_hit = |at: &usize| {
            let post = &posts[*at];
            naive::matches(&rule.query, post, &naive::segments(post), &scores_of(&scorer, post))
        };
        (0..posts.len()).filter(is_hit).collect()
    };
    let hits: BTreeMap<&str, BTreeSet<usize>> =
        rules.iter().map(|rule| (&*rule.info.id, hits(rule))).collect();
    assert_eq!(report.data.posts, posts.len() as u64);
    assert!(hits["acme"].len() > 20 && hits["nobody"].is_empty());
    for rule in &report.rules {
        assert_eq!(rule.posts, hits[&*rule.id].len() as u64, "{}", rule.id);
        assert_eq!(rule.per_day.iter().map(|day| day.posts).sum::<u64>(), rule.posts);
        assert!(rule.evaluated >= rule.posts && !rule.unanchored);
        let lanes = rule.lanes;
        assert_eq!(lanes.critical + lanes.high + lanes.normal + lanes.low, rule.posts);
    }
    let live: BTreeSet<usize> =
        ["acme", "acme-outage", "northwind"].iter().flat_map(|id| hits[id].iter().copied()).collect();
    assert_eq!(report.matched.live_posts, live.len() as u64);
    for pair in &report.overlap.pairs {
        let (a, b) = (&hits[&*pair.a], &hits[&*pair.b]);
        let index = a.intersection(b).count() as f64 / a.union(b).count() as f64;
        assert!((pair.jaccard - index).abs() < 1e-12, "{pair:?}");
    }
    let implied: Vec<(&str, &str)> =
        report.overlap.implied.iter().map(|implied| (&*implied.rule, &*implied.by)).collect();
    assert_eq!(implied, [("acme-outage", "acme"), ("nobody", "acme")]);
}

#[test]
fn the_report_is_the_same_twice_and_for_any_number_of_threads() {
    let feed = story();
    let with = |threads| {
        let options = Options { threads, ..untimed() };
        serde_json::to_string(&report(vec![input(feed.clone()), input(feed.clone())], &options)).unwrap()
    };
    let one = with(1);
    assert_eq!(one, with(1));
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

#[test]
fn cost_is_shared_out_among_the_rules_and_what_they_have_in_common() {
    let report = report(vec![input(story())], &Options::default());
    let cost = report.cost.unwrap();
    let shares: f64 = report.rules.iter().filter_map(|rule| rule.cost).map(|cost| cost.share).sum();
    assert!((shares + cost.find_share - 1.0).abs() < 1e-9, "{shares} and {}", cost.find_share);
    assert!(cost.decode_ns > 0 && cost.find_ns > 0 && cost.score_ns > 0);
}

#[test]
fn volumes_are_judged_by_the_day() {
    let found = report(vec![input(story())], &untimed());
    assert!(found.data.days > 1.5 && found.data.per_day.len() == 3, "{:?}", found.data);
    let verdicts: Vec<Verdict> = found.rules.iter().map(|rule| rule.verdict).collect();
    assert_eq!(verdicts[..2], [Verdict::Above, Verdict::Unknown]);
    let scaled = report(vec![input(story())], &Options { posts_per_day: Some(20.0), ..untimed() });
    let rate = scaled.rules[0].rate_per_day.unwrap();
    assert!((rate - scaled.rules[0].share * 20.0).abs() < 1e-9 && scaled.rules[0].verdict != Verdict::Above);
}

/// Four days of a post an hour, for rules `acme` and, twice a day, `acme-outage`.
fn four_days() -> String {
    let start = Timestamp::parse("2026-11-16T00:00:00Z").unwrap();
    let line = |hour: i64| {
        let text = if hour % 12 == 0 { "acme cloud is down" } else { "acme cloud" };
        let at = Timestamp::from_micros(start.as_micros() + hour * 3_600_000_000);
        format!("{{\"text\": \"{text}\", \"ts\": \"{at}\"}}\n")
    };
    (0..=96).map(line).collect()
}

#[test]
fn a_post_of_an_odd_date_does_not_spoil_the_rates() {
    let odd = "{\"text\": \"acme cloud\", \"ts\": \"2012-01-01T00:00:00Z\"}\n";
    let (plain, spoilt) = (four_days(), format!("{odd}{}", four_days()));
    let [plain, spoilt] = [plain, spoilt].map(|feed| report(vec![input(feed)], &untimed()));
    assert!(spoilt.data.days > 5_000.0 && spoilt.rules[0].posts == plain.rules[0].posts + 1);
    let rates = |report: &Report| report.rules.iter().map(|rule| rule.rate_per_day).collect::<Vec<_>>();
    assert_eq!((rates(&spoilt), rates(&plain)[0]), (rates(&plain), Some(97.0 / 4.0)));
    let rated = spoilt.data.rated.unwrap();
    assert_eq!((rated.days, rated.left_out, spoilt.data.undated), (4.0, 1, 0));
    assert_eq!(spoilt.rules[0].per_day.len(), plain.rules[0].per_day.len() + 1);
}

#[test]
fn where_most_posts_have_no_time_there_is_no_rate() {
    let undated = |posts: usize| four_days() + &"{\"text\": \"acme cloud\"}\n".repeat(posts);
    let [half, most] = [97, 98].map(|posts| report(vec![input(undated(posts))], &untimed()));
    assert_eq!((half.rules[0].verdict, half.data.undated), (Verdict::Above, 97));
    assert_eq!((most.rules[0].verdict, most.rules[0].rate_per_day), (Verdict::Unknown, None));
    let scaled = report(vec![input(undated(98))], &Options { posts_per_day: Some(20.0), ..untimed() });
    assert!(scaled.rules[0].rate_per_day.is_some());
}

#[test]
fn a_changed_set_says_what_it_gains_and_loses() {
    let feed = "{\"text\": \"acme cloud is down\"}\n{\"text\": \"acme outage\"}\n{\"text\": \"globex\"}\n{\"text\": \"other\"}\n";
    let pack = |rules: &str| format!("[pack]\nbrand = \"a\"\nowner = \"o\"\n{rules}");
    let rule = |id: &str, query: &str, more: &str| {
        format!("[[rule]]\nid = \"{id}\"\nteam = \"t\"\nquery = '{query}'\n{more}\n")
    };
    let before =
        pack(&[rule("kept", "acme", ""), rule("moved", "acme down", ""), rule("gone", "other", "")].concat());
    let after = pack(
        &[
            rule("kept", "acme", "priority = \"high\""),
            rule("moved", "acme outage", ""),
            rule("new", "globex", ""),
        ]
        .concat(),
    );
    let (before, after) = (rules(&before), rules(&after));
    let report = run(&after, Some(&before), vec![input(feed)], &untimed(), &mut |_| {}).unwrap();
    let against = report.against.unwrap();
    let ids = |ids: &[Arc<str>]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        (ids(&against.rules.added), ids(&against.rules.removed)),
        (vec!["new".into()], vec!["gone".into()])
    );
    let changed: Vec<_> = against.rules.changed.iter().map(|rule| (&*rule.id, &rule.what[..])).collect();
    assert_eq!(changed, [("kept", &["priority"][..]), ("moved", &["query"])]);
    let lines = |flow: &report::Flow| flow.samples.iter().map(|sample| sample.line).collect::<Vec<_>>();
    // What moves from rule to rule within the set is neither gained nor lost by it.
    assert_eq!((lines(&against.gained), lines(&against.lost)), (vec![3], vec![4]));
    assert_eq!(against.gained.samples[0].rules, [Arc::from("new")]);
    let flows: Vec<_> = against
        .by_rule
        .iter()
        .map(|rule| (&*rule.id, rule.before, rule.after, lines(&rule.gained), lines(&rule.lost)))
        .collect();
    assert_eq!(
        flows,
        [("moved", 1, 1, vec![2], vec![1]), ("new", 0, 1, vec![3], vec![]), ("gone", 1, 0, vec![], vec![4]),]
    );
}

#[test]
fn handles_are_known_from_their_event_on() {
    let identity = r#"{"did":"did:plc:jo","time_us":1,"kind":"identity","identity":{"did":"did:plc:jo","handle":"jo.example","seq":1,"time":"2026-11-20T18:00:00Z"}}"#;
    let post = |rkey: &str| {
        format!(
            r#"{{"did":"did:plc:jo","time_us":1763661600000000,"kind":"commit","commit":{{"rev":"3l","operation":"create","collection":"app.bsky.feed.post","rkey":"{rkey}","record":{{"$type":"app.bsky.feed.post","text":"hello {rkey}","createdAt":"2026-11-20T18:00:00Z"}},"cid":"x"}}}}"#
        )
    };
    let feed = format!("{}\n{identity}\n{}\n{}\n", post("a"), post("b"), post("c"));
    let pack = "[pack]\nbrand = \"a\"\nowner = \"o\"\n[[rule]]\nid = \"jo\"\nteam = \"t\"\nquery = 'from:jo.example'\n";
    for threads in [1, 2, 3] {
        let options = Options { threads, ..untimed() };
        let report = run(&rules(pack), None, vec![input(feed.clone())], &options, &mut |_| {}).unwrap();
        let lines: Vec<u64> = report.rules[0].samples.iter().map(|sample| sample.line).collect();
        assert_eq!((report.data.posts, lines), (3, vec![3, 4]));
    }
}

#[test]
fn lines_that_are_no_posts_are_counted_by_reason_with_their_first_place() {
    let feed = "not yet\n\n{\"text\": \"acme cloud\"}\n{\"txt\": 1}\n{\"text\n{\"text\": \"\u{e9}\"}\n";
    let options = Options { frame_bytes_max: 40, ..untimed() };
    let long = format!("{{\"text\": \"{}\"}}", "a".repeat(60));
    let found = report(vec![input(format!("{feed}{long}\n{long}"))], &options);
    let file = &found.data.files[0];
    let rejected: Vec<_> =
        file.rejected.iter().map(|seen| (seen.reason, seen.lines, seen.first_line)).collect();
    assert_eq!((file.lines, file.posts, file.format), (7, 2, Some(Format::Json)));
    assert_eq!(rejected, [("too_large", 2, 7), ("invalid_json", 2, 1), ("wrong_shape", 1, 4)]);
    let first = report(vec![input(format!("{feed}{long}"))], &Options { lines_max: 2, ..untimed() });
    assert_eq!((first.data.files[0].lines, first.data.posts), (2, 1));
}

#[test]
fn data_without_a_post_is_an_error_that_says_why() {
    let feed = "hello\n{\"txt\": 1}\n";
    let refused = run(&rules(PACK), None, vec![input(feed)], &untimed(), &mut |_| {}).unwrap_err();
    let message = refused.to_string();
    assert!(
        message.contains(
            "feed: 2 lines; refused: invalid_json 1 (first in line 1), wrong_shape 1 (first in line 2)"
        ),
        "{message}"
    );
    assert!(run(&rules(PACK), None, Vec::new(), &untimed(), &mut |_| {}).is_err());
}
