//! Which rules a gauge names. Bounded: what the exporter has once, it keeps.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use metrics::gauge;

/// Rules named at a time by a gauge; others are not exported.
const NAMED_MAX: usize = 1_000;
/// Rules ever named by a gauge.
const EVER_NAMED_MAX: usize = 10_000;

/// The rules that a gauge names now, and has ever named. A rule that has gone makes room for another.
#[derive(Debug, Default)]
pub(super) struct Names {
    now: HashSet<Arc<str>>,
    ever: HashSet<Arc<str>>,
}

impl Names {
    /// Sets `gauge` for as many rules as there is room for, and to 0 for those it named before and no more; returns
    /// the sum. Rules that are named keep their names.
    pub(super) fn show(&mut self, gauge: &'static str, values: &HashMap<&Arc<str>, f64>) -> f64 {
        self.now.extract_if(|rule| !values.contains_key(rule)).for_each(|rule| set(gauge, &rule, 0.0));
        let mut sum = 0.0;
        for (rule, value) in values {
            if self.is_named(rule) {
                set(gauge, rule, *value);
                sum += value;
            }
        }
        sum
    }

    /// True when the rule has, or now gets, a name.
    fn is_named(&mut self, rule: &Arc<str>) -> bool {
        if self.now.contains(rule) {
            return true;
        }
        let is_known = self.ever.contains(rule);
        if self.now.len() >= NAMED_MAX || (!is_known && self.ever.len() >= EVER_NAMED_MAX) {
            return false;
        }
        self.ever.insert(Arc::clone(rule));
        self.now.insert(Arc::clone(rule))
    }
}

pub(super) fn set(gauge: &'static str, rule: &str, value: f64) {
    gauge!(gauge, "rule" => rule.to_owned()).set(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAUGE: &str = "gauge";

    #[test]
    fn a_rule_that_has_gone_makes_room_for_another_and_all_names_ever_given_are_bounded() {
        let ids: Vec<Arc<str>> = (0..2 * EVER_NAMED_MAX).map(|number| format!("r{number}").into()).collect();
        let mut names = Names::default();
        for turn in ids.chunks(NAMED_MAX) {
            names.show(GAUGE, &turn.iter().map(|id| (id, 0.5)).collect());
        }
        assert_eq!((names.now.len(), names.ever.len()), (0, EVER_NAMED_MAX));
        let sum = names.show(GAUGE, &ids[..NAMED_MAX + 1].iter().map(|id| (id, 0.5)).collect());
        assert_eq!(
            (names.now.len(), sum),
            (NAMED_MAX, 500.0),
            "known names come back, as many as there is room for"
        );
    }
}
