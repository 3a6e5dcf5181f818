//! Why a rule matches a post, or why not.
//!
//! `judge` makes the [`Explanation`]: the truth of every part of the query; `blame` finds the parts that decided against,
//! `miss` says what stands in the text instead of a term, and `render` writes it all for people.

mod blame;
mod explanation;
mod judge;
mod miss;
mod render;
#[cfg(test)]
mod tests;

pub use explanation::{Explanation, Failed, Verdict};
pub use judge::explain;
pub use render::highlighted;
