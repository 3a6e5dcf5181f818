//! Any text: its words lie in order on whole characters of the original, its loose spellings belong to its words, and
//! the fast scan sees every word that folding sees.
#![no_main]

use birddog::text::{Folded, for_each_folded_word, for_each_run, word_hash};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut folded = Folded::new(text);
    folded.loosen();
    assert_eq!(folded.written(), text);
    let mut last = 0;
    for (at, word) in folded.words.iter().enumerate() {
        let (start, end) = folded.original_span(word.start, word.end);
        assert!(start >= last && start < end, "{text:?}");
        assert_eq!(folded.original(word), &text[start as usize..end as usize]);
        assert_eq!(word.hash, word_hash(folded.word(word).as_bytes()));
        let spelled = |(hash, spelling): (u64, &str)| {
            hash == word_hash(spelling.as_bytes()) && !spelling.is_empty() && spelling != folded.word(word)
        };
        assert!(folded.loose_spellings(at).all(spelled), "{text:?}");
        last = end;
    }
    assert!(folded.tags.is_sorted_by_key(|tag| tag.start), "{text:?}");
    for tag in &folded.tags {
        assert_eq!(tag.hash, word_hash(folded.word(tag).as_bytes()));
        assert!(folded.words.iter().any(|word| word.start < tag.end && tag.start < word.end), "{text:?}");
    }
    for at in 0..folded.piece_count() {
        let end = folded.piece(at).map_or(0, |piece| piece.end);
        let goes_on = |next: usize| folded.piece(next).is_some_and(|piece| piece.start >= end);
        assert!(folded.pieces_after(at).all(goes_on), "{text:?}");
    }
    let mut runs = Vec::new();
    for_each_run(text.as_bytes(), |run| runs.push(run));
    if text.is_ascii() {
        let mut seen = Vec::new();
        for_each_folded_word(text, &mut String::new(), |word| seen.push(word.to_owned()));
        assert_eq!(runs.len(), seen.len(), "{text:?}");
        // A letter of another script must not change how the rest is read.
        let longer = Folded::new(&format!("{text} é"));
        assert_eq!(longer.words.len(), folded.words.len() + 1, "{text:?}");
        assert!(longer.words.iter().zip(&folded.words).all(|(a, b)| a == b), "{text:?}");
        assert_eq!(longer.tags, folded.tags);
    }
});
