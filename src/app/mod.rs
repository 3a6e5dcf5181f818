//! The running daemon: what it is made of, and what the outside may see of it.
//!
//! Layer 5. `api` sees only [`Handle`] and `model`; it never reaches a part directly.

pub mod daemon;
pub mod engine;
pub mod engine_metrics;
pub mod handle;
pub mod order;
pub mod rules;
pub mod status;
pub mod workers;

pub use daemon::{Daemon, DaemonError};
pub use handle::{COMMANDS_MAX, Command, Handle, Parts, READS_MAX, ReadQueue};
pub use status::{
    HEARTBEAT_AGE_MAX, Health, Heartbeat, LoopStatus, METRICS, RulesStatus, SinkStatus, SourceStatus, Status,
    StatusReport,
};
