//! Two clocks: what the wall clock says, and how much time has certainly passed.
//!
//! The wall clock is set by people, by NTP and by whoever means harm; it leaps. *Steady time* only counts time during
//! which a store's owner is known to have lived through: it never leaps, never goes back, and stands still while nothing
//! can vouch for it (across a reboot). Whatever must not happen twice within a span of time, and whatever is forgotten
//! after one, goes by steady time. What people read is wall time.

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// A point in steady time: microseconds since the store was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Steady(i64);

impl Steady {
    /// When the store was made.
    pub const ZERO: Self = Self(0);

    /// Wraps microseconds; below zero for what was carried over from before steady time was kept.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the store was made.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Steady {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Steady {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// One moment on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// What the wall clock says. Shown to people, compared with what others wrote; never trusted with a promise.
    pub wall: Timestamp,
    /// Time that has certainly passed.
    pub steady: Steady,
}

impl Moment {
    /// A moment at which both clocks have run alike from the epoch: for commands without a store, and for tests.
    #[must_use]
    pub const fn at(wall: Timestamp) -> Self {
        Self { wall, steady: Steady(wall.as_micros()) }
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self { wall: self.wall + rhs, steady: self.steady + rhs }
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self { wall: self.wall - rhs, steady: self.steady - rhs }
    }
}

/// How far the wall clock stands from where steady time says it must stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leap {
    /// Microseconds; above zero when the wall clock is ahead.
    pub micros: i64,
    /// True when no time can have passed unseen. False after a reboot: then some or all of it may be time that went by.
    pub is_certain: bool,
}

impl Leap {
    /// True when the wall clock is ahead by more than `most`.
    #[must_use]
    pub fn is_ahead(self, most: Duration) -> bool {
        i128::from(self.micros) > most.as_micros() as i128
    }

    /// True when the wall clock is behind by more than `most`.
    #[must_use]
    pub fn is_behind(self, most: Duration) -> bool {
        -i128::from(self.micros) > most.as_micros() as i128
    }
}

impl Moment {
    /// How far the wall clock is ahead of steady time, in microseconds: constant while it does not leap.
    #[must_use]
    pub const fn offset(self) -> i64 {
        self.wall.as_micros().saturating_sub(self.steady.as_micros())
    }
}

/// The machine as it runs, since it was last started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Another one for each start.
    pub id: String,
    /// How long it has run, in microseconds, sleep included.
    pub uptime_micros: i64,
}

/// The store's last word on time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockRecord {
    /// When it was written, on both clocks; no wall time before the first write.
    pub steady: Steady,
    /// The wall clock then.
    pub wall: Option<Timestamp>,
    /// Wall time minus steady time, in microseconds, as it was when a person last looked, or at the beginning.
    pub offset: Option<i64>,
    /// The machine's state then, where the system tells.
    pub boot: Option<Boot>,
}
