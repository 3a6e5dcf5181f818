//! Servers that mislead: deaf ones, refusing ones, busy ones, and clocks that are wrong. A source must notice, use the
//! other hosts meanwhile, lose nothing, and say how it does.

use std::collections::BTreeSet;
use std::time::Duration;

use birddog::feed::{Fault, Faults, FeedOptions, Input, Server};
use birddog::sources::{Batching, Retry, jetstream};
use serde_json::json;
use tokio::time::Instant;

use crate::dice::now_us;
use crate::process::{self, Feed, Site};
use crate::sources::{PATIENCE, config, event, number, serve, start, until};

const REFUSE: Fault = Fault::Refuse { status: 400, retry_after: None };
const HOUR_US: u64 = 3_600_000_000;

/// Short waits after a refusal.
fn quick_refusals() -> Retry {
    let (refused_min, refused_max) = (Duration::from_millis(20), Duration::from_millis(80));
    Retry { refused_min, refused_max, ..config(&[]).retry }
}

fn distinct(frames: &[String]) -> usize {
    frames.iter().map(|frame| number(frame)).collect::<BTreeSet<_>>().len()
}

/// The shortest time between two attempts after the first retry, which may come at once.
fn shortest_wait(server: &Server) -> Duration {
    let openings = server.stats().openings();
    openings[1..].windows(2).map(|pair| pair[1].at - pair[0].at).min().unwrap()
}

#[tokio::test]
async fn a_server_that_only_answers_pings_is_left_for_the_next_host_within_the_allowance() {
    const ALLOWED: Duration = Duration::from_millis(300);
    let deaf = serve(100, Faults::always(Fault::PingsOnlyAfter(5))).await;
    let sound = serve(100, Faults::default()).await;
    let wary = jetstream::Config {
        ping: Duration::from_millis(20),
        stall_min: Duration::from_millis(50),
        stall_max: ALLOWED,
        ..config(&[&deaf, &sound])
    };
    assert!(!wary.wanted_collections.is_empty(), "a filtered stream");
    let running = start(wary);
    let seen = running.take(|seen| distinct(seen) == 100).await;
    assert!(seen.len() >= 100);
    assert_eq!((deaf.stats().connections(), sound.stats().connections()), (1, 1));
    let waited = sound.stats().openings()[0].at - deaf.stats().openings()[0].at;
    assert!(waited >= ALLOWED && waited < PATIENCE / 2, "{waited:?}");
    let report = running.status.report();
    assert_eq!((&*report.host, report.allowed_silence_seconds), (&*sound.url(), Some(0.3)));
    running.stop().await.unwrap();
}

/// Messages without a time, as a proxy's signs of life or another protocol's, are no events.
#[tokio::test]
async fn a_server_that_says_things_but_no_events_is_left_like_a_silent_one() {
    let allowed = Duration::from_millis(300);
    let chatter = std::iter::repeat_with(|| r#"{"type":"keepalive"}"#.to_owned());
    let mut options = FeedOptions::new(Input::Generator(Box::new((0..5).map(event).chain(chatter))));
    (options.live, options.rate) = (true, Some(200.0));
    let chatty = Server::bind("127.0.0.1:0".parse().unwrap(), options).await.unwrap();
    let sound = serve(100, Faults::default()).await;
    let running = start(jetstream::Config { stall: Some(allowed), ..config(&[&chatty, &sound]) });
    running.take(|seen| seen.iter().filter(|frame| frame.contains("did:plc:a99\"")).count() > 0).await;
    let waited = sound.stats().openings()[0].at - chatty.stats().openings()[0].at;
    assert!(waited >= allowed && waited < PATIENCE / 2, "{waited:?}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn one_refusal_ends_nothing() {
    let server = serve(50, Faults::first(vec![REFUSE])).await;
    let running = start(jetstream::Config { retry: quick_refusals(), ..config(&[&server]) });
    running.take(|seen| seen.len() == 50).await;
    let openings = server.stats().openings();
    assert!(openings.len() == 2 && openings[1].at - openings[0].at >= Duration::from_millis(20));
    let report = running.status.report();
    assert!(report.connected && report.refused.is_none(), "{report:?}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_host_that_refuses_is_passed_over() {
    let refusing = serve(1, Faults::always(REFUSE)).await;
    let sound = serve(50, Faults::default()).await;
    let running = start(config(&[&refusing, &sound]));
    running.take(|seen| seen.len() == 50).await;
    assert_eq!((refusing.stats().connections(), sound.stats().connections()), (1, 1));
    assert_eq!(running.status.report().refused, None);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn when_every_host_refuses_the_source_says_so_and_asks_on_slowly() {
    let servers = [serve(1, Faults::always(REFUSE)).await, serve(1, Faults::always(REFUSE)).await];
    let running = start(jetstream::Config { retry: quick_refusals(), ..config(&[&servers[0], &servers[1]]) });
    until("five attempts at each", || servers.iter().all(|server| server.stats().openings().len() >= 5))
        .await;
    let report = running.status.report();
    assert!(
        report.refused.as_ref().is_some_and(|reason| reason.contains("refused on purpose")),
        "{report:?}"
    );
    assert!(report.retrying && !report.ended && !running.task.is_finished());
    for server in &servers {
        assert!(shortest_wait(server) >= Duration::from_millis(20));
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_host_that_wants_to_be_left_alone_does_not_hold_the_others_back() {
    let busy = serve(1, Faults::always(Fault::Refuse { status: 429, retry_after: Some(3_600) })).await;
    let sound = serve(50, Faults::default()).await;
    let (running, started) = (start(config(&[&busy, &sound])), Instant::now());
    running.take(|seen| seen.len() == 50).await;
    assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    assert_eq!((busy.stats().connections(), sound.stats().connections()), (1, 1));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn each_host_sees_its_own_schedule_and_nothing_faster() {
    const MIN: Duration = Duration::from_millis(40);
    let drops = || Faults::always(Fault::AcceptThenDrop);
    let servers = [serve(1, drops()).await, serve(1, drops()).await, serve(1, drops()).await];
    let retry = Retry { min: MIN, max: MIN * 2, ..config(&[]).retry };
    let [one, two, three] = &servers;
    let running = start(jetstream::Config { retry, ..config(&[one, two, three]) });
    until("8 attempts at each", || servers.iter().all(|server| server.stats().openings().len() >= 8)).await;
    assert!(servers.iter().map(shortest_wait).all(|wait| wait >= MIN));
    running.stop().await.unwrap();
}

/// `events` events of now, one every half millisecond, from a live head; the twentieth claims to be an hour later.
async fn serve_with_one_from_the_future(events: u64, faults: Faults) -> Server {
    const STEP_US: u64 = 500;
    let first = now_us();
    let line = move |n: u64| {
        let time = first + n * STEP_US + if n == 20 { HOUR_US } else { 0 };
        let (head, rest) =
            event(n).split_once("\"time_us\":").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        format!("{head}\"time_us\":{time},{}", rest.split_once(',').unwrap().1)
    };
    let mut options = FeedOptions::new(Input::Generator(Box::new((0..events).map(line))));
    (options.live, options.rate, options.faults) = (true, Some(1e6 / STEP_US as f64), faults);
    Server::bind("127.0.0.1:0".parse().unwrap(), options).await.unwrap()
}

#[tokio::test]
async fn reconnects_after_an_event_from_the_future_lose_nothing() {
    const EVENTS: u64 = 401;
    let server = serve_with_one_from_the_future(EVENTS, Faults::always(Fault::DropAfter(60))).await;
    let config = config(&[&server]);
    let running = start(jetstream::Config {
        start: jetstream::Start::Earliest,
        rewind: Duration::from_millis(5),
        // Each event is the last of a batch, and some are published before the next connection.
        batch: Batching { frames_max: 1, ..config.batch },
        retry: Retry { first: Duration::from_millis(40), ..config.retry },
        ..config
    });
    let mut positions = Vec::new();
    let mut seen = BTreeSet::new();
    let reading = async {
        while seen.len() < EVENTS as usize {
            match running.intake.try_recv() {
                Some(batch) => {
                    positions.push(batch.position.0);
                    seen.extend(batch.frames().map(|frame| number(&String::from_utf8_lossy(frame))));
                }
                None => tokio::task::yield_now().await,
            }
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, reading).await.is_ok();
    assert!(in_time, "{} of {EVENTS} are lost", EVENTS as usize - seen.len());
    let report = running.status.report();
    assert!(report.reconnects >= 6, "{report:?}");
    assert_eq!(report.gaps, 0);
    assert!(positions.iter().all(|position| *position <= now_us()), "no position is in the future");
    let lag = report.lag_seconds.unwrap();
    assert!((0.0..60.0).contains(&lag), "{lag}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_source_that_never_connected_has_no_lag_and_no_coverage() {
    let server = serve(1, Faults::always(REFUSE)).await;
    let running = start(config(&[&server]));
    until("an attempt", || server.stats().connections() == 1).await;
    let report = running.status.report();
    assert_eq!((report.lag_seconds, report.last_event_at, report.connected), (None, None, false));
    assert!(report.coverage_seconds == 0.0 && report.elapsed_seconds > 0.0, "{report:?}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn lag_and_coverage_grow_while_a_connected_source_hears_nothing_new() {
    let server = serve(10, Faults::default()).await;
    let running = start(config(&[&server]));
    running.take(|seen| seen.len() == 10).await;
    let before = running.status.report();
    until("both grow", || {
        let now = running.status.report();
        now.lag_seconds > before.lag_seconds && now.coverage_seconds > before.coverage_seconds
    })
    .await;
    let report = running.status.report();
    assert!(report.connected && report.coverage_seconds <= report.elapsed_seconds, "{report:?}");
    running.stop().await.unwrap();
}

/// The value of a metric of the one source, when it is there.
fn metric(client: &process::Client, name: &str) -> Option<f64> {
    let text = client.text("/metrics").1;
    let line = text.lines().find(|line| line.starts_with(&format!("{name}{{")))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn a_daemon_whose_every_server_refuses_is_alive_not_ready_and_says_why() {
    let mut options = FeedOptions::lines([event(0)]);
    options.faults = Faults::always(REFUSE);
    let feed = Feed::serve(options);
    let site = Site::with_one_rule(&feed.url(), "5s");
    let mut daemon = site.start();
    let client = daemon.listening();
    process::until("it is refused", || {
        let source = client.get("/status")["sources"][0].clone();
        source["refused"].as_str().filter(|reason| reason.contains("refused on purpose")).map(drop)
    });
    let ready = client.text("/readyz");
    assert_eq!((ready.0, client.text("/livez").0), (503, 200), "{}", ready.1);
    let source = client.get("/status")["sources"][0].clone();
    assert_eq!((&source["connected"], &source["ended"]), (&json!(false), &json!(false)), "{source}");
    assert_eq!(metric(&client, "birddog_source_lag_seconds"), None);
    assert_eq!(metric(&client, "birddog_source_coverage_seconds_total"), Some(0.0));
    assert!(metric(&client, "birddog_source_elapsed_seconds_total").is_some());
    daemon.said("check wanted_collections and wanted_dids");
    daemon.stop();
    assert_eq!(
        daemon.log().matches("\"level\":\"ERROR\"").count(),
        1,
        "once, and no source that ended for good"
    );
}

#[test]
fn the_lag_of_a_daemon_grows_between_two_scrapes_although_nothing_comes() {
    let feed = Feed::serve(FeedOptions::lines((0..10).map(event)));
    let site = Site::with_one_rule(&feed.url(), "5s");
    let mut daemon = site.start();
    let client = daemon.listening();
    client.triaged(10);
    let lag = || metric(&client, "birddog_source_lag_seconds");
    let first = lag().unwrap();
    process::until("it grows", || lag().filter(|lag| *lag > first));
    process::until("a second is covered", || {
        metric(&client, "birddog_source_coverage_seconds_total").filter(|seconds| *seconds >= 1.0)
    });
    daemon.stop();
}

#[tokio::test]
async fn a_host_that_stamps_its_events_earlier_takes_over_without_a_loss() {
    // The first host lags: what it stamps with these times, the other one stamped three seconds before.
    let lag_us = 3_000_000;
    let lagging = serve(50, Faults::always(Fault::DropAfter(50))).await;
    let earlier = (0..100).map(|n| {
        let stamped = event(n);
        let time = stamped.split("\"time_us\":").nth(1).unwrap().split(',').next().unwrap().to_owned();
        stamped.replace(&time, &(time.parse::<u64>().unwrap() - lag_us).to_string())
    });
    let sound = Server::bind("127.0.0.1:0".parse().unwrap(), FeedOptions::lines(earlier)).await.unwrap();
    let retry = Retry { failures_max: 1, ..config(&[]).retry };
    let rewind_other_host = Duration::from_secs(4);
    let running = start(jetstream::Config { retry, rewind_other_host, ..config(&[&lagging, &sound]) });
    let seen = running.take(|seen| distinct(seen) == 100).await;
    assert_eq!(distinct(&seen), 100);
    running.stop().await.unwrap();
}
