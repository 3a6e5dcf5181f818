//! Deciding posts: the compiled set, and the obvious evaluator that it must equal.
//!
//! `compile` numbers the terms of all rules and makes expressions over them; `index` finds all terms in one pass over a
//! text; `eval` decides an expression, and `set` runs it all for a post. `naive` looks for every term by itself.
//! `facts` is what both look at; `cost` measures what rules take.

mod compile;
pub mod cost;
mod eval;
pub mod facts;
pub mod index;
pub mod naive;
mod set;

pub use facts::{Facts, Scoring, unscored};
pub use set::{Anchors, RuleSet, Scratch, Step};
