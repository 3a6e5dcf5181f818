//! How good and how fast the scorer is. `cargo bench --bench score`.
//!
//! Speed is always printed, on text made here. Quality is printed when the labelled data is there: `BIRDDOG_DATA`, or
//! `../shared/data` beside the repository; `.gz` files are read through `gzip`. Development data: thresholds were tuned
//! on semeval2017_4a_train and looked at on the others; figures on it flatter.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use birddog::model::{Intent, PostKind, SentimentLabel, UrgencyLabel};
use birddog::score::{ScoreInput, Scored, Scorer, Scratch, TrainedScorer};
use birddog::text::Folded;
use serde::Deserialize;

fn main() {
    let mut bench =
        Bench { scorer: TrainedScorer::new(), folded: Folded::default(), scratch: Scratch::default() };
    speed(&mut bench);
    match data_folder() {
        Some(folder) => quality(&mut bench, &folder),
        None => println!("no labelled data found: quality is not measured (set BIRDDOG_DATA)"),
    }
}

struct Bench {
    scorer: TrainedScorer,
    folded: Folded,
    scratch: Scratch,
}

impl Bench {
    fn score(&mut self, text: &str, lang_tags: &[String]) -> Scored {
        self.folded.fold(text);
        self.score_folded(text, lang_tags)
    }

    fn score_folded(&mut self, text: &str, lang_tags: &[String]) -> Scored {
        let input =
            ScoreInput { text, folded: &self.folded, lang_tags, kind: PostKind::Post, followers: None };
        self.scorer.score(&input, &mut self.scratch)
    }
}

// Speed.

const SPEED_POSTS: [&str; 8] = [
    "Acme is down again and nobody answers. Third time this week, I want my money back before Friday!!! 😡 ok",
    "Just had the best coffee ever at the new place on Main Street, the staff were so friendly :) #love it",
    "why does the app keep crashing when i try to pay? still waiting for a reply since yesterday @acme please",
    "Looking to buy a new laptop, can anyone recommend something light that isn't too expensive for a student",
    "The council will meet on Thursday at noon to talk about the new bus lines in the northern part of the city",
    "Warum ist das Internet schon wieder weg? Seit zwei Stunden geht nichts mehr, ich bin echt enttäuscht 😞!",
    "No puedo entrar en mi cuenta desde ayer y nadie responde, estoy muy decepcionado con el servicio, gracias",
    "watching the game tonight with friends, not a bad season so far but the defence isn't what it used to be",
];
const SPEED_ROUNDS: usize = 10_000;

fn speed(bench: &mut Bench) {
    let bytes = SPEED_POSTS.iter().map(|post| post.len()).sum::<usize>() / SPEED_POSTS.len();
    let tags = [vec!["en".to_owned()], Vec::new()];
    println!(
        "speed, CPU time, {} posts of {bytes} bytes each on one thread:",
        SPEED_ROUNDS * SPEED_POSTS.len()
    );
    for (name, tags) in [("tagged en", &tags[0]), ("language guessed", &tags[1])] {
        let whole = time_whole(bench, tags);
        let scoring = time_scoring(bench, tags);
        println!(
            "  {name:17} score alone {scoring:6.0} ns/post; fold + score {whole:6.0} ns/post ({:.0} posts/s)",
            1e9 / whole
        );
    }
}

fn time_whole(bench: &mut Bench, tags: &[String]) -> f64 {
    let start = Stopwatch::start();
    for _ in 0..SPEED_ROUNDS {
        for post in SPEED_POSTS {
            std::hint::black_box(bench.score(post, tags));
        }
    }
    start.nanoseconds() / (SPEED_ROUNDS * SPEED_POSTS.len()) as f64
}

fn time_scoring(bench: &mut Bench, tags: &[String]) -> f64 {
    let folded: Vec<Folded> = SPEED_POSTS.iter().map(|post| Folded::new(post)).collect();
    let start = Stopwatch::start();
    for _ in 0..SPEED_ROUNDS {
        for (text, folded) in SPEED_POSTS.iter().zip(&folded) {
            let input = ScoreInput { text, folded, lang_tags: tags, kind: PostKind::Post, followers: None };
            std::hint::black_box(bench.scorer.score(&input, &mut bench.scratch));
        }
    }
    start.nanoseconds() / (SPEED_ROUNDS * SPEED_POSTS.len()) as f64
}

/// CPU time of this thread where Linux tells it, else wall time: other programs must not count.
struct Stopwatch {
    wall: Instant,
    cpu: Option<u64>,
}

impl Stopwatch {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_nanoseconds() }
    }

    fn nanoseconds(&self) -> f64 {
        match (self.cpu, cpu_nanoseconds()) {
            (Some(start), Some(end)) => (end - start) as f64,
            _ => self.wall.elapsed().as_nanos() as f64,
        }
    }
}

fn cpu_nanoseconds() -> Option<u64> {
    // Brings the figure up to date, which otherwise happens at the clock's tick.
    std::thread::yield_now();
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

// Data.

#[derive(Deserialize)]
struct Row {
    text: String,
    label: String,
    #[serde(default)]
    lang: Option<String>,
}

fn data_folder() -> Option<PathBuf> {
    let given = std::env::var_os("BIRDDOG_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    [given, Some(beside)].into_iter().flatten().find(|folder| folder.is_dir())
}

fn rows(folder: &Path, name: &str) -> Vec<Row> {
    let plain = folder.join(format!("{name}.jsonl"));
    let packed = folder.join(format!("{name}.jsonl.gz"));
    let text = if plain.exists() {
        std::fs::read_to_string(plain).unwrap_or_default()
    } else {
        let output = Command::new("gzip").arg("-dc").arg(packed).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    let rows = text.lines().filter_map(|line| serde_json::from_str::<Row>(line).ok());
    rows.map(|row| Row { text: unescaped(&row.text), ..row }).collect()
}

/// The SemEval files carry some characters as `\u2019`, in letters.
fn unescaped(text: &str) -> String {
    text.replace("\\u2019", "'").replace("\\u002c", ",")
}

// Quality.

fn quality(bench: &mut Bench, folder: &Path) {
    let validation = rows(folder, "tweeteval_sentiment");
    let known: HashSet<&str> = validation.iter().map(|row| row.text.as_str()).collect();
    let mut tuning = rows(folder, "semeval2017_4a_train");
    tuning.retain(|row| !known.contains(row.text.as_str()));
    println!("\nsentiment, 3 classes");
    println!(
        "{:32} {:>7} {:>8} {:>8} | precision/recall of negative, neutral, positive",
        "", "posts", "recall*", "F1*"
    );
    sentiment(bench, "semeval2017_4a_train (tuned on)", &tuning);
    sentiment(bench, "tweeteval_sentiment val", &validation);
    for name in ["airline", "vader_gt_tweets", "vader_gt_amazon", "sanders_brand", "amazonhelp_sentiment"] {
        sentiment(bench, name, &rows(folder, name));
    }
    languages(bench, &rows(folder, "umsab_8lang"));
    calibration(bench, &tuning);
    intents(bench, folder);
    urgencies(bench, folder);
}

const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

/// Counts by true label (row) and given label (column).
#[derive(Default)]
struct Table([[f64; 3]; 3]);

impl Table {
    fn recall(&self, class: usize) -> f64 {
        self.0[class][class] / self.0[class].iter().sum::<f64>().max(1.0)
    }

    fn precision(&self, class: usize) -> f64 {
        self.0[class][class] / (0..3).map(|row| self.0[row][class]).sum::<f64>().max(1.0)
    }

    fn f1(&self, class: usize) -> f64 {
        let (precision, recall) = (self.precision(class), self.recall(class));
        2.0 * precision * recall / (precision + recall).max(1e-9)
    }

    fn print(&self, name: &str) {
        let mean = |figure: &dyn Fn(usize) -> f64| (0..3).map(figure).sum::<f64>() / 3.0;
        let posts = self.0.iter().flatten().sum::<f64>();
        print!(
            "{name:32} {posts:>7} {:>8.3} {:>8.3} |",
            mean(&|class| self.recall(class)),
            mean(&|class| self.f1(class))
        );
        for class in 0..3 {
            print!(" {:.2}/{:.2}", self.precision(class), self.recall(class));
        }
        println!();
    }
}

fn sentiment(bench: &mut Bench, name: &str, rows: &[Row]) {
    let mut table = Table::default();
    for row in rows {
        let Some(truth) = LABELS.iter().position(|label| *label == row.label) else { continue };
        let tags: Vec<String> = row.lang.iter().map(|lang| lang.chars().take(2).collect()).collect();
        table.0[truth][index(bench.score(&row.text, &tags).scores.sentiment.label)] += 1.0;
    }
    table.print(name);
}

fn index(label: SentimentLabel) -> usize {
    match label {
        SentimentLabel::Negative => 0,
        SentimentLabel::Neutral => 1,
        SentimentLabel::Positive => 2,
    }
}

fn languages(bench: &mut Bench, rows: &[Row]) {
    let codes = [
        ("arabic", "ar"),
        ("english", "en"),
        ("french", "fr"),
        ("german", "de"),
        ("hindi", "hi"),
        ("italian", "it"),
        ("portuguese", "pt"),
        ("spanish", "es"),
    ];
    for (name, code) in codes {
        let of_language = || rows.iter().filter(|row| row.lang.as_deref() == Some(name));
        for (how, tag) in [("tagged", Some(code)), ("guessed", None)] {
            let tagged: Vec<Row> = of_language()
                .map(|row| Row {
                    text: row.text.clone(),
                    label: row.label.clone(),
                    lang: tag.map(str::to_owned),
                })
                .collect();
            sentiment(bench, &format!("umsab {name}, {how}"), &tagged);
        }
        let right = of_language().filter(|row| bench.score(&row.text, &[]).lang.as_str() == code).count();
        println!(
            "{:32} language guessed right {:.3}",
            "",
            right as f64 / of_language().count().max(1) as f64
        );
    }
}

fn calibration(bench: &mut Bench, rows: &[Row]) {
    println!("\nsentiment: share right by confidence");
    let mut bands = [(0.0, 0.0); 10];
    for row in rows {
        let sentiment = bench.score(&row.text, &[]).scores.sentiment;
        let band = &mut bands[((sentiment.confidence * 10.0) as usize).min(9)];
        band.0 += 1.0;
        band.1 += f64::from(u8::from(LABELS[index(sentiment.label)] == row.label));
    }
    for (at, (count, right)) in bands.iter().enumerate().filter(|(_, band)| band.0 > 0.0) {
        println!(
            "  {:.1}..{:.1}: {:>6} posts, {:.2} right",
            at as f64 / 10.0,
            (at + 1) as f64 / 10.0,
            count,
            right / count
        );
    }
}

fn intents(bench: &mut Bench, folder: &Path) {
    println!("\nintent: precision, recall, F1");
    let complains =
        |scored: &Scored| matches!(scored.scores.intent, Intent::Complaint | Intent::Churn | Intent::Safety);
    binary(bench, "complaints: complaint", &rows(folder, "complaints"), "complaint", complains);
    let wants = |scored: &Scored| scored.scores.intent == Intent::Lead;
    binary(bench, "purchase_intent: yes", &rows(folder, "purchase_intent"), "yes", wants);
}

fn binary(bench: &mut Bench, name: &str, rows: &[Row], label: &str, test: impl Fn(&Scored) -> bool) {
    let (mut hits, mut given, mut truths) = (0.0, 0.0, 0.0);
    for row in rows {
        let (is_given, is_true) = (test(&bench.score(&row.text, &[])), row.label == label);
        given += f64::from(u8::from(is_given));
        truths += f64::from(u8::from(is_true));
        hits += f64::from(u8::from(is_given && is_true));
    }
    let (precision, recall) = (hits / f64::max(given, 1.0), hits / f64::max(truths, 1.0));
    let f1 = 2.0 * precision * recall / (precision + recall).max(1e-9);
    println!("  {name:30} {precision:.3} {recall:.3} {f1:.3} of {} posts", rows.len());
}

fn urgencies(bench: &mut Bench, folder: &Path) {
    println!("\nurgency: area under the ROC curve (0.5 is chance)");
    ranking(bench, "trecis: High and Critical", &rows(folder, "trecis_priority"), &["High", "Critical"]);
    ranking(bench, "trecis: all but Low", &rows(folder, "trecis_priority"), &["Medium", "High", "Critical"]);
    ranking(bench, "complaints: complaint", &rows(folder, "complaints"), &["complaint"]);
    ranking(bench, "disaster_tweets: disaster", &rows(folder, "disaster_tweets"), &["disaster"]);
}

fn ranking(bench: &mut Bench, name: &str, rows: &[Row], positive: &[&str]) {
    let mut scored: Vec<(f32, bool)> = Vec::new();
    let mut labels = [[0; 2]; 4];
    for row in rows {
        let scores = bench.score(&row.text, &[]).scores;
        let is_positive = positive.contains(&row.label.as_str());
        scored.push((scores.urgency, is_positive));
        labels[level(scores.urgency_label)][usize::from(is_positive)] += 1;
    }
    print!("  {name:30} {:.3}; of each label positive:", area(&mut scored));
    for (label, [no, yes]) in ["low", "medium", "high", "critical"].iter().zip(labels) {
        print!(" {label} {:.2} of {}", f64::from(yes) / f64::from(yes + no).max(1.0), yes + no);
    }
    println!();
}

fn level(label: UrgencyLabel) -> usize {
    match label {
        UrgencyLabel::Low => 0,
        UrgencyLabel::Medium => 1,
        UrgencyLabel::High => 2,
        UrgencyLabel::Critical => 3,
    }
}

/// Mann–Whitney: the chance that a positive ranks above a negative, ties half.
fn area(scored: &mut [(f32, bool)]) -> f64 {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut below) = (0.0, 0.0);
    for group in scored.chunk_by(|a, b| a.0 == b.0) {
        let positives = group.iter().filter(|one| one.1).count() as f64;
        let negatives = group.len() as f64 - positives;
        sum += positives * (below + negatives / 2.0);
        below += negatives;
    }
    let positives = scored.iter().filter(|one| one.1).count() as f64;
    sum / (positives * below).max(1.0)
}
