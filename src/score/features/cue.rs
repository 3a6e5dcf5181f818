//! How strongly each kind of cue speaks in a post.

use crate::model::flags::Flag as _;
use crate::model::{Cue, Cues};

/// How many kinds there are.
const CUES: usize = Cue::ALL.len();

/// The strongest weight seen of each kind, 0–1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::score) struct CueWeights([f32; CUES]);

impl CueWeights {
    /// The weight of `cue`.
    pub(in crate::score) fn of(&self, cue: Cue) -> f32 {
        self.0[cue as usize]
    }

    /// Keeps the larger of the weight so far and `weight`: saying a thing twice does not make it worse.
    pub(in crate::score) fn raise(&mut self, cue: Cue, weight: f32) {
        let kept = &mut self.0[cue as usize];
        *kept = kept.max(weight);
    }

    /// The same without `cue`, when that is weaker than `least`.
    pub(in crate::score) fn without_weak(mut self, cue: Cue, least: f32) -> Self {
        let kept = &mut self.0[cue as usize];
        if *kept < least {
            *kept = 0.0;
        }
        self
    }

    /// The kinds that were seen.
    pub(in crate::score) fn seen(&self) -> Cues {
        Cue::ALL.iter().copied().filter(|&cue| self.of(cue) > 0.0).collect()
    }
}
