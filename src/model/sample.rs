//! A post that a shadow rule matched, kept for a look.

use serde::{Deserialize, Serialize};

use super::{Span, Timestamp};

/// What an author sees of a match that was not sent. The text is untrusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSample {
    /// When the post was received.
    pub received_at: Timestamp,
    /// The post's address in its network.
    pub uri: String,
    /// The author's id.
    pub author: String,
    /// As the scorer sees it, ISO 639-1, or `und`.
    pub lang: String,
    /// The text, verbatim; its end is missing when it is very long.
    pub text: String,
    /// Where the rule's terms stand in the text, in bytes.
    pub spans: Vec<Span>,
}
