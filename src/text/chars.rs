//! One character at a time: its class and its folded form, from a table made once for the Basic Multilingual Plane.
//!
//! Folding "standard": NFKC, case folding, combining marks stripped for alphabets (é→e, ŞİŞLİ→sisli),
//! zero-width and bidi characters dropped, apostrophes and hyphens of all kinds made one.

use std::borrow::Cow;
use std::sync::LazyLock;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

/// What a character is to the tokeniser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CharClass {
    /// Part of a word: letters, digits, `_`, and the vowel signs of scripts with spaces.
    Word,
    /// Han, Kana, Hangul, Thai, Lao, Khmer, Burmese, but for their digits: no spaces between words, so terms match as
    /// substrings.
    Unspaced,
    /// White space.
    Space,
    /// A pictograph.
    Emoji,
    /// Everything else that is visible.
    Punctuation,
    /// Leaves no trace: stripped marks, variation selectors, joiners, zero-width and bidi controls.
    Dropped,
}

const CLASSES: [CharClass; 6] = [
    CharClass::Word,
    CharClass::Unspaced,
    CharClass::Space,
    CharClass::Emoji,
    CharClass::Punctuation,
    CharClass::Dropped,
];
const CLASS_SHIFT: u32 = 24;
/// Low 24 bits of an entry whose folded form is several characters.
const SEVERAL: u32 = 0x00FF_FFFF;

/// `class << 24 | folded char` for each of U+0000..U+FFFF.
static TABLE: LazyLock<Box<[u32]>> = LazyLock::new(|| (0..=0xFFFF).map(entry).collect());

fn entry(code: u32) -> u32 {
    // Surrogates are no characters and never looked up.
    let Some(c) = char::from_u32(code) else { return 0 };
    let mut folded = String::new();
    let class = fold_slowly(c, &mut folded);
    let mut chars = folded.chars();
    let low = match (chars.next(), chars.next()) {
        (Some(one), None) => u32::from(one),
        (None, _) => 0,
        _ => SEVERAL,
    };
    (class as u32) << CLASS_SHIFT | low
}

/// `text` as it is compared where case and accents count: composed (NFKC), without what nobody sees.
#[must_use]
pub fn as_written(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    if composed.contains(is_invisible) {
        return Cow::Owned(composed.chars().filter(|&c| !is_invisible(c)).collect());
    }
    composed
}

/// The class of `c`.
#[must_use]
pub fn char_class(c: char) -> CharClass {
    match TABLE.get(c as usize) {
        Some(entry) => CLASSES[(entry >> CLASS_SHIFT) as usize],
        None => classify(c),
    }
}

/// Appends the folded form of `c` (nothing for [`CharClass::Dropped`]) and returns its class.
#[inline]
pub fn fold_char_into(c: char, out: &mut String) -> CharClass {
    let Some(&entry) = TABLE.get(c as usize) else { return fold_slowly(c, out) };
    let class = CLASSES[(entry >> CLASS_SHIFT) as usize];
    match entry & 0x00FF_FFFF {
        _ if class == CharClass::Dropped => class,
        SEVERAL => fold_slowly(c, out),
        low => {
            out.push(char::from_u32(low).unwrap_or(c));
            class
        }
    }
}

/// The definition of folding for one character; the table is its cache.
fn fold_slowly(c: char, out: &mut String) -> CharClass {
    let class = classify(c);
    match class {
        CharClass::Dropped => {}
        CharClass::Space => out.push(' '),
        CharClass::Emoji => out.push(c),
        CharClass::Punctuation => out.push(punctuation(c)),
        CharClass::Unspaced => out.extend(compose(c).chars().flat_map(char::to_lowercase)),
        CharClass::Word => fold_letter(c, out),
    }
    class
}

fn fold_letter(c: char, out: &mut String) {
    let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
    let mut buffer = [0; 4];
    for decomposed in nfkd.normalize(c.encode_utf8(&mut buffer)).chars() {
        for lower in decomposed.to_lowercase() {
            match lower {
                'ß' => out.push_str("ss"),
                'ς' => out.push('σ'),
                'ı' => out.push('i'),
                _ if is_stripped_mark(lower) => {}
                _ => out.push(lower),
            }
        }
    }
}

fn compose(c: char) -> String {
    let mut buffer = [0; 4];
    ComposingNormalizerBorrowed::new_nfkc().normalize(c.encode_utf8(&mut buffer)).into_owned()
}

fn punctuation(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{02BC}' | '\u{FF07}' | '\u{0060}' | '\u{00B4}'
        | '\u{2032}' => '\'',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{FE5F}' => '#',
        '\u{FE6B}' => '@',
        _ => c,
    }
}

fn classify(c: char) -> CharClass {
    if is_dropped(c) {
        CharClass::Dropped
    } else if c.is_whitespace() {
        CharClass::Space
    } else if is_apostrophe_letter(c) || is_trade_sign(c) {
        CharClass::Punctuation
    } else if is_unspaced(c) {
        CharClass::Unspaced
    } else if is_emoji(c) {
        CharClass::Emoji
    } else if c.is_alphanumeric() || c == '_' || is_mark(c) || folds_to_alphanumeric(c) {
        CharClass::Word
    } else {
        CharClass::Punctuation
    }
}

/// ʼ is a letter to Unicode, and an apostrophe to everybody who types it.
fn is_apostrophe_letter(c: char) -> bool {
    c == '\u{02BC}'
}

/// ™ and ℠ fold to letters under NFKC and would glue themselves to the brand before them.
fn is_trade_sign(c: char) -> bool {
    matches!(c, '\u{2122}' | '\u{2120}')
}

/// Circled and squared letters are symbols until NFKC makes them letters.
fn folds_to_alphanumeric(c: char) -> bool {
    matches!(c, '\u{2460}'..='\u{24FF}' | '\u{1F100}'..='\u{1F1AD}')
        && compose(c).chars().next().is_some_and(char::is_alphanumeric)
}

fn is_dropped(c: char) -> bool {
    is_stripped_mark(c) || is_invisible(c)
}

/// What nobody sees: soft hyphens, joiners, variation selectors and skin tones, and what stretches a line.
fn is_invisible(c: char) -> bool {
    matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{0640}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Marks that decorate letters of an alphabet. Vowel signs of Indic scripts are not among them: they tell words apart.
fn is_stripped_mark(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}' | '\u{05BF}' | '\u{05C1}'..='\u{05C2}'
        | '\u{05C4}'..='\u{05C5}' | '\u{05C7}'..='\u{05C9}' | '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{0670}'
        | '\u{06D6}'..='\u{06DC}' | '\u{06DF}'..='\u{06E4}' | '\u{06E7}'..='\u{06E8}' | '\u{06EA}'..='\u{06ED}'
        | '\u{0897}'..='\u{089F}' | '\u{08CA}'..='\u{08E1}' | '\u{08E3}'..='\u{08FF}'
        | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{2DE0}'..='\u{2DFF}'
        | '\u{A66F}'..='\u{A672}' | '\u{A674}'..='\u{A67D}' | '\u{A69E}'..='\u{A69F}' | '\u{FB1E}' | '\u{FE20}'..='\u{FE2F}'
        | '\u{10EFA}'..='\u{10EFF}' | '\u{1E08F}')
}

/// Vowel signs, viramas and tone marks of scripts with spaces, which `is_alphanumeric` leaves out in part.
fn is_mark(c: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark, SpacingMark};
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    matches!(category, NonspacingMark | SpacingMark | EnclosingMark)
}

fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E01}'..='\u{0E3A}' | '\u{0E40}'..='\u{0E4E}' | '\u{0E81}'..='\u{0ECE}' | '\u{0EDC}'..='\u{0EDF}'
        | '\u{1000}'..='\u{103F}' | '\u{1050}'..='\u{108F}' | '\u{109A}'..='\u{109D}' | '\u{1100}'..='\u{11FF}'
        | '\u{1780}'..='\u{17D3}' | '\u{17D7}' | '\u{17DC}'..='\u{17DD}' | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{302F}' | '\u{3031}'..='\u{3035}' | '\u{3038}'..='\u{303B}' | '\u{3041}'..='\u{309F}' | '\u{30A1}'..='\u{30FA}'
        | '\u{30FC}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{A960}'..='\u{A97F}'
        | '\u{A9E0}'..='\u{A9EF}' | '\u{A9FA}'..='\u{A9FE}' | '\u{AA60}'..='\u{AA76}' | '\u{AA7A}'..='\u{AA7F}'
        | '\u{AC00}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FFDC}' | '\u{16FE3}' | '\u{16FF0}'..='\u{16FF3}'
        | '\u{1AFF0}'..='\u{1AFFE}' | '\u{1B000}'..='\u{1B16F}' | '\u{20000}'..='\u{3FFFF}')
}

fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{203C}' | '\u{2049}' | '\u{2194}'..='\u{2199}' | '\u{21A9}'..='\u{21AA}' | '\u{231A}'..='\u{231B}' | '\u{2328}'
        | '\u{23CF}' | '\u{23E9}'..='\u{23FA}' | '\u{25AA}'..='\u{25AB}' | '\u{25B6}' | '\u{25C0}' | '\u{25FB}'..='\u{25FE}'
        | '\u{2600}'..='\u{27BF}' | '\u{2934}'..='\u{2935}' | '\u{2B05}'..='\u{2B07}' | '\u{2B1B}'..='\u{2B1C}' | '\u{2B50}'
        | '\u{2B55}' | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}' | '\u{1F000}'..='\u{1F0FF}' | '\u{1F18E}'
        | '\u{1F191}'..='\u{1F19A}' | '\u{1F1E6}'..='\u{1F1FF}' | '\u{1F200}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut out = String::new();
        for c in text.chars() {
            fold_char_into(c, &mut out);
        }
        out
    }

    #[test]
    fn letters_lose_case_and_accents() {
        assert_eq!(folded("Nestlé ŞİŞLİ Straße ΣΊΣΥΦΟΣ ﬁn Ａcme"), "nestle sisli strasse σισυφοσ fin acme");
    }

    #[test]
    fn scripts_without_spaces_keep_their_marks() {
        assert_eq!(folded("ガ네슬ก็"), "ガ네슬ก็");
        assert_eq!(folded("हिन्दी"), "हिन्दी");
    }

    #[test]
    fn digits_and_punctuation_of_a_script_are_no_letters_and_its_marks_are() {
        let classes = |text: &str| text.chars().map(char_class).collect::<Vec<_>>();
        assert_eq!(
            classes("၂။་৳"),
            [CharClass::Word, CharClass::Punctuation, CharClass::Punctuation, CharClass::Punctuation]
        );
        assert_eq!(classes("\u{1E944}\u{07EB}\u{135F}"), [CharClass::Word; 3]);
        assert_eq!(classes("🆘❤"), [CharClass::Emoji; 2]);
        assert_eq!(classes("\u{08F0}\u{3164}"), [CharClass::Dropped; 2]);
    }

    #[test]
    fn invisible_characters_vanish_and_apostrophes_become_one() {
        assert_eq!(folded("ac\u{200B}me\u{FE0F}’s co\u{2010}op"), "acme's co-op");
        assert_eq!(folded("Acme™"), "acme™");
    }

    #[test]
    fn the_table_agrees_with_the_definition() {
        for code in (0..0x1_1000).filter_map(char::from_u32) {
            let (mut fast, mut slow) = (String::new(), String::new());
            assert_eq!(fold_char_into(code, &mut fast), fold_slowly(code, &mut slow), "{code:?}");
            assert_eq!(fast, slow, "{code:?}");
        }
    }
}
