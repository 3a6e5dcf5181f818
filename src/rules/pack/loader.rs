//! Packs: TOML files of rules, with the keyword lists beside them, to parsed rules. RULES.md 1 has the fields.
//!
//! Pure: the files are read by the caller. Everything that is wrong in all of them is reported at once; what is right
//! is returned all the same, so that lints and editors can work with it.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use toml::de::DeTable;

use crate::model::{Author, Lane, Post, PostKind, RuleInfo, RuleStatus, Span};

use super::keys::{FILE_KEYS, FOLDS, NETWORKS, PACK_KEYS, RULE_KEYS, STATUSES, TEST_KEYS};
use super::list::{self, KeywordList};
use super::place::place_in_file;
use super::table::{At, Table, span};
use super::toml_hint::toml_hint;
use crate::rules::diagnostic::{Diagnostic, SourceFile};
use crate::rules::operators::foreign::nearest;
use crate::rules::query::ast::{KINDS, Node};
use crate::rules::query::errors::Problem;
use crate::rules::query::parse::{Lists, parse};
use crate::rules::query::term::{Fold, Pattern};

/// Most rules in all packs together.
pub const RULES_MAX: usize = 100_000;

/// Everything that was read.
#[derive(Clone, Debug, Default)]
pub struct Packs {
    /// One per TOML file.
    pub packs: Vec<Pack>,
    /// All rules of all packs, those that are off included, in order of file and place.
    pub rules: Vec<LoadedRule>,
    /// One per list file that a pack names.
    pub lists: Vec<KeywordList>,
    /// Indices of the files with an error: what stands in them is not all here.
    pub broken: HashSet<usize>,
}

/// What a pack says about itself.
#[derive(Clone, Debug)]
pub struct Pack {
    /// Index of its file among those given to [`load`].
    pub file: usize,
    /// Label on metrics and work items.
    pub brand: Arc<str>,
    /// Who answers for its rules.
    pub owner: String,
    /// The lists that it names.
    pub lists: Vec<DeclaredList>,
}

/// One line under `[lists]`.
#[derive(Clone, Debug)]
pub struct DeclaredList {
    /// As in `list:NAME`.
    pub name: String,
    /// Index into [`Packs::lists`].
    pub list: usize,
    /// The key in the pack.
    pub span: Span,
}

/// One rule, parsed.
#[derive(Clone, Debug)]
pub struct LoadedRule {
    /// Labels and settings.
    pub info: RuleInfo,
    /// What it looks for.
    pub query: Node,
    /// The query as written; `query`'s spans point into this.
    pub source: String,
    /// How much of the spelling counts.
    pub fold: Fold,
    /// The tests beside it.
    pub tests: Vec<RuleTest>,
    /// Matches a day outside which the rule drifts.
    pub expect_per_day: Option<(u32, u32)>,
    /// Index into [`Packs::packs`].
    pub pack: usize,
    /// Index of its file among those given to [`load`].
    pub file: usize,
    /// Where its id stands.
    pub id_span: Span,
    /// Where its query stands, quotes included.
    pub query_span: Span,
    /// Where its team stands, for whoever knows the teams.
    pub team_span: Span,
    /// Where its reply template stands, for whoever knows the templates.
    pub reply_span: Option<Span>,
}

impl LoadedRule {
    /// False for a rule that is switched off.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.info.status != RuleStatus::Off
    }

    /// The bytes of the rule's file that a part of the query came from.
    #[must_use]
    pub fn place(&self, files: &[SourceFile], part: Span) -> Span {
        place_in_file(&files[self.file].text, self.query_span, &self.source, part)
    }
}

/// A text that a rule must match, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTest {
    /// The post's text.
    pub text: String,
    /// Whether the rule must match.
    pub expect: bool,
    /// The post's language tag, for rules with `lang:`.
    pub lang: Option<String>,
    /// The post's author, for rules with `from:`.
    pub from: Option<String>,
    /// The post's kind, for rules with `is:`.
    pub kind: PostKind,
    /// A picture is attached, for rules with `has:media`.
    pub media: bool,
    /// The account that the post answers, for rules with `to:`.
    pub to: Option<String>,
    /// The author's followers, for rules with `followers:`.
    pub followers: Option<u64>,
    /// The network, for rules with `source:`.
    pub source: &'static str,
    /// Where the test stands.
    pub span: Span,
}

impl RuleTest {
    /// The post that the test describes.
    #[must_use]
    pub fn post(&self) -> Post {
        let id = self.from.clone().unwrap_or_default();
        Post {
            text: self.text.clone(),
            network: self.source,
            parent: self.to.as_ref().map(|to| format!("at://{}", to.trim_start_matches('@'))),
            author: Author { id, followers: self.followers, ..Author::default() },
            langs: self.lang.iter().cloned().collect(),
            kind: self.kind,
            has_media: self.media,
            ..Post::default()
        }
    }
}

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

/// Terms of lists as rules with another `fold` than the standard see them.
type OtherTerms = RefCell<HashMap<(usize, Fold), Arc<[Arc<Pattern>]>>>;

/// The lists that one pack names, as its queries see them.
struct PackLists<'p> {
    declared: &'p [DeclaredList],
    lists: &'p [KeywordList],
    files: &'p [SourceFile],
    fold: Fold,
    /// Terms of lists as read for other folds, when first needed.
    other_terms: &'p OtherTerms,
    shared: &'p RefCell<HashSet<Arc<Pattern>>>,
}

impl Lists for PackLists<'_> {
    fn patterns(&self, name: &str) -> Option<Arc<[Arc<Pattern>]>> {
        let declared = self.declared.iter().find(|declared| declared.name == name)?;
        let list = &self.lists[declared.list];
        if self.fold == Fold::Standard {
            return Some(Arc::clone(&list.terms));
        }
        let mut others = self.other_terms.borrow_mut();
        let read = || list::read(list.file, &self.files[list.file].text, self.fold).0.terms;
        Some(Arc::clone(others.entry((declared.list, self.fold)).or_insert_with(read)))
    }

    fn share(&self, pattern: Pattern) -> Arc<Pattern> {
        Arc::clone(self.shared.borrow_mut().get_or_insert_with(&pattern, |pattern| Arc::new(pattern.clone())))
    }

    fn names(&self) -> Vec<&str> {
        self.declared.iter().map(|declared| declared.name.as_str()).collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::diagnostic::render;

    fn files(files: &[(&str, &str)]) -> Vec<SourceFile> {
        files.iter().map(|(path, text)| SourceFile { path: path.into(), text: (*text).to_owned() }).collect()
    }

    const HEAD: &str = "[pack]\nbrand = \"acme\"\nowner = \"care@acme.example\"\n";

    fn rule(fields: &str) -> String {
        format!("{HEAD}[[rule]]\nid = \"a\"\nteam = \"support\"\n{fields}\n")
    }

    /// The ids of the findings and the characters that they point at.
    fn found(text: &str) -> Vec<(&'static str, String)> {
        let files = files(&[("rules/acme.toml", text)]);
        let (_, findings) = load(&files);
        assert!(!render(&findings, &files, false).contains('\u{1b}'));
        let show = |finding: &Diagnostic| {
            (finding.id, text[finding.span.0 as usize..finding.span.1 as usize].to_owned())
        };
        findings.iter().map(show).collect()
    }

    fn found_in_rule(fields: &str) -> Vec<(&'static str, String)> {
        found(&rule(fields))
    }

    #[test]
    fn the_pack_of_the_manual_loads() {
        let pack = r#"
[pack]
brand = "acme"                     # label on metrics and work items
owner = "care@acme.example"
[lists]
products = "acme-products.txt"
[[rule]]
id       = "acme-outage"
query    = '("acme cloud" OR @acmecloud OR #acmedown OR list:products) (down OR outage) -is:repost'
team     = "support"
priority = "high"
status   = "live"
fold     = "standard"
reply    = "status-page"
expect_per_day = [5, 400]
tests = [
  { text = "Acme Cloud is down again!!", match = true },
  { text = "on cloud nine with acme", match = false },
]
[[rule]]
id = "acme-reply"
query = 'acme is:reply'
team = "pr"
status = "off"
tests = [{ text = "acme", kind = "reply", lang = "de", from = "did:x", media = true, match = true }]
"#;
        let files = files(&[("r/acme-products.txt", "acme box\n"), ("r/acme.toml", pack)]);
        let (packs, findings) = load(&files);
        assert_eq!(findings, []);
        let rule = &packs.rules[0];
        assert_eq!((&*rule.info.id, &*rule.info.brand, &*rule.info.team), ("acme-outage", "acme", "support"));
        assert_eq!((rule.info.floor, rule.info.status), (Lane::High, RuleStatus::Live));
        assert_eq!((rule.info.reply.as_deref(), rule.expect_per_day), (Some("status-page"), Some((5, 400))));
        assert_eq!((rule.tests.len(), rule.tests[0].expect, rule.tests[1].expect), (2, true, false));
        assert_eq!((packs.packs[0].owner.as_str(), packs.lists[0].terms.len()), ("care@acme.example", 1));
        let post = packs.rules[1].tests[0].post();
        assert_eq!((post.kind, post.langs, post.has_media), (PostKind::Reply, vec!["de".to_owned()], true));
        assert_eq!((packs.rules[1].info.status, packs.rules[1].info.floor), (RuleStatus::Off, Lane::Low));
    }

    #[test]
    fn query_errors_point_into_the_file() {
        assert_eq!(found_in_rule("query = 'acme form:x'"), [("query-unknown-operator", "form:x".to_owned())]);
        assert_eq!(
            found_in_rule(r#"query = "\"acme x\" form:x""#),
            [("query-unknown-operator", "form:x".to_owned())]
        );
        assert_eq!(found_in_rule("query = '''\nacme\n(down'''"), [("query-parentheses", "(".to_owned())]);
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_all_reported() {
        let fields = "query = 3\nteem = \"x\"\nstatus = \"lve\"\nexpect_per_day = [4, 2]\nfold = \"lose\"\n\
            tests = [{ text = \"x\", math = true }, 7]";
        assert_eq!(
            found_in_rule(fields).iter().map(|(id, text)| (*id, text.as_str())).collect::<Vec<_>>(),
            [
                ("pack-type", "3"),
                ("pack-unknown-key", "teem"),
                ("pack-value", "\"lve\""),
                ("pack-value", "[4, 2]"),
                ("pack-value", "\"lose\""),
                ("pack-missing-key", "{ text = \"x\", math = true }"),
                ("pack-unknown-key", "math"),
                ("pack-type", "7"),
            ]
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let ids = |text: &str| found(text).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(ids(""), ["pack-missing-key"]);
        assert_eq!(ids("[pack]\n"), ["pack-missing-key", "pack-missing-key"]);
        assert_eq!(found(&format!("{HEAD}[[rule]]\n")), vec![("pack-missing-key", "[[rule]]".to_owned()); 3]);
    }

    #[test]
    fn a_rule_with_one_bracket_is_answered_with_two() {
        let files = files(&[("a.toml", &rule("query = 'a'").replace("[[rule]]", "[rule]"))]);
        let (_, findings) = load(&files);
        assert_eq!((findings.len(), findings[0].id), (1, "pack-type"));
        assert!(findings[0].hint.contains("[[rule]]"), "{}", findings[0].hint);
    }

    #[test]
    fn names_are_those_of_labels() {
        let text = format!("{HEAD}[[rule]]\nid = \"Acme Outage\"\nteam = \"PR\"\nquery = 'a'\n");
        assert_eq!(found(&text), [("pack-name", "\"Acme Outage\"".into()), ("pack-name", "\"PR\"".into())]);
    }

    #[test]
    fn an_id_used_twice_names_both_places() {
        let one = rule("query = 'acme'");
        let files = files(&[("a.toml", &one), ("b.toml", &one)]);
        let (packs, findings) = load(&files);
        assert_eq!((findings.len(), findings[0].id, findings[0].file), (1, "duplicate-id", 1));
        assert_eq!(
            findings[0].also.as_ref().map(|place| (place.file, place.span)),
            Some((0, findings[0].span))
        );
        assert_eq!(packs.rules.len(), 2);
    }

    #[test]
    fn lists_are_found_beside_the_pack_and_folded_as_the_rule_asks() {
        let pack = format!(
            "{HEAD}[lists]\np = \"p.txt\"\nq = \"pp.txt\"\n[[rule]]\nid = \"a\"\nteam = \"t\"\nquery = 'list:p'\n\
             [[rule]]\nid = \"b\"\nteam = \"t\"\nquery = 'list:p'\nfold = \"exact\"\n[[rule]]\nid = \"c\"\nteam = \"t\"\nquery = 'list:x'\n"
        );
        let files = files(&[("d/a.toml", &pack), ("d/p.txt", "Acme\n!!\n"), ("pp.txt", "x")]);
        let (packs, findings) = load(&files);
        let ids: Vec<_> = findings.iter().map(|finding| (finding.file, finding.id)).collect();
        assert_eq!(ids, [(0, "list-missing"), (0, "query-unknown-list"), (1, "list-term")]);
        assert!(findings[0].hint.contains("did you mean") && findings[1].hint.contains("[lists]"));
        let pattern = |rule: usize| match &packs.rules[rule].query.kind {
            crate::rules::query::ast::Kind::List { patterns, .. } => patterns[0].exact_words().is_some(),
            _ => panic!("a list"),
        };
        assert_eq!((pattern(0), pattern(1)), (false, true));
    }

    #[test]
    fn a_file_that_is_no_toml_reports_its_own_errors_only() {
        let text = format!("{HEAD}[[rule]]\nid = 'a\nteam = \n");
        assert!(found(&text).iter().all(|(id, _)| *id == "toml"));
        assert!(!found(&text).is_empty());
    }
}
