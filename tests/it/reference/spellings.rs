//! `fold = "loose"`: what a word may be a disguise of.

use unicode_security::skeleton;

/// Longest word, in bytes as it reads, that is taken for a disguise.
const BYTES_MAX: usize = 40;

/// Every other word that `word` may stand for.
pub(crate) fn spellings(word: &str) -> Vec<String> {
    if word.len() > BYTES_MAX {
        return Vec::new();
    }
    let mut all = vec![word.to_owned()];
    all.extend(in_latin(word));
    let without_digits: Vec<String> = all
        .iter()
        .flat_map(|word| ['i', 'l'].into_iter().filter_map(|one| digits_as_letters(word, one)))
        .collect();
    all.extend(without_digits);
    let shorter: Vec<String> =
        all.iter().flat_map(|word| [2, 1].map(|most| with_runs_of(word, most))).collect();
    all.extend(shorter);
    all.sort();
    all.dedup();
    all.retain(|spelling| spelling != word);
    all
}

/// Letters of other scripts as the Latin ones that look the same; none when one looks like none.
fn in_latin(word: &str) -> Option<String> {
    let twin = |c: char| {
        if c.is_ascii() {
            return Some(c);
        }
        let twins: String = skeleton(&c.to_string()).collect();
        match twins.as_bytes() {
            [one] if one.is_ascii_alphanumeric() => Some(char::from(one.to_ascii_lowercase())),
            _ => None,
        }
    };
    if word.is_ascii() { None } else { word.chars().map(twin).collect() }
}

/// Digits as letters, in a word that has both.
fn digits_as_letters(word: &str, one: char) -> Option<String> {
    let is_mixed = word.contains(|c: char| c.is_ascii_digit()) && word.contains(char::is_alphabetic);
    let letter = |c| match c {
        '0' => 'o',
        '1' => one,
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        _ => c,
    };
    is_mixed.then(|| word.chars().map(letter).collect())
}

/// Where a letter stands three times or more in a row, only `most` of it.
fn with_runs_of(word: &str, most: usize) -> String {
    let chars: Vec<char> = word.chars().collect();
    let runs = chars.chunk_by(|a, b| a == b);
    runs.flat_map(|run| if run.len() >= 3 && run[0].is_alphabetic() { &run[..most] } else { run }).collect()
}
