//! `birddog backtest` as a rule author uses it: golden reports of a made-up week, a page that posts cannot break, and
//! exit codes. `UPDATE_EXPECT=1` rewrites `tests/golden/backtest/report.*`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use birddog::feed::story::Story;
use birddog::model::Timestamp;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with `rules`, `before` and `feed.jsonl`.
struct Desk(TempDir);

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/backtest")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Some five days of the story.
fn feed() -> String {
    let start = Timestamp::parse("2026-11-16T09:00:00Z").unwrap();
    Story::new(7, start).at_rate(0.01).events(4_000).map(|event| event + "\n").collect()
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for rules in ["rules", "before"] {
            copy(&golden().join(rules), &folder.path().join(rules));
        }
        let desk = Self(folder);
        desk.write("feed.jsonl", feed());
        desk
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), content).unwrap();
    }

    fn backtest(&self, args: &str, input: &[u8]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_birddog"));
        command.arg("backtest").args(args.split_whitespace()).current_dir(self.0.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may refuse before it reads.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    /// Standard output of a run that must succeed.
    fn shown(&self, args: &str) -> String {
        let output = self.backtest(args, b"");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &str) -> Value {
        serde_json::from_str(&self.shown(&format!("{args} --format json"))).unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_golden(name: &str, shown: &str) {
    let path = golden().join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, shown).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(shown, expected, "UPDATE_EXPECT=1 rewrites {name}");
}

const WHOLE: &str = "rules --data feed.jsonl --against before --no-cost";

#[test]
fn the_report_is_the_golden_one_in_both_forms() {
    let desk = Desk::new();
    assert_golden("report.json", &desk.shown(&format!("{WHOLE} --samples 2 --format json")));
    assert_golden("report.txt", &desk.shown(WHOLE));
}

#[test]
fn the_report_does_not_depend_on_the_number_of_workers() {
    let desk = Desk::new();
    let with = |workers: u32| desk.shown(&format!("{WHOLE} --format json --workers {workers}"));
    let one = with(1);
    assert_eq!(one, with(1));
    assert_eq!(one, with(2));
    assert_eq!(one, with(3));
}

#[test]
fn a_change_of_rules_is_told_with_the_posts_it_gains_and_loses() {
    let desk = Desk::new();
    let report = desk.json(WHOLE);
    let rules = &report["against"]["rules"];
    assert_eq!(rules["removed"], serde_json::json!(["globex"]));
    assert_eq!(rules["changed"][0]["what"], serde_json::json!(["query", "priority"]));
    for flow in ["gained", "lost"] {
        let flow = &report["against"][flow];
        let (posts, samples) = (flow["posts"].as_u64().unwrap(), flow["samples"].as_array().unwrap());
        assert!(posts > 0 && samples.len() as u64 == posts.min(10), "{flow}");
    }
    let against_itself = desk.json("rules --data feed.jsonl --against rules");
    let against = &against_itself["against"];
    assert_eq!((&against["gained"]["posts"], &against["lost"]["posts"]), (&0.into(), &0.into()));
    assert_eq!(against["by_rule"], serde_json::json!([]));
}

#[test]
fn data_with_few_times_say_so_and_judge_no_rule() {
    let desk = Desk::new();
    let line = |time: &str| format!("{{\"text\": \"acme cloud is down\"{time}}}\n");
    let dated = ["2026-11-16T09:00:00Z", "2026-11-18T09:00:00Z"];
    let mut lines: String = dated.map(|at| line(&format!(", \"created_at\": \"{at}\""))).concat();
    lines += &line("").repeat(8);
    desk.write("few.jsonl", lines);
    let shown = desk.shown("rules --data few.jsonl --no-cost");
    assert!(shown.contains("only 2 of 10 posts have a time"), "{shown}");
    let report = desk.json("rules --data few.jsonl");
    for rule in report["rules"].as_array().unwrap() {
        assert_eq!((&rule["verdict"], &rule["rate_per_day"]), (&"unknown".into(), &Value::Null));
    }
}

#[test]
fn an_edit_of_rules_in_shadow_shows_what_each_gains_and_loses() {
    let desk = Desk::new();
    let pack = |query: &str| {
        format!(
            "[pack]\nbrand = 'acme'\nowner = 'o'\n[[rule]]\nid = 'tried'\nteam = 'pr'\nstatus = 'shadow'\nquery = '{query}'\n"
        )
    };
    for (folder, query) in [("new", "acme"), ("old", "globex")] {
        fs::create_dir(desk.0.path().join(folder)).unwrap();
        desk.write(&format!("{folder}/a.toml"), pack(query));
    }
    desk.write("two.jsonl", "{\"text\": \"acme is down\"}\n{\"text\": \"my globex\"}\n");
    let shown = desk.shown("new --data two.jsonl --no-cost --against old");
    for part in [
        "1 rule of new, 2 posts",
        "1 post matches",
        "rule by rule: 1 rule gained 1 post, 1 rule lost 1 post",
        "tried gains 1 post: 1 of them",
        "[acme] is down",
        "tried loses 1 post: 1 of them",
        "my [globex]",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn the_page_stands_alone_and_posts_cannot_break_it() {
    let desk = Desk::new();
    let evil = r#"<script>alert(1)</script> \"><img src=x onerror=alert(2)> ' </mark></main> acme cloud down \u202e"#;
    let line = format!("{{\"text\": \"{evil}\", \"id\": \"<s>\", \"user\": \"<i>\"}}\n");
    desk.write("<u>.jsonl", line.repeat(3));
    desk.shown("rules --data feed.jsonl <u>.jsonl --against before --html page.html --samples 100");
    let page = fs::read_to_string(desk.0.path().join("page.html")).unwrap();
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &quot;&gt;&lt;img src=x onerror=alert(2)&gt;")
    );
    for markup in ["<script", "<img", "<s>", "<i>", "<u>", " src=\"", "href=", "url(", "@import", "<link"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("default-src 'none'") && page.contains("prefers-color-scheme: dark"));
    for tag in ["main", "mark", "svg", "table", "li", "details", "figure"] {
        let (opened, closed) =
            (page.matches(&format!("<{tag}")).count(), page.matches(&format!("</{tag}>")).count());
        assert!(opened > 0 && opened == closed, "{tag}: {opened} opened, {closed} closed");
    }
}

#[test]
fn a_compressed_file_and_standard_input_are_read_as_a_plain_file_is() {
    let desk = Desk::new();
    desk.write("feed.jsonl.zst", compress_to_vec(feed().as_bytes(), CompressionLevel::Fastest));
    let rules = |report: Value| report["rules"].to_string().replace("feed.jsonl.zst", "feed.jsonl");
    let plain = rules(desk.json("rules --no-cost --data feed.jsonl"));
    assert_eq!(rules(desk.json("rules --no-cost --data feed.jsonl.zst")), plain);
    let piped = desk.backtest("--rules rules --no-cost --input - --format json", feed().as_bytes());
    let piped: Value = serde_json::from_slice(&piped.stdout).unwrap();
    assert_eq!(rules(piped).replace("standard input", "feed.jsonl"), plain);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason_and_a_code() {
    let desk = Desk::new();
    desk.write("nothing.jsonl", "hello\n{\"txt\": 1}\n");
    desk.write("feed.jsonl.gz", b"\x1F\x8B\x08\0");
    desk.write("short.zst", &compress_to_vec(feed().as_bytes(), CompressionLevel::Fastest)[..5_000]);
    copy(&golden().join("rules"), &desk.0.path().join("broken"));
    desk.write("broken/acme.toml", "[pack]\n");
    for (args, code, said) in [
        ("rules --data nowhere.jsonl", 2, "nowhere.jsonl"),
        (
            "rules --data nothing.jsonl",
            2,
            "nothing.jsonl: 2 lines; refused: invalid_json 1 (first in line 1)",
        ),
        ("rules --data feed.jsonl.gz", 2, "gzip"),
        ("rules --data short.zst", 2, "cannot read short.zst after line"),
        ("rules --data feed.jsonl --from json", 2, "wrong_shape 4000"),
        ("rules --data -", 2, "standard input: 0 lines"),
        ("rules", 64, "--data"),
        ("rules --data feed.jsonl --overlap 2", 64, "0 to 1"),
        ("rules --data feed.jsonl -c nowhere.toml", 64, "nowhere.toml"),
        ("missing --data feed.jsonl", 64, "missing"),
        ("rules --data feed.jsonl --html no/where.html", 2, "no/where.html"),
    ] {
        let output = desk.backtest(args, b"");
        assert_eq!(output.status.code(), Some(code), "{args}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{args}: {}", stderr(&output));
    }
    for args in ["broken --data feed.jsonl", "rules --data feed.jsonl --against broken"] {
        let output = desk.backtest(args, b"");
        assert_eq!(output.status.code(), Some(64), "{args}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("pack-missing-key"), "{args}");
    }
}
