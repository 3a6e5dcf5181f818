//! How far an author's voice carries, from followers alone; the stream's own evidence comes with a later scorer.

/// Followers at which influence is 1.
const FOLLOWERS_FULL: f32 = 10_000_000.0;

/// `log10(1 + followers) / 7`, at most 1; 0 where the source does not say.
#[must_use]
pub fn influence(followers: Option<u64>) -> f32 {
    let followers = followers.unwrap_or(0) as f32;
    (followers.ln_1p() / FOLLOWERS_FULL.ln()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn influence_grows_with_the_logarithm_of_followers() {
        assert_eq!(influence(None), 0.0);
        assert_eq!(influence(Some(0)), 0.0);
        assert!((influence(Some(999)) - 3.0 / 7.0).abs() < 1e-3);
        assert_eq!(influence(Some(u64::MAX)), 1.0);
    }
}
