//! The engine's eye on the rules: matches, samples of shadow rules, drift, cost. Reads outcomes, decides nothing.

use std::cmp::Reverse;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use super::Status;
use super::rule_metrics::{COSTLIEST_MAX, RuleMetrics};
use super::status::RulesReport;
use crate::dedupe::Seen;
use crate::model::{Key, Mention, Moment, Post, RuleCount, RuleInfo, RuleSample, RuleStatus, Timestamp};
use crate::pipeline::costs::CostShares;
use crate::pipeline::drift::{Change, Drift};
use crate::pipeline::samples::Samples;
use crate::pipeline::{BatchOutcome, Signal};
use crate::rules::RuleSet;
use crate::rules::manifest::{Expectation, Manifest};
use crate::rules::operators::nearest;

/// How often drift and cost are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often what was measured of costs fades by half.
const FADE_EVERY: Duration = Duration::from_secs(600);
/// Rules that one look may log.
const LOGGED_MAX: usize = 20;
/// Rules in `/status`.
const SHOWN_MAX: usize = 100;
/// Rules compared with an id that nobody has; the engine has other things to do.
const COMPARED_MAX: usize = 5_000;
/// Longest id of a rule.
const ID_BYTES_MAX: usize = 64;
/// Costly rules in `/status`.
const COSTLY_MAX: usize = 10;

/// How long a post that is read again, after a connection was lost, is known to be counted, and how many are.
const COUNTED_WINDOW: Duration = Duration::from_secs(3_600);
const COUNTED_MAX: usize = 200_000;

/// What there is to know of a set besides what its outcomes carry.
#[derive(Debug, Default)]
pub struct Followed {
    /// Every team that work can be sent or handed to.
    pub teams: Vec<Arc<str>>,
    /// What rules expect.
    pub expectations: Vec<Expectation>,
    /// Rules whose matches are sampled, each with a key that changes with what it looks for.
    pub shadow: HashMap<Arc<str>, u64>,
    /// All other rules.
    pub others: HashMap<Arc<str>, RuleStatus>,
    /// As outcomes of the set carry them.
    pub rules: Arc<[RuleInfo]>,
}

impl Followed {
    /// Of `set`, which `manifest` is about.
    #[must_use]
    pub fn new(manifest: &Manifest, set: &RuleSet, teams: impl IntoIterator<Item = Arc<str>>) -> Self {
        Self {
            teams: teams.into_iter().collect(),
            expectations: manifest.expectations(),
            shadow: manifest.shadow().collect(),
            others: manifest.statuses().filter(|(_, status)| *status != RuleStatus::Shadow).collect(),
            rules: Arc::clone(set.rules()),
        }
    }
}

/// See the module.
pub(super) struct RuleWatch {
    drift: Drift,
    samples: Samples,
    costs: CostShares,
    metrics: RuleMetrics,
    /// The set in use.
    rules: Arc<[RuleInfo]>,
    /// Those that have no samples.
    others: HashMap<Arc<str>, RuleStatus>,
    /// The set is new, and nobody has been told of it.
    is_fresh: bool,
    /// Posts whose matches are counted.
    counted: Seen,
    seed: foldhash::fast::RandomState,
    looked_at: Instant,
    faded_at: Instant,
}

impl RuleWatch {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            drift: Drift::default(),
            samples: Samples::default(),
            costs: CostShares::default(),
            metrics: RuleMetrics::new(),
            rules: Arc::from([]),
            others: HashMap::new(),
            is_fresh: false,
            counted: Seen::new(COUNTED_WINDOW, COUNTED_MAX),
            seed: foldhash::fast::RandomState::default(),
            looked_at: now,
            faded_at: now,
        }
    }

    /// A new set is in use. Outcomes of the old one may still come.
    pub(super) fn follow(&mut self, followed: Followed, now: Timestamp) {
        let Followed { expectations, shadow, others, rules, .. } = followed;
        self.drift.follow(expectations, now);
        self.samples.follow(shadow);
        (self.rules, self.others, self.is_fresh) = (rules, others, true);
    }

    /// Counts new posts: not their edits, as the author expects posts and a backtest counts them, and not what is read
    /// again. What the set before this one matched is counted, and tells nothing about the rules in use.
    pub(super) fn take(&mut self, outcome: &BatchOutcome, moment: Moment) {
        let is_in_use = Arc::ptr_eq(&self.rules, &outcome.rules);
        let (posts, now) = (new_posts(outcome, &mut self.counted, &self.seed, moment), moment.wall);
        self.metrics.take(&outcome.rules, &posts);
        if is_in_use {
            self.drift.take(&outcome.rules, &posts, now);
            self.samples.count(&outcome.rules, &posts);
        }
        self.samples.take(outcome, is_in_use);
        self.costs.take(outcome);
    }

    /// Tells the counters what was counted since the last time.
    pub(super) fn publish(&mut self) {
        self.metrics.publish();
    }

    /// The newest matches of a shadow rule, the newest first; else why there are none.
    pub(super) fn samples(&self, rule: &str) -> Result<Vec<RuleSample>, String> {
        self.samples.of(rule).ok_or_else(|| match self.others.get(rule) {
            Some(RuleStatus::Off) => {
                format!("{rule} is off, and matches nothing; status = \"shadow\" tries it")
            }
            Some(_) => format!("{rule} is live: what it matches is work, see `birddog queue list`"),
            None => self.unknown(rule),
        })
    }

    fn unknown(&self, rule: &str) -> String {
        let ids = self.samples.counts().map(|(id, _)| id).chain(self.others.keys()).take(COMPARED_MAX);
        let near = (rule.len() <= ID_BYTES_MAX).then(|| nearest(rule, ids.map(|id| &**id))).flatten();
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        let shown = &rule[..rule.floor_char_boundary(ID_BYTES_MAX)];
        format!("there is no rule {shown}{near}")
    }

    /// Rules in shadow with what they matched, those with most first.
    fn shadow_matches(&self) -> Vec<RuleCount> {
        let mut ranked: Vec<_> =
            self.samples.counts().map(|(rule, matches)| (Reverse(matches), rule)).collect();
        if ranked.len() > SHOWN_MAX {
            ranked.select_nth_unstable(SHOWN_MAX);
            ranked.truncate(SHOWN_MAX);
        }
        ranked.sort_unstable();
        let count = |(Reverse(matches), rule): (_, &Arc<str>)| RuleCount { rule: Arc::clone(rule), matches };
        ranked.into_iter().map(count).collect()
    }

    /// Looks at drift and cost now and then, and shows what it sees.
    pub(super) fn tick(&mut self, now: Timestamp, status: &Status) {
        if self.looked_at.elapsed() < LOOK_EVERY && !self.is_fresh {
            return;
        }
        self.is_fresh = false;
        self.looked_at = Instant::now();
        let changes = self.drift.judge(now);
        changes.iter().take(LOGGED_MAX).for_each(log);
        if let Some(more) = changes.len().checked_sub(LOGGED_MAX).filter(|more| *more > 0) {
            tracing::warn!(more, "and more rules drift or no longer do");
        }
        if self.faded_at.elapsed() >= FADE_EVERY {
            self.faded_at = Instant::now();
            self.costs.fade();
        }
        let mut costly = self.costs.costliest(COSTLIEST_MAX);
        self.metrics.show_drift(&self.drift);
        self.metrics.show_costs(&costly);
        let mut drifting = self.drift.drifting();
        let drifting_count = drifting.len() as u64;
        drifting.truncate(SHOWN_MAX);
        costly.truncate(COSTLY_MAX);
        status.set_rules_report(RulesReport {
            drifting_count,
            drifting,
            costly,
            shadow_matches: self.shadow_matches(),
        });
    }
}

fn new_posts<'o>(
    outcome: &'o BatchOutcome,
    counted: &mut Seen,
    seed: &foldhash::fast::RandomState,
    now: Moment,
) -> Vec<&'o Mention> {
    let mentions = outcome.signals.iter().filter_map(|signal| match signal {
        Signal::Mention(mention) if !mention.is_update => Some(&**mention),
        _ => None,
    });
    let event = |post: &Post| Key(seed.hash_one((&post.uri, &post.version)).into());
    mentions.filter(|mention| counted.insert(event(&mention.post), now.steady)).collect()
}

fn log(change: &Change) {
    match change {
        Change::Drifts(drift) => {
            let (fewest, most) = drift.expected;
            let (rule, matches) = (&*drift.rule, drift.matches);
            match drift.above {
                true => {
                    tracing::warn!(rule, matches, fewest, most, "rule matches more a day than it expects")
                }
                false => {
                    tracing::warn!(rule, matches, fewest, most, "rule matches less a day than it expects")
                }
            }
        }
        Change::Back(rule) => {
            tracing::info!(rule = &**rule, "rule matches as much a day as it expects again")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Match, Position, RuleStatus};
    use crate::pipeline::Counts;

    const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    fn rules() -> Arc<[RuleInfo]> {
        [RuleInfo::of("r", RuleStatus::Shadow)].into()
    }

    fn watching(rules: &Arc<[RuleInfo]>, looks_for: u64) -> RuleWatch {
        let mut watch = RuleWatch::new();
        follow(&mut watch, rules, looks_for);
        watch
    }

    fn follow(watch: &mut RuleWatch, rules: &Arc<[RuleInfo]>, looks_for: u64) {
        let expected = Expectation { rule: "r".into(), per_day: (0, 1), looks_for };
        let shadow = [("r".into(), looks_for)].into_iter().collect();
        let rules = Arc::clone(rules);
        watch.follow(Followed { expectations: vec![expected], shadow, rules, ..Followed::default() }, NOW);
    }

    /// A match of post `number` by these rules.
    fn take(watch: &mut RuleWatch, rules: &Arc<[RuleInfo]>, number: u32, is_update: bool) {
        let post = Post { uri: format!("at://{number}"), event_at: NOW, ..Post::default() };
        let matches = vec![Match { rule: 0, spans: Default::default() }];
        let mention = Mention {
            post,
            is_update,
            matches,
            scores: Default::default(),
            aspects: Default::default(),
            lang: String::new(),
        };
        let outcome = BatchOutcome {
            source: "s".into(),
            sequence: 0,
            position: Position(0),
            received_at: NOW,
            counts: Counts::default(),
            signals: vec![Signal::Mention(Box::new(mention))],
            engagements: Default::default(),
            rules: Arc::clone(rules),
            costs: Vec::new(),
        };
        watch.take(&outcome, Moment::at(NOW));
    }

    #[test]
    fn a_post_counts_once_whether_it_is_edited_or_read_again() {
        let rules = rules();
        let mut watch = watching(&rules, 1);
        for is_update in [false, true, true, false] {
            take(&mut watch, &rules, 1, is_update);
        }
        assert_eq!(watch.drift.judge(NOW), []);
        assert_eq!(watch.shadow_matches(), [RuleCount { rule: "r".into(), matches: 1 }]);
        take(&mut watch, &rules, 2, false);
        assert_eq!(watch.drift.judge(NOW).len(), 1, "two posts are more than the one expected");
    }

    #[test]
    fn what_the_set_before_has_matched_says_nothing_about_a_rule_in_use() {
        let (before, after) = (rules(), rules());
        let mut watch = watching(&before, 1);
        take(&mut watch, &before, 1, false);
        assert_eq!(watch.samples("r").unwrap().len(), 1);
        follow(&mut watch, &after, 2);
        (2..9).for_each(|number| take(&mut watch, &before, number, false));
        assert_eq!((watch.drift.judge(NOW), watch.samples("r")), (vec![], Ok(vec![])));
        assert_eq!(watch.shadow_matches()[0].matches, 0, "nor are they matches of what it looks for now");
        take(&mut watch, &after, 9, false);
        assert_eq!(watch.samples("r").unwrap()[0].uri, "at://9");
        assert_eq!(watch.shadow_matches()[0].matches, 1);
        assert_eq!(watch.samples("other"), Err("there is no rule other".into()));
    }
}
