//! The straight line: frames in, outcomes out, commits made.
//!
//! Layer 2, pure. Workers turn batches into outcomes; settling, in order, turns outcomes into commits.

mod outcome;
mod prefilter;
mod worker;

pub use outcome::{BatchOutcome, Counts, Signal};

pub use prefilter::Handles;
pub use worker::Worker;

pub use crate::model::RejectReason;
