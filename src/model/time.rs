//! Points in time, as microseconds since the Unix epoch, UTC.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z. Shown and serialised as RFC 3339; in binary forms, as the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The epoch itself: used where no time is known.
    pub const ZERO: Self = Self(0);

    /// Wraps microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Parses RFC 3339 (`2026-11-21T10:00:00.123Z`, any offset).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_microsecond()))
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = rfc3339(*self) {
            return f.write_str(std::str::from_utf8(&text).unwrap_or_default());
        }
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.6}"),
            Err(_) => write!(f, "out-of-range({})", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Self);
        }
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("not an RFC 3339 time: {text:?}")))
    }
}

/// `2026-11-21T10:00:00.000000Z`, at a tenth of what a calendar costs; `None` before 1970 and in the last days of 9999.
fn rfc3339(time: Timestamp) -> Option<[u8; 27]> {
    const DAY_MICROS: u64 = 86_400_000_000;
    const DAYS_MAX: u64 = 2_932_894;
    let micros = u64::try_from(time.as_micros()).ok().filter(|micros| micros / DAY_MICROS <= DAYS_MAX)?;
    let (year, month, day) = civil(micros / DAY_MICROS);
    let (second, micro) = ((micros % DAY_MICROS) / 1_000_000, micros % 1_000_000);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    for (end, digits, number) in [
        (4, 4, year),
        (7, 2, month),
        (10, 2, day),
        (13, 2, second / 3600),
        (16, 2, second / 60 % 60),
        (19, 2, second % 60),
        (26, 6, micro),
    ] {
        put(&mut text[end - digits..end], number);
    }
    Some(text)
}

fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day, `days` after 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_printing_and_parsing() {
        let time = Timestamp::from_micros(1_725_911_162_329_308);
        assert_eq!(time.to_string(), "2024-09-09T19:46:02.329308Z");
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
    }

    #[test]
    fn since_never_goes_below_zero() {
        let (a, b) = (Timestamp::from_micros(5), Timestamp::from_micros(9));
        assert_eq!(b.since(a), Duration::from_micros(4));
        assert_eq!(a.since(b), Duration::ZERO);
    }

    proptest::proptest! {
        #[test]
        fn times_are_written_as_the_calendar_writes_them(micros in -1_000_000i64..253_402_000_000_000_000) {
            let time = Timestamp::from_micros(micros);
            if let Some(text) = rfc3339(time) {
                let calendar = jiff::Timestamp::from_microsecond(micros).unwrap();
                proptest::prop_assert_eq!(std::str::from_utf8(&text).unwrap(), format!("{calendar:.6}"));
            } else {
                proptest::prop_assert!(micros < 0);
            }
        }
    }

    #[test]
    fn leap_days_and_the_ends_of_time_are_right() {
        for text in
            ["2024-02-29T23:59:59.999999Z", "2000-03-01T00:00:00.000000Z", "9999-12-29T23:59:59.000000Z"]
        {
            let time = Timestamp::parse(text).unwrap();
            assert_eq!(std::str::from_utf8(&rfc3339(time).unwrap()).unwrap(), text);
        }
        assert!(
            rfc3339(Timestamp::from_micros(-1)).is_none()
                && rfc3339(Timestamp::from_micros(i64::MAX)).is_none()
        );
    }
}
