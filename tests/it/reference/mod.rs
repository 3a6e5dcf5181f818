//! A second reading of `rules/README.md`: a slow evaluator that shares nothing with birddog's but the parser.
//!
//! Written from the page's wording and Unicode's properties, to find where `src/rules` and `src/text` do not do what the
//! page says. Text is cut in `characters` and `words`, terms are found in `terms`, distances measured in `distance`,
//! `name:value` decided in `fields`; `evaluate` puts it together.

pub(crate) mod characters;
mod distance;
mod evaluate;
mod fields;
mod spellings;
mod terms;
mod words;

pub(crate) use evaluate::{Reader, Reference};
