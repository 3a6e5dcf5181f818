//! `--field`: where posts in JSON have their fields.

use std::collections::BTreeMap;

use crate::formats::json::Fields;

/// The map of fields.
#[derive(Debug, clap::Args)]
pub(crate) struct FieldArgs {
    /// Where a field of a post in JSON stands, as in `author.name=/user/screen_name`; once for each field
    #[arg(long = "field", value_name = "NAME=POINTER", value_parser = pair)]
    fields: Vec<(String, String)>,
}

impl FieldArgs {
    /// As in `[source.fields]`.
    pub(crate) fn map(&self) -> BTreeMap<String, String> {
        self.fields.iter().cloned().collect()
    }

    /// True when no field was named.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The places of all fields.
    ///
    /// # Errors
    /// Names that are no fields, and pointers that are none.
    pub(crate) fn fields(&self) -> anyhow::Result<Fields> {
        Fields::new(&self.map()).map_err(|mistakes| anyhow::anyhow!(mistakes.join("\n")))
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(name, pointer)| (name.to_owned(), pointer.to_owned()));
    pair.ok_or_else(|| "write NAME=POINTER, such as author.name=/user/screen_name".to_owned())
}
