//! Bytes of a source's frames to [`Event`](crate::model::Event)s.
//!
//! Layer 1, pure. One file per wire format. A decoder owns its buffers and never panics on what it is given.

pub mod jetstream;
pub mod json;
pub mod packed;
