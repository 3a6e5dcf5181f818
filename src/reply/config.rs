//! `[reply]` of the configuration: the parts' own settings, and what must fit together.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::guards;
use super::template::Template;
use crate::model::{ReplyMode, Report, RuleInfo};

/// The gate's settings; each guard has its own.
///
/// ```toml
/// [reply]
/// mode = "shadow"                   # off | shadow | approve | auto
/// own = ["did:plc:abc", "acme.example"]   # our accounts, by id and by handle
/// siblings = ["acme-news.example"]  # never answered, and not ours to be addressed at
///
/// [reply.rules.acme-outage]         # over the template's mode, over the default
/// mode = "auto"
///
/// [reply.templates.status-page]
/// text = "We know and are on it: https://status.acme.example"
/// texts = { de = "Wir sind dran: https://status.acme.example" }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Mode of every rule without one of its own.
    pub mode: ReplyMode,
    /// Ids and handles of the accounts that answer.
    pub own: Vec<String>,
    /// Ids and handles of other accounts of the house.
    pub siblings: Vec<String>,
    /// Per rule id.
    pub rules: BTreeMap<Arc<str>, guards::mode::Override>,
    /// Templates by name.
    pub templates: BTreeMap<Arc<str>, Template>,
    /// Guard 2.
    pub consent: guards::consent::Config,
    /// Guard 3.
    pub never_answer: guards::never_answer::Config,
    /// Guard 4.
    pub once: guards::once::Config,
    /// Guard 5.
    pub per_author: guards::author::Config,
    /// Guard 9.
    pub per_rule: guards::rule::Config,
    /// Guard 10.
    pub per_account: guards::account::Config,
    /// Guard 11.
    pub global: guards::global::Config,
    /// Guard 12.
    pub tone: guards::tone::Config,
    /// Guard 14.
    pub stale: guards::stale::Config,
    /// Guard 18.
    pub switch: guards::switch::Config,
}

impl Config {
    /// Every mistake, as a sentence with its place and remedy, but for the templates that rules ask for.
    pub fn validate(&self, rules: &[RuleInfo], report: &mut Report) {
        for id in self.rules.keys().filter(|id| !rules.iter().any(|rule| rule.id == **id)) {
            report.add(format_args!("reply.rules.{id} names a rule that no pack has; check its spelling"));
        }
        self.per_author.validate(report);
        self.per_rule.validate(report);
        self.per_account.validate(report);
        let is_deaf = self.consent.required && self.own.is_empty() && self.may_send();
        report
            .add_if(is_deaf, "reply.own is empty, so no post can address you; list the ids of your accounts");
    }

    /// What is wrong with the template that `rule` asks for.
    #[must_use]
    pub fn unknown_template(&self, rule: &RuleInfo) -> Option<String> {
        // Without any template nobody wants replies yet: packs may name theirs all the same.
        let expected = !self.templates.is_empty() || self.may_send();
        let name = rule.reply.as_ref().filter(|name| expected && !self.templates.contains_key(*name))?;
        let id = &rule.id;
        Some(format!(
            "rule {id:?} asks for reply template {name:?}, which is not configured; add [reply.templates.{name}]"
        ))
    }

    /// Every template there is, with its own mode.
    pub(super) fn template_modes(&self) -> BTreeMap<Arc<str>, Option<ReplyMode>> {
        self.templates.iter().map(|(name, template)| (Arc::clone(name), template.mode)).collect()
    }

    fn may_send(&self) -> bool {
        let modes = self.rules.values().map(|rule| rule.mode);
        let modes =
            modes.chain(self.templates.values().filter_map(|template| template.mode)).chain([self.mode]);
        modes.max() >= Some(ReplyMode::Approve)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the templates that rules ask for.
    fn all_of(config: &Config, rules: &[RuleInfo]) -> Vec<String> {
        Report::of(|report| {
            report.extend(rules.iter().filter_map(|rule| config.unknown_template(rule)));
            config.validate(rules, report);
        })
    }
    use crate::model::{Lane, RuleStatus};

    fn rule(id: &str, reply: &str) -> RuleInfo {
        RuleInfo {
            id: id.into(),
            brand: "acme".into(),
            team: "support".into(),
            floor: Lane::Normal,
            status: RuleStatus::Live,
            reply: Some(reply.into()),
        }
    }

    #[test]
    fn the_documented_example_reads_and_is_right() {
        let config: Config = toml::from_str(
            r#"
            mode = "shadow"
            own = ["did:plc:abc", "acme.example"]
            [rules.acme-outage]
            mode = "auto"
            [templates.status-page]
            text = "We know and are on it: https://status.acme.example"
            texts = { de = "Wir sind dran: https://status.acme.example" }
            "#,
        )
        .unwrap();
        assert_eq!(all_of(&config, &[rule("acme-outage", "status-page")]), Vec::<String>::new());
    }

    #[test]
    fn unknown_names_and_impossible_budgets_are_all_reported() {
        let config: Config = toml::from_str(
            r#"
            mode = "auto"
            rules = { gone = { mode = "off" } }
            per_rule = { count = 2, burst = 3 }
            per_account = { burst = 0 }
            "#,
        )
        .unwrap();
        let errors = all_of(&config, &[rule("r", "missing")]).join("\n");
        for part in [
            "[reply.templates.missing]",
            "reply.rules.gone",
            "reply.per_rule",
            "reply.per_account",
            "reply.own",
        ] {
            assert!(errors.contains(part), "{part} in {errors}");
        }
    }
}
