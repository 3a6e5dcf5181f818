//! How large a query may be, so that none can exhaust memory or the stack.

/// Longest query, in characters.
pub const QUERY_CHARS_MAX: usize = 8_192;
/// Most terms in a query; a list counts as one, a word of `"…"~N` too.
pub const QUERY_TERMS_MAX: usize = 1_024;
/// Deepest nesting of groups and negations.
pub const DEPTH_MAX: usize = 64;
