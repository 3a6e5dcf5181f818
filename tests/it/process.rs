//! The real binary as a child process, with its folder, its feed and a client for its API.
//!
//! Waits are for something to happen, with a deadline; a failing test shows the daemon's log.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use birddog::feed::{FeedOptions, Server};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::servers::free_port;

/// Nothing here takes this long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The source's name in metrics and positions.
pub(crate) const SOURCE: &str = "sky";
/// Work in flight may take this long at shutdown.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// The position of [`SOURCE`] in a store: everything up to it has been dealt with, and what came of it is stored.
pub(crate) fn saved_position(store: &Path) -> Option<i64> {
    let db = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    let position = "SELECT position FROM positions WHERE source = ?1";
    db.query_row(position, [SOURCE], |row| row.get(0)).ok()
}

/// What the command line says when it is called in `folder`.
pub(crate) fn birddog(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_birddog"));
    command.args(args).env("NO_COLOR", "1").current_dir(folder).output().unwrap()
}

/// Looks again and again until there is something to see.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "never happened: {what}");
        // Leaves the processor to those who work; nothing depends on how long.
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The settings of a source that asks for everything, so that what is received is what is served; a quiet feed is no
/// stall.
fn listening_to(feed: &str, rewind: &str) -> String {
    format!(
        "type = \"jetstream\"\nname = \"{SOURCE}\"\nhosts = [\"{feed}\"]\nstart = \"earliest\"\n\
         wanted_collections = []\nrewind = \"{rewind}\"\nstall = \"10m\"\n"
    )
}

/// A folder with a configuration, rules and a store: for one daemon after another.
pub(crate) struct Site {
    folder: TempDir,
    starts: RefCell<u32>,
}

impl Site {
    /// A site that listens to `feed` with the rules that come with birddog.
    pub(crate) fn with_shipped_rules(feed: &str, rewind: &str) -> Self {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        Self::write(tempfile::tempdir().unwrap(), &listening_to(feed, rewind), &rules)
    }

    /// A site with one rule: whoever says acme makes work for `support`.
    pub(crate) fn with_one_rule(feed: &str, rewind: &str) -> Self {
        Self::with_source(&listening_to(feed, rewind))
    }

    /// A site with the same rule that reads a file once.
    pub(crate) fn reading(file: &Path) -> Self {
        Self::with_source(&format!("type = \"file\"\nname = \"{SOURCE}\"\npath = {file:?}\n"))
    }

    /// A site with the same rule and the source of these settings.
    pub(crate) fn with_source(source: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules");
        fs::create_dir(&rules).unwrap();
        let pack = "[pack]\nbrand = \"acme\"\nowner = \"care@acme.example\"\n\
                    [[rule]]\nid = \"acme\"\nquery = 'acme'\nteam = \"support\"\n\
                    tests = [{ text = 'acme is down', match = true }]\n";
        fs::write(rules.join("acme.toml"), pack).unwrap();
        Self::write(folder, source, &rules)
    }

    fn write(folder: TempDir, source: &str, rules: &Path) -> Self {
        let store = folder.path().join("birddog.db");
        let drain = DRAIN_TIMEOUT.as_secs();
        let config = format!(
            "[[source]]\n{source}[rules]\npath = {rules:?}\n[store]\npath = {store:?}\n\
             [api]\nlisten = \"127.0.0.1:0\"\n[limits]\ndrain_timeout = \"{drain}s\"\n"
        );
        fs::write(folder.path().join("birddog.toml"), config).unwrap();
        Self { folder, starts: RefCell::new(0) }
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("birddog.db")
    }

    /// The folder of rules of [`Site::with_one_rule`].
    pub(crate) fn rules(&self) -> PathBuf {
        self.folder.path().join("rules")
    }

    /// Adds `settings` to the end of the configuration.
    pub(crate) fn configure(&self, settings: &str) {
        let path = self.folder.path().join("birddog.toml");
        fs::write(&path, fs::read_to_string(&path).unwrap() + settings).unwrap();
    }

    /// Makes the configuration a pipe: a daemon waits for it, first thing of its start.
    pub(crate) fn withhold_configuration(&self) -> Withheld {
        let path = self.folder.path().join("birddog.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Withheld { path, text }
    }

    /// Makes it a file again.
    pub(crate) fn restore_configuration(&self, withheld: &Withheld) {
        fs::remove_file(&withheld.path).unwrap();
        fs::write(&withheld.path, &withheld.text).unwrap();
    }

    /// Replaces `from`, which stands in the configuration, by `to`.
    pub(crate) fn set(&self, from: &str, to: &str) {
        let path = self.folder.path().join("birddog.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a daemon; it may not listen yet.
    pub(crate) fn start(&self) -> Process {
        self.start_with(|_| {})
    }

    /// As [`Site::start`], with `change` made to the command before it runs.
    pub(crate) fn start_with(&self, change: impl FnOnce(&mut Command)) -> Process {
        let start = self.starts.replace_with(|starts| *starts + 1);
        let log = self.folder.path().join(format!("log-{start}"));
        let mut command = self.command();
        command.stderr(File::create(&log).unwrap());
        change(&mut command);
        Process { child: command.spawn().unwrap(), log }
    }

    /// Starts a daemon whose log goes to `stderr`.
    pub(crate) fn start_logging_to(&self, stderr: impl Into<Stdio>) -> Process {
        let child = self.command().stderr(stderr).spawn().unwrap();
        Process { child, log: self.folder.path().join("no log") }
    }

    /// Makes the API listen on a port that was free a moment ago, for daemons that cannot say on which.
    pub(crate) fn fix_port(&self) -> u16 {
        let port = free_port();
        self.set("127.0.0.1:0", &format!("127.0.0.1:{port}"));
        port
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_birddog"));
        command
            .args(["--log-format", "json", "run", "--config"])
            .arg(self.folder.path().join("birddog.toml"));
        command.env_remove("BIRDDOG_API_TOKEN").env_remove("RUST_LOG").current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

/// A configuration that daemons wait for.
pub(crate) struct Withheld {
    path: PathBuf,
    text: String,
}

impl Withheld {
    /// Waits until a daemon asks for its configuration.
    pub(crate) fn asked_for(&self) -> File {
        File::options().write(true).open(&self.path).unwrap()
    }

    /// Gives it to the one that asked.
    pub(crate) fn give(&self, mut daemon: File) {
        daemon.write_all(self.text.as_bytes()).unwrap();
    }
}

/// A daemon. Killed, if it still runs, when the value goes.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Waits for the API's address.
    pub(crate) fn listening(&mut self) -> Client {
        let base = until("the daemon listens", || {
            let log = self.log();
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the daemon ended before it listened: {ended:?}");
            let address = log.split("\"api\":\"").nth(1)?;
            Some(address.split_once('"')?.0.to_owned())
        });
        Client::new(base)
    }

    /// Waits until the API listens on `port`.
    pub(crate) fn listening_on(&mut self, port: u16) -> Client {
        until("the daemon listens", || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the daemon ended before it listened: {ended:?}");
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Client::new(format!("http://127.0.0.1:{port}"))
    }

    /// Waits for `message` in the log.
    pub(crate) fn said(&self, message: &str) {
        until(&format!("the daemon says {message:?}"), || self.log().contains(message).then_some(()));
    }

    /// Sends a signal such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: a bare machine has no program of that name.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status();
        assert!(sent.unwrap().success(), "cannot send SIG{name}");
    }

    /// SIGKILL, now.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end, and says how it came and after how long.
    pub(crate) fn ended(&mut self) -> (ExitStatus, Duration) {
        let since = Instant::now();
        (until("the daemon ends", || self.child.try_wait().unwrap()), since.elapsed())
    }

    /// SIGTERM, and a clean end in time.
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        let (status, took) = self.ended();
        assert_eq!(status.code(), Some(0), "{status}");
        assert!(took < DRAIN_TIMEOUT, "took {took:?}");
    }

    /// The most memory it ever had, in bytes; `None` where the system does not tell.
    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(peak.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? << 10)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the daemon's log ---\n{}---", self.log());
        }
    }
}

/// A feed on a runtime of its own, so that it outlives every daemon.
pub(crate) struct Feed {
    server: Server,
    _runtime: Runtime,
}

impl Feed {
    pub(crate) fn serve(options: FeedOptions) -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::bind("127.0.0.1:0".parse().unwrap(), options)).unwrap();
        Self { server, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.server.stats().connections()
    }
}

/// A client of the daemon's API.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) base: String,
    agent: ureq::Agent,
}

impl Client {
    fn new(base: String) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        Self { base, agent: config.proxy(None).build().into() }
    }

    /// The status and the text of an answer.
    pub(crate) fn text(&self, path: &str) -> (u16, String) {
        let mut answer = self.agent.get(format!("{}{path}", self.base)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// The answer to a request that must succeed.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, text) = self.text(path);
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The answer to an order that must succeed.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let mut answer = self.agent.post(format!("{}{path}", self.base)).send_json(body).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path} {body}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Sends a body; the status and the text of the answer.
    pub(crate) fn send(&self, path: &str, body: &str) -> (u16, String) {
        let mut answer = self.agent.post(format!("{}{path}", self.base)).send(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    pub(crate) fn metrics(&self) -> Metrics {
        Metrics(self.text("/metrics").1)
    }

    /// Waits until `count` events are received and each has met its fate.
    pub(crate) fn triaged(&self, count: u64) -> Metrics {
        let mut last = None;
        let whole = |flow: Flow| flow.received == count && flow.is_conserved();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let metrics = self.metrics();
            let flow = metrics.flow();
            if whole(flow) {
                return metrics;
            }
            last = Some(flow);
            std::thread::park_timeout(Duration::from_millis(20));
        }
        panic!("{count} events were to be received and accounted for; the metrics say {last:?}");
    }
}

/// The text of one scrape.
pub(crate) struct Metrics(String);

/// What became of the events of [`SOURCE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) received: u64,
    pub(crate) rejected: u64,
    pub(crate) filtered: u64,
    pub(crate) triaged: u64,
}

impl Flow {
    /// The law: every event has met exactly one fate.
    pub(crate) fn is_conserved(self) -> bool {
        self.received == self.rejected + self.filtered + self.triaged
    }
}

impl Metrics {
    /// The sum of all samples of `name` whose labels hold each of `labels`, such as `team="pr"`.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> u64 {
        let samples = self.0.lines().filter_map(|line| line.strip_prefix(name));
        let samples = samples.filter(|rest| rest.starts_with(['{', ' ']));
        let fitting = samples.filter(|rest| labels.iter().all(|label| rest.contains(label)));
        fitting.map(|rest| rest.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64).sum()
    }

    pub(crate) fn flow(&self) -> Flow {
        let of = |what: &str| {
            let source = format!("source=\"{SOURCE}\"");
            self.sum(&format!("birddog_events_{what}_total"), &[&source])
        };
        Flow {
            received: of("received"),
            rejected: of("rejected"),
            filtered: of("filtered"),
            triaged: of("triaged"),
        }
    }
}
