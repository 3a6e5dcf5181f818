//! Counts outcomes, in the order of the input, into everything the report says.

use std::sync::Arc;

use super::bounded::Counter;
use super::change::Change;
use super::days::{Days, day};
use super::draw::{Draw, Labels};
use super::errors::BacktestError;
use super::input::Input;
use super::options::Options;
use super::overlap::Pairs;
use super::reject::{FileCount, Rejects};
use super::sample::Reservoir;
use super::worker::{Matched, Outcome};
use crate::model::{Match, RuleIndex, RuleStatus, stable_hash};
use crate::rules::pack::LoadedRule;

/// (rule, day) cells kept; about 20 MB.
const CELLS_MAX: usize = 1 << 20;
/// (rule, term) cells kept; about 30 MB.
const TERMS_MAX: usize = 1 << 18;
/// Longer hits are counted under their beginning.
const TERM_BYTES_MAX: usize = 80;

/// What is known of one file.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) name: Arc<str>,
    pub(super) count: FileCount,
    pub(super) posts: u64,
    pub(super) edits: u64,
    pub(super) others: u64,
    pub(super) rejected: Rejects,
}

/// What one rule matched.
#[derive(Clone, Debug, Default)]
pub(super) struct RuleTally {
    pub(super) posts: u64,
    /// Those with a time.
    pub(super) dated: u64,
    /// By [`Lane::as_index`].
    pub(super) lanes: [u64; 4],
    /// Negative, neutral, positive.
    pub(super) sentiment: [u64; 3],
    pub(super) samples: Reservoir,
}

/// Everything counted so far.
pub(super) struct Tally<'a> {
    pub(super) rules: &'a [LoadedRule],
    pub(super) options: &'a Options,
    pub(super) files: Vec<File>,
    pub(super) days: Days,
    /// Posts with a match of any rule, and of a live one.
    pub(super) matched: (u64, u64),
    pub(super) by_rule: Vec<RuleTally>,
    pub(super) rule_days: Counter<(RuleIndex, u32)>,
    pub(super) terms: Counter<(RuleIndex, Box<str>)>,
    pub(super) pairs: Pairs,
    pub(super) change: Option<Change<'a>>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(
        rules: &'a [LoadedRule],
        before: Option<&'a [LoadedRule]>,
        inputs: &[Input],
        options: &'a Options,
    ) -> Self {
        let file = |input: &Input| File {
            name: Arc::from(input.name.as_str()),
            count: FileCount::default(),
            posts: 0,
            edits: 0,
            others: 0,
            rejected: Rejects::default(),
        };
        Self {
            rules,
            options,
            files: inputs.iter().map(file).collect(),
            days: Days::default(),
            matched: (0, 0),
            by_rule: vec![RuleTally::default(); rules.len()],
            rule_days: Counter::new(CELLS_MAX),
            terms: Counter::new(TERMS_MAX),
            pairs: Pairs::default(),
            change: before.map(|before| Change::new(rules, before)),
        }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        let file = &mut self.files[outcome.file];
        file.posts += outcome.posts;
        file.edits += outcome.edits;
        file.others += outcome.others;
        file.rejected.merge(&outcome.rejected);
        self.days.merge(&outcome.days);
        outcome.matched.iter().for_each(|matched| self.post(outcome.file, matched));
    }

    /// What the reader saw.
    pub(super) fn files(&mut self, counts: Vec<FileCount>) {
        for (file, count) in self.files.iter_mut().zip(counts) {
            file.rejected.merge(&count.rejected);
            file.count = count;
        }
    }

    pub(super) fn posts(&self) -> u64 {
        self.files.iter().map(|file| file.posts).sum()
    }

    /// Says why there is nothing to report.
    pub(super) fn nothing(&self) -> BacktestError {
        let files: Vec<String> = self.files.iter().map(File::shown).collect();
        BacktestError::Empty { files: files.join("\n") }
    }

    fn post(&mut self, file: usize, matched: &Matched) {
        let is_live = |found: &Match| self.rules[found.rule as usize].info.status == RuleStatus::Live;
        self.matched.0 += u64::from(!matched.matches.is_empty());
        self.matched.1 += u64::from(matched.matches.iter().any(is_live));
        let rules: Vec<RuleIndex> = matched.matches.iter().map(|found| found.rule).collect();
        self.pairs.add(&rules);
        for found in &matched.matches {
            self.rule(file, matched, found);
        }
        if let Some(change) = &mut self.change {
            let draw = Draw { options: self.options, file, name: &self.files[file].name };
            change.add(matched, &draw);
        }
    }

    fn rule(&mut self, file: usize, matched: &Matched, found: &Match) {
        let rule = &self.rules[found.rule as usize];
        let draw = Draw { options: self.options, file, name: &self.files[file].name };
        let labels = Labels::of(&rule.info);
        let lane = draw.lane(matched, labels);
        let tally = &mut self.by_rule[found.rule as usize];
        tally.posts += 1;
        tally.lanes[usize::from(lane.as_index())] += 1;
        tally.sentiment[matched.scores_for(labels.brand).sentiment.label as usize] += 1;
        let key = (self.options.seed, stable_hash(rule.info.id.as_bytes()));
        tally
            .samples
            .offer(self.options.samples, key, &matched.post.text, || draw.sample(matched, &[found], labels));
        if let Some(day) = day(matched.post.event_at) {
            tally.dated += 1;
            self.rule_days.add((found.rule, day));
        }
        for term in terms(&matched.post.text, found) {
            self.terms.add((found.rule, term));
        }
    }
}

/// What a rule found in a text, each once: lower case, and spaces for white space.
fn terms(text: &str, found: &Match) -> Vec<Box<str>> {
    let term = |(start, end): &(u32, u32)| {
        let hit = text.get(*start as usize..*end as usize)?.to_lowercase();
        let hit = hit.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(hit[..hit.floor_char_boundary(TERM_BYTES_MAX)].into())
    };
    let mut terms: Vec<Box<str>> = found.spans.iter().filter_map(term).collect();
    terms.sort_unstable();
    terms.dedup();
    terms
}

impl File {
    /// `events.jsonl: 12 lines, 9 of them no posts; refused: invalid_json 3 (first in line 2)`.
    fn shown(&self) -> String {
        let Self { name, count, others, edits, .. } = self;
        let end = if count.lines == 1 { "" } else { "s" };
        let mut shown = format!("{name}: {} line{end}", count.lines);
        if others + edits > 0 {
            shown += &format!(", {} of them no new posts", others + edits);
        }
        for (at, (reason, lines, first)) in self.rejected.iter().enumerate() {
            let start = if at == 0 { "; refused: " } else { ", " };
            shown += &format!("{start}{} {lines} (first in line {first})", reason.as_str());
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_counts_once_a_post_however_it_is_written() {
        let text = "ACME  Cloud, acme\ncloud: down";
        let found = Match { rule: 0, spans: [(0, 11), (13, 23), (25, 29)].into_iter().collect() };
        assert_eq!(terms(text, &found), ["acme cloud".into(), "down".into()]);
    }
}
