//! How the frames of a source that takes any format are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::errors::SourceError;
use crate::formats::{Format, json};

/// A format, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FormatName {
    /// Events of Bluesky's Jetstream.
    #[default]
    Jetstream,
    /// Posts as JSON objects.
    Json,
}

/// The format of the source `name`, whose fields stand where `map` says.
pub(super) fn format_of(
    name: &Arc<str>,
    format: FormatName,
    map: &BTreeMap<String, String>,
) -> Result<Format, SourceError> {
    let wrong = |problem| SourceError::Config {
        name: Arc::clone(name),
        problem,
        remedy: "see the table of fields in docs/json.md",
    };
    match format {
        FormatName::Jetstream if map.is_empty() => Ok(Format::Jetstream),
        FormatName::Jetstream => Err(wrong("`fields` is for format = \"json\"".to_owned())),
        FormatName::Json => match json::Fields::new(map) {
            Ok(fields) => Ok(Format::Json(Arc::new(fields))),
            Err(mistakes) => Err(wrong(mistakes.join("; "))),
        },
    }
}
