//! What words and phrases mean.

use crate::model::Cue;
use crate::text::LangCode;

/// What a word does to the words around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::score) enum Role {
    /// Nothing.
    #[default]
    None,
    /// Turns around what follows.
    Not,
    /// Turns around what follows and what precedes in the same clause.
    NotAfter,
    /// Strengthens what follows.
    More,
    /// Weakens what follows.
    Less,
    /// What follows counts more than what came before.
    But,
}

/// What a word means in one language.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::score) struct Sense {
    /// −4 to 4.
    pub(in crate::score) value: f32,
    pub(in crate::score) role: Role,
}

/// A phrase found: its value, or a cue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::score) enum Meaning {
    /// The whole phrase has this value, −4 to 4, and its words none.
    Value(f32),
    /// The phrase is a cue of this weight, 0–1.
    Cue(Cue, f32),
}

/// What a phrase of one language gives.
#[derive(Clone, Copy, Debug)]
pub(in crate::score) struct Hit {
    pub(super) lang: LangCode,
    pub(super) is_phrase: bool,
    pub(in crate::score) meaning: Meaning,
}

impl Hit {
    /// One English word proves little in another language; an English phrase does.
    pub(in crate::score) fn counts_in(&self, lang: LangCode) -> bool {
        self.lang == lang || lang == LangCode::UND || (self.is_phrase && self.lang == LangCode::EN)
    }
}
