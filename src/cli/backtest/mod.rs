//! `birddog backtest`: what rules would have done with recorded posts, and what an edit of them changes.

mod figures;
mod html;
mod text;
mod title;

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use title::Title;

use crate::backtest::{self, Format as DataFormat, Input, Options, Report};
use crate::config::Config;
use crate::formats::json;
use crate::ruleset::LoadedRules;

use super::client::Format;
use super::exit::{RUNTIME, USAGE};
use super::fields::FieldArgs;
use super::rules::read_valid_from;
use super::terminal;

/// Posts shown of those that a rule gains or loses, unless told otherwise.
const FLOW_SAMPLES: usize = 5;
/// Most samples per rule: a page of more is not read.
const SAMPLES_MAX: u64 = 100;
/// Rules on the HTML page; the JSON report has them all.
const PAGE_RULES_MAX: usize = 500;

const EXAMPLES: &str = "\
Data are recorded Jetstream events, or posts as JSON lines ({\"text\": \"…\"}; \"created_at\" or \"ts\", \"lang\", \"user\" and more are
read where they are there); plain or .zst. Work items will do, too.

Examples:
  birddog backtest rules --data monday.jsonl.zst tuesday.jsonl.zst
  birddog backtest rules --data events.jsonl --against deployed-rules    what my edit gains and loses
  birddog backtest rules --data events.jsonl --html report.html
  gzip -dc events.jsonl.gz | birddog backtest rules --data - --format json | jq '.rules[] | {id, posts}'

Rules that are off are run as if they were not. Exit code 0 also when nothing matches; 2 when there is no post in the data.";

/// Run recorded posts through the rules: volumes, samples, overlap, cost; with --against, what an edit changes
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Folder of packs (*.toml) and keyword lists (*.txt) [default: the configured one, or rules]
    #[arg(value_name = "RULES_DIR")]
    folder: Option<PathBuf>,
    /// The same as RULES_DIR
    #[arg(long, value_name = "DIR", conflicts_with = "folder")]
    rules: Option<PathBuf>,
    /// Files of recorded posts, one a line; `-` is standard input
    #[arg(long, alias = "input", value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// What the lines are [default: told by the first line that is clear]
    #[arg(long, value_enum)]
    from: Option<From>,
    #[command(flatten)]
    fields: FieldArgs,
    /// Folder of other rules, such as those deployed: show what RULES_DIR gains and loses against them
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Also write the report as one HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// How the report is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Posts shown per rule, and of those gained and lost [default: 3, and 5, on the page 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=SAMPLES_MAX))]
    samples: Option<u64>,
    /// Draws other samples
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Read only the first N lines of the data
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Rules listed in the terminal
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Leave out pairs of rules that overlap less (Jaccard index, 0 to 1)
    #[arg(long, value_name = "INDEX", default_value_t = 0.1, value_parser = index)]
    overlap: f64,
    /// Posts a day of the whole stream, when the data is a sample of it: rates are then shares of this
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    posts_per_day: Option<u64>,
    /// Measure no times, so that the report is the same every time
    #[arg(long)]
    no_cost: bool,
    /// Configuration file, for rules, priorities and limits [default: birddog.toml, if it is there]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Worker threads; 0 is one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    workers: usize,
}

/// Formats of recorded posts.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum From {
    /// Bluesky Jetstream, v1 wire
    Jetstream,
    /// Posts as JSON objects
    Json,
}

fn index(text: &str) -> Result<f64, String> {
    let index = text.parse().ok().filter(|index| (0.0..=1.0).contains(index));
    index.ok_or_else(|| "it is a number from 0 to 1".to_owned())
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = args.folder.as_ref().or(args.rules.as_ref());
    let config = match super::run::load(args.config.as_deref(), folder.cloned()) {
        Ok(config) => config,
        Err(error) => return Ok(super::exit::report(&error, USAGE)),
    };
    let (rules, against) = match args.read_rules(&config)? {
        Ok(read) => read,
        Err(code) => return Ok(code),
    };
    let started = Instant::now();
    let fields = match args.fields.fields() {
        Ok(fields) => fields,
        Err(error) => return Ok(super::exit::report(&error, USAGE)),
    };
    let report = match args.backtest(&rules, against.as_ref(), &args.options(&config, fields)) {
        Ok(report) => report,
        Err(error) => return Ok(super::exit::report(&error.into(), RUNTIME)),
    };
    let flow_samples = args.samples.map_or(FLOW_SAMPLES, |samples| samples as usize);
    let title = Title { rules: &config.rules.path, against: args.against.as_deref(), flow_samples };
    if let Some(path) = &args.html {
        let page = html::page(&report, &title, PAGE_RULES_MAX);
        fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    terminal::print(&match args.format {
        Format::Json => terminal::json(&report)?,
        Format::Text => text::shown(&report, &title, args.top, terminal::colours()),
    })?;
    summary(&report, started.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn read_rules(
        &self,
        config: &Config,
    ) -> anyhow::Result<Result<(LoadedRules, Option<LoadedRules>), ExitCode>> {
        let read = |folder: &Path| read_valid_from(folder, self.format);
        let rules = match read(&config.rules.path)? {
            Ok(rules) => rules,
            Err(code) => return Ok(Err(code)),
        };
        let against = match self.against.as_deref().map(read).transpose()? {
            Some(Err(code)) => return Ok(Err(code)),
            Some(Ok(against)) => Some(against),
            None => None,
        };
        Ok(Ok((rules, against)))
    }

    fn backtest(
        &self,
        rules: &LoadedRules,
        against: Option<&LoadedRules>,
        options: &Options,
    ) -> Result<Report, backtest::BacktestError> {
        let mapped = (!self.fields.is_empty()).then_some(From::Json);
        let format = self.from.or(mapped).map(|from| match from {
            From::Jetstream => DataFormat::Jetstream,
            From::Json => DataFormat::Json,
        });
        let inputs: Vec<Input> =
            self.data.iter().map(|path| Input::open(path, format)).collect::<Result<_, _>>()?;
        let progress = progress(&inputs);
        let before = against.map(|against| &against.packs.rules[..]);
        let report = backtest::run(&rules.packs.rules, before, inputs, options, &mut |bytes| {
            progress.set_position(bytes);
        });
        progress.finish_and_clear();
        report
    }

    fn options(&self, config: &Config, fields: json::Fields) -> Options {
        let default = Options::default();
        let samples = self.samples.map(|samples| samples as usize);
        Options {
            samples: samples.unwrap_or(default.samples),
            change_samples: samples.unwrap_or(default.change_samples),
            seed: self.seed,
            lines_max: self.limit.unwrap_or(u64::MAX),
            frame_bytes_max: config.limits.frame_bytes_max,
            threads: if self.workers > 0 { self.workers } else { config.limits.worker_threads() },
            timing: !self.no_cost,
            overlap_from: self.overlap,
            posts_per_day: self.posts_per_day.map(|posts| posts as f64),
            priority: config.priority.clone(),
            fields,
        }
    }
}

/// A bar over the files' bytes, where these are known and somebody watches.
fn progress(inputs: &[Input]) -> ProgressBar {
    let bytes: Option<u64> = inputs.iter().map(Input::bytes).sum();
    let (Some(bytes), true) = (bytes, std::io::stderr().is_terminal()) else {
        return ProgressBar::hidden();
    };
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn summary(report: &Report, seconds: f64) {
    let lines: u64 = report.data.files.iter().map(|file| file.lines).sum();
    terminal::complain(&format!(
        "lines={lines} posts={} matched={} seconds={seconds:.3} posts/s={:.0}",
        report.data.posts,
        report.matched.posts,
        report.data.posts as f64 / seconds.max(1e-9),
    ));
}
