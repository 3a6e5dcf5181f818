//! The system's clock, as the model's time: the one place that asks it. The core takes `now` as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::Timestamp;

/// Now. A clock set before 1970 reads as the epoch.
#[must_use]
pub fn wall_clock() -> Timestamp {
    Timestamp::ZERO + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
