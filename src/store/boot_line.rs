//! When this system started, by steady time.

use crate::model::{Boot, Steady};

/// A boot, and how its uptime goes with the store's steady time.
#[derive(Clone, Debug)]
pub(super) struct BootLine {
    pub(super) id: String,
    /// Uptime minus steady time, in microseconds.
    offset: i64,
}

impl BootLine {
    pub(super) fn new(boot: Boot, now: Steady) -> Self {
        Self { id: boot.id, offset: boot.uptime_micros.saturating_sub(now.as_micros()) }
    }

    pub(super) fn uptime_at(&self, now: Steady) -> i64 {
        self.offset.saturating_add(now.as_micros())
    }
}
