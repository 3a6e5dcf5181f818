//! What never changes of a work item, and its form on disk: one schema, for writing and for reading.
//!
//! A version byte and [postcard](https://postcard.jamesmunro.com/wire-format): fields in order, no names, lengths and
//! numbers in as few bytes as they need. So the order of the fields below *is* the format: whoever changes it raises
//! `VERSION`. What follows from other fields is left out: the author's id and the address from the URI, the parent
//! from the root. Not what anybody outside gets: that is the JSON of [`WorkItem`](super::WorkItem).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::cutting::cut_matches;
use super::post::{authority, web_url};
use super::{
    Alarm, Author, AuthorHistory, ClusterInfo, Cut, ItemBody, Match, MatchInfo, Mention, Post, PostBody,
    PostInfo, PostKind, ReplyDecision, RuleInfo, Scores, Sentiment, Span, Timestamp,
};

/// The first byte of every body.
const VERSION: u8 = 3;

/// The first byte of an alarm, instead.
const VERSION_ALARM: u8 = 0x81;

/// The version before, which had nothing cut: migrations read it.
const VERSION_WHOLE: u8 = 2;

/// What everything but texts takes, about.
const FRAME_BYTES: usize = 128;

/// The body of an item, borrowing its texts from what it was made of or read from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields of WorkItem")]
pub struct Body<'a> {
    /// First, so that [`Body::sentiment_of`] needs to read no more than their beginning.
    pub scores: Scores,
    pub lang: &'a str,
    pub cut: Cut,
    #[serde(borrow)]
    pub matches: SmallVec<[BodyMatch<'a>; 2]>,
    #[serde(borrow)]
    pub post: BodyPost<'a>,
}

/// [`Body`] as [`VERSION_WHOLE`] had it.
#[derive(Deserialize)]
struct WholeBody<'a> {
    scores: Scores,
    lang: &'a str,
    #[serde(borrow)]
    matches: SmallVec<[BodyMatch<'a>; 2]>,
    #[serde(borrow)]
    post: BodyPost<'a>,
}

/// A rule that matched, by name, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields of MatchInfo")]
pub struct BodyMatch<'a> {
    pub rule: &'a str,
    pub spans: Cow<'a, [Span]>,
}

/// Most posts have none of a kind, or one.
type Texts<'a> = SmallVec<[&'a str; 1]>;

/// The post.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields of PostInfo")]
pub struct BodyPost<'a> {
    pub source: &'a str,
    pub uri: &'a str,
    pub url: Address<'a>,
    /// `None` when it is the URI's authority.
    pub author: Option<&'a str>,
    pub handle: Option<&'a str>,
    pub followers: Option<u64>,
    pub bot: bool,
    pub text: &'a str,
    pub created_at: Timestamp,
    pub received_at: Timestamp,
    pub kind: PostKind,
    pub root: Option<&'a str>,
    pub parent: Parent<'a>,
    #[serde(borrow)]
    pub links: Texts<'a>,
    #[serde(borrow)]
    pub hashtags: Texts<'a>,
    #[serde(borrow)]
    pub mentions: Texts<'a>,
}

/// Where a person can open the post.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address<'a> {
    /// Nowhere.
    #[default]
    None,
    /// Where its URI says, if it does ([`web_url`]).
    OfUri,
    /// Here.
    At(&'a str),
}

/// The post that was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parent<'a> {
    /// None.
    #[default]
    None,
    /// The conversation's first.
    Root,
    /// Another.
    At(&'a str),
}

/// What an item's body says, told by its first byte.
#[derive(Clone, Debug, PartialEq)]
pub enum StoredBody<'a> {
    /// It is about a post.
    Post(Box<Body<'a>>),
    /// It is about many.
    Alarm(Scores, Alarm),
}

impl<'a> StoredBody<'a> {
    /// Reads the form on disk.
    ///
    /// # Errors
    /// When `bytes` are neither what [`Body::encode`] made, nor [`encode_alarm`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, BodyError> {
        match bytes {
            [VERSION_ALARM, payload @ ..] => {
                let (scores, alarm) = postcard::from_bytes(payload)?;
                Ok(Self::Alarm(scores, alarm))
            }
            _ => Ok(Self::Post(Box::new(Body::decode(bytes)?))),
        }
    }

    /// The scores, and what a team gets; `facts` are what stands beside the body of a post.
    #[must_use]
    pub fn into_item(
        self,
        facts: impl FnOnce() -> (ClusterInfo, AuthorHistory, Option<ReplyDecision>),
    ) -> (Scores, ItemBody) {
        match self {
            Self::Post(body) => (body.scores, ItemBody::Post(Box::new(body.item_body(facts())))),
            Self::Alarm(scores, alarm) => (scores, ItemBody::Alarm { alarm }),
        }
    }
}

/// The form on disk of an alarm.
#[must_use]
pub fn encode_alarm(scores: &Scores, alarm: &Alarm) -> Vec<u8> {
    postcard::to_extend(&(scores, alarm), vec![VERSION_ALARM]).expect("texts can always be written to memory")
}

impl<'a> Body<'a> {
    /// The body of an item about `mention` that came about by `matches`.
    #[must_use]
    pub fn new(mention: &'a Mention, matches: &[&'a Match], rules: &'a [RuleInfo]) -> Self {
        let mut cut = mention.post.cut;
        let named = |(found, spans): (&'a Match, usize)| BodyMatch {
            rule: rules.get(found.rule as usize).map_or("", |rule| &rule.id),
            spans: Cow::Borrowed(&found.spans[..spans]),
        };
        let matches = cut_matches(matches, mention.post.text.len(), &mut cut).map(named).collect();
        Self { scores: mention.scores, lang: &mention.lang, cut, matches, post: BodyPost::new(&mention.post) }
    }

    /// The form on disk.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let post = &self.post;
        let mut bytes = Vec::with_capacity(FRAME_BYTES + post.text.len() + post.uri.len());
        bytes.push(VERSION);
        postcard::to_extend(self, bytes).expect("every list knows its length, and memory takes all")
    }

    /// The inverse of [`Body::encode`].
    ///
    /// # Errors
    /// When `bytes` are not what some [`Body::encode`] of this version made.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, BodyError> {
        Ok(postcard::from_bytes(payload(bytes)?)?)
    }

    /// Brings a body of the version before to this one.
    ///
    /// # Errors
    /// When `bytes` are not a body of that version.
    pub fn upgrade(bytes: &[u8]) -> Result<Vec<u8>, BodyError> {
        let [VERSION_WHOLE, payload @ ..] = bytes else {
            return Err(BodyError::Version(bytes.first().copied()));
        };
        let WholeBody { scores, lang, matches, post } = postcard::from_bytes(payload)?;
        Ok(Body { scores, lang, cut: Cut::default(), matches, post }.encode())
    }

    /// Reads only how the text feels.
    ///
    /// # Errors
    /// As [`Body::decode`].
    pub fn sentiment_of(bytes: &[u8]) -> Result<Sentiment, BodyError> {
        Ok(postcard::take_from_bytes(payload(bytes)?)?.0)
    }

    /// Takes out everything that the author wrote or is called; identities stay, so that the item can be traced.
    pub fn redact(&mut self) {
        let post = &mut self.post;
        (post.text, post.handle, post.url) = ("", None, Address::None);
        for list in [&mut post.links, &mut post.hashtags, &mut post.mentions] {
            list.clear();
        }
        self.matches.iter_mut().for_each(|found| found.spans = Cow::default());
    }

    fn item_body(
        &self,
        (cluster, author_history, reply): (ClusterInfo, AuthorHistory, Option<ReplyDecision>),
    ) -> PostBody {
        PostBody {
            lang: self.lang.to_owned(),
            matches: self.match_infos(),
            post: self.post.info(),
            cut: self.cut,
            cluster,
            author_history,
            reply,
        }
    }

    /// The matches as a team gets them.
    #[must_use]
    pub fn match_infos(&self) -> Vec<MatchInfo> {
        let info = |found: &BodyMatch<'_>| MatchInfo { rule: found.rule.into(), spans: found.spans.to_vec() };
        self.matches.iter().map(info).collect()
    }
}

impl<'a> BodyPost<'a> {
    fn new(post: &'a Post) -> Self {
        let texts = |list: &'a [String]| list.iter().map(String::as_str).collect();
        let author = Some(&*post.author.id).filter(|id| authority(&post.uri) != Some(id));
        Self {
            source: post.network,
            uri: &post.uri,
            url: post.url.as_deref().map_or(Address::OfUri, Address::At),
            author,
            handle: post.author.handle.as_deref(),
            followers: post.author.followers,
            bot: post.author.bot,
            text: &post.text,
            created_at: post.created_at,
            received_at: post.received_at,
            kind: post.kind,
            root: post.root.as_deref(),
            parent: Parent::new(post),
            links: texts(&post.links),
            hashtags: texts(&post.hashtags),
            mentions: texts(&post.mentions),
        }
    }

    /// The author's id.
    #[must_use]
    pub fn author_id(&self) -> &'a str {
        self.author.or_else(|| authority(self.uri)).unwrap_or_default()
    }

    /// The post as a team gets it.
    #[must_use]
    pub fn info(&self) -> PostInfo {
        let owned = |text: &str| text.to_owned();
        let all = |list: &Texts<'_>| list.iter().copied().map(owned).collect();
        PostInfo {
            source: owned(self.source),
            uri: owned(self.uri),
            url: match self.url {
                Address::None => None,
                Address::OfUri => web_url(self.source, self.uri),
                Address::At(url) => Some(owned(url)),
            },
            author: Author {
                id: owned(self.author_id()),
                handle: self.handle.map(owned),
                followers: self.followers,
                bot: self.bot,
            },
            text: owned(self.text),
            created_at: self.created_at,
            received_at: self.received_at,
            kind: self.kind,
            root: self.root.map(owned),
            parent: match self.parent {
                Parent::None => None,
                Parent::Root => self.root.map(owned),
                Parent::At(uri) => Some(owned(uri)),
            },
            links: all(&self.links),
            hashtags: all(&self.hashtags),
            mentions: all(&self.mentions),
        }
    }
}

impl<'a> Parent<'a> {
    fn new(post: &'a Post) -> Self {
        match post.parent.as_deref() {
            None => Self::None,
            parent if parent == post.root.as_deref() => Self::Root,
            Some(uri) => Self::At(uri),
        }
    }
}

/// What follows the version byte.
fn payload(bytes: &[u8]) -> Result<&[u8], BodyError> {
    match bytes {
        [VERSION, payload @ ..] => Ok(payload),
        _ => Err(BodyError::Version(bytes.first().copied())),
    }
}

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Another version, or nothing.
    #[error("its version is {0:?}, not {VERSION}")]
    Version(Option<u8>),
    /// Damaged.
    #[error("it is damaged: {0}")]
    Damaged(#[from] postcard::Error),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::flags::{Flag, Flags};
    use crate::model::{Cue, Lane, RuleStatus, Scores, SentimentLabel, Tone};

    fn rules() -> Vec<RuleInfo> {
        let rule = |id: &str| RuleInfo {
            id: id.into(),
            brand: "acme".into(),
            team: "support".into(),
            floor: Lane::Low,
            status: RuleStatus::Live,
            reply: None,
        };
        vec![rule("acme-outage"), rule("acme-praise")]
    }

    /// Anything, and often enough the same.
    fn text() -> impl Strategy<Value = String> {
        const OFTEN: [&str; 4] = ["", "did:plc:a", "at://did:plc:a", "at://did:plc:a/app.bsky.feed.post/3k"];
        prop_oneof![proptest::sample::select(&OFTEN[..]).prop_map(str::to_owned), any::<String>()]
    }

    fn texts() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec(text(), 0..3)
    }

    fn author() -> impl Strategy<Value = Author> {
        (text(), proptest::option::of(text()), any::<Option<u64>>(), any::<bool>())
            .prop_map(|(id, handle, followers, bot)| Author { id, handle, followers, bot })
    }

    fn post() -> impl Strategy<Value = Post> {
        let option = proptest::option::of;
        let words = (text(), text(), option(text()), author());
        let times = (any::<i64>(), any::<i64>());
        let lists = (texts(), texts(), texts());
        (words, times, option(text()), option(text()), lists).prop_map(
            |((text, uri, url, author), (created, received), root, parent, (links, hashtags, mentions))| {
                let (created_at, received_at) =
                    (Timestamp::from_micros(created), Timestamp::from_micros(received));
                let kind = if parent.is_some() { PostKind::Reply } else { PostKind::Post };
                let (network, base) = ("bluesky", Post::default());
                Post {
                    network,
                    uri,
                    url,
                    author,
                    text,
                    created_at,
                    received_at,
                    kind,
                    root,
                    parent,
                    links,
                    hashtags,
                    mentions,
                    ..base
                }
            },
        )
    }

    fn subset<F: Flag + std::fmt::Debug>(all: &'static [F]) -> impl Strategy<Value = Flags<F>> {
        proptest::sample::subsequence(all, 0..=all.len()).prop_map(|flags| flags.into_iter().collect())
    }

    fn mention() -> impl Strategy<Value = Mention> {
        let spans = proptest::collection::vec(any::<Span>(), 0..4);
        let matches = proptest::collection::vec((0..3u32, spans), 0..4);
        let flags = (subset(Cue::ALL), subset(Tone::ALL));
        let parts = (post(), matches, -1f32..1.0, 0f32..1.0, flags, text());
        parts.prop_map(|(post, matches, score, urgency, (cues, tones), lang)| {
            let sentiment = Sentiment { score, label: SentimentLabel::Negative, confidence: urgency };
            let intent = crate::model::Intent::Churn;
            let scores = Scores { sentiment, urgency, intent, cues, tones, ..Scores::default() };
            let matches = matches.into_iter().map(|(rule, spans)| Match { rule, spans: spans.into() });
            Mention {
                post,
                is_update: false,
                matches: matches.collect(),
                scores,
                aspects: Default::default(),
                lang,
            }
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(mention in mention()) {
            let (rules, matches) = (rules(), mention.matches.iter().collect::<Vec<_>>());
            let bytes = Body::new(&mention, &matches, &rules).encode();
            let body = Body::new(&mention, &matches, &rules);
            prop_assert_eq!(&Body::decode(&bytes).unwrap(), &body);
            prop_assert_eq!(Body::sentiment_of(&bytes).unwrap(), mention.scores.sentiment);
            prop_assert_eq!((body.scores.cues, body.scores.tones), (mention.scores.cues, mention.scores.tones));
            let (post, info) = (&mention.post, body.post.info());
            prop_assert_eq!((&info.uri, &info.author, &info.text), (&post.uri, &post.author, &post.text));
            prop_assert_eq!((&info.root, &info.parent), (&post.root, &post.parent));
            prop_assert_eq!((&info.links, &info.hashtags, &info.mentions), (&post.links, &post.hashtags, &post.mentions));
            prop_assert_eq!((info.created_at, info.received_at), (post.created_at, post.received_at));
            prop_assert_eq!(info.url, post.url.clone().or_else(|| web_url(post.network, &post.uri)));
        }

        #[test]
        fn damage_is_refused_and_never_a_panic(mention in mention(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let bytes = Body::new(&mention, &[], &[]).encode();
            let at = cut.index(bytes.len());
            prop_assert!(Body::decode(&bytes[..at]).is_err());
            let mut other = bytes;
            other[at] = byte;
            let _ = Body::decode(&other);
        }
    }

    #[test]
    fn what_follows_from_the_rest_is_not_written() {
        let post = Post {
            network: "bluesky",
            uri: "at://did:plc:a/app.bsky.feed.post/3k".into(),
            author: Author { id: "did:plc:a".into(), ..Author::default() },
            root: Some("at://did:plc:b/app.bsky.feed.post/3j".into()),
            parent: Some("at://did:plc:b/app.bsky.feed.post/3j".into()),
            ..Post::default()
        };
        let body = BodyPost::new(&post);
        assert_eq!((body.author, body.url, body.parent), (None, Address::OfUri, Parent::Root));
        assert_eq!(body.info().url.as_deref(), Some("https://bsky.app/profile/did:plc:a/post/3k"));
        let elsewhere =
            Post { author: Author { id: "did:plc:c".into(), ..Author::default() }, ..post.clone() };
        assert_eq!(BodyPost::new(&elsewhere).info().author.id, "did:plc:c");
    }

    #[test]
    fn a_redacted_body_has_no_words_and_keeps_its_identities() {
        let post = Post {
            network: "bluesky",
            uri: "at://did:plc:a/app.bsky.feed.post/3k".into(),
            author: Author {
                id: "did:plc:a".into(),
                handle: Some("ann.example".into()),
                ..Author::default()
            },
            text: "acme".into(),
            links: vec!["https://example.org".into()],
            ..Post::default()
        };
        let found = Match { rule: 0, spans: [(0, 4)].into_iter().collect() };
        let mention = Mention {
            post,
            is_update: false,
            matches: Vec::new(),
            scores: Scores::default(),
            aspects: Default::default(),
            lang: "en".into(),
        };
        let rules = rules();
        let mut body = Body::new(&mention, &[&found], &rules);
        body.redact();
        let (info, matches) = (body.post.info(), body.match_infos());
        assert_eq!((&*info.text, info.author.handle, info.url), ("", None, None));
        assert_eq!((&*info.author.id, &*info.uri), ("did:plc:a", &*mention.post.uri));
        assert!(info.links.is_empty() && matches[0].spans.is_empty());
        assert_eq!(&*matches[0].rule, "acme-outage");
    }

    proptest! {
        #[test]
        fn an_alarm_comes_back_as_it_went_in_and_is_never_taken_for_a_post(
            (key, title, evidence) in (".*", ".*", prop::collection::vec(".*", 0..4)),
            (posts, urgency) in (any::<u64>(), 0f32..1.0),
        ) {
            let alarm = Alarm { posts, evidence, ..Alarm::new("surge", &key, &title, Timestamp::ZERO) };
            let scores = Scores { urgency, ..Scores::default() };
            let bytes = encode_alarm(&scores, &alarm);
            prop_assert!(Body::decode(&bytes).is_err());
            prop_assert_eq!(StoredBody::decode(&bytes).unwrap(), StoredBody::Alarm(scores, alarm));
        }
    }

    #[test]
    fn another_version_is_named() {
        assert!(Body::decode(&[]).unwrap_err().to_string().contains("None"));
        assert!(Body::decode(b"{\"sentiment\"").unwrap_err().to_string().contains("123"));
    }
}
