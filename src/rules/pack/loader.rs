//! Packs: TOML files of rules, with the keyword lists beside them, to parsed rules. `rules/README.md` has the fields.
//!
//! Pure: the files are read by the caller. Everything that is wrong in all of them is reported at once; what is right
//! is returned all the same, so that lints and editors can work with it.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use toml::de::DeTable;

use super::keys::{FILE_KEYS, FOLDS, NETWORKS, PACK_KEYS, RULE_KEYS, STATUSES, TEST_KEYS};
use super::list;
use super::lists::{OtherTerms, PackLists};
use super::loaded::{DeclaredList, LoadedRule, Pack, Packs, RuleTest};
use super::place::place_in_file;
use super::table::{At, Table, span};
use super::toml_hint::toml_hint;
use crate::model::{Lane, PostKind, RuleInfo, RuleStatus, Span};
use crate::rules::diagnostic::{Diagnostic, SourceFile};
use crate::rules::operators::foreign::nearest;
use crate::rules::query::ast::{KINDS, Node};
use crate::rules::query::errors::Problem;
use crate::rules::query::parse::parse;
use crate::rules::query::term::{Fold, Pattern};

/// Most rules in all packs together.
pub const RULES_MAX: usize = 100_000;

/// Reads packs (`*.toml`) and the lists (`*.txt`) that they name.
///
/// The findings are errors, in order of file and place; the rules are fit for use only when there is none.
#[must_use]
pub fn load(files: &[SourceFile]) -> (Packs, Vec<Diagnostic>) {
    let mut loader = Loader::new(files);
    for (file, source) in files.iter().enumerate() {
        if has_extension(&source.path, "toml") {
            loader.pack(file, &source.text);
        }
    }
    loader.out.sort_by_key(|finding| (finding.file, finding.span));
    loader.packs.broken = loader.out.iter().map(|finding| finding.file).collect();
    (loader.packs, loader.out)
}

/// True for `path` ending in `.extension`.
#[must_use]
pub fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

struct Loader<'f> {
    files: &'f [SourceFile],
    texts: HashMap<&'f Path, usize>,
    /// Index into `packs.lists` by file.
    lists: HashMap<usize, usize>,
    /// Names under `[lists]` of the present pack whose file is not there: reported once, where it is named.
    missing_lists: Vec<String>,
    ids: HashMap<Arc<str>, (usize, Span)>,
    packs: Packs,
    out: Vec<Diagnostic>,
    /// Every term once: a hundred thousand rules say `down` and `refund`.
    shared: RefCell<HashSet<Arc<Pattern>>>,
}

impl<'f> Loader<'f> {
    fn new(files: &'f [SourceFile]) -> Self {
        let texts = files.iter().enumerate().filter(|(_, file)| has_extension(&file.path, "txt"));
        Self {
            files,
            texts: texts.map(|(at, file)| (file.path.as_path(), at)).collect(),
            lists: HashMap::new(),
            missing_lists: Vec::new(),
            ids: HashMap::new(),
            packs: Packs::default(),
            out: Vec::new(),
            shared: RefCell::default(),
        }
    }

    fn pack(&mut self, file: usize, text: &str) {
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            // What was recovered may lack what was meant to be there: no use in complaining about that.
            let findings = errors.iter().map(|error| {
                let at = error.span().map_or((0, 0), span);
                Diagnostic::error(file, at, "toml", error.message()).hint(toml_hint(
                    text,
                    at,
                    error.message(),
                ))
            });
            return self.out.extend(findings);
        }
        let root = Table { file, span: (0, 0), name: "a pack", entries: root.get_ref() };
        root.check_keys(&FILE_KEYS, &mut self.out);
        let Some((brand, owner)) = self.about(&root) else { return };
        let declared = self.declare_lists(&root);
        let pack = self.packs.packs.len();
        self.packs.packs.push(Pack { file, brand, owner, lists: declared });
        let other_terms = OtherTerms::default();
        for table in root.tables("rule", "[[rule]]", &mut self.out) {
            if self.ids.len() == RULES_MAX {
                let message = format!("there are more than {RULES_MAX} rules in all");
                let hint = "use lists for rules that differ in a word, or run a second birddog";
                return self
                    .out
                    .push(Diagnostic::error(file, table.span, "too-many-rules", message).hint(hint));
            }
            self.rule(pack, &table, &other_terms);
        }
    }

    /// Brand and owner. Without a usable brand, `?` stands in so that the rules are still checked.
    fn about(&mut self, root: &Table<'_>) -> Option<(Arc<str>, String)> {
        if !root.entries.contains_key("pack") {
            let missing = Diagnostic::error(root.file, (0, 0), "pack-missing-key", "the file has no [pack]");
            self.out
                .push(missing.hint("begin with [pack], brand = \"acme\" and owner = \"care@acme.example\""));
            return None;
        }
        let pack = root.table("pack", "[pack]", &mut self.out)?;
        pack.check_keys(&PACK_KEYS, &mut self.out);
        let brand = pack.required("brand", "\"acme\"", &mut self.out);
        let brand = pack.name("brand", brand, &mut self.out);
        let owner = pack.required("owner", "\"care@acme.example\"", &mut self.out);
        if let Some((_, at)) = owner.filter(|(owner, _)| owner.trim().is_empty()) {
            let blank = Diagnostic::error(root.file, at, "pack-value", "`owner` is empty");
            self.out.push(blank.hint("say who answers for these rules"));
        }
        Some((brand.map_or("?", |(brand, _)| brand).into(), owner.map_or("", |(owner, _)| owner).to_owned()))
    }

    fn declare_lists(&mut self, root: &Table<'_>) -> Vec<DeclaredList> {
        self.missing_lists.clear();
        let Some(table) = root.table("lists", "[lists]", &mut self.out) else { return Vec::new() };
        let mut declared = Vec::new();
        for key in table.entries.keys() {
            let name = key.get_ref().as_ref();
            let Some((file, at)) = table.string(name, &mut self.out) else { continue };
            if let Some(list) = self.list(root.file, file, at) {
                declared.push(DeclaredList { name: name.to_owned(), list, span: span(key.span()) });
            } else {
                self.missing_lists.push(name.to_owned());
            }
        }
        declared
    }

    /// The list in `name`, a file beside the pack, read on first use.
    fn list(&mut self, pack: usize, name: &str, at: Span) -> Option<usize> {
        let path = self.files[pack].path.with_file_name(name);
        let Some(&file) = self.texts.get(path.as_path()) else {
            self.out.push(self.missing_list(pack, name, &path, at));
            return None;
        };
        if let Some(&list) = self.lists.get(&file) {
            return Some(list);
        }
        let (list, problems) = list::read(file, &self.files[file].text, Fold::Standard);
        self.out.extend(problems);
        self.packs.lists.push(list);
        self.lists.insert(file, self.packs.lists.len() - 1);
        Some(self.packs.lists.len() - 1)
    }

    fn missing_list(&self, pack: usize, name: &str, path: &Path, at: Span) -> Diagnostic {
        let siblings = self.texts.keys().filter(|text| text.parent() == path.parent());
        let names: Vec<&str> = siblings.filter_map(|text| text.file_name()?.to_str()).collect();
        let hint = match nearest(name, names) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if !name.ends_with(".txt") => "a list is a .txt file beside the pack".to_owned(),
            None => "make the file, one term a line".to_owned(),
        };
        let message = format!("there is no list file `{}`", path.display());
        Diagnostic::error(pack, at, "list-missing", message).hint(hint)
    }

    fn rule(&mut self, pack: usize, table: &Table<'_>, other_terms: &OtherTerms) {
        table.check_keys(&RULE_KEYS, &mut self.out);
        let id = self.id(table);
        let query = table.required("query", "'\"acme cloud\" (down OR outage)'", &mut self.out);
        let team = table.required("team", "\"support\"", &mut self.out);
        let team = table.name("team", team, &mut self.out);
        let reply = table.string("reply", &mut self.out);
        let reply = table.name("reply", reply, &mut self.out);
        let floor =
            table.choice("priority", &Lane::ALL.map(|lane| (lane.as_str(), lane)), Lane::Low, &mut self.out);
        let status = table.choice("status", &STATUSES, RuleStatus::Live, &mut self.out);
        let fold = table.choice("fold", &FOLDS, Fold::Standard, &mut self.out);
        let expect_per_day = table.range("expect_per_day", &mut self.out);
        let tests = self.tests(table);
        let parsed = query.and_then(|query| self.query(pack, table.file, query, fold, other_terms));
        // A rule that lacks one of these has been reported.
        let (Some((id, id_span)), Some((source, query_span)), Some(query), Some((team, team_span))) =
            (id, query, parsed, team)
        else {
            return;
        };
        let brand = Arc::clone(&self.packs.packs[pack].brand);
        let (reply, reply_span) = reply.map(|(template, at)| (template.into(), at)).unzip();
        self.packs.rules.push(LoadedRule {
            info: RuleInfo { id, brand, team: team.into(), floor, status, reply },
            query,
            source: source.to_owned(),
            fold,
            tests,
            expect_per_day,
            pack,
            file: table.file,
            id_span,
            query_span,
            team_span,
            reply_span,
        });
    }

    fn id(&mut self, table: &Table<'_>) -> Option<At<Arc<str>>> {
        let id = table.required("id", "\"acme-outage\"", &mut self.out);
        let (id, at) = table.name("id", id, &mut self.out)?;
        let id: Arc<str> = id.into();
        if let Some(&(file, first)) = self.ids.get(&id) {
            let again =
                Diagnostic::error(table.file, at, "duplicate-id", format!("there are two rules `{id}`"));
            self.out.push(
                again.label("again here").also(file, first, "first here").hint("give one of them another id"),
            );
            return Some((id, at));
        }
        self.ids.insert(Arc::clone(&id), (table.file, at));
        Some((id, at))
    }

    fn query(
        &mut self,
        pack: usize,
        file: usize,
        (source, at): At<&str>,
        fold: Fold,
        other_terms: &OtherTerms,
    ) -> Option<Node> {
        let Packs { packs, lists, .. } = &self.packs;
        let lists = PackLists {
            declared: &packs[pack].lists,
            lists,
            files: self.files,
            fold,
            other_terms,
            shared: &self.shared,
        };
        let errors = match parse(source, fold, &lists) {
            Ok(node) => return Some(node),
            Err(errors) => errors,
        };
        let text = &self.files[file].text;
        let is_told = |problem: &Problem| matches!(problem, Problem::UnknownList { name, .. } if self.missing_lists.contains(name));
        let errors = errors.into_iter().filter(|error| !is_told(&error.problem));
        self.out.extend(errors.map(|error| {
            let place = place_in_file(text, at, source, error.span);
            Diagnostic::error(file, place, error.problem.id(), error.problem.to_string())
                .label(error.problem.label())
                .hint(error.problem.hint())
        }));
        None
    }

    fn tests(&mut self, table: &Table<'_>) -> Vec<RuleTest> {
        let tables = table.tables("tests", "{ text = \"…\", match = true }", &mut self.out);
        tables.iter().filter_map(|test| self.test(test)).collect()
    }

    fn test(&mut self, table: &Table<'_>) -> Option<RuleTest> {
        table.check_keys(&TEST_KEYS, &mut self.out);
        let text = table.required("text", "\"Acme Cloud is down again!!\"", &mut self.out);
        let owned = |found: Option<At<&str>>| found.map(|(text, _)| text.to_owned());
        let lang = owned(table.string("lang", &mut self.out));
        let from = owned(table.string("from", &mut self.out));
        let to = owned(table.string("to", &mut self.out));
        let usual_kind = if to.is_some() { PostKind::Reply } else { PostKind::Post };
        let kind = table.choice("kind", &KINDS, usual_kind, &mut self.out);
        let source = table.choice("source", &NETWORKS, NETWORKS[0].1, &mut self.out);
        let followers = table.number("followers", &mut self.out);
        let media = table.flag("media", &mut self.out).unwrap_or(false);
        let expect = table.flag("match", &mut self.out);
        if !table.entries.contains_key("match") {
            let missing =
                Diagnostic::error(table.file, table.span, "pack-missing-key", "a test needs `match`");
            self.out.push(missing.hint("add match = true, or match = false"));
        }
        Some(RuleTest {
            text: text?.0.to_owned(),
            expect: expect?,
            lang,
            from,
            kind,
            media,
            to,
            followers,
            source,
            span: table.span,
        })
    }
}
