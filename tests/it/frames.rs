//! Jetstream events as servers send them, made by hand.

use serde_json::{Value, json};

/// A create event of a post with `text` and nothing else.
pub(crate) fn post(did: &str, rkey: &str, time_us: u64, text: &str) -> String {
    commit(
        did,
        rkey,
        time_us,
        "create",
        &json!({"$type": "app.bsky.feed.post", "langs": ["en"], "text": text}),
    )
}

/// A create event of a post that also mentions the account `named`.
pub(crate) fn post_to(named: &str, did: &str, rkey: &str, time_us: u64, text: &str) -> String {
    let mention = json!({"$type": "app.bsky.richtext.facet#mention", "did": named});
    let facets = json!([{"features": [mention], "index": {"byteStart": 0, "byteEnd": 1}}]);
    let record = json!({"$type": "app.bsky.feed.post", "langs": ["en"], "text": text, "facets": facets});
    commit(did, rkey, time_us, "create", &record)
}

/// An update event of a post.
pub(crate) fn update(did: &str, rkey: &str, time_us: u64, text: &str) -> String {
    commit(
        did,
        rkey,
        time_us,
        "update",
        &json!({"$type": "app.bsky.feed.post", "langs": ["en"], "text": text}),
    )
}

/// A delete event of a post.
pub(crate) fn delete(did: &str, rkey: &str, time_us: u64) -> String {
    format!(
        "{{\"did\":\"{did}\",\"time_us\":{time_us},\"kind\":\"commit\",\"commit\":{{\"rev\":\"r{time_us}\",\
         \"operation\":\"delete\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"{rkey}\"}}}}"
    )
}

/// A create event of a repost of the post `subject`.
pub(crate) fn repost(did: &str, rkey: &str, time_us: u64, subject: &str) -> String {
    const CID: &str = "bafyrei0123456789012345678901234567890123456789012345678901";
    format!(
        "{{\"did\":\"{did}\",\"time_us\":{time_us},\"kind\":\"commit\",\"commit\":{{\"rev\":\"r{time_us}\",\
         \"operation\":\"create\",\"collection\":\"app.bsky.feed.repost\",\"rkey\":\"{rkey}\",\"record\":\
         {{\"$type\":\"app.bsky.feed.repost\",\"createdAt\":\"2026-01-01T00:00:00Z\",\
         \"subject\":{{\"cid\":\"{CID}\",\"uri\":\"{subject}\"}}}},\"cid\":\"{CID}\"}}}}"
    )
}

/// The event of an account that is gone.
pub(crate) fn account_gone(did: &str, time_us: u64) -> String {
    format!(
        "{{\"did\":\"{did}\",\"time_us\":{time_us},\"kind\":\"account\",\"account\":{{\"active\":false,\
         \"did\":\"{did}\",\"seq\":{time_us},\"status\":\"deleted\",\"time\":\"2026-01-01T00:00:00Z\"}}}}"
    )
}

/// The identity of a post.
pub(crate) fn uri(did: &str, rkey: &str) -> String {
    format!("at://{did}/app.bsky.feed.post/{rkey}")
}

/// A made-up account id of the usual form.
pub(crate) fn did(name: &str) -> String {
    format!("did:plc:{name:a<24}")
}

fn commit(did: &str, rkey: &str, time_us: u64, operation: &str, record: &Value) -> String {
    format!(
        "{{\"did\":\"{did}\",\"time_us\":{time_us},\"kind\":\"commit\",\"commit\":{{\"rev\":\"r{time_us}\",\
         \"operation\":\"{operation}\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"{rkey}\",\
         \"record\":{record},\"cid\":\"c{time_us}\"}}}}"
    )
}
