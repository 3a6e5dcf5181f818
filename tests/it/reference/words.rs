//! A text cut into words, hashtags and what stands between them.

use super::characters::{Character, Class, as_written, characters};

/// A range of bytes of the text as it was written.
pub(crate) type Place = (usize, usize);

/// One word.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) reads: String,
    pub(crate) place: Place,
    /// `#`, `@` or `$`, where the word directly follows one that opens something.
    pub(crate) sigil: Option<char>,
    /// What stands between this word and the one before.
    pub(crate) gap: String,
    /// Some letter of a script without spaces stands there.
    pub(crate) gap_has_letters: bool,
}

/// A text as the rules read it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) written: String,
    pub(crate) characters: Vec<Character>,
    pub(crate) words: Vec<Word>,
    /// Hashtags that are also read as several words, whole.
    pub(crate) tags: Vec<Word>,
    /// Where everything that counts as a word in a distance starts and ends.
    pub(crate) units: Vec<Place>,
}

impl Text {
    pub(crate) fn read(written: &str) -> Self {
        let mut characters = characters(written);
        characters.retain(|c| c.class != Class::Invisible);
        let mut text = Self { written: written.to_owned(), characters, ..Self::default() };
        let mut at = 0;
        let mut last_end = 0;
        while at < text.characters.len() {
            let len = text.characters[at..].iter().take_while(|c| c.class == Class::Word).count();
            if len == 0 {
                if text.characters[at].class == Class::Unspaced {
                    text.units.push((text.characters[at].start, text.characters[at].end));
                }
                at += 1;
                continue;
            }
            text.add_run(last_end, at, at + len);
            at += len;
            last_end = at;
        }
        text
    }

    /// The word in `place` as it is compared where case and accents count.
    pub(crate) fn as_written(&self, place: Place) -> String {
        as_written(&self.written[place.0..place.1])
    }

    /// The whole text as it reads, each byte with the character that it came from.
    pub(crate) fn reading(&self) -> (String, Vec<usize>) {
        let (mut reading, mut origins) = (String::new(), Vec::new());
        for (at, character) in self.characters.iter().enumerate() {
            reading.push_str(character.reads);
            origins.resize(reading.len(), at);
        }
        (reading, origins)
    }

    /// True when some word or letter of any script starts between these bytes.
    pub(crate) fn has_letters(&self, start: usize, end: usize) -> bool {
        self.units.iter().any(|unit| start <= unit.0 && unit.0 < end)
    }

    /// True when a name that ends at this byte goes on behind a dot or hyphen.
    pub(crate) fn goes_on_as_name(&self, end: usize) -> bool {
        let mut after = self.characters.iter().skip_while(|c| c.start < end);
        after.next().is_some_and(|c| c.reads == "." || c.reads == "-")
            && after.next().is_some_and(|c| c.class == Class::Word)
    }

    /// Characters `first` to `last` as they were written, with the accents between the last and the next.
    pub(crate) fn as_it_stands(&self, first: usize, last: usize) -> String {
        let starts = |at: usize| self.characters.get(at).map_or(self.written.len(), |c| c.start);
        let is_cut = (first > 0 && starts(first - 1) == starts(first)) || starts(last + 1) == starts(last);
        match is_cut {
            // Out of what was read as one.
            true => self.characters[first..=last].iter().map(|c| c.written).collect(),
            false => self.written[starts(first)..starts(last + 1)].to_owned(),
        }
    }

    fn add_run(&mut self, last_end: usize, start: usize, end: usize) {
        let sigil = self.sigil_before(start);
        let cuts = if sigil == Some('#') { self.capitals(start, end) } else { Vec::new() };
        if !cuts.is_empty() {
            let tag = self.word(last_end, start, end, sigil);
            self.tags.push(tag);
        }
        let sigil = sigil.filter(|_| cuts.is_empty());
        let mut from = start;
        let mut before = last_end;
        for cut in cuts.into_iter().chain([end]) {
            let word = self.word(before, from, cut, sigil);
            self.units.push(word.place);
            self.words.push(word);
            (from, before) = (cut, cut);
        }
    }

    fn word(&self, last_end: usize, start: usize, end: usize, sigil: Option<char>) -> Word {
        let (run, gap) = (&self.characters[start..end], &self.characters[last_end..start]);
        Word {
            reads: run.iter().map(|c| c.reads).collect(),
            place: (run[0].start, run[run.len() - 1].end),
            sigil,
            gap: gap.iter().map(|c| c.reads).collect(),
            gap_has_letters: gap.iter().any(|c| c.class == Class::Unspaced),
        }
    }

    /// `#`, `@`, `$` directly before a word, unless a word, a slash or another sign of an address stands before it.
    fn sigil_before(&self, start: usize) -> Option<char> {
        let sigil = self.characters[..start].last()?.reads.chars().next().filter(|c| "#@$".contains(*c))?;
        self.opens(start - 1).then_some(sigil)
    }

    /// True when the sign at character `at` opens something.
    pub(crate) fn opens(&self, at: usize) -> bool {
        let is_part =
            |c: &Character| c.class == Class::Word || ["/", "#", "@", "$", "&", "="].contains(&c.reads);
        !self.characters[..at].last().is_some_and(is_part)
    }

    /// Where a hashtag's capitals begin a new word: after a small letter or a digit, and before the last capital of
    /// several when a small letter follows.
    fn capitals(&self, start: usize, end: usize) -> Vec<usize> {
        let written = |at: usize| self.characters[at].written;
        let begins = |&at: &usize| {
            let before = written(at - 1);
            let ends_capitals = before.is_uppercase() && at + 1 < end && written(at + 1).is_lowercase();
            written(at).is_uppercase() && (before.is_lowercase() || before.is_numeric() || ends_capitals)
        };
        (start + 1..end).filter(begins).collect()
    }
}
