//! Where a pattern stands in a folded text: the obvious way. How to find the places quickly is the index's business.

use crate::text::{Folded, Word, as_written};

use super::handle::{ends_handle, handle_len};
use super::pattern::{Form, Gap, Pattern};
use super::raw::{self, Key};
use super::{unspaced, wildcard};

impl Pattern {
    /// Every place where the pattern stands, as ranges of the folded text: the obvious way.
    #[must_use]
    pub fn find_all(&self, text: &Folded) -> Vec<(u32, u32)> {
        match &self.form {
            Form::Substring { text: needle, exact } => unspaced::find_all(text, needle, exact.as_deref()),
            Form::Row(pieces) => unspaced::rows(text, pieces.iter().map(|piece| piece.find_all(text))),
            Form::Raw { text: raw, .. } => raw::find_all(raw, text),
            _ => (0..text.piece_count()).filter_map(|at| self.words_at(text, at)).collect(),
        }
    }

    /// The range when the pattern begins with piece `at` of `text`: a word, or a hashtag's words taken together.
    #[must_use]
    pub fn words_at(&self, text: &Folded, at: usize) -> Option<(u32, u32)> {
        let first = text.piece(at)?;
        match &self.form {
            Form::Substring { .. } | Form::Row(_) => None,
            Form::Prefix { .. } | Form::Wildcard { .. } => self.single_at(text, first, at),
            Form::Raw { text: raw, key } => raw_at(raw, key.as_ref()?, text, first),
            Form::Words { sigil, words, gaps, exact } => {
                if !sigil_fits(*sigil, first) || is_elided_verb(text, at) {
                    return None;
                }
                let end = self.row_end(text, at, words, gaps, exact.as_deref())?;
                ends_its_handle(text, at, *sigil, gaps).then_some((first.start, end))
            }
        }
    }

    /// A prefix or wildcard at piece `at`, which is `word`.
    fn single_at(&self, text: &Folded, word: &Word, at: usize) -> Option<(u32, u32)> {
        let (sigil, found) = match &self.form {
            Form::Prefix { sigil, prefix } => {
                (*sigil, self.any_spelling(text, word, at, |spelling| spelling.starts_with(prefix.as_str())))
            }
            Form::Wildcard { sigil, glob, exact } => {
                let written = exact
                    .as_ref()
                    .is_none_or(|exact| wildcard::fits(exact, &as_written(text.original(word))));
                (
                    *sigil,
                    written && self.any_spelling(text, word, at, |spelling| wildcard::fits(glob, spelling)),
                )
            }
            _ => return None,
        };
        (found && sigil_fits(sigil, word)).then_some((word.start, word.end))
    }

    /// True when the word, or one of its loose spellings where they count, passes `test`.
    fn any_spelling(&self, text: &Folded, word: &Word, at: usize, test: impl Fn(&str) -> bool) -> bool {
        test(text.word(word))
            || (self.is_loose && text.loose_spellings(at).any(|(_, spelling)| test(spelling)))
    }

    /// Where `words` end, if they stand in a row from piece `at` on, with `gaps` between them, written like `exact`.
    fn row_end(
        &self,
        text: &Folded,
        at: usize,
        words: &[String],
        gaps: &[Gap],
        exact: Option<&[String]>,
    ) -> Option<u32> {
        let (found, wanted) = (text.piece(at)?, words.first()?);
        let is_written = exact.is_none_or(|exact| as_written(text.original(found)) == exact[0].as_str());
        if !self.any_spelling(text, found, at, |spelling| spelling == wanted) || !is_written {
            return None;
        }
        let Some((gap, gaps)) = gaps.split_first() else { return Some(found.end) };
        let follows = |&next: &usize| text.piece(next).is_some_and(|next| gap.fits(text.gap(found, next)));
        let mut next = text.pieces_after(at).filter(follows);
        next.find_map(|next| self.row_end(text, next, &words[1..], gaps, exact.map(|exact| &exact[1..])))
    }

    /// True when the pattern is the platform's own hashtag `tag`, which comes without its sign.
    #[must_use]
    pub fn is_hashtag(&self, tag: &str) -> bool {
        let Some(wanted) = self.as_hashtag() else { return false };
        match &self.form {
            Form::Words { exact: Some(exact), .. } => exact[..] == [as_written(tag)],
            Form::Substring { exact: Some(exact), .. } => {
                exact.strip_prefix('#') == Some(&*unspaced::literally(tag))
            }
            _ => Folded::new(tag).text == wanted,
        }
    }
}

fn raw_at(raw: &str, key: &Key, text: &Folded, word: &Word) -> Option<(u32, u32)> {
    if text.word(word) != key.words[0] {
        return None;
    }
    let (start, _) = text.original_span(word.start, word.end);
    raw::place(raw, text, start.checked_sub(key.offset)? as usize)
}

fn sigil_fits(wanted: u8, word: &Word) -> bool {
    wanted == 0 || wanted == word.sigil
}

/// `@acme.com` is not the account `@acme`. The phrase is known to stand there: no hashtag is a part of a name.
fn ends_its_handle(text: &Folded, at: usize, sigil: u8, gaps: &[Gap]) -> bool {
    let end = |word: &Word| ends_handle(&text.text[word.end as usize..]);
    sigil != b'@' || end(&text.words[at + handle_len(gaps) - 1])
}

/// French "j'ai" (I have) holds no brand "AI", though "l'Oréal" holds "Oréal".
fn is_elided_verb(text: &Folded, at: usize) -> bool {
    let (Some(before), Some(word)) =
        (at.checked_sub(1).and_then(|at| text.words.get(at)), text.words.get(at))
    else {
        return false;
    };
    text.word(word) == "ai" && text.word(before) == "j" && text.gap(before, word) == "'"
}
