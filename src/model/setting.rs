//! How durations and sizes are written in configuration: `"15m"`, `"64MiB"`.

use std::time::Duration;

/// Parses `"250ms"`, `"30s"`, `"15m"`, `"36h"`, `"7d"`; a whole number and one unit.
///
/// # Errors
/// A sentence naming the text and the accepted form.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 5] =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    parse(text, &UNITS).map(Duration::from_millis).ok_or_else(|| {
        format!("{text:?} is not a duration; write a whole number and ms, s, m, h or d, such as \"15m\"")
    })
}

/// Parses `"512B"`, `"64KiB"`, `"64MiB"`, `"2GiB"`; a whole number and one unit.
///
/// # Errors
/// A sentence naming the text and the accepted form.
pub fn parse_size(text: &str) -> Result<usize, String> {
    const UNITS: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    parse(text, &UNITS).and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(|| {
        format!("{text:?} is not a size; write a whole number and B, KiB, MiB or GiB, such as \"64MiB\"")
    })
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// `#[serde(with = "crate::model::setting::duration")]` for a `Duration` field.
pub mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Reads `"15m"`.
    ///
    /// # Errors
    /// When the text is not a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        super::parse_duration(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }

    /// Writes whole milliseconds, `"900000ms"`.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}ms", value.as_millis()))
    }
}

/// `#[serde(with = "crate::model::setting::optional_duration")]` for an `Option<Duration>` field that has a default.
pub mod optional_duration {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    /// Reads `"15m"`.
    ///
    /// # Errors
    /// When the text is not a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        super::duration::deserialize(deserializer).map(Some)
    }

    /// Writes whole milliseconds, or nothing.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::duration::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// `#[serde(with = "crate::model::setting::size")]` for a `usize` field of bytes.
pub mod size {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Reads `"64MiB"`.
    ///
    /// # Errors
    /// When the text is not a size.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
        super::parse_size(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }

    /// Writes whole bytes, `"65536B"`.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn serialize<S: Serializer>(value: &usize, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value}B"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_as_written() {
        assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("250 ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_size("64MiB"), Ok(64 << 20));
    }

    #[test]
    fn a_missing_unit_is_refused_with_an_example() {
        assert!(parse_duration("15").unwrap_err().contains("15m"));
        assert!(parse_size("-1MiB").unwrap_err().contains("64MiB"));
        assert!(parse_size("99999999999GiB").is_err());
    }
}
