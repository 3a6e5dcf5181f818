//! Looks at raw bytes and rejects what cannot matter, before anything is parsed.
//!
//! Sound: it may let through too much, never too little. What is not written in the one way that servers write it goes
//! to the parser. Property-tested against the whole path in `tests/it/prefilter.rs`.

use dashmap::DashMap;
use memchr::memchr;

use crate::formats::jetstream::{self, HeadKind, SegmentFinder, Segments, event_key};
use crate::model::{BuildKeyHasher, PostRef, Timestamp, stable_key};
use crate::rules::Anchors;
use crate::rules::index::{TermIndex, Walk};
use crate::text::{Folded, for_each_word};

/// Readable names of the accounts that some rule names in `from:`, by [`stable_key`] of their id. Learnt from the
/// stream by all workers; holds nothing but watched names, so it is as small as the rules are.
pub type Handles = DashMap<u64, String, BuildKeyHasher>;

/// What is to be done with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    segments: Vec<(usize, usize)>,
    unescaped: Vec<u8>,
    folded: Folded,
    walk: Walk,
}

impl Prefilter {
    /// Judges one frame; `is_post` is set when it makes or replaces a post.
    #[inline]
    pub(super) fn judge(
        &mut self,
        frame: &[u8],
        anchors: &Anchors,
        handles: &Handles,
        is_post: &mut bool,
    ) -> Verdict {
        let Some(head) = jetstream::head(frame) else { return Verdict::Parse };
        // A frame cut short is broken, whatever it would have been.
        if frame.last() != Some(&b'}') {
            return Verdict::Parse;
        }
        let event_at = Timestamp::from_micros(i64::try_from(head.time_us).unwrap_or(i64::MAX));
        match head.kind {
            HeadKind::Ignored => Verdict::Filtered,
            HeadKind::Unfamiliar => Verdict::Parse,
            HeadKind::Post { record } => {
                *is_post = true;
                let may_match = anchors.needs_all
                    || (!anchors.authors.is_empty() && is_watched(head.did, anchors, handles))
                    || self.record_may_match(&frame[record..], anchors);
                if may_match { Verdict::Parse } else { Verdict::Filtered }
            }
            HeadKind::Repost { record, rkey, rev } => match jetstream::repost_subject(&frame[record..]) {
                Some(subject) => Verdict::Repost(PostRef {
                    subject: subject.key,
                    actor: stable_key(head.did),
                    event: event_key(head.did, rev, jetstream::REPOST, rkey, "create"),
                    event_at,
                }),
                None => Verdict::Parse,
            },
            HeadKind::PostDeleted { rkey, rev } => Verdict::Delete(PostRef {
                subject: post_key(head.did, rkey),
                actor: stable_key(head.did),
                event: event_key(head.did, rev, jetstream::POST, rkey, "delete"),
                event_at,
            }),
        }
    }

    fn record_may_match(&mut self, record: &[u8], anchors: &Anchors) -> bool {
        let mut segments = std::mem::take(&mut self.segments);
        segments.clear();
        let may_match = match self.finder.find(record, &mut segments) {
            Segments::Unknown => true,
            Segments::All { is_quote, has_tag_list } => {
                is_quote
                    || (has_tag_list && anchors.has_hashtags)
                    || segments.iter().any(|&(start, end)| self.text_may_match(&record[start..end], anchors))
            }
        };
        self.segments = segments;
        may_match
    }

    fn text_may_match(&mut self, raw: &[u8], anchors: &Anchors) -> bool {
        if memchr(b'\\', raw).is_none() {
            return self.plain_may_match(raw, anchors);
        }
        let mut unescaped = std::mem::take(&mut self.unescaped);
        unescaped.clear();
        let whole = jetstream::unescape(raw, &mut unescaped);
        let may_match = whole.is_none() || self.plain_may_match(&unescaped, anchors);
        self.unescaped = unescaped;
        may_match
    }

    fn plain_may_match(&mut self, text: &[u8], anchors: &Anchors) -> bool {
        let terms = &anchors.terms;
        self.walk.reset();
        let mut found = false;
        let is_ascii = text.is_ascii();
        if !is_ascii && terms.has_spaced_substrings() {
            let Ok(text) = std::str::from_utf8(text) else { return true };
            self.folded.fold(text);
            return terms.may_match(&self.folded, &mut self.walk);
        }
        for_each_word(text, |start, end, hash| {
            let run = &text[start..end];
            // A camel-case hashtag has more words than runs; anything beyond ASCII needs folding.
            found |= if start > 0 && text[start - 1] == b'#' {
                self.run_may_match(&text[start - 1..end], terms)
            } else if is_ascii || run.is_ascii() {
                terms.step(&mut self.walk, hash, run)
            } else {
                self.run_may_match(run, terms)
            };
        });
        found
    }

    /// Folds one run by itself: the bytes around it are ASCII and no word bytes, so nothing in it depends on them.
    #[inline(never)]
    fn run_may_match(&mut self, run: &[u8], terms: &TermIndex) -> bool {
        // The walk stays open: a run of marks alone folds to nothing, and a phrase may go on behind it.
        if terms.is_foreign(run) {
            return false;
        }
        let Ok(run) = std::str::from_utf8(run) else { return true };
        self.folded.fold(run);
        terms.continue_with(&self.folded, &mut self.walk)
    }
}

fn is_watched(did: &[u8], anchors: &Anchors, handles: &Handles) -> bool {
    std::str::from_utf8(did).is_ok_and(|did| anchors.authors.contains(&did.to_lowercase()))
        || handles.get(&stable_key(did)).is_some_and(|name| anchors.authors.contains(&name.to_lowercase()))
}

fn post_key(did: &[u8], rkey: &[u8]) -> u64 {
    let mut uri = smallvec::SmallVec::<[u8; 128]>::new();
    for part in [b"at://", did, b"/", jetstream::POST.as_bytes(), b"/", rkey] {
        uri.extend_from_slice(part);
    }
    stable_key(&uri)
}
