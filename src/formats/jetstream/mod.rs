//! Bluesky Jetstream, v1 wire: one JSON object a frame.
//!
//! `glance` reads the start of a frame as the servers write it, without parsing; `segments` finds the texts inside a
//! post, without parsing; `decode` parses. What the first two cannot vouch for, they leave to the third. `subject`
//! finds whose record is shared, liked or answered.

mod decode;
mod escape;
mod glance;
mod plain;
mod record;
mod segments;
mod subject;

pub use decode::{DEPTH_MAX, Decoder};
pub use escape::unescape;
pub use glance::{Glance, GlanceKind, glance};
pub use record::{NETWORK, RecordRef};
pub use segments::{Segment, SegmentFinder, Segments};
pub use subject::{account_of, answered, author_of, liked, repost_subject};

/// The collection of posts.
pub const POST: &str = "app.bsky.feed.post";
/// The collection of reposts.
pub const REPOST: &str = "app.bsky.feed.repost";
