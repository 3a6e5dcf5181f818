//! What the line tells triage of one event: plain data, with a form in bytes that may cross a network.
//!
//! A version byte and [postcard](https://postcard.jamesmunro.com/wire-format): fields in order, no names. So the order of
//! the fields of [`Signal`] and of what it holds *is* the format: whoever changes it raises `VERSION`. Rules stand as
//! numbers in the rule set that matched them; who sends signals elsewhere sends its version with them.

use serde::{Deserialize, Serialize};

use crate::model::{AccountRef, Mention, PostRef};

/// The first byte of every signal.
const VERSION: u8 = 1;

/// An event that may change the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Signal {
    /// A post that matched.
    Mention(Box<Mention>),
    /// An edit after which no rule matches, of a post that may be known.
    Unmatched(Box<Mention>),
    /// A repost of a post that may be known.
    Repost(PostRef),
    /// A quote, itself without a match, of a post that may be known.
    Quote(PostRef),
    /// A post was deleted that may be known.
    Delete(PostRef),
    /// An account is gone whose items may be open.
    AccountGone(AccountRef),
}

/// Bytes that are no signal of this version.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// Written by another version; upgrade the older side first.
    #[error("a signal of version {0:?}, and this is version {VERSION}; upgrade the older side first")]
    Version(Option<u8>),
    /// Not what a signal was made into.
    #[error("a signal is damaged: {0}")]
    Damaged(#[from] postcard::Error),
}

impl Signal {
    /// The form in bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("texts and numbers can always be written to memory")
    }

    /// The inverse of [`Signal::encode`].
    ///
    /// # Errors
    /// When `bytes` are not what this version makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, SignalError> {
        match bytes {
            [VERSION, payload @ ..] => Ok(postcard::from_bytes(payload)?),
            _ => Err(SignalError::Version(bytes.first().copied())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Aspects, Author, Match, NETWORKS, Post, PostKind, Scores, Sentiment, Timestamp};

    fn mention(
        (texts, network, followers): (Vec<String>, usize, Option<u64>),
        (is_update, spans, urgency): (bool, Vec<(u32, u32)>, f32),
    ) -> Box<Mention> {
        let text = |at: usize| texts.get(at).cloned().unwrap_or_default();
        let post = Post {
            network: NETWORKS[network],
            uri: text(0),
            text: text(1),
            author: Author { id: text(2), handle: texts.get(3).cloned(), followers, bot: is_update },
            kind: PostKind::Reply,
            parent: texts.get(4).cloned(),
            links: texts.clone(),
            created_at: Timestamp::from_micros(i64::from(spans.len() as u32) - 3),
            ..Post::default()
        };
        let felt = Sentiment { score: urgency, ..Sentiment::default() };
        let aspects = Aspects([(text(0).into(), felt)].into_iter().collect());
        let matches = vec![Match { rule: 7, spans: spans.into_iter().collect() }];
        let scores = Scores { urgency, ..Scores::default() };
        Box::new(Mention { post, is_update, matches, scores, aspects, lang: "en".to_owned() })
    }

    fn signals() -> impl Strategy<Value = Signal> {
        let texts = prop::collection::vec(".*", 0..6);
        let post = (texts, 0..NETWORKS.len(), any::<Option<u64>>());
        let found = (any::<bool>(), prop::collection::vec(any::<(u32, u32)>(), 0..4), 0f32..1.0);
        (post, found, 0..6).prop_map(|(post, found, kind)| {
            let mention = mention(post, found);
            let Post { network, uri, text, .. } = &mention.post;
            let gone = PostRef::new(network, "a", &[uri, "b"], "v", text, Timestamp::from_micros(9));
            match kind {
                0 => Signal::Mention(mention),
                1 => Signal::Unmatched(mention),
                2 => Signal::Repost(gone),
                3 => Signal::Quote(gone),
                4 => Signal::Delete(gone),
                _ => {
                    let id = text.as_str().into();
                    Signal::AccountGone(AccountRef { network, id, event_at: Timestamp::ZERO })
                }
            }
        })
    }

    proptest! {
        #[test]
        fn a_signal_comes_back_as_it_went_in(signal in signals()) {
            prop_assert_eq!(Signal::decode(&signal.encode()).unwrap(), signal);
        }

        #[test]
        fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Signal::decode(&bytes);
            let _ = Signal::decode(&[&[VERSION], &bytes[..]].concat());
        }
    }

    /// What version 1 made of one signal of each kind; never to be changed, only to be added to.
    #[test]
    fn signals_of_version_1_are_read() {
        let fixture = include_str!("../../tests/fixtures/signals-1.txt");
        let bytes = |line: &str| -> Vec<u8> {
            let digits: Vec<u8> = line.bytes().collect();
            digits
                .chunks(2)
                .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
                .collect()
        };
        let read: Vec<Signal> = fixture.lines().map(|line| Signal::decode(&bytes(line)).unwrap()).collect();
        assert_eq!(read, fixed());
        assert!(Signal::decode(&[9, 1]).unwrap_err().to_string().contains("version Some(9)"));
    }

    fn fixed() -> Vec<Signal> {
        let texts =
            ["at://a/b/c", "acme is down", "did:a", "ann.example", "at://d/e/f"].map(str::to_owned).to_vec();
        let made = || mention((texts.clone(), 0, Some(7)), (true, vec![(0, 4)], 0.5));
        let gone = || PostRef::new("bluesky", "did:a", &["at://x"], "1", "at://y", Timestamp::from_micros(5));
        let account =
            AccountRef { network: "bluesky", id: "did:a".into(), event_at: Timestamp::from_micros(6) };
        vec![
            Signal::Mention(made()),
            Signal::Unmatched(made()),
            Signal::Repost(gone()),
            Signal::Quote(gone()),
            Signal::Delete(gone()),
            Signal::AccountGone(account),
        ]
    }
}
