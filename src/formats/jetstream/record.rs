//! A record of a repository by its coordinates, and the references to posts that commits make of it.
//!
//! The glance at raw bytes and the parser both come here, so that one event has one identity however it was read.

use super::{POST, REPOST};
use crate::model::{PostRef, Timestamp};

/// The network's name, as in `source:bluesky`.
pub const NETWORK: &str = "bluesky";

/// Longest parts of an identity: a DID, and a record key (AT Protocol, "DID" and "Record Key").
const DID_BYTES_MAX: usize = 2_048;
const RKEY_BYTES_MAX: usize = 512;
/// Longest URI of another record (AT Protocol, "AT URI Scheme").
pub(super) const URI_BYTES_MAX: usize = 8_192;

/// Where a commit writes.
#[derive(Clone, Copy, Debug)]
pub struct RecordRef<'a> {
    /// The acting account.
    pub did: &'a str,
    /// The record's key.
    pub rkey: &'a str,
    /// The commit's revision: the version of what it writes.
    pub rev: &'a str,
}

impl<'a> RecordRef<'a> {
    /// From raw bytes. `None` when they are not UTF-8, or longer than any identity: the parser will say so.
    #[must_use]
    pub fn from_bytes(did: &'a [u8], rkey: &'a [u8], rev: &'a [u8]) -> Option<Self> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let record = Self { did: text(did)?, rkey: text(rkey)?, rev: text(rev)? };
        record.is_bounded().then_some(record)
    }

    /// False when no server could have written this.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.did.len() <= DID_BYTES_MAX
            && self.rkey.len() <= RKEY_BYTES_MAX
            && self.rev.len() <= RKEY_BYTES_MAX
    }

    /// The URI of the record in `collection`.
    #[must_use]
    pub fn uri(&self, collection: &str) -> String {
        ["at://", self.did, "/", collection, "/", self.rkey].concat()
    }

    /// A repost of `subject`. `None` when that is longer than any URI.
    #[must_use]
    pub fn repost(&self, subject: &str, event_at: Timestamp) -> Option<PostRef> {
        (subject.len() <= URI_BYTES_MAX).then(|| self.reference(REPOST, subject, event_at))
    }

    /// The deletion of a post.
    #[must_use]
    pub fn deletion(&self, event_at: Timestamp) -> PostRef {
        self.reference(POST, &self.uri(POST), event_at)
    }

    fn reference(&self, collection: &str, subject: &str, event_at: Timestamp) -> PostRef {
        let record = ["at://", self.did, "/", collection, "/", self.rkey];
        PostRef::new(NETWORK, self.did, &record, self.rev, subject, event_at)
    }
}
