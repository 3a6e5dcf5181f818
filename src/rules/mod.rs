//! Rules: the language, the files, and the compiled set.
//!
//! Layer 1, pure. `query` is the language: what a query means, how one is read, and when it implies another; `operators`
//! are its `name:value` terms. `pack` reads files of rules; `engine` makes a [`RuleSet`] of them, which decides a post
//! in the time of a few look-ups, and decides it the obvious way too. `explain` says why, `lint` says what looks wrong;
//! `diagnostic` and `sarif` are how findings are shown. No circle of files: `tests/it/circles.rs` holds that.

pub mod diagnostic;
pub mod engine;
pub mod explain;
pub mod lint;
pub mod operators;
pub mod pack;
pub mod query;
pub mod sarif;

pub use engine::{Anchors, Facts, RuleSet, Scoring, Scratch, Step, cost, facts, index, naive, unscored};
pub use pack::{cases, list, manifest, schema};
pub use query::{ast, errors, implication, parse, term};
