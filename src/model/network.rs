//! The networks that posts come from, by name.

use std::fmt::Display;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// A network's name, one of [`NETWORKS`].
pub type Network = &'static str;

/// Every network, as in `source:bluesky`. The last is that of posts that come as JSON and name no other.
pub const NETWORKS: [Network; 5] = ["bluesky", "mastodon", "nostr", "web", JSON];

/// The network of posts that name none.
pub const JSON: Network = "json";

/// The network of that name.
#[must_use]
pub fn network(name: &str) -> Option<Network> {
    NETWORKS.into_iter().find(|network| *network == name)
}

/// Writes a network's name.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(network: impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&network)
}

/// Reads a network's name.
///
/// # Errors
/// When there is no such network.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Network, D::Error> {
    let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
    network(&name).ok_or_else(|| D::Error::custom(format!("there is no network {name:?}")))
}
