//! `birddog demo`: the whole daemon at work on a made-up feed. No network beyond this machine, no files but a
//! temporary store.
//!
//! The feed is a real WebSocket server on a free port; everything behind it is what `run` runs.

mod screen;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

use crate::app::Daemon;
use crate::clock::wall_clock;
use crate::config::Config;
use crate::feed::story::Story;
use crate::feed::{FeedOptions, Input, Server};
use crate::model::setting;
use crate::rules::diagnostic::SourceFile;
use crate::ruleset::LoadedRules;
use crate::sources::{self, jetstream};
use crate::telemetry::Recorder;

use super::exit::RUNTIME;
use super::serving::{Signals, checked, started, under_signals};
use screen::Screen;

/// The example packs of `rules/`, built in so that the demo runs anywhere.
const PACKS: [(&str, &str); 8] = [
    ("rules/acme-brand.txt", include_str!("../../../rules/acme-brand.txt")),
    ("rules/acme.toml", include_str!("../../../rules/acme.toml")),
    ("rules/anger-words.txt", include_str!("../../../rules/anger-words.txt")),
    ("rules/globex-brand.txt", include_str!("../../../rules/globex-brand.txt")),
    ("rules/globex.toml", include_str!("../../../rules/globex.toml")),
    ("rules/northwind-brand.txt", include_str!("../../../rules/northwind-brand.txt")),
    ("rules/northwind.toml", include_str!("../../../rules/northwind.toml")),
    ("rules/outage-words.txt", include_str!("../../../rules/outage-words.txt")),
];
const CONFIG: &str = include_str!("birddog.toml");
const REFRESH: Duration = Duration::from_secs(1);

/// Watch birddog at work: a made-up feed, a real WebSocket, the whole daemon.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  birddog demo                 until Ctrl-C
  birddog demo --for 30s
While it runs, in another terminal:
  birddog queue stats
  birddog queue claim --team support --agent you")]
pub(crate) struct Args {
    /// Stop after this long, such as 30s
    #[arg(long = "for", value_name = "DURATION", value_parser = setting::parse_duration)]
    lasting: Option<Duration>,
    /// The same seed tells the same story
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Events per second; the real network has about 350
    #[arg(long, value_name = "N", default_value_t = 2000.0, value_parser = crate::cli::rate::rate)]
    rate: f64,
    /// Where the API listens; if that port is taken, a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8642")]
    listen: SocketAddr,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    under_signals(|signals| serve(args, signals))
}

async fn serve(args: Args, signals: Signals) -> anyhow::Result<ExitCode> {
    let Signals { shutdown, hangups } = signals;
    tokio::spawn(stop_without_terminal(hangups, shutdown.clone()));
    // Outside of the start, so that it is removed when that is cut off.
    let folder = TemporaryFolder::new()?;
    let feed = feed(&args).await?;
    let config = configured(&args, &folder, &feed)?;
    let daemon = match started(&shutdown, start(config)).await? {
        Some(Ok(daemon)) => daemon,
        Some(Err(code)) => return Ok(code),
        None => return Ok(ExitCode::SUCCESS),
    };
    if let Some(lasting) = args.lasting {
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            tokio::time::sleep(lasting).await;
            shutdown.cancel();
        });
    }
    let mut screen = Screen::new(daemon.handle().clone(), daemon.address(), feed.url())?;
    screen.open();
    watch(&mut screen, &feed, &daemon, &shutdown).await;
    screen.close().await;
    match daemon.stop().await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Ok(super::exit::report(&error.into(), RUNTIME)),
    }
}

fn configured(args: &Args, folder: &TemporaryFolder, feed: &Server) -> anyhow::Result<Config> {
    let mut config = Config::parse(CONFIG).map_err(anyhow::Error::msg)?;
    // The packs are built in: there is no folder to watch.
    config.rules.watch = false;
    config.store.path = folder.0.join("birddog.db");
    config.source = vec![sources::Config::Jetstream(jetstream::Config {
        name: "demo".to_owned(),
        hosts: vec![feed.url()],
        // All of the stream, so that the rate on the screen is the rate of the feed.
        wanted_collections: Vec::new(),
        ..jetstream::Config::default()
    })];
    config.api.listen = free_or_any(args.listen);
    config.api.token_env = None;
    Ok(config)
}

/// The daemon at work, with its reply gate armed, or the exit code of packs that are wrong, which have been shown.
async fn start(config: Config) -> anyhow::Result<Result<Daemon, ExitCode>> {
    let files = PACKS.map(|(path, text)| SourceFile { path: PathBuf::from(path), text: text.to_owned() });
    let rules = match checked(&config, LoadedRules::from_files(files.into())) {
        Ok(rules) => rules,
        Err(code) => return Ok(Err(code)),
    };
    let daemon = Daemon::start(&config, rules, Recorder::install()?).await.context("cannot start")?;
    let armed = daemon.handle().reply_switch(true, "demo".to_owned(), "a made-up feed".to_owned());
    armed.await.context("cannot arm the reply gate")?;
    Ok(Ok(daemon))
}

/// The terminal has gone: nobody watches any more.
async fn stop_without_terminal(mut hangups: Signal, shutdown: CancellationToken) {
    hangups.recv().await;
    shutdown.cancel();
}

async fn feed(args: &Args) -> anyhow::Result<Server> {
    let story = Story::new(args.seed, wall_clock()).at_rate(args.rate);
    let mut options = FeedOptions::new(Input::Generator(Box::new(story)));
    (options.rate, options.live) = (Some(args.rate), true);
    Ok(Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), options).await?)
}

async fn watch(screen: &mut Screen, feed: &Server, daemon: &Daemon, shutdown: &CancellationToken) {
    let mut every = tokio::time::interval(REFRESH);
    while shutdown.run_until_cancelled(every.tick()).await.is_some() {
        screen.refresh(feed.stats().events()).await;
        if daemon.has_dead_thread() {
            return;
        }
    }
}

/// `address`, unless somebody else listens there.
fn free_or_any(address: SocketAddr) -> SocketAddr {
    match std::net::TcpListener::bind(address) {
        Ok(_) => address,
        Err(_) => SocketAddr::new(address.ip(), 0),
    }
}

/// Removed when dropped.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> anyhow::Result<Self> {
        let unique = wall_clock().as_micros();
        let path = std::env::temp_dir().join(format!("birddog-demo-{}-{unique}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What stays behind in the system's temporary folder does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
