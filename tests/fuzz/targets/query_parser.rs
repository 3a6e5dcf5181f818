//! Any text as a query: a tree with an anchor that prints itself and parses again, or errors that point into the text.
#![no_main]

use birddog::rules::parse::{has_anchor, parse};
use birddog::rules::term::{Fold, Pattern};
use libfuzzer_sys::fuzz_target;

fn lists(name: &str) -> Option<Vec<Pattern>> {
    (name == "products").then(|| vec![Pattern::new("acme box", Fold::Standard).unwrap()])
}

fuzz_target!(|query: &str| {
    for fold in [Fold::Exact, Fold::Standard, Fold::Loose] {
        match parse(query, fold, &lists) {
            Ok(node) => {
                assert!(has_anchor(&node));
                assert!(query.get(node.span.0 as usize..node.span.1 as usize).is_some());
                let printed = node.to_string();
                let again = parse(&printed, fold, &lists).map(|node| node.to_string());
                assert_eq!(again.as_ref(), Ok(&printed), "{query:?}");
            }
            Err(errors) => {
                assert!(!errors.is_empty());
                for error in errors {
                    assert!(query.get(error.span.0 as usize..error.span.1 as usize).is_some(), "{error:?}");
                    assert!(!error.to_string().is_empty() && !error.problem.hint().is_empty(), "{error:?}");
                }
            }
        }
    }
});
