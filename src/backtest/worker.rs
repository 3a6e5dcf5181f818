//! A worker: lines to posts, posts to matches and scores, as the daemon's workers do it.

use super::cost::{Cost, Watch};
use super::days::Days;
use super::input::Format;
use super::options::Options;
use super::reading::{Handles, Lines};
use super::reject::Rejects;
use crate::formats::{jetstream, json};
use crate::line::aspects;
use crate::model::{Aspects, Event, Match, Post, RejectReason, Scores, Timestamp};
use crate::rules::{RuleSet, Scratch};
use crate::score::{self, ScoreInput, Scored, Scorer, TrainedScorer};
use crate::text::Folded;

/// A post that some rule matches.
pub(super) struct Matched {
    pub(super) line: u64,
    pub(super) post: Post,
    pub(super) matches: Vec<Match>,
    /// By the rules before the change.
    pub(super) before: Vec<Match>,
    pub(super) scored: Scored,
    /// By the rules, or where they match nothing, by those before the change.
    pub(super) aspects: Aspects,
}

impl Matched {
    /// With the sentiment towards `brand`.
    pub(super) fn scores_for(&self, brand: &str) -> Scores {
        self.aspects.scores_for(brand, &self.scored.scores)
    }
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
    pub(super) days: Days,
    pub(super) matched: Vec<Matched>,
}

impl Outcome {
    fn see(&mut self, post: &Post) {
        self.posts += 1;
        self.days.add(post.event_at);
    }
}

/// One thread's rules and working memory.
pub(super) struct Worker<'a> {
    rules: &'a RuleSet,
    before: Option<&'a RuleSet>,
    scorer: &'a TrainedScorer,
    decoder: jetstream::Decoder,
    fields: &'a json::Fields,
    matching: Scratch,
    matching_before: Scratch,
    scoring: score::Scratch,
    watch: Watch,
    pub(super) cost: Cost,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        rules: &'a RuleSet,
        before: Option<&'a RuleSet>,
        scorer: &'a TrainedScorer,
        options: &'a Options,
    ) -> Self {
        Self {
            rules,
            before,
            scorer,
            decoder: jetstream::Decoder::default(),
            fields: &options.fields,
            matching: Scratch::default(),
            matching_before: Scratch::default(),
            scoring: score::Scratch::default(),
            watch: Watch::new(options.timing),
            cost: Cost::new(rules.rules().len()),
        }
    }

    pub(super) fn process(&mut self, lines: &Lines) -> Outcome {
        let mut outcome = Outcome { file: lines.file, ..Outcome::default() };
        for (number, line) in lines.iter() {
            let event = self.decode(line, lines.format);
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
        let Self { decoder, fields, watch, cost, .. } = self;
        let (event, ns) = watch.measured(|| match format {
            Format::Jetstream => decoder.decode(line, Timestamp::ZERO),
            Format::Json => json::read_leniently(line, fields).map(Event::Create),
        });
        cost.decode_ns += ns;
        event
    }

    fn post(&mut self, line: u64, post: Post) -> Option<Matched> {
        let Self { rules, before, scorer, matching, matching_before, scoring, watch, cost, .. } = self;
        let mut scored = None;
        // Anew each time it is asked: what is measured twice must be done twice.
        let mut score = |post: &Post, folded: &Folded| {
            scored.insert(scorer.score(&ScoreInput::of_post(post, folded), scoring)).scores
        };
        let matches =
            watch.steps(|lap| rules.matches_watched(&post, matching, &mut score, &mut |step| lap.note(step)));
        cost.steps(watch.laps());
        let mut score = |post: &Post, folded: &Folded| {
            scored.get_or_insert_with(|| scorer.score(&ScoreInput::of_post(post, folded), scoring)).scores
        };
        let earlier = before;
        let before =
            earlier.map(|rules| rules.matches(&post, matching_before, &mut score)).unwrap_or_default();
        if matches.is_empty() && before.is_empty() {
            return None;
        }
        let input = ScoreInput::of_post(&post, &matching.segments()[0]);
        let scored = scored.unwrap_or_else(|| {
            let (made, ns) = watch.measured(|| scorer.score(&input, scoring));
            cost.score_ns += ns;
            made
        });
        let found = match earlier {
            Some(earlier) if matches.is_empty() => (&before[..], &earlier.rules()[..]),
            _ => (&matches[..], &rules.rules()[..]),
        };
        let (aspects, ns) = watch.measured(|| aspects(*scorer, &input, &scored, found, scoring));
        cost.score_ns += ns;
        Some(Matched { line, post, matches, before, scored, aspects })
    }
}

/// The post with the names of its accounts, where the stream has told them before.
fn named(mut post: Post, handles: &Handles) -> Post {
    if !handles.is_empty() {
        post.name_accounts(|id| handles.get(id).cloned());
    }
    post
}
