//! Packs: files of rules, and what is in them.
//!
//! `loader` reads them by the tables of `keys`, with `list` for keyword lists and `place` for where in a file a query's
//! mistake stands. `schema` is the same tables for editors, `manifest` tells one load from the next, `cases` runs the
//! tests that packs bring along. Text comes in as strings: reading folders is the caller's business.

pub mod cases;
pub(super) mod keys;
pub mod list;
mod lists;
mod loaded;
mod loader;
pub mod manifest;
mod place;
pub mod schema;
mod table;
#[cfg(test)]
mod tests;
mod toml_hint;

pub use loaded::{DeclaredList, LoadedRule, Pack, Packs, RuleTest};
pub use loader::{RULES_MAX, has_extension, load};
