//! Why a rule matches a post, or why not.
//!
//! `explanation` gives the truth of every part of the query; `miss` says what stands in the text instead of a term.

mod explanation;
mod miss;

pub use explanation::{Explanation, Failed, Verdict, explain, highlighted};
