//! What is asked of a Jetstream server: the address, the filter, the cursor; all checked before any network.

use std::sync::Arc;

use serde::Serialize;
use tokio_tungstenite::tungstenite::http::Uri;

use super::config::{Config, Start};
use crate::sources::errors::SourceError;

/// Cursors below this would be read as sequence numbers by a v2 server.
const CURSOR_MIN: u64 = 1_000_000_000_000_000;
/// Server limits.
const COLLECTIONS_MAX: usize = 100;
const DIDS_MAX: usize = 10_000;
/// A filter longer than this goes into a message instead of the address.
const QUERY_BYTES_MAX: usize = 4_000;
const NSID_BYTES_MAX: usize = 317;
const DID_BYTES_MAX: usize = 2_048;

/// A checked request to one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    address: String,
    query: String,
    hello: Option<Arc<str>>,
    from_earliest: bool,
}

impl Request {
    /// The address without the query, for people.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The options to send first, when they did not fit the address.
    pub(super) fn hello(&self) -> Option<&Arc<str>> {
        self.hello.as_ref()
    }

    /// The address to connect to, resuming after `cursor` (microseconds).
    pub(super) fn uri(&self, cursor: Option<u64>) -> Uri {
        let earliest = self.from_earliest.then_some(CURSOR_MIN);
        let cursor = cursor.filter(|&cursor| cursor >= CURSOR_MIN).or(earliest);
        let cursor = cursor.map(|cursor| format!("cursor={cursor}"));
        let parts: Vec<&str> =
            [&*self.query, cursor.as_deref().unwrap_or("")].into_iter().filter(|p| !p.is_empty()).collect();
        let separator = if parts.is_empty() { "" } else { "?" };
        let text = format!("{}{separator}{}", self.address, parts.join("&"));
        text.parse().expect("address and filter were checked when the request was built")
    }
}

/// One request per host.
pub(super) fn build(config: &Config) -> Result<Vec<Request>, SourceError> {
    check_filter(config)?;
    if config.hosts.is_empty() {
        return Err(wrong(config, "hosts is empty".to_owned(), "name at least one Jetstream server"));
    }
    if config.stall_min > config.stall_max {
        let problem = "stall_min is over stall_max".to_owned();
        return Err(wrong(config, problem, "give the shorter time to stall_min"));
    }
    let query = query(config);
    let fits = query.len() <= QUERY_BYTES_MAX;
    let (query, hello) = if fits { (query, None) } else { ("requireHello=true".to_owned(), hello(config)) };
    let from_earliest = config.start == Start::Earliest;
    let request = |address| Request { address, query: query.clone(), hello: hello.clone(), from_earliest };
    config.hosts.iter().map(|host| address(config, host).map(request)).collect()
}

fn query(config: &Config) -> String {
    let collections = config.wanted_collections.iter().map(|nsid| format!("wantedCollections={nsid}"));
    let dids = config.wanted_dids.iter().map(|did| format!("wantedDids={did}"));
    collections.chain(dids).collect::<Vec<_>>().join("&")
}

/// The filter as an `options_update` message.
fn hello(config: &Config) -> Option<Arc<str>> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Payload<'a> {
        wanted_collections: &'a [String],
        wanted_dids: &'a [String],
        max_message_size_bytes: u32,
    }
    #[derive(Serialize)]
    struct Update<'a> {
        r#type: &'a str,
        payload: Payload<'a>,
    }
    let payload = Payload {
        wanted_collections: &config.wanted_collections,
        wanted_dids: &config.wanted_dids,
        max_message_size_bytes: 0,
    };
    serde_json::to_string(&Update { r#type: "options_update", payload }).ok().map(Arc::from)
}

fn check_filter(config: &Config) -> Result<(), SourceError> {
    if let Some(bad) = config.wanted_collections.iter().find(|nsid| !is_collection(nsid)) {
        let remedy = "write an NSID such as app.bsky.feed.post, or a prefix such as app.bsky.feed.*";
        return Err(wrong(config, format!("wanted_collections has {bad:?}"), remedy));
    }
    if let Some(bad) = config.wanted_dids.iter().find(|did| !is_did(did)) {
        return Err(wrong(config, format!("wanted_dids has {bad:?}"), "write a DID such as did:plc:abc"));
    }
    let (collections, dids) = (config.wanted_collections.len(), config.wanted_dids.len());
    if collections > COLLECTIONS_MAX || dids > DIDS_MAX {
        let problem = format!("{collections} wanted_collections and {dids} wanted_dids");
        return Err(wrong(config, problem, "servers take at most 100 collections and 10,000 accounts"));
    }
    Ok(())
}

/// An NSID, or a prefix of whole segments and `.*`.
fn is_collection(text: &str) -> bool {
    let segments: Vec<&str> = text.strip_suffix(".*").unwrap_or(text).split('.').collect();
    let least = if text.ends_with(".*") { 1 } else { 3 };
    let is_segment = |s: &&str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    text.len() <= NSID_BYTES_MAX && segments.len() >= least && segments.iter().all(is_segment)
}

fn is_did(text: &str) -> bool {
    let Some((method, id)) = text.strip_prefix("did:").and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    let is_id = |b: u8| b.is_ascii_alphanumeric() || b"._:%-".contains(&b);
    let methods_ok = !method.is_empty() && method.bytes().all(|b| b.is_ascii_lowercase());
    methods_ok && !id.is_empty() && text.len() <= DID_BYTES_MAX && id.bytes().all(is_id)
}

/// `host` or `ws[s]://host[:port][/path]` as an address without a query.
fn address(config: &Config, host: &str) -> Result<String, SourceError> {
    const REMEDY: &str = "write a host name, or an address such as wss://HOST/subscribe, without a query";
    let full = if host.contains("://") { host.to_owned() } else { format!("wss://{host}/subscribe") };
    let problem = || format!("hosts has {host:?}");
    let uri: Uri = full.parse().map_err(|_| wrong(config, problem(), REMEDY))?;
    let known = matches!(uri.scheme_str(), Some("ws" | "wss"));
    if !known || uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
        return Err(wrong(config, problem(), REMEDY));
    }
    let path = if uri.path() == "/" { "/subscribe" } else { uri.path() };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    Ok(format!("{}://{authority}{path}", uri.scheme_str().unwrap_or("wss")))
}

fn wrong(config: &Config, problem: String, remedy: &'static str) -> SourceError {
    SourceError::Config { name: Arc::from(&*config.name), problem, remedy }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn config(hosts: &[&str], collections: &[&str]) -> Config {
        Config {
            hosts: hosts.iter().map(ToString::to_string).collect(),
            wanted_collections: collections.iter().map(ToString::to_string).collect(),
            ..Config::default()
        }
    }

    #[test]
    fn a_host_name_becomes_an_address_with_filter_and_cursor() {
        let requests = build(&config(&["jetstream.example"], &["app.bsky.feed.post", "app.bsky.graph.*"]));
        let uri = requests.unwrap()[0].uri(Some(1_725_911_162_329_308)).to_string();
        let query = "wantedCollections=app.bsky.feed.post&wantedCollections=app.bsky.graph.*";
        assert_eq!(uri, format!("wss://jetstream.example/subscribe?{query}&cursor=1725911162329308"));
    }

    #[test]
    fn seconds_and_milliseconds_are_never_sent_as_a_cursor() {
        let requests = build(&config(&["ws://127.0.0.1:6008"], &[])).unwrap();
        for cursor in [None, Some(0), Some(1_725_911_162), Some(1_725_911_162_329)] {
            assert_eq!(requests[0].uri(cursor).to_string(), "ws://127.0.0.1:6008/subscribe");
        }
    }

    #[test]
    fn earliest_asks_for_the_oldest_in_microseconds() {
        let config = Config { start: Start::Earliest, ..config(&["ws://h/subscribe"], &[]) };
        let uri = build(&config).unwrap()[0].uri(None).to_string();
        assert_eq!(uri, "ws://h/subscribe?cursor=1000000000000000");
    }

    #[test]
    fn a_filter_that_does_not_fit_the_address_is_sent_as_a_message() {
        let mut config = config(&["ws://h"], &["app.bsky.feed.post"]);
        config.wanted_dids = (0..500).map(|n| format!("did:plc:{n:024}")).collect();
        let request = build(&config).unwrap().remove(0);
        assert_eq!(request.uri(None).to_string(), "ws://h/subscribe?requireHello=true");
        let hello: serde_json::Value = serde_json::from_str(request.hello().unwrap()).unwrap();
        assert_eq!(hello["type"], "options_update");
        assert_eq!(hello["payload"]["wantedDids"].as_array().unwrap().len(), 500);
        assert_eq!(hello["payload"]["wantedCollections"][0], "app.bsky.feed.post");
    }

    #[test]
    fn mistakes_are_named_before_any_network() {
        for collection in ["app.bsky.fo*", "post", "app..post", "app.bsky.feed.post ", "*", ".*", "a.b&c.d"] {
            let error = build(&config(&["h"], &[collection])).unwrap_err().to_string();
            assert!(error.contains("wanted_collections"), "{error}");
        }
        for host in ["http://h/subscribe", "ws://", "ws://h?cursor=1", "a b", "wss://h/x y"] {
            assert!(build(&config(&[host], &[])).unwrap_err().to_string().contains("hosts"), "{host}");
        }
        assert!(build(&config(&[], &[])).is_err());
        let longer = Duration::from_secs(1 << 20);
        let crossed = Config { stall_min: longer, ..config(&["h"], &[]) };
        assert!(build(&crossed).unwrap_err().to_string().contains("stall_min"));
        let dids = Config { wanted_dids: vec!["did:plc".to_owned()], ..config(&["h"], &[]) };
        assert!(build(&dids).unwrap_err().to_string().contains("wanted_dids"));
    }
}
