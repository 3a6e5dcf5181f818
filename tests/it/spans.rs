//! Spans always point into the original text: whatever the text, the fold and the form of the term, they are whole
//! characters of it, and what they show is what was looked for.

use birddog::model::{Post, Scores};
use birddog::rules::ast::{Kind, Node, Term};
use birddog::rules::term::{Fold, Form, Pattern};
use birddog::rules::{Facts, RuleSet, Scratch, naive, unscored};
use birddog::text::Folded;
use proptest::prelude::*;

use crate::vocabulary::{any_query, any_text, info};

/// Words of the vocabulary among any characters of Unicode, marks and unassigned ones included.
fn any_mixture() -> impl Strategy<Value = String> {
    let strange = prop_oneof![
        any::<String>(),
        "\\PC{0,8}",
        "[\u{300}-\u{36F}\u{1100}-\u{11FF}\u{3099}ﬁİßａ\u{200D}\u{FE0F}]{0,4}"
    ];
    prop::collection::vec((strange, any_text()), 0..4)
        .prop_map(|parts| parts.iter().flat_map(|part| [part.0.as_str(), &part.1]).collect())
}

/// A word of the text itself as a query, in any fold and form.
fn any_term_of(text: &str) -> impl Strategy<Value = Option<Node>> + use<> {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let fold = prop::sample::select(vec![Fold::Exact, Fold::Standard, Fold::Loose]);
    (any::<prop::sample::Index>(), fold, 0..4_u8).prop_map(move |(at, fold, form)| {
        let word = words.get(at.index(words.len().max(1)))?;
        let half: String = word.chars().take(word.chars().count().div_ceil(2)).collect();
        let pattern = match form {
            0 => Pattern::new(word, fold),
            1 => Pattern::new(&format!("{half}*"), fold),
            2 => Pattern::new(&format!("*{half}"), fold),
            _ => Pattern::new(&half, fold),
        };
        Some(Node { span: (0, 0), kind: Kind::Term(Term::Text(pattern.ok()?.into())) })
    })
}

fn spans_of(query: &Node, post: &Post) -> Vec<(u32, u32)> {
    let set = RuleSet::compile(vec![(info(0), query)]);
    let found = set.matches(post, &mut Scratch::default(), &mut unscored);
    let segments = naive::segments(post);
    if naive::matches(query, post, &segments, &Scores::default()) {
        let naive = naive::spans(query, &Facts { post, segments: &segments, scores: &Scores::default() });
        for span in found.iter().flat_map(|found| &found.spans) {
            assert!(naive.contains(span), "{query} in {:?}", post.text);
        }
        naive
    } else {
        assert!(found.is_empty(), "{query} in {:?}", post.text);
        Vec::new()
    }
}

/// The pattern without what only its surroundings show.
fn bare(pattern: &Pattern) -> Pattern {
    let mut bare = pattern.clone();
    match &mut bare.form {
        Form::Words { sigil, .. } | Form::Prefix { sigil, .. } | Form::Wildcard { sigil, .. } => *sigil = 0,
        Form::Substring { .. } | Form::Row(_) | Form::Raw { .. } => {}
    }
    bare
}

fn check(query: &Node, text: &str) {
    let post = Post { text: text.to_owned(), ..Post::default() };
    for (start, end) in spans_of(query, &post) {
        let shown = text.get(start as usize..end as usize);
        let shown = shown.unwrap_or_else(|| panic!("{start}..{end} of {query} cuts {text:?}"));
        assert!(!shown.is_empty(), "{query} in {text:?}");
        if let Kind::Term(Term::Text(pattern)) = &query.kind {
            // What a hashtag's capitals part are words only behind its sign.
            let is_found = [shown.to_owned(), format!("#{shown}")].iter().any(|shown| {
                let mut folded = Folded::new(shown);
                folded.loosen();
                !bare(pattern).find_all(&folded).is_empty()
            });
            assert!(is_found, "{query} is not in {shown:?} of {text:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::dice::cases_or(2_000)))]

    #[test]
    fn spans_of_terms_show_the_terms((text, query) in any_mixture().prop_flat_map(|text| {
        let term = any_term_of(&text);
        (Just(text), term)
    })) {
        if let Some(query) = query {
            check(&query, &text);
        }
    }

    #[test]
    fn spans_of_any_query_are_whole_characters(text in any_mixture(), query in any_query()) {
        check(&query, &text);
    }
}
