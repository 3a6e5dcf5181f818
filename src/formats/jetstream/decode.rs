//! The parser: a frame to an [`Event`], through simd-json's tape with reused buffers.
//!
//! Lenient as the protocol asks: unknown fields and kinds pass, the record's optional parts may be missing or of any
//! type. Strict where identity is concerned: without did, collection and rkey there is nothing to store.

use simd_json::prelude::{ValueAsScalar, ValueIntoString};
use simd_json::tape::{Array, Value};
use simd_json::{Buffers, INPUT_PADDING, Tape};

use super::record::{NETWORK, RecordRef, URI_BYTES_MAX};
use super::subject::account_of;
use super::{POST, REPOST};
use crate::model::{AccountRef, Author, Event, Post, PostKind, RejectReason, Timestamp};

/// Brackets may nest this deep; real posts stay under 12.
pub const DEPTH_MAX: usize = 64;

/// Parses frames one after another in the same buffers.
pub struct Decoder {
    scratch: Vec<u8>,
    buffers: Buffers,
    tape: Option<Tape<'static>>,
}

impl Default for Decoder {
    fn default() -> Self {
        let buffers = Buffers::with_max_depth(4096, DEPTH_MAX);
        Self { scratch: Vec::with_capacity(4096), buffers, tape: None }
    }
}

impl Decoder {
    /// Parses one frame.
    ///
    /// # Errors
    /// The reason to count the frame under.
    pub fn decode(&mut self, frame: &[u8], received_at: Timestamp) -> Result<Event, RejectReason> {
        self.scratch.clear();
        self.scratch.extend_from_slice(frame);
        self.scratch.resize(frame.len() + INPUT_PADDING, b' ');
        let mut tape = self.tape.take().unwrap_or_else(Tape::null);
        tape.0.clear();
        let mut tape: Tape<'_> = tape.reset();
        let parsed =
            simd_json::fill_tape_padded(&mut self.scratch, frame.len(), &mut self.buffers, &mut tape);
        let event = match parsed {
            Ok(()) => read_event(tape.as_value(), received_at),
            Err(error) => Err(reason(&error, frame)),
        };
        self.tape = Some(tape.reset());
        event
    }
}

fn reason(error: &simd_json::Error, frame: &[u8]) -> RejectReason {
    use simd_json::ErrorType;
    match error.error() {
        ErrorType::InvalidUtf8 => RejectReason::InvalidUtf8,
        _ if std::str::from_utf8(frame).is_err() => RejectReason::InvalidUtf8,
        ErrorType::DepthLimitExceeded => RejectReason::TooDeep,
        _ => RejectReason::InvalidJson,
    }
}

type Json<'t, 'i> = Value<'t, 'i>;

fn text<'i>(value: &Json<'_, 'i>, key: &str) -> Option<&'i str> {
    value.get(key)?.into_string()
}

/// The values of `keys` in an object, in one walk. Of a key given twice the first counts, as in [`text`].
fn fields<'t, 'i, const KEYS: usize>(
    value: &Json<'t, 'i>,
    keys: [&str; KEYS],
) -> [Option<Json<'t, 'i>>; KEYS] {
    let mut found = [None; KEYS];
    for (key, value) in value.as_object().iter().flat_map(|object| object.iter()) {
        if let Some(at) = keys.iter().position(|wanted| *wanted == key) {
            found[at] = found[at].or(Some(value));
        }
    }
    found
}

fn required<'i>(field: Option<Json<'_, 'i>>) -> Result<&'i str, RejectReason> {
    field.and_then(Json::into_string).ok_or(RejectReason::WrongShape)
}

fn read_event(event: Json<'_, '_>, received_at: Timestamp) -> Result<Event, RejectReason> {
    let [did, kind, time, commit] = fields(&event, ["did", "kind", "time_us", "commit"]);
    let (did, kind) = (required(did)?, required(kind)?);
    let event_at = time.and_then(|time| time.as_i64()).map_or(received_at, Timestamp::from_micros);
    match kind {
        "commit" => {
            let commit = commit.filter(|commit| commit.as_object().is_some());
            Commit { did, event_at, received_at, commit: commit.ok_or(RejectReason::WrongShape)? }.read()
        }
        "identity" => {
            let handle =
                event.get("identity").and_then(|identity| text(&identity, "handle")).map(str::to_owned);
            Ok(Event::Handle { id: did.to_owned(), handle })
        }
        "account" => Ok(account(did, event_at, &event)),
        _ => Ok(Event::Other),
    }
}

/// Only what cannot come back by itself ends an account's items; a suspension or a rest may be over tomorrow.
fn account(did: &str, event_at: Timestamp, event: &Json<'_, '_>) -> Event {
    let status = event.get("account").and_then(|account| {
        let inactive = account.get("active").and_then(|active| active.as_bool()) == Some(false);
        inactive.then(|| text(&account, "status")).flatten()
    });
    match status {
        Some("deleted" | "takendown") => {
            Event::AccountGone(AccountRef { network: NETWORK, id: did.into(), event_at })
        }
        _ => Event::Other,
    }
}

struct Commit<'t, 'i> {
    did: &'i str,
    event_at: Timestamp,
    received_at: Timestamp,
    commit: Json<'t, 'i>,
}

impl Commit<'_, '_> {
    fn read(&self) -> Result<Event, RejectReason> {
        let [operation, collection, rkey, record, rev] =
            fields(&self.commit, ["operation", "collection", "rkey", "record", "rev"]);
        let (operation, collection, rkey) = (required(operation)?, required(collection)?, required(rkey)?);
        let place =
            RecordRef { did: self.did, rkey, rev: rev.and_then(Json::into_string).unwrap_or_default() };
        if !place.is_bounded() {
            return Err(RejectReason::WrongShape);
        }
        let record = || record.filter(|record| record.as_object().is_some()).ok_or(RejectReason::WrongShape);
        match (collection, operation) {
            (POST, "create") => Ok(Event::Create(self.post(&place, record()?)?)),
            (POST, "update") => Ok(Event::Update(self.post(&place, record()?)?)),
            (POST, "delete") => Ok(Event::Delete(place.deletion(self.event_at))),
            (REPOST, "create") => {
                let subject = record()?.get("subject").and_then(|subject| text(&subject, "uri"));
                let repost = subject.and_then(|subject| place.repost(subject, self.event_at));
                Ok(Event::Repost(repost.ok_or(RejectReason::WrongShape)?))
            }
            _ => Ok(Event::Other),
        }
    }

    fn post(&self, place: &RecordRef<'_>, record: Json<'_, '_>) -> Result<Post, RejectReason> {
        let [body, langs, tags, created_at, facets, reply, embed] =
            fields(&record, ["text", "langs", "tags", "createdAt", "facets", "reply", "embed"]);
        let body = match body {
            None => "",
            Some(body) => body.into_string().ok_or(RejectReason::WrongShape)?,
        };
        let mut post = Post {
            network: NETWORK,
            uri: place.uri(POST),
            version: place.rev.to_owned(),
            author: Author { id: self.did.to_owned(), ..Author::default() },
            text: body.to_owned(),
            langs: strings(langs).collect(),
            hashtags: strings(tags).collect(),
            created_at: created_at
                .and_then(Json::into_string)
                .and_then(Timestamp::parse)
                .unwrap_or(self.event_at),
            received_at: self.received_at,
            event_at: self.event_at,
            ..Post::default()
        };
        read_facets(facets, &mut post);
        if let Some(reply) = reply {
            read_reply(&reply, &mut post);
        }
        if let Some(embed) = embed {
            read_embed(&embed, &mut post);
        }
        post.cut();
        Ok(post)
    }
}

fn objects<'t, 'i>(list: Option<Json<'t, 'i>>) -> impl Iterator<Item = Json<'t, 'i>> {
    list.and_then(|list| list.as_array()).into_iter().flat_map(|list: Array<'t, 'i>| list.iter())
}

fn strings(list: Option<Json<'_, '_>>) -> impl Iterator<Item = String> {
    objects(list).filter_map(|item| item.into_string().map(str::to_owned))
}

/// Facets name what their byte range holds; the ranges are untrusted, and not needed here.
fn read_facets(facets: Option<Json<'_, '_>>, post: &mut Post) {
    for feature in objects(facets).flat_map(|facet| objects(facet.get("features"))) {
        let Some(kind) = text(&feature, "$type") else { continue };
        let (field, into) = match kind {
            "app.bsky.richtext.facet#mention" => ("did", &mut post.mentions),
            "app.bsky.richtext.facet#link" => ("uri", &mut post.links),
            "app.bsky.richtext.facet#tag" => ("tag", &mut post.hashtags),
            _ => continue,
        };
        into.extend(text(&feature, field).map(str::to_owned));
    }
}

fn read_reply(reply: &Json<'_, '_>, post: &mut Post) {
    let uri = |name| reply.get(name).and_then(|target: Json<'_, '_>| uri_of(&target).map(str::to_owned));
    post.root = uri("root");
    post.parent = uri("parent");
    post.parent_author = post.parent.as_deref().and_then(account_of).map(str::to_owned);
    if post.parent.is_some() || post.root.is_some() {
        post.kind = PostKind::Reply;
    }
}

/// The URI in a reference to another record, unless no server could have written it.
fn uri_of<'i>(reference: &Json<'_, 'i>) -> Option<&'i str> {
    text(reference, "uri").filter(|uri| uri.len() <= URI_BYTES_MAX)
}

fn read_embed(embed: &Json<'_, '_>, post: &mut Post) {
    let Some(kind) = text(embed, "$type") else { return };
    match kind {
        "app.bsky.embed.record" => read_quote(embed.get("record"), post),
        "app.bsky.embed.recordWithMedia" => {
            read_quote(embed.get("record").and_then(|record| record.get("record")), post);
            if let Some(media) = embed.get("media") {
                read_media(&media, post);
            }
        }
        _ => read_media(embed, post),
    }
}

fn read_quote(record: Option<Json<'_, '_>>, post: &mut Post) {
    // Lists, feeds and starter packs are embedded the same way, and are no quotes.
    let is_post = |uri: &&str| uri.contains("/app.bsky.feed.post/");
    let subject = record.and_then(|record| uri_of(&record).filter(is_post));
    if let Some(subject) = subject {
        post.subject = Some(subject.to_owned());
        post.kind = PostKind::Quote;
    }
}

fn read_media(embed: &Json<'_, '_>, post: &mut Post) {
    let mut caption =
        |text: Option<&str>| post.captions.extend(text.filter(|text| !text.is_empty()).map(str::to_owned));
    if let Some(external) = embed.get("external") {
        caption(text(&external, "title"));
        caption(text(&external, "description"));
        post.links.extend(text(&external, "uri").map(str::to_owned));
        return;
    }
    post.has_media = true;
    caption(text(embed, "alt"));
    objects(embed.get("images"))
        .chain(objects(embed.get("items")))
        .for_each(|image| caption(text(&image, "alt")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::web_url;

    fn decode(frame: &str) -> Result<Event, RejectReason> {
        Decoder::default().decode(frame.as_bytes(), Timestamp::from_micros(7))
    }

    fn post(record: &str) -> Post {
        let frame = format!(
            r#"{{"did":"did:plc:a","time_us":1725911162329308,"kind":"commit","commit":{{"rev":"3l","operation":"create","collection":"app.bsky.feed.post","rkey":"3k","record":{record},"cid":"b"}}}}"#
        );
        match decode(&frame) {
            Ok(Event::Create(post)) => post,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reply_that_quotes_is_both() {
        let post = post(
            r#"{"text":"x","reply":{"root":{"uri":"at://r"},"parent":{"uri":"at://p"}},
            "embed":{"$type":"app.bsky.embed.record","record":{"uri":"at://did:plc:b/app.bsky.feed.post/1"}}}"#,
        );
        assert!(post.is_of_kind(PostKind::Reply) && post.is_of_kind(PostKind::Quote));
    }

    #[test]
    fn a_post_is_read_with_everything_it_carries() {
        let post = post(
            r#"{"$type":"app.bsky.feed.post","createdAt":"2024-09-09T19:46:02.102Z","langs":["en","es"],"tags":["outline"],
            "facets":[{"index":{"byteStart":0,"byteEnd":999},"features":[{"$type":"app.bsky.richtext.facet#tag","tag":"acme"},
              {"$type":"app.bsky.richtext.facet#mention","did":"did:plc:m"},{"$type":"app.bsky.richtext.facet#link","uri":"https://x.example"}]}],
            "embed":{"$type":"app.bsky.embed.recordWithMedia","record":{"record":{"uri":"at://did:plc:b/app.bsky.feed.post/1","cid":"c"}},
              "media":{"$type":"app.bsky.embed.images","images":[{"alt":"a photo"}]}},
            "reply":{"root":{"uri":"at://r","cid":"c"},"parent":{"uri":"at://p","cid":"c"}},"text":"caf\u00e9 \ud83d\ude00"}"#,
        );
        assert_eq!(post.uri, "at://did:plc:a/app.bsky.feed.post/3k");
        let url = web_url(post.network, &post.uri);
        assert_eq!(url.as_deref(), Some("https://bsky.app/profile/did:plc:a/post/3k"));
        assert_eq!(post.text, "café 😀");
        assert_eq!((post.langs.len(), post.kind, post.has_media), (2, PostKind::Quote, true));
        assert_eq!(post.captions, ["a photo"]);
        assert_eq!(
            (post.hashtags, post.mentions),
            (vec!["outline".into(), "acme".into()], vec!["did:plc:m".into()])
        );
        assert_eq!(post.links, ["https://x.example"]);
        assert_eq!((post.root.as_deref(), post.parent.as_deref()), (Some("at://r"), Some("at://p")));
        assert_eq!(post.created_at.to_string(), "2024-09-09T19:46:02.102000Z");
        assert_eq!(post.event_at.as_micros(), 1_725_911_162_329_308);
    }

    #[test]
    fn optional_parts_may_be_missing_or_of_any_type() {
        let odd = post(
            r#"{"text":"x","langs":"en","facets":[1,{"features":{}}],"embed":[],"reply":null,"tags":[3]}"#,
        );
        assert_eq!((odd.text.as_str(), odd.kind, odd.langs.len()), ("x", PostKind::Post, 0));
        assert_eq!(odd.created_at, odd.event_at);
        assert_eq!(post("{}").text, "");
    }

    #[test]
    fn the_other_events_of_the_wire_are_told_apart() {
        let account = |status: &str| {
            decode(&format!(
                r#"{{"did":"d","time_us":1,"kind":"account","account":{{"active":false,"status":"{status}"}}}}"#
            ))
        };
        assert_eq!(
            account("deleted"),
            Ok(Event::AccountGone(AccountRef {
                network: "bluesky",
                id: "d".into(),
                event_at: Timestamp::from_micros(1)
            }))
        );
        assert_eq!(account("suspended"), Ok(Event::Other));
        let identity = r#"{"did":"d","time_us":1,"kind":"identity","identity":{"handle":"a.example"}}"#;
        assert_eq!(decode(identity), Ok(Event::Handle { id: "d".into(), handle: Some("a.example".into()) }));
        assert_eq!(decode(r#"{"did":"d","time_us":1,"kind":"sync","cursor":9}"#), Ok(Event::Other));
        let delete = r#"{"did":"d","time_us":1,"kind":"commit","commit":{"rev":"r","operation":"delete","collection":"app.bsky.feed.post","rkey":"k"}}"#;
        let Ok(Event::Delete(deletion)) = decode(delete) else { panic!("not a delete") };
        let texts = deletion.texts();
        assert_eq!((texts.actor, texts.version, texts.subject), ("d", "r", "at://d/app.bsky.feed.post/k"));
        assert_eq!(texts.record, texts.subject);
    }

    #[test]
    fn bad_frames_are_refused_by_reason() {
        let deep = format!(
            r#"{{"did":"x","ignored":{}{},"kind":"commit"}}"#,
            "[".repeat(1_000_000),
            "]".repeat(1_000_000)
        );
        let wrong_text = r#"{"did":"d","kind":"commit","commit":{"operation":"create","collection":"app.bsky.feed.post","rkey":"k","record":{"text":7}}}"#;
        for (frame, wanted) in [
            (r#"{"did":"x","#, RejectReason::InvalidJson),
            ("", RejectReason::InvalidJson),
            ("not json", RejectReason::InvalidJson),
            (&deep, RejectReason::TooDeep),
            ("[]", RejectReason::WrongShape),
            (r#"{"did":7,"kind":"commit"}"#, RejectReason::WrongShape),
            (r#"{"did":"d","kind":"commit","commit":[]}"#, RejectReason::WrongShape),
            (wrong_text, RejectReason::WrongShape),
        ] {
            assert_eq!(decode(frame), Err(wanted), "{:.60}", frame);
        }
        let invalid = Decoder::default().decode(b"{\"did\":\"\xFF\",\"kind\":\"commit\"}", Timestamp::ZERO);
        assert_eq!(invalid, Err(RejectReason::InvalidUtf8));
    }
}
