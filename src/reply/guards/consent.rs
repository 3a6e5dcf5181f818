//! Guard 2, consent: only who speaks to us is answered: the post mentions one of `reply.own`, or answers a post of it.
//!
//! ```toml
//! [reply.consent]
//! required = true     # X forbids keyword-triggered replies altogether
//! ```

use serde::Deserialize;

use super::guard::{Ask, Finding, Guard};

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Without it, posts that do not speak to us may be answered.
    pub required: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { required: true }
    }
}

#[derive(Debug)]
pub(in crate::reply) struct Consent {
    is_required: bool,
}

impl Consent {
    pub(super) const fn new(config: &Config) -> Self {
        Self { is_required: config.required }
    }
}

impl Guard for Consent {
    fn name(&self) -> &'static str {
        "consent"
    }

    fn check(&self, ask: &Ask<'_>) -> Finding {
        if self.is_required && !ask.is_addressed {
            return Finding::suppress("not addressed to us");
        }
        Finding::Ok
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, check, post};
    use super::*;

    #[test]
    fn only_who_speaks_to_us_is_answered_unless_configured() {
        let strict = Consent::new(&Config::default());
        assert_eq!(check(&strict, &post(), NOW, |_, _, _| {}), Finding::Ok);
        let finding = check(&strict, &post(), NOW, |_, _, is_addressed| *is_addressed = false);
        assert_eq!(finding.as_str().to_owned(), "not addressed to us");
        let lax = Consent::new(&Config { required: false });
        assert_eq!(check(&lax, &post(), NOW, |_, _, is_addressed| *is_addressed = false), Finding::Ok);
    }
}
