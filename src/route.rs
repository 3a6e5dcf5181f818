//! Who gets the work: which teams, and until when they must have answered.
//!
//! Layer 1, pure. Every live match is sent to one team: by the first route that fits, otherwise to the rule's own.
//! A mention makes one item for each team, in the order in which its matches name them. Business hours come later.

use crate::model::Report;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, IntoDeserializer, SeqAccess, Visitor};

use crate::model::{Intent, Lane, RuleInfo, Timestamp, setting};

/// Teams and routes.
///
/// ```toml
/// [teams.support]
/// respond_within = "4h"     # for normal and low; high has half of it, critical a quarter
/// escalate_to = "leads"
///
/// [[route]]                 # the first that fits wins; what is left out fits everything
/// brand = "acme"            # brand, rule, intent, lane, lang: one value or a list
/// intent = ["lead", "question"]
/// team = "sales"
/// ```
///
/// Without any `[teams.…]`, every team that a rule or route names exists, with the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Teams by name.
    pub teams: BTreeMap<Arc<str>, Team>,
    /// Routes in order.
    pub route: Vec<Route>,
}

/// A team's promises.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Team {
    /// How soon an item of lane normal or low must be answered.
    #[serde(with = "setting::duration")]
    pub respond_within: Duration,
    /// The team that gets what is overdue.
    pub escalate_to: Option<Arc<str>>,
}

impl Default for Team {
    fn default() -> Self {
        Self { respond_within: Duration::from_secs(4 * 3600), escalate_to: None }
    }
}

/// One route: what it fits, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Brands; empty fits all. The same for the others.
    #[serde(default, deserialize_with = "one_or_many")]
    pub brand: Vec<Arc<str>>,
    /// Rule ids.
    #[serde(default, deserialize_with = "one_or_many")]
    pub rule: Vec<Arc<str>>,
    /// Intents.
    #[serde(default, deserialize_with = "one_or_many")]
    pub intent: Vec<Intent>,
    /// Lanes, of the priority that the post has under the rule.
    #[serde(default, deserialize_with = "one_or_many")]
    pub lane: Vec<Lane>,
    /// Languages as on the item: ISO 639-1, or `und`.
    #[serde(default, deserialize_with = "one_or_many")]
    pub lang: Vec<Arc<str>>,
    /// Whose queue gets it.
    pub team: Arc<str>,
}

/// What a route looks at besides the rule.
#[derive(Clone, Copy, Debug)]
pub struct Traits<'a> {
    /// What the author wants.
    pub intent: Intent,
    /// The lane under this rule.
    pub lane: Lane,
    /// The language.
    pub lang: &'a str,
}

impl Config {
    /// The team that gets what `rule` matched.
    #[must_use]
    pub fn team<'a>(&'a self, rule: &'a RuleInfo, traits: Traits<'_>) -> &'a Arc<str> {
        self.route.iter().find(|route| route.fits(rule, traits)).map_or(&rule.team, |route| &route.team)
    }

    /// When `team` must have answered an item made at `created_at`: a quarter of its time when critical,
    /// half when high, all of it otherwise.
    #[must_use]
    pub fn due_at(&self, team: &str, lane: Lane, created_at: Timestamp) -> Timestamp {
        let within =
            self.teams.get(team).map_or_else(|| Team::default().respond_within, |t| t.respond_within);
        let share = match lane {
            Lane::Critical => 4,
            Lane::High => 2,
            Lane::Normal | Lane::Low => 1,
        };
        created_at + within / share
    }

    /// Every mistake in teams and routes themselves, as a sentence with its place and remedy.
    pub fn validate(&self, rules: &[RuleInfo], report: &mut Report) {
        for (index, route) in self.route.iter().enumerate() {
            let place = format!("route {} (counting from 1)", index + 1);
            report.extend(missing_team(&self.teams, &route.team, &place));
            for id in route.rule.iter().filter(|id| !rules.iter().any(|rule| rule.id == **id)) {
                report.add(format_args!(
                    "{place} selects on rule {id:?}, which no pack has; check its spelling"
                ));
            }
        }
        for (name, team) in &self.teams {
            let Some(next) = &team.escalate_to else { continue };
            report.extend(missing_team(&self.teams, next, &format!("teams.{name}.escalate_to")));
            let itself =
                format_args!("teams.{name}.escalate_to names the team itself; name another or remove it");
            report.add_if(next == name, itself);
        }
    }
}

/// What is wrong with the team of `rule`, given those that are configured.
#[must_use]
pub fn unknown_team(teams: &BTreeMap<Arc<str>, Team>, rule: &RuleInfo) -> Option<String> {
    missing_team(teams, &rule.team, &format!("rule {:?}", &*rule.id))
}

fn missing_team(teams: &BTreeMap<Arc<str>, Team>, team: &str, place: &str) -> Option<String> {
    let is_missing = !teams.is_empty() && !teams.contains_key(team);
    is_missing.then(|| format!("{place} names team {team:?}, which is not configured; add [teams.{team}]"))
}

impl Route {
    fn fits(&self, rule: &RuleInfo, traits: Traits<'_>) -> bool {
        any_or(&self.brand, |brand| *brand == rule.brand)
            && any_or(&self.rule, |id| *id == rule.id)
            && any_or(&self.intent, |intent| *intent == traits.intent)
            && any_or(&self.lane, |lane| *lane == traits.lane)
            && any_or(&self.lang, |lang| **lang == *traits.lang)
    }
}

fn any_or<T>(wanted: &[T], fits: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(fits)
}

/// Reads `"x"` or `["x", "y"]`, with the errors of `T`.
fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct OneOrMany<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            T::deserialize(text.into_deserializer()).map(|one| vec![one])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut many = Vec::new();
            while let Some(one) = seq.next_element()? {
                many.push(one);
            }
            Ok(many)
        }
    }

    deserializer.deserialize_any(OneOrMany(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the teams that rules name.
    fn all_of(config: &Config, rules: &[RuleInfo]) -> Vec<String> {
        Report::of(|report| {
            report.extend(rules.iter().filter_map(|rule| unknown_team(&config.teams, rule)));
            config.validate(rules, report);
        })
    }
    use crate::model::RuleStatus;

    fn rule(id: &str, team: &str) -> RuleInfo {
        RuleInfo {
            id: id.into(),
            brand: "acme".into(),
            team: team.into(),
            floor: Lane::Normal,
            status: RuleStatus::Live,
            reply: None,
        }
    }

    fn traits(intent: Intent, lane: Lane) -> Traits<'static> {
        Traits { intent, lane, lang: "en" }
    }

    fn config(toml: &str) -> Config {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn the_first_route_that_fits_wins_and_otherwise_the_rules_own_team() {
        let config = config(
            r#"
            route = [
              { intent = ["lead", "question"], lang = "en", team = "sales" },
              { lane = "critical", brand = "acme", team = "pr" },
              { rule = "r", lane = "critical", team = "never" },
            ]"#,
        );
        let rule = rule("r", "support");
        let team = |intent, lane| config.team(&rule, traits(intent, lane)).to_string();
        assert_eq!(team(Intent::Lead, Lane::Critical), "sales");
        assert_eq!(team(Intent::Complaint, Lane::Critical), "pr");
        assert_eq!(team(Intent::Complaint, Lane::High), "support");
    }

    #[test]
    fn the_more_urgent_lane_has_less_time() {
        let config = config("[teams.support]\nrespond_within = \"2h\"");
        let due = |lane| config.due_at("support", lane, Timestamp::ZERO).as_seconds() / 60;
        assert_eq!(Lane::ALL.map(due), [120, 120, 60, 30]);
        assert_eq!(config.due_at("other", Lane::Normal, Timestamp::ZERO).as_seconds(), 4 * 3600);
    }

    #[test]
    fn unknown_teams_and_rules_are_named_with_their_place() {
        let config = config(
            r#"
            route = [{ rule = "gone", team = "sails" }]
            [teams.sales]
            escalate_to = "sales"
            [teams.support]
            escalate_to = "leeds""#,
        );
        let errors = all_of(&config, &[rule("r", "suport")]).join("\n");
        for part in
            ["\"suport\"", "rule \"r\"", "\"sails\"", "\"gone\"", "itself", "\"leeds\"", "[teams.leeds]"]
        {
            assert!(errors.contains(part), "{part} in {errors}");
        }
    }

    #[test]
    fn without_teams_every_team_exists() {
        assert_eq!(all_of(&Config::default(), &[rule("r", "support")]), Vec::<String>::new());
    }

    #[test]
    fn an_unknown_intent_is_an_error() {
        assert!(toml::from_str::<Config>("route = [{ intent = \"leed\", team = \"x\" }]").is_err());
    }
}
