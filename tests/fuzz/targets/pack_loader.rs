//! Any text as a pack, and what follows a line of `%%` as its list: whatever is wrong is reported in its place, and
//! what is right can be linted, printed and tested.
#![no_main]

use birddog::rules::diagnostic::{SourceFile, render};
use birddog::rules::lint::lint;
use birddog::rules::pack::load;
use birddog::rules::{cases, unscored};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (pack, list) = text.split_once("\n%%\n").unwrap_or((text, "acme cloud\n#acmedown\noutag*\n"));
    let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.to_owned() };
    let files = [file("acme.toml", pack), file("words.txt", list)];
    let (packs, errors) = load(&files);
    let warnings = lint(&packs, &files, &mut unscored);
    for found in errors.iter().chain(&warnings) {
        let text = &files[found.file].text;
        assert!(text.get(found.span.0 as usize..found.span.1 as usize).is_some(), "{found:?}");
        assert!(!found.message.is_empty() && !found.id.is_empty());
    }
    assert_eq!(render(&errors, &files, false).is_empty(), errors.is_empty());
    let _ = render(&warnings, &files, true);
    for rule in &packs.rules {
        let (start, end) = rule.place(&files, rule.query.span);
        assert!(files[rule.file].text.get(start as usize..end as usize).is_some(), "{rule:?}");
    }
    let _ = cases::run(&packs.rules, &mut unscored);
});
