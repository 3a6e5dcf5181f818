//! A whole text folded, with its words, its hashtags, and an offset map back to the original.

use std::borrow::Cow;

use crate::model::Span;

use super::chars::{CharClass, char_class, fold_char_into};
use super::hash::word_hash;
use super::hashtag::{may_be_cut, readings};
use super::loose::Spellings;
use super::word::Word;

/// A text as rules see it.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    /// Folded text: words lower-case and without accents; spaces and punctuation kept, made uniform.
    pub text: String,
    /// Its words in order. A hashtag of several words contributes those (`#AcmeDown`: `acme`, `down`).
    pub words: Vec<Word>,
    /// Hashtags of several words as one word each (`#PayPalDown`: `paypaldown`, with its sign), and each few of their
    /// words in a row (`paypal`, `paldown`); ordered by where they start, besides `words`.
    pub tags: Vec<Word>,
    /// Links: where their `://` stands, and where they end.
    links: Vec<Span>,
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
        self.links.clear();
        self.has_non_ascii = !text.is_ascii();
        // Links matter where a sigil may stand in one.
        if self.has_non_ascii || memchr::memchr3(b'#', b'@', b'$', text.as_bytes()).is_some() {
            self.links.extend(links(text));
        }
        if self.has_non_ascii {
            self.fold_unicode(text);
            for at in 0..self.links.len() {
                let (start, end) = self.links[at];
                self.links[at] = self.folded_span(start, end);
            }
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

    /// Its words, then the tags.
    pub fn pieces(&self) -> impl Iterator<Item = &Word> {
        self.words.iter().chain(&self.tags)
    }

    /// How many pieces there are.
    #[must_use]
    pub fn piece_count(&self) -> usize {
        self.words.len() + self.tags.len()
    }

    /// Piece `at`, if there is one.
    #[must_use]
    pub fn piece(&self, at: usize) -> Option<&Word> {
        self.words.get(at).or_else(|| self.tags.get(at - self.words.len()))
    }

    /// The pieces that a phrase may go on with after piece `at`: the next word, and the tags that start where it does.
    pub fn pieces_after(&self, at: usize) -> impl Iterator<Item = usize> + use<> {
        if self.tags.is_empty() {
            return (at + 1..(at + 2).min(self.words.len())).chain(0..0);
        }
        let end = self.piece(at).map_or(u32::MAX, |piece| piece.end);
        let from = |pieces: &[Word]| pieces.partition_point(|piece| piece.start < end);
        // Words stand apart: behind one is the next.
        let word = if at < self.words.len() { at + 1 } else { from(&self.words) };
        let tag = from(&self.tags);
        let start_of = |piece: Option<&Word>| piece.map_or(u32::MAX, |piece| piece.start);
        let next = start_of(self.words.get(word)).min(start_of(self.tags.get(tag)));
        let words = usize::from(self.words.get(word).is_some_and(|word| word.start == next));
        let tags = self.tags[tag..].partition_point(|piece| piece.start <= next);
        let first_tag = self.words.len() + tag;
        (word..word + words).chain(first_tag..first_tag + tags)
    }

    /// Its words, each hashtag as one: how the terms of queries are read.
    #[must_use]
    pub fn whole_words(&self) -> Cow<'_, [Word]> {
        if self.tags.is_empty() {
            return Cow::Borrowed(&self.words);
        }
        let tags = || self.tags.iter().filter(|tag| tag.sigil == b'#');
        let is_part = |word: &Word| tags().any(|tag| tag.start <= word.start && word.end <= tag.end);
        let mut whole: Vec<Word> =
            self.words.iter().filter(|word| !is_part(word)).chain(tags()).copied().collect();
        whole.sort_by_key(|word| word.start);
        Cow::Owned(whole)
    }

    /// The sigil that ends at byte `end` of the folded text, if it opens an entity: not inside a word, a link or a run
    /// of sigils.
    #[must_use]
    pub fn sigil_before(&self, end: usize) -> u8 {
        self.open_sigil_before(end, end)
    }

    /// Works out the loose spellings of all pieces, for rules with `fold = "loose"`.
    pub fn loosen(&mut self) {
        self.loose.fill(&self.text, self.words.iter().chain(&self.tags));
    }

    /// Hash and text of the other spellings of piece `at`: repeated letters taken out, digits read as letters, letters
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
        let sigil = self.open_sigil_before(start, original);
        let original_end = self.map.get(end).map_or(text.len(), |&at| at as usize);
        let tag = &text[original..original_end];
        if sigil != b'#' || start == end || !may_be_cut(tag.as_bytes()) {
            return self.push_word(start, end, sigil);
        }
        self.push_tag(start, end, tag, |map, at| {
            start + map[start..end].partition_point(|&from| (from as usize) < original + at)
        });
    }

    fn push_ascii_run(&mut self, text: &str, start: usize, end: usize) {
        let sigil = self.open_sigil_before(start, start);
        let tag = &text[start..end];
        if sigil != b'#' || !may_be_cut(tag.as_bytes()) {
            return self.push_word(start, end, sigil);
        }
        self.push_tag(start, end, tag, |_, at| start + at);
    }

    /// As [`Folded::sigil_before`]; `place` is the same place in the text that the links are places of.
    fn open_sigil_before(&self, end: usize, place: usize) -> u8 {
        let sigil = sigil_before(&self.text.as_bytes()[..end]);
        let last = || self.links.partition_point(|link| (link.0 as usize) < place).checked_sub(1);
        let is_in_link = || last().is_some_and(|last| place <= self.links[last].1 as usize);
        if sigil != 0 && is_in_link() { 0 } else { sigil }
    }

    /// Adds the readings of a hashtag, written as `tag`; `place` maps its bytes to those of the folded text.
    fn push_tag(&mut self, start: usize, end: usize, tag: &str, place: impl Fn(&[u32], usize) -> usize) {
        let readings = readings(tag);
        if readings.is_empty() {
            return self.push_word(start, end, b'#');
        }
        self.tags.push(self.make_word(start, end, b'#'));
        for reading in readings {
            let (start, end) = (place(&self.map, reading.start), place(&self.map, reading.end));
            if reading.is_word {
                self.push_word(start, end, 0);
            } else if start < end {
                self.tags.push(self.make_word(start, end, 0));
            }
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
    let is_mark = |c: &char| matches!(c, '\u{3099}' | '\u{309A}' | 'ﾞ' | 'ﾟ' | '\u{1160}'..='\u{11FF}');
    let pair: String = [c, next.filter(is_mark)?].into_iter().collect();
    let composed = icu_normalizer::ComposingNormalizerBorrowed::new_nfkc().normalize(&pair).into_owned();
    let mut chars = composed.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// The `scheme://…` of `text`: where the `://` stands, and the white space or closing quote that ends it.
fn links(text: &str) -> impl Iterator<Item = Span> + '_ {
    let bytes = text.as_bytes();
    let mut last_end = 0;
    memchr::memchr_iter(b':', bytes).filter_map(move |at| {
        let has_scheme = bytes[..at].last().is_some_and(u8::is_ascii_alphanumeric);
        if at < last_end || !has_scheme || !bytes[at..].starts_with(b"://") {
            return None;
        }
        let len = text[at..].find(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '»' | '”'));
        last_end = len.map_or(text.len(), |len| at + len);
        Some((at as u32, last_end as u32))
    })
}

/// The sigil that ends `before`, unless it stands inside a word or a run of sigils, or looks like a part of a link.
fn sigil_before(before: &[u8]) -> u8 {
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

    fn tags(text: &str) -> Vec<String> {
        let folded = Folded::new(text);
        folded.tags.iter().map(|tag| folded.word(tag).to_owned()).collect()
    }

    #[test]
    fn hashtags_of_several_words_split_and_stay_whole() {
        assert_eq!(tags("so #AcmeDown #plain #ÉcoleNord #acme_up"), ["acmedown", "ecolenord", "acme_up"]);
        assert_eq!(words("so #AcmeDown #NASAHub #plain"), ["so", "acme", "down", "nasa", "hub", "plain"]);
        assert_eq!(words("#Cafe\u{301}Nord #NASAE\u{301}cole"), ["cafe", "nord", "nasa", "ecole"]);
        assert_eq!(words("#acme_ #_ #__ #2024 #_2024"), ["acme", "_", "__", "2024", "2024"]);
    }

    #[test]
    fn some_words_of_a_hashtag_in_a_row_are_a_name() {
        for prefix in ["", "é "] {
            let tags = tags(&format!("{prefix}#McDonaldsFail"));
            assert_eq!(tags, ["mcdonaldsfail", "mcdonalds", "donaldsfail"]);
        }
        assert_eq!(tags("#ÉcoleDuNord"), ["ecoledunord", "ecoledu", "dunord"]);
    }

    #[test]
    fn phrases_go_on_after_any_reading() {
        let folded = Folded::new("my #PayPalDown day");
        let after = |word: &str| -> Vec<&str> {
            let pieces = || (0..folded.piece_count()).map(|at| (at, folded.word(folded.piece(at).unwrap())));
            let at = pieces().find(|(_, piece)| *piece == word).unwrap().0;
            folded.pieces_after(at).map(|at| folded.word(folded.piece(at).unwrap())).collect()
        };
        assert_eq!(after("my"), ["pay", "paypaldown", "paypal"]);
        assert_eq!(after("pay"), ["pal", "paldown"]);
        assert_eq!(after("paypal"), ["down"]);
        assert_eq!(after("paldown"), ["day"]);
        assert_eq!(after("day"), [""; 0]);
    }

    /// Hours when the time is quadratic.
    #[test]
    fn a_hashtag_of_a_million_letters_is_folded() {
        let folded = Folded::new(&format!("é #{}", "aB".repeat(1 << 19)));
        assert_eq!(folded.words.len(), 1 + (1 << 19));
        assert_eq!(folded.tags[0].end as usize, folded.text.len());
    }

    #[test]
    fn a_part_of_a_link_is_not_a_hashtag() {
        let sigils = |text: &str| Folded::new(text).words.iter().map(|word| word.sigil).collect::<Vec<_>>();
        assert_eq!(sigils("x.com/#frag a#b #c @d $E (#f"), [0, 0, 0, 0, 0, b'#', b'@', b'$', b'#']);
        for link in ["http://a/東京#b", "x https://a/?#b", "ftp://a-#b", "é http://a.#b/@c", "(http://a#b)#c"]
        {
            assert!(sigils(link).iter().all(|sigil| *sigil == 0), "{link}");
            let last = sigils(&format!("{link} #x"));
            assert_eq!(last.last(), Some(&b'#'), "{link}");
        }
        assert_eq!(sigils("://#a"), [0]);
        assert_eq!(sigils("é ://-#a http://x\"#b"), [0, b'#', 0, 0, b'#']);
    }

    #[test]
    fn a_brand_ends_where_an_unspaced_script_begins() {
        assert_eq!(words("Acmeが落ちた 네슬레는 acme"), ["acme", "acme"]);
    }

    #[test]
    fn letters_sent_one_by_one_make_the_same_syllables() {
        let decomposed = "\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8} カ\u{3099}";
        assert_eq!(Folded::new(decomposed).text, "한국 ガ");
        assert_eq!(Folded::new("ｶﾞ ﾄﾞｺﾓ ﾊﾟﾊﾟ カﾞ ｶ\u{3099}").text, "ガ ドコモ パパ ガ ガ");
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
