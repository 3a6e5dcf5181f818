//! The tone of a post, as far as a machine must not answer it.

use serde::Serialize;

use super::flags::{Flag, Flags};

/// What makes an automatic answer embarrassing, or worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Irony, mockery: not meant as it is written.
    Sarcasm,
    /// Insults, foul words, hate of groups.
    Insult,
    /// Somebody died, or mourns.
    Grief,
    /// Lawyers, courts, regulators.
    Legal,
    /// Boycotts, demonstrations, outrage at what a company does.
    Protest,
    /// Somebody may come to harm.
    Safety,
    /// Nobody could tell: another language than English, whatever the tag says, or mostly unknown words.
    Unjudged,
}

impl Flag for Tone {
    const ALL: &'static [Self] =
        &[Self::Sarcasm, Self::Insult, Self::Grief, Self::Legal, Self::Protest, Self::Safety, Self::Unjudged];

    fn index(self) -> usize {
        self as usize
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Sarcasm => "sarcasm",
            Self::Insult => "insult",
            Self::Grief => "grief",
            Self::Legal => "legal",
            Self::Protest => "protest",
            Self::Safety => "safety",
            Self::Unjudged => "unjudged",
        }
    }
}

/// The tones of a post.
pub type Tones = Flags<Tone>;
