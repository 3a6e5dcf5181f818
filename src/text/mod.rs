//! Text as rules see it: folded, cut into words, with the way back to the original bytes.
//!
//! Layer 1, pure. `fold` is the slow, complete form, used on posts that passed the prefilter and on rule terms;
//! `scan` is the fast form, used on every post, and finds every word that `fold` would find.

mod chars;
pub mod display;
mod fold;
mod hash;
mod hashtag;
pub mod lang;
mod loose;
mod scan;
mod word;

pub use chars::{CharClass, as_written, char_class, fold_char_into};
pub use fold::{Folded, for_each_folded_word};
pub use hash::{EXACT_BYTES, word_hash};
pub use hashtag::may_be_cut;
pub use lang::LangCode;
pub use scan::{Run, for_each_run, for_each_word};
pub use word::Word;
