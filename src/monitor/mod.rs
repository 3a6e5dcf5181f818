//! What watches the rules while they work: matches, samples of shadow rules, drift, cost. Observers read what the line
//! made of each batch, and decide nothing.
//!
//! Layer 2, pure. Each observer is one file that implements [`Observer`], and one line in `Monitor::observers`.

pub mod costs;
pub mod counts;
pub mod drift;
mod names;
mod observer;
pub mod samples;

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use crate::dedupe::Seen;
use crate::line::{BatchOutcome, Signal};
use crate::model::{Key, Mention, Moment, Post, RuleInfo, RuleSample, RuleStatus, Steady, Timestamp};
use crate::rules::operators::nearest;
pub use observer::{Change, Findings, Observed, Observer, Rules};

use costs::CostShares;
use counts::MatchCounts;
use drift::Drift;
use samples::Samples;

/// How often observers sum up what they saw.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Rules compared with an id that nobody has; the engine has other things to do.
const COMPARED_MAX: usize = 5_000;
/// Longest id of a rule.
const ID_BYTES_MAX: usize = 64;

/// How long a post that is read again, after a connection was lost, is known to be counted, and how many are.
const COUNTED_WINDOW: Duration = Duration::from_secs(3_600);
const COUNTED_MAX: usize = 200_000;

/// All observers. One owner.
pub struct Monitor {
    counts: MatchCounts,
    drift: Drift,
    samples: Samples,
    costs: CostShares,
    /// The rules in force.
    infos: Arc<[RuleInfo]>,
    /// Those that have no samples.
    others: HashMap<Arc<str>, RuleStatus>,
    /// The set is new, and has not been looked at.
    is_fresh: bool,
    /// Posts whose matches are counted.
    counted: Seen,
    seed: foldhash::fast::RandomState,
    looked_at: Steady,
}

impl Default for Monitor {
    fn default() -> Self {
        Self {
            counts: MatchCounts::default(),
            drift: Drift::default(),
            samples: Samples::default(),
            costs: CostShares::default(),
            infos: Arc::from([]),
            others: HashMap::new(),
            is_fresh: false,
            counted: Seen::new(COUNTED_WINDOW, COUNTED_MAX),
            seed: foldhash::fast::RandomState::default(),
            looked_at: Steady::ZERO,
        }
    }
}

impl Monitor {
    /// Every observer; a new one adds its line here.
    fn observers(&mut self) -> [&mut dyn Observer; 4] {
        [&mut self.counts, &mut self.drift, &mut self.samples, &mut self.costs]
    }

    /// Another set is in force.
    pub fn follow(&mut self, rules: Rules<'_>, now: Timestamp) {
        self.observers().into_iter().for_each(|observer| observer.follow(rules, now));
        self.infos = Arc::clone(rules.infos);
        self.others = rules.manifest.statuses().filter(|(_, status)| *status != RuleStatus::Shadow).collect();
        self.is_fresh = true;
    }

    /// Shows a batch to every observer.
    pub fn observe(&mut self, outcome: &BatchOutcome, now: Moment) {
        let new_posts = new_posts(outcome, &mut self.counted, &self.seed, now);
        let is_in_force = Arc::ptr_eq(&self.infos, &outcome.rules);
        let batch = Observed { outcome, new_posts: &new_posts, is_in_force, now };
        self.observers().into_iter().for_each(|observer| observer.observe(batch));
    }

    /// Tells the counters what was counted since the last time.
    pub fn publish(&mut self) {
        self.counts.publish();
    }

    /// The newest matches of a shadow rule, the newest first.
    ///
    /// # Errors
    /// Why there are none, in a sentence.
    pub fn samples(&self, rule: &str) -> Result<Vec<RuleSample>, String> {
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

    /// Every few seconds, and soon after the rules have changed: what the observers found.
    pub fn tick(&mut self, now: Moment) -> Option<Findings> {
        if now.steady < self.looked_at + LOOK_EVERY && !self.is_fresh {
            return None;
        }
        (self.is_fresh, self.looked_at) = (false, now.steady);
        let mut findings = Findings::default();
        self.observers().into_iter().for_each(|observer| observer.look(now, &mut findings));
        Some(findings)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Counts;
    use crate::model::{Match, Position, RuleCount};
    use crate::rules::manifest::Expectation;

    const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    fn rules() -> Arc<[RuleInfo]> {
        [RuleInfo::of("r", RuleStatus::Shadow)].into()
    }

    fn watching(rules: &Arc<[RuleInfo]>, looks_for: u64) -> Monitor {
        let mut watch = Monitor::default();
        follow(&mut watch, rules, looks_for);
        watch
    }

    fn follow(watch: &mut Monitor, rules: &Arc<[RuleInfo]>, looks_for: u64) {
        let expected = Expectation { rule: "r".into(), per_day: (0, 1), looks_for };
        let shadow = [("r".into(), looks_for)].into_iter().collect();
        watch.drift.watch(vec![expected], NOW);
        watch.samples.watch(shadow);
        watch.infos = Arc::clone(rules);
    }

    /// A match of post `number` by these rules.
    fn take(watch: &mut Monitor, rules: &Arc<[RuleInfo]>, number: u32, is_update: bool) {
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
            refused: Vec::new(),
            rules: Arc::clone(rules),
            costs: Vec::new(),
        };
        watch.observe(&outcome, Moment::at(NOW));
    }

    #[test]
    fn a_post_counts_once_whether_it_is_edited_or_read_again() {
        let rules = rules();
        let mut watch = watching(&rules, 1);
        for is_update in [false, true, true, false] {
            take(&mut watch, &rules, 1, is_update);
        }
        assert_eq!(watch.drift.judge(NOW), []);
        assert_eq!(watch.samples.most_matched(), [RuleCount { rule: "r".into(), matches: 1 }]);
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
        assert_eq!(
            watch.samples.most_matched()[0].matches,
            0,
            "nor are they matches of what it looks for now"
        );
        take(&mut watch, &after, 9, false);
        assert_eq!(watch.samples("r").unwrap()[0].uri, "at://9");
        assert_eq!(watch.samples.most_matched()[0].matches, 1);
        assert_eq!(watch.samples("other"), Err("there is no rule other".into()));
    }
}
