//! `*fix`, `colo?r`, `in*ing`: one word with gaps. `*` is any number of characters, `?` is one.
//!
//! A plain prefix, `outag*`, is no wildcard in this sense: `term` has a faster form for it.

use crate::text::{Folded, as_written};

use super::pattern::PatternError;

/// Fewer literal characters than this would match too much.
pub(in crate::rules) const LITERAL_CHARS_MIN: usize = 3;

/// A wildcard read from a query.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::rules) struct Wildcard {
    /// `#`, `@`, `$` or 0.
    pub(in crate::rules) sigil: u8,
    /// Folded, `*` and `?` left standing: no folded word holds either.
    pub(in crate::rules) glob: String,
    /// The same as written.
    pub(in crate::rules) written: String,
}

/// Reads `source`, which has a `*` or `?` somewhere.
pub(in crate::rules) fn read(source: &str, folded: &mut Folded) -> Result<Wildcard, PatternError> {
    let mut wildcard = Wildcard { sigil: 0, glob: String::new(), written: String::new() };
    let mut literal_chars = 0;
    for piece in source.split_inclusive(['*', '?']) {
        let (text, gap) = match piece.strip_suffix(['*', '?']) {
            Some(text) => (text, &piece[text.len()..]),
            None => (piece, ""),
        };
        if !text.is_empty() {
            folded.fold(text);
            let [word] = folded.whole_words()[..] else { return Err(PatternError::MisplacedWildcard) };
            let sigil_len = usize::from(word.sigil != 0);
            let is_whole = word.start as usize == sigil_len && word.end as usize == folded.text.len();
            if !is_whole || (sigil_len > 0 && !wildcard.glob.is_empty()) {
                return Err(PatternError::MisplacedWildcard);
            }
            if wildcard.glob.is_empty() {
                wildcard.sigil = word.sigil;
            }
            literal_chars += folded.word(&word).chars().count();
            wildcard.glob.push_str(folded.word(&word));
            wildcard.written.push_str(&as_written(folded.original(&word)));
        }
        wildcard.glob.push_str(gap);
        wildcard.written.push_str(gap);
    }
    if literal_chars < LITERAL_CHARS_MIN {
        return Err(PatternError::PrefixTooShort);
    }
    Ok(wildcard)
}

/// True when `glob` covers the whole of `word`. Linear in both for one `*`, at worst quadratic.
pub(in crate::rules) fn fits(glob: &str, word: &str) -> bool {
    let (mut glob, mut word) = (glob.chars(), word.chars());
    // Where to go on from when the characters after the last `*` do not fit here.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (before, wanted) = (glob.clone(), glob.next());
        match wanted {
            Some('*') => {
                retry = Some((before, word.clone()));
                continue;
            }
            Some(wanted) => match word.clone().next() {
                Some(c) if wanted == '?' || wanted == c => {
                    word.next();
                    continue;
                }
                _ => {}
            },
            None if word.as_str().is_empty() => return true,
            None => {}
        }
        let Some((star, mut rest)) = retry.take() else { return false };
        if rest.next().is_none() {
            return false;
        }
        word = rest.clone();
        glob = star.clone();
        glob.next();
        retry = Some((star, rest));
    }
}

/// What every word that fits begins with, ends with, and its longest stretch without a gap.
pub(in crate::rules) fn literals(glob: &str) -> (&str, &str, &str) {
    let mut pieces = glob.split(['*', '?']);
    let lead = pieces.next().unwrap_or("");
    let trail = glob.rsplit(['*', '?']).next().unwrap_or("");
    let longest = glob.split(['*', '?']).max_by_key(|piece| piece.len()).unwrap_or("");
    (lead, trail, longest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn globs(source: &str) -> Result<(u8, String), PatternError> {
        read(source, &mut Folded::default()).map(|read| (read.sigil, read.glob))
    }

    #[test]
    fn wildcards_are_folded_around_their_gaps() {
        assert_eq!(globs("Colo?R"), Ok((0, "colo?r".to_owned())));
        assert_eq!(globs("*Née"), Ok((0, "*nee".to_owned())));
        assert_eq!(globs("#ac*me"), Ok((b'#', "ac*me".to_owned())));
        assert_eq!(globs("a?b"), Err(PatternError::PrefixTooShort));
        for source in ["co-lo?r", "a b*cd", "네*슬레", "ab*#cd", "#*acme"] {
            assert_eq!(globs(source), Err(PatternError::MisplacedWildcard), "{source}");
        }
    }

    #[test]
    fn literals_are_what_stands_between_the_gaps() {
        assert_eq!(literals("colo?r"), ("colo", "r", "colo"));
        assert_eq!(literals("*fix"), ("", "fix", "fix"));
        assert_eq!(literals("*mid*"), ("", "", "mid"));
    }

    /// The obvious way.
    fn fits_slowly(glob: &[char], word: &[char]) -> bool {
        match (glob.first(), word.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                fits_slowly(&glob[1..], word) || (!word.is_empty() && fits_slowly(glob, &word[1..]))
            }
            (Some('?'), Some(_)) => fits_slowly(&glob[1..], &word[1..]),
            (Some(a), Some(b)) if a == b => fits_slowly(&glob[1..], &word[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_glob_fits_as_the_obvious_one_does(glob in "[abé*?]{0,8}", word in "[abé]{0,10}") {
            let (slow_glob, slow_word): (Vec<char>, Vec<char>) = (glob.chars().collect(), word.chars().collect());
            prop_assert_eq!(fits(&glob, &word), fits_slowly(&slow_glob, &slow_word));
        }
    }
}
