//! The feed seen by an ordinary WebSocket client.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use tokio::time::Instant;

use super::*;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn event(n: u64) -> String {
    let kind = ["post", "like", "repost"][n as usize % 3];
    let head =
        format!("{{\"did\":\"did:plc:a{n}\",\"time_us\":{},\"kind\":\"commit\",", 1_725_911_162_000_000 + n);
    format!(
        "{head}\"commit\":{{\"operation\":\"create\",\"collection\":\"app.bsky.feed.{kind}\",\"rkey\":\"{n}\"}}}}"
    )
}

async fn serve(options: FeedOptions) -> Server {
    Server::bind("127.0.0.1:0".parse().unwrap(), options).await.unwrap()
}

async fn serve_events(n: u64) -> Server {
    serve(FeedOptions::lines((0..n).map(event))).await
}

async fn connect(server: &Server, query: &str) -> Socket {
    connect_async(format!("{}?{query}", server.url())).await.unwrap().0
}

async fn take(socket: &mut Socket, n: usize) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.len() < n {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            seen.push(text.to_string());
        }
    }
    seen
}

#[tokio::test]
async fn every_client_gets_everything_from_its_cursor_on() {
    let server = serve_events(5_000).await;
    let (mut all, mut late) = (
        connect(&server, "").await,
        connect(&server, &format!("cursor={}", 1_725_911_162_000_000u64 + 4_989)).await,
    );
    assert_eq!(take(&mut late, 10).await, (4_990..5_000).map(event).collect::<Vec<_>>());
    assert_eq!(take(&mut all, 5_000).await, (0..5_000).map(event).collect::<Vec<_>>());
    assert_eq!(server.stats().connections(), 2);
}

#[tokio::test]
async fn filters_select_and_can_be_replaced_while_connected() {
    let server = serve_events(300).await;
    let mut socket = connect(&server, "requireHello=true").await;
    let hello = r#"{"type":"options_update","payload":{"wantedCollections":["app.bsky.feed.repost"]}}"#;
    socket.send(Message::text(hello)).await.unwrap();
    let seen = take(&mut socket, 100).await;
    assert!(seen.iter().all(|event| event.contains("feed.repost")));
}

#[tokio::test]
async fn bad_parameters_are_refused_before_the_upgrade() {
    let server = serve_events(1).await;
    for query in ["wantedCollections=app.bsky.fo*", "cursor=x"] {
        let refused = connect_async(format!("{}?{query}", server.url())).await;
        assert!(matches!(refused, Err(Error::Http(response)) if response.status() == 400));
    }
}

#[tokio::test]
async fn a_bad_update_is_closed_with_the_protocols_codes() {
    let server = serve_events(1).await;
    let bad = [("{", 1007), (r#"{"type":"options_update","payload":{"wantedDids":["x"]}}"#, 1008)];
    for (message, code) in bad {
        let mut socket = connect(&server, "requireHello=true").await;
        socket.send(Message::text(message)).await.unwrap();
        let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("no close frame") };
        assert_eq!(u16::from(frame.code), code);
    }
}

#[tokio::test]
async fn pings_are_answered_and_sent() {
    let mut options = FeedOptions::lines([event(0)]);
    options.ping = Duration::from_millis(20);
    let server = serve(options).await;
    let mut socket = connect(&server, "").await;
    take(&mut socket, 1).await;
    socket.send(Message::Ping("x".into())).await.unwrap();
    let (mut pinged, mut answered) = (false, false);
    while !(pinged && answered) {
        match socket.next().await.unwrap().unwrap() {
            Message::Ping(_) => pinged = true,
            Message::Pong(payload) => answered = &payload[..] == b"x",
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_rate_holds_events_back() {
    let mut options = FeedOptions::lines((0..1_000).map(event));
    options.rate = Some(1_000.0);
    let server = serve(options).await;
    let started = Instant::now();
    take(&mut connect(&server, "").await, 100).await;
    assert!(started.elapsed() >= Duration::from_millis(99));
}

#[tokio::test]
async fn a_live_feed_starts_at_its_head_and_replays_from_a_cursor() {
    let mut options = FeedOptions::new(Input::Generator(Box::new((0..).map(event))));
    (options.live, options.rate) = (true, Some(20_000.0));
    let server = serve(options).await;
    let first = take(&mut connect(&server, "").await, 1).await.remove(0);
    let replayed = take(&mut connect(&server, "cursor=1725911162000000").await, 50).await;
    assert_eq!(replayed, (1..=50).map(event).collect::<Vec<_>>());
    let later = take(&mut connect(&server, "").await, 1).await.remove(0);
    assert!(later > first, "the head moves");
}

#[tokio::test]
async fn a_looping_feed_goes_on_for_ever() {
    let mut options = FeedOptions::lines((0..10).map(event));
    options.loop_ = true;
    let server = serve(options).await;
    let seen = take(&mut connect(&server, "").await, 35).await;
    assert_eq!(seen.iter().filter(|event| event.contains("\"rkey\":\"9\"")).count(), 3);
    assert!(seen.is_sorted_by_key(|event| event.split("time_us").nth(1).map(str::to_owned)));
}

#[tokio::test]
async fn nothing_to_serve_is_an_error_with_a_remedy() {
    let none = Server::bind("127.0.0.1:0".parse().unwrap(), FeedOptions::lines([""; 0])).await;
    assert!(none.unwrap_err().to_string().contains("one Jetstream event per line"));
    let options = FeedOptions::new(Input::File("/nowhere.jsonl".into()));
    let missing = Server::bind("127.0.0.1:0".parse().unwrap(), options).await;
    assert!(missing.unwrap_err().to_string().contains("/nowhere.jsonl"));
}

#[test]
#[should_panic(expected = "give a live Input::Generator")]
fn lines_without_end_are_refused_before_they_fill_the_memory() {
    let _ = FeedOptions::lines(std::iter::repeat(""));
}
