//! The words of a post with what the lexicon says of each, in one pass; sentiment and cues read these.

use crate::text::{Folded, LangCode, Word, word_hash};

use super::lexicon::{Lexicon, Role, TermId};

/// One word of the post.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) term: TermId,
    /// Its value in the post's language, −4 to 4.
    pub(super) value: f32,
    pub(super) role: Role,
    /// Punctuation stands between this word and the one before.
    pub(super) opens_clause: bool,
    /// Known only after its repeated letters were taken out: "sooo".
    pub(super) is_elongated: bool,
    /// A word of a valued phrase: counts with the phrase and not by itself.
    pub(super) is_bound: bool,
}

impl Token {
    const SKIPPED: Self = Self {
        term: TermId::UNKNOWN,
        value: 0.0,
        role: Role::None,
        opens_clause: true,
        is_elongated: false,
        is_bound: false,
    };
}

/// Longer words are not squeezed.
const SQUEEZED_BYTES_MAX: usize = 32;

/// Fills `tokens` with one token per word of `folded`. Words of links and mentions are there, and say nothing.
pub(super) fn read(folded: &Folded, lang: LangCode, lexicon: &Lexicon, tokens: &mut Vec<Token>) {
    tokens.clear();
    let mut in_link = false;
    let mut before: Option<&Word> = None;
    for (at, word) in folded.words.iter().enumerate() {
        let gap = before.map_or("", |before| folded.gap(before, word));
        in_link = if in_link { !gap.contains(' ') } else { starts_link(folded, at) };
        if in_link || word.sigil == b'@' {
            tokens.push(Token::SKIPPED);
        } else {
            let token = token(folded, word, gap, lang, lexicon);
            tokens.push(token);
            if gap == "'" {
                join_contraction(folded.word(word), tokens);
            }
        }
        before = Some(word);
    }
}

fn starts_link(folded: &Folded, at: usize) -> bool {
    let word = &folded.words[at];
    let is_scheme = matches!(folded.word(word), "http" | "https");
    is_scheme && folded.text.as_bytes()[word.end as usize..].starts_with(b"://")
}

#[inline]
fn token(folded: &Folded, word: &Word, gap: &str, lang: LangCode, lexicon: &Lexicon) -> Token {
    let text = folded.word(word);
    let mut term = lexicon.find(word.hash, text);
    let mut is_elongated = false;
    if term == TermId::UNKNOWN && has_long_run(text) {
        term = find_squeezed(text, lexicon);
        is_elongated = term != TermId::UNKNOWN;
    }
    let sense = lexicon.sense(term, lang);
    let opens_clause =
        gap != " " && gap.contains(['.', ',', ';', ':', '!', '?', '(', ')', '\n', '…', '"', '。', '、', '،']);
    Token { term, value: sense.value, role: sense.role, opens_clause, is_elongated, is_bound: false }
}

/// `won` + `t` and `can` + `t` are no victories and no tins.
fn join_contraction(word: &str, tokens: &mut [Token]) {
    if word != "t" {
        return;
    }
    if let [.., before, t] = tokens {
        before.value = 0.0;
        t.role = Role::Not;
        t.value = 0.0;
    }
}

fn has_long_run(word: &str) -> bool {
    word.as_bytes().windows(3).any(|three| three[0] == three[1] && three[1] == three[2])
}

/// Longest runs left inside a word and at its end, in the order of trial: "goooood", "happyyyy", "looove".
const SQUEEZES: [(usize, usize); 3] = [(2, 2), (2, 1), (1, 1)];

fn find_squeezed(word: &str, lexicon: &Lexicon) -> TermId {
    let found = SQUEEZES.into_iter().map(|(inside, end)| squeezed(word, inside, end, lexicon));
    found.into_iter().find(|&term| term != TermId::UNKNOWN).unwrap_or(TermId::UNKNOWN)
}

fn squeezed(word: &str, inside_max: usize, end_max: usize, lexicon: &Lexicon) -> TermId {
    let mut buffer = [0; SQUEEZED_BYTES_MAX];
    let last = word.as_bytes().last().copied().unwrap_or_default();
    let end = word.trim_end_matches(last as char).len();
    let (mut len, mut run) = (0, 0);
    for (at, &byte) in word.as_bytes().iter().enumerate() {
        run = if len > 0 && buffer[len - 1] == byte { run + 1 } else { 1 };
        if run > if at >= end { end_max } else { inside_max } {
            continue;
        }
        if len == SQUEEZED_BYTES_MAX {
            return TermId::UNKNOWN;
        }
        buffer[len] = byte;
        len += 1;
    }
    match std::str::from_utf8(&buffer[..len]) {
        // "zzzz" is no letter z.
        Ok(short) if len > 1 => lexicon.find(word_hash(short.as_bytes()), short),
        _ => TermId::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexicon::LEXICON;
    use super::*;

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
