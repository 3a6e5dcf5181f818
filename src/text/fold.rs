//! A whole text folded, with its words, its hashtags, and an offset map back to the original.

use crate::model::Span;

use super::chars::{CharClass, char_class, fold_char_into};
use super::hash::word_hash;
use super::loose::Spellings;

/// One word of a [`Folded`] text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Byte range in [`Folded::text`].
    pub start: u32,
    /// End of it, exclusive.
    pub end: u32,
    /// [`word_hash`] of the folded bytes.
    pub hash: u64,
    /// `#`, `@` or `$` where the word directly follows one that opens an entity, else 0.
    pub sigil: u8,
}

/// A text as rules see it.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    /// Folded text: words lower-case and without accents; spaces and punctuation kept, made uniform.
    pub text: String,
    /// Its words in order. A camel-case hashtag contributes its parts (`#AcmeDown`: `acme`, `down`).
    pub words: Vec<Word>,
    /// Camel-case hashtags as one word each (`acmedown`), besides their parts in `words`.
    pub tags: Vec<Word>,
    /// For each byte of `text`, the offset in the original of the character it came from, and the end at last.
    /// Empty when the original is ASCII: then offsets are the same.
    map: Vec<u32>,
    /// The text as it came.
    original: String,
    /// Other spellings of its words, once [`Folded::loosen`] was called.
    loose: Spellings,
    /// Some character is neither ASCII nor dropped: substring terms are worth looking for.
    pub has_non_ascii: bool,
}

impl Folded {
    /// Folds `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut folded = Self::default();
        folded.fold(text);
        folded
    }

    /// Folds `text` into this, reusing its buffers.
    pub fn fold(&mut self, text: &str) {
        self.original.clear();
        self.original.push_str(text);
        self.text.clear();
        self.words.clear();
        self.tags.clear();
        self.map.clear();
        self.loose.clear();
        self.has_non_ascii = !text.is_ascii();
        if self.has_non_ascii {
            self.fold_unicode(text);
        } else {
            self.fold_ascii(text);
        }
    }

    /// The folded bytes of `word`.
    #[must_use]
    pub fn word(&self, word: &Word) -> &str {
        &self.text[word.start as usize..word.end as usize]
    }

    /// `word` as it was written.
    #[must_use]
    pub fn original(&self, word: &Word) -> &str {
        self.original_text(word.start, word.end)
    }

    /// A range of the folded text as it was written.
    #[must_use]
    pub fn original_text(&self, start: u32, end: u32) -> &str {
        let (start, end) = self.original_span(start, end);
        &self.original[start as usize..end as usize]
    }

    /// What stands between two words, in folded form.
    #[must_use]
    pub fn gap(&self, before: &Word, after: &Word) -> &str {
        self.text.get(before.end as usize..after.start as usize).unwrap_or("")
    }

    /// The bytes of the original that a range of the folded text came from.
    #[must_use]
    pub fn original_span(&self, start: u32, end: u32) -> Span {
        if self.map.is_empty() || start >= end {
            return (start, end);
        }
        // The end is where the character after the range began; what lies between (dropped marks) belongs to it.
        (self.map[start as usize], self.map[end as usize])
    }

    /// The text as it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.original
    }

    /// The range of the folded text that came from bytes `start..end` of the original.
    #[must_use]
    pub fn folded_span(&self, start: u32, end: u32) -> Span {
        if self.map.is_empty() {
            return (start, end);
        }
        let folded = |at| self.map.partition_point(|&original| original < at) as u32;
        (folded(start), folded(end).min(self.text.len() as u32))
    }

    /// Works out the loose spellings of all words, for rules with `fold = "loose"`.
    pub fn loosen(&mut self) {
        self.loose.fill(&self.text, &self.words);
    }

    /// Hash and text of the other spellings of word `at`: repeated letters taken out, digits read as letters, letters
    /// of another script read as those that look the same. None before [`Folded::loosen`].
    pub fn loose_spellings(&self, at: usize) -> impl Iterator<Item = (u64, &str)> {
        self.loose.of_word(at)
    }

    fn fold_ascii(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.make_ascii_lowercase();
        // The same characters as `chars` folds, so that an emoji elsewhere changes nothing here.
        if text.bytes().any(|byte| matches!(byte, b'`' | b'\t'..=b'\r')) {
            self.text = self.text.replace('`', "'").replace(['\t', '\n', '\x0B', '\x0C', '\r'], " ");
        }
        super::scan::for_each_run(text.as_bytes(), |run| self.push_ascii_run(text, run.start, run.end));
    }

    fn fold_unicode(&mut self, text: &str) {
        // Bytes of the original per byte of the folded text; words are cut where the class changes.
        let mut run: Option<(usize, usize)> = None;
        let mut chars = text.char_indices().peekable();
        while let Some((at, mut c)) = chars.next() {
            let start = self.text.len();
            while let Some(whole) = composed_with_next(c, chars.peek().map(|&(_, next)| next)) {
                chars.next();
                c = whole;
            }
            let class = fold_char_into(c, &mut self.text);
            self.map.resize(self.text.len(), at as u32);
            match (class, run) {
                (CharClass::Dropped, _) => {}
                (CharClass::Word, None) => run = Some((start, at)),
                (CharClass::Word, Some(_)) => {}
                (_, Some((run_start, run_at))) => {
                    self.push_unicode_run(text, run_start, start, run_at);
                    run = None;
                }
                (_, None) => {}
            }
        }
        let end = self.text.len();
        self.map.push(text.len() as u32);
        if let Some((run_start, run_at)) = run {
            self.push_unicode_run(text, run_start, end, run_at);
        }
    }

    fn push_unicode_run(&mut self, text: &str, start: usize, end: usize, original: usize) {
        let sigil = sigil_before(&self.text.as_bytes()[..start]);
        if sigil != b'#' || start == end {
            return self.push_word(start, end, sigil);
        }
        let original_end = self.map.get(end).map_or(text.len(), |&at| at as usize);
        let tag = &text[original..original_end];
        let cuts: Vec<usize> = camel_cuts(tag)
            .filter_map(|cut| self.map[start..end].iter().position(|&at| at as usize >= original + cut))
            .map(|offset| start + offset)
            .collect();
        self.push_tag(start, end, &cuts);
    }

    fn push_ascii_run(&mut self, text: &str, start: usize, end: usize) {
        let sigil = sigil_before(&text.as_bytes()[..start]);
        if sigil != b'#' {
            return self.push_word(start, end, sigil);
        }
        let cuts: Vec<usize> = camel_cuts(&text[start..end]).map(|cut| start + cut).collect();
        self.push_tag(start, end, &cuts);
    }

    fn push_tag(&mut self, start: usize, end: usize, cuts: &[usize]) {
        if cuts.is_empty() {
            return self.push_word(start, end, b'#');
        }
        self.tags.push(self.make_word(start, end, b'#'));
        let bounds: Vec<usize> = std::iter::once(start).chain(cuts.iter().copied()).chain([end]).collect();
        for pair in bounds.windows(2) {
            self.push_word(pair[0], pair[1], 0);
        }
    }

    fn push_word(&mut self, start: usize, end: usize, sigil: u8) {
        if start == end {
            return;
        }
        let word = self.make_word(start, end, sigil);
        self.words.push(word);
    }

    fn make_word(&self, start: usize, end: usize, sigil: u8) -> Word {
        let hash = word_hash(&self.text.as_bytes()[start..end]);
        Word { start: start as u32, end: end as u32, hash, sigil }
    }
}

/// Calls `each` with every folded word of `text`, in order: the words of [`Folded`] without their places, except that
/// camel-case hashtags stay whole. `buffer` is working memory.
pub fn for_each_folded_word(text: &str, buffer: &mut String, mut each: impl FnMut(&str)) {
    buffer.clear();
    let mut start = 0;
    for c in text.chars() {
        let end = buffer.len();
        match fold_char_into(c, buffer) {
            CharClass::Word | CharClass::Dropped => {}
            _ => {
                if start < end {
                    each(&buffer[start..end]);
                }
                start = buffer.len();
            }
        }
    }
    if start < buffer.len() {
        each(&buffer[start..]);
    }
}

/// Kana with a separate voicing mark and Hangul in separate letters, as some systems send them, compose to one character.
fn composed_with_next(c: char, next: Option<char>) -> Option<char> {
    let next = next.filter(|n| matches!(n, '\u{3099}' | '\u{309A}' | '\u{1160}'..='\u{11FF}'))?;
    let pair: String = [c, next].into_iter().collect();
    let composed = icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(&pair).into_owned();
    let mut chars = composed.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// The sigil that ends `before`, if it opens an entity: not inside a word, a URL path or a run of sigils.
#[must_use]
pub fn sigil_before(before: &[u8]) -> u8 {
    let [rest @ .., sigil @ (b'#' | b'@' | b'$')] = before else { return 0 };
    match rest.last() {
        Some(b'/' | b'#' | b'@' | b'$' | b'&' | b'=' | b'_') => 0,
        Some(byte) if byte.is_ascii_alphanumeric() => 0,
        // Unspaced scripts write tags without a space; other letters make it part of a word.
        Some(byte) if !byte.is_ascii() => match last_char(rest).map(char_class) {
            Some(CharClass::Word) => 0,
            _ => *sigil,
        },
        _ => *sigil,
    }
}

fn last_char(bytes: &[u8]) -> Option<char> {
    let start = bytes.iter().rposition(|byte| !(0x80..0xC0).contains(byte))?;
    std::str::from_utf8(&bytes[start..]).ok()?.chars().next()
}

/// Where a hashtag's camel case starts a new word: lower→Upper (`acmeDown`) and before the last capital of a run that
/// a lower-case letter follows (`NASAHub`: `nasa`, `hub`). Byte offsets, ascending, none at 0.
pub(super) fn camel_cuts(tag: &str) -> impl Iterator<Item = usize> + '_ {
    let mut before: Option<char> = None;
    // An accent that was sent by itself belongs to the letter before it.
    let is_seen = |&(_, c): &(usize, char)| c.is_ascii() || char_class(c) != CharClass::Dropped;
    let mut chars = tag.char_indices().filter(is_seen).peekable();
    std::iter::from_fn(move || {
        loop {
            let (at, c) = chars.next()?;
            let Some(previous) = before.replace(c) else { continue };
            let next_is_lower = chars.peek().is_some_and(|&(_, next)| next.is_lowercase());
            let starts = c.is_uppercase()
                && (previous.is_lowercase()
                    || (previous.is_uppercase() && next_is_lower)
                    || previous.is_numeric());
            if starts {
                return Some(at);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        let folded = Folded::new(text);
        folded.words.iter().map(|word| folded.word(word).to_owned()).collect()
    }

    #[test]
    fn possessives_and_elisions_set_the_brand_free() {
        assert_eq!(words("Acme's l'Oréal d’Acme"), ["acme", "s", "l", "oreal", "d", "acme"]);
        assert_eq!(words("j’ai vu"), ["j", "ai", "vu"]);
    }

    #[test]
    fn camel_case_hashtags_split_and_stay_whole() {
        let folded = Folded::new("so #AcmeDown #NASAHub #plain #ÉcoleNord");
        let tags: Vec<&str> = folded.tags.iter().map(|tag| folded.word(tag)).collect();
        assert_eq!(tags, ["acmedown", "nasahub", "ecolenord"]);
        assert_eq!(words("so #AcmeDown #NASAHub #plain"), ["so", "acme", "down", "nasa", "hub", "plain"]);
        assert_eq!(words("#Cafe\u{301}Nord #NASAE\u{301}cole"), ["cafe", "nord", "nasa", "ecole"]);
    }

    #[test]
    fn a_url_fragment_is_not_a_hashtag() {
        let sigils = |text: &str| Folded::new(text).words.iter().map(|word| word.sigil).collect::<Vec<_>>();
        assert_eq!(sigils("x.com/#frag a#b #c @d $E (#f"), [0, 0, 0, 0, 0, b'#', b'@', b'$', b'#']);
    }

    #[test]
    fn a_brand_ends_where_an_unspaced_script_begins() {
        assert_eq!(words("Acmeが落ちた 네슬레는 acme"), ["acme", "acme"]);
    }

    #[test]
    fn letters_sent_one_by_one_make_the_same_syllables() {
        let decomposed = "\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8} カ\u{3099}";
        assert_eq!(Folded::new(decomposed).text, "한국 ガ");
    }

    #[test]
    fn spans_point_into_the_original() {
        let text = "été: ＡＣＭＥ™ down";
        let folded = Folded::new(text);
        let (start, end) = folded.original_span(folded.words[1].start, folded.words[1].end);
        assert_eq!(&text[start as usize..end as usize], "ＡＣＭＥ");
    }

    proptest! {
        #[test]
        fn every_word_maps_to_whole_characters_of_the_original(text in "\\PC{0,60}") {
            let folded = Folded::new(&text);
            let mut last = 0;
            for word in &folded.words {
                let (start, end) = folded.original_span(word.start, word.end);
                prop_assert!(start >= last && end > start && text.get(start as usize..end as usize).is_some());
                last = end;
            }
        }
    }
}
