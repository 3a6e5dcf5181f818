//! Rules: the language, the files, and the compiled set.
//!
//! Layer 1, pure. `ast` and `term` are what a query means; `parse` reads one; `pack` reads files of them; `compile`
//! makes a [`RuleSet`] that decides a post in the time of a few look-ups; `naive` decides it the obvious way.

pub mod ast;
pub mod cases;
mod compile;
pub mod cost;
pub mod diagnostic;
pub mod errors;
mod eval;
pub mod explain;
pub mod facts;
pub mod implication;
pub mod index;
mod keys;
mod lex;
pub mod lint;
pub mod list;
pub mod manifest;
mod miss;
pub mod naive;
pub mod operators;
pub mod pack;
pub mod parse;
mod place;
pub mod sarif;
pub mod schema;
mod set;
mod table;
pub mod term;
mod toml_hint;
mod unspaced;

pub use facts::{Facts, Scoring, unscored};
pub use set::{Anchors, RuleSet, Scratch, Step};
