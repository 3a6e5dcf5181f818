//! Terms with emoji or with characters of scripts without spaces: found anywhere, as they are written.
//!
//! Where such a term begins or ends with a word of a script with spaces, that is a whole word. In a phrase, each token
//! between two spaces is a piece of its own, and what may stand between words may stand between pieces.

use std::borrow::Cow;

use crate::text::{CharClass, Folded, as_written, char_class, fold_char_into};

use super::emoji;
use super::pattern::{Form, Pattern};
use crate::rules::query::near::{Place, units};

/// True when words alone do not show where `text`, which is folded, may stand.
pub(in crate::rules) fn is_unspaced(text: &Folded) -> bool {
    let is_anywhere = |c: char| matches!(char_class(c), CharClass::Unspaced | CharClass::Emoji);
    text.has_non_ascii && text.text.chars().any(is_anywhere)
}

/// The term of the one token that `folded` holds.
pub(in crate::rules) fn substring(folded: &Folded, exact: bool) -> Form {
    let exact = exact.then(|| literally(folded.written()).into_owned());
    Form::Substring { text: folded.text.clone(), exact }
}

/// A phrase cut at its spaces into tokens that are found anywhere, and what stands between those.
pub(in crate::rules) fn pieces<'s>(phrase: &'s str, folded: &mut Folded) -> Vec<&'s str> {
    let mut pieces = Vec::new();
    // Where the words since the last token of the other sort begin and end.
    let mut words: Option<(usize, usize)> = None;
    for token in phrase.split_whitespace() {
        let start = token.as_ptr() as usize - phrase.as_ptr() as usize;
        let end = start + token.len();
        folded.fold(token);
        if is_unspaced(folded) {
            pieces.extend(words.take().map(|(start, end)| &phrase[start..end]));
            pieces.push(token);
        } else {
            words = Some((words.map_or(start, |(start, _)| start), end));
        }
    }
    pieces.extend(words.map(|(start, end)| &phrase[start..end]));
    pieces
}

/// `text` where case and accents count, and kinds of dashes and apostrophes do not.
pub(in crate::rules) fn literally(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut literal = String::with_capacity(text.len());
    for c in as_written(text).chars() {
        match char_class(c) {
            CharClass::Punctuation | CharClass::Space => _ = fold_char_into(c, &mut literal),
            _ => literal.push(c),
        }
    }
    Cow::Owned(literal)
}

/// Every place of `needle`, those that overlap included: ハハ stands twice in ハハハ.
pub(in crate::rules) fn find_all(text: &Folded, needle: &str, exact: Option<&str>) -> Vec<Place> {
    let starts = text.text.char_indices().filter(|&(at, _)| text.text[at..].starts_with(needle));
    starts.filter_map(|(at, _)| place(text, at, needle, exact)).collect()
}

/// Characters that every text with `pattern` holds: the longest are the rarest, and from one the rest is found.
pub(in crate::rules) fn rarest(pattern: &Pattern) -> Option<&str> {
    let texts = pattern.pieces().iter().filter_map(|piece| match &piece.form {
        Form::Substring { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.max_by_key(|text| text.len())
}

/// The longest stretch without ASCII spaces and punctuation, which part a text into runs.
pub(in crate::rules) fn longest_run(text: &str) -> &str {
    let parts = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric();
    text.split(parts).max_by_key(|run| (!run.is_ascii(), run.len())).unwrap_or(text)
}

/// The place of `needle`, whose characters stand at byte `at` of the folded text, unless they are cut out of a longer
/// word or emoji, or written otherwise than `exact` wants.
pub(in crate::rules) fn place(text: &Folded, at: usize, needle: &str, exact: Option<&str>) -> Option<Place> {
    let (start, end) = (at as u32, (at + needle.len()) as u32);
    let is_word = |c: Option<char>| c.is_some_and(|c| char_class(c) == CharClass::Word);
    let begins = !is_word(needle.chars().next()) || begins_piece(text, start);
    let ends = !is_word(needle.chars().next_back()) || ends_piece(text, end);
    let is_so_written = || exact.is_none_or(|exact| literally(text.original_text(start, end)) == exact);
    (begins && ends && may_stand(text, at, at + needle.len()) && is_so_written()).then_some((start, end))
}

fn begins_piece(text: &Folded, start: u32) -> bool {
    [&text.words, &text.tags]
        .iter()
        .any(|pieces| pieces.binary_search_by_key(&start, |piece| piece.start).is_ok())
}

fn ends_piece(text: &Folded, end: u32) -> bool {
    let ends_tag = || {
        // Behind each whole hashtag stand the readings of it, which are few.
        let before = &text.tags[..text.tags.partition_point(|tag| tag.start < end)];
        let whole = before.iter().rposition(|tag| tag.sigil != 0);
        whole.is_some_and(|whole| before[whole..].iter().any(|tag| tag.end == end))
    };
    text.words.binary_search_by_key(&end, |word| word.end).is_ok() || ends_tag()
}

/// False where what stands in `start..end` of a folded text is a part of something else: a `#`, `@` or `$` that opens
/// nothing, such as the fragment of a link, or a piece of a longer emoji.
fn may_stand(text: &Folded, start: usize, end: usize) -> bool {
    let is_sigil = matches!(text.text.as_bytes().get(start), Some(b'#' | b'@' | b'$'));
    (!is_sigil || text.sigil_before(start + 1) != 0) && !emoji::is_cut(text, start, end)
}

/// Where the pieces, each of which has these places, stand in a row: with no word and no letter between them.
pub(in crate::rules) fn rows(text: &Folded, mut pieces: impl Iterator<Item = Vec<Place>>) -> Vec<Place> {
    let mut rows = pieces.next().unwrap_or_default();
    if rows.is_empty() {
        return rows;
    }
    rows.sort_unstable();
    let units = units(text);
    let units_before = |at: u32| units.partition_point(|&unit| unit < at);
    for mut places in pieces {
        places.sort_unstable();
        let mut longer = Vec::with_capacity(rows.len());
        for (start, end) in rows {
            // Of several places before the next word, which only an emoji can have, the first leaves all of the rest
            // open. Several that begin there are readings of a hashtag.
            let nexts = &places[places.partition_point(|place| place.0 < end)..];
            let Some(&(next, _)) = nexts.first() else { continue };
            if units_before(end) == units_before(next) {
                let readings = nexts.iter().take_while(|place| place.0 == next);
                longer.extend(readings.map(|&(_, until)| (start, until)));
            }
        }
        longer.dedup();
        rows = longer;
        if rows.is_empty() {
            break;
        }
    }
    rows
}
