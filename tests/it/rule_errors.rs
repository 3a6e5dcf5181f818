//! Bad rules are refused with every error at once, each under its characters: golden texts in
//! `tests/golden/rules-errors/`, one folder of rules a case. `UPDATE_EXPECT=1` rewrites them.

use std::fs;
use std::path::{Path, PathBuf};

use birddog::rules::diagnostic::{SourceFile, render};
use birddog::rules::pack::load;
use birddog::ruleset;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rules-errors")
}

/// The folder's files, named without the folder, so that the text is the same on every machine.
fn files(folder: &Path) -> Vec<SourceFile> {
    let mut files = ruleset::read_dir(folder).unwrap();
    for file in &mut files {
        file.path = file.path.strip_prefix(folder).unwrap().to_owned();
    }
    files
}

#[test]
fn errors_are_shown_under_their_characters_all_at_once() {
    let mut cases: Vec<PathBuf> =
        fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    assert!(cases.len() >= 4);
    for case in cases {
        let files = files(&case);
        let (_, findings) = load(&files);
        let shown = render(&findings, &files, false);
        let expected = case.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &shown).unwrap();
        }
        let golden = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(shown, golden, "{}: UPDATE_EXPECT=1 rewrites it", case.display());
    }
}
