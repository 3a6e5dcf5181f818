//! What matching costs, measured: a clock read after every step, its own cost taken off.

use std::time::Instant;

use crate::model::RuleIndex;

/// A single step counts at most this much: what takes longer was put to sleep by the system.
const LAP_NS_MAX: i64 = 200_000;
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

    /// `rule` was evaluated, which took so long.
    pub(super) fn rule(&mut self, rule: RuleIndex, ns: i64) {
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

/// Tells the time since it was last asked; always 0 when it is off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch {
    last: Option<Instant>,
    own_ns: i64,
}

impl Stopwatch {
    pub(super) fn new(is_on: bool) -> Self {
        let mut watch = Self { last: is_on.then(Instant::now), own_ns: 0 };
        let mut readings = [0; READINGS];
        readings.iter_mut().for_each(|reading| *reading = watch.lap());
        readings.sort_unstable();
        Self { own_ns: readings[READINGS / 2], ..watch }
    }

    /// Begins anew.
    pub(super) fn start(&mut self) {
        if self.last.is_some() {
            self.last = Some(Instant::now());
        }
    }

    /// Nanoseconds since the last call.
    pub(super) fn lap(&mut self) -> i64 {
        let Some(last) = self.last else { return 0 };
        let now = Instant::now();
        self.last = Some(now);
        let took = i64::try_from(now.duration_since(last).as_nanos()).unwrap_or(LAP_NS_MAX);
        took.min(LAP_NS_MAX) - self.own_ns
    }
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
        let mut off = Stopwatch::new(false);
        off.start();
        assert_eq!((off.lap(), Stopwatch::new(true).own_ns >= 0), (0, true));
    }
}
