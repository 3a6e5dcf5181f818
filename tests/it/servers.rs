//! Real servers for tests, as ordinary child processes on free ports; each ends with its value.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it accepts connections.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A NATS server with JetStream.
pub(crate) struct Nats {
    process: Option<Child>,
    port: u16,
    dir: tempfile::TempDir,
    arguments: Vec<String>,
}

impl Nats {
    /// Starts a server with `arguments` besides the usual and waits until it accepts connections.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut server = Self { process: None, port: free_port(), dir, arguments };
        server.restart();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Removes every stream and message from the disk of a server that does not run.
    pub(crate) fn wipe(&mut self) {
        assert!(self.process.is_none(), "the server runs");
        std::fs::remove_dir_all(self.dir.path().join("jetstream")).unwrap();
    }

    /// Starts it again on the same port and folder.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let process = Command::new(nats_server())
            .args(["-a", "127.0.0.1", "-js", "-p", &self.port.to_string(), "-sd"])
            .arg(self.dir.path())
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        wait_until_it_accepts(self.port);
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

fn nats_server() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("test-tools/venv/bin/nats-server");
    assert!(path.exists(), "{} is missing: run tests/setup.sh, which installs it", path.display());
    path
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_until_it_accepts(port: u16) {
    let deadline = Instant::now() + START_TIMEOUT;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the server does not accept connections");
        std::thread::yield_now();
    }
}
