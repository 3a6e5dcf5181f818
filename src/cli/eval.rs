//! `birddog eval`: what our labels are worth on labelled posts, beside simple ways to make them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::formats::packed::packed_with;
use crate::model::{Intent, SentimentLabel, UrgencyLabel};
use crate::score::evaluation::Confusion;
use crate::score::{
    LexicalScorer, ScoreInput, Scored, Scorer, Scratch, Target, TrainedScorer, places_of, towards,
};
use crate::text::{Folded, LangCode};

use super::client::Format;
use super::exit::{OK, UsageError};
use super::score::{language_tag, read_line};
use super::terminal::{self, Cell, Style, Table};

const EXAMPLES: &str = "\
Each line is an object with \"text\", \"label\" and, if known, \"lang\" (BCP 47, or its English name). Labels:
  sentiment   negative, neutral, positive (very_negative and very_positive count as these)
  aspect      the same, of the sentiment towards what \"target\", \"brand\" or \"topic\" names
  urgency     low, medium, high, critical
  intent      complaint, question, lead, praise, churn, safety, other; or two labels such as complaint and
              not_complaint, which ask for that one
  language    \"lang\" is the label, and is guessed from the text
Posts with another label are left out, and counted.

Examples:
  birddog eval --task sentiment --data posts.jsonl
  gzip -dc posts.jsonl.gz | birddog eval --task sentiment --data - --format json";

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Which labels
    #[arg(long, value_enum)]
    task: Task,
    /// Labelled posts, one JSON object a line; `-` is standard input
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Language of posts that do not say theirs, BCP 47
    #[arg(long, value_name = "TAG")]
    lang: Option<String>,
    /// Pass over the posts' own languages: what are the labels worth when they are guessed?
    #[arg(long, conflicts_with = "lang")]
    untagged: bool,
    /// Text for people, or JSON
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Task {
    Sentiment,
    Aspect,
    Urgency,
    Intent,
    Language,
}

/// A labelled post.
#[derive(Deserialize)]
struct Row {
    text: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    lang: Option<String>,
    // Of whom the label speaks; other data may have anything under these names.
    #[serde(default)]
    target: Value,
    #[serde(default)]
    brand: Value,
    #[serde(default)]
    topic: Value,
}

impl Row {
    fn target(&self) -> Option<&str> {
        [&self.target, &self.brand, &self.topic].into_iter().find_map(Value::as_str)
    }
}

impl Task {
    /// The field that carries the label.
    fn label_field(self) -> &'static str {
        if self == Self::Language { "lang" } else { "label" }
    }
}

impl Row {
    fn parse(task: Task, line: &[u8]) -> Result<Self, serde_json::Error> {
        let mut row: Self = serde_json::from_slice(line)?;
        row.lang = row.lang.map(language_tag);
        if task == Task::Language {
            row.label =
                row.lang.as_deref().map(|lang| LangCode::from_tag(lang).unwrap_or(LangCode::UND).to_string());
        }
        match row.label {
            None => Err(serde::de::Error::missing_field(task.label_field())),
            Some(_) => Ok(row),
        }
    }

    fn label(&self) -> &str {
        self.label.as_deref().unwrap_or_default()
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut rows = Vec::new();
    for path in &args.data {
        read(args.task, path, &mut rows)?;
    }
    let labels = labels(args.task, &rows)?;
    let evaluation = Evaluation::of(args, &rows, &labels);
    let text = match args.format {
        Format::Text => evaluation.text(),
        Format::Json => terminal::json(&evaluation.json())?,
    };
    terminal::print(&text)?;
    Ok(ExitCode::from(OK))
}

fn read(task: Task, path: &Path, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let name = path.display();
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).with_context(|| format!("cannot read {name}"))?)
    };
    let mut input = BufReader::new(input);
    if let Some(with) = packed_with(input.fill_buf().with_context(|| format!("cannot read {name}"))?) {
        let usage = format!(
            "{name} is packed with {with}: unpack it first, as in `{with} -dc {name} | birddog eval … --data -`"
        );
        return Err(UsageError(usage).into());
    }
    let (mut line, mut number) = (Vec::new(), 0_u64);
    while read_line(&mut input, &mut line).with_context(|| format!("cannot read {name}"))? {
        number += 1;
        if !line.trim_ascii().is_empty() {
            rows.push(Row::parse(task, &line).map_err(|error| {
                let wanted = format!("each line is an object with \"text\" and \"{}\"", task.label_field());
                UsageError(format!("{name}:{number}: no labelled post ({error}); {wanted}"))
            })?);
        }
    }
    Ok(())
}

/// The labels between which the task decides, on these posts.
fn labels(task: Task, rows: &[Row]) -> Result<Vec<&str>, UsageError> {
    let all: Vec<&str> = match task {
        Task::Sentiment | Task::Aspect => SentimentLabel::ALL.map(SentimentLabel::as_str).to_vec(),
        Task::Urgency => UrgencyLabel::ALL.map(UrgencyLabel::as_str).to_vec(),
        Task::Intent => Intent::OF_TEXTS.map(Intent::as_str).to_vec(),
        Task::Language => languages(rows),
    };
    if task == Task::Aspect && rows.iter().all(|row| row.target().is_none()) {
        return Err(UsageError("no post has a \"target\", \"brand\" or \"topic\"".into()));
    }
    let has = |label: &str| rows.iter().any(|row| row.label().eq_ignore_ascii_case(label));
    if task == Task::Intent
        && let Some(wanted) = all.iter().find(|label| has(&format!("not_{label}")))
    {
        return Ok(vec![NOT, wanted]);
    }
    let known = |row: &Row| class(row.label(), &all).is_some();
    if !rows.iter().any(known) {
        let found = rows.first().map_or("no posts".into(), |row| format!("such as `{}`", row.label()));
        return Err(UsageError(format!(
            "no post has a label of this task ({}), but others {found}",
            all.join(", ")
        )));
    }
    Ok(all)
}

/// The languages of the posts, after all others.
fn languages(rows: &[Row]) -> Vec<&str> {
    let found: BTreeSet<&str> = rows.iter().map(Row::label).chain(["und"]).collect();
    ["other"].into_iter().chain(found).collect()
}

/// Stands for everything but the one label that is asked for.
const NOT: &str = "not";

/// The class that a label of the data names.
fn class(label: &str, labels: &[&str]) -> Option<usize> {
    let label = label.to_ascii_lowercase();
    let label = match label.strip_prefix("very_") {
        Some(plain) => plain,
        None if label.starts_with("not_") => NOT,
        None => &label,
    };
    labels.iter().position(|known| *known == label)
}

/// The label that scores give.
fn given(task: Task, scored: &Scored) -> &str {
    let scores = &scored.scores;
    match task {
        Task::Sentiment | Task::Aspect => scores.sentiment.label.as_str(),
        Task::Urgency => scores.urgency_label.as_str(),
        Task::Intent => scores.intent.as_str(),
        Task::Language => scored.lang.as_str(),
    }
}

/// A way to label, and how it did.
struct Way {
    name: &'static str,
    confusion: Confusion,
}

struct Evaluation<'a> {
    task: Task,
    labels: &'a [&'a str],
    ways: Vec<Way>,
    left_out: usize,
}

impl<'a> Evaluation<'a> {
    fn of(args: &Args, rows: &[Row], labels: &'a [&'a str]) -> Self {
        let labelled: Vec<(&Row, usize)> =
            rows.iter().filter_map(|row| Some((row, class(row.label(), labels)?))).collect();
        let (trained, lexical) = (TrainedScorer::new(), LexicalScorer::new());
        let mut scorers: Vec<(&'static str, &dyn Scorer, Task)> = vec![("birddog", &trained, args.task)];
        match args.task {
            Task::Aspect => scorers.extend([
                ("the whole post", &trained as &dyn Scorer, Task::Sentiment),
                ("lexicon alone", &lexical, Task::Sentiment),
            ]),
            // Both guess languages alike.
            Task::Language => {}
            task => scorers.push(("lexicon alone", &lexical, task)),
        }
        let mut ways: Vec<Way> = scorers
            .into_iter()
            .map(|(name, scorer, task)| Way {
                name,
                confusion: judged(args, task, &labelled, labels, scorer),
            })
            .collect();
        ways.push(Way { name: "majority", confusion: majority(&labelled, labels.len()) });
        Self { task: args.task, labels, ways, left_out: rows.len() - labelled.len() }
    }

    fn json(&self) -> serde_json::Value {
        let way = |way: &Way| {
            let classes = (0..self.labels.len())
                .map(|class| (self.labels[class].to_owned(), json!(way.confusion.class(class))));
            let row = |truth: usize| -> Vec<u64> {
                (0..self.labels.len()).map(|given| way.confusion.count(truth, given)).collect()
            };
            json!({
                "scorer": way.name,
                "posts": way.confusion.posts(),
                "accuracy": way.confusion.accuracy(),
                "macro_f1": way.confusion.macro_f1(),
                "macro_recall": way.confusion.macro_recall(),
                "classes": classes.collect::<serde_json::Map<_, _>>(),
                "confusion": (0..self.labels.len()).map(row).collect::<Vec<_>>(),
            })
        };
        json!({
            "task": self.task,
            "labels": self.labels,
            "left_out": self.left_out,
            "scorers": self.ways.iter().map(way).collect::<Vec<_>>(),
        })
    }

    fn text(&self) -> String {
        let mut out = String::new();
        let posts = self.ways.first().map_or(0, |way| way.confusion.posts());
        let _ = write!(out, "{}", terminal::counted(posts, "labelled post"));
        if self.left_out > 0 {
            let _ = write!(out, "; {} with another label left out", self.left_out);
        }
        out.push_str("\n\n");
        let mut table = Table::new(&["SCORER", "ACCURACY", "MACRO-F1", "MACRO-RECALL"]);
        for way in &self.ways {
            let confusion = &way.confusion;
            let figures = [confusion.accuracy(), confusion.macro_f1(), confusion.macro_recall()];
            let cells = figures.map(|figure| Cell::new(format!("{figure:.3}")));
            table.row([vec![Cell::new(way.name).style(Style::Bold)], cells.to_vec()].concat());
        }
        out.push_str(&table.render(terminal::colours()));
        for way in &self.ways {
            self.classes(way, &mut out);
        }
        out.trim_end().to_owned()
    }

    fn classes(&self, way: &Way, out: &mut String) {
        let _ = write!(out, "\n{}; rows are the true labels, columns the given ones\n", way.name);
        let mut header = vec!["LABEL", "POSTS", "PRECISION", "RECALL", "F1"];
        header.extend(self.labels);
        let mut table = Table::new(&header);
        for (truth, label) in self.labels.iter().enumerate() {
            let figures = way.confusion.class(truth);
            let mut cells = vec![Cell::new(label), Cell::number(figures.posts)];
            let shares = [figures.precision, figures.recall, figures.f1];
            cells.extend(shares.map(|share| Cell::new(format!("{share:.3}"))));
            cells.extend((0..self.labels.len()).map(|given| Cell::number(way.confusion.count(truth, given))));
            table.row(cells);
        }
        out.push_str(&table.render(terminal::colours()));
    }
}

fn judged(
    args: &Args,
    task: Task,
    rows: &[(&Row, usize)],
    labels: &[&str],
    scorer: &dyn Scorer,
) -> Confusion {
    let mut confusion = Confusion::new(labels.len());
    let (mut folded, mut scratch) = (Folded::default(), Scratch::default());
    for (row, truth) in rows {
        folded.fold(&row.text);
        let tags = tags(args, row);
        let input = ScoreInput::of_text(&row.text, &folded, &tags);
        let mut scored = scorer.score(&input, &mut scratch);
        if let (Task::Aspect, Some(name)) = (task, row.target()) {
            let target = Target { own: &places_of(name, &folded), others: &[] };
            let aspect = towards(scorer, &input, &scored, target, &mut scratch);
            scored.scores.sentiment = aspect.map_or(scored.scores.sentiment, |aspect| aspect.sentiment);
        }
        let given = given(task, &scored);
        // What is not asked for is the first class: `not`, or another language.
        let given = labels.iter().position(|label| *label == given).unwrap_or(0);
        confusion.add(*truth, given);
    }
    confusion
}

/// The languages that a post is scored with.
fn tags(args: &Args, row: &Row) -> Vec<String> {
    if args.untagged || args.task == Task::Language {
        return Vec::new();
    }
    row.lang.clone().or_else(|| args.lang.clone()).into_iter().collect()
}

/// Everything gets the label that most posts have.
fn majority(rows: &[(&Row, usize)], classes: usize) -> Confusion {
    let count = |class: usize| rows.iter().filter(|(_, truth)| *truth == class).count();
    let most = (0..classes).max_by_key(|&class| count(class)).unwrap_or(0);
    let mut confusion = Confusion::new(classes);
    rows.iter().for_each(|(_, truth)| confusion.add(*truth, most));
    confusion
}
