//! `[rules]` of the configuration, and what rules need of the rest of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::model::setting::duration;
use crate::model::{Report, RuleInfo};
use crate::rules::lint::Levels;

/// `[rules]`: where they are, and when they are read again.
///
/// ```toml
/// [rules]
/// path = "rules"
/// watch = true        # read again when a file changes; SIGHUP does it in any case
/// settle = "300ms"    # once the files have been left alone for this long
/// poll = "5s"         # looked at this often too, for file systems that tell of no changes
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder of packs and keyword lists.
    pub path: PathBuf,
    /// Read them again when a file changes.
    pub watch: bool,
    /// How long the files must have been left alone.
    #[serde(with = "duration")]
    pub settle: Duration,
    /// How often the folder is looked at, besides what the system tells.
    #[serde(with = "duration")]
    pub poll: Duration,
    /// Lints whose findings are errors, to `check` as to the daemon; `warnings` stands for all warnings.
    pub deny: Vec<String>,
    /// Lints whose findings `check` does not report.
    pub allow: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: PathBuf::from("rules"),
            watch: true,
            settle: Duration::from_millis(300),
            poll: Duration::from_secs(5),
            deny: Vec::new(),
            allow: Vec::new(),
        }
    }
}

impl Config {
    /// What `deny` and `allow` say.
    ///
    /// # Errors
    /// A sentence for each name that no lint has.
    pub fn levels(&self) -> Result<Levels, Vec<String>> {
        let in_rules = |mistakes: Vec<String>| mistakes.into_iter().map(|one| format!("[rules]: {one}"));
        Levels::read(&self.deny, &self.allow).map_err(|mistakes| in_rules(mistakes).collect())
    }

    /// Every setting that cannot be meant.
    pub fn validate(&self, report: &mut Report) {
        report.extend(self.levels().err().unwrap_or_default());
        let second = Duration::from_secs(1);
        for (name, value, most) in [("settle", self.settle, second * 60), ("poll", self.poll, second * 3_600)]
        {
            let wrong = format_args!("rules.{name} is {value:?}; use more than 0 and at most {most:?}");
            report.add_if(value.is_zero() || value > most, wrong);
        }
    }
}

/// What rules are checked against besides themselves: the configuration around them.
pub trait Context: Send + Sync {
    /// `[rules]`.
    fn rules(&self) -> &Config;

    /// What is wrong between the configuration and these rules.
    fn mistakes(&self, rules: &[RuleInfo]) -> Vec<String>;

    /// Teams that the configuration names; rules may name more.
    fn teams(&self) -> Vec<Arc<str>>;
}
