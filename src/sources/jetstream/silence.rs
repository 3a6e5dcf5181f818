//! How long a stream may be silent before its server counts as gone deaf: as long as its own past says.
//!
//! A busy stream is given up after seconds, a stream that sleeps at night is left to sleep. The longest gap between two
//! events is remembered and halves every [`HALF_LIFE`]; with [`FACTOR`], a gap like one of the last 24 hours passes.

use std::time::Duration;

use tokio::time::Instant;

/// The allowed silence is this many times the longest gap remembered.
const FACTOR: u32 = 4;
/// The longest gap counts half after this time.
const HALF_LIFE: Duration = Duration::from_secs(12 * 3600);
/// What is assumed of a stream that has no past yet: a minute of silence passes.
const FIRST_GAP: Duration = Duration::from_secs(15);

/// The gaps of one stream, over all its connections.
#[derive(Debug)]
pub(super) struct Silence {
    min: Duration,
    max: Duration,
    longest_gap: Duration,
    remembered_at: Instant,
}

impl Silence {
    /// Starts without a past; the allowed silence always stays between `min` and `max`.
    pub(super) fn new(min: Duration, max: Duration, now: Instant) -> Self {
        Self { min, max: max.max(min), longest_gap: FIRST_GAP, remembered_at: now }
    }

    /// Learns from a gap that an event has just ended.
    pub(super) fn ended(&mut self, gap: Duration, now: Instant) {
        // A shorter one could not raise the allowance over its minimum, and nearly every gap is far shorter.
        if gap > self.min / FACTOR && gap >= self.longest_gap(now) {
            (self.longest_gap, self.remembered_at) = (gap, now);
        }
    }

    /// Returns the allowed silence, doubled for each time in a row that a server was given up for its silence.
    pub(super) fn allowed(&self, silences: u32, now: Instant) -> Duration {
        let learnt = self.longest_gap(now).saturating_mul(FACTOR).clamp(self.min, self.max);
        learnt.saturating_mul(2u32.saturating_pow(silences)).min(self.max)
    }

    fn longest_gap(&self, now: Instant) -> Duration {
        let age = now.saturating_duration_since(self.remembered_at);
        self.longest_gap.mul_f64(0.5_f64.powf(age.as_secs_f64() / HALF_LIFE.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: Duration = Duration::from_secs(15);
    const MAX: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);
    const DAY: Duration = Duration::from_secs(86_400);

    fn silence(now: Instant) -> Silence {
        Silence::new(MIN, MAX, now)
    }

    #[test]
    fn without_a_past_a_minute_passes_and_a_busy_day_brings_it_to_the_minimum() {
        let start = Instant::now();
        let mut silence = silence(start);
        assert_eq!(silence.allowed(0, start), MINUTE);
        for second in 0..86_400 {
            silence.ended(Duration::from_secs(1), start + Duration::from_secs(second));
        }
        assert_eq!(silence.allowed(0, start + DAY), MIN);
    }

    #[test]
    fn a_quiet_night_is_learnt_and_a_like_gap_passes_for_a_day() {
        let (start, night) = (Instant::now(), 12 * MINUTE);
        let mut silence = silence(start);
        silence.ended(night, start);
        silence.ended(MINUTE, start);
        assert_eq!(silence.allowed(0, start), 4 * night);
        assert!(silence.allowed(0, start + DAY) >= night);
        assert!(silence.allowed(0, start + 2 * DAY) < night);
        assert_eq!(silence.allowed(0, start + 20 * DAY), MIN);
    }

    #[test]
    fn the_allowance_doubles_with_each_silence_and_never_passes_its_bounds() {
        let start = Instant::now();
        let silence = silence(start);
        let allowed: Vec<u64> = (0..8).map(|times| silence.allowed(times, start).as_secs()).collect();
        assert_eq!(allowed, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(silence.allowed(u32::MAX, start), MAX);
    }

    #[test]
    fn a_fixed_allowance_neither_learns_nor_doubles() {
        let now = Instant::now();
        let mut silence = Silence::new(MIN, MIN, now);
        silence.ended(DAY, now);
        assert_eq!((silence.allowed(0, now), silence.allowed(9, now)), (MIN, MIN));
    }
}
