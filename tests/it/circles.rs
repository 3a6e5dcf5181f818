//! No circle of files, inside a folder either: whoever reads one can read what it rests on, and is done.
//!
//! Files are taken for what they define. A name that a `mod.rs` only passes on (`pub use`) is looked for where it is
//! made, and passing on is no use of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::layers::{Source, sources, uncommented};

/// A path of modules and names, from the root of the crate.
type Names = Vec<String>;

struct Graph {
    /// Files by module.
    files: BTreeMap<Names, File>,
}

struct File {
    /// Names that come in, each with its path, and whether it is only passed on.
    imports: Vec<(String, Names, bool)>,
    /// Paths written out in the code.
    paths: Vec<Names>,
    code: String,
}

impl Graph {
    fn of(sources: &[Source]) -> Self {
        let modules: BTreeSet<Names> = sources.iter().map(module).collect();
        let files = sources.iter().map(|source| (module(source), File::of(source, &modules)));
        Self { files: files.collect() }
    }

    /// The file that makes what this path names: the longest module in it, or where that has the name from.
    fn maker(&self, path: &Names, depth: usize) -> Option<Names> {
        let len = (0..=path.len()).rev().find(|len| self.files.contains_key(&path[..*len]))?;
        let (module, rest) = path.split_at(len);
        let Some(name) = rest.first() else { return Some(module.to_vec()) };
        let passed_on = self.files[module].imports.iter().find(|(known, _, _)| known == name);
        match passed_on {
            Some((_, from, _)) if depth < 8 && from != path => self.maker(from, depth + 1),
            _ => Some(module.to_vec()),
        }
    }

    /// The files that each one uses.
    fn edges(&self) -> BTreeMap<Names, BTreeSet<Names>> {
        let used = |(module, file): (&Names, &File)| {
            let imports =
                file.imports.iter().filter(|(name, _, is_passed_on)| !is_passed_on || file.uses(name));
            let paths = imports.map(|(_, path, _)| path).chain(&file.paths);
            let makers = paths.filter_map(|path| self.maker(path, 0)).filter(|maker| maker != module);
            (module.clone(), makers.collect())
        };
        self.files.iter().map(used).collect()
    }
}

impl File {
    fn of(source: &Source, modules: &BTreeSet<Names>) -> Self {
        let here = module(source);
        let code = uncommented(&source.code);
        let (mut imports, mut rest) = (Vec::new(), String::new());
        let is_declaration =
            |line: &&str| line.ends_with(';') && line.split_whitespace().rev().nth(1) == Some("mod");
        let code: String =
            code.lines().filter(|line| !is_declaration(line)).flat_map(|line| [line, "\n"]).collect();
        let mut statements = code.as_str();
        while let Some(at) = next_use(statements) {
            rest += &statements[..at.start];
            let (body, after) = statements[at.path..].split_once(';').unwrap_or((&statements[at.path..], ""));
            for (name, path) in tree(body.trim(), &[]) {
                imports.extend(absolute(&path, &here, modules).map(|path| (name, path, at.is_public)));
            }
            statements = after;
        }
        rest += statements;
        let of_name =
            |name: &String| imports.iter().find(|(known, path, _)| known == name && modules.contains(path));
        let whole = |path: Names| match of_name(&path[0]) {
            Some((_, module, _)) => Some([module, &path[1..]].concat()),
            None => absolute(&path, &here, modules),
        };
        let paths =
            written_out(&rest).into_iter().filter_map(whole).filter(|path| !modules.contains(path)).collect();
        // A module that is named is a way to what is in it.
        imports.retain(|(_, path, _)| !modules.contains(path));
        Self { imports, paths, code: rest }
    }

    fn uses(&self, name: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        self.code.match_indices(name).any(|(at, _)| {
            let (before, after) = (&self.code[..at], &self.code[at + name.len()..]);
            !before.ends_with(is_part) && !after.starts_with(is_part)
        })
    }
}

/// `rules/query/lex.rs` is `rules::query::lex`, and `rules/mod.rs` is `rules`.
fn module(source: &Source) -> Names {
    let path = source.path.with_extension("");
    let mut names: Names = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if names.last().is_some_and(|last| last == "mod") {
        names.pop();
    }
    names
}

struct Use {
    start: usize,
    path: usize,
    is_public: bool,
}

/// The next statement that begins with `use` or `pub… use`, at the beginning of a line.
fn next_use(code: &str) -> Option<Use> {
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        let (is_public, rest) = match text.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => {
                (true, rest.split_once(')').map_or(rest, |(_, rest)| rest).trim_start())
            }
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        if let Some(path) = rest.strip_prefix("use ") {
            let path = start + indent + (text.len() - path.len());
            return Some(Use { start, path, is_public });
        }
        start += line.len();
    }
    None
}

/// `a::{b, c::D as E}` names `b`, of `a::b`, and `E`, of `a::c::D`.
fn tree(text: &str, before: &[String]) -> Vec<(String, Names)> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('{') {
        let inner = inner.trim_end().trim_end_matches('}');
        return split(inner).into_iter().flat_map(|part| tree(&part, before)).collect();
    }
    let (head, rest) = text.split_once("::").map_or((text, None), |(head, rest)| (head, Some(rest)));
    match rest {
        Some(rest) => tree(rest, &[before, &[head.trim().to_owned()]].concat()),
        None if head.is_empty() => Vec::new(),
        None => {
            let (name, known_as) = head.split_once(" as ").unwrap_or((head, head));
            let path = match name.trim() {
                "self" => before.to_vec(),
                name => [before, &[name.to_owned()]].concat(),
            };
            let known_as = if known_as.trim() == "self" {
                path.last().cloned()
            } else {
                Some(known_as.trim().to_owned())
            };
            known_as.map(|known_as| (known_as, path)).into_iter().collect()
        }
    }
}

/// At the commas outside of braces.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts
}

/// From the root of the crate; `None` when it is of another crate.
fn absolute(path: &[String], here: &[String], modules: &BTreeSet<Names>) -> Option<Names> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([here, rest].concat()),
        "super" => {
            let (mut up, mut rest) = (here.split_last()?.1, rest);
            while rest.first().is_some_and(|name| name == "super") {
                (up, rest) = (up.split_last()?.1, &rest[1..]);
            }
            Some([up, rest].concat())
        }
        child => {
            let below = [here, &[child.to_owned()]].concat();
            modules.contains(&below).then(|| [&below[..], rest].concat())
        }
    }
}

/// Every `name::name…` in the code.
fn written_out(code: &str) -> Vec<Names> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words = code.split(|c: char| !is_part(c) && c != ':');
    let paths = words.map(|word| word.trim_matches(':')).filter(|word| word.contains("::"));
    paths.map(|path| path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect()).collect()
}

/// Files that use each other, directly or by way of others: each such set once, in the order of their names.
fn circles(edges: &BTreeMap<Names, BTreeSet<Names>>) -> Vec<Vec<String>> {
    let reach: BTreeMap<&Names, BTreeSet<&Names>> =
        edges.keys().map(|from| (from, reached(from, edges))).collect();
    let mut circles = BTreeSet::new();
    for (from, there) in reach.iter().filter(|(from, there)| there.contains(**from)) {
        let together =
            there.iter().filter(|other| reach.get(**other).is_some_and(|back| back.contains(*from)));
        circles.insert(together.map(|names| names.join("::")).collect::<Vec<_>>());
    }
    circles.into_iter().collect()
}

fn reached<'e>(from: &Names, edges: &'e BTreeMap<Names, BTreeSet<Names>>) -> BTreeSet<&'e Names> {
    let (mut there, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(next) = open.pop() {
        let fresh = edges.get(next).into_iter().flatten().filter(|to| there.insert(*to));
        open.extend(fresh.collect::<Vec<_>>());
    }
    there
}

/// Who in the circle uses whom.
fn told(circle: &[String], edges: &BTreeMap<Names, BTreeSet<Names>>) -> String {
    let is_in = |names: &Names| circle.contains(&names.join("::"));
    let of = |(from, to): (&Names, &BTreeSet<Names>)| {
        let to: Vec<String> = to.iter().filter(|names| is_in(names)).map(|names| names.join("::")).collect();
        format!("{} uses {}", from.join("::"), to.join(", "))
    };
    edges.iter().filter(|(from, _)| is_in(from)).map(of).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_file_rests_on_itself() {
    let sources: Vec<Source> =
        sources().into_iter().filter(|source| !matches!(source.module.as_str(), "lib" | "main")).collect();
    let graph = Graph::of(&sources);
    let edges = graph.edges();
    assert!(edges.values().map(BTreeSet::len).sum::<usize>() > 500, "imports are no longer understood");
    let circles: Vec<String> = circles(&edges).iter().map(|circle| told(circle, &edges)).collect();
    assert!(circles.is_empty(), "files that use each other:\n{}\n", circles.join("\n\n"));
}

#[test]
fn imports_are_read_as_the_compiler_reads_them() {
    let names = |text: &str| text.split("::").map(str::to_owned).collect::<Names>();
    let read: Vec<String> = tree("crate::a::{self, b::{C, D as E}}", &[])
        .into_iter()
        .map(|(name, path)| format!("{name}={}", path.join(".")))
        .collect();
    assert_eq!(read, ["a=crate.a", "C=crate.a.b.C", "E=crate.a.b.D"]);
    let modules = [names("a"), names("a::b")].into();
    let at = |path: &str| absolute(&names(path), &names("a::b"), &modules).map(|path| path.join("."));
    assert_eq!(
        (at("super::C"), at("crate::a::D"), at("std::fs")),
        (Some("a.C".into()), Some("a.D".into()), None)
    );
    let edges = [("a", "b"), ("b", "c"), ("c", "b")].map(|(from, to)| (names(from), [names(to)].into()));
    assert_eq!(circles(&edges.into()), [["b", "c"]]);
}
