//! Text from outside, made fit to be shown: in logs, in answers of the API, on terminals.
//!
//! A server's error or a stranger's post may hold characters that steer a terminal, turn the reading order around
//! (UAX #9, "Trojan Source") or show nothing at all. [`printable`] and [`one_line`] take them out; [`escaped`] keeps
//! JSON saying the same. Joiners and variation selectors stay where emoji and scripts need them: behind the
//! character that they change.

use std::borrow::Cow;
use std::fmt::Write as _;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// True for characters that act instead of showing: controls (C0, DEL, C1), bidi overrides, embeddings, isolates and
/// marks, zero-width and invisible format characters, tags, line separators. Joiners and variation selectors do not
/// count.
#[must_use]
pub fn is_acting(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let is_invisible = || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
        || (is_invisible() && !is_joiner(c) && !is_selector(c))
}

const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

const fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{e0100}'..='\u{e01ef}')
}

/// True when the joiner or selector `c` has something before it to act on; elsewhere it would only hide.
fn is_attached(c: char, before: char) -> bool {
    match before {
        // Keycap emoji, such as 1️⃣.
        '0'..='9' | '#' | '*' => c == '\u{fe0f}',
        before if is_selector(before) => is_joiner(c),
        before => !before.is_ascii() && !is_joiner(before),
    }
}

const fn breaks_lines(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The characters of `text` that show; white space that breaks lines as spaces.
fn shown(text: &str) -> impl Iterator<Item = char> {
    let mut before = '\0';
    text.chars().filter_map(move |c| {
        let kept = match c {
            c if breaks_lines(c) => ' ',
            c if is_acting(c) => return None,
            c if (is_joiner(c) || is_selector(c)) && !is_attached(c, before) => return None,
            c => c,
        };
        before = kept;
        Some(kept)
    })
}

/// `text` as one line without a character that acts or hides; white space that breaks lines becomes a space.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain { Cow::Borrowed(text) } else { Cow::Owned(shown(text).collect()) }
}

/// As [`one_line`], and at most `chars_max` characters long, the last of them `…` where something is missing.
#[must_use]
pub fn printable(text: &str, chars_max: usize) -> String {
    let mut chars = shown(text);
    let mut line: String = chars.by_ref().take(chars_max).collect();
    if chars.next().is_some() && line.pop().is_some() {
        line.push('…');
    }
    line
}

/// JSON with the acting characters of its strings escaped: the value stays the same. Newlines stay.
#[must_use]
pub fn escaped(json: &str) -> Cow<'_, str> {
    let acts = |c: char| c != '\n' && is_acting(c);
    if !json.contains(acts) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if acts(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(safe, "\\u{unit:04x}").expect("writing to a string cannot fail");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_of_any_script_stays_as_it_is() {
        for text in ["plain, naïve, 日本, שלום", "👩‍🚀 ❤️‍🔥 1️⃣", "می‌خواهم", "葛\u{e0100}"]
        {
            assert_eq!(one_line(text), text);
            assert_eq!(printable(text, 99), text);
        }
    }

    #[test]
    fn text_cannot_steer_the_terminal_or_turn_itself_around() {
        assert_eq!(one_line("a\x1b[31mred\x1b]0;title\x07"), "a[31mred]0;title");
        assert_eq!(one_line("\u{9b}31m\u{7f}x"), "31mx");
        assert_eq!(one_line("user\u{202e}gpj.exe\u{2066}\u{200f}\u{feff}"), "usergpj.exe");
        assert_eq!(one_line("two\nlines\u{2028}and\ta tab"), "two lines and a tab");
    }

    #[test]
    fn what_shows_nothing_is_taken_out_of_words() {
        assert_eq!(one_line("ad\u{200b}m\u{200d}i\u{200c}n\u{fe0f}\u{3164}\u{e0041}\u{ad}\u{34f}"), "admin");
        assert_eq!(one_line("\u{200d}é\u{200d}\u{200d}\u{200d}"), "é\u{200d}");
    }

    #[test]
    fn a_long_text_is_cut_with_an_ellipsis() {
        assert_eq!(printable("日本語です", 5), "日本語です");
        assert_eq!(printable("日本語です", 4), "日本語…");
        assert_eq!(printable("ab\u{202e}\u{202e}\u{202e}", 2), "ab");
        assert_eq!(printable("ab", 0), "");
    }

    #[test]
    fn json_is_escaped_and_says_the_same() {
        let value = serde_json::json!({"text": "a\u{9b}\u{202e}\u{e0041}\x7fb\n"});
        let text = value.to_string();
        let shown = escaped(&text);
        assert!(!shown.contains(is_acting), "{shown:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    proptest! {
        #[test]
        fn no_acting_character_survives(text in any::<String>(), chars_max in 0usize..40) {
            prop_assert!(!one_line(&text).contains(is_acting));
            let printable = printable(&text, chars_max);
            prop_assert!(!printable.contains(is_acting) && printable.chars().count() <= chars_max);
        }
    }
}
