//! `birddog scan`: one pass over a file of events. Work items on standard output, a summary on standard error.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::app::order::InOrder;
use crate::app::workers::{Finished, WorkerParts, spawn_workers};
use crate::clock::wall_clock;
use crate::config::Config;
use crate::line::{BatchOutcome, Counts, Signal, write_line};
use crate::model::{Commit, Moment, RejectReason};
use crate::ruleset::{ActiveRules, RulesInForce};
use crate::sources::{self, FormatName, Handover, Source, SourceError};
use crate::triage::{Triage, single_item};

use super::exit::{RUNTIME, USAGE};
use super::fields::FieldArgs;
use super::serving::runtime;
use super::terminal::complain;

/// Run a file of events through rules once, and print the work items.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  birddog scan --rules rules --input events.jsonl > items.jsonl
  zstd -dc events.jsonl.zst | birddog scan --rules rules | jq .post.text

One JSON object a line, in the order of the input. Exit code 0 also when nothing matches, 2 when not one line is
an event.")]
pub(crate) struct Args {
    /// Folder of packs (*.toml) and keyword lists (*.txt) [default: the configured one, or rules]
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// File of events, one a line; `-` is standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// What the events are
    #[arg(long, value_enum, default_value_t)]
    from: From,
    #[command(flatten)]
    fields: FieldArgs,
    /// One line for each matching post: no duplicates dropped, no clusters, no history, no engagers
    #[arg(long)]
    no_dedupe: bool,
    /// Configuration file, for rules, teams, routes and priorities [default: birddog.toml, if it is there]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Worker threads; 0 is one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    workers: usize,
}

/// Refused lines that are explained one by one; all are counted.
const EXPLAINED_MAX: usize = 10;

/// Formats of events.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum From {
    /// Bluesky Jetstream, v1 wire
    #[default]
    Jetstream,
    /// Posts as JSON objects, one a line; --field says where their fields stand, if not where docs/json.md says
    Json,
}

impl From {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Jetstream => "an event of Jetstream",
            Self::Json => "a post in JSON",
        }
    }

    const fn format(self) -> FormatName {
        match self {
            Self::Jetstream => FormatName::Jetstream,
            Self::Json => FormatName::Json,
        }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = match super::run::load(args.config.as_deref(), args.rules.clone()) {
        Ok(config) => config,
        Err(error) => return Ok(super::exit::report(&error, USAGE)),
    };
    let rules = match super::run::compiled(&config) {
        Ok(rules) => rules,
        Err(code) => return Ok(code),
    };
    let mut parts = WorkerParts::new(
        &config,
        RulesInForce::new(ActiveRules::new(rules, &config)),
        config.triage().influence_seed,
    );
    // Without settling nobody counts them.
    if args.no_dedupe {
        parts.engagement_seed = None;
    }
    scan(args, &config, &parts)
}

fn scan(args: &Args, config: &Config, parts: &WorkerParts) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let (handover, intake) = Handover::new(config.limits.handover);
    let source = Source::new(sources::Config::File(sources::file::Config {
        path: args.input.clone(),
        format: args.from.format(),
        fields: args.fields.map(),
        frame_bytes_max: config.limits.frame_bytes_max,
        ..sources::file::Config::default()
    }))?;
    let status = Arc::clone(source.status());
    let runtime = runtime()?;
    let reading = runtime.spawn(source.run(None, handover, CancellationToken::new()));
    let workers = if args.workers > 0 { args.workers } else { config.limits.worker_threads() };
    let (outcomes, threads) = spawn_workers(workers, &intake, parts, config.limits.outcomes_max);
    drop(intake);

    let progress = progress(&args.input);
    let mut printer = Printer::new(args.no_dedupe, config);
    let mut order = InOrder::default();
    let mut written = Ok(());
    for finished in &outcomes {
        let Finished::Batch(finished) = finished else { continue };
        progress.set_position(finished.outcome.position.0);
        order.push(finished, |outcome, _| {
            if written.is_ok() {
                written = printer.print(outcome);
            }
        });
        // A reader that has gone (`| head`) ends the scan: nobody wants the rest.
        if written.is_err() {
            break;
        }
    }
    drop(outcomes);
    progress.finish_and_clear();
    written?;
    printer.out.flush()?;
    for thread in threads {
        let died = |_| anyhow::anyhow!("a worker died: this is a bug, and the output is incomplete");
        thread.join().map_err(died)?;
    }
    let read: Result<(), SourceError> = runtime.block_on(reading).context("the reading thread died")?;
    if let Err(error) = read {
        return Ok(super::exit::report(&error.into(), RUNTIME));
    }
    let refused_by_source = status.rejected_total();
    printer.summary(started.elapsed(), refused_by_source);
    let (events, rejected) = printer.fates(refused_by_source);
    anyhow::ensure!(
        events == 0 || rejected < events,
        "not one line is {}: is this the right file?",
        args.from.as_str()
    );
    Ok(ExitCode::SUCCESS)
}

/// Triages outcomes and writes their items.
struct Printer {
    triage: Triage,
    config: Config,
    no_dedupe: bool,
    out: BufWriter<std::io::Stdout>,
    line: Vec<u8>,
    counts: Counts,
    /// Refused lines that were explained.
    explained: usize,
    matched: u64,
    items: u64,
}

impl Printer {
    fn new(no_dedupe: bool, config: &Config) -> Self {
        let triage = Triage::new(config.triage());
        Self {
            triage,
            config: config.clone(),
            no_dedupe,
            out: BufWriter::with_capacity(1 << 20, std::io::stdout()),
            line: Vec::new(),
            counts: Counts::default(),
            explained: 0,
            matched: 0,
            items: 0,
        }
    }

    fn print(&mut self, outcome: BatchOutcome) -> std::io::Result<()> {
        self.explain(&outcome);
        self.counts += outcome.counts;
        self.matched +=
            outcome.signals.iter().filter(|signal| matches!(signal, Signal::Mention(_))).count() as u64;
        self.line.clear();
        if self.no_dedupe {
            self.each_mention(&outcome);
        } else {
            let mut commit = Commit::default();
            self.triage.apply(outcome, Moment::at(wall_clock()), &mut commit);
            for item in commit.new_items() {
                self.items += 1;
                write_line(item, &mut self.line);
            }
        }
        self.out.write_all(&self.line)
    }

    /// Says of the first refused lines what is wrong. Blank lines and oversized ones are no events, and not counted.
    fn explain(&mut self, outcome: &BatchOutcome) {
        for (number, detail) in outcome.refused.iter().take(EXPLAINED_MAX - self.explained) {
            self.explained += 1;
            complain(&format!("event {}: {detail}", self.counts.received + *number as u64 + 1));
        }
    }

    fn each_mention(&mut self, outcome: &BatchOutcome) {
        let (routing, now) = (self.config.routing(), wall_clock());
        for signal in &outcome.signals {
            let Signal::Mention(mention) = signal else { continue };
            if let Some(item) = single_item(mention, &outcome.rules, &routing, &self.config.priority, now) {
                self.items += 1;
                write_line(&item, &mut self.line);
            }
        }
    }

    /// All events, and those among them that were rejected.
    fn fates(&self, refused_by_source: u64) -> (u64, u64) {
        let rejected: u64 = self.counts.rejected.iter().sum();
        (self.counts.received + refused_by_source, rejected + refused_by_source)
    }

    fn summary(&self, took: Duration, refused_by_source: u64) {
        let seconds = took.as_secs_f64();
        let (events, _) = self.fates(refused_by_source);
        complain(&format!(
            "events={events} posts={} matched={} items={} seconds={seconds:.3} events/s={:.0}",
            self.counts.posts,
            self.matched,
            self.items,
            events as f64 / seconds.max(1e-9),
        ));
        let mut rejected: Vec<(&str, u64)> =
            RejectReason::ALL.iter().map(|reason| reason.as_str()).zip(self.counts.rejected).collect();
        rejected[RejectReason::TooLarge as usize].1 += refused_by_source;
        for (reason, count) in rejected.iter().filter(|(_, count)| *count > 0) {
            complain(&format!("rejected {reason}={count}"));
        }
    }
}

fn progress(input: &Path) -> ProgressBar {
    let length = std::fs::metadata(input).map(|file| file.len()).ok().filter(|length| *length > 0);
    let (Some(length), true) = (length, std::io::stderr().is_terminal()) else {
        return ProgressBar::hidden();
    };
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
