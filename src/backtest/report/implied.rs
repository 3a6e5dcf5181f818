//! Rules whose posts are certain to be another's too, as their queries tell.
//!
//! Looked for within a brand and a team: another team's rule has a purpose of its own. Bounded, in steps of proof for
//! one pair and in all, and in pairs of rules without a match; what is given up is counted.

use hashbrown::HashMap;

use super::super::overlap::Pair;
use crate::model::RuleIndex;
use crate::rules::implication::{STEPS_MAX as PAIR_STEPS_MAX, implies_of};
use crate::rules::pack::LoadedRule;

/// Most steps of proof for all pairs, each of which has [`PAIR_STEPS_MAX`]: some seconds.
const STEPS_MAX: u32 = 20_000_000;
/// Most pairs looked at, beyond pairs that match the same posts.
const SILENT_PAIRS_MAX: usize = 100_000;

/// What was found, and what may be missing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Implications {
    /// The narrower rule and the wider one, in the order of the packs.
    pub(super) found: Vec<(RuleIndex, RuleIndex)>,
    /// Pairs given up before it was clear.
    pub(super) given_up: u64,
}

/// A rule whose query implies another's has all its posts in common with it, so only such pairs need a look, and come
/// first; a rule without a post is compared with all of its team, as far as the limits reach.
pub(super) fn implied(
    rules: &[LoadedRule],
    pairs: &[Pair],
    posts: impl Fn(RuleIndex) -> u64,
) -> Implications {
    let teams = Teams::of(rules);
    let within = pairs.iter().flat_map(|pair| [(pair.a, pair.b, pair.both), (pair.b, pair.a, pair.both)]);
    let within = within.filter(|(rule, by, both)| {
        *both == posts(*rule) && teams.of[*rule as usize] == teams.of[*by as usize]
    });
    let silent: Vec<RuleIndex> = (0..rules.len() as RuleIndex).filter(|rule| posts(*rule) == 0).collect();
    let mut proofs = Proofs::new(rules, STEPS_MAX);
    within.for_each(|(rule, by, _)| proofs.look(rule, by));
    teams.pairs(&silent).take(SILENT_PAIRS_MAX).for_each(|(rule, by)| proofs.look(rule, by));
    proofs.result.given_up += teams.count_pairs(&silent).saturating_sub(SILENT_PAIRS_MAX as u64);
    proofs.result.found.sort_unstable();
    proofs.result
}

/// Rules by brand and team.
struct Teams {
    /// The team of each rule.
    of: Vec<usize>,
    members: Vec<Vec<RuleIndex>>,
}

impl Teams {
    fn of(rules: &[LoadedRule]) -> Self {
        let mut numbers: HashMap<(&str, &str), usize> = HashMap::new();
        let mut teams = Self { of: Vec::new(), members: Vec::new() };
        for (rule, LoadedRule { info, .. }) in rules.iter().enumerate() {
            let next = numbers.len();
            let team = *numbers.entry((&info.brand, &info.team)).or_insert(next);
            teams.members.resize_with(numbers.len(), Vec::new);
            teams.members[team].push(rule as RuleIndex);
            teams.of.push(team);
        }
        teams
    }

    fn team(&self, rule: RuleIndex) -> &[RuleIndex] {
        &self.members[self.of[rule as usize]]
    }

    /// Each of `rules` with each other rule of its team.
    fn pairs(&self, rules: &[RuleIndex]) -> impl Iterator<Item = (RuleIndex, RuleIndex)> {
        let others = |rule: RuleIndex| self.team(rule).iter().filter(move |by| **by != rule);
        rules.iter().flat_map(move |rule| others(*rule).map(|by| (*rule, *by)))
    }

    /// As many as [`Teams::pairs`] has, without making them.
    fn count_pairs(&self, rules: &[RuleIndex]) -> u64 {
        rules.iter().map(|rule| self.team(*rule).len() as u64 - 1).sum()
    }
}

/// Proofs under way.
struct Proofs<'r> {
    rules: &'r [LoadedRule],
    steps_left: u32,
    result: Implications,
}

impl<'r> Proofs<'r> {
    fn new(rules: &'r [LoadedRule], steps_left: u32) -> Self {
        Self { rules, steps_left, result: Implications { found: Vec::new(), given_up: 0 } }
    }

    fn look(&mut self, rule: RuleIndex, by: RuleIndex) {
        let query = |rule: RuleIndex| &self.rules[rule as usize].query;
        match implies_of(query(rule), query(by), PAIR_STEPS_MAX, &mut self.steps_left) {
            Some(true) => self.result.found.push((rule, by)),
            Some(false) => {}
            None => self.result.given_up += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::diagnostic::SourceFile;
    use crate::rules::pack::load;

    fn rules(queries: impl Iterator<Item = (String, &'static str)>) -> Vec<LoadedRule> {
        let rule = |(at, (query, team)): (usize, (String, &str))| {
            format!("[[rule]]\nid = \"r-{at}\"\nteam = \"{team}\"\nquery = '''{query}'''\n")
        };
        let pack = "[pack]\nbrand = \"a\"\nowner = \"o\"\n".to_owned();
        let text = pack + &queries.enumerate().map(rule).collect::<String>();
        let (packs, findings) = load(&[SourceFile { path: "a.toml".into(), text }]);
        assert_eq!(findings, []);
        packs.rules
    }

    /// Two ORs of so many terms, in another order for each `rule`.
    fn large(rule: usize, terms: usize) -> String {
        let side = |name: &str| {
            let terms: Vec<String> =
                (0..terms).map(|at| format!("{name}{}x", (at * 7 + rule) % terms)).collect();
            format!("({})", terms.join(" OR "))
        };
        side("one") + " " + &side("two")
    }

    #[test]
    fn a_rule_is_compared_with_those_of_its_team_alone() {
        let queries = [("acme down", "care"), ("acme", "care"), ("acme", "press"), ("globex", "care")];
        let rules = rules(queries.into_iter().map(|(query, team)| (query.to_owned(), team)));
        let found = Implications { found: vec![(0, 1)], given_up: 0 };
        assert_eq!(implied(&rules, &[], |_| 0), found);
        let pair = |a, b| Pair { a, b, both: 1, jaccard: 1.0 };
        assert_eq!(implied(&rules, &[pair(0, 1), pair(0, 2), pair(1, 2)], |_| 1), found);
    }

    #[test]
    fn a_pair_that_takes_too_many_steps_is_given_up_and_counted() {
        let head = "[pack]\nbrand = \"a\"\nowner = \"o\"\n[lists]\nl0 = \"l0.txt\"\nl1 = \"l1.txt\"\n";
        let rule = |at| format!("[[rule]]\nid = \"r-{at}\"\nteam = \"t\"\nquery = 'list:l{at}'\n");
        let list = |at: usize| (0..1_000).map(|term| format!("acme{}\n", (term * 7 + at) % 1_000)).collect();
        let file = |path: &str, text| SourceFile { path: path.into(), text };
        let pack = file("a.toml", format!("{head}{}{}", rule(0), rule(1)));
        let (packs, findings) = load(&[pack, file("l0.txt", list(0)), file("l1.txt", list(1))]);
        assert_eq!(findings, []);
        assert_eq!(implied(&packs.rules, &[], |_| 0), Implications { found: Vec::new(), given_up: 2 });
    }

    #[test]
    fn when_all_steps_are_used_up_the_rest_is_given_up_at_once_and_counted() {
        let rules = rules((0..20).map(|rule| (large(rule, 20), "care")));
        let mut proofs = Proofs::new(&rules, 3_000);
        let teams = Teams::of(&rules);
        let all: Vec<RuleIndex> = (0..20).collect();
        teams.pairs(&all).for_each(|(rule, by)| proofs.look(rule, by));
        let Implications { found, given_up } = proofs.result;
        assert!(!found.is_empty() && proofs.steps_left == 0, "{}", found.len());
        assert_eq!(found.len() as u64 + given_up, teams.count_pairs(&all));
    }

    #[test]
    fn silent_rules_beyond_the_limit_are_counted_and_not_looked_at() {
        let rules = rules((0..400).map(|at| (format!("acme{at}"), "care")));
        let pairs = 400 * 399;
        let expected = Implications { found: Vec::new(), given_up: pairs - SILENT_PAIRS_MAX as u64 };
        assert_eq!(implied(&rules, &[], |_| 0), expected);
    }
}
