//! One post of any network, and the other events that touch posts.

use serde::{Deserialize, Serialize};

use super::network::Network;
use super::{Cut, Timestamp};

/// What kind of post this is; the first that holds in the order repost, quote, reply, post. A quote may answer a post,
/// too: [`Post::is_of_kind`] tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostKind {
    /// Stands alone.
    #[default]
    Post,
    /// Answers another post.
    Reply,
    /// Shares another post without words of its own.
    Repost,
    /// Shares another post with words of its own.
    Quote,
}

/// Who wrote a post.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The network's stable id (a DID on Bluesky).
    pub id: String,
    /// The readable name, where the source sends or has sent it.
    pub handle: Option<String>,
    /// Followers, where the source sends them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followers: Option<u64>,
    /// The network says that this account is a bot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bot: bool,
}

/// The bytes of a signal have no names, so no field may be left out.
mod whole_author {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::Author;

    pub(super) fn serialize<S: Serializer>(author: &Author, serializer: S) -> Result<S::Ok, S::Error> {
        (&author.id, &author.handle, author.followers, author.bot).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Author, D::Error> {
        let (id, handle, followers, bot) = <_>::deserialize(deserializer)?;
        Ok(Author { id, handle, followers, bot })
    }
}

/// One normalised post. Text is untrusted and verbatim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Network name as in `source:bluesky`.
    #[serde(with = "super::network")]
    pub network: Network,
    /// Global identity, e.g. `at://did/app.bsky.feed.post/rkey`.
    pub uri: String,
    /// What the network calls this state of the post; another for each edit, and for a post that was deleted and made
    /// again under its old identity. Empty where the network does not say.
    pub version: String,
    /// Where a person can open it, unless that follows from the URI ([`web_url`]).
    pub url: Option<String>,
    /// Who wrote it.
    #[serde(with = "whole_author")]
    pub author: Author,
    /// The text as sent; match spans are byte offsets into this.
    pub text: String,
    /// More words worth matching: alternative texts, link titles and descriptions. No spans point here.
    pub captions: Vec<String>,
    /// Languages the author tagged, BCP 47, as sent.
    pub langs: Vec<String>,
    /// Post, reply, repost or quote.
    pub kind: PostKind,
    /// The conversation's first post; `None` when this is it.
    pub root: Option<String>,
    /// The post answered.
    pub parent: Option<String>,
    /// Id of the account whose post this one answers.
    pub parent_author: Option<String>,
    /// The post quoted or reposted.
    pub subject: Option<String>,
    /// Absolute links, from facets and embeds.
    pub links: Vec<String>,
    /// Hashtags from the platform's own markup, without `#`.
    pub hashtags: Vec<String>,
    /// Ids of mentioned accounts, from the platform's own markup.
    pub mentions: Vec<String>,
    /// Ids of accounts named in `mentions` or answered, with their readable names, as far as the stream has told them
    /// and some rule asks for them.
    pub known_names: Vec<(String, String)>,
    /// Pictures or video are attached.
    pub has_media: bool,
    /// What the author's device claimed. Never used for limits or order.
    pub created_at: Timestamp,
    /// When we read it.
    pub received_at: Timestamp,
    /// When the source says it saw it (event time; Jetstream `time_us`).
    pub event_at: Timestamp,
    /// What [`Post::cut`] left out.
    pub cut: Cut,
}

impl Post {
    /// The conversation: the root's URI, or this post's own.
    #[must_use]
    pub fn conversation(&self) -> &str {
        self.root.as_deref().unwrap_or(&self.uri)
    }

    /// Writes the readable names that `name_of` knows beside the ids of the author and of the accounts named and answered.
    /// A name that the source sent with the post stays.
    pub fn name_accounts(&mut self, name_of: impl Fn(&str) -> Option<String>) {
        if self.author.handle.is_none() {
            self.author.handle = name_of(&self.author.id);
        }
        let named = self.mentions.iter().map(String::as_str).chain(self.answered());
        self.known_names = named.filter_map(|id| Some((id.to_owned(), name_of(id)?))).collect();
    }

    /// Id of the account whose post this one answers.
    #[must_use]
    pub fn answered(&self) -> Option<&str> {
        self.parent_author.as_deref()
    }

    /// True when the post is of this kind, whatever else it is: a quote that answers another post is a reply, too.
    #[must_use]
    pub fn is_of_kind(&self, kind: PostKind) -> bool {
        let besides = match kind {
            PostKind::Reply => self.kind == PostKind::Quote && (self.parent.is_some() || self.root.is_some()),
            PostKind::Quote => self.kind == PostKind::Reply && self.subject.is_some(),
            PostKind::Post | PostKind::Repost => false,
        };
        self.kind == kind || besides
    }
}

/// Where a person can open a post of a network whose addresses follow from its identities.
#[must_use]
pub fn web_url(network: &str, uri: &str) -> Option<String> {
    let (did, rkey) = match network {
        "bluesky" => uri.strip_prefix("at://")?.split_once("/app.bsky.feed.post/")?,
        _ => return None,
    };
    Some(["https://bsky.app/profile/", did, "/post/", rkey].concat())
}

/// The part of a URI that says who vouches for the rest (RFC 3986, section 3.2): on Bluesky, the author.
pub(super) fn authority(uri: &str) -> Option<&str> {
    uri.split_once("://")?.1.split('/').next()
}

/// A post that is not here, and the event that concerns it: a repost, a quote or a deletion.
///
/// Its texts share one allocation: there is one of these for every repost in the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostRef {
    /// Network name as in `source:bluesky`.
    #[serde(with = "super::network")]
    pub network: Network,
    /// When the source saw it.
    pub event_at: Timestamp,
    /// Actor, record, version and subject, back to back.
    texts: Box<str>,
    /// Where the first three end.
    ends: [u32; 3],
}

/// The texts of a [`PostRef`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostRefTexts<'a> {
    /// Id of the account that acts.
    pub actor: &'a str,
    /// Identity of the record that was made or deleted; of a quote, the URI of the quoting post.
    pub record: &'a str,
    /// The record's version, as [`Post::version`].
    pub version: &'a str,
    /// URI of the post acted on.
    pub subject: &'a str,
}

impl PostRef {
    /// Puts the texts together. The record's identity comes in parts, so that it need not be put together before.
    #[must_use]
    pub fn new(
        network: &'static str,
        actor: &str,
        record: &[&str],
        version: &str,
        subject: &str,
        event_at: Timestamp,
    ) -> Self {
        let record_len: usize = record.iter().map(|part| part.len()).sum();
        let mut texts = String::with_capacity(actor.len() + record_len + version.len() + subject.len());
        texts.push_str(actor);
        record.iter().for_each(|part| texts.push_str(part));
        let record_end = texts.len();
        texts.push_str(version);
        let version_end = texts.len();
        texts.push_str(subject);
        let ends = [actor.len(), record_end, version_end].map(|end| u32::try_from(end).unwrap_or(u32::MAX));
        Self { network, event_at, texts: texts.into_boxed_str(), ends }
    }

    /// Takes the texts apart.
    #[must_use]
    pub fn texts(&self) -> PostRefTexts<'_> {
        let [actor, record, version] = self.ends.map(|end| end as usize);
        PostRefTexts {
            actor: &self.texts[..actor],
            record: &self.texts[actor..record],
            version: &self.texts[record..version],
            subject: &self.texts[version..],
        }
    }

    /// URI of the post acted on.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.texts().subject
    }
}

/// An account, and when something happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRef {
    /// Network name as in `source:bluesky`.
    #[serde(with = "super::network")]
    pub network: Network,
    /// The account's id.
    pub id: Box<str>,
    /// When the source saw it: the same account may go, come back and go again.
    pub event_at: Timestamp,
}

/// One decoded frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A new post.
    Create(Post),
    /// A post replaced by its author.
    Update(Post),
    /// A post removed by its author.
    Delete(PostRef),
    /// A post shared without words.
    Repost(PostRef),
    /// An account's readable name.
    Handle {
        /// The account's id.
        id: String,
        /// Its name now, if it has one.
        handle: Option<String>,
    },
    /// An account is gone (deleted, taken down): its open items are withdrawn.
    AccountGone(AccountRef),
    /// Well-formed, and of no interest.
    Other,
}
