//! What is allowed in a pack and probably not meant: warnings, each with an id, a place and a hint.
//!
//! Runs on what `pack` has loaded. Whether teams and reply templates exist is the configuration's to say: it has their
//! places in [`LoadedRule`].

use hashbrown::{HashMap, HashSet};

use crate::model::{RuleStatus, Span};

use super::ast::{Kind, Node, Term};
use super::diagnostic::{Diagnostic, SourceFile};
use super::pack::{LoadedRule, Packs, has_extension};
use super::term::{Form, Pattern};

/// Terms shorter than this match too much.
const TERM_CHARS_MIN: usize = 3;
/// Prefixes shorter than this match too much.
const PREFIX_CHARS_MIN: usize = 4;

/// All warnings, in order of file and place.
#[must_use]
pub fn lint(packs: &Packs, files: &[SourceFile]) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for rule in &packs.rules {
        let mut linter = Linter { rule, files, out: &mut out };
        linter.tests();
        linter.node(&rule.query, true);
    }
    same_queries(&packs.rules, &mut out);
    unused_lists(packs, files, &mut out);
    list_terms(packs, &mut out);
    out.sort_by_key(|finding| (finding.file, finding.span, finding.id));
    out
}

struct Linter<'r, 'o> {
    rule: &'r LoadedRule,
    files: &'r [SourceFile],
    out: &'o mut Vec<Diagnostic>,
}

impl Linter<'_, '_> {
    fn warn(&mut self, part: Span, id: &'static str, message: String, hint: &str) {
        let place = self.rule.place(self.files, part);
        self.out.push(Diagnostic::warning(self.rule.file, place, id, message).hint(hint));
    }

    fn tests(&mut self) {
        let (id, tests) = (&self.rule.info.id, &self.rule.tests);
        let (message, hint) = if tests.is_empty() {
            (format!("rule `{id}` has no tests"), "add tests = [{ text = \"…\", match = true }]")
        } else if tests.iter().all(|test| test.expect) {
            (format!("rule `{id}` has no test that must not match"), "add a text that is near and not meant")
        } else {
            return;
        };
        self.out.push(
            Diagnostic::warning(self.rule.file, self.rule.id_span, "rule-without-tests", message).hint(hint),
        );
    }

    fn node(&mut self, node: &Node, is_positive: bool) {
        match &node.kind {
            Kind::Term(Term::Text(pattern)) => self.term(pattern, node.span, is_positive),
            Kind::Term(_) | Kind::List { .. } => {}
            Kind::Near { left, right, .. } => {
                self.node(left, is_positive);
                self.node(right, is_positive);
            }
            // Words that mean little by themselves may mean much together.
            Kind::Window { .. } => {}
            Kind::Not(inner) => self.node(inner, !is_positive),
            Kind::And(nodes) => {
                self.contradiction(nodes);
                nodes.iter().for_each(|node| self.node(node, is_positive));
            }
            Kind::Or(nodes) => {
                self.redundancy(nodes);
                nodes.iter().for_each(|node| self.node(node, is_positive));
            }
        }
    }

    fn term(&mut self, pattern: &Pattern, span: Span, is_positive: bool) {
        let written = &self.rule.source[span.0 as usize..span.1 as usize];
        if matches!(written, "or" | "and" | "not" | "Or" | "And" | "Not") {
            let message = format!("`{written}` is looked for as a word");
            self.warn(
                span,
                "lower-case-operator",
                message,
                "operators are upper case: OR, AND, NOT; quote the word if it is meant",
            );
        } else if let Some((id, message, hint)) = too_short(pattern).filter(|_| is_positive) {
            self.warn(span, id, message, hint);
        }
    }

    /// `a -a`: never true.
    fn contradiction(&mut self, nodes: &[Node]) {
        let wanted: HashSet<String> = nodes.iter().map(normal_form).collect();
        for node in nodes {
            let Kind::Not(inner) = &node.kind else { continue };
            let excluded = match &inner.kind {
                Kind::Or(nodes) => nodes.as_slice(),
                _ => std::slice::from_ref(&**inner),
            };
            if let Some(both) = excluded.iter().find(|node| wanted.contains(&normal_form(node))) {
                let message = format!("`{both}` is both required and excluded: this never matches");
                self.warn(both.span, "never-matches", message, "remove one of the two");
            }
        }
    }

    /// `a OR a`, `acme* OR acmecloud`.
    fn redundancy(&mut self, nodes: &[Node]) {
        let mut seen = HashSet::new();
        let prefixes: Vec<(u8, &str)> = nodes.iter().filter_map(prefix_of).collect();
        for node in nodes {
            let swallowed = word_of(node).is_some_and(|(sigil, word)| {
                prefixes
                    .iter()
                    .any(|(wanted, prefix)| (*wanted == 0 || *wanted == sigil) && word.starts_with(prefix))
            });
            if swallowed || !seen.insert(normal_form(node)) {
                let message = format!("`{node}` adds nothing: another part of this OR covers it");
                self.warn(node.span, "redundant-term", message, "remove it");
            }
        }
    }
}

fn pattern_of(node: &Node) -> Option<&Pattern> {
    match &node.kind {
        Kind::Term(Term::Text(pattern)) => Some(pattern),
        _ => None,
    }
}

fn prefix_of(node: &Node) -> Option<(u8, &str)> {
    match &pattern_of(node)?.form {
        Form::Prefix { sigil, prefix } => Some((*sigil, prefix)),
        _ => None,
    }
}

fn word_of(node: &Node) -> Option<(u8, &str)> {
    match &pattern_of(node)?.form {
        Form::Words { sigil, words, .. } if words.len() == 1 => Some((*sigil, &words[0])),
        _ => None,
    }
}

fn too_short(pattern: &Pattern) -> Option<(&'static str, String, &'static str)> {
    match &pattern.form {
        Form::Words { sigil: 0, words, .. }
            if words.len() == 1 && words[0].chars().count() < TERM_CHARS_MIN =>
        {
            let message = format!("`{}` is shorter than {TERM_CHARS_MIN} characters", pattern.source);
            Some((
                "short-term",
                message,
                "use a phrase, #tag or @handle, or set fold = \"exact\" for an acronym",
            ))
            .filter(|_| pattern.exact_words().is_none())
        }
        Form::Prefix { prefix, .. } if prefix.chars().count() < PREFIX_CHARS_MIN => {
            let message =
                format!("the prefix `{}` is shorter than {PREFIX_CHARS_MIN} characters", pattern.source);
            Some(("short-prefix", message, "write more of the word, or list its forms with OR"))
        }
        _ => None,
    }
}

/// Equal for queries that differ only in order, repetition, nesting and spelling that folds away.
fn normal_form(node: &Node) -> String {
    match &node.kind {
        Kind::Term(Term::Text(pattern)) => format!("{:?} {}", pattern.form, pattern.is_loose),
        Kind::Window { terms, slack, .. } => format!("{terms:?}~{slack}"),
        Kind::Near { left, right, distance, ordered } => {
            let name = if *ordered { "ONEAR" } else { "NEAR" };
            let mut sides = [normal_form(left), normal_form(right)];
            if !ordered {
                sides.sort_unstable();
            }
            format!("({} {name}/{distance} {})", sides[0], sides[1])
        }
        Kind::Term(term) => term.to_string(),
        Kind::List { name, .. } => format!("list:{name}"),
        Kind::Not(inner) => format!("-{}", normal_form(inner)),
        Kind::And(nodes) => format!("({})", operands(nodes, true).join(" ")),
        Kind::Or(nodes) => format!("({})", operands(nodes, false).join(" OR ")),
    }
}

fn operands(nodes: &[Node], is_and: bool) -> Vec<String> {
    let mut forms = Vec::new();
    for node in nodes {
        match &node.kind {
            Kind::And(inner) if is_and => forms.extend(operands(inner, true)),
            Kind::Or(inner) if !is_and => forms.extend(operands(inner, false)),
            _ => forms.push(normal_form(node)),
        }
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn same_queries(rules: &[LoadedRule], out: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<(usize, &str, String), &LoadedRule> = HashMap::new();
    for rule in rules.iter().filter(|rule| rule.info.status != RuleStatus::Off) {
        // The same words for two teams are two rules; a list's name means something within its pack only.
        let key = (rule.pack, &*rule.info.team, normal_form(&rule.query));
        let first = *seen.entry(key).or_insert(rule);
        if !std::ptr::eq(first, rule) {
            let message = format!("rules `{}` and `{}` look for the same", first.info.id, rule.info.id);
            let again = Diagnostic::warning(rule.file, rule.query_span, "same-query", message);
            out.push(again.also(first.file, first.query_span, "the same here").hint("keep one of them"));
        }
    }
}

fn unused_lists(packs: &Packs, files: &[SourceFile], out: &mut Vec<Diagnostic>) {
    let mut used = HashSet::new();
    for rule in &packs.rules {
        collect_lists(&rule.query, &mut |name| _ = used.insert((rule.pack, name.to_owned())));
    }
    for (at, pack) in packs.packs.iter().enumerate() {
        for list in pack.lists.iter().filter(|list| !used.contains(&(at, list.name.clone()))) {
            let message = format!("no rule of this pack uses the list `{}`", list.name);
            let unused = Diagnostic::warning(pack.file, list.span, "unused-list", message);
            out.push(unused.hint(format!("use list:{} in a query, or remove the line", list.name)));
        }
    }
    let named: HashSet<usize> = packs.lists.iter().map(|list| list.file).collect();
    let texts = files.iter().enumerate().filter(|(_, file)| has_extension(&file.path, "txt"));
    for (file, _) in texts.filter(|(file, _)| !named.contains(file)) {
        let unused = Diagnostic::warning(file, (0, 0), "unused-list", "no pack names this list file");
        out.push(unused.hint("name it under [lists] of a pack in the same folder, or remove it"));
    }
}

fn collect_lists(node: &Node, each: &mut impl FnMut(&str)) {
    match &node.kind {
        Kind::List { name, .. } => each(name),
        Kind::Not(inner) => collect_lists(inner, each),
        Kind::Near { left, right, .. } => {
            [left, right].into_iter().for_each(|side| collect_lists(side, each))
        }
        Kind::And(nodes) | Kind::Or(nodes) => nodes.iter().for_each(|node| collect_lists(node, each)),
        Kind::Term(_) | Kind::Window { .. } => {}
    }
}

fn list_terms(packs: &Packs, out: &mut Vec<Diagnostic>) {
    for list in &packs.lists {
        let mut seen: HashMap<&Form, Span> = HashMap::new();
        for (term, &span) in list.terms.iter().zip(&list.spans) {
            if let Some(&first) = seen.get(&term.form) {
                let message = format!("`{}` stands twice in this list", term.source);
                let again = Diagnostic::warning(list.file, span, "duplicate-term", message);
                out.push(
                    again
                        .also(list.file, first, "first here")
                        .hint("remove one: case and accents do not count"),
                );
                continue;
            }
            seen.insert(&term.form, span);
            if let Some((id, message, hint)) = too_short(term) {
                out.push(Diagnostic::warning(list.file, span, id, message).hint(hint));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pack::load;
    use super::*;

    const HEAD: &str = "[pack]\nbrand = \"acme\"\nowner = \"care@acme.example\"\n";
    const TESTS: &str = "tests = [{ text = 'x', match = true }, { text = 'y', match = false }]";

    fn found(pack: &str, list: Option<&str>) -> Vec<(&'static str, String)> {
        let mut files = vec![SourceFile { path: "a.toml".into(), text: format!("{HEAD}{pack}") }];
        files.extend(list.map(|text| SourceFile { path: "l.txt".into(), text: text.to_owned() }));
        let (packs, errors) = load(&files);
        assert_eq!(errors, []);
        let show = |finding: Diagnostic| {
            assert!(!finding.hint.is_empty());
            (
                finding.id,
                files[finding.file].text[finding.span.0 as usize..finding.span.1 as usize].to_owned(),
            )
        };
        lint(&packs, &files).into_iter().map(show).collect()
    }

    fn in_query(query: &str) -> Vec<(&'static str, String)> {
        found(&format!("[[rule]]\nid = \"r\"\nteam = \"t\"\nquery = '{query}'\n{TESTS}"), None)
    }

    #[test]
    fn a_good_rule_has_no_warnings() {
        assert_eq!(in_query("\"acme cloud\" (down OR outag*) -is:repost #ac"), []);
    }

    #[test]
    fn queries_that_are_probably_not_meant_are_named_in_place() {
        assert_eq!(in_query("acme or down"), [("lower-case-operator", "or".to_owned())]);
        assert_eq!(in_query("acme \"or\" down"), [("short-term", "\"or\"".to_owned())]);
        assert_eq!(in_query("acme ab -xy"), [("short-term", "ab".to_owned())]);
        assert_eq!(in_query("acm*"), [("short-prefix", "acm*".to_owned())]);
        assert_eq!(in_query("acme -(down OR Acme)"), [("never-matches", "Acme".to_owned())]);
        assert_eq!(in_query("acme OR down OR ÁCME"), [("redundant-term", "ÁCME".to_owned())]);
        assert_eq!(
            in_query("acme* OR acmecloud OR #acmedown"),
            [("redundant-term", "acmecloud".to_owned()), ("redundant-term", "#acmedown".to_owned())]
        );
    }

    #[test]
    fn rules_without_tests_and_rules_that_say_the_same_are_named() {
        let rule =
            |id: &str, query: &str| format!("[[rule]]\nid = \"{id}\"\nteam = \"t\"\nquery = '{query}'\n");
        let ids: Vec<_> = found(
            &format!("{}{}{TESTS}", rule("a", "acme (down OR out)"), rule("b", "(OUT OR down) Acme")),
            None,
        );
        assert_eq!(
            ids,
            [("rule-without-tests", "\"a\"".into()), ("same-query", "'(OUT OR down) Acme'".into())]
        );
    }

    #[test]
    fn lists_unused_and_terms_twice_are_named() {
        let rule = format!("[[rule]]\nid = \"r\"\nteam = \"t\"\nquery = 'acme'\n{TESTS}");
        assert_eq!(found(&rule, Some("acme")), [("unused-list", String::new())]);
        let declared = format!("[lists]\nl = \"l.txt\"\n{rule}");
        assert_eq!(
            found(&declared, Some("Acme\nbox\nácme\nab")),
            [
                ("unused-list", "l".to_owned()),
                ("duplicate-term", "ácme".to_owned()),
                ("short-term", "ab".to_owned())
            ]
        );
        assert_eq!(found(&declared.replace("'acme'", "'acme list:l'"), Some("box")), []);
    }
}
