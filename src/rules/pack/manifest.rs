//! What a set of rules says, rule by rule, short enough to keep: for telling one load from the next.
//!
//! Pure. Comments, order and the names of files do not count; whatever changes a match, its way or its tests does.

use std::fmt;
use std::sync::Arc;

use crate::model::{RuleInfo, RuleStatus, stable_hash};

use super::list::lines;
use super::loaded::{LoadedRule, Packs, RuleTest};
use crate::rules::diagnostic::SourceFile;

/// A short hash of what a set says: the same for the same rules, on any machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Version(u64);

impl fmt::Display for Version {
    /// 12 hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}", self.0 >> 16)
    }
}

/// Rules by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ByStatus {
    pub live: u64,
    pub shadow: u64,
    pub off: u64,
}

impl ByStatus {
    /// The counts with their names.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, u64); 3] {
        [("live", self.live), ("shadow", self.shadow), ("off", self.off)]
    }
}

/// All rules of a load, those that are off included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// In order of id.
    rules: Vec<Entry>,
    version: Version,
}

/// What one rule says. Texts are hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    info: RuleInfo,
    query: u64,
    fold: u64,
    lists: u64,
    tests: u64,
    expect_per_day: Option<(u32, u32)>,
}

/// A rule that says how much it expects to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The rule.
    pub rule: Arc<str>,
    /// Fewest and most matches a day.
    pub per_day: (u32, u32),
    /// Changes with what the rule looks for, and with nothing else.
    pub looks_for: u64,
}

impl Manifest {
    /// What `packs`, read from `files`, say.
    #[must_use]
    pub fn of(packs: &Packs, files: &[SourceFile]) -> Self {
        let lists: Vec<u64> = packs.lists.iter().map(|list| list_key(&files[list.file].text)).collect();
        let mut rules: Vec<Entry> = packs.rules.iter().map(|rule| Entry::of(rule, packs, &lists)).collect();
        rules.sort_unstable_by(|a, b| a.info.id.cmp(&b.info.id));
        let mut said = Vec::new();
        rules.iter().for_each(|rule| rule.say(&mut said));
        Self { rules, version: Version(stable_hash(&said)) }
    }

    /// The hash of everything that is said.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// How many rules are live, in shadow, off.
    #[must_use]
    pub fn by_status(&self) -> ByStatus {
        let mut counts = ByStatus::default();
        for rule in &self.rules {
            match rule.info.status {
                RuleStatus::Live => counts.live += 1,
                RuleStatus::Shadow => counts.shadow += 1,
                RuleStatus::Off => counts.off += 1,
            }
        }
        counts
    }

    /// Rules that are compiled and say how much they expect.
    #[must_use]
    pub fn expectations(&self) -> Vec<Expectation> {
        let compiled = self.rules.iter().filter(|rule| rule.info.status != RuleStatus::Off);
        let expecting = compiled.filter_map(|rule| {
            let (id, looks_for) = (Arc::clone(&rule.info.id), rule.looks_for());
            Some(Expectation { rule: id, per_day: rule.expect_per_day?, looks_for })
        });
        expecting.collect()
    }

    /// All rules, live, in shadow or off.
    pub fn statuses(&self) -> impl Iterator<Item = (Arc<str>, RuleStatus)> {
        self.rules.iter().map(|rule| (Arc::clone(&rule.info.id), rule.info.status))
    }

    /// Rules in shadow, each with a key as [`Expectation::looks_for`].
    pub fn shadow(&self) -> impl Iterator<Item = (Arc<str>, u64)> {
        let shadow = self.rules.iter().filter(|rule| rule.info.status == RuleStatus::Shadow);
        shadow.map(|rule| (Arc::clone(&rule.info.id), rule.looks_for()))
    }

    /// What is different in `next`.
    #[must_use]
    pub fn changes_to(&self, next: &Self) -> Changes {
        let mut changes = Changes::default();
        let (mut old, mut new) = (self.rules.iter().peekable(), next.rules.iter().peekable());
        loop {
            match (old.peek(), new.peek()) {
                (Some(before), Some(after)) if before.info.id == after.info.id => {
                    let what = before.differences(after);
                    if !what.is_empty() {
                        changes.changed.push((Arc::clone(&after.info.id), what));
                    }
                    old.next();
                    new.next();
                }
                (Some(before), after) if after.is_none_or(|after| before.info.id < after.info.id) => {
                    changes.removed.extend(old.next().map(|rule| Arc::clone(&rule.info.id)));
                }
                (_, Some(_)) => changes.added.extend(new.next().map(|rule| Arc::clone(&rule.info.id))),
                (_, None) => return changes,
            }
        }
    }
}

impl Entry {
    fn of(rule: &LoadedRule, packs: &Packs, lists: &[u64]) -> Self {
        let declared = &packs.packs[rule.pack].lists;
        let mut used = Vec::new();
        rule.query.each_list(&mut |name| used.extend(declared.iter().find(|list| list.name == name)));
        let mut tests = Vec::new();
        rule.tests.iter().for_each(|test| say_test(test, &mut tests));
        Self {
            info: rule.info.clone(),
            query: stable_hash(rule.source.as_bytes()),
            fold: stable_hash(format!("{:?}", rule.fold).as_bytes()),
            lists: keys(&used.iter().map(|list| lists[list.list]).collect::<Vec<_>>()),
            tests: stable_hash(&tests),
            expect_per_day: rule.expect_per_day,
        }
    }

    fn looks_for(&self) -> u64 {
        keys(&[self.query, self.fold, self.lists])
    }

    fn say(&self, out: &mut Vec<u8>) {
        let RuleInfo { id, brand, team, floor, status, reply } = &self.info;
        let reply = reply.as_deref().unwrap_or_default();
        for text in [id, brand, team, floor.as_str(), status.as_str(), reply] {
            say_text(text, out);
        }
        say_text(&format!("{:?}", self.expect_per_day), out);
        for key in [self.query, self.fold, self.lists, self.tests] {
            out.extend_from_slice(&key.to_le_bytes());
        }
    }

    /// What is different in `next`, for people: texts by name, values from and to.
    fn differences(&self, next: &Self) -> Vec<String> {
        let texts = [
            ("query", self.query == next.query),
            ("lists", self.lists == next.lists),
            ("fold", self.fold == next.fold),
            ("tests", self.tests == next.tests),
            ("expect_per_day", self.expect_per_day == next.expect_per_day),
        ];
        let (old, new) = (&self.info, &next.info);
        let reply = |info: &RuleInfo| info.reply.as_deref().unwrap_or("none").to_owned();
        let values = [
            ("status", old.status.as_str().to_owned(), new.status.as_str().to_owned()),
            ("team", old.team.to_string(), new.team.to_string()),
            ("priority", old.floor.as_str().to_owned(), new.floor.as_str().to_owned()),
            ("reply", reply(old), reply(new)),
            ("brand", old.brand.to_string(), new.brand.to_string()),
        ];
        let texts = texts.into_iter().filter(|(_, same)| !same).map(|(name, _)| name.to_owned());
        let values = values.into_iter().filter(|(_, from, to)| from != to);
        texts.chain(values.map(|(name, from, to)| format!("{name} {from} -> {to}"))).collect()
    }
}

/// What one load changes against the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Rules that were not there.
    pub added: Vec<Arc<str>>,
    /// Rules that are gone.
    pub removed: Vec<Arc<str>>,
    /// Rules that say something else, and what.
    pub changed: Vec<(Arc<str>, Vec<String>)>,
}

impl Changes {
    /// The rules that were added, in few words: at most `named_max` by name.
    #[must_use]
    pub fn added_in_words(&self, named_max: usize) -> String {
        in_words(self.added.iter().map(ToString::to_string), self.added.len(), named_max)
    }

    /// The rules that are gone, in few words.
    #[must_use]
    pub fn removed_in_words(&self, named_max: usize) -> String {
        in_words(self.removed.iter().map(ToString::to_string), self.removed.len(), named_max)
    }

    /// The rules that say something else, in few words.
    #[must_use]
    pub fn changed_in_words(&self, named_max: usize) -> String {
        let changed = self.changed.iter().map(|(rule, what)| format!("{rule} ({})", what.join(", ")));
        in_words(changed, self.changed.len(), named_max)
    }
}

fn in_words(names: impl Iterator<Item = String>, count: usize, named_max: usize) -> String {
    let mut words = names.take(named_max).collect::<Vec<_>>().join(", ");
    if count > named_max {
        words += &format!(" and {} more", count - named_max);
    }
    words
}

fn list_key(text: &str) -> u64 {
    let mut terms = Vec::with_capacity(text.len());
    lines(text).for_each(|(term, _)| say_text(term, &mut terms));
    stable_hash(&terms)
}

fn say_test(test: &RuleTest, out: &mut Vec<u8>) {
    let RuleTest { text, expect, lang, from, kind, media, to, followers, source, span: _ } = test;
    say_text(text, out);
    say_text(&format!("{expect} {lang:?} {from:?} {kind:?} {media} {to:?} {followers:?} {source}"), out);
}

/// No two lists of texts are said alike.
fn say_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn keys(keys: &[u64]) -> u64 {
    stable_hash(&keys.iter().flat_map(|key| key.to_le_bytes()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::pack::load;

    const PACK: &str = "[pack]\nbrand = \"acme\"\nowner = \"o\"\n[lists]\nproducts = \"products.txt\"\n";

    fn manifest(rules: &str, products: &str) -> Manifest {
        let pack = SourceFile { path: "a.toml".into(), text: format!("{PACK}{rules}") };
        let files = [pack, SourceFile { path: "products.txt".into(), text: products.to_owned() }];
        let (packs, errors) = load(&files);
        assert_eq!(errors, []);
        Manifest::of(&packs, &files)
    }

    fn rule(id: &str, fields: &str) -> String {
        let rest = if fields.contains("query") { "" } else { "query = 'acme'\n" };
        let team = if fields.contains("team") { "" } else { "team = \"support\"\n" };
        format!("[[rule]]\nid = \"{id}\"\n{rest}{team}{fields}\n")
    }

    #[test]
    fn order_and_comments_do_not_count() {
        let (a, b) = (rule("a", ""), rule("b", "expect_per_day = [1, 9]"));
        let one = manifest(&format!("{a}{b}"), "box\n");
        let other = manifest(&format!("{b}# why\n{a}"), "# things\nbox");
        assert_eq!(one.changes_to(&other), Changes::default());
        assert_eq!((one.version(), &one), (other.version(), &other));
        assert_eq!(one.version().to_string().len(), 12);
    }

    #[test]
    fn what_was_added_removed_and_changed_is_named() {
        let before = format!("{}{}{}", rule("a", ""), rule("b", "query = 'list:products'"), rule("c", ""));
        let after = format!(
            "{}{}{}",
            rule("a", "status = \"shadow\"\nteam = \"pr\"\nquery = 'acme box'\npriority = \"high\""),
            rule("b", "query = 'list:products'"),
            rule("d", ""),
        );
        let changes = manifest(&before, "box").changes_to(&manifest(&after, "box\ncup"));
        assert_eq!(changes.added_in_words(9), "d");
        assert_eq!(changes.removed_in_words(9), "c");
        assert_eq!(
            changes.changed_in_words(9),
            "a (query, status live -> shadow, team support -> pr, priority low -> high), b (lists)"
        );
        assert_eq!(changes.changed_in_words(0), " and 2 more");
    }

    #[test]
    fn a_list_counts_however_the_query_names_it() {
        for query in ["LIST:products", "List:\"products\"", "acme -(box NEAR/3 list:products)"] {
            let rules = rule("a", &format!("query = 'acme {query}'"));
            let changes = manifest(&rules, "box").changes_to(&manifest(&rules, "box\ncup"));
            assert_eq!(changes.changed_in_words(9), "a (lists)", "{query}");
        }
    }

    #[test]
    fn every_field_that_matters_changes_the_version() {
        let plain = manifest(&rule("a", ""), "box").version();
        for fields in [
            "query = 'acm'",
            "team = \"pr\"",
            "priority = \"high\"",
            "status = \"off\"",
            "fold = \"exact\"",
            "reply = \"t\"",
            "expect_per_day = [1, 2]",
            "tests = [{ text = 'acme', match = true }]",
        ] {
            assert_ne!(manifest(&rule("a", fields), "box").version(), plain, "{fields}");
        }
    }

    #[test]
    fn an_expectation_is_of_what_the_rule_looks_for() {
        let of = |fields: &str| manifest(&rule("a", fields), "box").expectations();
        let one = of("expect_per_day = [1, 2]");
        assert_eq!(of("expect_per_day = [1, 2]\nteam = \"pr\""), one);
        assert_ne!(of("expect_per_day = [1, 2]\nquery = 'acm'")[0].looks_for, one[0].looks_for);
        assert_eq!(of("expect_per_day = [1, 2]\nstatus = \"off\""), []);
    }
}
