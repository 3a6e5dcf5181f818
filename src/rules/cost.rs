//! What evaluating each rule costs, measured on one post in [`SAMPLE_EVERY`].
//!
//! Pure: whoever wants it measured brings the clock. Finding the words of a post is shared by all rules and is not
//! counted; deciding a rule whose anchor was found is.

use crate::model::RuleCost;

use super::set::Step;

/// One post in this many is measured.
pub const SAMPLE_EVERY: u32 = 64;

/// Nanoseconds from any fixed point in time.
pub type Stopwatch = fn() -> u64;

/// The measurements of one worker.
#[derive(Debug, Default)]
pub struct Costs {
    stopwatch: Option<Stopwatch>,
    posts: u32,
    measured: Vec<RuleCost>,
}

impl Costs {
    /// Measures from now on.
    pub fn measure_with(&mut self, stopwatch: Stopwatch) {
        self.stopwatch = Some(stopwatch);
    }

    /// What was measured since the last call, in order of evaluation.
    #[must_use]
    pub fn take(&mut self) -> Vec<RuleCost> {
        std::mem::take(&mut self.measured)
    }

    /// The measurement of one post, when it is its turn.
    pub fn turn(&mut self) -> Option<Lap<'_>> {
        self.posts = self.posts.wrapping_add(1);
        let stopwatch = self.stopwatch.filter(|_| self.posts.is_multiple_of(SAMPLE_EVERY))?;
        Some(Lap { stopwatch, last: stopwatch(), measured: &mut self.measured })
    }
}

/// One post being measured.
#[derive(Debug)]
pub struct Lap<'c> {
    stopwatch: Stopwatch,
    last: u64,
    measured: &'c mut Vec<RuleCost>,
}

impl Lap<'_> {
    /// The time since the step before belongs to this one; only deciding a rule is a rule's own.
    pub fn note(&mut self, step: Step) {
        let now = (self.stopwatch)();
        if let Step::Decided(rule) = step {
            let nanos = u32::try_from(now.saturating_sub(self.last)).unwrap_or(u32::MAX);
            self.measured.push(RuleCost { rule, nanos });
        }
        self.last = now;
    }
}
