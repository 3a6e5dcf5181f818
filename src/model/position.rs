//! Where a source is in its stream.

/// Where a source is, in the source's own unit, growing: a stream's microseconds, a file's byte offset. Only the source
/// that gave it can tell what it means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);
