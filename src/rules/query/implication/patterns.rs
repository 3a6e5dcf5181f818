//! What follows from text terms: a phrase has its words, a word its prefixes.

use crate::rules::query::term::{Form, Gap, Pattern, handle_len, unspaced, wildcard};
use crate::text::{CharClass, Folded, char_class};

/// Looked for in the same way, however it is written in the query.
pub(super) fn is_equal(pattern: &Pattern, other: &Pattern) -> bool {
    pattern.form == other.form && pattern.is_loose == other.is_loose
}

/// True when every text with `pattern` has `other`.
pub(in crate::rules) fn pattern_implies(pattern: &Pattern, other: &Pattern) -> bool {
    let Pattern { source: _, form, is_loose } = pattern;
    // Loose spellings are looked for beside the usual ones.
    (!is_loose || other.is_loose) && form_implies(form, &other.form)
}

/// True when whatever holds `form` holds `other`.
fn form_implies(form: &Form, other: &Form) -> bool {
    if form == other {
        return true;
    }
    match (form, other) {
        // The platform's own tags satisfy it, as below.
        (Form::Substring { text, .. }, _) if text.starts_with('#') => is_without_exact(form, other),
        // Characters of scripts without spaces are looked for anywhere; emoji not in longer emoji.
        (Form::Substring { text, .. }, Form::Substring { text: part, exact: None }) => {
            let is_emoji = |c: char| char_class(c) == CharClass::Emoji;
            let is_found = || !unspaced::find_all(&Folded::new(text), part, None).is_empty();
            text == part || (!part.starts_with(is_emoji) && !part.ends_with(is_emoji) && is_found())
        }
        (Form::Row(pieces), _) => {
            is_without_exact(form, other) || pieces.iter().any(|piece| form_implies(&piece.form, other))
        }
        (Form::Prefix { sigil, prefix }, Form::Prefix { sigil: wanted, prefix: shorter }) => {
            sigil_implies(*sigil, *wanted) && prefix.starts_with(shorter.as_str())
        }
        // The platform's own tags satisfy `#tag` without a word in the text.
        (Form::Words { sigil: b'#', words, gaps, exact: _ }, _) if words.len() == 1 => {
            let Form::Words { sigil, words: wanted, gaps: between, exact } = other else { return false };
            *sigil == b'#' && words == wanted && gaps == between && exact.is_none()
        }
        (Form::Words { sigil, words, .. }, Form::Prefix { sigil: wanted, prefix }) => {
            has_word(*sigil, words, *wanted, |word| word.starts_with(prefix.as_str()))
        }
        (Form::Words { sigil, words, .. }, Form::Wildcard { sigil: wanted, glob, exact: None }) => {
            has_word(*sigil, words, *wanted, |word| wildcard::fits(glob, word))
        }
        (Form::Words { words: mine, .. }, Form::Words { words, .. }) => (0..mine.len()).any(|at| {
            // "j'ai" is not the brand "AI" (see `term`).
            (at == 0 || words[0] != "ai") && words_imply(form, at, other)
        }),
        _ => false,
    }
}

/// True when `other` is `form`, but for the spelling.
fn is_without_exact(form: &Form, other: &Form) -> bool {
    match (form, other) {
        (Form::Row(pieces), Form::Row(others)) => {
            let fits = |(piece, other): (&Pattern, &Pattern)| is_without_exact(&piece.form, &other.form);
            pieces.len() == others.len() && pieces.iter().zip(others).all(fits)
        }
        (Form::Substring { text, .. }, Form::Substring { text: other, exact: None }) => text == other,
        (Form::Words { .. }, Form::Words { exact: None, .. }) => {
            let mut plain = form.clone();
            if let Form::Words { exact, .. } = &mut plain {
                *exact = None;
            }
            plain == *other
        }
        _ => form == other,
    }
}

fn has_word(sigil: u8, words: &[String], wanted: u8, fits: impl Fn(&str) -> bool) -> bool {
    let sigil_at = |at: usize| if at == 0 { sigil } else { 0 };
    words.iter().enumerate().any(|(at, word)| sigil_implies(sigil_at(at), wanted) && fits(word))
}

/// True when the words of `part` are those of `form` from `at` on.
fn words_imply(form: &Form, at: usize, part: &Form) -> bool {
    let (
        Form::Words { sigil, words, gaps, exact },
        Form::Words { sigil: wanted_sigil, words: wanted, gaps: wanted_gaps, exact: wanted_exact },
    ) = (form, part)
    else {
        return false;
    };
    let end = at + wanted.len();
    let is_same_account = *wanted_sigil != b'@' || handle_len(gaps) == handle_len(wanted_gaps);
    is_same_account
        && words.get(at..end) == Some(wanted)
        && sigil_implies(if at == 0 { *sigil } else { 0 }, *wanted_sigil)
        && gaps[at..end - 1].iter().zip(wanted_gaps).all(|(gap, wanted)| gap_implies(gap, wanted))
        && wanted_exact.as_ref().is_none_or(|wanted| {
            exact.as_ref().is_some_and(|exact| exact.get(at..end) == Some(wanted.as_slice()))
        })
}

fn sigil_implies(sigil: u8, wanted: u8) -> bool {
    wanted == 0 || wanted == sigil
}

fn gap_implies(gap: &Gap, wanted: &Gap) -> bool {
    gap == wanted
        || match (gap, wanted) {
            (Gap::Hyphen, Gap::Any) => true,
            (Gap::Exactly(written), Gap::Any) => wanted.fits(written),
            _ => false,
        }
}
