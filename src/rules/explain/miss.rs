//! Why a text term is not found: what stands in the text instead, from the nearest kind of miss to the farthest.

use std::sync::Arc;

use crate::text::{Folded, Word};

use crate::rules::engine::naive;
use crate::rules::operators::foreign::nearest;
use crate::rules::query::term::wildcard;
use crate::rules::query::term::{Fold, Form, Pattern};

/// A `"…"~N` wider than this is no advice.
const SLACK_SHOWN_MAX: u8 = 10;

/// Why a term is not found when nothing like it is there.
pub(in crate::rules) const NOT_FOUND: &str = "not found";

/// One sentence on why `pattern` is not in `texts` (the text, then captions).
pub(in crate::rules) fn why_not(pattern: &Pattern, texts: &[Folded]) -> String {
    near_miss(pattern, texts).unwrap_or_else(|| NOT_FOUND.to_owned())
}

/// As [`why_not`], when something like the pattern is there.
pub(in crate::rules) fn near_miss(pattern: &Pattern, texts: &[Folded]) -> Option<String> {
    match &pattern.form {
        Form::Words { sigil, words, exact, .. } => {
            let near = |text| words_near(text, pattern, *sigil, words, exact.is_some());
            texts.iter().find_map(near)
        }
        Form::Prefix { sigil, prefix } => texts.iter().find_map(|text| prefix_near(text, *sigil, prefix)),
        Form::Wildcard { glob, .. } => texts.iter().find_map(|text| wildcard_near(text, pattern, glob)),
        Form::Substring { text: needle, exact } => {
            texts.iter().find_map(|text| substring_near(text, pattern, needle, exact.is_some()))
        }
        Form::Row(pieces) => texts.iter().find_map(|text| row_near(text, pattern, pieces)),
        Form::Raw { text: raw, .. } => texts.iter().find_map(|text| raw_near(text, raw)),
    }
}

fn words_near(text: &Folded, pattern: &Pattern, sigil: u8, words: &[String], exact: bool) -> Option<String> {
    if exact && let Some(why) = spelled_otherwise(pattern, text) {
        return Some(why);
    }
    if sigil == b'@' && text.text.contains(&format!("@{}", words.join("."))) {
        return Some("found only as a part of a longer handle".to_owned());
    }
    if sigil != 0
        && let Some(found) = loosened(pattern, text, without_sigil)
    {
        return Some(format!("found `{found}` without its `{}`", char::from(sigil)));
    }
    if let Some(found) = loosened(pattern, text, |pattern| pattern.is_loose = true) {
        return Some(format!("found as `{found}`; fold = \"loose\" would match it ({})", disguise(&found)));
    }
    if words.len() > 1 {
        return phrase_near(text, words);
    }
    if words[0] == "ai" && text.text.contains("j'ai") {
        return Some("found only in the French `j'ai`, which is no name".to_owned());
    }
    inside_hinted(text, &words[0]).or_else(|| similar(text, &words[0]))
}

/// What stands there in another case or with other accents.
fn spelled_otherwise(pattern: &Pattern, text: &Folded) -> Option<String> {
    let found = loosened(pattern, text, without_exact)?;
    let who = if pattern.source.starts_with('{') { "braces want" } else { "fold = \"exact\" wants" };
    Some(format!("found as `{found}`; {who} this very spelling"))
}

/// What a loosely spelled word does to hide.
fn disguise(found: &str) -> &'static str {
    if !found.is_ascii() {
        "letters of another script that look the same"
    } else if found.bytes().any(|byte| byte.is_ascii_digit()) {
        "digits for letters"
    } else {
        "repeated letters"
    }
}

/// What stands there when the pattern is made less strict.
fn loosened(pattern: &Pattern, text: &Folded, loosen: impl Fn(&mut Pattern)) -> Option<String> {
    let mut looser = pattern.clone();
    loosen(&mut looser);
    let (start, end) = looser.find_all(text).into_iter().next()?;
    Some(text.original_text(start, end).to_owned())
}

fn without_exact(pattern: &mut Pattern) {
    match &mut pattern.form {
        Form::Words { exact, .. } => *exact = None,
        Form::Substring { exact, .. } => *exact = None,
        Form::Row(pieces) => pieces.iter_mut().for_each(without_exact),
        Form::Prefix { .. } | Form::Wildcard { .. } | Form::Raw { .. } => {}
    }
}

fn without_sigil(pattern: &mut Pattern) {
    let form = &mut pattern.form;
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
        words.iter().map(|wanted| text.pieces().position(|word| text.word(word) == wanted)).collect();
    let missing: Vec<&str> = words
        .iter()
        .zip(&places)
        .filter(|(_, place)| place.is_none())
        .map(|(word, _)| word.as_str())
        .collect();
    if missing.is_empty() {
        let hint = slack_needed(text, words)
            .map_or_else(String::new, |slack| format!("; `\"{}\"~{slack}` would match it", words.join(" ")));
        return Some(format!("its words are there, but not side by side in this order{hint}"));
    }
    if missing.len() == words.len() {
        return None;
    }
    let why = missing.iter().find_map(|word| inside(text, word).or_else(|| similar(text, word)));
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    let hint = as_found(text, words, &missing).map(|phrase| format!("; `\"{phrase}\"` would match it"));
    Some(format!("its words are there, except `{}`{why}{}", missing.join("`, `"), hint.unwrap_or_default()))
}

/// The phrase with the longer words that stand in the text, when that would be found.
fn as_found(text: &Folded, words: &[String], missing: &[&str]) -> Option<String> {
    let mut written = Vec::with_capacity(words.len());
    for word in words {
        let is_missing = missing.contains(&word.as_str());
        written.push(if is_missing { text.word(longer(text, word)?) } else { word });
    }
    let phrase = written.join(" ");
    let is_found = !Pattern::new(&phrase, Fold::Standard).ok()?.find_all(text).is_empty();
    is_found.then_some(phrase)
}

/// The smallest N for which `"…"~N` holds, if it is a small one.
fn slack_needed(text: &Folded, words: &[String]) -> Option<u8> {
    let terms: Vec<Arc<Pattern>> =
        words.iter().filter_map(|word| Pattern::new(word, Fold::Standard).ok().map(Arc::new)).collect();
    (0..=SLACK_SHOWN_MAX).find(|&slack| !naive::window_places(&terms, slack, text).is_empty())
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
    match longer(text, wanted) {
        Some(word) => Some(format!("found inside the longer word `{}`", text.original(word))),
        None => inside_tag(text, wanted),
    }
}

/// In a hashtag, across the words that it is read as.
fn inside_tag(text: &Folded, wanted: &str) -> Option<String> {
    let tag = text.tags.iter().find(|tag| tag.sigil != 0 && text.word(tag).contains(wanted))?;
    let is_part = |word: &&Word| tag.start <= word.start && word.end <= tag.end;
    let parts: Vec<&str> = text.words.iter().filter(is_part).map(|word| text.word(word)).collect();
    let tag = text.original(tag);
    Some(format!("found inside the hashtag `#{tag}`, which is read as `{}`", parts.join("` `")))
}

/// As [`inside`], with the prefix that would do; inside a phrase there can be none.
fn inside_hinted(text: &Folded, wanted: &str) -> Option<String> {
    let found = inside(text, wanted)?;
    let starts = |word: &Word| text.word(word).starts_with(wanted);
    let at_start = longer(text, wanted).map_or_else(|| text.tags.iter().any(starts), starts);
    let is_hinted = at_start && wanted.chars().count() >= 3;
    Some(if is_hinted { format!("{found}; `{wanted}*` would match it") } else { found })
}

fn prefix_near(text: &Folded, sigil: u8, prefix: &str) -> Option<String> {
    let starts = |word: &&Word| text.word(word).starts_with(prefix);
    if sigil != 0
        && let Some(word) = text.pieces().find(starts)
    {
        return Some(format!("found `{}` without its `{}`", text.original(word), char::from(sigil)));
    }
    let word = text.pieces().find(|word| text.word(word).contains(prefix))?;
    Some(format!("found inside `{}`, not at its start", text.original(word)))
}

/// The letters between the gaps, in a word that does not fit the rest.
fn wildcard_near(text: &Folded, pattern: &Pattern, glob: &str) -> Option<String> {
    if let Some(found) = loosened(pattern, text, without_sigil) {
        return Some(format!("found `{found}` without its sign"));
    }
    let (_, _, letters) = wildcard::literals(glob);
    let word = text.pieces().find(|word| text.word(word).contains(letters))?;
    Some(format!("found `{}`, which does not fit the wildcard", text.original(word)))
}

/// A word at most two edits away.
fn similar(text: &Folded, wanted: &str) -> Option<String> {
    if wanted.chars().count() < 4 {
        return None;
    }
    let near = nearest(wanted, text.pieces().map(|word| text.word(word)))?;
    Some(format!("not found; the nearest word is `{near}`: a misspelling?"))
}

/// The same letters in other case, with other punctuation, or inside a longer word.
fn raw_near(text: &Folded, raw: &str) -> Option<String> {
    if text.written().contains(raw) {
        return Some("found only as a part of a longer word".to_owned());
    }
    let letters: String = raw.chars().filter(|c| c.is_alphanumeric() || c.is_whitespace()).collect();
    let found = |written: &str| Pattern::new(written, Fold::Standard).ok()?.find_all(text).into_iter().next();
    // `Wi-Fi` may stand there as `wifi`.
    let (start, end) = found(raw).or_else(|| found(&letters))?;
    Some(format!("found as `{}`; raw: wants these very characters", text.original_text(start, end)))
}

/// A phrase whose pieces stand apart, or not all there.
fn row_near(text: &Folded, pattern: &Pattern, pieces: &[Pattern]) -> Option<String> {
    if let Some(why) = spelled_otherwise(pattern, text) {
        return Some(why);
    }
    let is_missing = |piece: &&Pattern| piece.find_all(text).is_empty();
    let missing: Vec<&Pattern> = pieces.iter().filter(is_missing).collect();
    match missing[..] {
        [] => Some("its words are there, but not side by side in this order".to_owned()),
        [first, ..] if missing.len() < pieces.len() => near_miss(first, std::slice::from_ref(text)),
        _ => None,
    }
}

fn substring_near(text: &Folded, pattern: &Pattern, needle: &str, exact: bool) -> Option<String> {
    if exact && let Some(why) = spelled_otherwise(pattern, text) {
        return Some(why);
    }
    if text.text.contains(needle) && needle.starts_with(char::is_alphanumeric) {
        return Some("found only as a part of a longer word".to_owned());
    }
    let squeezed: String = text.text.chars().filter(|c| !c.is_whitespace()).collect();
    squeezed.contains(needle).then(|| "found only across a space".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(source: &str, exact: bool, text: &str) -> String {
        let mut folded = Folded::new(text);
        folded.loosen();
        let fold = if exact { Fold::Exact } else { Fold::Standard };
        let pattern = match source.contains(' ') {
            true => Pattern::new(source, fold),
            false => Pattern::word(source, fold, &mut Folded::default()),
        };
        why_not(&pattern.unwrap(), &[folded])
    }

    #[test]
    fn the_nearest_miss_is_named() {
        for (source, text, expected) in [
            ("cloud", "so many Clouds", "found inside the longer word `Clouds`; `cloud*` would match it"),
            ("cloud", "Acmecloud", "found inside the longer word `Acmecloud`"),
            ("@acme.com", "@acme.com.br", "found only as a part of a longer handle"),
            ("#acme", "acme is here", "found `acme` without its `#`"),
            (
                "acme cloud",
                "acme's clouds",
                "its words are there, except `cloud` (found inside the longer word `clouds`)",
            ),
            (
                "acme cloud",
                "the cloud of acme",
                "its words are there, but not side by side in this order; `\"acme cloud\"~1` would match it",
            ),
            (
                "acme cloud",
                "Acme Clouds are down",
                "its words are there, except `cloud` (found inside the longer word `Clouds`); `\"acme clouds\"` would match it",
            ),
            ("colo?r", "the colouring", "found `colouring`, which does not fit the wildcard"),
            (
                "nestle",
                "n3stl3 is bad",
                "found as `n3stl3`; fold = \"loose\" would match it (digits for letters)",
            ),
            ("down", "doooown", "found as `doooown`; fold = \"loose\" would match it (repeated letters)"),
            ("AI", "j'ai faim", "found only in the French `j'ai`, which is no name"),
            ("h&m", "H - M", "found as `H - M`: what stands between the words differs"),
            ("starbucks", "at Starbuks", "not found; the nearest word is `starbuks`: a misspelling?"),
            ("outag*", "routages", "found inside `routages`, not at its start"),
            ("#out*", "outage", "found `outage` without its `#`"),
            ("네슬레", "네 슬레", "found only across a space"),
            ("acme東京", "megaacme東京", "found only as a part of a longer word"),
            ("acme 東京", "東京 acme", "its words are there, but not side by side in this order"),
            ("acme 東京", "東京 acmes", "found inside the longer word `acmes`; `acme*` would match it"),
            (
                "iphone",
                "my #MyiPhone",
                "found inside the hashtag `#MyiPhone`, which is read as `myi` `phone`",
            ),
            (
                "acmed",
                "#AcmeDown",
                "found inside the hashtag `#AcmeDown`, which is read as `acme` `down`; `acmed*` would match it",
            ),
            ("paypall", "#PayPalDown", "not found; the nearest word is `paypal`: a misspelling?"),
            ("#paypal", "#PayPalDown", "found `PayPal` without its `#`"),
            ("acme", "nothing like it", "not found"),
            ("acme cloud", "nothing like it", "not found"),
        ] {
            assert_eq!(why(source, false, text), expected, "{source} in {text}");
        }
        let raw = Pattern::raw("Wi-Fi", &mut Folded::default()).unwrap();
        assert_eq!(
            why_not(&raw, &[Folded::new("no wifi here")]),
            "found as `wifi`; raw: wants these very characters"
        );
        assert_eq!(
            why("Apple", true, "an apple"),
            "found as `apple`; fold = \"exact\" wants this very spelling"
        );
        assert_eq!(
            why("Acme 東京", true, "acme 東京"),
            "found as `acme 東京`; fold = \"exact\" wants this very spelling"
        );
    }
}
