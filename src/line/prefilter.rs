//! Looks at raw bytes and rejects what cannot matter, before anything is parsed.
//!
//! Sound: it may let through too much, never too little. What is not written in the one way that servers write it goes
//! to the parser. Property-tested against the whole path in `tests/it/prefilter.rs`.

use dashmap::DashMap;

use super::engagements::Noted;
use crate::formats::jetstream::{self, Segment, SegmentFinder, Segments};
use crate::formats::{Format, Glance, GlanceKind};
use crate::model::PostRef;
use crate::rules::Anchors;
use crate::rules::index::{TermIndex, Walk};
use crate::text::{Folded, Run, for_each_folded_word, for_each_word, may_be_cut, word_hash};

/// Readable names of the accounts that some rule names in `from:`, `to:` or `mentions:`, by their id. Learnt from the
/// stream by all workers; holds nothing but watched names, so it is as small as the rules are.
pub type Handles = DashMap<Box<str>, String, foldhash::fast::RandomState>;

/// What is to be done with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It cannot matter.
    Filtered,
    /// It may: parse it.
    Parse,
    /// A post is shared.
    Repost(PostRef),
    /// A post is gone.
    Delete(PostRef),
}

/// Working memory of the prefilter of one worker.
#[derive(Debug, Default)]
pub(super) struct Prefilter {
    finder: SegmentFinder,
    segments: Vec<Segment>,
    unescaped: Vec<u8>,
    folded: Folded,
    word: String,
    walk: Walk,
}

impl Prefilter {
    /// Judges one frame, and says whether it makes or replaces a post. Who engages with whom goes into `noted`, where
    /// the frame will not be parsed.
    #[inline]
    pub(super) fn judge(
        &mut self,
        format: &Format,
        frame: &[u8],
        anchors: &Anchors,
        handles: &Handles,
        noted: &mut Noted,
    ) -> (Verdict, bool) {
        let Some(glance) = format.glance(frame) else { return (Verdict::Parse, false) };
        let verdict = match glance.kind {
            // The rest of the frame is not even looked at: that would fetch it from memory for nothing.
            GlanceKind::Ignored => Verdict::Filtered,
            GlanceKind::Like => {
                noted.note_with(glance.actor, || jetstream::liked(frame));
                Verdict::Filtered
            }
            GlanceKind::Unfamiliar => Verdict::Parse,
            // A frame cut short is broken, whatever it would have been.
            _ if frame.last() != Some(&b'}') => Verdict::Parse,
            GlanceKind::Post { record, is_update } => {
                // An edit matters also when nothing matches any more; there are few.
                let may_match = is_update
                    || anchors.needs_all
                    || (!anchors.authors.is_empty() && is_watched(glance.actor, anchors, handles))
                    || self.record_may_match(&frame[record..], anchors);
                if may_match {
                    return (Verdict::Parse, true);
                }
                self.note_answer(glance.actor, &frame[record..], noted);
                return (Verdict::Filtered, true);
            }
            GlanceKind::Repost { .. } => {
                repost(&glance, frame, noted).map_or(Verdict::Parse, Verdict::Repost)
            }
            GlanceKind::PostDeleted { .. } => glance.deletion().map_or(Verdict::Parse, Verdict::Delete),
        };
        (verdict, false)
    }

    /// Of a post that cannot matter itself: the finder has just been through it, and vouches for it.
    fn note_answer(&self, did: &[u8], record: &[u8], noted: &mut Noted) {
        let Some(text) = self.segments.last() else { return };
        let to_text = &record[..text.start];
        noted.note_with(did, || jetstream::answered(to_text));
    }

    fn record_may_match(&mut self, record: &[u8], anchors: &Anchors) -> bool {
        let mut segments = std::mem::take(&mut self.segments);
        segments.clear();
        let may_match = match self.finder.find(record, &mut segments) {
            Segments::Unknown => true,
            Segments::All { is_quote, has_tag_list } => {
                is_quote
                    || (has_tag_list && anchors.has_hashtags)
                    || segments.iter().any(|segment| self.text_may_match(record, segment, anchors))
            }
        };
        self.segments = segments;
        may_match
    }

    fn text_may_match(&mut self, record: &[u8], segment: &Segment, anchors: &Anchors) -> bool {
        let (raw, len) = (&record[segment.start..], segment.end - segment.start);
        if !segment.is_escaped {
            return self.plain_may_match(raw, len, anchors);
        }
        let mut unescaped = std::mem::take(&mut self.unescaped);
        unescaped.clear();
        let whole = jetstream::unescape(&raw[..len], &mut unescaped);
        let may_match = whole.is_none() || self.plain_may_match(&unescaped, unescaped.len(), anchors);
        self.unescaped = unescaped;
        may_match
    }

    /// Judges the first `len` bytes of `raw`.
    fn plain_may_match(&mut self, raw: &[u8], len: usize, anchors: &Anchors) -> bool {
        let (terms, text) = (&anchors.terms, &raw[..len]);
        if let Some(loose) = &anchors.loose
            && self.loosely_may_match(text, loose)
        {
            return true;
        }
        self.walk.reset();
        let mut found = false;
        for_each_word(raw, len, |Run { start, end, is_ascii }, hash| {
            let run = &text[start..end];
            // A hashtag of several words has more words than runs; anything beyond ASCII needs a closer look.
            found |= if start > 0 && text[start - 1] == b'#' && may_be_cut(run) {
                self.run_may_match(&text[start - 1..end], terms)
            } else if is_ascii {
                terms.step(&mut self.walk, hash, run)
            } else {
                self.mixed_may_match(run, terms)
            };
        });
        found
    }

    /// Rules with `fold = "loose"` need the whole text folded: they cost what they look through.
    #[inline(never)]
    fn loosely_may_match(&mut self, text: &[u8], loose: &TermIndex) -> bool {
        let Ok(text) = std::str::from_utf8(text) else { return true };
        self.folded.fold(text);
        self.folded.loosen();
        loose.may_match_loosely(&self.folded)
    }

    /// A run with bytes beyond ASCII. Most are words beside typographic punctuation or emoji, and need no folding.
    #[inline(never)]
    fn mixed_may_match(&mut self, run: &[u8], terms: &TermIndex) -> bool {
        // The walk stays open: a run of marks alone folds to nothing, and a phrase may go on behind it.
        if terms.is_foreign(run) {
            return false;
        }
        // ＃ and ﹟ open hashtags too, whose parts are words: the parser's business.
        let opens_tag =
            |at: usize| matches!(run.get(at..at + 3), Some([0xEF, 0xBC, 0x83] | [0xEF, 0xB9, 0x9F]));
        if memchr::memchr_iter(0xEF, run).any(opens_tag) {
            return true;
        }
        if terms.may_hold_substring(run) {
            return self.run_may_match(run, terms);
        }
        if is_plain_but_marks(run) {
            let words = run.split(|byte| !byte.is_ascii()).filter(|word| !word.is_empty());
            return words
                .fold(false, |found, word| found | terms.step(&mut self.walk, word_hash(word), word));
        }
        let Ok(run) = std::str::from_utf8(run) else { return true };
        let mut found = false;
        for_each_folded_word(run, &mut self.word, |word| {
            found |= terms.step(&mut self.walk, word_hash(word.as_bytes()), word.as_bytes());
        });
        found
    }

    /// Folds one run by itself: the bytes around it are ASCII and no word bytes, so nothing in it depends on them.
    #[inline(never)]
    fn run_may_match(&mut self, run: &[u8], terms: &TermIndex) -> bool {
        let Ok(run) = std::str::from_utf8(run) else { return true };
        self.folded.fold(run);
        terms.continue_with(&self.folded, &mut self.walk)
    }
}

fn repost(glance: &Glance<'_>, frame: &[u8], noted: &mut Noted) -> Option<PostRef> {
    let repost = glance.repost(frame)?;
    noted.note_with(glance.actor, || jetstream::author_of(repost.subject().as_bytes()));
    Some(repost)
}

/// True when everything beyond ASCII in `run` is a dash, a quotation mark, an ellipsis or a bullet (U+2013–2026), or
/// an emoji of the planes that hold nothing else (U+1F300–1F9FF): characters that end words and fold to no letter.
fn is_plain_but_marks(run: &[u8]) -> bool {
    let mut rest = run;
    loop {
        let Some(at) = rest.iter().position(|byte| !byte.is_ascii()) else { return true };
        rest = match &rest[at..] {
            [0xE2, 0x80, 0x93..=0x94 | 0x98..=0x99 | 0x9C..=0x9D | 0xA2 | 0xA6, rest @ ..] => rest,
            [0xF0, 0x9F, 0x8C..=0x8E | 0x90..=0x9B | 0xA4..=0xA7, last, rest @ ..] if *last >= 0x80 => rest,
            _ => return false,
        };
    }
}

fn is_watched(did: &[u8], anchors: &Anchors, handles: &Handles) -> bool {
    let Ok(did) = std::str::from_utf8(did) else { return false };
    anchors.authors.contains(&did.to_lowercase())
        || handles.get(did).is_some_and(|name| anchors.authors.contains(&name.to_lowercase()))
}
