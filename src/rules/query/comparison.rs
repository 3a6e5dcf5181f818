//! `>0.7`, `>=1000`, `<-0.3`, `<=5`, `10..50`: a number's range, as `followers:`, `sentiment:` and `urgency:` take it.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A range of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison<N> {
    Above(N),
    AtLeast(N),
    Below(N),
    AtMost(N),
    /// Both ends belong to it.
    Within(N, N),
}

impl<N: PartialOrd + Copy + FromStr> Comparison<N> {
    /// Reads a comparison; `None` when it is none.
    pub(in crate::rules) fn parse(text: &str) -> Option<Self> {
        let number = |rest: &str| rest.trim().parse().ok();
        if let Some(rest) = text.strip_prefix(">=") {
            number(rest).map(Self::AtLeast)
        } else if let Some(rest) = text.strip_prefix("<=") {
            number(rest).map(Self::AtMost)
        } else if let Some(rest) = text.strip_prefix('>') {
            number(rest).map(Self::Above)
        } else if let Some(rest) = text.strip_prefix('<') {
            number(rest).map(Self::Below)
        } else {
            let (low, high) = text.split_once("..")?;
            let (low, high): (N, N) = (number(low)?, number(high)?);
            (low <= high).then_some(Self::Within(low, high))
        }
    }

    /// What to write when `text` is a range from the higher number to the lower.
    fn turned(text: &str) -> Option<String> {
        let (high, low) = text.split_once("..")?;
        let (high, low) = (high.trim(), low.trim());
        Self::parse(&format!("{low}..{high}"))
            .map(|_| format!("the lower number stands first: {low}..{high}"))
    }

    /// What to write instead of `text`: [`Comparison::turned`], or `hint`.
    pub(in crate::rules) fn turned_or(text: &str, hint: &str) -> String {
        Self::turned(text).unwrap_or_else(|| hint.to_owned())
    }

    /// As [`Comparison::parse`]; `None` also when it names a number that is not `possible`.
    pub(in crate::rules) fn parse_within(text: &str, possible: &RangeInclusive<N>) -> Option<Self> {
        let range = Self::parse(text)?;
        let (low, high) = match range {
            Self::Above(bound) | Self::AtLeast(bound) | Self::Below(bound) | Self::AtMost(bound) => {
                (bound, bound)
            }
            Self::Within(low, high) => (low, high),
        };
        (possible.contains(&low) && possible.contains(&high)).then_some(range)
    }
}

impl<N: PartialOrd + Copy> Comparison<N> {
    /// True when `value` lies in the range.
    pub fn holds(self, value: N) -> bool {
        match self {
            Self::Above(bound) => value > bound,
            Self::AtLeast(bound) => value >= bound,
            Self::Below(bound) => value < bound,
            Self::AtMost(bound) => value <= bound,
            Self::Within(low, high) => low <= value && value <= high,
        }
    }
}

impl<N: fmt::Display> fmt::Display for Comparison<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Above(bound) => write!(f, ">{bound}"),
            Self::AtLeast(bound) => write!(f, ">={bound}"),
            Self::Below(bound) => write!(f, "<{bound}"),
            Self::AtMost(bound) => write!(f, "<={bound}"),
            Self::Within(low, high) => write!(f, "{low}..{high}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_read_and_hold() {
        let holds = |text, value: f32| Comparison::parse(text).unwrap().holds(value);
        assert!(holds(">0.5", 0.6) && !holds(">0.5", 0.5) && holds(">=0.5", 0.5));
        assert!(holds("<-0.3", -0.4) && !holds("<-0.3", -0.3) && holds("<= -0.3", -0.3));
        assert!(holds("-0.5..0.5", 0.0) && holds("0..1", 1.0) && !holds("0..1", 1.1));
        for text in ["", "5", ">", ">x", "5..1", "..", "=5", ">1e"] {
            assert_eq!(Comparison::<f32>::parse(text), None, "{text}");
        }
        let turned = Comparison::<f32>::turned("5 .. 1").unwrap();
        assert!(turned.ends_with("first: 1..5") && Comparison::<f32>::turned("x..1").is_none());
    }
}
