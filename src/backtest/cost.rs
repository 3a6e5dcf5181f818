//! What matching costs, measured step by step as [`crate::rules::cost`] says, the clock's own cost taken off.

use crate::clock::monotonic_nanos;
use crate::model::RuleIndex;
use crate::rules::Step;
use crate::rules::cost::{Lap, Laps, Stopwatch, measured};

/// Readings from which the clock's own cost is taken.
const READINGS: usize = 101;

/// Nanoseconds by part. Sums may fall below zero where a step is shorter than the clock is exact.
#[derive(Clone, Debug, Default)]
pub(super) struct Cost {
    pub(super) decode_ns: i64,
    /// Folding, and finding the terms of all rules at once.
    pub(super) find_ns: i64,
    pub(super) score_ns: i64,
    rules_ns: Vec<i64>,
    evaluated: Vec<u64>,
}

impl Cost {
    pub(super) fn new(rules: usize) -> Self {
        Self { rules_ns: vec![0; rules], evaluated: vec![0; rules], ..Self::default() }
    }

    /// A post's steps.
    pub(super) fn steps(&mut self, steps: impl Iterator<Item = (Step, i64)>) {
        for (step, ns) in steps {
            match step {
                Step::Found => self.find_ns += ns,
                Step::Scored => self.score_ns += ns,
                Step::Decided(rule) => self.rule(rule, ns),
            }
        }
    }

    /// `rule` was evaluated, which took so long.
    fn rule(&mut self, rule: RuleIndex, ns: i64) {
        self.rules_ns[rule as usize] += ns;
        self.evaluated[rule as usize] += 1;
    }

    pub(super) fn plus(mut self, other: Self) -> Self {
        self.decode_ns += other.decode_ns;
        self.find_ns += other.find_ns;
        self.score_ns += other.score_ns;
        self.rules_ns.iter_mut().zip(other.rules_ns).for_each(|(sum, ns)| *sum += ns);
        self.evaluated.iter_mut().zip(other.evaluated).for_each(|(sum, count)| *sum += count);
        self
    }

    /// By rule: how many posts it was evaluated on.
    pub(super) fn evaluated(&self) -> &[u64] {
        &self.evaluated
    }

    /// By rule.
    pub(super) fn rules_ns(&self) -> impl Iterator<Item = u64> {
        self.rules_ns.iter().map(|ns| known(*ns))
    }
}

/// No time is negative.
pub(super) fn known(ns: i64) -> u64 {
    u64::try_from(ns).unwrap_or(0)
}

/// Measures; everything takes no time when it is off.
#[derive(Debug)]
pub(super) struct Watch {
    stopwatch: Stopwatch,
    own_ns: i64,
    laps: Laps,
}

impl Watch {
    pub(super) fn new(is_on: bool) -> Self {
        let stopwatch: Stopwatch = if is_on { monotonic_nanos } else { || 0 };
        let mut watch = Self { stopwatch, own_ns: 0, laps: Laps::default() };
        let mut readings = [0; READINGS];
        readings.iter_mut().for_each(|reading| *reading = watch.measured(|| ()).1);
        readings.sort_unstable();
        watch.own_ns = readings[READINGS / 2];
        watch
    }

    /// What `work` makes, and the nanoseconds it takes.
    pub(super) fn measured<T>(&self, work: impl FnMut() -> T) -> (T, i64) {
        let (made, took) = measured(self.stopwatch, work);
        (made, net(took, self.own_ns))
    }

    /// What `evaluate` makes, which notes its steps; [`Watch::laps`] tells what they took.
    pub(super) fn steps<T>(&mut self, evaluate: impl FnMut(&mut Lap<'_>) -> T) -> T {
        self.laps.measure(self.stopwatch, evaluate)
    }

    /// The steps noted last.
    pub(super) fn laps(&self) -> impl Iterator<Item = (Step, i64)> {
        self.laps.steps().iter().map(|(step, took)| (*step, net(*took, self.own_ns)))
    }
}

fn net(took: u64, own_ns: i64) -> i64 {
    i64::try_from(took).unwrap_or(i64::MAX) - own_ns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_of_several_workers_add_up() {
        let mut one = Cost::new(2);
        one.rule(1, 30);
        let mut other = Cost { find_ns: 5, ..Cost::new(2) };
        other.rule(1, -2);
        let sum = one.plus(other);
        assert_eq!((sum.find_ns, sum.evaluated(), sum.rules_ns().collect()), (5, &[0, 2][..], vec![0, 28]));
    }

    #[test]
    fn a_watch_that_is_off_says_nothing() {
        let (mut off, on) = (Watch::new(false), Watch::new(true));
        off.steps(|lap| lap.note(Step::Found));
        assert_eq!(off.laps().collect::<Vec<_>>(), [(Step::Found, 0)]);
        assert_eq!((off.measured(|| 7), on.own_ns >= 0), ((7, 0), true));
    }

    #[test]
    fn work_that_is_slow_each_time_is_measured_in_full() {
        let (_, ns) = Watch::new(true).measured(|| std::thread::sleep(std::time::Duration::from_millis(2)));
        assert!(ns >= 1_900_000, "{ns}");
    }
}
