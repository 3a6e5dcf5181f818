//! The part of a work item that never changes, as JSON, written straight from what the workers made.
//!
//! Layer 2, pure. The keys are those of [`NewItem::body`](crate::model::NewItem::body); a test reads them back with
//! the types of the schema. No intermediate value, one allocation.

use serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::model::{
    Author, Intent, Match, Mention, Post, PostKind, RuleInfo, Sentiment, Span, Timestamp, UrgencyLabel,
};

/// What the keys, scores and times take, about.
const FRAME_BYTES: usize = 640;

/// Writes the body of an item about `mention` that came about by `matches`.
///
/// Numbers that are not finite become null: JSON has no others.
pub(super) fn write(mention: &Mention, matches: &[&Match], rules: &[RuleInfo]) -> String {
    let post = &mention.post;
    let body = Body {
        sentiment: mention.scores.sentiment,
        urgency: mention.scores.urgency,
        urgency_label: mention.scores.urgency_label,
        intent: mention.scores.intent,
        lang: &mention.lang,
        matches: Matches { matches, rules },
        post: PostBody::new(post),
    };
    let mut bytes = Vec::with_capacity(FRAME_BYTES + post.text.len() + post.text.len() / 4);
    serde_json::to_writer(&mut bytes, &body)
        .expect("writing JSON to memory fails only by a map key that is no text");
    String::from_utf8(bytes).expect("serde_json writes UTF-8 only")
}

#[derive(serde::Serialize)]
struct Body<'a> {
    sentiment: Sentiment,
    urgency: f32,
    urgency_label: UrgencyLabel,
    intent: Intent,
    lang: &'a str,
    matches: Matches<'a>,
    post: PostBody<'a>,
}

struct Matches<'a> {
    matches: &'a [&'a Match],
    rules: &'a [RuleInfo],
}

impl Serialize for Matches<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.matches.len()))?;
        for found in self.matches {
            let rule = self.rules.get(found.rule as usize).map_or("", |rule| &rule.id);
            seq.serialize_element(&MatchBody { rule, spans: &found.spans })?;
        }
        seq.end()
    }
}

#[derive(serde::Serialize)]
struct MatchBody<'a> {
    rule: &'a str,
    spans: &'a [Span],
}

#[derive(serde::Serialize)]
struct PostBody<'a> {
    source: &'a str,
    uri: &'a str,
    url: Option<&'a str>,
    author: &'a Author,
    text: &'a str,
    created_at: Time,
    received_at: Time,
    kind: PostKind,
    root: Option<&'a str>,
    parent: Option<&'a str>,
    links: &'a [String],
    hashtags: &'a [String],
    mentions: &'a [String],
}

impl<'a> PostBody<'a> {
    fn new(post: &'a Post) -> Self {
        Self {
            source: post.network,
            uri: &post.uri,
            url: post.url.as_deref(),
            author: &post.author,
            text: &post.text,
            created_at: Time(post.created_at),
            received_at: Time(post.received_at),
            kind: post.kind,
            root: post.root.as_deref(),
            parent: post.parent.as_deref(),
            links: &post.links,
            hashtags: &post.hashtags,
            mentions: &post.mentions,
        }
    }
}

/// A time, written as [`Timestamp`] writes itself, at a tenth of the cost.
struct Time(Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match rfc3339(self.0) {
            Some(text) => serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default()),
            None => self.0.serialize(serializer),
        }
    }
}

/// `2026-11-21T10:00:00.000000Z`; `None` before 1970 and in the last days of 9999.
fn rfc3339(time: Timestamp) -> Option<[u8; 27]> {
    const DAY_MICROS: u64 = 86_400_000_000;
    const DAYS_MAX: u64 = 2_932_894;
    let micros = u64::try_from(time.as_micros()).ok().filter(|micros| micros / DAY_MICROS <= DAYS_MAX)?;
    let (year, month, day) = civil(micros / DAY_MICROS);
    let (second, micro) = ((micros % DAY_MICROS) / 1_000_000, micros % 1_000_000);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    for (end, digits, number) in [
        (4, 4, year),
        (7, 2, month),
        (10, 2, day),
        (13, 2, second / 3600),
        (16, 2, second / 60 % 60),
        (19, 2, second % 60),
        (26, 6, micro),
    ] {
        put(&mut text[end - digits..end], number);
    }
    Some(text)
}

fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day, `days` after 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Lane, MatchInfo, PostInfo, RuleStatus, Scores, SentimentLabel, WORK_ITEM_SCHEMA, WorkItem,
    };

    fn mention() -> Mention {
        let post = Post {
            network: "bluesky",
            uri: "at://did:plc:a/app.bsky.feed.post/1".into(),
            url: Some("https://bsky.app/profile/did:plc:a/post/1".into()),
            author: Author { id: "did:plc:a".into(), followers: Some(7), ..Author::default() },
            text: "\"Acme\" is down \u{1F92C}\n\\ again \u{0} é".into(),
            kind: PostKind::Reply,
            root: Some("at://r".into()),
            links: vec!["https://x.example/\"".into()],
            created_at: Timestamp::from_micros(1_725_911_162_329_308),
            received_at: Timestamp::from_micros(0),
            ..Post::default()
        };
        let sentiment = Sentiment { score: -0.72, label: SentimentLabel::Negative, confidence: 0.9 };
        let scores =
            Scores { sentiment, urgency: 0.81, urgency_label: UrgencyLabel::High, ..Scores::default() };
        let found = Match { rule: 1, spans: [(1, 5), (9, 13)].into_iter().collect() };
        Mention { post, is_update: false, matches: vec![found], scores, lang: "en".into() }
    }

    fn rules() -> Vec<RuleInfo> {
        ["other", "acme-outage"].map(rule).into()
    }

    fn rule(id: &str) -> RuleInfo {
        RuleInfo {
            id: id.into(),
            brand: "acme".into(),
            team: "support".into(),
            floor: Lane::Low,
            status: RuleStatus::Live,
            reply: None,
        }
    }

    /// The keys that the body has, read with the types that the work item gives them.
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Read {
        sentiment: Sentiment,
        urgency: f32,
        urgency_label: UrgencyLabel,
        intent: Intent,
        lang: String,
        matches: Vec<MatchInfo>,
        post: PostInfo,
    }

    #[test]
    fn the_body_reads_back_with_the_types_of_the_schema() {
        let mention = mention();
        let body = write(&mention, &[&mention.matches[0]], &rules());
        let read: Read = serde_json::from_str(&body).unwrap();
        assert_eq!((read.sentiment, read.urgency), (mention.scores.sentiment, 0.81));
        assert_eq!(
            (read.urgency_label, read.intent, read.lang.as_str()),
            (UrgencyLabel::High, Intent::Other, "en")
        );
        assert_eq!(read.matches, [MatchInfo { rule: "acme-outage".into(), spans: vec![(1, 5), (9, 13)] }]);
        assert_eq!(
            (read.post.text, read.post.author),
            (mention.post.text.clone(), mention.post.author.clone())
        );
        assert_eq!((read.post.created_at, read.post.received_at), (mention.post.created_at, Timestamp::ZERO));
        assert_eq!((read.post.links, read.post.url), (mention.post.links.clone(), mention.post.url.clone()));
    }

    #[test]
    fn the_keys_are_those_of_the_work_item() {
        let keys = |value: serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let mention = mention();
        let body: serde_json::Value = serde_json::from_str(&write(&mention, &[], &rules())).unwrap();
        let item = serde_json::json!({
            "schema": WORK_ITEM_SCHEMA, "id": "00000000000000ff", "created_at": "2026-11-21T10:00:00Z",
            "updated_at": "2026-11-21T10:00:00Z", "brand": "b", "team": "t", "state": "new",
            "due_at": "2026-11-21T10:00:00Z", "priority": {"score": 1, "lane": "low", "factors":
            {"urgency": 0.0, "sentiment": 0.0, "influence": 0.0, "amplification": 0.0, "floor": "low"}},
            "sentiment": body["sentiment"], "urgency": body["urgency"], "urgency_label": body["urgency_label"],
            "intent": body["intent"], "lang": body["lang"], "matches": body["matches"], "post": body["post"],
            "cluster": {"id": "0", "size": 1, "authors": 1, "first_seen": "2026-11-21T10:00:00Z"},
            "author_history": {"mentions": 0, "open_items": 0, "last_sentiment": null, "first_seen": null},
            "reply": null
        });
        let item: WorkItem = serde_json::from_str(&item.to_string()).unwrap();
        let whole: serde_json::Value = serde_json::from_str(&serde_json::to_string(&item).unwrap()).unwrap();
        assert_eq!(keys(whole["post"].clone()), keys(body["post"].clone()));
        for key in keys(body.clone()) {
            assert_eq!(whole[&key], body[&key], "{key}");
        }
    }

    proptest::proptest! {
        #[test]
        fn times_are_written_as_timestamps_write_themselves(micros in -1_000_000i64..253_402_000_000_000_000) {
            let time = Timestamp::from_micros(micros);
            if let Some(text) = rfc3339(time) {
                proptest::prop_assert_eq!(std::str::from_utf8(&text).unwrap(), time.to_string());
            } else {
                proptest::prop_assert!(micros < 0);
            }
        }
    }

    #[test]
    fn leap_days_and_the_ends_of_time_are_right() {
        for text in
            ["2024-02-29T23:59:59.999999Z", "2000-03-01T00:00:00.000000Z", "9999-12-29T23:59:59.000000Z"]
        {
            let time = Timestamp::parse(text).unwrap();
            assert_eq!(std::str::from_utf8(&rfc3339(time).unwrap()).unwrap(), text);
        }
        assert!(
            rfc3339(Timestamp::from_micros(-1)).is_none()
                && rfc3339(Timestamp::from_micros(i64::MAX)).is_none()
        );
    }

    #[test]
    fn a_number_that_is_none_becomes_null_rather_than_a_failure() {
        let mut mention = mention();
        mention.scores.urgency = f32::NAN;
        assert!(write(&mention, &[], &rules()).contains("\"urgency\":null"));
    }
}
