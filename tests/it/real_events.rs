//! Events as the real network sends them: recorded ones, when they are there, and the shapes of the protocol page.

use std::path::PathBuf;

use birddog::formats::jetstream::Decoder;
use birddog::model::{Event, PostKind, RejectReason, Timestamp};

const RECEIVED_AT: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn decode(frame: &str) -> Result<Event, RejectReason> {
    Decoder::default().decode(frame.as_bytes(), RECEIVED_AT)
}

fn recordings() -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("BIRDDOG_DATA").map(PathBuf::from) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(&folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("raw_bluesky_jetstream_") && name.ends_with(".jsonl")
    });
    files.sort();
    files
}

#[test]
fn every_recorded_event_decodes() {
    let files = recordings();
    if files.is_empty() {
        println!("no recordings here; BIRDDOG_DATA names the folder of raw_bluesky_jetstream_*.jsonl");
        return;
    }
    let (mut posts, mut names, mut touches, mut others) = (0, 0, 0, 0);
    let mut decoder = Decoder::default();
    for path in &files {
        for (at, line) in std::fs::read_to_string(path).unwrap().lines().enumerate() {
            let event = decoder.decode(line.as_bytes(), RECEIVED_AT);
            match event.unwrap_or_else(|reason| panic!("{}:{}: {reason:?}", path.display(), at + 1)) {
                Event::Create(post) | Event::Update(post) => {
                    posts += 1;
                    let wire: serde_json::Value = serde_json::from_str(line).unwrap();
                    assert_eq!(post.text, wire["commit"]["record"]["text"].as_str().unwrap_or_default());
                    assert_eq!(post.author.id, wire["did"].as_str().unwrap());
                }
                Event::Handle { .. } => names += 1,
                Event::Delete(_) | Event::Repost(_) => touches += 1,
                Event::AccountGone { .. } | Event::Other => others += 1,
            }
        }
    }
    println!("{posts} posts, {names} names, {touches} reposts and deletions, {others} others decode");
    assert!(posts > 0 && names > 0 && touches > 0 && others > 0, "all kinds are there");
}

/// As servers write it.
#[test]
fn a_post_as_servers_write_it_decodes() {
    let event = decode(
        r#"{"did":"did:plc:eygmaihciaxprqvxpfvl6flk","time_us":1725911162329308,"kind":"commit",
 "commit":{"rev":"3l3qo2vutsw2b","operation":"create","collection":"app.bsky.feed.post","rkey":"3l3qo2vuowo2b",
  "record":{"$type":"app.bsky.feed.post","createdAt":"2024-09-09T19:46:02.102Z","langs":["en"],"text":"hello"},
  "cid":"bafyrei..."}}"#,
    );
    let Ok(Event::Create(post)) = event else { panic!("{event:?}") };
    assert_eq!(post.uri, "at://did:plc:eygmaihciaxprqvxpfvl6flk/app.bsky.feed.post/3l3qo2vuowo2b");
    assert_eq!(
        (post.text.as_str(), post.langs.as_slice(), post.kind),
        ("hello", &["en".to_owned()][..], PostKind::Post)
    );
    assert_eq!(post.event_at.as_micros(), 1_725_911_162_329_308);
}

#[test]
fn the_other_shapes_of_the_protocol_page_decode() {
    let delete_of = |collection: &str| {
        format!(
            r#"{{"did":"did:plc:rfov6bpyztcnedeyyzgfq42k","time_us":1725516666833633,"kind":"commit",
 "commit":{{"rev":"3l3f6nzl3cv2s","operation":"delete","collection":"{collection}","rkey":"3l3dn7tku762u"}}}}"#
        )
    };
    assert_eq!(decode(&delete_of("app.bsky.graph.follow")), Ok(Event::Other));
    assert!(matches!(decode(&delete_of("app.bsky.feed.post")), Ok(Event::Delete(_))));

    let account = "did:plc:ufbl4k27gp6kzas5glhz7fim";
    let identity = |handle: &str| {
        format!(
            r#"{{"did":"{account}","time_us":1725516665234703,"kind":"identity",
 "identity":{{"did":"{account}",{handle}"seq":1409752997,"time":"2024-09-05T06:11:04.870Z"}}}}"#
        )
    };
    let named = |handle: Option<&str>| {
        Ok(Event::Handle { id: account.to_owned(), handle: handle.map(str::to_owned) })
    };
    assert_eq!(
        decode(&identity(r#""handle":"yohenrique.bsky.social","#)),
        named(Some("yohenrique.bsky.social"))
    );
    assert_eq!(decode(&identity("")), named(None));

    let standing = |state: &str| {
        format!(
            r#"{{"did":"{account}","time_us":1725516665333808,"kind":"account",
 "account":{{{state},"did":"{account}","seq":1409753013,"time":"2024-09-05T06:11:04.870Z"}}}}"#
        )
    };
    assert_eq!(decode(&standing(r#""active":true"#)), Ok(Event::Other));
    for (status, is_gone) in [
        ("takendown", true),
        ("deleted", true),
        ("suspended", false),
        ("deactivated", false),
        ("desynchronized", false),
        ("throttled", false),
        ("something-new", false),
    ] {
        let event = decode(&standing(&format!(r#""active":false,"status":"{status}""#)));
        match event {
            Ok(Event::AccountGone(gone)) if is_gone => assert_eq!(*gone.id, *account),
            Ok(Event::Other) if !is_gone => {}
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[test]
fn what_newer_servers_add_is_tolerated() {
    let with_cursor = r#"{"did":"did:plc:a","time_us":1725911162329308,"cursor":42,"kind":"commit","commit":{"rev":"r","operation":"create","collection":"app.bsky.feed.post","rkey":"did:plc:xxx::did:web:yyy","record":{"$type":"app.bsky.feed.post","createdAt":"2024-09-09T19:46:02.102Z","text":"hello","novelty":{"deep":[1,2,{}]}},"cid":"b","more":null},"future":true}"#;
    let Ok(Event::Create(post)) = decode(with_cursor) else { panic!("not a post") };
    assert_eq!(post.uri, "at://did:plc:a/app.bsky.feed.post/did:plc:xxx::did:web:yyy");
    assert_eq!(decode(r#"{"did":"did:plc:a","time_us":1,"kind":"sync","sync":{}}"#), Ok(Event::Other));
}
