//! What the lexicon makes of a post: scores, and what they were made of.

use super::cue::CueWeights;
use super::typography::Typography;
use crate::score::scored::Scored;

/// What the lexicon makes of a post.
#[derive(Clone, Copy, Debug)]
pub(in crate::score) struct Reading {
    pub(in crate::score) scored: Scored,
    pub(in crate::score) cues: CueWeights,
    pub(in crate::score) typography: Typography,
}
