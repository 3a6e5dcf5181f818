//! Why a text term is not found: what stands in the text instead, from the nearest kind of miss to the farthest.

use crate::text::{Folded, Word};

use super::operators::foreign::nearest;
use super::term::{Fold, Form, Pattern};

/// Why a term is not found when nothing like it is there.
pub(super) const NOT_FOUND: &str = "not found";

/// One sentence on why `pattern` is not in `texts` (the text, then captions).
pub(super) fn why_not(pattern: &Pattern, texts: &[Folded]) -> String {
    near_miss(pattern, texts).unwrap_or_else(|| NOT_FOUND.to_owned())
}

/// As [`why_not`], when something like the pattern is there.
pub(super) fn near_miss(pattern: &Pattern, texts: &[Folded]) -> Option<String> {
    match &pattern.form {
        Form::Words { sigil, words, exact, .. } => {
            let near = |text| words_near(text, pattern, *sigil, words, exact.is_some());
            texts.iter().find_map(near)
        }
        Form::Prefix { sigil, prefix } => texts.iter().find_map(|text| prefix_near(text, *sigil, prefix)),
        Form::Wildcard { .. } => None,
        Form::Substring(needle) => texts.iter().find_map(|text| substring_near(text, needle)),
        Form::Raw { text: raw, .. } => texts.iter().find_map(|text| raw_near(text, raw)),
    }
}

fn words_near(text: &Folded, pattern: &Pattern, sigil: u8, words: &[String], exact: bool) -> Option<String> {
    if exact && let Some(found) = loosened(pattern, text, without_exact) {
        return Some(format!("found as `{found}`; the rule wants this very spelling (fold = \"exact\")"));
    }
    if sigil != 0
        && let Some(found) = loosened(pattern, text, without_sigil)
    {
        return Some(format!("found `{found}` without its `{}`", char::from(sigil)));
    }
    if words.len() > 1 {
        return phrase_near(text, words);
    }
    inside_hinted(text, &words[0]).or_else(|| similar(text, &words[0]))
}

/// What stands there when the pattern's form is made less strict.
fn loosened(pattern: &Pattern, text: &Folded, loosen: impl Fn(&mut Form)) -> Option<String> {
    let mut looser = pattern.clone();
    loosen(&mut looser.form);
    let (start, end) = looser.find_all(text).into_iter().next()?;
    Some(text.original_text(start, end).to_owned())
}

fn without_exact(form: &mut Form) {
    if let Form::Words { exact, .. } = form {
        *exact = None;
    }
}

fn without_sigil(form: &mut Form) {
    if let Form::Words { sigil, .. } | Form::Prefix { sigil, .. } | Form::Wildcard { sigil, .. } = form {
        *sigil = 0;
    }
}

/// A phrase: in a row with something else between, in another order, or in part.
fn phrase_near(text: &Folded, words: &[String]) -> Option<String> {
    if let Some(at) = in_a_row(text, words) {
        let (first, last) = (&text.words[at], &text.words[at + words.len() - 1]);
        let found = text.original_text(first.start, last.end);
        return Some(format!("found as `{found}`: what stands between the words differs"));
    }
    let places: Vec<Option<usize>> =
        words.iter().map(|wanted| text.words.iter().position(|word| text.word(word) == wanted)).collect();
    let missing: Vec<&str> = words
        .iter()
        .zip(&places)
        .filter(|(_, place)| place.is_none())
        .map(|(word, _)| word.as_str())
        .collect();
    if missing.is_empty() {
        return Some("its words are there, but not side by side in this order".to_owned());
    }
    if missing.len() == words.len() {
        return None;
    }
    let why = missing.iter().find_map(|word| inside(text, word).or_else(|| similar(text, word)));
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    Some(format!("its words are there, except `{}`{why}", missing.join("`, `")))
}

fn in_a_row(text: &Folded, words: &[String]) -> Option<usize> {
    let fits = |run: &[Word]| run.iter().zip(words).all(|(word, wanted)| text.word(word) == wanted);
    text.words.windows(words.len()).position(fits)
}

/// The first word that holds `wanted` and is longer: `cloud` in `clouds`.
fn longer<'t>(text: &'t Folded, wanted: &str) -> Option<&'t Word> {
    text.words.iter().find(|word| text.word(word) != wanted && text.word(word).contains(wanted))
}

fn inside(text: &Folded, wanted: &str) -> Option<String> {
    Some(format!("found inside the longer word `{}`", text.original(longer(text, wanted)?)))
}

/// As [`inside`], with the prefix that would do; inside a phrase there can be none.
fn inside_hinted(text: &Folded, wanted: &str) -> Option<String> {
    let found = inside(text, wanted)?;
    let at_start = text.word(longer(text, wanted)?).starts_with(wanted) && wanted.chars().count() >= 3;
    Some(if at_start { format!("{found}; `{wanted}*` would match it") } else { found })
}

fn prefix_near(text: &Folded, sigil: u8, prefix: &str) -> Option<String> {
    let starts = |word: &&Word| text.word(word).starts_with(prefix);
    if sigil != 0
        && let Some(word) = text.words.iter().find(starts)
    {
        return Some(format!("found `{}` without its `{}`", text.original(word), char::from(sigil)));
    }
    let word = text.words.iter().find(|word| text.word(word).contains(prefix))?;
    Some(format!("found inside `{}`, not at its start", text.original(word)))
}

/// A word at most two edits away.
fn similar(text: &Folded, wanted: &str) -> Option<String> {
    if wanted.chars().count() < 4 {
        return None;
    }
    let near = nearest(wanted, text.words.iter().map(|word| text.word(word)))?;
    Some(format!("not found; the nearest word is `{near}`: a misspelling?"))
}

/// The same letters in other case, with other punctuation, or inside a longer word.
fn raw_near(text: &Folded, raw: &str) -> Option<String> {
    if text.written().contains(raw) {
        return Some("found only as a part of a longer word".to_owned());
    }
    let folded = Pattern::new(raw, Fold::Standard).ok()?;
    let (start, end) = folded.find_all(text).into_iter().next()?;
    Some(format!("found as `{}`; raw: wants these very characters", text.original_text(start, end)))
}

fn substring_near(text: &Folded, needle: &str) -> Option<String> {
    let squeezed: String = text.text.chars().filter(|c| !c.is_whitespace()).collect();
    squeezed.contains(needle).then(|| "found only across a space".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(source: &str, exact: bool, text: &str) -> String {
        why_not(
            &Pattern::new(source, if exact { Fold::Exact } else { Fold::Standard }).unwrap(),
            &[Folded::new(text)],
        )
    }

    #[test]
    fn the_nearest_miss_is_named() {
        for (source, text, expected) in [
            ("cloud", "so many Clouds", "found inside the longer word `Clouds`; `cloud*` would match it"),
            ("cloud", "Acmecloud", "found inside the longer word `Acmecloud`"),
            ("#acme", "acme is here", "found `acme` without its `#`"),
            (
                "acme cloud",
                "acme's clouds",
                "its words are there, except `cloud` (found inside the longer word `clouds`)",
            ),
            ("acme cloud", "the cloud of acme", "its words are there, but not side by side in this order"),
            ("h&m", "H - M", "found as `H - M`: what stands between the words differs"),
            ("starbucks", "at Starbuks", "not found; the nearest word is `starbuks`: a misspelling?"),
            ("outag*", "routages", "found inside `routages`, not at its start"),
            ("#out*", "outage", "found `outage` without its `#`"),
            ("네슬레", "네 슬레", "found only across a space"),
            ("acme", "nothing like it", "not found"),
            ("acme cloud", "nothing like it", "not found"),
        ] {
            assert_eq!(why(source, false, text), expected, "{source} in {text}");
        }
        assert_eq!(
            why("Apple", true, "an apple"),
            "found as `apple`; the rule wants this very spelling (fold = \"exact\")"
        );
    }
}
