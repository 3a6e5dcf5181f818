//! The straight line: frames in, outcomes out, commits made.
//!
//! Layer 2, pure. Workers turn batches into outcomes; settling, in order, turns outcomes into commits.

mod body;
mod outcome;
mod prefilter;
mod worker;
pub mod settle;

pub use outcome::{BatchOutcome, Counts, Signal};
pub use settle::{SettleCounts, Settler};

pub use prefilter::Handles;
pub use worker::Worker;

pub use crate::model::RejectReason;
