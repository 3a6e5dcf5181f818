//! A worker: lines to posts, posts to matches and scores, as the daemon's workers do it.

use std::collections::BTreeMap;

use super::cost::{Cost, Stopwatch};
use super::input::Format;
use super::reading::{Handles, Lines};
use super::reject::Rejects;
use crate::formats::{jetstream, json};
use crate::model::{Event, Match, Post, RejectReason, Timestamp, stable_key};
use crate::rules::{RuleSet, Scratch, Step};
use crate::score::{self, LexicalScorer, ScoreInput, Scored, Scorer};
use crate::text::Folded;

const DAY_MICROS: i64 = 86_400_000_000;
/// Days from 1970 to 2099. A time outside is none: somebody's clock was wrong.
const DAYS: i64 = 47_482;

/// The day of a time, counted from 1970; `None` where no time is known.
pub(super) fn day(time: Timestamp) -> Option<u32> {
    let day = time.as_micros().div_euclid(DAY_MICROS);
    (time != Timestamp::ZERO && (0..DAYS).contains(&day)).then_some(day as u32)
}

/// A post that some rule matches.
pub(super) struct Matched {
    pub(super) line: u64,
    pub(super) post: Post,
    pub(super) matches: Vec<Match>,
    /// By the rules before the change.
    pub(super) before: Vec<Match>,
    pub(super) scored: Scored,
}

/// What came of one batch.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) file: usize,
    pub(super) posts: u64,
    /// Posts replaced by their authors: not matched here, as they were counted when they were new.
    pub(super) edits: u64,
    /// Events that are no posts.
    pub(super) others: u64,
    pub(super) rejected: Rejects,
    /// The times of the first and the last post.
    pub(super) times: Option<(Timestamp, Timestamp)>,
    pub(super) days: BTreeMap<u32, u64>,
    pub(super) matched: Vec<Matched>,
}

impl Outcome {
    fn see(&mut self, post: &Post) {
        self.posts += 1;
        let at = post.event_at;
        let Some(day) = day(at) else { return };
        *self.days.entry(day).or_default() += 1;
        let (first, last) = self.times.unwrap_or((at, at));
        self.times = Some((first.min(at), last.max(at)));
    }
}

/// One thread's rules and working memory.
pub(super) struct Worker<'a> {
    rules: &'a RuleSet,
    before: Option<&'a RuleSet>,
    scorer: &'a LexicalScorer,
    decoder: jetstream::Decoder,
    matching: Scratch,
    matching_before: Scratch,
    scoring: score::Scratch,
    watch: Stopwatch,
    pub(super) cost: Cost,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        rules: &'a RuleSet,
        before: Option<&'a RuleSet>,
        scorer: &'a LexicalScorer,
        timing: bool,
    ) -> Self {
        Self {
            rules,
            before,
            scorer,
            decoder: jetstream::Decoder::default(),
            matching: Scratch::default(),
            matching_before: Scratch::default(),
            scoring: score::Scratch::default(),
            watch: Stopwatch::new(timing),
            cost: Cost::new(rules.rules().len()),
        }
    }

    pub(super) fn process(&mut self, lines: &Lines) -> Outcome {
        let mut outcome = Outcome { file: lines.file, ..Outcome::default() };
        for (number, line) in lines.iter() {
            self.watch.start();
            let event = self.decode(line, lines.format);
            self.cost.decode_ns += self.watch.lap();
            match event {
                Ok(Event::Create(post)) => {
                    outcome.see(&post);
                    let matched = self.post(number, named(post, &lines.handles));
                    outcome.matched.extend(matched);
                }
                Ok(Event::Update(_)) => outcome.edits += 1,
                Ok(_) => outcome.others += 1,
                Err(reason) => outcome.rejected.add(reason, number),
            }
        }
        outcome
    }

    fn decode(&mut self, line: &[u8], format: Format) -> Result<Event, RejectReason> {
        match format {
            Format::Jetstream => self.decoder.decode(line, Timestamp::ZERO),
            Format::Json => json::decode(line).map(Event::Create),
        }
    }

    fn post(&mut self, line: u64, post: Post) -> Option<Matched> {
        let Self { rules, before, scorer, matching, matching_before, scoring, watch, cost, .. } = self;
        let mut scored = None;
        let mut score = |post: &Post, folded: &Folded| {
            let made =
                scored.get_or_insert_with(|| scorer.score(&ScoreInput::of_post(post, folded), scoring));
            made.scores
        };
        watch.start();
        let matches = rules.matches_watched(&post, matching, &mut score, &mut |step| match step {
            Step::Found => cost.find_ns += watch.lap(),
            Step::Scored => cost.score_ns += watch.lap(),
            Step::Decided(rule) => cost.rule(rule, watch.lap()),
        });
        let before =
            before.map(|rules| rules.matches(&post, matching_before, &mut score)).unwrap_or_default();
        if matches.is_empty() && before.is_empty() {
            return None;
        }
        watch.start();
        score(&post, &matching.segments()[0]);
        cost.score_ns += watch.lap();
        Some(Matched { line, post, matches, before, scored: scored? })
    }
}

/// The post with the names of its accounts, where the stream has told them before.
fn named(mut post: Post, handles: &Handles) -> Post {
    if !handles.is_empty() {
        post.name_accounts(|id| handles.get(&stable_key(id.as_bytes())).cloned());
    }
    post
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_utc_and_a_wrong_clock_has_none() {
        let at = |text| day(Timestamp::parse(text).unwrap());
        assert_eq!((at("1970-01-02T00:00:00Z"), at("1970-01-02T23:59:59Z")), (Some(1), Some(1)));
        assert_eq!(
            (day(Timestamp::ZERO), at("1969-12-31T00:00:00Z"), at("2101-01-01T00:00:00Z")),
            (None, None, None)
        );
    }
}
