//! One word of a folded text.

/// One word of a [`Folded`](super::Folded) text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Byte range in [`Folded::text`](super::Folded::text).
    pub start: u32,
    /// End of it, exclusive.
    pub end: u32,
    /// [`word_hash`](super::word_hash) of the folded bytes.
    pub hash: u64,
    /// `#`, `@` or `$` where the word directly follows one that opens an entity, else 0.
    pub sigil: u8,
}
