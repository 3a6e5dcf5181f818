//! Where work items go besides our own queue: a closed list of external sinks.
//!
//! Layer 3. A sink takes a batch and says of each item whether it has it; it keeps nothing, decides nothing
//! about order or repetition, and never lets content form a subject, header or path. `dispatch` drives it. To add
//! a sink: one file, one variant of [`Config`] and of [`Sink`].

mod deliver;
mod errors;
pub mod nats;
pub mod stdout;
mod token;

use crate::model::Report;
pub use deliver::{Deliver, Outcome, Outgoing};
use std::sync::Arc;

use serde::Deserialize;

pub use errors::SinkError;
use token::check_token;

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

    /// Adds what keeps the sink from starting.
    pub fn validate(&self, report: &mut Report) {
        report.extend(self.build().err());
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
    use super::token::is_token;
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
