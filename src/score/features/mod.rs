//! What a post is read for: its words and their values, how it is written, and the features that the heads weigh.
//!
//! `tokens` are its words with what the lexicon says of each, `typography` its capitals and marks, `cue` the kinds of
//! things it speaks of. `lexical` reads all of this, and makes scores of it alone; `grams` makes rows of the model's table.

pub(super) mod cue;
pub mod grams;
pub(super) mod lexical;
pub(super) mod reading;
pub(super) mod tokens;
pub(super) mod typography;

pub use lexical::LexicalScorer;
