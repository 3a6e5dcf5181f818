//! `birddog feed`: serves events as a Jetstream server, for demos, tests and load.
//!
//! One line on standard output when ready: the address for a client. Progress goes to standard error.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::clock::wall_clock;
use crate::feed::story::Story;
use crate::feed::{FeedOptions, Input, Server};
use crate::model::Timestamp;

use super::exit::UsageError;
use super::terminal::counted;

/// Events per second of a live story: about what the real network has.
const STORY_RATE: f64 = 300.0;
/// Where made-up events begin when they must be the same every time: 2026-01-01T00:00:00Z.
const FIXED_START_US: i64 = 1_767_225_600_000_000;

const NOTHING_TO_SERVE: &str = "there is nothing to serve: give --input FILE (one Jetstream event per line), \
    --story SEED (made-up events without end) or --numbered POSTS (for counting), as in `birddog feed --story 7`";

/// Serve a file, or a made-up story, as a Jetstream server.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6008")]
    listen: SocketAddr,
    /// Serve this file: one Jetstream event per line
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Serve a made-up story with this seed: live and endless, or as many as --events
    #[arg(long, value_name = "SEED", conflicts_with_all = ["input", "numbered"])]
    story: Option<u64>,
    /// Serve this many numbered posts, three other events before each, to count what arrives
    #[arg(long, value_name = "POSTS", conflicts_with = "input")]
    numbered: Option<u64>,
    /// End the story after this many events, all of them there from the start
    #[arg(long, value_name = "N", requires = "story", conflicts_with_all = ["input", "numbered"])]
    events: Option<usize>,
    /// Events per second; default as fast as the client reads, or 300 for a live story
    #[arg(long, value_name = "N", value_parser = super::rate::rate)]
    rate: Option<f64>,
    /// Start again at the end, with later times and other authors
    #[arg(long = "loop")]
    looping: bool,
    /// Serve one live head: a client without a cursor joins there instead of at the first event
    #[arg(long)]
    live: bool,
}

/// Runs the command until Ctrl-C.
///
/// # Errors
/// When the events cannot be read or the address is taken.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the I/O threads")?.block_on(serve(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let listen = args.listen;
    let server = Server::bind(listen, options(args)?).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", server.url())?;
    out.flush()?;
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let mut before = 0;
    loop {
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => return Ok(stopped?),
            _ = tick.tick() => before = show_progress(&server, before),
        }
    }
}

fn options(args: Args) -> anyhow::Result<FeedOptions> {
    let mut options = FeedOptions::new(Input::Lines(Vec::new()));
    (options.rate, options.loop_, options.live) = (args.rate, args.looping, args.live);
    let fixed = Timestamp::from_micros(FIXED_START_US);
    options.input = match (args.input, args.story, args.numbered) {
        (Some(path), ..) => Input::File(path),
        (_, _, Some(posts)) => Input::Generator(Box::new(Story::new(0, fixed).numbered(posts))),
        (_, Some(seed), _) => match args.events {
            Some(count) => Input::Generator(Box::new(Story::new(seed, fixed).events(count))),
            None => {
                let rate = *options.rate.get_or_insert(STORY_RATE);
                options.live = true;
                Input::Generator(Box::new(Story::new(seed, wall_clock()).at_rate(rate)))
            }
        },
        (None, None, None) => return Err(UsageError(NOTHING_TO_SERVE.to_owned()).into()),
    };
    Ok(options)
}

/// Shows what went out; the number of events so far.
fn show_progress(server: &Server, before: u64) -> u64 {
    let stats = server.stats();
    let sent = stats.events();
    let mut err = std::io::stderr();
    if err.is_terminal() || sent != before {
        let (start, end) = if err.is_terminal() { ("\r", "   ") } else { ("", "\n") };
        let (events, clients) = (counted(sent, "event"), counted(stats.open(), "client"));
        // Nobody reads progress on a closed stream: that is no reason to stop serving.
        let _ = write!(err, "{start}{events} sent, {}/s, {clients}{end}", sent - before);
    }
    sent
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(line: &str) -> Result<FeedOptions, String> {
        let cli = Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
        options(cli.args).map_err(|error| error.to_string())
    }

    #[test]
    fn exactly_one_kind_of_events_is_asked_for() {
        assert!(parse("feed --input x.jsonl --loop --rate 10").is_ok());
        assert!(parse("feed --numbered 10").is_ok());
        assert!(parse("feed --listen 127.0.0.1:0").unwrap_err().contains("--input"));
        assert!(parse("feed --input x --story 1").is_err());
        assert!(parse("feed --input x --events 5").is_err());
    }

    #[test]
    fn without_anything_to_serve_the_choices_are_named() {
        let said = parse("feed").unwrap_err();
        assert!(
            ["--input FILE", "--story SEED", "--numbered POSTS", "feed --story 7"]
                .iter()
                .all(|part| said.contains(part)),
            "{said}"
        );
    }

    #[test]
    fn a_story_is_live_unless_its_length_is_given() {
        let live = parse("feed --story 7").unwrap();
        assert_eq!((live.live, live.rate), (true, Some(STORY_RATE)));
        let finite = parse("feed --story 7 --events 5").unwrap();
        assert_eq!((finite.live, finite.rate), (false, None));
    }
}
