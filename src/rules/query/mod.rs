//! The query language: what a query means, how its text is read, and what follows from it.
//!
//! `lex` and `parse` make the tree of `ast`, whose text terms are [`term::Pattern`]s; `errors` says what can be wrong.
//! `near` decides proximity, `implication` whether one query holds wherever another does. Knows no files and no posts.

pub mod ast;
pub mod comparison;
pub mod errors;
pub mod implication;
mod lex;
pub mod limits;
pub mod near;
pub mod parse;
pub mod term;
mod values;
