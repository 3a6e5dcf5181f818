//! Posts as plain JSON objects: `{"text": "…"}` and whatever else is known; a birddog work item will do.
//!
//! Lenient as people's exports are: many names for a field, and what is missing or of another type is left out. Only
//! the text must be there.
//!
//! | of the post | taken from |
//! |---|---|
//! | text | `text` |
//! | identity | `uri`, `id`, `url` |
//! | author | `author` (`{"id", "handle", "followers"}` or a string), `user`; `followers` |
//! | time | `created_at`, `ts`, `time`: RFC 3339, as in X's API 1.1, or seconds to microseconds since 1970 |
//! | language, kind | `langs`, `lang`; `kind` |
//! | network | `source`, one of [`NETWORKS`]; else `json` |
//! | the rest | `captions`, `links`, `hashtags`, `mentions`, `has_media`, `root`, `parent` |

use serde_json::{Map, Value};

use crate::model::{Author, Post, PostKind, RejectReason, Timestamp};

/// Objects that hold the post, from the outside in: what the queue shows of an item, an item, its post.
const WRAPPERS: [&str; 2] = ["item", "post"];
const NETWORK: &str = "json";
/// Networks that a post may come from; the last is that of posts which name no other.
pub const NETWORKS: [&str; 4] = ["bluesky", "mastodon", "nostr", NETWORK];

/// Reads one post.
///
/// # Errors
/// The reason to count the line under.
pub fn decode(line: &[u8]) -> Result<Post, RejectReason> {
    let text = std::str::from_utf8(line).map_err(|_| RejectReason::InvalidUtf8)?;
    let mut value: Value = serde_json::from_str(text).map_err(|error| reason(&error))?;
    for wrapper in WRAPPERS {
        if let Some(inner) = value.get_mut(wrapper).filter(|inner| inner.is_object()) {
            value = inner.take();
        }
    }
    let Value::Object(mut fields) = value else { return Err(RejectReason::WrongShape) };
    match fields.remove("text") {
        Some(Value::String(text)) => Ok(post(text, &fields)),
        _ => Err(RejectReason::WrongShape),
    }
}

fn reason(error: &serde_json::Error) -> RejectReason {
    if error.to_string().starts_with("recursion limit") {
        RejectReason::TooDeep
    } else {
        RejectReason::InvalidJson
    }
}

fn post(text: String, fields: &Map<String, Value>) -> Post {
    let created_at = first(fields, &["created_at", "ts", "time"], time).unwrap_or_default();
    let langs = strings(fields, "langs");
    let mut post = Post {
        text,
        network: network(fields.get("source").and_then(Value::as_str)),
        uri: first(fields, &["uri", "id", "url"], scalar).unwrap_or_default(),
        url: first(fields, &["url"], scalar),
        author: author(fields),
        captions: strings(fields, "captions"),
        langs: if langs.is_empty() { strings(fields, "lang") } else { langs },
        kind: kind(fields),
        root: first(fields, &["root"], scalar),
        parent: first(fields, &["parent"], scalar),
        links: strings(fields, "links"),
        hashtags: strings(fields, "hashtags"),
        mentions: strings(fields, "mentions"),
        has_media: fields.get("has_media").and_then(Value::as_bool).unwrap_or(false),
        created_at,
        event_at: created_at,
        ..Post::default()
    };
    post.cut();
    post
}

fn first<T>(fields: &Map<String, Value>, names: &[&str], read: fn(&Value) -> Option<T>) -> Option<T> {
    names.iter().find_map(|name| fields.get(*name).and_then(read))
}

/// A string or a number, as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A list of strings, or a single one.
fn strings(fields: &Map<String, Value>, name: &str) -> Vec<String> {
    match fields.get(name) {
        Some(Value::Array(values)) => values.iter().filter_map(scalar).collect(),
        Some(value) => scalar(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn author(fields: &Map<String, Value>) -> Author {
    let count = |value: &Value| value.as_u64();
    let outer = first(fields, &["followers"], count);
    match fields.get("author") {
        Some(Value::Object(author)) => Author {
            id: first(author, &["id", "did"], scalar).unwrap_or_default(),
            handle: first(author, &["handle", "name"], scalar),
            followers: first(author, &["followers"], count).or(outer),
            bot: author.get("bot").and_then(Value::as_bool).unwrap_or(false),
        },
        _ => {
            let name = first(fields, &["author", "user"], scalar);
            Author { id: name.clone().unwrap_or_default(), handle: name, followers: outer, bot: false }
        }
    }
}

fn kind(fields: &Map<String, Value>) -> PostKind {
    match fields.get("kind").and_then(Value::as_str) {
        Some("reply") => PostKind::Reply,
        Some("repost") => PostKind::Repost,
        Some("quote") => PostKind::Quote,
        _ => PostKind::Post,
    }
}

/// The network of that name.
#[must_use]
pub fn network(name: Option<&str>) -> &'static str {
    NETWORKS.into_iter().find(|network| name == Some(network)).unwrap_or(NETWORK)
}

fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => Timestamp::parse(text).or_else(|| time_of_x(text)),
        Value::Number(number) => Some(epoch(number.as_i64().or_else(|| number.as_f64().map(|n| n as i64))?)),
        _ => None,
    }
}

/// `Tue Feb 20 21:37:02 +0000 2018`.
fn time_of_x(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::strtime::parse("%a %b %d %H:%M:%S %z %Y", text).ok()?.to_timestamp().ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

/// Seconds, milliseconds or microseconds, told by their size: good from 1973 to the year 5000.
fn epoch(number: i64) -> Timestamp {
    let factor = match number.unsigned_abs() {
        0..100_000_000_000 => 1_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000,
        _ => 1,
    };
    Timestamp::from_micros(number.saturating_mul(factor))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn post(line: &str) -> Post {
        decode(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_plain_record_has_text_author_language_and_time() {
        let post = post(
            r#"{"id": 7, "text": "hi", "src": "x", "lang": "fr", "user": "jo.example", "ts": "2024-11-09T22:31:27.432Z"}"#,
        );
        assert_eq!((post.text.as_str(), post.uri.as_str(), post.langs), ("hi", "7", vec!["fr".to_owned()]));
        assert_eq!(
            (post.author.id.as_str(), post.author.handle.as_deref()),
            ("jo.example", Some("jo.example"))
        );
        assert_eq!(post.event_at, Timestamp::parse("2024-11-09T22:31:27.432Z").unwrap());
    }

    #[test]
    fn a_work_item_is_the_post_in_it() {
        let plain = r#"{"text": "hi", "source": "bluesky", "kind": "reply", "author": {"id": "did:x", "handle": null, "followers": 3}}"#;
        for line in [
            plain.to_owned(),
            format!("{{\"post\": {plain}}}"),
            format!("{{\"item\": {{\"post\": {plain}}}}}"),
        ] {
            let post = post(&line);
            assert_eq!((post.text.as_str(), post.kind, post.network), ("hi", PostKind::Reply, "bluesky"));
            assert_eq!((post.author.id.as_str(), post.author.followers), ("did:x", Some(3)));
        }
    }

    #[test]
    fn a_time_is_read_in_every_usual_form() {
        let at = Timestamp::parse("2018-02-20T21:37:02Z").unwrap();
        for ts in [
            r#""2018-02-20T22:37:02+01:00""#,
            r#""Tue Feb 20 21:37:02 +0000 2018""#,
            "1519162622",
            "1519162622000",
            "1519162622000000",
            "1519162622.0",
        ] {
            assert_eq!(post(&format!(r#"{{"text": "", "ts": {ts}}}"#)).event_at, at, "{ts}");
        }
        assert_eq!(post(r#"{"text": "", "ts": "yesterday"}"#).event_at, Timestamp::ZERO);
    }

    #[test]
    fn what_is_no_post_is_refused_with_its_reason() {
        let deep = format!("{{\"text\": {}", "[".repeat(500));
        for (line, expected) in [
            ("{\"text\": 1}", RejectReason::WrongShape),
            ("[]", RejectReason::WrongShape),
            ("{\"post\": {}}", RejectReason::WrongShape),
            ("{\"text\": \"a", RejectReason::InvalidJson),
            (deep.as_str(), RejectReason::TooDeep),
        ] {
            assert_eq!(decode(line.as_bytes()), Err(expected), "{line}");
        }
        assert_eq!(decode(b"{\"text\": \"\xff\"}"), Err(RejectReason::InvalidUtf8));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(line in prop::collection::vec(any::<u8>(), 0..60), number in any::<f64>()) {
            let _ = decode(&line);
            let _ = decode(format!("{{\"text\": \"\", \"ts\": {number:e}}}").as_bytes());
        }
    }
}
