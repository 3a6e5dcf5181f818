//! The words of a post with what the lexicon says of each, in one pass; sentiment and cues read these.

use crate::text::{Folded, LangCode, Word, word_hash};

use crate::score::lexicon::{Found, Lexicon, NO_PHRASE, Role, TermId, Voice};

/// One word of the post.
#[derive(Clone, Copy, Debug)]
pub(in crate::score) struct Token {
    pub(in crate::score) term: TermId,
    /// Where the phrases are that begin with it.
    pub(in crate::score) root: u16,
    /// Its value in the post's language, −4 to 4.
    pub(in crate::score) value: f32,
    pub(in crate::score) role: Role,
    /// Punctuation stands between this word and the one before.
    pub(in crate::score) opens_clause: bool,
    /// Known only after its repeated letters were taken out: "sooo".
    pub(in crate::score) is_elongated: bool,
    /// A word of a valued phrase: counts with the phrase and not by itself.
    pub(in crate::score) is_bound: bool,
    /// A part of a link.
    pub(in crate::score) is_link: bool,
}

impl Token {
    const SKIPPED: Self = Self {
        term: TermId::UNKNOWN,
        root: NO_PHRASE,
        value: 0.0,
        role: Role::None,
        opens_clause: true,
        is_elongated: false,
        is_bound: false,
        is_link: false,
    };

    /// It turns around what follows.
    pub(in crate::score) fn negates(&self) -> bool {
        matches!(self.role, Role::Not | Role::NotAfter) && !self.is_bound
    }
}

/// Longer words are not squeezed.
const SQUEEZED_BYTES_MAX: usize = 32;

/// Fills `tokens` with one token per word of `folded`. Words of links and mentions are there, and say nothing.
pub(in crate::score) fn read(folded: &Folded, lang: LangCode, lexicon: &Lexicon, tokens: &mut Vec<Token>) {
    tokens.clear();
    let text = folded.text.as_bytes();
    let reader = Reader { lexicon, voice: lexicon.voice(lang), has_runs: has_long_run(text) };
    let mut in_link = false;
    let mut last_end = None;
    for word in &folded.words {
        let bytes = &text[word.start as usize..word.end as usize];
        let gap = last_end.and_then(|end| text.get(end..word.start as usize)).unwrap_or_default();
        in_link = if in_link { !gap.contains(&b' ') } else { starts_link(text, word) };
        if in_link || word.sigil == b'@' {
            tokens.push(Token { is_link: in_link, ..Token::SKIPPED });
        } else {
            tokens.push(reader.token(word.hash, bytes, gap));
            if gap == b"'" {
                join_contraction(bytes, tokens);
            }
        }
        last_end = Some(word.end as usize);
    }
}

fn starts_link(text: &[u8], word: &Word) -> bool {
    let (start, end) = (word.start as usize, word.end as usize);
    text.get(end) == Some(&b':')
        && text[end..].starts_with(b"://")
        && matches!(&text[start..end], b"http" | b"https")
}

/// What is the same for all words of a post.
struct Reader<'a> {
    lexicon: &'a Lexicon,
    voice: &'a Voice,
    /// Some byte stands three times in a row.
    has_runs: bool,
}

impl Reader<'_> {
    #[inline]
    fn token(&self, hash: u64, word: &[u8], gap: &[u8]) -> Token {
        let mut found = self.lexicon.find(hash, word, self.voice);
        let mut is_elongated = false;
        if self.has_runs && found.term == TermId::UNKNOWN && has_long_run(word) {
            found = self.find_squeezed(word);
            is_elongated = found.term != TermId::UNKNOWN;
        }
        Token {
            term: found.term,
            root: found.root,
            value: found.sense.value,
            role: found.sense.role,
            opens_clause: gap != b" " && ends_clause(gap),
            is_elongated,
            is_bound: false,
            is_link: false,
        }
    }
}

/// Clauses end at these, among others beyond ASCII.
fn ends_clause(gap: &[u8]) -> bool {
    gap.iter()
        .any(|byte| matches!(byte, b'.' | b',' | b';' | b':' | b'!' | b'?' | b'(' | b')' | b'\n' | b'"'))
        || (!gap.is_ascii() && String::from_utf8_lossy(gap).contains(['…', '。', '、', '،']))
}

/// `won` + `t` and `can` + `t` are no victories and no tins.
fn join_contraction(word: &[u8], tokens: &mut [Token]) {
    if word != b"t" {
        return;
    }
    if let [.., before, t] = tokens {
        before.value = 0.0;
        t.role = Role::Not;
        t.value = 0.0;
    }
}

/// Some byte stands three times in a row. Looks at all of them, and keeps what it saw in a byte: so the compiler takes
/// many at a time.
pub(in crate::score) fn has_long_run(bytes: &[u8]) -> bool {
    let runs = |seen, three: &[u8]| seen | u8::from((three[0] == three[1]) & (three[1] == three[2]));
    bytes.windows(3).fold(0, runs) != 0
}

/// Longest runs left inside a word and at its end, in the order of trial: "goooood", "happyyyy", "looove".
const SQUEEZES: [(usize, usize); 3] = [(2, 2), (2, 1), (1, 1)];

impl Reader<'_> {
    /// The first of the word's shorter spellings that is known.
    fn find_squeezed(&self, word: &[u8]) -> Found {
        let found = SQUEEZES.into_iter().map(|(inside, end)| self.squeezed(word, inside, end));
        found.into_iter().find(|found| found.term != TermId::UNKNOWN).unwrap_or(Found::NOTHING)
    }

    fn squeezed(&self, word: &[u8], inside_max: usize, end_max: usize) -> Found {
        let mut buffer = [0; SQUEEZED_BYTES_MAX];
        let last = word.last().copied().unwrap_or_default();
        let end = word.len() - word.iter().rev().take_while(|byte| **byte == last).count();
        let (mut len, mut run) = (0, 0);
        for (at, &byte) in word.iter().enumerate() {
            run = if len > 0 && buffer[len - 1] == byte { run + 1 } else { 1 };
            if run > if at >= end { end_max } else { inside_max } {
                continue;
            }
            if len == SQUEEZED_BYTES_MAX {
                return Found::NOTHING;
            }
            buffer[len] = byte;
            len += 1;
        }
        // "zzzz" is no letter z.
        if len < 2 {
            return Found::NOTHING;
        }
        let short = &buffer[..len];
        self.lexicon.find(word_hash(short), short, self.voice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::lexicon::LEXICON;

    fn read_words(text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        read(&Folded::new(text), LangCode::EN, &LEXICON, &mut tokens);
        tokens
    }

    #[test]
    fn contractions_are_negations_and_not_what_they_begin_with() {
        let tokens = read_words("it won't");
        assert_eq!((tokens[1].value, tokens[2].role), (0.0, Role::Not));
    }

    #[test]
    fn repeated_letters_are_squeezed() {
        let tokens = read_words("goooood happpyyyy zzzzzz");
        assert!(tokens[0].value > 0.0 && tokens[0].is_elongated);
        assert!(tokens[1].value > 0.0);
        assert_eq!(tokens[2].term, TermId::UNKNOWN);
    }

    #[test]
    fn links_and_mentions_say_nothing() {
        let tokens = read_words("see https://love.com/great @happy #great");
        let values: Vec<bool> = tokens.iter().map(|token| token.value > 0.0).collect();
        assert_eq!(values, [false, false, false, false, false, false, true]);
    }
}
