//! The loose spellings of a word (rules/README.md, `fold = "loose"`): `soooo`, `n3stl3`, `Nеstlе` with a Cyrillic е.
//!
//! They stand beside the word as it is folded; a loose rule matches any of them. Worked out only where such rules are.

use unicode_security::skeleton;

use super::hash::word_hash;
use super::word::Word;

/// Longer words have no other spellings: nobody disguises a brand in forty characters.
const WORD_BYTES_MAX: usize = 40;

/// The other spellings of the words of one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Spellings {
    /// All spellings, one after the other.
    text: String,
    /// Index of the word, range in `text`, hash; in order of word.
    entries: Vec<(u32, u32, u32, u64)>,
}

impl Spellings {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
    }

    pub(super) fn fill<'w>(&mut self, text: &str, words: impl Iterator<Item = &'w Word>) {
        self.clear();
        for (at, word) in (0..).zip(words) {
            for spelling in spellings(&text[word.start as usize..word.end as usize]) {
                let start = self.text.len() as u32;
                self.text.push_str(&spelling);
                self.entries.push((at, start, self.text.len() as u32, word_hash(spelling.as_bytes())));
            }
        }
    }

    pub(super) fn of_word(&self, at: usize) -> impl Iterator<Item = (u64, &str)> {
        let first = self.entries.partition_point(|&(word, ..)| (word as usize) < at);
        let own = self.entries[first..].iter().take_while(move |&&(word, ..)| word as usize == at);
        own.map(|&(_, start, end, hash)| (hash, &self.text[start as usize..end as usize]))
    }
}

/// Every spelling but the word itself: at most two scripts, times three readings of digits, times three lengths of runs.
fn spellings(word: &str) -> Vec<String> {
    if word.len() > WORD_BYTES_MAX {
        return Vec::new();
    }
    let mut found: Vec<String> = Vec::new();
    let unmasked = unmask(word);
    for plain in std::iter::once(word).chain(unmasked.as_deref()) {
        for letters in std::iter::once(plain.to_owned()).chain(unleet(plain)) {
            found.extend([2, 1].map(|longest| shorten_runs(&letters, longest)));
            found.push(letters);
        }
    }
    found.retain(|spelling| spelling != word);
    found.sort_unstable();
    found.dedup();
    found
}

/// Runs of three and more letters cut to `longest`.
fn shorten_runs(word: &str, longest: usize) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        let mut run = 1;
        while rest.next_if_eq(&c).is_some() {
            run += 1;
        }
        let kept = if run >= 3 && c.is_alphabetic() { longest } else { run };
        out.extend(std::iter::repeat_n(c, kept));
    }
    out
}

/// Digits among letters read as the letters that they stand for; 1 is an i or an l.
fn unleet(word: &str) -> Vec<String> {
    let has = |test: fn(&char) -> bool| word.chars().any(|c| test(&c));
    if !has(char::is_ascii_digit) || !has(|c| c.is_alphabetic()) {
        return Vec::new();
    }
    let read = |one: char| word.chars().map(|c| letter_for(c, one)).collect();
    if word.contains('1') { vec![read('i'), read('l')] } else { vec![read('i')] }
}

fn letter_for(c: char, one: char) -> char {
    match c {
        '0' => 'o',
        '1' => one,
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        _ => c,
    }
}

/// Letters of other scripts read as the Latin ones that look the same (UTS #39); `None` where one has no such twin:
/// then the word is honestly foreign.
fn unmask(word: &str) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    word.chars().map(|c| if c.is_ascii() { Some(c) } else { twin(c) }).collect()
}

fn twin(c: char) -> Option<char> {
    let mut buffer = [0; 4];
    let mut twins = skeleton(c.encode_utf8(&mut buffer));
    let twin = twins.next().filter(char::is_ascii_alphanumeric)?;
    twins.next().is_none().then(|| twin.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(word: &str, spelling: &str) -> bool {
        spellings(word).iter().any(|found| found == spelling)
    }

    #[test]
    fn disguises_are_seen_through() {
        assert!(has("sooooo", "so") && has("goooood", "good") && has("n3stl3", "nestle"));
        assert!(
            has("nеstlе", "nestle") && has("асmе", "acme") && has("payp41", "paypal") && has("1dea", "idea")
        );
        assert!(has("аcmеee33e", "acmeeeeee") || has("аcmеeeee", "acme"));
    }

    #[test]
    fn honest_words_have_no_other_spelling() {
        for word in ["good", "2024", "привет", "wien", "aa", "www2"] {
            let others: Vec<String> = spellings(word);
            assert!(others.is_empty() || word == "www2", "{word}: {others:?}");
        }
        assert!(spellings(&"a".repeat(50)).is_empty());
    }
}
