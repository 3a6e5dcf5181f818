//! When to try again: exponential back-off with full jitter, starting anew after progress.
//!
//! Full jitter (Brooker, "Exponential Backoff And Jitter", AWS 2015): a pause is drawn between nothing and the
//! current bound, so that many clients of one broken server do not come back all at once.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The pauses of one sink.
pub(super) struct Retry {
    builder: ExponentialBuilder,
    bounds: ExponentialBackoff,
    max: Duration,
}

impl Retry {
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(min)
            .with_max_delay(max)
            .with_factor(2.0)
            .without_max_times();
        Self { builder, bounds: builder.build(), max }
    }

    /// The next pause.
    pub(super) fn pause(&mut self) -> Duration {
        let bound = self.bounds.next().unwrap_or(self.max).min(self.max);
        bound.mul_f64(rand::random::<f64>())
    }

    /// Something got through: the next failure is a first one.
    pub(super) fn progress(&mut self) {
        self.bounds = self.builder.build();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_bound_and_start_anew_after_progress() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(2));
        let mut retry = Retry::new(min, max);
        assert!(retry.pause() <= min);
        assert!((0..200).all(|_| retry.pause() <= max));
        assert!((0..200).map(|_| retry.pause()).max() > Some(max / 2), "the bound is reached");
        retry.progress();
        assert!(retry.pause() <= min);
    }
}
