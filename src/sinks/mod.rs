//! Where work items go besides our own queue: a closed list of external sinks.
//!
//! Layer 3. A sink takes a batch and says of each item whether it has it; it keeps nothing, decides nothing
//! about order or repetition, and never lets content form a subject, header or path. `dispatch` drives it. To add
//! a sink: one file, one variant of [`Config`] and of [`Sink`].

mod errors;
pub mod nats;
pub mod stdout;

use std::sync::Arc;

use serde::Deserialize;

pub use errors::SinkError;

use crate::model::WorkItem;

/// Any configured sink.
///
/// ```toml
/// [[sink]]
/// type = "nats"
/// name = "nats"
/// url = "nats://127.0.0.1:4222"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Config {
    /// NATS JetStream.
    Nats(nats::Config),
    /// JSON lines on standard output.
    Stdout(stdout::Config),
}

impl Config {
    /// The sink's name: its metric label and the name of its cursor in the store.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Nats(config) => &config.name,
            Self::Stdout(config) => &config.name,
        }
    }

    /// The value of `type`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nats(_) => "nats",
            Self::Stdout(_) => "stdout",
        }
    }

    /// Checks the settings and reads the secrets.
    ///
    /// # Errors
    /// Says which setting is wrong and what it must be.
    pub fn build(&self) -> Result<Sink, SinkError> {
        check_token("name", self.name())?;
        match self {
            Self::Nats(config) => nats::Nats::new(config).map(|sink| Sink::Nats(Box::new(sink))),
            Self::Stdout(config) => Ok(Sink::Stdout(stdout::Stdout::new(config))),
        }
    }
}

/// An item to deliver.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// The item as it stands.
    pub item: WorkItem,
    /// Grows with every announcement of the item.
    pub revision: u32,
}

impl Outgoing {
    /// The same for every repeat of this announcement: receivers drop what they have.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        format!("{}-{}", self.item.id, self.revision)
    }
}

/// What became of one item of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sink has it, and said so.
    Delivered,
    /// The sink cannot be reached or takes nothing now: try again, for as long as it lasts.
    Unavailable(String),
    /// This item failed and might not the next time: try again a few times.
    Failed(String),
    /// The sink will never take this item.
    Refused(String),
}

/// Takes batches of items.
pub trait Deliver: Send {
    /// The configured name.
    fn name(&self) -> Arc<str>;

    /// Tries to deliver every item, and gives one outcome each, in order. Must come back within a bounded time.
    fn deliver(&mut self, batch: &[Outgoing]) -> impl Future<Output = Vec<Outcome>> + Send;
}

/// Any sink, built.
#[derive(Debug)]
pub enum Sink {
    /// NATS JetStream.
    Nats(Box<nats::Nats>),
    /// JSON lines on standard output.
    Stdout(stdout::Stdout),
}

impl Deliver for Sink {
    fn name(&self) -> Arc<str> {
        match self {
            Self::Nats(sink) => sink.name(),
            Self::Stdout(sink) => sink.name(),
        }
    }

    async fn deliver(&mut self, batch: &[Outgoing]) -> Vec<Outcome> {
        match self {
            Self::Nats(sink) => sink.deliver(batch).await,
            Self::Stdout(sink) => sink.deliver(batch).await,
        }
    }
}

/// Names that may become part of a subject or a label: nothing that a protocol reads as syntax.
fn is_token(name: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !name.is_empty() && name.len() <= 64 && name.bytes().all(is_fit)
}

fn check_token(setting: &'static str, value: &str) -> Result<(), SinkError> {
    let wrong = || SinkError::Setting {
        setting,
        value: value.to_owned(),
        remedy: "use 1 to 64 letters, digits, - and _",
    };
    is_token(value).then_some(()).ok_or_else(wrong)
}

#[cfg(test)]
pub(crate) mod testing {
    use crate::model::*;

    /// An item of team support with this number.
    pub(crate) fn work_item(n: u64) -> WorkItem {
        WorkItem {
            schema: WORK_ITEM_SCHEMA,
            id: ItemId(n.into()),
            created_at: Timestamp::from_micros(1),
            updated_at: Timestamp::from_micros(1),
            brand: "acme".into(),
            team: "support".into(),
            state: ItemState::New,
            due_at: Timestamp::from_micros(2),
            claimed_by: None,
            lease_until: None,
            priority: Priority::default(),
            scores: Scores::default(),
            body: ItemBody::Post(Box::new(PostBody {
                lang: "en".to_owned(),
                matches: Vec::new(),
                post: PostInfo {
                    source: "bluesky".to_owned(),
                    uri: format!("at://{n}"),
                    url: None,
                    author: Author::default(),
                    text: format!("post {n}"),
                    created_at: Timestamp::ZERO,
                    received_at: Timestamp::ZERO,
                    kind: PostKind::Post,
                    root: None,
                    parent: None,
                    links: Vec::new(),
                    hashtags: Vec::new(),
                    mentions: Vec::new(),
                },
                cut: Cut::default(),
                cluster: ClusterInfo { id: "0".to_owned(), size: 1, authors: 1, first_seen: Timestamp::ZERO },
                author_history: AuthorHistory::default(),
                reply: None,
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(toml: &str) -> Result<Config, toml::de::Error> {
        toml::from_str(toml)
    }

    #[test]
    fn a_sink_is_chosen_by_its_type_and_unknown_settings_are_refused() {
        assert!(matches!(parse("type = \"stdout\""), Ok(Config::Stdout(_))));
        let nats = parse("type = \"nats\"\nname = \"n1\"\nsubject_prefix = \"work\"").unwrap();
        assert_eq!(nats.name(), "n1");
        assert!(nats.build().is_ok());
        assert!(parse("type = \"nats\"\nsubjekt = \"work\"").is_err());
        assert!(parse("type = \"pigeon\"").is_err());
    }

    #[test]
    fn names_that_could_be_read_as_syntax_are_refused() {
        for name in ["", "a b", "a.b", "a>", "ä", "a\nb"] {
            assert!(!is_token(name), "{name:?}");
        }
        assert!(is_token("after-sales_2"));
    }
}
