//! What of a post was too long to be kept.
//!
//! Whoever reads an item is shown what was left out.

use serde::{Deserialize, Serialize};

/// What an item lacks because it was too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Bytes at the end of the text.
    pub text_bytes: u32,
    /// Captions, links, hashtags and mentions.
    pub entries: u32,
    /// Rules that matched.
    pub matches: u32,
    /// Places where rules matched, those behind the end of the text among them.
    pub spans: u32,
}

impl Cut {
    /// True when nothing is missing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
