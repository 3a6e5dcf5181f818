//! What evaluating each rule costs: the wall time of each step.
//!
//! Pure: whoever wants it measured brings the clock. Finding the words of a post is shared by all rules and is not
//! counted; deciding a rule whose anchor was found is. A step that takes longer than nearly all do was put to sleep by
//! the system, or is slow: what is done is done once more, and of its two times the smaller counts. So a slow rule shows
//! all of its cost, and a sleep has to fall on the same step twice to be taken for one.

use crate::model::RuleCost;

use super::set::Step;

/// One post in this many is measured while the daemon runs.
pub const SAMPLE_EVERY: u32 = 64;

/// From here on (nanoseconds) a step is measured again.
const AGAIN_FROM_NS: u64 = 200_000;

/// Nanoseconds from any fixed point in time.
pub type Stopwatch = fn() -> u64;

/// What `work` makes, and the nanoseconds it takes; it is done again when these are many.
pub fn measured<T>(stopwatch: Stopwatch, mut work: impl FnMut() -> T) -> (T, u64) {
    let mut run = || {
        let start = stopwatch();
        let made = work();
        (made, stopwatch().saturating_sub(start))
    };
    let (made, took) = run();
    if took < AGAIN_FROM_NS {
        return (made, took);
    }
    let (made, again) = run();
    (made, took.min(again))
}

/// The steps of one post and their nanoseconds, with room for a second try.
#[derive(Debug, Default)]
pub struct Laps {
    steps: Vec<(Step, u64)>,
    again: Vec<(Step, u64)>,
}

impl Laps {
    /// What `evaluate` makes, which notes its steps, the same ones whenever it is asked. It is asked again when one
    /// of them took long.
    pub fn measure<T>(&mut self, stopwatch: Stopwatch, mut evaluate: impl FnMut(&mut Lap<'_>) -> T) -> T {
        let Self { steps, again } = self;
        let made = evaluate(&mut Lap::new(stopwatch, steps));
        if steps.iter().all(|(_, nanos)| *nanos < AGAIN_FROM_NS) {
            return made;
        }
        let made = evaluate(&mut Lap::new(stopwatch, again));
        steps.iter_mut().zip(again).for_each(|((_, nanos), (_, again))| *nanos = (*nanos).min(*again));
        made
    }

    /// What was measured last, in order.
    #[must_use]
    pub fn steps(&self) -> &[(Step, u64)] {
        &self.steps
    }
}

/// One post being measured.
#[derive(Debug)]
pub struct Lap<'l> {
    stopwatch: Stopwatch,
    last: u64,
    steps: &'l mut Vec<(Step, u64)>,
}

impl<'l> Lap<'l> {
    fn new(stopwatch: Stopwatch, steps: &'l mut Vec<(Step, u64)>) -> Self {
        steps.clear();
        Self { stopwatch, last: stopwatch(), steps }
    }

    /// The time since the step before belongs to this one.
    pub fn note(&mut self, step: Step) {
        let now = (self.stopwatch)();
        self.steps.push((step, now.saturating_sub(self.last)));
        self.last = now;
    }
}

/// The measurements of one worker.
#[derive(Debug, Default)]
pub struct Costs {
    stopwatch: Option<Stopwatch>,
    posts: u32,
    laps: Laps,
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
    pub fn turn(&mut self) -> Option<Turn<'_>> {
        self.posts = self.posts.wrapping_add(1);
        let stopwatch = self.stopwatch.filter(|_| self.posts.is_multiple_of(SAMPLE_EVERY))?;
        Some(Turn { stopwatch, costs: self })
    }
}

/// One post to be measured.
#[derive(Debug)]
pub struct Turn<'c> {
    stopwatch: Stopwatch,
    costs: &'c mut Costs,
}

impl Turn<'_> {
    /// As [`Laps::measure`]; only deciding a rule is a rule's own.
    pub fn measure<T>(self, evaluate: impl FnMut(&mut Lap<'_>) -> T) -> T {
        let Costs { laps, measured, .. } = self.costs;
        let made = laps.measure(self.stopwatch, evaluate);
        measured.extend(laps.steps().iter().filter_map(|(step, nanos)| {
            let Step::Decided(rule) = *step else { return None };
            Some(RuleCost { rule, nanos: u32::try_from(*nanos).unwrap_or(u32::MAX) })
        }));
        made
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }

    fn now() -> u64 {
        NOW.get()
    }

    /// The steps of a post whose rules take so long at each try.
    fn steps_of(tries: &[[u64; 2]]) -> (usize, Vec<(Step, u64)>) {
        let (mut laps, mut tried) = (Laps::default(), 0);
        let made = laps.measure(now, |lap| {
            for (rule, nanos) in tries[tried].into_iter().enumerate() {
                NOW.set(NOW.get() + nanos);
                lap.note(Step::Decided(rule as u32));
            }
            tried += 1;
            tried
        });
        (made, laps.steps().to_vec())
    }

    #[test]
    fn a_slow_rule_shows_all_of_its_cost_and_a_sleep_is_not_taken_for_one() {
        let of = |one, other| vec![(Step::Decided(0), one), (Step::Decided(1), other)];
        assert_eq!(steps_of(&[[30, 199_999]]), (1, of(30, 199_999)));
        assert_eq!(steps_of(&[[30, 9_000_000], [40, 50]]), (2, of(30, 50)));
        assert_eq!(steps_of(&[[30, 9_000_000], [5_000_000, 8_000_000]]), (2, of(30, 8_000_000)));
    }

    #[test]
    fn a_single_piece_of_work_is_measured_in_the_same_way() {
        let took = |tries: &[u64]| {
            let mut tries = tries.iter();
            measured(now, || NOW.set(NOW.get() + tries.next().unwrap())).1
        };
        assert_eq!((took(&[30]), took(&[4_000_000, 50]), took(&[4_000_000, 3_000_000])), (30, 50, 3_000_000));
    }

    #[test]
    fn one_post_in_so_many_is_measured_once_there_is_a_clock() {
        let mut costs = Costs::default();
        let count = |costs: &mut Costs| (0..SAMPLE_EVERY * 2).filter(|_| costs.turn().is_some()).count();
        assert_eq!(count(&mut costs), 0);
        costs.measure_with(now);
        assert_eq!(count(&mut costs), 2);
    }
}
