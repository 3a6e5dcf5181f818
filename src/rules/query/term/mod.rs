//! Text terms: what one looks for in a folded text, and whether it stands at a given place.
//!
//! [`Pattern`] is the leaf that both evaluators share: `read` makes one, `find` finds its places, `print` writes it for the
//! parser to read back. `wildcard`, `raw`, `unspaced` (emoji and scripts without spaces) and `handle` are its forms;
//! `emoji` says where some may stand.

mod emoji;
mod find;
mod handle;
mod pattern;
mod print;
mod raw;
mod read;
#[cfg(test)]
mod tests;
pub(in crate::rules) mod unspaced;
pub(in crate::rules) mod wildcard;

pub(in crate::rules) use handle::{ends_handle, handle_len};
pub use pattern::{Fold, Form, Gap, Pattern, PatternError};
pub use raw::Key;
