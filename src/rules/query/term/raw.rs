//! `raw:"AT&T"`: exactly these characters, case and punctuation included, and not a part of a longer word.

use crate::text::{CharClass, Folded, as_written, char_class};

/// The words by which a raw text is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// All its words, folded: the first alone is often `the`.
    pub words: Vec<String>,
    /// Where the first starts in the raw text.
    pub offset: u32,
}

/// The words of `raw`, if it has any that every text with `raw` in it shows as whole words.
pub(in crate::rules) fn key(raw: &str, folded: &mut Folded) -> Option<Key> {
    folded.fold(raw);
    if raw.contains('#') || raw.contains('＃') {
        // Camel-case hashtags are cut into words, and what opens one depends on what stands before.
        return None;
    }
    let first = folded.words.first()?;
    let (offset, _) = folded.original_span(first.start, first.end);
    let words = folded.words.iter().map(|word| folded.word(word).to_owned()).collect();
    Some(Key { words, offset })
}

/// Every place of `raw` in the text as written, as ranges of the folded text.
pub(in crate::rules) fn find_all(raw: &str, text: &Folded) -> Vec<(u32, u32)> {
    let written = text.written();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = written[from..].find(raw) {
        let at = from + at;
        found.extend(place(raw, text, at));
        from = at + written[at..].chars().next().map_or(1, char::len_utf8);
    }
    found
}

/// The range of the folded text when `raw` stands at byte `at` of the text as written.
pub(in crate::rules) fn place(raw: &str, text: &Folded, at: usize) -> Option<(u32, u32)> {
    let written = text.written();
    let end = at + raw.len();
    let stands = written.get(at..).is_some_and(|rest| rest.starts_with(raw));
    if !stands || is_cut(&written[..at], raw) || is_cut(raw, &written[end..]) || is_accented(&written[end..])
    {
        return None;
    }
    Some(text.folded_span(at as u32, end as u32))
}

/// True when a word goes on from `before` into `after`. Characters that folding drops do not end a word.
fn is_cut(before: &str, after: &str) -> bool {
    let is_word = |c: Option<CharClass>| c == Some(CharClass::Word);
    let seen = |class: &CharClass| *class != CharClass::Dropped;
    is_word(before.chars().rev().map(char_class).find(seen))
        && is_word(after.chars().map(char_class).find(seen))
}

/// True when an accent that was sent by itself opens `after`: it belongs to the character before it.
fn is_accented(after: &str) -> bool {
    let is_accent = |c: char| {
        // What nobody sees is no accent, and goes from what is compared as written.
        char_class(c) == CharClass::Dropped && !as_written(c.encode_utf8(&mut [0; 4])).is_empty()
    };
    after.chars().next().is_some_and(is_accent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(raw: &str, text: &str) -> Vec<String> {
        let folded = Folded::new(text);
        let places = find_all(raw, &folded);
        places.into_iter().map(|(start, end)| folded.original_text(start, end).to_owned()).collect()
    }

    #[test]
    fn raw_text_keeps_case_and_punctuation_and_ends_with_its_word() {
        assert_eq!(found("AT&T", "AT&T at&t AT & T xAT&T AT&Tx (AT&T)"), ["AT&T", "AT&T"]);
        assert_eq!(found(":-(", "oh :-( no:-("), [":-(", ":-("]);
        assert_eq!(found("AI", "SAID AI AIs"), ["AI"]);
        assert_eq!(found("Café", "É Café café Cafe"), ["Café"]);
        assert_eq!(found("Cafe", "Cafe\u{301} Cafe\u{200B}"), ["Cafe\u{200B}"]);
    }

    #[test]
    fn the_key_is_whole_words() {
        let key = |raw| key(raw, &mut Folded::default()).map(|key| (key.words.join(" "), key.offset));
        assert_eq!(key("«AT&T»"), Some(("at t".to_owned(), 2)));
        assert_eq!(key(":-("), None);
        assert_eq!(key("#AcmeDown"), None);
    }
}
