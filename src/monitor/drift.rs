//! Rules that match less or more in a day than their authors expect: `expect_per_day = [min, max]`.
//!
//! A rolling day in buckets of an hour, by the time of the event, so that a backlog read in
//! minutes counts in the hours it belongs to. Too much is seen at once; too little only after a whole day has been
//! watched without a break. A day begins anew at the start, when a rule looks for something else, and when the clock
//! jumps.

use std::sync::Arc;

use hashbrown::HashMap;

use super::names::Names;
use super::observer::{Change, Findings, Observed, Observer, Rules, SHOWN_MAX};
use crate::model::metric::Metric;
use crate::model::{Mention, Moment, RuleDrift, RuleInfo, Timestamp};
use crate::rules::manifest::Expectation;

/// Whether a rule matches as much as it expects.
pub const DRIFT: &str = "birddog_rule_drift";

/// The metric of this observer.
pub const METRICS: &[Metric] = &[Metric::gauge(
    DRIFT,
    "0 while a rule matches as much a day as it expects, -1 below, 1 above; 1,000 rules with expect_per_day.",
    &["rule"],
)];

const HOUR_SECONDS: i64 = 3_600;
const DAY_HOURS: usize = 24;

/// See the module.
#[derive(Debug, Default)]
pub struct Drift {
    rules: HashMap<Arc<str>, Watched>,
    /// The hour that `Watched::hours[0]` counts.
    hour: i64,
    named: Names,
}

#[derive(Debug)]
struct Watched {
    expected: Expectation,
    /// Whole hours watched so far, the first one in part.
    watched_hours: usize,
    /// Matches by hour, the newest first: the hour that runs, and 24 whole ones.
    hours: [u32; DAY_HOURS + 1],
    drift: Option<RuleDrift>,
}

impl Drift {
    /// Watches these rules and no others. Those that still look for the same keep their counts.
    pub fn watch(&mut self, expected: Vec<Expectation>, now: Timestamp) {
        self.roll(now);
        let mut before = std::mem::take(&mut self.rules);
        for expected in expected {
            let known = before.remove(&expected.rule);
            let known = known.filter(|known| known.expected.looks_for == expected.looks_for);
            let watched = match known {
                Some(known) => Watched { expected, ..known },
                None => Watched { expected, watched_hours: 0, hours: [0; DAY_HOURS + 1], drift: None },
            };
            self.rules.insert(Arc::clone(&watched.expected.rule), watched);
        }
    }

    /// Counts the matches of new posts, by these rules. What is older than a day is history.
    pub fn count(&mut self, rules: &[RuleInfo], posts: &[&Mention], now: Timestamp) {
        if self.rules.is_empty() {
            return;
        }
        self.roll(now);
        for mention in posts {
            let age = (self.hour - hour_of(mention.post.event_at)).max(0);
            let Some(age) = usize::try_from(age).ok().filter(|age| *age <= DAY_HOURS) else { continue };
            for found in &mention.matches {
                let rule = rules.get(found.rule as usize);
                if let Some(watched) = rule.and_then(|rule| self.rules.get_mut(&rule.id)) {
                    watched.hours[age] = watched.hours[age].saturating_add(1);
                }
            }
        }
    }

    /// Looks at every rule, and says which ones have changed sides since the last look.
    pub fn judge(&mut self, now: Timestamp) -> Vec<Change> {
        self.roll(now);
        let mut changes: Vec<Change> =
            self.rules.values_mut().filter_map(|watched| watched.judge(now)).collect();
        changes.sort_unstable_by(|a, b| a.rule().cmp(b.rule()));
        changes
    }

    /// The rules that drift, in order of id.
    #[must_use]
    pub fn drifting(&self) -> Vec<RuleDrift> {
        let mut drifting: Vec<RuleDrift> =
            self.rules.values().filter_map(|watched| watched.drift.clone()).collect();
        drifting.sort_unstable_by(|a, b| a.rule.cmp(&b.rule));
        drifting
    }

    /// Each rule that is watched, with -1, 0 or 1 for below, within or above.
    pub fn sides(&self) -> impl Iterator<Item = (&Arc<str>, i8)> {
        let side = |drift: &Option<RuleDrift>| match drift {
            None => 0,
            Some(drift) if drift.above => 1,
            Some(_) => -1,
        };
        self.rules.iter().map(move |(rule, watched)| (rule, side(&watched.drift)))
    }

    /// Moves on to the hour of `now`, one at a time. After a jump of the clock nothing that was counted can be trusted.
    fn roll(&mut self, now: Timestamp) {
        let hour = hour_of(now);
        match hour.saturating_sub(self.hour) {
            // A clock put right by seconds may step back over the hour.
            0 | -1 => return,
            1 => self.rules.values_mut().for_each(Watched::next_hour),
            _ => self.rules.values_mut().for_each(Watched::begin_anew),
        }
        self.hour = hour;
    }
}

impl Observer for Drift {
    fn follow(&mut self, rules: Rules<'_>, now: Timestamp) {
        self.watch(rules.manifest.expectations(), now);
    }

    fn observe(&mut self, batch: Observed<'_>) {
        if batch.is_in_force {
            self.count(&batch.outcome.rules, batch.new_posts, batch.now.wall);
        }
    }

    fn look(&mut self, now: Moment, findings: &mut Findings) {
        findings.drift = self.judge(now.wall);
        let mut drifting = self.drifting();
        findings.report.drifting_count = drifting.len() as u64;
        drifting.truncate(SHOWN_MAX);
        findings.report.drifting = drifting;
        let mut named = std::mem::take(&mut self.named);
        named.show(DRIFT, &self.sides().map(|(rule, side)| (rule, f64::from(side))).collect());
        self.named = named;
    }
}

impl Watched {
    fn next_hour(&mut self) {
        self.hours.rotate_right(1);
        self.hours[0] = 0;
        self.watched_hours += 1;
    }

    /// Whether it drifts is not known any more, either.
    fn begin_anew(&mut self) {
        self.drift = None;
        self.hours = [0; DAY_HOURS + 1];
        self.watched_hours = 0;
    }

    /// Within doubt it does not drift: too much is asked of a little less than a day, too little of a little more.
    fn judge(&mut self, now: Timestamp) -> Option<Change> {
        let sum = |hours: &[u32]| hours.iter().map(|&count| u64::from(count)).sum::<u64>();
        let (short, long) = (sum(&self.hours[..DAY_HOURS]), sum(&self.hours));
        let (fewest, most) = self.expected.per_day;
        let side = if short > u64::from(most) {
            Some((true, short))
        } else if self.watched_hours > DAY_HOURS && long < u64::from(fewest) {
            Some((false, long))
        } else {
            None
        };
        let rule = &self.expected.rule;
        match (&mut self.drift, side) {
            (None, None) => None,
            (Some(drift), Some((above, matches))) if drift.above == above => {
                (drift.matches, drift.expected) = (matches, self.expected.per_day);
                None
            }
            (drift, Some((above, matches))) => {
                let expected = self.expected.per_day;
                let fresh = RuleDrift { rule: Arc::clone(rule), above, matches, expected, since: now };
                *drift = Some(fresh.clone());
                Some(Change::Drifts(fresh))
            }
            (drift, None) => {
                *drift = None;
                Some(Change::Back(Arc::clone(rule)))
            }
        }
    }
}

fn hour_of(at: Timestamp) -> i64 {
    at.as_seconds().div_euclid(HOUR_SECONDS)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Match, Post, RuleStatus};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(hours: u32) -> Timestamp {
        Timestamp::from_micros(1_767_225_600_000_000) + HOUR * hours
    }

    fn expected(per_day: (u32, u32), looks_for: u64) -> Vec<Expectation> {
        vec![Expectation { rule: "r".into(), per_day, looks_for }]
    }

    fn watching(per_day: (u32, u32)) -> Drift {
        let mut drift = Drift::default();
        drift.watch(expected(per_day, 1), at(0));
        drift
    }

    /// `count` posts of hour `event`, read in hour `now`.
    fn matched(drift: &mut Drift, count: usize, event: u32, now: u32) {
        let rule = RuleInfo::of("r", RuleStatus::Shadow);
        let post = Post { event_at: at(event), ..Post::default() };
        let matches = vec![Match { rule: 0, spans: Default::default() }];
        let (scores, lang) = (Default::default(), String::new());
        let mention = Mention { post, is_update: false, matches, scores, aspects: Default::default(), lang };
        drift.count(&[rule], &vec![&mention; count], at(now));
    }

    /// What each hour up to `last` says.
    fn hours(drift: &mut Drift, first: u32, last: u32) -> Vec<(u32, Change)> {
        (first..=last)
            .flat_map(|hour| drift.judge(at(hour)).into_iter().map(move |change| (hour, change)))
            .collect()
    }

    #[test]
    fn too_much_is_said_at_once_and_once_and_when_it_is_over() {
        let mut drift = watching((0, 3));
        matched(&mut drift, 3, 0, 0);
        assert_eq!(drift.judge(at(0)), []);
        matched(&mut drift, 1, 1, 1);
        let [Change::Drifts(said)] = &drift.judge(at(1))[..] else { panic!("it drifts") };
        assert_eq!((said.above, said.matches, said.since), (true, 4, at(1)));
        assert_eq!(drift.drifting(), std::slice::from_ref(said));
        assert_eq!(drift.sides().collect::<Vec<_>>(), [(&Arc::from("r"), 1)]);
        assert_eq!(hours(&mut drift, 1, 40), [(24, Change::Back("r".into()))]);
    }

    #[test]
    fn too_little_is_said_only_after_a_whole_day_was_watched() {
        let mut drift = watching((1, 3));
        let said = hours(&mut drift, 1, 30);
        assert_eq!(said.len(), 1);
        let (25, Change::Drifts(RuleDrift { above: false, matches: 0, .. })) = &said[0] else {
            panic!("{said:?}")
        };
        matched(&mut drift, 1, 31, 31);
        assert_eq!(drift.judge(at(31)), [Change::Back("r".into())]);
    }

    #[test]
    fn a_backlog_counts_in_its_own_hours_and_what_is_older_than_a_day_does_not() {
        let mut drift = watching((0, 3));
        hours(&mut drift, 1, 50);
        matched(&mut drift, 100, 20, 50);
        matched(&mut drift, 3, 30, 50);
        matched(&mut drift, 3, 45, 50);
        assert_eq!(drift.judge(at(50)).len(), 1);
        assert_eq!(hours(&mut drift, 51, 54), [(54, Change::Back("r".into()))]);
    }

    #[test]
    fn a_jump_of_the_clock_begins_the_day_anew() {
        for jump in [9_000, 10] {
            let mut drift = watching((1, 3));
            hours(&mut drift, 1, 23);
            assert_eq!(hours(&mut drift, jump, jump + 24), [], "{jump}");
            assert_eq!(hours(&mut drift, jump + 25, jump + 25).len(), 1);
        }
    }

    #[test]
    fn a_rule_that_drifts_is_not_said_to_be_back_because_the_clock_jumps() {
        let mut drift = watching((0, 3));
        matched(&mut drift, 4, 0, 0);
        assert_eq!(drift.judge(at(0)).len(), 1);
        assert_eq!((drift.judge(at(9_000)), drift.drifting()), (vec![], vec![]));
        matched(&mut drift, 4, 9_000, 9_000);
        assert_eq!(drift.judge(at(9_000)).len(), 1);
    }

    #[test]
    fn a_reload_keeps_the_counts_of_a_rule_that_looks_for_the_same() {
        let mut drift = watching((0, 3));
        matched(&mut drift, 4, 0, 0);
        drift.watch(expected((0, 2), 1), at(0));
        assert_eq!(drift.judge(at(0)).len(), 1);
        drift.watch(expected((0, 5), 1), at(0));
        assert_eq!(drift.judge(at(0)), [Change::Back("r".into())]);
        drift.watch(expected((0, 3), 2), at(0));
        assert_eq!(drift.judge(at(0)), []);
        drift.watch(Vec::new(), at(0));
        assert_eq!(drift.sides().count(), 0);
    }
}
