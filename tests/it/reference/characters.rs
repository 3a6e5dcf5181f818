//! What every character of a text is, and how it reads when case, accents and kinds of punctuation do not count.
//!
//! By Unicode's own properties, not by ranges.

use std::sync::{LazyLock, OnceLock};

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{
    DefaultIgnorableCodePoint, EmojiModifier, EmojiPresentation, ExtendedPictographic, GeneralCategory,
    RegionalIndicator, Script, WhiteSpace,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Kinds of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Letters and digits of scripts with spaces between words, and `_`.
    Word,
    /// Letters of scripts without: Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese.
    Unspaced,
    Space,
    Emoji,
    /// Everything else that is visible.
    Sign,
    /// What leaves no trace.
    Invisible,
}

/// One character as it reads.
#[derive(Clone, Debug)]
pub(crate) struct Character {
    pub(crate) class: Class,
    /// Empty when invisible.
    pub(crate) reads: &'static str,
    /// The first character of what was written there.
    pub(crate) written: char,
    /// Bytes of the text.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The characters of `text` in order.
pub(crate) fn characters(text: &str) -> Vec<Character> {
    let mut read = Vec::with_capacity(text.len());
    let mut rest = text.char_indices().peekable();
    while let Some((start, first)) = rest.next() {
        let mut end = start + first.len_utf8();
        while let Some((at, mark)) = rest.next_if(|&(_, next)| !next.is_ascii() && joins(next)) {
            end = at + mark.len_utf8();
        }
        if end == start + first.len_utf8() {
            let (class, reads) = known(first);
            read.push(Character { class, reads, written: first, start, end });
            continue;
        }
        let is_narrow = text[start..end].contains(['ﾞ', 'ﾟ']);
        let form = if is_narrow {
            ComposingNormalizerBorrowed::new_nfkc()
        } else {
            ComposingNormalizerBorrowed::new_nfc()
        };
        let cluster = form.normalize(&text[start..end]).into_owned();
        for written in cluster.chars() {
            let (class, reads) = known(written);
            read.push(Character { class, reads, written, start, end });
        }
    }
    read
}

/// What `c` is and reads, worked out when it is first met.
fn known(c: char) -> (Class, &'static str) {
    static KNOWN: LazyLock<Vec<OnceLock<(Class, &'static str)>>> =
        LazyLock::new(|| (0..=u32::from(char::MAX)).map(|_| OnceLock::new()).collect());
    *KNOWN[c as usize].get_or_init(|| {
        let class = class(c);
        (class, reads(c, class).leak())
    })
}

/// `text` as it is compared where case and accents count: composed, without invisible characters.
pub(crate) fn as_written(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    composed.chars().filter(|&c| !has_no_shape(c)).collect()
}

/// The character as it reads: case, accents and width taken off, punctuation of a kind made one.
pub(crate) fn reads(c: char, class: Class) -> String {
    match class {
        Class::Invisible => String::new(),
        Class::Space => " ".to_owned(),
        Class::Emoji => c.to_string(),
        Class::Unspaced => {
            let composed =
                ComposingNormalizerBorrowed::new_nfkc().normalize(c.encode_utf8(&mut [0; 4])).into_owned();
            composed.to_lowercase()
        }
        Class::Word => {
            let decomposed =
                DecomposingNormalizerBorrowed::new_nfkd().normalize(c.encode_utf8(&mut [0; 4])).into_owned();
            let lower = decomposed.chars().flat_map(char::to_lowercase);
            let bare = lower.filter(|&c| !(is_mark(c) && is_of_an_alphabet(c)));
            bare.collect::<String>().replace('ß', "ss").replace('ς', "σ").replace('ı', "i")
        }
        Class::Sign => sign(c).to_string(),
    }
}

fn sign(c: char) -> char {
    match general_category(c) {
        GeneralCategory::DashPunctuation if is_hyphen(c) => '-',
        _ if c == '−' => '-',
        _ if "‘’‛ʼ＇`´′".contains(c) => '\'',
        // The full-width forms stand in the order of ASCII.
        _ if ('！'..='～').contains(&c) => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        _ if c == '﹟' => '#',
        _ if c == '﹫' => '@',
        _ => c,
    }
}

/// Hyphens and dashes of the Latin kind, small and full-width ones included.
fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '‐'..='―' | '﹘' | '﹣' | '－')
}

/// What kind of character `c` is.
pub(crate) fn class(c: char) -> Class {
    if c.is_ascii() {
        return match c {
            '_' => Class::Word,
            _ if c.is_ascii_alphanumeric() => Class::Word,
            _ if c.is_whitespace() => Class::Space,
            _ => Class::Sign,
        };
    }
    if CodePointSetData::new::<WhiteSpace>().contains(c) {
        Class::Space
    } else if is_invisible(c) {
        Class::Invisible
    } else if is_pictograph(c) {
        Class::Emoji
    } else if "ʼ™℠".contains(c) {
        // Letters to Unicode; an apostrophe and signs to everybody else.
        Class::Sign
    } else if !is_letter_like(c) {
        Class::Sign
    } else if is_of_unspaced_script(c) {
        Class::Unspaced
    } else {
        Class::Word
    }
}

fn is_invisible(c: char) -> bool {
    has_no_shape(c) || (is_mark(c) && is_of_an_alphabet(c))
}

/// Joiners, selectors, skin tones, and the line that stretches Arabic words.
fn has_no_shape(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<EmojiModifier>().contains(c)
        || c == 'ـ'
}

fn is_pictograph(c: char) -> bool {
    let is_picture = CodePointSetData::new::<ExtendedPictographic>().contains(c)
        || CodePointSetData::new::<EmojiPresentation>().contains(c)
        || CodePointSetData::new::<RegionalIndicator>().contains(c);
    // The blocks of pictures and their like hold more than Unicode calls emoji: ★ ✓ ♪ 🂡.
    let is_symbol = matches!(c, '\u{2600}'..='\u{27BF}' | '\u{23F4}'..='\u{23F7}' | '\u{1F000}'..='\u{1F0FF}' | '\u{1F200}'..='\u{1FAFF}');
    is_symbol || (is_picture && !"©®™℠".contains(c) && !c.is_alphanumeric())
}

fn is_letter_like(c: char) -> bool {
    // Radicals and strokes are symbols to Unicode.
    c.is_alphanumeric()
        || is_mark(c)
        || is_letter_in_a_circle(c)
        || matches!(c, '\u{2E80}'..='\u{2FDF}' | '\u{309B}'..='\u{309C}' | '㆐'..='㆟' | '㇀'..='\u{31EF}')
}

/// Ⓐ, 🄰 and the like read as letters.
fn is_letter_in_a_circle(c: char) -> bool {
    let is_symbol = matches!(c, 'Ⓐ'..='ⓩ' | '\u{1F100}'..='\u{1F1AD}');
    let plain = ComposingNormalizerBorrowed::new_nfkc().normalize(c.encode_utf8(&mut [0; 4])).into_owned();
    is_symbol && plain.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_mark(c: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark, SpacingMark};
    matches!(general_category(c), NonspacingMark | SpacingMark | EnclosingMark)
}

/// Marks of alphabets are accents or optional vowels; those of other scripts tell words apart.
fn is_of_an_alphabet(mark: char) -> bool {
    use Script as S;
    let is_alphabet = [S::Latin, S::Greek, S::Cyrillic, S::Hebrew, S::Arabic].contains(&script(mark));
    // Unicode's blocks of accents for any letter.
    let is_accent = matches!(mark, '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}');
    let is_shared_arabic = matches!(mark, '\u{064B}'..='\u{0655}' | '\u{0670}' | '\u{0485}'..='\u{0486}');
    is_alphabet || is_accent || is_shared_arabic
}

fn is_of_unspaced_script(c: char) -> bool {
    use Script as S;
    let scripts =
        [S::Han, S::Hiragana, S::Katakana, S::Hangul, S::Bopomofo, S::Thai, S::Lao, S::Khmer, S::Myanmar];
    let is_digit = c.is_numeric() && script(c) != S::Han;
    // What both Kanas share, and marks for reading Chinese.
    let is_shared = matches!(c, 'ー' | 'ｰ' | '\u{3099}'..='\u{309C}' | 'ﾞ' | 'ﾟ' | '〆' | '〱'..='〵' | '\u{302A}'..='\u{302F}' | '㆐'..='㆟' | '㇀'..='\u{31EF}');
    (scripts.contains(&script(c)) && !is_digit) || is_shared
}

/// What a character before it takes in: accents, vowel signs, voicing marks, and the second half of a Korean syllable.
fn joins(c: char) -> bool {
    is_mark(c) || matches!(c, 'ﾞ' | 'ﾟ' | '\u{1160}'..='\u{11FF}')
}

fn general_category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn script(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}

#[cfg(test)]
mod tests {
    use birddog::text::{CharClass, char_class, fold_char_into};

    use super::*;

    fn same(class: Class) -> CharClass {
        match class {
            Class::Word => CharClass::Word,
            Class::Unspaced => CharClass::Unspaced,
            Class::Space => CharClass::Space,
            Class::Emoji => CharClass::Emoji,
            Class::Sign => CharClass::Punctuation,
            Class::Invisible => CharClass::Dropped,
        }
    }

    /// Of the Basic Multilingual Plane, which is where people write, and all that Unicode assigns there.
    #[test]
    fn every_character_is_to_birddog_what_its_properties_say() {
        let is_assigned = |c: &char| {
            !matches!(general_category(*c), GeneralCategory::Unassigned | GeneralCategory::PrivateUse)
        };
        for c in ('\0'..='\u{FFFF}').filter(is_assigned) {
            let mut folded = String::new();
            assert_eq!(fold_char_into(c, &mut folded), same(class(c)), "{c:?} {:04X}", u32::from(c));
            assert_eq!(folded, reads(c, class(c)), "{c:?}");
            assert_eq!(char_class(c), same(class(c)), "{c:?}");
        }
    }
}
