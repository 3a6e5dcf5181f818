//! How good and how fast the scorer is. `cargo bench --bench score`.
//!
//! Speed is always printed, on text made here. Quality is printed when `BIRDDOG_DATA` names the folder of the labelled
//! data; `.gz` files are read through `gzip`. Only of posts that the model did not
//! learn from: what it learned from is measured by `cargo run --release --example train -- DATA --check`. Beside it
//! VADER, the usual reference, and labels made without the model.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod labelled;

use std::path::{Path, PathBuf};
use std::time::Instant;

use birddog::model::{Intent, SentimentLabel, Span, UrgencyLabel};
use birddog::score::evaluation::Confusion;
use birddog::score::{
    LexicalScorer, ScoreInput, Scored, Scorer, Scratch, Target, TrainedScorer, places_of, towards,
};
use birddog::text::Folded;
use labelled::{Labelled, read};
use vader_sentimental::SentimentIntensityAnalyzer;

fn main() -> anyhow::Result<()> {
    let mut bench = Bench {
        scorer: TrainedScorer::new(),
        lexicon: LexicalScorer::new(),
        vader: SentimentIntensityAnalyzer::new(),
        folded: Folded::default(),
        scratch: Scratch::default(),
    };
    speed(&mut bench);
    match data_folder() {
        Some(folder) => quality(&mut bench, &folder),
        None => {
            println!("no labelled data found: quality is not measured (set BIRDDOG_DATA)");
            Ok(())
        }
    }
}

struct Bench {
    scorer: TrainedScorer,
    lexicon: LexicalScorer,
    vader: SentimentIntensityAnalyzer<'static>,
    folded: Folded,
    scratch: Scratch,
}

impl Bench {
    fn score(&mut self, text: &str, lang_tags: &[String]) -> Scored {
        self.folded.fold(text);
        self.score_folded(text, lang_tags)
    }

    fn score_folded(&mut self, text: &str, lang_tags: &[String]) -> Scored {
        let input = ScoreInput::of_text(text, &self.folded, lang_tags);
        self.scorer.score(&input, &mut self.scratch)
    }

    fn score_by_lexicon(&mut self, text: &str, lang_tags: &[String]) -> Scored {
        self.folded.fold(text);
        let folded = &self.folded;
        let input = ScoreInput::of_text(text, folded, lang_tags);
        self.lexicon.score(&input, &mut self.scratch)
    }

    /// VADER's label, by the thresholds of its authors.
    fn vader(&self, text: &str) -> SentimentLabel {
        const NEUTRAL_TO: f64 = 0.05;
        match self.vader.polarity_scores(text).compound {
            compound if compound >= NEUTRAL_TO => SentimentLabel::Positive,
            compound if compound <= -NEUTRAL_TO => SentimentLabel::Negative,
            _ => SentimentLabel::Neutral,
        }
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
        let aspects = time_aspects(bench, tags);
        println!(
            "  {name:17} fold + score + towards a target {aspects:6.0} ns/post ({:.0} posts/s)",
            1e9 / aspects
        );
    }
    beside_vader(bench);
}

/// Both on the English posts, in turns: what else the machine does hits both.
fn beside_vader(bench: &mut Bench) {
    const TURNS: usize = 10;
    let english: Vec<&str> = SPEED_POSTS.into_iter().filter(|post| post.is_ascii()).collect();
    let tags = ["en".to_owned()];
    let (mut ours, mut vader) = (0.0, 0.0);
    for _ in 0..TURNS {
        ours += time_of(&english, |post| bench.score(post, &tags).scores.sentiment.label);
        vader += time_of(&english, |post| bench.vader(post));
    }
    let posts_per_s = |nanoseconds: f64| TURNS as f64 * 1e9 / nanoseconds;
    println!(
        "  English, tagged: birddog, all scores {:.0} posts/s; vader-sentimental, sentiment alone {:.0} posts/s: {:.1} times as fast",
        posts_per_s(ours),
        posts_per_s(vader),
        vader / ours
    );
}

/// Nanoseconds a post.
fn time_of(posts: &[&str], mut label: impl FnMut(&str) -> SentimentLabel) -> f64 {
    const ROUNDS: usize = 500;
    let start = Stopwatch::start();
    for _ in 0..ROUNDS {
        for post in posts {
            std::hint::black_box(label(post));
        }
    }
    start.nanoseconds() / (ROUNDS * posts.len()) as f64
}

/// A name in each of the posts.
const TARGETS: [&str; 8] =
    ["Acme", "Main Street", "acme", "laptop", "council", "Internet", "servicio", "defence"];

/// Posts of several clauses pay for those that name the target; others for a look.
fn time_aspects(bench: &mut Bench, tags: &[String]) -> f64 {
    let places = SPEED_POSTS.iter().zip(TARGETS).map(|(post, name)| places_of(name, &Folded::new(post)));
    let places: Vec<Vec<Span>> = places.collect();
    assert!(places.iter().all(|places| !places.is_empty()), "every post names its target");
    let start = Stopwatch::start();
    for _ in 0..SPEED_ROUNDS {
        for (text, own) in SPEED_POSTS.iter().zip(&places) {
            let whole = bench.score(text, tags);
            let input = ScoreInput::of_text(text, &bench.folded, tags);
            let target = Target { own, others: &[] };
            std::hint::black_box(towards(&bench.scorer, &input, &whole, target, &mut bench.scratch));
        }
    }
    start.nanoseconds() / (SPEED_ROUNDS * SPEED_POSTS.len()) as f64
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
            let input = ScoreInput::of_text(text, folded, tags);
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

fn data_folder() -> Option<PathBuf> {
    std::env::var_os("BIRDDOG_DATA").map(PathBuf::from).filter(|folder| folder.is_dir())
}

// Quality.

fn quality(bench: &mut Bench, folder: &Path) -> anyhow::Result<()> {
    println!("\nsentiment, 3 classes");
    println!(
        "{:32} {:>7} {:>8} {:>8} | precision/recall of negative, neutral, positive",
        "", "posts", "recall*", "F1*"
    );
    for name in ENGLISH {
        sentiment(bench, name, &read(folder, name)?);
    }
    languages(bench, read(folder, "umsab_8lang.jsonl.gz")?);
    println!("\nsentiment: expected calibration error; share right from each tenth of confidence on");
    for name in ENGLISH {
        calibration(bench, name, &read(folder, name)?);
    }
    leads(bench, &read(folder, "purchase_intent.jsonl")?);
    urgencies(bench, folder)
}

/// Labelled posts in English that the model did not learn from.
const ENGLISH: [&str; 5] = [
    "airline.jsonl.gz",
    "vader_gt_tweets.jsonl",
    "vader_gt_amazon.jsonl",
    "sanders_brand.jsonl.gz",
    "amazonhelp_sentiment.jsonl",
];
const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

fn sentiment(bench: &mut Bench, name: &str, rows: &[Labelled]) {
    println!("{name}");
    let ours = confusion(rows, |row| bench.score(&row.text, &row.tags()).scores.sentiment.label);
    line("birddog", &ours);
    line("vader", &confusion(rows, |row| bench.vader(&row.text)));
    line(
        "lexicon alone",
        &confusion(rows, |row| bench.score_by_lexicon(&row.text, &row.tags()).scores.sentiment.label),
    );
    let posts = |label: &SentimentLabel| ours.class(index(*label)).posts;
    let most = SentimentLabel::ALL.into_iter().max_by_key(posts).unwrap_or(SentimentLabel::Neutral);
    line("majority", &confusion(rows, |_| most));
}

fn confusion(rows: &[Labelled], mut label: impl FnMut(&Labelled) -> SentimentLabel) -> Confusion {
    let mut confusion = Confusion::new(LABELS.len());
    for row in rows {
        let Some(truth) = LABELS.iter().position(|label| *label == row.label) else { continue };
        confusion.add(truth, index(label(row)));
    }
    confusion
}

fn line(way: &str, confusion: &Confusion) {
    let (recall, f1) = (confusion.macro_recall(), confusion.macro_f1());
    print!("  {way:30} {:>7} {recall:>8.3} {f1:>8.3} |", confusion.posts());
    for figures in (0..LABELS.len()).map(|class| confusion.class(class)) {
        print!(" {:.2}/{:.2}", figures.precision, figures.recall);
    }
    println!();
}

fn index(label: SentimentLabel) -> usize {
    match label {
        SentimentLabel::Negative => 0,
        SentimentLabel::Neutral => 1,
        SentimentLabel::Positive => 2,
    }
}

fn languages(bench: &mut Bench, mut rows: Vec<Labelled>) {
    rows.sort_by(|row, next| row.lang.cmp(&next.lang));
    println!("\nlanguage guessed right");
    for of_language in rows.chunk_by(|row, next| row.lang == next.lang) {
        let right =
            of_language.iter().filter(|row| row.tags()[0] == bench.score(&row.text, &[]).lang.as_str());
        let share = right.count() as f64 / of_language.len() as f64;
        println!("  {:30} {share:.3} of {} posts", of_language[0].lang, of_language.len());
    }
}

/// The share right by confidence, and the mean distance between the two, weighed by posts (ECE, ten bands).
fn calibration(bench: &mut Bench, name: &str, rows: &[Labelled]) {
    let mut bands = [(0.0, 0.0, 0.0); 10];
    for row in rows.iter().filter(|row| LABELS.contains(&row.label.as_str())) {
        let sentiment = bench.score(&row.text, &row.tags()).scores.sentiment;
        let band = &mut bands[((sentiment.confidence * 10.0) as usize).min(9)];
        band.0 += 1.0;
        band.1 += f64::from(u8::from(LABELS[index(sentiment.label)] == row.label));
        band.2 += f64::from(sentiment.confidence);
    }
    let posts: f64 = bands.iter().map(|band| band.0).sum();
    let error: f64 = bands.iter().map(|(_, right, confidence)| (right - confidence).abs()).sum();
    print!("  {name:28} {posts:>6} posts, error {:.3}:", error / posts.max(1.0));
    for (at, (count, right, _)) in bands.iter().enumerate().filter(|(_, band)| band.0 > 0.0) {
        print!(" .{at} {:.2}", right / count);
    }
    println!();
}

fn leads(bench: &mut Bench, rows: &[Labelled]) {
    let mut confusion = Confusion::new(2);
    for row in rows {
        let is_given = bench.score(&row.text, &[]).scores.intent == Intent::Lead;
        confusion.add(usize::from(row.label == "yes"), usize::from(is_given));
    }
    let lead = confusion.class(1);
    println!("\nintent lead, purchase_intent `yes`, which the model learned from: precision, recall, F1");
    println!("  {:.3} {:.3} {:.3} of {} posts", lead.precision, lead.recall, lead.f1, confusion.posts());
}

fn urgencies(bench: &mut Bench, folder: &Path) -> anyhow::Result<()> {
    println!("\nurgency, on posts that the model learned from: area under the ROC curve (0.5 is chance)");
    println!("  what it is worth on others, `cargo run --release --example train -- DATA --check` tells");
    let crises = read(folder, "trecis_priority.jsonl.gz")?;
    ranking(bench, "trecis: High and Critical", &crises, &["High", "Critical"]);
    ranking(bench, "trecis: all but Low", &crises, &["Medium", "High", "Critical"]);
    ranking(bench, "complaints: complaint", &read(folder, "complaints.jsonl")?, &["complaint"]);
    ranking(bench, "disaster_tweets: disaster", &read(folder, "disaster_tweets.jsonl.gz")?, &["disaster"]);
    Ok(())
}

fn ranking(bench: &mut Bench, name: &str, rows: &[Labelled], positive: &[&str]) {
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
