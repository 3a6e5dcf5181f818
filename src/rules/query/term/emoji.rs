//! Emoji are found as they stand, and not inside longer ones: 💻 is not in 👩‍💻, and 🇩🇪 not in 🇬🇩🇪🇸.

use crate::text::{CharClass, Folded, char_class};

const JOINER: char = '\u{200D}';
/// Letters looked back over for where a row of flags begins, so that a row of a million stays cheap. Even.
const FLAG_LETTERS_MAX: usize = 256;

/// True when a range of the folded text begins or ends inside an emoji of several characters.
pub(in crate::rules) fn is_cut(text: &Folded, start: usize, end: usize) -> bool {
    let (before, found, after) = (&text.text[..start], &text.text[start..end], &text.text[end..]);
    let (first, last) = (found.chars().next(), last_of(found));
    if !is_emoji(first) && !is_emoji(last) {
        return false;
    }
    let (last_before, first_after) = (last_of(before), after.chars().next());
    let (from, to) = text.original_span(start as u32, end as u32);
    let is_joined = |at: u32| ends_with_joiner(&text.written()[..at as usize]);
    // The signs for woman and man make no other emoji: 🤷 is in 🤷‍♀️.
    let goes_on = !matches!(first_after, Some('♀' | '♂')) && is_emoji(first_after);
    (is_emoji(first) && ((is_emoji(last_before) && is_joined(from)) || is_in_flag(before, first)))
        || (is_emoji(last) && ((goes_on && is_joined(to)) || is_in_flag(&text.text[..end], first_after)))
}

fn last_of(text: &str) -> Option<char> {
    text.chars().next_back()
}

fn is_emoji(c: Option<char>) -> bool {
    c.is_some_and(|c| char_class(c) == CharClass::Emoji)
}

/// What nobody sees may stand around the joiner, skin tones among it.
fn ends_with_joiner(written: &str) -> bool {
    let unseen = written.chars().rev().take_while(|&c| char_class(c) == CharClass::Dropped);
    unseen.into_iter().any(|c| c == JOINER)
}

/// True when `next` is the second letter of a flag that begins in `before`.
fn is_in_flag(before: &str, next: Option<char>) -> bool {
    let is_letter = |c: &char| matches!(c, '\u{1F1E6}'..='\u{1F1FF}');
    let letters = || before.chars().rev().take(FLAG_LETTERS_MAX).take_while(is_letter).count();
    next.as_ref().is_some_and(is_letter) && letters() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::query::term::{Fold, Pattern};

    #[test]
    fn emoji_are_not_cut_out_of_longer_ones() {
        for (emoji, text, expected) in [
            ("💻", "a 👩‍💻", false),
            ("👩", "a 👩🏽‍💻", false),
            ("👩‍💻", "a 👩🏽‍💻", true),
            ("💻", "👩💻", true),
            ("🤷", "🤷🏽‍♀️", true),
            ("♀", "🤷‍♀️", false),
            ("🏳", "🏳️‍🌈", false),
            ("🇩🇪", "🇬🇩🇪🇸", false),
            ("🇩🇪", "🇬🇩🇩🇪 x", true),
            ("🇩", "🇩🇪", false),
            ("👍", "👍👍", true),
            ("네슬레", "네슬레\u{200D}를", true),
        ] {
            let pattern = Pattern::new(emoji, Fold::Standard).unwrap();
            assert_eq!(!pattern.find_all(&Folded::new(text)).is_empty(), expected, "{emoji} in {text}");
        }
    }
}
