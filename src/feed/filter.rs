//! What a client wants: Jetstream's v1 query parameters and `options_update`, checked as the server checks them.

use std::collections::HashSet;

use serde::Deserialize;

use super::log::{Entry, NOT_A_COMMIT};
use crate::model::stable_hash;

const COLLECTIONS_MAX: usize = 100;
const DIDS_MAX: usize = 10_000;

/// A client's filter.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    collections: Vec<String>,
    dids: HashSet<u64>,
    message_bytes_max: u32,
    /// By class of the log: whether it passes.
    passes: Vec<bool>,
}

/// All parameters of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    pub(super) filter: Filter,
    /// Microseconds; `None` when absent.
    pub(super) cursor: Option<u64>,
    pub(super) require_hello: bool,
}

/// The payload of `options_update`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    wanted_collections: Vec<String>,
    wanted_dids: Vec<String>,
    max_message_size_bytes: i64,
}

/// What a client's message asks for.
#[derive(Debug)]
pub(super) enum Update {
    Replace(Filter),
    /// An unknown type.
    Ignore,
    /// Not JSON of the right shape: close 1007.
    Malformed,
    /// A value that is refused: close 1008.
    Invalid(String),
}

impl Parameters {
    /// Reads a query string.
    ///
    /// # Errors
    /// The body of the HTTP 400 that answers it.
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let mut parameters = Self::default();
        let (mut collections, mut dids, mut size) = (Vec::new(), Vec::new(), 0);
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = percent_decoded(value);
            match key {
                "wantedCollections" => collections.push(value),
                "wantedDids" => dids.push(value),
                "maxMessageSizeBytes" => size = value.parse().unwrap_or(0),
                "cursor" => {
                    let cursor: i64 = value.parse().map_err(|_| format!("invalid cursor: {value}"))?;
                    parameters.cursor = u64::try_from(cursor).ok();
                }
                "requireHello" => parameters.require_hello = value == "true",
                "compress" if value == "true" => return Err("this feed does not compress".to_owned()),
                _ => {}
            }
        }
        parameters.filter = Filter::new(collections, &dids, size)?;
        Ok(parameters)
    }
}

impl Filter {
    fn new(mut collections: Vec<String>, dids: &[String], size: i64) -> Result<Self, String> {
        collections.sort_unstable();
        collections.dedup();
        if let Some(bad) = collections.iter().find(|nsid| !is_collection(nsid)) {
            return Err(format!("invalid collection: {bad}"));
        }
        if let Some(bad) = dids.iter().find(|did| !is_did(did)) {
            return Err(format!("invalid DID: {bad}"));
        }
        let dids: HashSet<u64> = dids.iter().map(|did| stable_hash(did.as_bytes())).collect();
        if collections.len() > COLLECTIONS_MAX || dids.len() > DIDS_MAX {
            return Err("too many wanted collections or DIDs".to_owned());
        }
        let message_bytes_max = u32::try_from(size).unwrap_or(0);
        Ok(Self { collections, dids, message_bytes_max, passes: Vec::new() })
    }

    /// Reads a client's text message.
    pub(super) fn update(message: &[u8]) -> Update {
        #[derive(Deserialize)]
        struct Envelope {
            r#type: String,
            #[serde(default)]
            payload: serde_json::Value,
        }
        let Ok(envelope) = serde_json::from_slice::<Envelope>(message) else { return Update::Malformed };
        if envelope.r#type != "options_update" {
            return Update::Ignore;
        }
        let Ok(options) = serde_json::from_value::<Options>(envelope.payload) else {
            return Update::Malformed;
        };
        let size = options.max_message_size_bytes;
        match Self::new(options.wanted_collections, &options.wanted_dids, size) {
            Ok(filter) => Update::Replace(filter),
            Err(reason) => Update::Invalid(reason),
        }
    }

    /// True when every event passes.
    pub(super) fn is_open(&self) -> bool {
        self.collections.is_empty() && self.dids.is_empty() && self.message_bytes_max == 0
    }

    /// Decides each class of the log once.
    pub(super) fn compile(&mut self, collections: &[String]) {
        let passes = |name: &String| self.collections.is_empty() || self.wants(name);
        self.passes = collections.iter().map(passes).collect();
        if let Some(not_a_commit) = self.passes.get_mut(usize::from(NOT_A_COMMIT)) {
            *not_a_commit = true;
        }
    }

    /// True when a class has come up since [`Filter::compile`].
    pub(super) fn is_stale(&self, class: u16) -> bool {
        usize::from(class) >= self.passes.len()
    }

    pub(super) fn passes(&self, entry: &Entry) -> bool {
        self.passes.get(usize::from(entry.class)).copied().unwrap_or(true)
            && (self.dids.is_empty() || self.dids.contains(&entry.did))
            && (self.message_bytes_max == 0 || entry.end - entry.body <= self.message_bytes_max)
    }

    fn wants(&self, collection: &str) -> bool {
        self.collections.iter().any(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => collection.starts_with(prefix),
            None => wanted == collection,
        })
    }
}

fn is_collection(text: &str) -> bool {
    let (segments, least) = text.strip_suffix(".*").map_or((text, 3), |prefix| (prefix, 1));
    let is_segment = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    segments.split('.').count() >= least && segments.split('.').all(is_segment)
}

fn is_did(text: &str) -> bool {
    let id = text.strip_prefix("did:").and_then(|rest| rest.split_once(':'));
    id.is_some_and(|(method, id)| !method.is_empty() && !id.is_empty() && !id.contains(char::is_whitespace))
}

fn percent_decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let decoded = (first == b'%')
            .then(|| std::str::from_utf8(tail.get(..2)?).ok())
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(class: u16, did: &str, length: u32) -> Entry {
        Entry {
            start: 0,
            body: 0,
            end: length,
            class,
            did: stable_hash(did.as_bytes()),
            time_us: 0,
            own_time_us: 0,
        }
    }

    fn filter(query: &str) -> Filter {
        let mut filter = Parameters::parse(query).unwrap().filter;
        filter.compile(
            &["", "app.bsky.feed.post", "app.bsky.feed.like", "app.bsky.graph.follow"].map(str::to_owned),
        );
        filter
    }

    #[test]
    fn collections_stop_commits_only() {
        let filter = filter("wantedCollections=app.bsky.feed.post&wantedCollections=app.bsky.graph.*");
        let passing: Vec<_> = (0..4).filter(|&class| filter.passes(&entry(class, "d", 1))).collect();
        assert_eq!(passing, [NOT_A_COMMIT, 1, 3]);
    }

    #[test]
    fn dids_stop_everything_else_and_sizes_too() {
        let filter = filter("wantedDids=did%3Aplc%3Aa&maxMessageSizeBytes=10");
        assert!(filter.passes(&entry(NOT_A_COMMIT, "did:plc:a", 10)));
        assert!(!filter.passes(&entry(NOT_A_COMMIT, "did:plc:b", 10)));
        assert!(!filter.passes(&entry(1, "did:plc:a", 11)));
    }

    #[test]
    fn bad_parameters_are_refused_as_the_server_does() {
        for query in ["wantedCollections=app.bsky.fo*", "wantedDids=x", "cursor=abc", "compress=true"] {
            assert!(Parameters::parse(query).is_err(), "{query}");
        }
        let many: Vec<String> = (0..101).map(|n| format!("wantedCollections=a.b.c{n}")).collect();
        assert!(Parameters::parse(&many.join("&")).is_err());
        let odd = Parameters::parse("cursor=-5&requireHello=1&maxMessageSizeBytes=x&other=1").unwrap();
        assert_eq!((odd.cursor, odd.require_hello, odd.filter.is_open()), (None, false, true));
    }

    #[test]
    fn an_update_replaces_is_ignored_or_refused() {
        let update = br#"{"type":"options_update","payload":{"wantedCollections":["a.b.c"]}}"#;
        assert!(matches!(Filter::update(update), Update::Replace(filter) if !filter.is_open()));
        let empty = br#"{"type":"options_update","payload":{"wantedCollections":[]}}"#;
        assert!(matches!(Filter::update(empty), Update::Replace(filter) if filter.is_open()));
        assert!(matches!(Filter::update(br#"{"type":"hello"}"#), Update::Ignore));
        assert!(matches!(Filter::update(b"{"), Update::Malformed));
        let bad = br#"{"type":"options_update","payload":{"wantedDids":["x"]}}"#;
        assert!(matches!(Filter::update(bad), Update::Invalid(_)));
    }
}
