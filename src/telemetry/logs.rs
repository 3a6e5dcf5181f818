//! Logs: one subscriber for the process, and the only way to standard error while a daemon runs.
//!
//! A daemon hands its lines to a thread ([`NonBlocking`]): a full disk, a closed pipe or a reader that stalls costs
//! lines, which are counted, and never the daemon. Other commands write at once, so that nothing is cut off. Neither
//! fails. Whatever a stranger put into a line, it stays one line, and nothing in it acts on a terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use metrics::counter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use super::error::Error;
use super::non_blocking::NonBlocking;
use crate::clock::wall_clock;
use crate::text::display::{escaped, one_line};

/// Log lines that did not get out: the reader of standard error was too slow, or its disk full.
pub const LOG_LINES_DROPPED: &str = "birddog_log_lines_dropped_total";

/// How long the process waits at its end for log lines to get out.
pub const FLUSH_MAX: Duration = Duration::from_secs(1);

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// One readable line each.
    Human,
    /// One JSON object each.
    Json,
}

/// How lines get to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// At once, waiting for the reader: for commands that end by themselves.
    Direct,
    /// Through a thread, never waiting: for daemons.
    NonBlocking,
}

/// The thread's end of standard error, when this process is a daemon.
static DAEMON: OnceLock<NonBlocking> = OnceLock::new();

/// Logs are set up; when it goes, lines on their way get [`FLUSH_MAX`] to get out.
#[derive(Debug)]
pub struct Logs(());

impl Drop for Logs {
    fn drop(&mut self) {
        flush();
    }
}

/// Sends logs to stderr, from `level` or else the variable `RUST_LOG` or else `info` up. A daemon's panics are logged,
/// too.
///
/// # Errors
/// When the filter does not parse, or logs are set up already.
pub fn init(format: LogFormat, level: Option<&str>, delivery: Delivery) -> Result<Logs, Error> {
    let filter = filter(level, std::env::var("RUST_LOG").ok())?;
    let shape = Shape::of(format);
    if delivery == Delivery::NonBlocking {
        let notice = move |count| shape.line("WARN", &format!("{count} log lines were dropped"));
        let lines = NonBlocking::start(io::stderr(), notice).map_err(Error::Thread)?;
        if DAEMON.set(lines).is_ok() {
            std::panic::set_hook(Box::new(move |info| to_stderr(&shape.line("ERROR", &panic_text(info)))));
        }
    }
    let output = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Lines(shape));
    // Its own way out for errors is `eprintln!`, which panics on a closed stream; ours has no errors.
    let output = output.log_internal_errors(false);
    match shape {
        Shape::Json => output.json().flatten_event(true).finish().try_init()?,
        Shape::Human { colours } => output.with_ansi(colours).with_target(false).finish().try_init()?,
    }
    Ok(Logs(()))
}

/// Writes lines to standard error without ever failing; a daemon does not even wait.
pub fn to_stderr(lines: &str) {
    match DAEMON.get() {
        Some(daemon) => lines.split_inclusive('\n').for_each(|line| daemon.push(line.as_bytes())),
        // Nobody is left to be told.
        None => _ = io::stderr().write_all(lines.as_bytes()),
    }
}

/// Waits until a daemon's lines are out, at most for [`FLUSH_MAX`].
pub fn flush() {
    if let Some(daemon) = DAEMON.get() {
        daemon.flush(FLUSH_MAX);
    }
}

/// Brings [`LOG_LINES_DROPPED`] up to date.
pub(super) fn refresh_metrics() {
    counter!(LOG_LINES_DROPPED).absolute(DAEMON.get().map_or(0, NonBlocking::dropped_total));
}

/// How a line is made, and made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Json,
    Human { colours: bool },
}

impl Shape {
    fn of(format: LogFormat) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let has_colours = || is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match format {
            LogFormat::Auto if !is_terminal => Self::Json,
            LogFormat::Json => Self::Json,
            LogFormat::Auto | LogFormat::Human => Self::Human { colours: has_colours() },
        }
    }

    /// A line of our own, past the subscriber.
    fn line(self, level: &str, message: &str) -> String {
        let now = wall_clock();
        let line = match self {
            Self::Json => {
                let message = serde_json::Value::from(message);
                let target = env!("CARGO_PKG_NAME");
                format!(
                    "{{\"timestamp\":\"{now}\",\"level\":\"{level}\",\"message\":{message},\"target\":\"{target}\"}}\n"
                )
            }
            Self::Human { .. } => format!("{now} {level:>5} {message}\n"),
        };
        self.safe(&line).into_owned()
    }

    /// The line without anything that acts on whoever looks at it.
    fn safe(self, line: &str) -> Cow<'_, str> {
        let body = line.strip_suffix('\n').unwrap_or(line);
        match self {
            Self::Json => escaped(line),
            Self::Human { colours } if colours && body.contains(ESCAPE) => Cow::Owned(coloured(body) + "\n"),
            Self::Human { .. } => match one_line(body) {
                Cow::Borrowed(_) => Cow::Borrowed(line),
                Cow::Owned(safe) => Cow::Owned(safe + "\n"),
            },
        }
    }
}

const ESCAPE: char = '\u{1b}';

/// Keeps escapes that choose a colour (`ESC [ 1 ; 31 m`), and no others.
fn coloured(line: &str) -> String {
    let mut pieces = line.split(ESCAPE);
    let mut safe = pieces.next().map(one_line).unwrap_or_default().into_owned();
    for piece in pieces {
        let parameters = piece.strip_prefix('[').unwrap_or_default();
        let rest = parameters.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        if rest.starts_with('m') {
            safe.push(ESCAPE);
        }
        safe.push_str(&one_line(piece));
    }
    safe
}

/// What makes the subscriber's lines safe on their way out.
struct Lines(Shape);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self(self.0)
    }
}

impl Write for Lines {
    /// The subscriber writes each line as a whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        to_stderr(&self.0.safe(&String::from_utf8_lossy(line)));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn panic_text(info: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let backtrace = std::backtrace::Backtrace::capture();
    let trace = match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => format!("; {backtrace}"),
        _ => String::new(),
    };
    let said = info.payload_as_str().unwrap_or("a value that is no text");
    let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
    format!("thread {:?} panicked{place}: {said}{trace}", thread.name().unwrap_or("unnamed"))
}

fn filter(level: Option<&str>, variable: Option<String>) -> Result<EnvFilter, Error> {
    let is_level =
        |word: &&str| word.contains(['=', '[']) || (!word.is_empty() && LevelFilter::from_str(word).is_ok());
    if let Some(word) = level.and_then(|level| level.split(',').map(str::trim).find(|word| !is_level(word))) {
        return Err(Error::Level(word.to_owned()));
    }
    let filter = level.map(str::to_owned).or(variable.filter(|text| !text.trim().is_empty()));
    let filter = filter.unwrap_or_else(|| "info".to_owned());
    EnvFilter::try_new(&filter).map_err(|source| Error::Filter { filter, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRICKS: &str = "denied \u{202e}gnp.exe\u{200b}\u{9b}2J";

    #[test]
    fn a_line_of_our_own_is_json_among_json_and_stays_one_line() {
        let line = Shape::Json.line("WARN", "two\nlines \"quoted\"");
        assert_eq!(line.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&value["level"], &value["message"]), (&"WARN".into(), &"two\nlines \"quoted\"".into()));
        let line = Shape::Human { colours: false }.line("WARN", "two\nlines");
        assert!(line.ends_with(" WARN two lines\n"), "{line}");
    }

    #[test]
    fn what_a_server_says_cannot_hide_or_steer_in_any_format() {
        let json = serde_json::json!({ "message": TRICKS }).to_string() + "\n";
        let safe = Shape::Json.safe(&json);
        assert!(!safe.trim_end().contains(crate::text::display::is_acting), "{safe:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap()["message"], TRICKS);
        for colours in [true, false] {
            let safe = Shape::Human { colours }.safe("denied \u{202e}gnp\r\nINFO forged\n").into_owned();
            assert_eq!(safe, "denied gnp  INFO forged\n");
        }
    }

    #[test]
    fn colours_stay_and_other_escapes_go() {
        let line = "\u{1b}[2mnow\u{1b}[0m \u{1b}[33mWARN\u{1b}[0m x\u{1b}[2J\u{1b}]0;title\u{7}\n";
        let safe = Shape::Human { colours: true }.safe(line).into_owned();
        assert_eq!(safe, "\u{1b}[2mnow\u{1b}[0m \u{1b}[33mWARN\u{1b}[0m x[2J]0;title\n");
        assert!(!Shape::Human { colours: false }.safe(line).contains(ESCAPE));
    }

    #[test]
    fn a_panic_is_told_with_its_thread_and_place() {
        let (told, text) = std::sync::mpsc::channel();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match std::thread::current().name() {
            Some("doomed") => told.send(panic_text(info)).unwrap(),
            _ => before(info),
        }));
        let doomed = std::thread::Builder::new().name("doomed".to_owned());
        assert!(doomed.spawn(|| panic!("a {}", "bug")).unwrap().join().is_err());
        let text = text.recv().unwrap();
        assert!(text.starts_with("thread \"doomed\" panicked at src/telemetry/logs.rs:"), "{text}");
        assert!(text.contains(": a bug"), "{text}");
    }

    #[test]
    fn the_level_of_the_command_line_goes_before_the_variable() {
        assert_eq!(filter(Some("debug"), Some("trace".into())).unwrap().to_string(), "debug");
        assert_eq!(filter(None, Some("birddog=trace".into())).unwrap().to_string(), "birddog=trace");
        assert_eq!(filter(None, Some(" ".into())).unwrap().to_string(), "info");
        assert!(filter(Some("birddog=loud"), None).unwrap_err().to_string().contains("birddog=debug"));
    }

    #[test]
    fn a_word_that_is_no_level_is_refused_with_those_that_are() {
        for wrong in ["nonsense", "info,loud", "birddog", ""] {
            let said = filter(Some(wrong), None).unwrap_err().to_string();
            assert!(said.contains("error, warn, info, debug, trace or off"), "{said}");
        }
        for right in ["WARN", "off", "birddog=debug,info", "[span]=trace, warn"] {
            assert!(filter(Some(right), None).is_ok(), "{right}");
        }
    }
}
