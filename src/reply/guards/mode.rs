//! Guard 1, mode: off and shadow suppress, approve holds, auto passes.
//!
//! ```toml
//! [reply]
//! mode = "shadow"
//! [reply.rules.acme-outage]
//! mode = "approve"
//! ```
//! A rule's own mode goes over its template's, and that over the default. A template that is not there suppresses.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::guard::{Ask, Finding, Guard};
use crate::model::ReplyMode;

/// What one rule has of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// How far its replies may go.
    pub mode: ReplyMode,
}

#[derive(Debug)]
pub(in crate::reply) struct Mode {
    default: ReplyMode,
    rules: BTreeMap<Arc<str>, ReplyMode>,
    /// Every template there is.
    templates: BTreeMap<Arc<str>, Option<ReplyMode>>,
}

impl Mode {
    pub(super) fn new(
        default: ReplyMode,
        rules: &BTreeMap<Arc<str>, Override>,
        templates: BTreeMap<Arc<str>, Option<ReplyMode>>,
    ) -> Self {
        let rules = rules.iter().map(|(id, rule)| (Arc::clone(id), rule.mode)).collect();
        Self { default, rules, templates }
    }
}

impl Guard for Mode {
    fn name(&self) -> &'static str {
        "mode"
    }

    fn check(&self, ask: &Ask<'_>) -> Finding {
        let rule = ask.question.rule;
        let Some(of_template) = rule.reply.as_ref().and_then(|name| self.templates.get(name)) else {
            return Finding::suppress("no such template");
        };
        match self.rules.get(&rule.id).copied().or(*of_template).unwrap_or(self.default) {
            ReplyMode::Off => Finding::suppress("off"),
            ReplyMode::Shadow => Finding::suppress("shadow"),
            ReplyMode::Approve => Finding::Hold("approve".into()),
            ReplyMode::Auto => Finding::Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, check, post};
    use super::*;

    fn finding(toml: &str) -> String {
        let config: crate::reply::Config = toml::from_str(toml).unwrap();
        let mode = Mode::new(config.mode, &config.rules, config.template_modes());
        check(&mode, &post(), NOW, |_, _, _| {}).as_str().to_owned()
    }

    #[test]
    fn the_most_particular_mode_counts_and_shadow_is_the_default() {
        let template = "templates.t.text = \"x\"\n";
        assert_eq!(finding(template), "shadow");
        assert_eq!(finding(&format!("mode = \"auto\"\n{template}")), "ok");
        assert_eq!(finding(&format!("{template}templates.t.mode = \"approve\"")), "approve");
        assert_eq!(finding(&format!("rules.r.mode = \"off\"\n{template}templates.t.mode = \"auto\"")), "off");
    }

    #[test]
    fn a_missing_template_suppresses() {
        assert_eq!(finding("mode = \"auto\""), "no such template");
    }
}
