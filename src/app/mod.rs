//! The running daemon: what it is made of, and what the outside may see of it.
//!
//! Layer 5. `api` sees only [`Handle`] and `model`; it never reaches a part directly.

pub mod daemon;
mod drift_log;
pub mod engine;
pub mod engine_metrics;
pub mod handle;
pub mod order;
pub mod status;
pub mod workers;

pub use crate::sources::http::IngestError;
pub use daemon::{Daemon, DaemonError};
pub use handle::{COMMANDS_MAX, Command, Handle, Parts, READS_MAX, ReadQueue, STREAMS_MAX, StreamPermit};
pub use status::{
    ClockStatus, HEARTBEAT_AGE_MAX, Health, Heartbeat, LoopStatus, METRICS, SinkStatus, SourceStatus, Status,
    StatusReport,
};
