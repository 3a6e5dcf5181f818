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

    /// The earliest time: the first day of the year 1.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The latest time: 9999-12-29, the last that every part of birddog can show as RFC 3339.
    pub const MAX: Self = Self(253_402_127_999_999_999);

    /// Wraps microseconds since the epoch. What lies beyond [`Timestamp::MIN`] and [`Timestamp::MAX`] becomes these: a
    /// time that cannot be shown would make everything unreadable that holds it.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
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
        let calendar = || text.parse::<jiff::Timestamp>().ok().map(|time| time.as_microsecond());
        parse_plain(text.as_bytes()).or_else(calendar).map(Self::from_micros)
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
        Self::from_micros(self.0.saturating_add(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = rfc3339(*self) {
            return f.write_str(std::str::from_utf8(&text).unwrap_or_default());
        }
        let time = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{time:.6}")
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
            return i64::deserialize(deserializer).map(Self::from_micros);
        }
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("not an RFC 3339 time: {text:?}")))
    }
}

/// Microseconds since the epoch of `2026-11-21T10:00:00.123Z`, as nearly everybody writes it: UTC, after 1970, up to six
/// decimals. `None` for the rest, right or wrong.
fn parse_plain(text: &[u8]) -> Option<i64> {
    // Leap days are left to the calendar.
    const MONTH_DAYS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (head, rest) = text.split_first_chunk::<19>()?;
    let is_plain = (head[4], head[7], head[10], head[13], head[16]) == (b'-', b'-', b'T', b':', b':');
    let (year, month, day) = (digits(&head[..4])?, digits(&head[5..7])?, digits(&head[8..10])?);
    let (hour, minute, second) = (digits(&head[11..13])?, digits(&head[14..16])?, digits(&head[17..])?);
    let month_days = *MONTH_DAYS.get(usize::try_from(month - 1).ok()?)?;
    let is_day = (1970..9999).contains(&year) && (1..=month_days).contains(&day);
    if !is_plain || !is_day || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1_000_000 + micros(rest)?)
}

/// The microseconds of `Z`, `.1Z` to `.123456Z`.
fn micros(rest: &[u8]) -> Option<i64> {
    match rest {
        b"Z" => Some(0),
        [b'.', decimals @ .., b'Z'] if (1..=6).contains(&decimals.len()) => {
            Some(digits(decimals)? * 10_i64.pow(6 - decimals.len() as u32))
        }
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

/// Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
const fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // The year begins in March, so that its odd day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
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
    use proptest::prelude::*;

    use super::*;

    fn by_calendar(text: &str) -> Option<Timestamp> {
        text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp(time.as_microsecond()))
    }

    proptest! {
        #[test]
        fn times_are_read_as_the_calendar_reads_them(
            (year, month, day) in (1960..=9999, 0..=13, 0..=32),
            (hour, minute, second) in (0..=24, 0..=60, 0..=61),
            end in "(\\.[0-9]{0,9})?(Z|z|\\+01:00|)",
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{end}");
            prop_assert_eq!(Timestamp::parse(&text), by_calendar(&text), "{}", text);
        }

        #[test]
        fn one_odd_byte_is_read_as_the_calendar_reads_it(at in 0usize..24, odd in "[ -~]") {
            let mut text = "2024-09-09T19:46:02.102Z".to_owned();
            text.replace_range(at..=at, &odd);
            prop_assert_eq!(Timestamp::parse(&text), by_calendar(&text), "{}", text);
        }
    }

    #[test]
    fn most_times_need_no_calendar() {
        for text in ["2024-09-09T19:46:02.102Z", "1970-01-01T00:00:00Z", "2024-12-31T23:59:59.999999Z"] {
            assert_eq!(parse_plain(text.as_bytes()).map(Timestamp), by_calendar(text), "{text}");
            assert!(by_calendar(text).is_some());
        }
    }

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
        assert!(rfc3339(Timestamp::from_micros(-1)).is_none());
    }

    #[test]
    fn a_time_beyond_the_calendar_is_the_last_that_can_be_shown_and_read() {
        for (micros, shown) in [
            (i64::MAX, "9999-12-29T23:59:59.999999Z"),
            (i64::MIN, "0001-01-01T00:00:00.000000Z"),
            (253_402_300_799_000_001, "9999-12-29T23:59:59.999999Z"),
        ] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(time.to_string(), shown);
            assert_eq!(
                serde_json::from_str::<Timestamp>(&serde_json::to_string(&time).unwrap()).unwrap(),
                time
            );
        }
        let end = Timestamp::MAX + Duration::from_secs(u64::MAX);
        assert_eq!((end, Timestamp::MIN - Duration::from_secs(1)), (Timestamp::MAX, Timestamp::MIN));
    }
}
