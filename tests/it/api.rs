//! The HTTP API over real sockets: the work of an agent, the refusals, and clients that misbehave.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use birddog::api::{Api, Config, Error};
use birddog::app::{Handle, Parts, ReadQueue, SinkStatus, Status};
use birddog::model::{
    ChangeFilter, ChangePage, ItemFilter, ItemId, ItemPage, ItemRecord, QueueError, QueueStats,
};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

use crate::stub::{Daemon, FIRST};

const SECRET: &str = "a-token-of-the-test-0123456789";
/// Longer than any answer here takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
    config.proxy(None).build().into()
}

fn read(answer: Result<Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    let mut answer = answer.unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn get(daemon: &Daemon, path: &str) -> (u16, Value) {
    read(agent().get(daemon.url(path)).call())
}

fn post(daemon: &Daemon, path: &str, body: &Value) -> (u16, Value) {
    read(agent().post(daemon.url(path)).send_json(body))
}

fn item_path(id: ItemId, verb: &str) -> String {
    format!("/api/v1/items/{id}{verb}")
}

/// Sends `head` as it stands and reads until the server closes.
fn raw(daemon: &Daemon, head: &str) -> String {
    let mut socket = TcpStream::connect(daemon.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_agent_claims_acknowledges_notes_and_resolves_an_item() {
    let daemon = Daemon::start(Config::default());
    let claim = json!({"team": "support", "agent": "ann", "lease": "5m", "max": 1});
    let (status, claimed) = post(&daemon, "/api/v1/queue/claim", &claim);
    assert_eq!((status, claimed["items"][0]["state"].as_str()), (200, Some("claimed")));
    assert_eq!(claimed["items"][0]["id"], FIRST.to_string());

    for (verb, body, state) in [
        ("/ack", json!({"agent": "ann"}), "waiting"),
        ("/note", json!({"agent": "ann", "text": "called"}), "waiting"),
        ("/handoff", json!({"agent": "ann", "to_team": "sales", "reason": "wants to buy"}), "waiting"),
        ("/resolve", json!({"agent": "bob", "note": "sold"}), "resolved"),
    ] {
        let (status, answer) = post(&daemon, &item_path(FIRST, verb), &body);
        assert_eq!((status, answer["item"]["state"].as_str()), (200, Some(state)), "{verb}");
    }

    let (_, record) = get(&daemon, &item_path(FIRST, ""));
    let history = record["history"].as_array().unwrap();
    let actions: Vec<_> = history.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["ack", "note", "handoff", "resolve"]);
    let (_, left) = get(&daemon, "/api/v1/items?team=support&state=new&limit=10");
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    assert_eq!(get(&daemon, "/api/v1/queue/stats").1["teams"][0]["new_by_lane"][3], 1);
}

#[test]
fn an_empty_queue_is_an_answer_and_not_an_error() {
    let daemon = Daemon::start(Config::default());
    let answer = post(&daemon, "/api/v1/queue/claim", &json!({"team": "pr", "agent": "ann"}));
    assert_eq!(answer, (200, json!({"items": []})));
}

#[test]
fn what_cannot_be_done_is_refused_with_a_status_a_code_and_a_sentence() {
    let daemon = Daemon::start(Config::default());
    let (claim, ack) = ("/api/v1/queue/claim", item_path(FIRST, "/ack"));
    let by = json!({"agent": "ann"});
    let long = "x".repeat(5_000);
    for (path, body, status, code) in [
        (&*item_path(ItemId(1), "/ack"), by.clone(), 404, "not_found"),
        (&ack, by.clone(), 409, "wrong_state"),
        ("/api/v1/items/xyz/ack", by.clone(), 400, "invalid"),
        ("/api/v1/items/%ff%fe/ack", by, 400, "invalid"),
        (&ack, json!({"agent": " "}), 400, "invalid"),
        (&ack, json!({"agnet": "ann"}), 400, "invalid"),
        (&item_path(FIRST, "/note"), json!({"agent": "ann", "text": long}), 400, "invalid"),
        (claim, json!({"team": "support", "agent": "ann", "max": 0}), 400, "invalid"),
        (claim, json!({"team": "support", "agent": "ann", "lease": "9d"}), 400, "invalid"),
        (claim, json!({"team": "support", "agent": "ann", "lease": 900}), 400, "invalid"),
        ("/api/v1/nothing/here", json!({}), 404, "no_route"),
        ("/status", json!({}), 405, "no_method"),
    ] {
        let (got, answer) = post(&daemon, path, &body);
        assert_eq!((got, answer["error"]["code"].as_str()), (status, Some(code)), "{path} {body}");
        assert!(answer["error"]["message"].as_str().unwrap().len() > 10);
    }
    for query in ["?limit=0", "?limit=1001", "?state=open", "?colour=red"] {
        assert_eq!(get(&daemon, &format!("/api/v1/items{query}")).0, 400, "{query}");
    }
}

#[test]
fn a_body_over_the_limit_or_of_another_type_is_refused() {
    let daemon = Daemon::start(Config { body_bytes_max: 1 << 10, ..Config::default() });
    let large = json!({"team": "x".repeat(2_000), "agent": "ann"});
    let (status, answer) = post(&daemon, "/api/v1/queue/claim", &large);
    assert_eq!((status, answer["error"]["code"].as_str()), (413, Some("too_large")));
    let chunk = "x".repeat(2_000);
    let chunked = format!(
        "POST /api/v1/queue/claim HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n7d0\r\n{chunk}\r\n0\r\n\r\n"
    );
    assert!(raw(&daemon, &chunked).starts_with("HTTP/1.1 413"));
    let form = agent().post(daemon.url("/api/v1/queue/claim")).content_type("text/plain").send("{}");
    assert_eq!(read(form).0, 415);
}

#[test]
fn with_a_token_everything_but_livez_needs_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SECRET).unwrap();
    let daemon = Daemon::start(Config { token_file: Some(file.path().to_owned()), ..Config::default() });
    let with = |path: &str, token: &str| {
        let request = agent().get(daemon.url(path)).header("Authorization", format!("Bearer {token}"));
        read(request.call())
    };
    for path in ["/", "/readyz", "/status", "/metrics", "/api/v1/items", "/nowhere"] {
        let (status, answer) = get(&daemon, path);
        assert_eq!((status, answer["error"]["code"].as_str()), (401, Some("unauthorized")), "{path}");
        assert_eq!(with(path, "a-token-of-the-test-9876543210").0, 401, "{path}");
        assert_ne!(with(path, SECRET).0, 401, "{path}");
    }
    assert_eq!(get(&daemon, "/livez").0, 200);
    assert!(!with("/status", SECRET).1.to_string().contains(SECRET));
}

#[test]
fn pages_of_other_sites_and_rebound_names_are_refused() {
    let daemon = Daemon::start(Config::default());
    let own = daemon.url("");
    for (name, value, status) in [
        ("Origin", "http://evil.example", 403),
        ("Origin", "null", 403),
        ("Host", "evil.example", 403),
        ("Origin", own.as_str(), 200),
        ("Host", "localhost:8642", 200),
    ] {
        let answer = read(agent().get(daemon.url("/api/v1/items")).header(name, value).call());
        assert_eq!(answer.0, status, "{name}: {value}");
    }
    let answer = agent().get(daemon.url("/")).call().unwrap();
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}

#[test]
fn a_request_with_two_hosts_is_refused_whichever_comes_first() {
    let daemon = Daemon::start(Config::default());
    for (first, second) in
        [("localhost", "evil.example"), ("evil.example", "localhost"), ("localhost", "localhost")]
    {
        let head =
            format!("GET /livez HTTP/1.1\r\nHost: {first}\r\nHost: {second}\r\nConnection: close\r\n\r\n");
        let answer = raw(&daemon, &head);
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("\"invalid\""), "{answer}");
    }
}

#[test]
fn health_status_metrics_and_the_reply_gate_are_shown() {
    let daemon = Daemon::start(Config::default());
    let (status, readiness) = get(&daemon, "/readyz");
    assert_eq!((status, readiness["reasons"].as_array().unwrap().len()), (503, 3));
    daemon.make_ready();
    assert_eq!(get(&daemon, "/readyz").0, 200);
    assert_eq!(get(&daemon, "/livez"), (200, json!({"ok": true, "reasons": []})));
    assert_eq!(get(&daemon, "/metrics").1, "birddog_build_info 1\n");
    let (_, report) = get(&daemon, "/status");
    assert_eq!(report["sources"][0]["connected"], true);
    assert_eq!(report["reply"]["armed"], false);

    let switch = json!({"by": "ann", "reason": "checked"});
    assert_eq!(post(&daemon, "/api/v1/reply/arm", &switch).1["armed"], true);
    let (_, gate) = get(&daemon, "/api/v1/reply/status");
    assert_eq!((&gate["switched_by"], &gate["switched_reason"]), (&json!("ann"), &json!("checked")));
    assert_eq!(gate["decisions"], json!({"allowed": 0, "held": 0, "suppressed": 0}));
    assert_eq!(post(&daemon, "/api/v1/reply/disarm", &switch).1["armed"], false);
    assert_eq!(post(&daemon, "/api/v1/reply/arm", &json!({"by": "ann", "reason": ""})).0, 400);
}

#[test]
fn a_client_that_never_finishes_its_head_is_cut_off_while_others_are_served() {
    let header_timeout = Duration::from_millis(200);
    let daemon = Daemon::start(Config { header_timeout, ..Config::default() });
    let mut slow = TcpStream::connect(daemon.address).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    slow.write_all(b"GET /livez HTTP/1.1\r\nHost: loc").unwrap();
    assert_eq!(get(&daemon, "/livez").0, 200);
    let started = Instant::now();
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    assert!(started.elapsed() < PATIENCE && rest.is_empty());
}

#[test]
fn a_body_that_never_arrives_ends_at_the_request_timeout() {
    let request_timeout = Duration::from_millis(200);
    let daemon = Daemon::start(Config { request_timeout, ..Config::default() });
    let head = "POST /api/v1/queue/claim HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 50\r\nConnection: close\r\n\r\n{";
    let answer = raw(&daemon, head);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"timeout\""), "{answer}");
}

#[test]
fn idle_and_half_sent_connections_give_way_when_there_is_no_room() {
    let daemon = Daemon::start(Config { connections_max: 8, ..Config::default() });
    let half = "POST /api/v1/queue/claim HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{";
    let mut held = Vec::new();
    for number in 0..64 {
        let mut socket = TcpStream::connect(daemon.address).unwrap();
        if number % 2 == 0 {
            socket.write_all(half.as_bytes()).unwrap();
        }
        held.push(socket);
        assert_eq!(get(&daemon, "/livez").0, 200, "after {number} idle sockets");
    }
}

#[test]
fn a_head_over_the_limit_is_refused() {
    let daemon = Daemon::start(Config::default());
    let head = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000));
    assert!(raw(&daemon, &head).starts_with("HTTP/1.1 431"));
}

#[test]
fn shutdown_closes_idle_connections_and_the_port() {
    let mut daemon = Daemon::start(Config::default());
    let keep_alive = agent();
    assert_eq!(read(keep_alive.get(daemon.url("/livez")).call()).0, 200);
    daemon.stop();
    assert!(keep_alive.get(daemon.url("/livez")).call().is_err());
}

/// Its engine takes nothing and its store cannot be read.
struct Broken;

impl ReadQueue for Broken {
    fn list(&self, _: &ItemFilter) -> Result<ItemPage, QueueError> {
        Err(QueueError::Unavailable("disk".to_owned()))
    }

    fn show(&self, _: ItemId) -> Result<ItemRecord, QueueError> {
        Err(QueueError::Unavailable("disk".to_owned()))
    }

    fn stats(&self) -> Result<QueueStats, QueueError> {
        Err(QueueError::Unavailable("disk".to_owned()))
    }

    fn changes(&self, _: &ChangeFilter) -> Result<ChangePage, QueueError> {
        Err(QueueError::Unavailable("disk".to_owned()))
    }
}

fn broken() -> Handle {
    let (commands, _) = Handle::commands();
    let metrics = std::sync::Arc::new(String::new);
    let changes = tokio::sync::watch::channel(0).1;
    let queue = std::sync::Arc::new(Broken);
    Handle::new(Parts { commands, queue, status: Default::default(), metrics, changes, ingests: Vec::new() })
}

#[test]
fn a_store_that_is_down_is_503_and_says_when_to_come_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), token_env: None, ..Config::default() };
    let api = runtime.block_on(Api::bind(config, broken())).unwrap();
    let url = format!("http://{}/api/v1", api.local_addr());
    runtime.spawn(api.serve(Default::default()));
    let answer = agent().get(format!("{url}/queue/stats")).call().unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()), (503, &b"1"[..]));
    let claim = agent().post(format!("{url}/queue/claim")).send_json(json!({"team": "t", "agent": "a"}));
    assert_eq!(read(claim).1["error"]["code"], "unavailable");
}

#[test]
fn a_slow_store_holds_up_the_status_and_nothing_else() {
    let (enter, entered) = crossbeam::channel::bounded::<()>(0);
    let (release, released) = crossbeam::channel::bounded::<()>(0);
    let status = Status::default();
    status.report_sinks(move || {
        let in_time = enter.send_timeout((), PATIENCE).is_ok() && released.recv_timeout(PATIENCE).is_ok();
        vec![SinkStatus { pending: u64::from(in_time), ..SinkStatus::default() }]
    });
    let (commands, _engine) = Handle::commands();
    let metrics = std::sync::Arc::new(String::new);
    let queue = std::sync::Arc::new(Broken);
    let changes = tokio::sync::watch::channel(0).1;
    let handle = Handle::new(Parts {
        commands,
        queue,
        status: std::sync::Arc::new(status),
        metrics,
        changes,
        ingests: Vec::new(),
    });
    // One async thread: a read of the store on it would stop everything.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        token_env: None,
        request_timeout: PATIENCE * 2,
        ..Config::default()
    };
    let api = runtime.block_on(Api::bind(config, handle)).unwrap();
    let url = format!("http://{}", api.local_addr());
    runtime.spawn(api.serve(Default::default()));
    let asked = format!("{url}/status");
    let waiting = std::thread::spawn(move || read(agent().get(asked).call()));
    entered.recv_timeout(PATIENCE).unwrap();
    for path in ["/livez", "/metrics", "/api/v1/rules", "/api/v1/reply/status"] {
        assert_eq!(read(agent().get(format!("{url}{path}")).call()).0, 200, "{path}");
    }
    release.send_timeout((), PATIENCE).unwrap();
    let (code, report) = waiting.join().unwrap();
    assert_eq!((code, report["sinks"][0]["pending"].as_u64()), (200, Some(1)));
}

#[tokio::test]
async fn a_public_address_without_a_token_is_not_even_bound() {
    let config = Config { listen: "0.0.0.0:0".parse().unwrap(), token_env: None, ..Config::default() };
    assert!(matches!(Api::bind(config, broken()).await, Err(Error::PublicWithoutToken(_))));
}
