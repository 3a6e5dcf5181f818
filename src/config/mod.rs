//! The configuration file: the parts' own settings put together, checked as a whole, all mistakes at once.
//!
//! Layer 4. Each part owns its settings and their defaults; this file only names the sections. Everything has a
//! default: a folder `rules/` is enough to run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::model::setting::{duration, size};
use crate::model::{Report, RuleInfo};
use crate::rules::operators::nearest;
use crate::sources::handover;
use crate::triage;
use crate::{api, dedupe, dispatch, reply, route, ruleset, score, sinks, sources, store};

/// Where the configuration is looked for when none is named.
pub const DEFAULT_PATH: &str = "birddog.toml";

/// The whole file. `deploy/birddog.toml` shows every section with its defaults.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where events come from; without any, Bluesky's public Jetstream.
    pub source: Vec<sources::Config>,
    /// Where the rules are.
    pub rules: ruleset::Config,
    /// Teams by name.
    pub teams: BTreeMap<Arc<str>, route::Team>,
    /// Routes in order.
    pub route: Vec<route::Route>,
    /// The reply gate.
    pub reply: reply::Config,
    /// Weights and lanes.
    pub priority: score::priority::Config,
    /// Who engages with whom.
    pub influence: score::influence::Config,
    /// What is remembered of posts.
    pub dedupe: dedupe::Config,
    /// The durable store.
    pub store: store::Config,
    /// Where work items go besides the store's own queue.
    pub sink: Vec<sinks::Config>,
    /// How sinks are fed.
    pub dispatch: dispatch::Config,
    /// The HTTP API.
    pub api: api::Config,
    /// Bounds.
    pub limits: Limits,
}

/// `[limits]`: what may be in flight, and how long things may take.
///
/// ```toml
/// [limits]
/// workers = 0                   # threads; 0 is one per core
/// frame_bytes_max = "2MiB"
/// outcomes_max = 16             # batches between workers and the engine
/// group_items_max = 2000        # items per commit
/// drain_timeout = "30s"         # at shutdown
/// authors_max = 200000          # authors whose history is in memory
/// [limits.handover]
/// bytes_in_flight_max = "16MiB"
/// batches_in_flight_max = 1024
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Worker threads; 0 is one per core.
    pub workers: usize,
    /// Larger frames are refused and counted.
    #[serde(with = "size")]
    pub frame_bytes_max: usize,
    /// Between sources and workers.
    pub handover: handover::Limits,
    /// Batches between the workers and the engine; when full, workers wait.
    pub outcomes_max: usize,
    /// Items after which a group is committed without waiting for more.
    pub group_items_max: usize,
    /// How long work in flight may take at shutdown.
    #[serde(with = "duration")]
    pub drain_timeout: Duration,
    /// Authors whose history is kept in memory; beyond it the oldest are forgotten.
    pub authors_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: 0,
            frame_bytes_max: 2 << 20,
            handover: handover::Limits::default(),
            outcomes_max: 16,
            group_items_max: 2_000,
            drain_timeout: Duration::from_secs(30),
            authors_max: 200_000,
        }
    }
}

impl Limits {
    /// Threads to start.
    #[must_use]
    pub fn worker_threads(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            workers => workers,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or a section has a field or value that is not known.
    #[error("{}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column, the line itself with a caret, and the reason.
        message: String,
    },
    /// The sections read well and do not fit together.
    #[error("{}", list(.0))]
    Invalid(Vec<String>),
}

fn list(mistakes: &[String]) -> String {
    mistakes.join("\n")
}

impl Config {
    /// Reads `path`; without one, [`DEFAULT_PATH`] if it is there, else the defaults. Then fills in the default
    /// source.
    ///
    /// # Errors
    /// When the file cannot be read or parsed.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let default = Path::new(DEFAULT_PATH);
        match path {
            Some(path) => Self::read(path),
            None if default.exists() => Self::read(default),
            None => Ok(Self::default().with_default_source()),
        }
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|message| ConfigError::Parse { path: path.to_owned(), message })
    }

    /// Reads a configuration from its text.
    ///
    /// # Errors
    /// The parser's message, with line, column and caret.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str::<Self>(text)
            .map(Self::with_default_source)
            .map_err(|error| suggested(&error.to_string()))
    }

    fn with_default_source(mut self) -> Self {
        if self.source.is_empty() {
            self.source.push(sources::Config::Jetstream(sources::jetstream::Config::default()));
        }
        self
    }

    /// Teams and routes as one.
    #[must_use]
    pub fn routing(&self) -> route::Config {
        route::Config { teams: self.teams.clone(), route: self.route.clone() }
    }

    /// What triage is made of.
    #[must_use]
    pub fn triage(&self) -> triage::Config {
        triage::Config {
            dedupe: self.dedupe.clone(),
            route: self.routing(),
            priority: self.priority.clone(),
            reply: self.reply.clone(),
            authors_max: self.limits.authors_max,
            influence: self.influence.clone(),
            influence_seed: 0,
            keys: crate::model::Keyring::FIXED,
        }
    }

    /// Every mistake, also those that only show when the parts and the rules are seen together.
    #[must_use]
    pub fn validate(&self, rules: &[RuleInfo]) -> Vec<String> {
        Report::of(|report| {
            report.extend(rules.iter().filter_map(|rule| self.unknown_team(rule)));
            report.extend(rules.iter().filter_map(|rule| self.unknown_template(rule)));
            self.validate_parts(rules, report);
        })
    }

    /// What is wrong with the team that `rule` names.
    #[must_use]
    pub fn unknown_team(&self, rule: &RuleInfo) -> Option<String> {
        route::unknown_team(&self.teams, rule)
    }

    /// What is wrong with the reply template that `rule` names.
    #[must_use]
    pub fn unknown_template(&self, rule: &RuleInfo) -> Option<String> {
        self.reply.unknown_template(rule)
    }

    /// As [`Config::validate`], without the names that rules give.
    pub fn validate_parts(&self, rules: &[RuleInfo], report: &mut Report) {
        self.routing().validate(rules, report);
        self.reply.validate(rules, report);
        self.priority.validate(report);
        self.influence.validate(report);
        self.api.validate(report);
        report.extend(self.repeated_names());
        self.source.iter().for_each(|source| source.validate(report));
        self.sink.iter().for_each(|sink| sink.validate(report));
        self.limits.validate(report);
        self.store.validate(report);
        self.rules.validate(report);
    }

    fn repeated_names(&self) -> Vec<String> {
        let sources = self.source.iter().map(|source| ("source", source.name()));
        let sinks = self.sink.iter().map(|sink| ("sink", sink.name()));
        let mut seen = std::collections::BTreeSet::new();
        let repeated = sources.chain(sinks).filter(|named| !seen.insert(*named));
        repeated
            .map(|(kind, name)| {
                format!("two {kind}s are named {name:?}; positions are saved by name, so give each its own")
            })
            .collect()
    }
}

impl ruleset::Context for Config {
    fn rules(&self) -> &ruleset::Config {
        &self.rules
    }

    fn mistakes(&self, rules: &[RuleInfo]) -> Vec<String> {
        self.validate(rules)
    }

    fn teams(&self) -> Vec<Arc<str>> {
        self.teams.keys().chain(self.route.iter().map(|route| &route.team)).map(Arc::clone).collect()
    }
}

impl Limits {
    fn validate(&self, report: &mut Report) {
        let workers = self.workers;
        report
            .add_if(workers > 256, format_args!("limits.workers is {workers}; use 0 (one per core) to 256"));
        for (name, value) in [("outcomes_max", self.outcomes_max), ("group_items_max", self.group_items_max)]
        {
            report.add_if(value == 0, format_args!("limits.{name} is 0; use at least 1"));
        }
    }
}

/// What the TOML reader says, with the setting that an unknown one is nearest to.
fn suggested(message: &str) -> String {
    let near = message.split_once("unknown field `").and_then(|(_, rest)| {
        let (name, expected) = rest.split_once('`')?;
        nearest(name, expected.lines().next()?.split('`').skip(1).step_by(2))
    });
    match near {
        Some(near) => format!("{}; did you mean `{near}`?", message.trim_end()),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_misspelt_is_answered_with_the_nearest() {
        let told = Config::parse("[rules]\nalow = [\"short-term\"]").unwrap_err();
        assert!(told.contains("alow") && told.ends_with("did you mean `allow`?"), "{told}");
    }

    #[test]
    fn a_store_that_would_keep_nothing_is_refused() {
        let told =
            |store: &str| Config::parse(&format!("[store]\n{store}")).unwrap().validate(&[]).join("\n");
        for (store, setting) in [
            ("retention = \"0s\"", "store.retention"),
            ("open_age_max = \"0s\"", "store.open_age_max"),
            ("open_items_max = 0", "store.open_items_max"),
            ("path = \":memory:\"", "store.path"),
            ("path = \"file:x?mode=memory\"", "store.path"),
        ] {
            assert!(told(store).starts_with(setting), "{store}: {}", told(store));
        }
        assert_eq!(told("retention = \"1s\""), "");
    }

    #[test]
    fn nothing_at_all_is_a_configuration() {
        let config = Config::parse("").unwrap();
        assert_eq!(config.source.len(), 1);
        assert_eq!(config.validate(&[]), Vec::<String>::new());
    }

    #[test]
    fn the_annotated_file_is_a_configuration_of_defaults() {
        let config = Config::parse(include_str!("../../deploy/birddog.toml")).unwrap();
        assert_eq!(config.validate(&[]), Vec::<String>::new());
        let defaults = Config::parse("").unwrap();
        assert_eq!(config.source, defaults.source);
        assert_eq!(config.store, defaults.store);
        assert_eq!(config.dedupe, defaults.dedupe);
        assert_eq!(config.priority, defaults.priority);
        assert_eq!(config.influence, defaults.influence);
        assert_eq!(config.api, defaults.api);
        assert_eq!(config.limits, defaults.limits);
        assert_eq!(config.rules, defaults.rules);
        assert_eq!(config.dispatch, defaults.dispatch);
        let reply = reply::Config { templates: config.reply.templates.clone(), ..defaults.reply };
        assert_eq!(config.reply, reply);
    }

    #[test]
    fn a_misspelt_key_is_shown_in_its_line() {
        let message = Config::parse("[store]\npaht = \"x\"\n").unwrap_err();
        assert!(message.contains("line 2") && message.contains("paht"), "{message}");
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let text = "[[source]]\ntype = \"file\"\nname = \"a\"\n[[source]]\ntype = \"file\"\nname = \"a\"\n\
                    [limits]\nworkers = 999\noutcomes_max = 0\n";
        assert_eq!(Config::parse(text).unwrap().validate(&[]).len(), 3);
    }
}
