//! One term of a query, and every place where it stands in a text.

use std::collections::HashMap;
use std::rc::Rc;

use birddog::rules::term::{Form, Pattern};

use super::characters::{Class, as_written, class};
use super::spellings::spellings;
use super::words::{Place, Text, Word};

/// A number for each word that some query has.
pub(crate) type WordId = usize;
pub(crate) type GlobId = usize;

/// Everything that the queries look for, numbered, so that each word of a text is compared once.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    words: HashMap<String, WordId>,
    /// Each with whether a rule wants it in loose spellings too.
    globs: Vec<(Vec<char>, bool)>,
}

/// What a word of a text is to the queries.
#[derive(Debug, Default)]
pub(crate) struct Meaning {
    word: Option<WordId>,
    globs: Vec<GlobId>,
    /// The same for the word's other spellings.
    loose_words: Vec<WordId>,
    loose_globs: Vec<GlobId>,
}

/// A text, each word with its meaning.
pub(crate) struct Sense<'t> {
    pub(crate) text: &'t Text,
    words: Vec<Rc<Meaning>>,
    /// Indexes of the words that mean something, and which words and globs they may mean.
    telling: Vec<usize>,
    has_word: Vec<bool>,
    has_glob: Vec<bool>,
    reading: String,
    origins: Vec<usize>,
    has_substrings: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    Standard,
    Loose,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Between {
    Anything,
    HyphenOrSpace,
    Just(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Words {
        sigil: Option<char>,
        words: Vec<WordId>,
        between: Vec<Between>,
        written: Option<Vec<String>>,
        is_ai: bool,
    },
    Glob {
        sigil: Option<char>,
        glob: GlobId,
        written: Option<Vec<char>>,
    },
    Substring(String),
    Raw(String),
}

/// A term, ready to be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    shape: Shape,
    spelling: Spelling,
}

impl Vocabulary {
    /// Reads a term; from birddog's own reading of it only which of the page's forms it is, and its fold.
    pub(crate) fn term(&mut self, pattern: &Pattern) -> Term {
        let source = pattern.source.as_str();
        let shape = match &pattern.form {
            Form::Raw { .. } => Shape::Raw(source.to_owned()),
            Form::Prefix { .. } => self.glob(source, false, pattern.is_loose),
            Form::Wildcard { exact, .. } => self.glob(source, exact.is_some(), pattern.is_loose),
            Form::Words { exact, .. } => self.plain(source, exact.is_some()),
            Form::Substring(_) => self.plain(source.trim_start_matches('{').trim_end_matches('}'), false),
        };
        let spelling = if pattern.is_loose { Spelling::Loose } else { Spelling::Standard };
        Term { shape, spelling }
    }

    fn plain(&mut self, source: &str, is_exact: bool) -> Shape {
        let text = Text::read(source);
        if text.characters.iter().any(|c| matches!(c.class, Class::Unspaced | Class::Emoji)) {
            return Shape::Substring(text.reading().0.trim().to_owned());
        }
        // A hashtag stands for itself, whatever its capitals.
        let words: Vec<&Word> = text.words.iter().filter(|word| !word.is_part).collect();
        let between = |pair: &[&Word]| match text.gap(pair[0], pair[1]).0.as_str() {
            "-" => Between::HyphenOrSpace,
            gap if gap.is_empty() || gap.contains(' ') => Between::Anything,
            gap => Between::Just(gap.to_owned()),
        };
        Shape::Words {
            sigil: words[0].sigil,
            words: words.iter().map(|word| self.word(&word.reads)).collect(),
            between: words.windows(2).map(between).collect(),
            written: is_exact.then(|| words.iter().map(|word| text.as_written(word.place)).collect()),
            is_ai: words[0].reads == "ai",
        }
    }

    fn glob(&mut self, source: &str, is_exact: bool, is_loose: bool) -> Shape {
        let source = source.trim_end_matches(['?', '!', '.']);
        let sigil = source.chars().next().filter(|c| "#@$＃＠＄".contains(*c));
        let sigil = sigil.and_then(|c| as_written(&c.to_string()).chars().next());
        let letters = if sigil.is_some() { source.chars().skip(1).collect() } else { source.to_owned() };
        let pieces = letters.split_inclusive(['*', '?']).map(|piece| {
            let gap: String = piece.chars().filter(|c| "*?".contains(*c)).collect();
            let letters = Text::read(piece.trim_end_matches(['*', '?']));
            letters.words.iter().map(|word| word.reads.as_str()).collect::<String>() + &gap
        });
        let glob: Vec<char> = pieces.collect::<String>().chars().collect();
        self.globs.push((glob, is_loose));
        let written = is_exact.then(|| letters.chars().collect());
        Shape::Glob { sigil, glob: self.globs.len() - 1, written }
    }

    fn word(&mut self, reads: &str) -> WordId {
        let next = self.words.len();
        *self.words.entry(reads.to_owned()).or_insert(next)
    }

    fn meaning(&self, word: &str) -> Meaning {
        let id = |word: &str| self.words.get(word).copied();
        let globs = |word: &str, among: fn(bool) -> bool| {
            let letters: Vec<char> = word.chars().collect();
            let fits = |(_, (glob, is_loose)): &(GlobId, &(Vec<char>, bool))| {
                among(*is_loose) && fits(glob, &letters)
            };
            self.globs.iter().enumerate().filter(fits).map(|(id, _)| id).collect::<Vec<GlobId>>()
        };
        let others = spellings(word);
        Meaning {
            word: id(word),
            globs: globs(word, |_| true),
            loose_words: others.iter().filter_map(|other| id(other)).collect(),
            loose_globs: others.iter().flat_map(|other| globs(other, |is_loose| is_loose)).collect(),
        }
    }
}

/// Remembers what words mean, from text to text.
#[derive(Debug, Default)]
pub(crate) struct Memory(HashMap<String, Rc<Meaning>>);

impl Memory {
    /// What the words of `text` mean.
    pub(crate) fn sense<'t>(&mut self, vocabulary: &Vocabulary, text: &'t Text) -> Sense<'t> {
        let mut meaning = |word: &Word| match self.0.get(&word.reads) {
            Some(known) => Rc::clone(known),
            None => {
                let meaning = Rc::new(vocabulary.meaning(&word.reads));
                self.0.insert(word.reads.clone(), Rc::clone(&meaning));
                meaning
            }
        };
        let words: Vec<Rc<Meaning>> = text.words.iter().map(&mut meaning).collect();
        let telling = (0..words.len()).filter(|&at| words[at].is_telling()).collect();
        let (mut has_word, mut has_glob) =
            (vec![false; vocabulary.words.len()], vec![false; vocabulary.globs.len()]);
        for meaning in words.iter().filter(|meaning| meaning.is_telling()) {
            meaning.word.iter().chain(&meaning.loose_words).for_each(|&word| has_word[word] = true);
            meaning.globs.iter().chain(&meaning.loose_globs).for_each(|&glob| has_glob[glob] = true);
        }
        let has_substrings =
            text.characters.iter().any(|c| matches!(c.class, Class::Unspaced | Class::Emoji));
        let (reading, origins) = if has_substrings { text.reading() } else { Default::default() };
        Sense { text, words, telling, has_word, has_glob, reading, origins, has_substrings }
    }
}

impl Meaning {
    fn is_telling(&self) -> bool {
        self.word.is_some()
            || !(self.globs.is_empty() && self.loose_words.is_empty() && self.loose_globs.is_empty())
    }

    fn is_word(&self, wanted: WordId, spelling: Spelling) -> bool {
        self.word == Some(wanted) || (spelling == Spelling::Loose && self.loose_words.contains(&wanted))
    }

    fn fits(&self, glob: GlobId, spelling: Spelling) -> bool {
        self.globs.contains(&glob) || (spelling == Spelling::Loose && self.loose_globs.contains(&glob))
    }
}

impl Term {
    /// The whole hashtag that the term is, as it reads, and as it must be written if that counts.
    pub(crate) fn is_hashtag(&self, vocabulary: &Vocabulary, tag: &str) -> bool {
        let tag = tag.trim_start_matches('#');
        let read = Text::read(tag);
        let reads = read.reading().0;
        match &self.shape {
            Shape::Words { sigil: Some('#'), words, written, .. } if words.len() == 1 => {
                vocabulary.words.get(&reads) == Some(&words[0])
                    && written.as_ref().is_none_or(|written| written[0] == as_written(tag))
            }
            Shape::Substring(wanted) => wanted.strip_prefix('#') == Some(&reads),
            _ => false,
        }
    }

    /// Every place of the term in a text.
    pub(crate) fn places(&self, sense: &Sense<'_>) -> Vec<Place> {
        match &self.shape {
            Shape::Words { words, .. } if !sense.has_word[words[0]] => Vec::new(),
            Shape::Glob { glob, .. } if !sense.has_glob[*glob] => Vec::new(),
            Shape::Words { .. } | Shape::Glob { .. } => {
                sense.telling.iter().filter_map(|&at| self.at_word(sense, at)).collect()
            }
            Shape::Substring(_) if !sense.has_substrings => Vec::new(),
            Shape::Substring(wanted) => {
                let origin = |byte: usize| &sense.text.characters[sense.origins[byte]];
                let place = |at: usize| (origin(at).start, origin(at + wanted.len() - 1).end);
                let stands = |at: &usize| {
                    let (first, last) = (sense.origins[*at], sense.origins[*at + wanted.len() - 1]);
                    (!wanted.starts_with(['#', '@', '$']) || sense.text.opens(first))
                        && sense.text.is_whole_emoji(first, last)
                };
                every_place(wanted, &sense.reading).into_iter().filter(stands).map(place).collect()
            }
            Shape::Raw(wanted) => {
                let written = sense.text.written.as_str();
                let is_whole = |at: &usize| {
                    let (before, after) = (&written[..*at], &written[at + wanted.len()..]);
                    !(goes_on(before, wanted) || goes_on(wanted, after))
                };
                every_place(wanted, written)
                    .into_iter()
                    .filter(is_whole)
                    .map(|at| (at, at + wanted.len()))
                    .collect()
            }
        }
    }

    fn at_word(&self, sense: &Sense<'_>, at: usize) -> Option<Place> {
        let first = &sense.text.words[at];
        match &self.shape {
            Shape::Words { sigil, words, between, written, is_ai } => {
                let is_i_have = *is_ai && sense.text.follows_j(first);
                let fits = has_sigil(first, *sigil) && !is_i_have;
                let end = fits.then(|| self.row_end(sense, at, words, between, written.as_deref()))??;
                Some((first.place.0, end))
            }
            Shape::Glob { sigil, glob, written } => {
                let fits = sense.words[at].fits(*glob, self.spelling)
                    && has_sigil(first, *sigil)
                    && is_written_like(written.as_deref(), sense.text, first);
                fits.then_some(first.place)
            }
            Shape::Substring(_) | Shape::Raw(_) => None,
        }
    }

    /// Where `words` end, when they are read one after the other from word `at` on.
    fn row_end(
        &self,
        sense: &Sense<'_>,
        at: usize,
        words: &[WordId],
        between: &[Between],
        written: Option<&[String]>,
    ) -> Option<usize> {
        let (text, word) = (sense.text, &sense.text.words[at]);
        let is_so_written = written.is_none_or(|written| text.as_written(word.place) == written[0]);
        if !sense.words[at].is_word(words[0], self.spelling) || !is_so_written {
            return None;
        }
        let [gap, between @ ..] = between else { return Some(word.place.1) };
        text.following(word)
            .into_iter()
            .filter(|&next| gap.allows(text.gap(word, &text.words[next])))
            .find_map(|next| {
                self.row_end(sense, next, &words[1..], between, written.map(|written| &written[1..]))
            })
    }
}

impl Between {
    fn allows(&self, (gap, has_letters): (String, bool)) -> bool {
        match self {
            Self::Anything => !has_letters,
            Self::HyphenOrSpace => gap == "-" || gap == " ",
            Self::Just(wanted) => gap == *wanted,
        }
    }
}

fn has_sigil(word: &Word, wanted: Option<char>) -> bool {
    wanted.is_none() || word.sigil == wanted
}

fn is_written_like(glob: Option<&[char]>, text: &Text, word: &Word) -> bool {
    glob.is_none_or(|glob| fits(glob, &text.as_written(word.place).chars().collect::<Vec<char>>()))
}

/// True when a word goes on from `before` into `after`.
fn goes_on(before: &str, after: &str) -> bool {
    let is_seen = |c: &char| class(*c) != Class::Invisible;
    let is_word = |c: Option<char>| c.is_some_and(|c| class(c) == Class::Word);
    is_word(before.chars().rev().find(is_seen)) && is_word(after.chars().find(is_seen))
}

fn every_place(wanted: &str, text: &str) -> Vec<usize> {
    let (mut places, mut from) = (Vec::new(), 0);
    while let Some(at) = memchr::memmem::find(&text.as_bytes()[from..], wanted.as_bytes()) {
        places.push(from + at);
        from += at + 1;
    }
    places
}

/// `*` is any number of characters, `?` is one.
fn fits(glob: &[char], word: &[char]) -> bool {
    match (glob, word) {
        (['*', rest @ ..], _) => (0..=word.len()).any(|skipped| fits(rest, &word[skipped..])),
        (['?', rest @ ..], [_, others @ ..]) => fits(rest, others),
        ([wanted, rest @ ..], [found, others @ ..]) => wanted == found && fits(rest, others),
        ([], []) => true,
        _ => false,
    }
}
