//! How a hashtag is read, besides as a whole: as its words, and as each few of them in a row (`#PayPalDown`: `pay`
//! `pal` `down`, and `paypal`, `paldown`).

use super::chars::{CharClass, char_class};

/// Words that are read as one name: `McDonalds`, `SunTrustBankUSA`.
const RUN_WORDS_MAX: usize = 4;
/// Words of a tag of which runs are read, so that a tag of a million letters stays cheap. Nobody reads longer ones.
const TAG_WORDS_MAX: usize = 32;
/// A number of so many digits is one, and neither a letter in disguise (`n3stl3`) nor a part of a name (`PS5`).
const NUMBER_DIGITS_MIN: usize = 2;
/// Capitals before small letters that may be a name of their own: `ACMEdown`, and not `IWill`.
const NAME_CHARS_MIN: usize = 3;

/// A range of bytes of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) start: usize,
    pub(super) end: usize,
    /// One of the words that make up the tag, and not a run of them.
    pub(super) is_word: bool,
}

/// What stands between two borders.
struct Atom {
    start: usize,
    end: usize,
    /// Number of its word.
    word: usize,
    /// It begins its word.
    is_first: bool,
}

/// True when a tag (without its `#`) may be more than one word. Never false when it is.
#[must_use]
#[inline(never)]
pub fn may_be_cut(tag: &[u8]) -> bool {
    // Capitals begin words beside small letters alone: `#NASA` is one.
    let is_in_capitals = || tag.iter().all(u8::is_ascii_uppercase);
    (tag.iter().skip(1).any(u8::is_ascii_uppercase) && !is_in_capitals())
        || !tag.is_ascii()
        || tag.contains(&b'_')
        || tag.windows(NUMBER_DIGITS_MIN).any(|run| run.iter().all(u8::is_ascii_digit))
}

/// The words of `tag` and the runs of them, in order of where they start. Nothing when it is but one word; never the
/// whole tag.
pub(super) fn readings(tag: &str) -> Vec<Reading> {
    let atoms = atoms(tag);
    let mut readings = Vec::new();
    for (at, first) in atoms.iter().enumerate() {
        for (next, last) in (at + 1..).zip(&atoms[at..]) {
            let is_within = last.word - first.word < RUN_WORDS_MAX && last.word < TAG_WORDS_MAX;
            if !is_within && last.word != first.word {
                break;
            }
            let is_complete = atoms.get(next).is_none_or(|after| after.is_first);
            let is_word = first.is_first && last.word == first.word && is_complete;
            // The capital that belongs to the letters before it or to those behind it is no word.
            let is_lone = first.is_first && next == at + 1 && !is_word;
            let is_whole = first.start == 0 && last.end == tag.len();
            if (is_word || is_within) && !is_lone && !is_whole {
                readings.push(Reading { start: first.start, end: last.end, is_word });
            }
        }
    }
    readings
}

fn atoms(tag: &str) -> Vec<Atom> {
    let mut atoms = Vec::new();
    let mut start = 0;
    for segment in tag.split('_') {
        add_segment(segment, start, &mut atoms);
        start += segment.len() + 1;
    }
    atoms
}

/// Adds the atoms of a stretch without `_`, which begins at byte `offset` of the tag.
fn add_segment(segment: &str, offset: usize, atoms: &mut Vec<Atom>) {
    if !segment.chars().any(is_seen) {
        return;
    }
    let mut word = atoms.last().map_or(0, |last| last.word + 1);
    let (mut start, mut is_first) = (0, true);
    for (end, begins_word) in borders(segment) {
        atoms.push(Atom { start: offset + start, end: offset + end, word, is_first });
        word += usize::from(begins_word);
        (start, is_first) = (end, begins_word);
    }
    atoms.push(Atom { start: offset + start, end: offset + segment.len(), word, is_first });
}

/// Where `segment` may be cut, ascending, and whether a word begins there in the usual reading.
fn borders(segment: &str) -> Vec<(usize, bool)> {
    let chars: Vec<(usize, char)> = segment.char_indices().filter(|&(_, c)| is_seen(c)).collect();
    let mut borders = Vec::new();
    // Where the word goes on that `at` is in, and where the one before it did.
    let (mut word, mut word_before) = (0, 0);
    for at in 1..chars.len() {
        if begins_word(&chars, at) {
            borders.push((chars[at].0, true));
            (word_before, word) = (word, at);
        } else if word + 1 == at && ends_name(&chars, at) && at - word_before >= NAME_CHARS_MIN {
            borders.push((chars[at].0, false));
        }
    }
    borders
}

/// An accent that was sent by itself belongs to the letter before it.
fn is_seen(c: char) -> bool {
    c.is_ascii() || char_class(c) != CharClass::Dropped
}

/// A capital after a small letter or a number, the last capital before small letters, or a number.
fn begins_word(chars: &[(usize, char)], at: usize) -> bool {
    let (before, c) = (chars[at - 1].1, chars[at].1);
    if c.is_uppercase() {
        // `eBay` and `iPhone` are one word.
        let is_after_small = before.is_lowercase() && at > 1;
        let is_last = before.is_uppercase() && chars.get(at + 1).is_some_and(|next| next.1.is_lowercase());
        return is_after_small || is_last || before.is_numeric();
    }
    c.is_numeric() && !before.is_numeric() && is_number(&chars[at..])
}

/// True when `chars` begin with several digits, and a capital or nothing behind them.
fn is_number(chars: &[(usize, char)]) -> bool {
    let digits = chars.iter().take_while(|(_, c)| c.is_numeric()).count();
    digits >= NUMBER_DIGITS_MIN && chars.get(digits).is_none_or(|(_, next)| next.is_uppercase())
}

/// True at the first small letter after several capitals: `ACMEdown` may be `ACM` `Edown` or `ACME` `down`.
fn ends_name(chars: &[(usize, char)], at: usize) -> bool {
    at >= 2 && chars[at].1.is_lowercase() && chars[at - 1].1.is_uppercase() && chars[at - 2].1.is_uppercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(tag: &str, is_word: bool) -> Vec<&str> {
        let readings = readings(tag);
        let chosen = readings.iter().filter(|reading| reading.is_word == is_word);
        chosen.map(|reading| &tag[reading.start..reading.end]).collect()
    }

    #[test]
    fn capitals_numbers_and_underscores_begin_words() {
        for (tag, expected) in [
            ("AcmeDown", "Acme Down"),
            ("NASAHub", "NASA Hub"),
            ("Acme_Down", "Acme Down"),
            ("_acme__down_", "acme down"),
            ("Acme2024", "Acme 2024"),
            ("covid19", "covid 19"),
            ("iPhone15Pro", "iPhone 15 Pro"),
            ("PS5Down", "PS5 Down"),
            ("eBayDown", "eBay Down"),
            ("iOSUpdate", "iOS Update"),
            ("ACMEdown", "ACM Edown"),
            ("Cafe\u{301}Nord", "Cafe\u{301} Nord"),
        ] {
            assert_eq!(read(tag, true).join(" "), expected, "{tag}");
        }
        for tag in ["acme", "ACME", "Acme", "n3stl3", "PS5", "iPhone", "2024", "24h", "__", "\u{301}_", ""] {
            assert_eq!(readings(tag), [], "{tag}");
        }
    }

    #[test]
    fn a_few_words_in_a_row_are_a_name() {
        assert_eq!(read("PayPalDown", false), ["PayPal", "PalDown"]);
        assert_eq!(read("iPhone15Pro", false), ["iPhone15", "15Pro"]);
        assert_eq!(read("_Acme_Down_", false), ["Acme_Down"]);
        assert_eq!(read("AcBcCcDcEc", false).len(), 3 + 3 + 2 + 1);
    }

    #[test]
    fn capitals_before_small_letters_are_read_in_both_ways() {
        assert_eq!(read("ACMEdown", false), ["ACME", "down"]);
        assert_eq!(read("ACMEs", false), ["ACME", "s"]);
        assert_eq!(read("iOSupdate", false), ["iOS", "update"]);
        assert_eq!(read("IWill", false), [""; 0]);
        assert!(read("BigACMEdown", false).contains(&"ACME"));
    }

    #[test]
    fn a_long_tag_has_a_bounded_number_of_runs() {
        let tag = "aB".repeat(10_000);
        assert!(read(&tag, false).len() < RUN_WORDS_MAX * TAG_WORDS_MAX);
        assert_eq!(read(&tag, true).concat(), tag);
    }

    proptest! {
        #[test]
        fn the_words_make_up_the_tag(tag in "([a-cA-C]{1,3}|[0-9]{1,3}|_|é|É|\u{301}){0,12}") {
            let readings = readings(&tag);
            prop_assert!(readings.is_sorted_by_key(|reading| reading.start));
            prop_assert!(readings.is_empty() || may_be_cut(tag.as_bytes()));
            if !readings.is_empty() {
                let seen = |text: String| text.replace(['_', '\u{301}'], "");
                prop_assert_eq!(seen(read(&tag, true).concat()), seen(tag.clone()));
            }
        }
    }
}
