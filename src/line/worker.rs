//! The straight line: one batch through prefilter, decode, fold, match and score, run to completion.
//!
//! A worker owns all its working memory; it shares only the rule set, the scorer and the directory of handles. What
//! depends on what came before (duplicates, clusters, limits) is settled later, in order, by one owner.

use std::sync::Arc;

use crate::formats::{Batch, Decoder, Refused};
use crate::model::{Event, Mention, Post, PostRef, RejectReason, Timestamp};
use crate::rules::cost::{Costs, Stopwatch};
use crate::rules::{RuleSet, Scratch};
use crate::score::{ScoreInput, Scored, Scorer};
use crate::text::Folded;

use super::aspects::aspects;
use super::engagements::{Engagements, Noted};
use super::outcome::{BatchOutcome, Counts};
use super::prefilter::{Handles, Prefilter, Verdict};
use super::signal::Signal;

/// Working memory is made anew after a batch with a larger frame.
const FRAME_BYTES_USUAL: usize = 256 << 10;

/// Takes batches to outcomes. One per thread.
pub struct Worker {
    scorer: Arc<dyn Scorer>,
    handles: Arc<Handles>,
    frame_bytes_max: usize,
    prefilter: Prefilter,
    /// Who engages with whom in the batch.
    noted: Noted,
    decoder: Decoder,
    matching: Scratch,
    costs: Costs,
    scoring: crate::score::Scratch,
    /// Mentions of the batch that have no scores yet; behind them, room of earlier ones.
    unscored: Vec<Unscored>,
    unscored_count: usize,
}

/// A mention on its way to its scores.
#[derive(Default)]
struct Unscored {
    /// Its place among the signals of the outcome.
    signal: usize,
    folded: Folded,
    /// When a rule asked for them already.
    scored: Option<Scored>,
}

impl Worker {
    /// A worker with empty buffers. Frames over `frame_bytes_max` are refused unread.
    #[must_use]
    pub fn new(scorer: Arc<dyn Scorer>, handles: Arc<Handles>, frame_bytes_max: usize) -> Self {
        Self {
            scorer,
            handles,
            frame_bytes_max,
            prefilter: Prefilter::default(),
            noted: Noted::default(),
            decoder: Decoder::default(),
            matching: Scratch::default(),
            costs: Costs::default(),
            scoring: crate::score::Scratch::default(),
            unscored: Vec::new(),
            unscored_count: 0,
        }
    }

    /// Measures what rules cost from now on.
    #[must_use]
    pub fn timed_by(mut self, stopwatch: Stopwatch) -> Self {
        self.costs.measure_with(stopwatch);
        self
    }

    /// Notes from now on who engages with whom, by hashes with this seed; nothing without one.
    #[must_use]
    pub fn noting_engagements(mut self, seed: Option<u64>) -> Self {
        if let Some(seed) = seed {
            self.noted.switch_on(seed);
        }
        self
    }

    /// Takes every frame of `batch` through the line, with one rule set for all of them.
    pub fn process(&mut self, batch: &Batch, rules: &RuleSet) -> BatchOutcome {
        let mut outcome = BatchOutcome {
            source: Arc::clone(&batch.source),
            sequence: batch.sequence,
            position: batch.position,
            received_at: batch.received_at,
            counts: Counts { received: batch.len() as u64, ..Counts::default() },
            signals: Vec::new(),
            engagements: Engagements::default(),
            refused: Vec::new(),
            rules: Arc::clone(rules.rules()),
            costs: Vec::new(),
        };
        for (number, frame) in batch.frames().enumerate() {
            let place = outcome.signals.len();
            match self.frame(frame, batch, rules, place, &mut outcome.counts.posts) {
                Ok(Some(signal)) => {
                    self.noted.mark_signal();
                    outcome.signals.push(signal);
                }
                Ok(None) => outcome.counts.filtered += 1,
                Err(Refused { reason, detail }) => {
                    outcome.counts.rejected[reason as usize] += 1;
                    outcome.explain(number, detail);
                }
            }
        }
        self.score(&mut outcome);
        outcome.engagements = self.noted.take(event_time(batch));
        outcome.costs = self.costs.take();
        if batch.frames().any(|frame| frame.len() > FRAME_BYTES_USUAL) {
            self.forget_buffers();
        }
        outcome
    }

    /// Buffers grow with the largest frame, and the next one as large may never come.
    fn forget_buffers(&mut self) {
        self.decoder = Decoder::default();
        self.matching = Scratch::default();
        self.scoring = crate::score::Scratch::default();
        self.unscored = Vec::new();
    }

    /// Scores the mentions of a batch one after the other: a post that is scored alone, between frames, finds the model's
    /// table and the lexicons gone from the caches.
    fn score(&mut self, outcome: &mut BatchOutcome) {
        for Unscored { signal, folded, scored } in self.unscored.iter().take(self.unscored_count) {
            let (Signal::Mention(mention) | Signal::Unmatched(mention)) = &mut outcome.signals[*signal]
            else {
                continue;
            };
            let input = ScoreInput::of_post(&mention.post, folded);
            let scored = scored.unwrap_or_else(|| self.scorer.score(&input, &mut self.scoring));
            let found = (&*mention.matches, &*outcome.rules);
            let aspects = aspects(&*self.scorer, &input, &scored, found, &mut self.scoring);
            (mention.scores, mention.aspects) = (scored.scores, aspects);
            mention.lang = scored.lang.as_str().to_owned();
        }
        self.unscored_count = 0;
    }

    /// Keeps what the scores of the mention at this place among the signals are made of.
    fn postpone(&mut self, signal: usize, scored: Option<Scored>) {
        if self.unscored_count == self.unscored.len() {
            self.unscored.push(Unscored::default());
        }
        let room = &mut self.unscored[self.unscored_count];
        (room.signal, room.scored) = (signal, scored);
        self.matching.swap_text(&mut room.folded);
        self.unscored_count += 1;
    }

    fn frame(
        &mut self,
        frame: &[u8],
        batch: &Batch,
        rules: &RuleSet,
        place: usize,
        posts: &mut u64,
    ) -> Result<Option<Signal>, Refused> {
        if frame.len() > self.frame_bytes_max {
            return Err(RejectReason::TooLarge.into());
        }
        let Self { prefilter, handles, noted, .. } = self;
        let (verdict, is_post) = prefilter.judge(&batch.format, frame, rules.anchors(), handles, noted);
        *posts += u64::from(is_post);
        match verdict {
            Verdict::Filtered => Ok(None),
            Verdict::Repost(touch) => Ok(Some(Signal::Repost(touch))),
            Verdict::Delete(touch) => Ok(Some(Signal::Delete(touch))),
            Verdict::Parse => {
                let event = self.decoder.decode(&batch.format, frame, batch.received_at)?;
                *posts += u64::from(!is_post && matches!(event, Event::Create(_) | Event::Update(_)));
                Ok(self.event(event, rules, place))
            }
        }
    }

    fn event(&mut self, event: Event, rules: &RuleSet, place: usize) -> Option<Signal> {
        match event {
            Event::Create(post) => self.post(post, false, rules, place),
            Event::Update(post) => self.post(post, true, rules, place),
            Event::Delete(touch) => Some(Signal::Delete(touch)),
            Event::Repost(touch) => Some(Signal::Repost(touch)),
            Event::AccountGone(account) => Some(Signal::AccountGone(account)),
            Event::Handle { id, handle } => {
                self.learn(&id, handle, rules);
                None
            }
            Event::Other => None,
        }
    }

    fn post(&mut self, mut post: Post, is_update: bool, rules: &RuleSet, place: usize) -> Option<Signal> {
        self.noted.note_post(&post);
        if !self.handles.is_empty() {
            let name_of = |id: &str| self.handles.get(id).map(|name| name.clone());
            post.name_accounts(name_of);
        }
        let Self { scorer, matching, scoring, costs, .. } = self;
        let mut scored = None;
        let mut score = |post: &Post, folded: &Folded| {
            let made = scorer.score(&ScoreInput::of_post(post, folded), scoring);
            scored = Some(made);
            made.scores
        };
        let matches = match costs.turn() {
            Some(turn) => turn.measure(|lap| {
                rules.matches_watched(&post, matching, &mut score, &mut |step| lap.note(step))
            }),
            None => rules.matches(&post, matching, &mut score),
        };
        if matches.is_empty() && !is_update {
            return post.subject.as_deref().map(|subject| Signal::Quote(quote(&post, subject)));
        }
        self.postpone(place, scored);
        let (scores, aspects, lang) = Default::default();
        let mention = Box::new(Mention { post, is_update, matches, scores, aspects, lang });
        // The post may have matched before: whoever has it must see what stands there now.
        Some(if mention.matches.is_empty() { Signal::Unmatched(mention) } else { Signal::Mention(mention) })
    }

    /// Keeps the names that some rule asks for, and forgets an account that gave its name up.
    fn learn(&self, id: &str, handle: Option<String>, rules: &RuleSet) {
        let watched = handle.filter(|handle| rules.anchors().named.contains(&handle.to_lowercase()));
        match watched {
            Some(handle) => {
                // A name has one owner: whoever had it before has it no more.
                self.handles.retain(|_, known| !known.eq_ignore_ascii_case(&handle));
                self.handles.insert(id.into(), handle);
            }
            None => _ = self.handles.remove(id),
        }
    }
}

/// When the newest event of the batch happened. Nothing happens after it is read, whatever a source claims.
fn event_time(batch: &Batch) -> Timestamp {
    let time_us = batch.frames().rev().find_map(|frame| batch.format.time_us(frame));
    let happened = time_us.and_then(|time_us| i64::try_from(time_us).ok()).map(Timestamp::from_micros);
    happened.map_or(batch.received_at, |happened| happened.min(batch.received_at))
}

/// The quoting post as an event that concerns the quoted one.
fn quote(post: &Post, subject: &str) -> PostRef {
    PostRef::new(post.network, &post.author.id, &[&post.uri], &post.version, subject, post.event_at)
}
