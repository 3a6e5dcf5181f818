//! Guard 12, tone: what mocks, insults, mourns, protests, threatens with lawyers or tells of harm waits for a person.
//!
//! ```toml
//! [reply.tone]
//! hold = ["sarcasm", "insult", "grief", "legal", "protest", "safety", "unjudged"]
//! ```
//! A post is `unjudged` when it is not in English, whatever its tag says, or most of its words are unknown: nobody could
//! tell whether it mocks. Whoever answers in other languages than English by machine leaves that word out, and
//! relies on the cues alone.

use std::borrow::Cow;

use serde::Deserialize;

use super::guard::{Ask, Finding, Guard};
use crate::model::flags::Flag as _;
use crate::model::{Tone, Tones};

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Tones that wait for a person.
    pub hold: Tones,
}

impl Default for Config {
    fn default() -> Self {
        Self { hold: Tone::ALL.iter().copied().collect() }
    }
}

#[derive(Debug)]
pub(in crate::reply) struct OfTone(Config);

impl OfTone {
    pub(super) const fn new(config: &Config) -> Self {
        Self(*config)
    }
}

impl Guard for OfTone {
    fn name(&self) -> &'static str {
        "tone"
    }

    fn check(&self, ask: &Ask<'_>) -> Finding {
        let held: Vec<&str> = ask.question.tones.and(self.0.hold).iter().map(Tone::as_str).collect();
        if held.is_empty() { Finding::Ok } else { Finding::Hold(Cow::Owned(held.join(", "))) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, check, post};
    use super::*;

    fn said(config: Config, tones: &[Tone]) -> Finding {
        let tones = tones.iter().copied().collect();
        check(&OfTone::new(&config), &post(), NOW, |question, _, _| question.tones = tones)
    }

    #[test]
    fn any_tone_of_the_list_holds_and_says_which() {
        assert_eq!(said(Config::default(), &[]), Finding::Ok);
        let held = Finding::Hold("sarcasm, protest".into());
        assert_eq!(said(Config::default(), &[Tone::Protest, Tone::Sarcasm]), held);
    }

    #[test]
    fn tones_that_are_not_in_the_list_pass() {
        let config: Config = toml::from_str("hold = [\"grief\"]").unwrap();
        assert_eq!(said(config, &[Tone::Unjudged, Tone::Insult]), Finding::Ok);
        assert_eq!(said(config, &[Tone::Grief]), Finding::Hold("grief".into()));
        let error = toml::from_str::<Config>("hold = [\"rude\"]").unwrap_err().to_string();
        assert!(error.contains("rude") && error.contains("sarcasm"), "{error}");
    }
}
