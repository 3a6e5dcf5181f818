//! The straight line: frames in, outcomes out, commits made.
//!
//! Layer 2, pure. Workers turn batches into outcomes; settling, in order, turns outcomes into commits.

mod aspects;
pub mod costs;
pub mod drift;
mod engagements;
mod line;
mod outcome;
mod prefilter;
pub mod samples;
mod scoring;
pub mod settle;
mod worker;

pub use aspects::aspects;
pub use engagements::Engagements;
pub use line::write_line;
pub use outcome::{BatchOutcome, Counts, Signal};
pub use prefilter::Handles;
pub use scoring::scores_of;
pub use settle::{SettleCounts, Settler};
pub use worker::Worker;

pub use crate::model::RejectReason;
