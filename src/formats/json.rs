//! Posts as plain JSON objects: `{"text": "…"}` and whatever else is known; a birddog work item will do.
//!
//! Where each field stands is a map of JSON pointers (RFC 6901), in which the first that is there counts; `FIELDS` has
//! those that count without a map.
//!
//! [`decode`] is for sources: what is of another type is an error that names the field, and a post needs an id, since
//! posts are told apart by it. [`read_leniently`] is for people's exports: what is missing or of another type is left
//! out, and only the text must be there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Refused;
use super::jetstream;
use crate::model::network::{self, JSON};
use crate::model::{Author, Post, PostKind, RejectReason, Timestamp};

/// Objects that hold the post, from the outside in: what the queue shows of an item, an item, its post.
const WRAPPERS: [&str; 2] = ["item", "post"];

/// Every field, with the pointers that count without a map.
const FIELDS: [(&str, &[&str]); FIELD_COUNT] = [
    ("text", &["/text"]),
    ("id", &["/uri", "/id", "/url"]),
    ("author.id", &["/author/id", "/author/did", "/author", "/user"]),
    ("author.name", &["/author/handle", "/author/name", "/author", "/user"]),
    ("author.followers", &["/author/followers", "/followers"]),
    ("author.bot", &["/author/bot"]),
    ("created_at", &["/created_at", "/ts", "/time"]),
    ("lang", &["/langs", "/lang"]),
    ("url", &["/url"]),
    ("kind", &["/kind"]),
    ("network", &["/source"]),
    ("parent", &["/parent"]),
    ("parent.author", &["/parent_author"]),
    ("root", &["/root"]),
    ("quoted", &["/quoted"]),
    ("links", &["/links"]),
    ("hashtags", &["/hashtags"]),
    ("mentions", &["/mentions"]),
    ("captions", &["/captions"]),
    ("has_media", &["/has_media"]),
];
const FIELD_COUNT: usize = 20;

/// One of [`FIELDS`], in their order.
#[derive(Clone, Copy)]
enum Field {
    Text,
    Id,
    AuthorId,
    AuthorName,
    AuthorFollowers,
    AuthorBot,
    CreatedAt,
    Lang,
    Url,
    Kind,
    Network,
    Parent,
    ParentAuthor,
    Root,
    Quoted,
    Links,
    Hashtags,
    Mentions,
    Captions,
    HasMedia,
}

/// Where each field of a post stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    paths: [Vec<Path>; FIELD_COUNT],
    /// Some stand elsewhere than usual.
    is_mapped: bool,
    /// A source believes what a post says of its network. Otherwise its posts are of none: nobody who may send posts can
    /// take the identity of a post on a network.
    has_network: bool,
}

/// A pointer, taken apart.
type Path = Vec<String>;

impl Default for Fields {
    fn default() -> Self {
        let paths = FIELDS.map(|(_, pointers)| pointers.iter().map(|pointer| path(pointer)).collect());
        Self { paths, is_mapped: false, has_network: false }
    }
}

impl Fields {
    /// The usual places, but for the fields that `map` places elsewhere.
    ///
    /// # Errors
    /// A sentence for each name that is no field, and each pointer that is none.
    pub fn new(map: &BTreeMap<String, String>) -> Result<Self, Vec<String>> {
        let (mut fields, mut mistakes) = (Self::default(), Vec::new());
        fields.is_mapped = !map.is_empty();
        fields.has_network = map.contains_key("network");
        for (name, pointer) in map {
            let place = FIELDS.iter().position(|(known, _)| known == name);
            match place {
                Some(_) if !pointer.starts_with('/') => mistakes.push(format!(
                    "the place of `{name}` is {pointer:?}; write a JSON pointer, such as \"/user/name\""
                )),
                Some(place) => fields.paths[place] = vec![path(pointer)],
                None => {
                    let known = FIELDS.map(|(known, _)| known).join(", ");
                    mistakes.push(format!("there is no field `{name}`; there are {known}"));
                }
            }
        }
        if mistakes.is_empty() { Ok(fields) } else { Err(mistakes) }
    }
}

/// `/a~1b/c` is `a/b` and in it `c`.
fn path(pointer: &str) -> Path {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// Reads one post of a source; `received_at` stands in for a time that it does not say, or that is yet to come.
///
/// # Errors
/// Why it is refused; the detail names the field.
pub fn decode(frame: &[u8], fields: &Fields, received_at: Timestamp) -> Result<Post, Refused> {
    let value = parse(frame, fields)?;
    let mut reading = Reading { value: &value, fields, mistake: None };
    let text = reading.get(Field::Text, text, "a text");
    let mut post = reading.post(text.unwrap_or_default());
    if text_is_missing(&reading) {
        reading.refuse(Field::Text, "is missing: a post is an object with a text");
    }
    if post.uri.is_empty() {
        reading.refuse(Field::Id, "is missing: posts are told apart by it");
    }
    if let Some(detail) = reading.mistake {
        return Err(Refused { reason: RejectReason::WrongShape, detail: Some(detail) });
    }
    if !fields.has_network {
        post.network = JSON;
    }
    post.received_at = received_at;
    let is_told = post.created_at != Timestamp::ZERO;
    post.event_at = if is_told { post.created_at.min(received_at) } else { received_at };
    post.created_at = if is_told { post.created_at } else { received_at };
    Ok(post)
}

/// Reads one post of an export.
///
/// # Errors
/// The reason to count the line under.
pub fn read_leniently(line: &[u8], fields: &Fields) -> Result<Post, RejectReason> {
    let value = parse(line, fields).map_err(|refused| refused.reason)?;
    let mut reading = Reading { value: &value, fields, mistake: None };
    let text = reading.get(Field::Text, text, "a text").ok_or(RejectReason::WrongShape)?;
    Ok(reading.post(text))
}

fn text_is_missing(reading: &Reading<'_>) -> bool {
    reading.found(Field::Text).next().is_none()
}

/// The object that holds the fields.
fn parse(frame: &[u8], fields: &Fields) -> Result<Value, Refused> {
    let text = std::str::from_utf8(frame).map_err(|_| RejectReason::InvalidUtf8)?;
    let mut value: Value = serde_json::from_str(text).map_err(|error| broken(&error))?;
    // Where fields are mapped, the map says it all.
    for wrapper in WRAPPERS.into_iter().filter(|_| !fields.is_mapped) {
        if let Some(inner) = value.get_mut(wrapper).filter(|inner| inner.is_object()) {
            value = inner.take();
        }
    }
    if !value.is_object() {
        let detail = Some("a post is an object, such as {\"id\": \"1\", \"text\": \"…\"}".to_owned());
        return Err(Refused { reason: RejectReason::WrongShape, detail });
    }
    Ok(value)
}

fn broken(error: &serde_json::Error) -> Refused {
    let is_deep = error.to_string().starts_with("recursion limit");
    let reason = if is_deep { RejectReason::TooDeep } else { RejectReason::InvalidJson };
    Refused { reason, detail: Some(format!("it is not JSON: {error}")) }
}

/// One object that is being read.
struct Reading<'v> {
    value: &'v Value,
    fields: &'v Fields,
    /// The first value of another type than is wanted.
    mistake: Option<String>,
}

impl Reading<'_> {
    /// The values that stand at the places of a field.
    fn found(&self, field: Field) -> impl Iterator<Item = &Value> {
        let paths = self.fields.paths[field as usize].iter();
        let at = |path: &Path| path.iter().try_fold(self.value, |value, part| step(value, part));
        // An author is an object with a name and an id, or a name alone.
        let is_other = matches!(field, Field::AuthorId | Field::AuthorName);
        paths.filter_map(at).filter(move |value| !(value.is_null() || is_other && value.is_object()))
    }

    /// The first value that can be read; one that is there and cannot is a mistake.
    fn get<T>(&mut self, field: Field, read: fn(&Value) -> Option<T>, wanted: &str) -> Option<T> {
        if let Some(value) = self.found(field).find_map(read) {
            return Some(value);
        }
        let wrong =
            self.found(field).next().map(|value| format!("is {}; {wanted} is wanted", type_of(value)));
        if let Some(wrong) = wrong {
            self.refuse(field, &wrong);
        }
        None
    }

    fn refuse(&mut self, field: Field, problem: &str) {
        let (name, places) = FIELDS[field as usize];
        let place = self.fields.paths[field as usize].first().map_or_else(|| places[0].to_owned(), pointer);
        self.mistake.get_or_insert_with(|| format!("`{name}` (at {place}) {problem}"));
    }

    fn list(&mut self, field: Field) -> Vec<String> {
        self.get(field, strings, "a list of texts").unwrap_or_default()
    }

    fn scalar(&mut self, field: Field) -> Option<String> {
        self.get(field, scalar, "a text or a number")
    }

    fn post(&mut self, text: String) -> Post {
        let created_at = self.get(Field::CreatedAt, time, "a time").unwrap_or_default();
        let network = self.get(Field::Network, network, "a network's name").unwrap_or(JSON);
        let (parent, parent_author) = (self.scalar(Field::Parent), self.scalar(Field::ParentAuthor));
        let parent_author =
            parent_author.or_else(|| jetstream::account_of(parent.as_deref()?).map(str::to_owned));
        let mut post = Post {
            text,
            network,
            uri: self.scalar(Field::Id).unwrap_or_default(),
            url: self.scalar(Field::Url),
            author: self.author(),
            captions: self.list(Field::Captions),
            langs: self.list(Field::Lang),
            kind: self.get(Field::Kind, kind, "post, reply, repost or quote").unwrap_or_default(),
            root: self.scalar(Field::Root),
            parent,
            parent_author,
            subject: self.scalar(Field::Quoted),
            links: self.list(Field::Links),
            hashtags: self.list(Field::Hashtags),
            mentions: self.list(Field::Mentions),
            has_media: self.get(Field::HasMedia, Value::as_bool, "true or false").unwrap_or(false),
            created_at,
            event_at: created_at,
            ..Post::default()
        };
        post.cut();
        post
    }

    fn author(&mut self) -> Author {
        Author {
            id: self.scalar(Field::AuthorId).unwrap_or_default(),
            handle: self.scalar(Field::AuthorName),
            followers: self.get(Field::AuthorFollowers, Value::as_u64, "a number of people"),
            bot: self.get(Field::AuthorBot, Value::as_bool, "true or false").unwrap_or(false),
        }
    }
}

fn step<'v>(value: &'v Value, part: &str) -> Option<&'v Value> {
    match value {
        Value::Object(fields) => fields.get(part),
        Value::Array(values) => values.get(part.parse::<usize>().ok()?),
        _ => None,
    }
}

fn pointer(path: &Path) -> String {
    path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Exports name networks that we do not know; their posts are JSON to us.
fn network(value: &Value) -> Option<&'static str> {
    value.as_str().map(|name| network::network(name).unwrap_or(JSON))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
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
fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(values) => Some(values.iter().filter_map(scalar).collect()),
        value => scalar(value).map(|one| vec![one]),
    }
}

fn kind(value: &Value) -> Option<PostKind> {
    Some(match value.as_str()? {
        "post" => PostKind::Post,
        "reply" => PostKind::Reply,
        "repost" => PostKind::Repost,
        "quote" => PostKind::Quote,
        _ => return None,
    })
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
        read_leniently(line.as_bytes(), &Fields::default()).unwrap()
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
            assert_eq!(read_leniently(line.as_bytes(), &Fields::default()), Err(expected), "{line}");
        }
        assert_eq!(
            read_leniently(b"{\"text\": \"\xff\"}", &Fields::default()),
            Err(RejectReason::InvalidUtf8)
        );
    }

    fn refusal(line: &str) -> String {
        decode(line.as_bytes(), &Fields::default(), Timestamp::ZERO).unwrap_err().detail.unwrap()
    }

    #[test]
    fn a_source_is_told_which_field_is_wrong_and_where_it_stands() {
        for (line, expected) in [
            (r#"{"id": 1, "text": 5}"#, "`text` (at /text) is a number; a text is wanted"),
            (r#"{"id": 1}"#, "`text` (at /text) is missing: a post is an object with a text"),
            (r#"{"text": "a"}"#, "`id` (at /uri) is missing: posts are told apart by it"),
            (
                r#"{"id": 1, "text": "a", "author": {"followers": "many"}}"#,
                "`author.followers` (at /author/followers) is a text; a number of people is wanted",
            ),
            (
                r#"{"id": 1, "text": "a", "created_at": "soon"}"#,
                "`created_at` (at /created_at) is a text; a time is wanted",
            ),
            (
                r#"{"id": 1, "text": "a", "kind": "shout"}"#,
                "`kind` (at /kind) is a text; post, reply, repost or quote is wanted",
            ),
        ] {
            assert_eq!(refusal(line), expected);
        }
        assert!(refusal("{\"id\": 1,").starts_with("it is not JSON: "));
        assert!(refusal("[1]").starts_with("a post is an object"));
    }

    #[test]
    fn a_map_says_where_fields_stand() {
        let map = [("text", "/body/0/plain"), ("id", "/meta/a~1b"), ("author.name", "/who")];
        let map = map.into_iter().map(|(field, place)| (field.to_owned(), place.to_owned())).collect();
        let fields = Fields::new(&map).unwrap();
        let line =
            r#"{"body": [{"plain": "hi"}], "meta": {"a/b": 7}, "who": "jo", "lang": "fr", "text": "no"}"#;
        let now = Timestamp::from_micros(5);
        let post = decode(line.as_bytes(), &fields, now).unwrap();
        assert_eq!((&*post.text, &*post.uri, post.author.handle.as_deref()), ("hi", "7", Some("jo")));
        assert_eq!((post.langs, post.event_at, post.received_at), (vec!["fr".to_owned()], now, now));
        let wrong = [("txt", "/text"), ("text", "text")];
        let wrong = wrong.into_iter().map(|(field, place)| (field.to_owned(), place.to_owned())).collect();
        let mistakes = Fields::new(&wrong).unwrap_err().join("\n");
        assert!(mistakes.contains("no field `txt`") && mistakes.contains("JSON pointer"), "{mistakes}");
    }

    #[test]
    fn a_source_believes_what_posts_say_of_their_network_only_when_it_is_told_to() {
        let line = br#"{"id": "at://did:plc:a/app.bsky.feed.post/1", "text": "a", "source": "bluesky"}"#;
        let network = |fields: &Fields| decode(line, fields, Timestamp::ZERO).unwrap().network;
        assert_eq!(network(&Fields::default()), "json");
        let map = [("network".to_owned(), "/source".to_owned())].into_iter().collect();
        assert_eq!(network(&Fields::new(&map).unwrap()), "bluesky");
        assert_eq!(read_leniently(line, &Fields::default()).unwrap().network, "bluesky");
    }

    #[test]
    fn a_map_may_reach_into_what_is_otherwise_taken_for_the_post() {
        let map = [("id", "/n"), ("text", "/post/body")];
        let map = map.into_iter().map(|(field, place)| (field.to_owned(), place.to_owned())).collect();
        let line = br#"{"n": 1, "post": {"body": "hi"}}"#;
        assert_eq!(decode(line, &Fields::new(&map).unwrap(), Timestamp::ZERO).unwrap().text, "hi");
    }

    #[test]
    fn nothing_happens_after_it_is_read() {
        let line = br#"{"id": 1, "text": "a", "ts": 4000000000}"#;
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        assert_eq!(decode(line, &Fields::default(), now).unwrap().event_at, now);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(line in prop::collection::vec(any::<u8>(), 0..60), number in any::<f64>()) {
            let _ = (read_leniently(&line, &Fields::default()), decode(&line, &Fields::default(), Timestamp::ZERO));
            let line = format!("{{\"text\": \"\", \"ts\": {number:e}}}");
            let _ = read_leniently(line.as_bytes(), &Fields::default());
        }
    }
}
