//! The house rules, held by a test: who may import whom, what is pure, how long things may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every top-level module with its layer.
const LAYERS: &[(&str, u8)] = &[
    ("model", 0),
    ("text", 1),
    ("formats", 1),
    ("rules", 1),
    ("score", 1),
    ("dedupe", 1),
    ("route", 1),
    ("reply", 1),
    ("insight", 1),
    ("monitor", 2),
    ("line", 2),
    ("triage", 2),
    ("backtest", 3),
    ("feed", 3),
    ("sinks", 3),
    ("clock", 3),
    ("secret", 3),
    ("sources", 3),
    ("store", 3),
    ("config", 4),
    ("dispatch", 4),
    ("ruleset", 4),
    ("api", 5),
    ("app", 5),
    ("telemetry", 5),
    ("cli", 6),
];

/// Imports that do not look down, each with its reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("rules", "text", "rules are decided on folded text"),
    ("score", "text", "scores are read from folded text"),
    ("monitor", "line", "observers see what the line makes of a batch"),
    ("triage", "line", "triage takes the signals that the line makes"),
    ("sources", "clock", "a batch is stamped when it is read"),
    ("sinks", "secret", "a sink's password is read from a file"),
    ("feed", "clock", "a cursor from the future means now"),
    ("backtest", "clock", "what rules cost is measured"),
    (
        "config",
        "ruleset",
        "the configuration composes every part's Config, and is what rules are checked against",
    ),
    ("config", "dispatch", "the configuration composes every part's Config"),
    ("config", "api", "the configuration composes every part's Config"),
    ("app", "api", "the daemon starts the API"),
    ("app", "telemetry", "the daemon keeps the recorder's memory flat and renders it"),
    ("api", "app", "the API sees app::Handle"),
    ("telemetry", "api", "the catalogue lists every part's metrics"),
    ("telemetry", "app", "the catalogue lists every part's metrics"),
];

/// What layers 0 to 2 must do without.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "SystemTime",
    "Instant",
    "rusqlite",
    "tracing::",
];

/// How one network spells identities and addresses: `formats` knows, its source, and the feed that plays its server.
const SPELLINGS: &[&str] = &["at://", "app.bsky", "bsky.app", "did:plc"];
const SPELLERS: &[&str] = &["formats", "feed"];
/// Places outside that spell it all the same, each with its reason.
const SPELT: &[(&str, &str)] = &[
    ("sources/jetstream", "the network's own source"),
    ("model/post.rs", "the address of a post is left out on disk where its URI tells it"),
    ("rules/lint/values.rs", "a hint shows what an account may look like"),
];

const DOC_LINES_MAX: usize = 12;
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const MAIN_LINES_MAX: usize = 40;

/// One source file, without its tests.
pub(crate) struct Source {
    /// Below `src/`.
    pub(crate) path: PathBuf,
    /// The folder, or the name of a file that is a module by itself.
    pub(crate) module: String,
    text: String,
    pub(crate) code: String,
}

pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    let texts: BTreeMap<PathBuf, String> =
        paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    let test_files: BTreeSet<PathBuf> =
        texts.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let sources = texts.into_iter().filter(|(path, _)| !test_files.contains(path));
    sources
        .map(|(path, text)| {
            let path = path.strip_prefix(&root).unwrap().to_owned();
            let first = path.iter().next().unwrap().to_string_lossy();
            let module = first.trim_end_matches(".rs").to_owned();
            Source { code: without_tests(&text), path, module, text }
        })
        .collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The files of `#[cfg(test)] mod name;`.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let is_folder = path.ends_with("mod.rs") || path.ends_with("lib.rs");
    let folder = if is_folder { path.parent().unwrap().to_owned() } else { path.with_extension("") };
    let lines: Vec<&str> = text.lines().collect();
    let declared = lines.windows(2).filter(|pair| pair[0].trim() == "#[cfg(test)]").map(|pair| pair[1]);
    let names = declared.filter_map(|line| line.strip_suffix(';')?.rsplit_once("mod ").map(|(_, name)| name));
    names.map(|name| folder.join(format!("{name}.rs"))).collect()
}

/// Everything before the first `#[cfg(test)] mod … {`.
fn without_tests(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let opens =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].contains("mod ") && pair[1].ends_with('{');
    let end = lines.windows(2).position(opens).unwrap_or(lines.len());
    lines[..end].join("\n")
}

/// The code without its comments.
pub(crate) fn uncommented(code: &str) -> String {
    let kept = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    kept.collect::<Vec<_>>().join("\n")
}

fn name_at(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The top-level modules named after `crate::`, or after enough `super::` to come out at the crate.
fn imports(source: &Source) -> BTreeSet<String> {
    let code = uncommented(&source.code);
    let is_root = source.path.ends_with("mod.rs");
    let depth = source.path.components().count() - usize::from(is_root);
    let up = "super::".repeat(depth);
    let mut found = BTreeSet::new();
    for start in ["crate::", &up] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$' || c == ':') {
                continue;
            }
            let rest = &code[at + start.len()..];
            match rest.strip_prefix('{') {
                Some(group) => found.extend(group_names(group)),
                None => _ = found.insert(name_at(rest).to_owned()),
            }
        }
    }
    found.retain(|name| LAYERS.iter().any(|(module, _)| module == name));
    found
}

/// The first names in `a, b::{c, d}, e}`.
fn group_names(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut item) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut item)),
            _ => {}
        }
        item.push(c);
    }
    names.push(item);
    names.iter().map(|item| name_at(item.trim_start_matches([',', ' ', '\n'])).to_owned()).collect()
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    let sources = sources();
    let modules: BTreeSet<&str> = sources.iter().map(|source| source.module.as_str()).collect();
    let unknown: Vec<String> = modules
        .into_iter()
        .filter(|module| !matches!(*module, "lib" | "main") && layer(module).is_none())
        .map(|module| format!("src/{module} has no layer in tests/it/layers.rs"))
        .collect();
    assert_none(&unknown);
}

#[test]
fn a_folder_imports_only_lower_layers_or_has_a_reason() {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for source in sources() {
        let Some(own) = layer(&source.module) else { continue };
        for other in imports(&source).into_iter().filter(|other| *other != source.module) {
            let exception =
                EXCEPTIONS.iter().position(|(from, to, _)| *from == source.module && *to == other);
            used.extend(exception);
            if layer(&other) >= Some(own) && exception.is_none() {
                wrong.push(format!("src/{} imports {other}", source.path.display()));
            }
        }
    }
    let unused = (0..EXCEPTIONS.len()).filter(|at| !used.contains(at));
    wrong.extend(unused.map(|at| format!("nothing needs the exception {:?}", EXCEPTIONS[at])));
    assert_none(&wrong);
}

#[test]
fn parts_do_not_know_the_configuration_and_the_api_sees_only_the_handle_the_model_and_its_secret() {
    let mut wrong = Vec::new();
    for source in sources() {
        for other in imports(&source) {
            let is_part = layer(&source.module).is_some_and(|layer| layer < 5) && source.module != "config";
            let blind =
                source.module == "api" && !["api", "app", "model", "secret"].contains(&other.as_str());
            if (is_part && other == "config") || blind {
                wrong.push(format!("src/{} imports {other}", source.path.display()));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn the_core_does_no_io_and_asks_no_clock() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| layer(&source.module).is_some_and(|layer| layer <= 2)) {
        let code = uncommented(&source.code);
        let found = IMPURE.iter().filter(|word| code.contains(**word));
        wrong.extend(found.map(|word| format!("src/{} says {word}", source.path.display())));
    }
    assert_none(&wrong);
}

#[test]
fn every_file_opens_with_a_short_doc_and_is_not_too_long() {
    let mut wrong = Vec::new();
    for source in sources() {
        let doc = source.text.lines().take_while(|line| line.starts_with("//!"));
        let prose = doc.collect::<Vec<_>>().join("\n");
        // An example of the configuration is not prose.
        let prose: String = prose.split("```").step_by(2).collect();
        let doc = prose.lines().filter(|line| !matches!(line.trim(), "//!" | "")).count();
        let (path, lines) = (source.path.display(), source.code.lines().count());
        if doc == 0 || doc > DOC_LINES_MAX {
            wrong.push(format!("src/{path} opens with {doc} lines of doc; 1 to {DOC_LINES_MAX} will do"));
        }
        let most = if source.module == "main" { MAIN_LINES_MAX } else { FILE_LINES_MAX };
        if lines > most {
            wrong.push(format!("src/{path} has {lines} lines before its tests; {most} are enough"));
        }
    }
    assert_none(&wrong);
}

/// Functions of formatted code: the line that opens one, and the number of lines to its closing brace.
fn functions(code: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut functions = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let start = line.trim_start();
        let head = start.split("fn ").next().unwrap_or_default();
        let opens = start.contains("fn ")
            && head.split_whitespace().all(|word| {
                matches!(word, "pub" | "const" | "async" | "unsafe" | "pub(super)" | "pub(crate)")
            });
        if !opens {
            continue;
        }
        let indent = &line[..line.len() - start.len()];
        let closing = format!("{indent}}}");
        let signature = lines[at..].iter().position(|line| line.ends_with(['{', ';', '}']));
        let has_body = signature.is_some_and(|end| lines[at + end].ends_with('{'));
        let length = lines[at..].iter().position(|line| *line == closing).filter(|_| has_body);
        functions.push((start.to_owned(), length.map_or(1, |length| length + 1)));
    }
    functions
}

#[test]
fn no_function_is_too_long() {
    let mut wrong = Vec::new();
    let mut lengths = Vec::new();
    for source in sources() {
        for (head, length) in functions(&source.code) {
            lengths.push(length);
            if length > FUNCTION_LINES_MAX {
                wrong.push(format!("src/{}: {length} lines: {head}", source.path.display()));
            }
        }
    }
    assert_none(&wrong);
    lengths.sort_unstable();
    let at = |share: usize| lengths[lengths.len() * share / 100];
    println!("{} functions: median {} lines, p90 {}, p99 {}", lengths.len(), at(50), at(90), at(99));
    assert!(lengths.len() > 500 && at(50) <= 8 && at(90) <= 30, "median {}, p90 {}", at(50), at(90));
}

#[test]
fn only_formats_know_how_a_network_spells_things() {
    let is_allowed = |source: &Source| {
        let path = source.path.to_string_lossy().into_owned();
        SPELLERS.contains(&source.module.as_str()) || SPELT.iter().any(|(place, _)| path.starts_with(place))
    };
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !is_allowed(source)) {
        let code = uncommented(&source.code);
        let spelt = SPELLINGS.iter().filter(|spelling| code.contains(**spelling));
        wrong.extend(spelt.map(|spelling| format!("src/{} spells {spelling}", source.path.display())));
    }
    assert_none(&wrong);
}
