//! The Jetstream source against our own feed: resume, gaps, back-off, stalls, failover, limits.
//!
//! Every server listens on a free port of the loopback. Waits are for something to happen, never for time
//! to pass; delays in the configuration are short instead.

use std::collections::BTreeSet;
use std::time::Duration;

use birddog::feed::{Fault, Faults, FeedOptions, Server};
use birddog::model::Position;
use birddog::sources::{
    Batching, Config, Handover, Intake, Refusal, Retry, Source, SourceError, SourceStatus, handover::Limits,
    jetstream,
};
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Event times start here and are one millisecond apart.
pub(crate) const FIRST_US: u64 = 1_725_911_162_000_000;
pub(crate) const STEP_US: u64 = 1_000;
/// Nothing here takes this long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn event(n: u64) -> String {
    let time_us = FIRST_US + n * STEP_US;
    format!(
        "{{\"did\":\"did:plc:a{n}\",\"time_us\":{time_us},\"kind\":\"commit\",\"commit\":{{\"rev\":\"r\",\
         \"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"{n}\",\"record\":{{}}}}}}"
    )
}

pub(crate) fn number(frame: &str) -> u64 {
    let digits = frame.split("\"did:plc:a").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    digits.parse().unwrap()
}

pub(crate) async fn serve(events: u64, faults: Faults) -> Server {
    let mut options = FeedOptions::lines((0..events).map(event));
    options.faults = faults;
    Server::bind("127.0.0.1:0".parse().unwrap(), options).await.unwrap()
}

/// Short delays, so that tests are quick; everything from the first event on.
pub(crate) fn config(servers: &[&Server]) -> jetstream::Config {
    jetstream::Config {
        name: "sky".to_owned(),
        hosts: servers.iter().map(|server| server.url()).collect(),
        rewind: Duration::from_millis(20),
        retry: Retry {
            first: Duration::from_millis(1),
            min: Duration::from_millis(1),
            max: Duration::from_millis(5),
            progress_events: 10,
            ..Retry::default()
        },
        ..jetstream::Config::default()
    }
}

pub(crate) struct Running {
    pub(crate) intake: Intake,
    pub(crate) status: Arc<SourceStatus>,
    shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), SourceError>>,
}

pub(crate) fn start_at(config: jetstream::Config, start: Option<u64>, limits: Limits) -> Running {
    let (handover, intake) = Handover::new(limits);
    let source = Source::new(Config::Jetstream(config)).unwrap();
    let status = Arc::clone(source.status());
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(source.run(start.map(Position), handover, shutdown.clone()));
    Running { intake, status, shutdown, task }
}

pub(crate) fn start(config: jetstream::Config) -> Running {
    start_at(config, None, Limits::default())
}

pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, reached).await.is_ok(), "never happened: {what}");
}

impl Running {
    /// Takes batches until `done`.
    pub(crate) async fn take(&self, mut done: impl FnMut(&[String]) -> bool) -> Vec<String> {
        let mut seen = Vec::new();
        let taking = async {
            while !done(&seen) {
                match self.intake.try_recv() {
                    Some(batch) => {
                        let frames = batch.frames().map(|f| String::from_utf8_lossy(f).into_owned());
                        seen.extend(frames);
                    }
                    None => tokio::task::yield_now().await,
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, taking).await.is_ok();
        assert!(in_time, "only {} frames came: {:?}", seen.len(), self.status.report());
        seen
    }

    pub(crate) async fn stop(self) -> Result<(), SourceError> {
        self.shutdown.cancel();
        drop(self.intake);
        match self.task.await.unwrap() {
            // The workers of a test go away first.
            Err(SourceError::WorkersGone { .. }) => Ok(()),
            ended => ended,
        }
    }
}

#[tokio::test]
async fn fifty_drops_lose_nothing_and_keep_batches_in_sequence() {
    const EVENTS: u64 = 5_200;
    let drops = (0..50).map(|n| Fault::DropAfter(101 + n % 7)).collect();
    let server = serve(EVENTS, Faults::first(drops)).await;
    let running = start(config(&[&server]));
    let mut seen = BTreeSet::new();
    let mut sequence = 0;
    let mut position = Position(0);
    while seen.len() < EVENTS as usize {
        let batch = loop {
            match running.intake.try_recv() {
                Some(batch) => break batch,
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!(batch.sequence, sequence);
        assert!(batch.position >= position, "positions never go back");
        (sequence, position) = (sequence + 1, batch.position);
        seen.extend(batch.frames().map(|frame| number(&String::from_utf8_lossy(frame))));
    }
    assert_eq!(position, Position(FIRST_US + (EVENTS - 1) * STEP_US));
    let report = running.status.report();
    assert_eq!((report.reconnects, report.gaps), (50, 0));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_saved_position_is_resumed_with_a_rewind() {
    let server = serve(1_000, Faults::default()).await;
    let running = start_at(config(&[&server]), Some(FIRST_US + 500 * STEP_US), Limits::default());
    let seen = running.take(|seen| seen.len() >= 519).await;
    assert_eq!(number(&seen[0]), 481, "20 ms before the saved event, exclusive");
    assert!(server.stats().openings()[0].request.contains(&format!("cursor={}", FIRST_US + 480 * STEP_US)));
    assert_eq!(running.status.report().gaps, 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn the_gap_reported_is_the_true_gap() {
    let lost_to = FIRST_US + 60_000 * STEP_US;
    let faults = Faults::first(vec![Fault::DropAfter(100), Fault::Forgot { time_us: lost_to }]);
    let server = serve(60_100, faults).await;
    let running = start(config(&[&server]));
    let seen = running.take(|seen| seen.len() >= 199).await;
    assert_eq!((number(&seen[99]), number(&seen[100])), (99, 60_001));
    let report = running.status.report();
    assert_eq!(report.gaps, 1);
    let true_gap = (60_001 - 99) as f64 * STEP_US as f64 / 1e6;
    assert!((report.gap_seconds - true_gap).abs() < 1e-6, "{} against {true_gap}", report.gap_seconds);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn retry_after_is_honoured_for_429_and_503() {
    let refuse = |status| Fault::Refuse { status, retry_after: Some(1) };
    let server = serve(1, Faults::first(vec![refuse(503), refuse(429)])).await;
    let running = start(config(&[&server]));
    running.take(|seen| seen.len() == 1).await;
    let openings = server.stats().openings();
    for pair in openings.windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_secs(1));
    }
    assert_eq!(openings.len(), 3);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_accepts_and_drops_never_sees_us_faster_than_the_schedule() {
    let server = serve(5_000, Faults::always(Fault::AcceptThenDrop)).await;
    let retry = Retry { min: Duration::from_millis(50), max: Duration::from_millis(100), ..Retry::default() };
    let running = start(jetstream::Config { retry, ..config(&[&server]) });
    until("8 connections", || server.stats().openings().len() >= 8).await;
    let openings = server.stats().openings();
    for pair in openings[1..].windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_millis(50));
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn events_read_again_are_no_progress() {
    // Each connection brings 20 old events and dies: more than `progress_events`, and nothing new.
    let server = serve(20, Faults::always(Fault::DropAfter(20))).await;
    let retry = Retry { min: Duration::from_millis(40), progress_events: 5, ..config(&[&server]).retry };
    let running = start(jetstream::Config { retry, ..config(&[&server]) });
    until("6 connections", || server.stats().openings().len() >= 6).await;
    let openings = server.stats().openings();
    for pair in openings[2..].windows(2) {
        assert!(
            pair[1].at - pair[0].at >= Duration::from_millis(40),
            "the second connection was no progress"
        );
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_full_stream_that_stalls_is_left_and_resumed() {
    let server = serve(200, Faults::first(vec![Fault::StallAfter(100)])).await;
    let full = jetstream::Config {
        wanted_collections: Vec::new(),
        stall: Some(Duration::from_millis(80)),
        ..config(&[&server])
    };
    let running = start(full);
    let seen = running.take(|seen| seen.iter().any(|frame| number(frame) == 199)).await;
    let distinct: BTreeSet<u64> = seen.iter().map(|frame| number(frame)).collect();
    assert_eq!(distinct.len(), 200);
    running.stop().await.unwrap();
}

/// Reads from a server that first stops answering pings, then answers them and has nothing to send.
async fn live_on_pongs(wanted_collections: Vec<String>) {
    const SILENCE: Duration = Duration::from_millis(600);
    let server = serve(100, Faults::first(vec![Fault::StallAfter(100)])).await;
    let running = start(jetstream::Config {
        ping: Duration::from_millis(20),
        silence: SILENCE,
        wanted_collections,
        ..config(&[&server])
    });
    until("a second connection", || server.stats().connections() == 2).await;
    tokio::time::timeout(SILENCE * 2, running.take(|_| server.stats().connections() > 2))
        .await
        .expect_err("the connection lives on pongs, and brings nothing for longer than without them");
    assert!(running.status.report().connected);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_quiet_stream_lives_on_pongs_and_dies_without_them_whether_filtered_or_not() {
    tokio::join!(live_on_pongs(vec!["app.bsky.feed.post".to_owned()]), live_on_pongs(Vec::new()));
}

#[tokio::test]
async fn three_failures_bring_the_next_host() {
    let down = serve(1, Faults::always(Fault::Refuse { status: 500, retry_after: None })).await;
    let up = serve(50, Faults::default()).await;
    let running = start(config(&[&down, &up]));
    running.take(|seen| seen.len() == 50).await;
    assert_eq!((down.stats().connections(), up.stats().connections()), (3, 1));
    assert_eq!(&*running.status.report().host, up.url());
    running.stop().await.unwrap();
}

#[tokio::test]
async fn oversized_and_binary_messages_are_counted_and_passed_on_the_same_connection() {
    let mut bytes = vec![0x81, 127];
    bytes.extend((64u64 << 20).to_be_bytes());
    bytes.resize(bytes.len() + (64 << 20), b'x');
    bytes.extend([0x82, 3, 1, 2, 3]);
    let server = serve(20, Faults::first(vec![Fault::Inject { after: 10, bytes }])).await;
    let running = start(config(&[&server]));
    let seen = running.take(|seen| seen.len() == 20).await;
    assert_eq!(seen, (0..20).map(event).collect::<Vec<_>>());
    assert_eq!(running.status.rejected(Refusal::TooLarge), 1);
    assert_eq!(running.status.rejected(Refusal::Binary), 1);
    assert_eq!(server.stats().connections(), 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_is_left_and_the_stream_resumed() {
    let bytes = vec![0xFF, 0xFF, 0xFF];
    let server = serve(20, Faults::first(vec![Fault::Inject { after: 10, bytes }])).await;
    let running = start(config(&[&server]));
    let seen = running.take(|seen| seen.iter().any(|frame| number(frame) == 19)).await;
    assert_eq!(seen.iter().map(|frame| number(frame)).collect::<BTreeSet<_>>().len(), 20);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn identity_account_and_unknown_kinds_pass_whatever_the_filter() {
    let did = "did:plc:a";
    let lines = [
        event(0),
        format!("{{\"did\":\"{did}1\",\"time_us\":{FIRST_US},\"kind\":\"identity\",\"identity\":{{}}}}"),
        event(2).replace("feed.post", "feed.like"),
        format!("{{\"did\":\"{did}3\",\"time_us\":{FIRST_US},\"kind\":\"account\",\"account\":{{}}}}"),
        format!("{{\"did\":\"{did}4\",\"time_us\":{FIRST_US},\"kind\":\"novelty\",\"cursor\":7}}"),
    ];
    let options = FeedOptions::lines(lines);
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), options).await.unwrap();
    let running = start(config(&[&server]));
    let seen = running.take(|seen| seen.len() == 4).await;
    assert_eq!(seen.iter().map(|frame| number(frame)).collect::<Vec<_>>(), [0, 1, 3, 4]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_filter_too_long_for_an_address_goes_in_a_message() {
    let server = serve(100, Faults::default()).await;
    let mut wanted = config(&[&server]);
    wanted.wanted_dids = (0..1_000).map(|n| format!("did:plc:a{}", n + 90)).collect();
    let running = start(wanted);
    let seen = running.take(|seen| seen.len() == 10).await;
    assert_eq!(seen.iter().map(|frame| number(frame)).collect::<Vec<_>>(), (90..100).collect::<Vec<_>>());
    assert!(server.stats().openings()[0].request.contains("requireHello=true"));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn stopped_workers_bound_the_bytes_in_flight_and_nothing_is_lost() {
    const LIMIT: usize = 64 << 10;
    let server = serve(20_000, Faults::default()).await;
    let small = jetstream::Config {
        batch: Batching { bytes_max: 8 << 10, ..Batching::default() },
        backpressure_max: Duration::from_millis(50),
        ..config(&[&server])
    };
    let limits = Limits { bytes_in_flight_max: LIMIT, ..Limits::default() };
    let running = start_at(small, None, limits);
    let closed = || running.status.report().backpressure_closes == 1;
    until("the connection is given up", || {
        assert!(running.intake.bytes_in_flight() <= LIMIT);
        closed()
    })
    .await;
    until("the server sees it", || server.stats().open() == 0).await;
    let seen = running.take(|seen| seen.last().is_some_and(|frame| number(frame) == 19_999)).await;
    let distinct: BTreeSet<u64> = seen.iter().map(|frame| number(frame)).collect();
    assert_eq!(distinct.len(), 20_000);
    assert_eq!(running.status.report().gaps, 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn shutdown_hands_the_open_batch_over_and_says_goodbye() {
    let server = serve(7, Faults::default()).await;
    let slow = Batching { age_max: Duration::from_secs(3600), ..Batching::default() };
    let running = start(jetstream::Config { batch: slow, ..config(&[&server]) });
    until("all sent", || server.stats().events() == 7).await;
    until("connected", || running.status.report().connected).await;
    // The frames are on their way; the source has read them once a ping has come round.
    tokio::time::timeout(Duration::from_millis(100), running.take(|_| false)).await.unwrap_err();
    running.shutdown.cancel();
    let seen = running.take(|seen| seen.len() == 7).await;
    assert_eq!(seen.len(), 7);
    running.task.await.unwrap().unwrap();
    until("the server sees the goodbye", || server.stats().open() == 0).await;
}

/// TLS in front of a feed, with a certificate of our own test authority.
async fn tls_in_front_of(server: &Server) -> std::net::SocketAddr {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let chain = CertificateDer::pem_file_iter("tests/fixtures/tls/server.pem").unwrap();
    let key = PrivateKeyDer::from_pem_file("tests/fixtures/tls/server.key").unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, behind) = (listener.local_addr().unwrap(), server.address());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut plain = tokio::net::TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn events_come_over_tls_from_a_server_whose_authority_is_trusted() {
    let server = serve(5_000, Faults::default()).await;
    let address = tls_in_front_of(&server).await;
    let secure = jetstream::Config {
        hosts: vec![format!("wss://{address}/subscribe")],
        ca_file: Some("tests/fixtures/tls/ca.pem".into()),
        ..config(&[&server])
    };
    let running = start(secure);
    let seen = running.take(|seen| seen.len() >= 5_000).await;
    assert_eq!(seen, (0..5_000).map(event).collect::<Vec<_>>());
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_no_request() {
    let server = serve(1, Faults::default()).await;
    let address = tls_in_front_of(&server).await;
    let secure = jetstream::Config { hosts: vec![format!("wss://{address}")], ..config(&[&server]) };
    let running = start(secure);
    until("retries", || running.status.report().reconnects > 2).await;
    assert_eq!(server.stats().connections(), 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_a_configuration_error() {
    let server = serve(1, Faults::default()).await;
    let broken = jetstream::Config { ca_file: Some("/nowhere.pem".into()), ..config(&[&server]) };
    let error = start(broken).task.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("/nowhere.pem"), "{error}");
}
