//! Keyword lists that nobody uses, and lines that add nothing to theirs.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::model::Span;

use super::cover::coverers;
use super::linter::{Lint, children};
use super::terms::too_short;
use crate::rules::diagnostic::{Diagnostic, SourceFile};
use crate::rules::pack::list::KeywordList;
use crate::rules::pack::{LoadedRule, Packs, has_extension};
use crate::rules::query::ast::{Kind, Node};
use crate::rules::query::term::{Fold, Form, Pattern};

pub(super) const UNUSED_LIST: Lint = Lint::warning("unused-list", "a list that no rule, or no pack, uses");
pub(super) const DUPLICATE_TERM: Lint = Lint::warning("duplicate-term", "a term that stands twice in a list");
pub(super) const REDUNDANT_LIST_TERM: Lint =
    Lint::warning("redundant-list-term", "a term of a list that a wider term of the list covers");

pub(super) const LIST_COMMENT: Lint =
    Lint::warning("list-comment", "a line of a list with `#word` and more: a comment, or a hashtag?");

/// Which lists the rules use.
#[derive(Default)]
struct Uses {
    /// By pack and name.
    any: HashSet<(usize, String)>,
    /// Those beside NEAR, where each term counts by its place.
    near: HashSet<(usize, String)>,
    /// The terms as rules read them in which case and accents count.
    exact: HashMap<(usize, String), Arc<[Arc<Pattern>]>>,
}

pub(super) fn lint(packs: &Packs, files: &[SourceFile], out: &mut Vec<Diagnostic>) {
    let mut uses = Uses::default();
    packs.rules.iter().for_each(|rule| uses.collect(rule, &rule.query, false));
    unused_lists(packs, &uses, out);
    unused_files(packs, files, out);
    let (mut placed, mut exact) = (HashSet::new(), HashMap::new());
    for (at, pack) in packs.packs.iter().enumerate() {
        for list in &pack.lists {
            let name = (at, list.name.clone());
            placed.extend(uses.near.contains(&name).then_some(list.list));
            exact.extend(uses.exact.get(&name).map(|terms| (list.list, terms)));
        }
    }
    for (at, list) in packs.lists.iter().enumerate() {
        // What tells two terms apart for one rule is no mistake.
        let exact = exact.get(&at).filter(|terms| terms.len() == list.terms.len());
        let terms = exact.map_or(&list.terms, |terms| *terms);
        duplicates(list, terms, exact.is_some(), out);
        comments(list, &files[list.file], out);
        if !placed.contains(&at) {
            redundant(list, terms, out);
        }
    }
}

impl Uses {
    fn collect(&mut self, rule: &LoadedRule, node: &Node, is_near: bool) {
        match &node.kind {
            Kind::List { name, patterns } => {
                let name = (rule.pack, name.clone());
                if is_near {
                    self.near.insert(name.clone());
                }
                if rule.fold == Fold::Exact {
                    self.exact.insert(name.clone(), Arc::clone(patterns));
                }
                self.any.insert(name);
            }
            Kind::Near { left, right, .. } => {
                [left, right].into_iter().for_each(|side| self.collect(rule, side, true));
            }
            _ => children(node).iter().for_each(|child| self.collect(rule, child, is_near)),
        }
    }
}

fn unused_lists(packs: &Packs, uses: &Uses, out: &mut Vec<Diagnostic>) {
    // What could not be read may use any list.
    let whole = packs.packs.iter().enumerate().filter(|(_, pack)| !packs.broken.contains(&pack.file));
    for (at, pack) in whole {
        for list in pack.lists.iter().filter(|list| !uses.any.contains(&(at, list.name.clone()))) {
            let message = format!("no rule of this pack uses the list `{}`", list.name);
            let hint = format!("use list:{} in a query, or remove the line", list.name);
            out.push(UNUSED_LIST.at(pack.file, list.span, message).hint(hint));
        }
    }
}

fn unused_files(packs: &Packs, files: &[SourceFile], out: &mut Vec<Diagnostic>) {
    if packs.broken.iter().any(|&file| has_extension(&files[file].path, "toml")) {
        return;
    }
    let named: HashSet<usize> = packs.lists.iter().map(|list| list.file).collect();
    let texts = files.iter().enumerate().filter(|(_, file)| has_extension(&file.path, "txt"));
    for (file, _) in texts.filter(|(file, _)| !named.contains(file)) {
        let hint = "name it under [lists] of a pack in the same folder, or remove it";
        out.push(UNUSED_LIST.at(file, (0, 0), "no pack names this list file").hint(hint));
    }
}

fn duplicates(list: &KeywordList, terms: &[Arc<Pattern>], is_exact: bool, out: &mut Vec<Diagnostic>) {
    let hint = if is_exact { "remove one" } else { "remove one: case and accents do not count" };
    let mut seen: HashMap<&Form, Span> = HashMap::new();
    for (term, &span) in terms.iter().zip(&list.spans) {
        if let Some(&first) = seen.get(&term.form) {
            let message = format!("`{}` stands twice in this list", term.source);
            let again = DUPLICATE_TERM.at(list.file, span, message).also(list.file, first, "first here");
            out.push(again.hint(hint));
            continue;
        }
        seen.insert(&term.form, span);
        if let Some((lint, message, hint)) = too_short(term) {
            out.push(lint.at(list.file, span, message).hint(hint));
        }
    }
}

/// `#what people call us`, `delta flight #thenote`: terms, since no space stands behind the `#`.
fn comments(list: &KeywordList, file: &SourceFile, out: &mut Vec<Diagnostic>) {
    for (term, &span) in list.terms.iter().zip(&list.spans) {
        let is_quoted = file.text[..span.0 as usize].ends_with('"');
        let tagged = |word: &str| word.starts_with('#');
        if is_quoted
            || !term.source.contains(char::is_whitespace)
            || !term.source.split_whitespace().any(tagged)
        {
            continue;
        }
        let message = format!("`{}` is looked for as a phrase with a hashtag", term.source);
        let hint =
            "a comment has a space behind its #: `# comment`; put the line in quotes if the phrase is meant";
        out.push(LIST_COMMENT.at(list.file, span, message).hint(hint));
    }
}

fn redundant(list: &KeywordList, terms: &[Arc<Pattern>], out: &mut Vec<Diagnostic>) {
    let terms: Vec<&Pattern> = terms.iter().map(AsRef::as_ref).collect();
    for (at, by) in coverers(&terms).into_iter().enumerate() {
        let Some(by) = by.filter(|&by| terms[by].form != terms[at].form) else { continue };
        let message = format!("`{}` adds nothing: `{}` covers it", terms[at].source, terms[by].source);
        let found = REDUNDANT_LIST_TERM.at(list.file, list.spans[at], message);
        out.push(found.also(list.file, list.spans[by], "covers it").hint("remove the narrower one"));
    }
}
