//! The system's clocks: the one place that asks them. The core takes `now` as an argument.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::model::{Boot, ClockRecord, Leap, Moment, Steady, Timestamp};

/// Now, by the wall clock. One that is set before 1970 reads as the epoch.
#[must_use]
pub fn wall_clock() -> Timestamp {
    Timestamp::ZERO + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Nanoseconds since the first call; never goes back.
#[must_use]
pub fn monotonic_nanos() -> u64 {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(FIRST.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Both clocks of one store: what the wall clock says, and how much time has certainly passed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Steady time at `started`, in microseconds.
    base: AtomicI64,
    /// Wall time minus steady time that counts as no leap.
    offset: AtomicI64,
}

impl Clock {
    /// Goes on from what the store last knew, and says how the wall clock fits to that; no leap for a new store.
    ///
    /// Within one boot of the machine, steady time goes on by the machine's uptime: that is how long the store was closed.
    /// After a reboot it goes on from where it stood.
    #[must_use]
    pub fn resume(record: &ClockRecord) -> (Self, Option<Leap>) {
        Self::resume_at(record, boot().as_ref(), wall_clock())
    }

    fn resume_at(record: &ClockRecord, boot: Option<&Boot>, wall: Timestamp) -> (Self, Option<Leap>) {
        let closed_for = closed_for(record.boot.as_ref(), boot);
        let steady = record.steady.as_micros() + closed_for.unwrap_or(0);
        let now = Moment { wall, steady: Steady::from_micros(steady) };
        let leap = record.wall.map(|wall| {
            let before = Moment { wall, steady: record.steady };
            Leap { micros: now.offset().saturating_sub(before.offset()), is_certain: closed_for.is_some() }
        });
        let offset = record.offset.unwrap_or(now.offset());
        let shared = Arc::new(Shared { base: AtomicI64::new(steady), offset: AtomicI64::new(offset) });
        (Self { started: Instant::now(), shared }, leap)
    }

    /// Now, on both clocks.
    #[must_use]
    pub fn now(&self) -> Moment {
        let elapsed = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let steady = self.shared.base.load(Ordering::Relaxed).saturating_add(elapsed);
        Moment { wall: wall_clock(), steady: Steady::from_micros(steady) }
    }

    /// How far the wall clock stands from where it should, in microseconds; above zero when it is ahead.
    #[must_use]
    pub fn leap_micros(&self) -> i64 {
        self.now().offset().saturating_sub(self.shared.offset.load(Ordering::Relaxed))
    }

    /// Takes the wall clock for right. Time by which it is ahead counts as time that has passed; a wall clock that is
    /// behind takes nothing back.
    #[must_use]
    pub fn accept(&self) -> Moment {
        self.shared.base.fetch_add(self.leap_micros().max(0), Ordering::Relaxed);
        let now = self.now();
        self.shared.offset.store(now.offset(), Ordering::Relaxed);
        now
    }
}

/// How long the store was closed, when both are of one boot.
fn closed_for(before: Option<&Boot>, now: Option<&Boot>) -> Option<i64> {
    let (before, now) = (before?, now?);
    let passed = now.uptime_micros.checked_sub(before.uptime_micros)?;
    // A container may have an uptime of its own, which begins anew while the machine's boot stays.
    (before.id == now.id && passed >= 0).then_some(passed)
}

/// The machine's boot and uptime; `None` where the system does not tell (`/proc` of Linux does).
#[must_use]
pub fn boot() -> Option<Boot> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Some(Boot { id, uptime_micros: (seconds * 1e6) as i64 })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn boot_of(id: &str, uptime_micros: i64) -> Boot {
        Boot { id: id.to_owned(), uptime_micros }
    }

    fn record() -> ClockRecord {
        ClockRecord {
            steady: Steady::from_micros(5 * HOUR),
            wall: Some(Timestamp::from_micros(100 * HOUR)),
            offset: Some(95 * HOUR),
            boot: Some(boot_of("a", HOUR)),
        }
    }

    /// Steady time in whole hours, the leap in hours, and whether it is certain.
    fn resumed(boot: Option<&Boot>, wall_hours: i64) -> (i64, i64, bool) {
        let (clock, leap) = Clock::resume_at(&record(), boot, Timestamp::from_micros(wall_hours * HOUR));
        let leap = leap.unwrap();
        (clock.now().steady.as_micros() / HOUR, leap.micros / HOUR, leap.is_certain)
    }

    #[test]
    fn within_a_boot_the_uptime_says_how_long_the_store_was_closed() {
        assert_eq!(resumed(Some(&boot_of("a", 3 * HOUR)), 102), (7, 0, true));
        assert_eq!(resumed(Some(&boot_of("a", 3 * HOUR)), 150), (7, 48, true), "the clock leapt");
        assert_eq!(resumed(Some(&boot_of("a", 3 * HOUR)), 101), (7, -1, true));
    }

    #[test]
    fn after_a_reboot_no_time_is_taken_for_passed() {
        assert_eq!(resumed(Some(&boot_of("b", HOUR)), 102), (5, 2, false));
        assert_eq!(resumed(None, 102), (5, 2, false));
        assert_eq!(resumed(Some(&boot_of("a", HOUR / 2)), 102), (5, 2, false), "an uptime that went back");
    }

    #[test]
    fn a_new_store_has_no_leap_and_begins_at_zero() {
        let new = ClockRecord { steady: Steady::ZERO, wall: None, offset: None, boot: None };
        let (clock, leap) = Clock::resume(&new);
        assert_eq!(leap, None);
        assert!(clock.now().steady.as_micros() < HOUR && clock.leap_micros().abs() < 1_000_000);
    }

    #[test]
    fn a_leap_that_is_accepted_counts_as_time_and_one_back_takes_none() {
        let now = wall_clock();
        for (ahead, passed) in [(3, 3), (-3, 0)] {
            let offset = now.as_micros() - 5 * HOUR - ahead * HOUR;
            let record = ClockRecord { offset: Some(offset), wall: Some(now), boot: None, ..record() };
            let (clock, _) = Clock::resume(&record);
            assert!((clock.leap_micros() - ahead * HOUR).abs() < HOUR / 100);
            let accepted = clock.accept();
            assert!(clock.leap_micros().abs() < 1_000_000);
            assert_eq!(accepted.steady.as_micros() / HOUR, 5 + passed);
        }
    }

    #[test]
    fn steady_time_goes_on() {
        let (clock, _) = Clock::resume(&record());
        let before = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        assert!(clock.now().steady >= before.steady + Duration::from_millis(2));
    }
}
