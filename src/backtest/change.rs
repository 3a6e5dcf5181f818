//! What an edit of the rules does: rules added, removed and changed, and the posts that it gains and loses.
//!
//! Rules are the same when their ids are. Whole sets are compared by their live rules, since only these make work.

use std::sync::Arc;

use hashbrown::HashMap;
use serde::Serialize;

use super::draw::{Draw, Labels};
use super::sample::{Reservoir, Sample};
use super::worker::Matched;
use crate::model::{Lane, Match, RuleIndex, RuleStatus, stable_hash};
use crate::rules::pack::LoadedRule;

/// Posts that come or go.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    pub(super) posts: u64,
    pub(super) samples: Reservoir,
}

/// One rule of either set.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) id: Arc<str>,
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) gained: Flow,
    pub(super) lost: Flow,
}

/// Both sets, and what told them apart so far.
pub(super) struct Change<'a> {
    after: &'a [LoadedRule],
    before: &'a [LoadedRule],
    /// The slot of each rule of `before`; a rule of `after` has the slot of its index.
    slots_before: Vec<usize>,
    pub(super) slots: Vec<Slot>,
    pub(super) gained: Flow,
    pub(super) lost: Flow,
}

/// A rule that is in both sets and not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedRule {
    /// Which.
    pub id: Arc<str>,
    /// What differs: `query`, `list`, `fold`, `status`, `team`, `priority`, `reply`, `brand`, `expect_per_day`.
    pub what: Vec<&'static str>,
}

/// How the sets differ, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleChanges {
    /// Only in the new set.
    pub added: Vec<Arc<str>>,
    /// Only in the old set.
    pub removed: Vec<Arc<str>>,
    /// In both, and different.
    pub changed: Vec<ChangedRule>,
}

impl<'a> Change<'a> {
    pub(super) fn new(after: &'a [LoadedRule], before: &'a [LoadedRule]) -> Self {
        let slot = |rule: &LoadedRule| Slot { id: Arc::clone(&rule.info.id), ..Slot::default() };
        let mut slots: Vec<Slot> = after.iter().map(slot).collect();
        let places: HashMap<&str, usize> =
            after.iter().enumerate().map(|(at, rule)| (&*rule.info.id, at)).collect();
        let slots_before = before
            .iter()
            .map(|rule| {
                places.get(&*rule.info.id).copied().unwrap_or_else(|| {
                    slots.push(slot(rule));
                    slots.len() - 1
                })
            })
            .collect();
        Self { after, before, slots_before, slots, gained: Flow::default(), lost: Flow::default() }
    }

    /// Counts one post that either set matches.
    pub(super) fn add(&mut self, matched: &Matched, draw: &Draw<'_>) {
        let after: Vec<(usize, &Match)> =
            matched.matches.iter().map(|found| (found.rule as usize, found)).collect();
        let slot_before = |rule: RuleIndex| self.slots_before[rule as usize];
        let before: Vec<(usize, &Match)> =
            matched.before.iter().map(|found| (slot_before(found.rule), found)).collect();
        after.iter().for_each(|(slot, _)| self.slots[*slot].after += 1);
        before.iter().for_each(|(slot, _)| self.slots[*slot].before += 1);
        for (slot, found) in only_in(&after, &before) {
            let labels = Labels::of(&self.after[found.rule as usize].info);
            let Slot { id, gained, .. } = &mut self.slots[slot];
            gained.add(id, matched, &[found], labels, draw);
        }
        for (slot, found) in only_in(&before, &after) {
            let labels = Labels::of(&self.before[found.rule as usize].info);
            let Slot { id, lost, .. } = &mut self.slots[slot];
            lost.add(id, matched, &[found], labels, draw);
        }
        self.whole(matched, draw);
    }

    /// Counts the post as a set's: matched by any live rule, or not.
    fn whole(&mut self, matched: &Matched, draw: &Draw<'_>) {
        let (after, before) = (live(self.after, &matched.matches), live(self.before, &matched.before));
        let (flow, found, rules) = match (after.is_empty(), before.is_empty()) {
            (false, true) => (&mut self.gained, after, self.after),
            (true, false) => (&mut self.lost, before, self.before),
            _ => return,
        };
        let info = |found: &&Match| &rules[found.rule as usize].info;
        let floor = found.iter().map(|found| info(found).floor).max().unwrap_or(Lane::Low);
        let brand = found.first().map_or("", |first| &info(first).brand);
        flow.posts += 1;
        flow.offer("", matched, draw, || {
            let ids = found.iter().map(|found| Arc::clone(&info(found).id)).collect();
            Sample { rules: ids, ..draw.sample(matched, &found, Labels { brand, floor }) }
        });
    }

    pub(super) fn rules(&self) -> RuleChanges {
        let ids = |slots: &[Slot]| slots.iter().map(|slot| Arc::clone(&slot.id)).collect::<Vec<_>>();
        let mut old: Vec<Option<&LoadedRule>> = vec![None; self.after.len()];
        for (rule, slot) in self.before.iter().zip(&self.slots_before) {
            if let Some(old) = old.get_mut(*slot) {
                *old = Some(rule);
            }
        }
        let both = || self.after.iter().zip(&old);
        let changed = both().filter_map(|(new, old)| Some((new, differences((*old)?, new))));
        RuleChanges {
            added: both().filter(|(_, old)| old.is_none()).map(|(new, _)| Arc::clone(&new.info.id)).collect(),
            removed: ids(&self.slots[self.after.len()..]),
            changed: changed
                .filter(|(_, what)| !what.is_empty())
                .map(|(new, what)| ChangedRule { id: Arc::clone(&new.info.id), what })
                .collect(),
        }
    }
}

impl Flow {
    fn add(&mut self, id: &str, matched: &Matched, found: &[&Match], labels: Labels<'_>, draw: &Draw<'_>) {
        self.posts += 1;
        self.offer(id, matched, draw, || draw.sample(matched, found, labels));
    }

    fn offer(&mut self, id: &str, matched: &Matched, draw: &Draw<'_>, sample: impl FnOnce() -> Sample) {
        let key = (draw.options.seed, stable_hash(id.as_bytes()));
        self.samples.offer(draw.options.change_samples, key, &matched.post.text, sample);
    }
}

fn only_in<'m>(these: &[(usize, &'m Match)], those: &[(usize, &Match)]) -> Vec<(usize, &'m Match)> {
    let is_new = |(slot, _): &&(usize, &Match)| those.iter().all(|(other, _)| other != slot);
    these.iter().filter(is_new).copied().collect()
}

fn live<'m>(rules: &[LoadedRule], matches: &'m [Match]) -> Vec<&'m Match> {
    let is_live = |found: &&Match| rules[found.rule as usize].info.status == RuleStatus::Live;
    matches.iter().filter(is_live).collect()
}

/// What differs between two rules of one id.
fn differences(old: &LoadedRule, new: &LoadedRule) -> Vec<&'static str> {
    let (was, is) = (&old.info, &new.info);
    let same_text = old.source == new.source;
    let same_fold = old.fold == new.fold;
    [
        ("query", !same_text),
        ("fold", !same_fold),
        // The same words, read to something else.
        ("list", same_text && same_fold && old.query != new.query),
        ("status", was.status != is.status),
        ("team", was.team != is.team),
        ("priority", was.floor != is.floor),
        ("reply", was.reply != is.reply),
        ("brand", was.brand != is.brand),
        ("expect_per_day", old.expect_per_day != new.expect_per_day),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .map(|(what, _)| what)
    .collect()
}
