//! `--rate`: events per second.

/// Reads a number of events per second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "write a number of events per second that is more than 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_above_nothing() {
        assert_eq!((rate("0.5"), rate("350")), (Ok(0.5), Ok(350.0)));
        assert!(["0", "-1", "nan", "inf", "fast", ""].iter().all(|text| rate(text).is_err()));
    }
}
