//! Bytes of a source's frames to [`Event`]s: how each network writes things, and nobody else needs to know.
//!
//! Layer 1, pure. One file or folder a format, and one line for each in [`Format`]. A frame is looked at twice: a *glance*
//! reads what it is and whose, and is allowed to say nothing; a decoder parses. A decoder owns its buffers and never
//! panics on what it is given.

mod batch;
pub mod jetstream;
pub mod json;
pub mod packed;
mod refused;

use std::sync::Arc;

use crate::model::{Event, Timestamp};

pub use batch::{Batch, BatchBuilder};
pub use jetstream::{Glance, GlanceKind};
pub use refused::Refused;

/// How frames are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Events of Bluesky's Jetstream, v1 wire.
    #[default]
    Jetstream,
    /// One post a frame, as a JSON object whose fields stand where the map says.
    Json(Arc<json::Fields>),
}

impl Format {
    /// Name as in configurations.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Jetstream => "jetstream",
            Self::Json(_) => "json",
        }
    }

    /// What the first bytes of a frame tell, without parsing; nothing when it has to be parsed. Sound: whatever says that a
    /// frame cannot matter is right.
    #[inline]
    #[must_use]
    pub fn glance<'f>(&self, frame: &'f [u8]) -> Option<Glance<'f>> {
        match self {
            Self::Jetstream => jetstream::glance(frame),
            Self::Json(_) => None,
        }
    }

    /// When the event of a frame happened, in microseconds since 1970, where that can be told without parsing.
    #[must_use]
    pub fn time_us(&self, frame: &[u8]) -> Option<u64> {
        Some(self.glance(frame)?.time_us())
    }
}

/// Parses frames of every format, one after another in the same buffers.
#[derive(Default)]
pub struct Decoder {
    jetstream: jetstream::Decoder,
}

impl Decoder {
    /// Parses one frame.
    ///
    /// # Errors
    /// Why the frame is refused.
    #[inline]
    pub fn decode(
        &mut self,
        format: &Format,
        frame: &[u8],
        received_at: Timestamp,
    ) -> Result<Event, Refused> {
        match format {
            Format::Jetstream => Ok(self.jetstream.decode(frame, received_at)?),
            Format::Json(fields) => json::decode(frame, fields, received_at).map(Event::Create),
        }
    }
}
