//! The lexicon's files as lists: lines, alternatives in brackets, and spellings without apostrophe.

use crate::text::LangCode;

use super::meaning::{Meaning, Role};
use crate::model::Cue;
use crate::model::flags::Flag as _;

/// One phrase (or word) of a file, its alternatives chosen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) lang: LangCode,
    pub(super) phrase: String,
    pub(super) gives: Gives,
}

/// What a line of a file gives to its phrases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Gives {
    Meaning(Meaning),
    Role(Role),
}

/// `word <TAB> value` lines, all English.
pub(super) fn english(file: &str) -> Vec<Entry> {
    lines(file)
        .filter_map(|line| {
            let (word, value) = line.split_once('\t')?;
            let gives = Gives::Meaning(Meaning::Value(value.parse().ok()?));
            Some(Entry { lang: LangCode::EN, phrase: word.to_owned(), gives })
        })
        .collect()
}

/// `language <TAB> value or role <TAB> phrases` lines.
pub(super) fn words(file: &str) -> Vec<Entry> {
    lines(file).flat_map(|line| words_line(line).unwrap_or_default()).collect()
}

fn words_line(line: &str) -> Option<Vec<Entry>> {
    let mut fields = line.split('\t');
    let lang = LangCode::from_tag(fields.next()?)?;
    let gives = value_or_role(fields.next()?)?;
    Some(entries(lang, gives, fields.next()?))
}

fn value_or_role(field: &str) -> Option<Gives> {
    Some(Gives::Role(match field {
        "not" => Role::Not,
        "not_after" => Role::NotAfter,
        "more" => Role::More,
        "less" => Role::Less,
        "but" => Role::But,
        value => return Some(Gives::Meaning(Meaning::Value(value.parse().ok()?))),
    }))
}

/// `category <TAB> weight <TAB> language <TAB> phrases` lines; those of scripts without spaces come as they are.
pub(super) fn cues(file: &str) -> Vec<Entry> {
    lines(file).flat_map(|line| cues_line(line).unwrap_or_default()).collect()
}

fn cues_line(line: &str) -> Option<Vec<Entry>> {
    let mut fields = line.split('\t');
    let cue = Cue::from_name(fields.next()?)?;
    let weight = fields.next()?.parse().ok()?;
    let lang = LangCode::from_tag(fields.next()?)?;
    Some(entries(lang, Gives::Meaning(Meaning::Cue(cue, weight)), fields.next()?))
}

fn entries(lang: LangCode, gives: Gives, phrases: &str) -> Vec<Entry> {
    let spellings = phrases.split(';').filter(|phrase| !phrase.trim().is_empty()).flat_map(spellings);
    spellings.map(|phrase| Entry { lang, phrase, gives }).collect()
}

/// All that a phrase with alternatives stands for, each also without its apostrophes.
fn spellings(phrase: &str) -> Vec<String> {
    let mut all = expand(phrase);
    let bare: Vec<String> =
        all.iter().filter(|one| one.contains('\'')).map(|one| one.replace('\'', "")).collect();
    all.extend(bare);
    all
}

/// `a [b|c|] d` to `a b d`, `a c d`, `a d`.
fn expand(phrase: &str) -> Vec<String> {
    let Some((before, rest)) = phrase.split_once('[') else { return vec![phrase.to_owned()] };
    let Some((choices, after)) = rest.split_once(']') else { return vec![phrase.to_owned()] };
    let endings = expand(after);
    choices
        .split('|')
        .flat_map(|choice| endings.iter().map(move |ending| format!("{before}{choice}{ending}")))
        .collect()
}

/// Lines with something on them.
pub(super) fn lines(file: &str) -> impl Iterator<Item = &str> {
    file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_expand_in_every_combination() {
        assert_eq!(expand("a [b|c|] d"), ["a b d", "a c d", "a  d"]);
        assert_eq!(expand("[a|b] [c|d]"), ["a c", "a d", "b c", "b d"]);
        assert_eq!(spellings("can't"), ["can't", "cant"]);
    }

    #[test]
    fn every_line_of_the_files_says_something() {
        for line in lines(include_str!("words.tsv")) {
            assert!(words_line(line).is_some_and(|entries| !entries.is_empty()), "{line}");
        }
        for line in lines(include_str!("cues.tsv")) {
            assert!(cues_line(line).is_some_and(|entries| !entries.is_empty()), "{line}");
        }
        let english_lines = lines(include_str!("english.tsv")).count();
        assert_eq!(english(include_str!("english.tsv")).len(), english_lines);
    }

    #[test]
    fn values_and_weights_are_in_range() {
        let mut all = english(include_str!("english.tsv"));
        all.extend(words(include_str!("words.tsv")));
        all.extend(cues(include_str!("cues.tsv")));
        for entry in all {
            match entry.gives {
                Gives::Meaning(Meaning::Value(value)) => assert!((-4.0..=4.0).contains(&value), "{entry:?}"),
                Gives::Meaning(Meaning::Cue(_, weight)) => {
                    assert!((0.0..=1.0).contains(&weight), "{entry:?}")
                }
                Gives::Role(_) => {
                    assert!(!entry.phrase.trim().contains(' '), "roles are of words: {entry:?}")
                }
            }
        }
    }
}
