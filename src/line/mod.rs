//! The straight line: frames in, outcomes out.
//!
//! Layer 2, pure. Workers turn batches into outcomes; [`triage`](crate::triage), in order, turns outcomes into commits.

mod aspects;
mod engagements;
mod item_line;
mod outcome;
mod prefilter;
mod scoring;
mod signal;
mod worker;

pub use aspects::{aspects, live};
pub use engagements::Engagements;
pub use item_line::write_line;
pub use outcome::{BatchOutcome, Counts};
pub use prefilter::Handles;
pub use scoring::scores_of;
pub use signal::{Signal, SignalError};
pub use worker::Worker;

pub use crate::model::RejectReason;
