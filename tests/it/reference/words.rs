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
    /// Cut out of a hashtag.
    pub(crate) is_part: bool,
    /// Its characters.
    from: usize,
    to: usize,
}

/// A text as the rules read it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) written: String,
    pub(crate) characters: Vec<Character>,
    /// Words; of a hashtag also a few of its words taken together, and the whole.
    pub(crate) words: Vec<Word>,
    /// Where everything that counts as a word in a distance starts and ends.
    pub(crate) units: Vec<Place>,
}

impl Text {
    pub(crate) fn read(written: &str) -> Self {
        let mut characters = characters(written);
        characters.retain(|c| c.class != Class::Invisible);
        let mut text = Self { written: written.to_owned(), characters, ..Self::default() };
        let mut at = 0;
        while at < text.characters.len() {
            let len = text.characters[at..].iter().take_while(|c| c.class == Class::Word).count();
            if len == 0 {
                if text.characters[at].class == Class::Unspaced {
                    text.units.push((text.characters[at].start, text.characters[at].end));
                }
                at += 1;
                continue;
            }
            text.add_run(at, at + len);
            at += len;
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

    fn add_run(&mut self, start: usize, end: usize) {
        let sigil = self.sigil_before(start);
        let parts = if sigil == Some('#') { self.parts(start, end) } else { Vec::new() };
        self.words.push(self.word(start, end, sigil, false));
        if parts.is_empty() || parts == [(start, end)] {
            return self.units.push(self.place(start, end));
        }
        let units: Vec<Place> = parts.iter().map(|&(from, to)| self.place(from, to)).collect();
        self.units.extend(units);
        let mut known = vec![(start, end)];
        let number = |at: usize| parts.iter().take_while(|part| part.1 <= at).count();
        let others: Vec<(usize, usize)> =
            parts.iter().filter_map(|&part| self.other_cut(part, &parts)).collect();
        let starts = parts.iter().map(|part| part.0).chain(others.iter().map(|cut| cut.1));
        let ends: Vec<usize> =
            parts.iter().map(|part| part.1).chain(others.iter().map(|cut| cut.1)).collect();
        for from in starts {
            for &to in ends.iter().filter(|&&to| to > from) {
                let (first, last) = (number(from), number(to - 1));
                let is_together = last - first < 4 && last < 32;
                let is_lone_capital = others.contains(&(from, to));
                if (is_together || first == last) && !is_lone_capital && !known.contains(&(from, to)) {
                    known.push((from, to));
                    self.words.push(self.word(from, to, None, true));
                }
            }
        }
    }

    fn place(&self, start: usize, end: usize) -> Place {
        (self.characters[start].start, self.characters[end - 1].end)
    }

    fn word(&self, start: usize, end: usize, sigil: Option<char>, is_part: bool) -> Word {
        let reads = self.characters[start..end].iter().map(|c| c.reads).collect();
        Word { reads, place: self.place(start, end), sigil, is_part, from: start, to: end }
    }

    /// What stands between two words, and whether some letter of a script without spaces does.
    pub(crate) fn gap(&self, before: &Word, after: &Word) -> (String, bool) {
        let gap = &self.characters[before.to..after.from];
        (gap.iter().map(|c| c.reads).collect(), gap.iter().any(|c| c.class == Class::Unspaced))
    }

    /// The words that may follow `word`: all that start where the next one does.
    pub(crate) fn following(&self, word: &Word) -> Vec<usize> {
        let starts = self.words.iter().map(|word| word.from);
        let Some(next) = starts.filter(|&from| from >= word.to).min() else { return Vec::new() };
        (0..self.words.len()).filter(|&at| self.words[at].from == next).collect()
    }

    /// French *j'* stands before `word`.
    pub(crate) fn follows_j(&self, word: &Word) -> bool {
        let before = self.words.iter().find(|before| before.to + 1 == word.from);
        before.is_some_and(|before| before.reads == "j" && self.gap(before, word).0 == "'")
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
        !self.characters[..at].last().is_some_and(is_part) && !self.is_in_link(at)
    }

    /// False when characters `first` to `last` begin or end within an emoji that is made of several.
    pub(crate) fn is_whole_emoji(&self, first: usize, last: usize) -> bool {
        let at = |at: usize| self.characters.get(at);
        let is_emoji = |c: &Character| c.class == Class::Emoji;
        let is_joined = |before: &Character, after: &Character| {
            is_emoji(before)
                && is_emoji(after)
                && self.written[before.start..after.start].contains('\u{200D}')
        };
        let is_flag_letter = |c: &Character| ('\u{1F1E6}'..='\u{1F1FF}').contains(&c.written);
        let splits_flag = |at: usize| {
            let letters = self.characters[..at].iter().rev().take_while(|c| is_flag_letter(c)).count();
            self.characters.get(at).is_some_and(is_flag_letter) && letters % 2 == 1
        };
        let before = first.checked_sub(1).and_then(at);
        let is_tied_before = before.is_some_and(|before| is_joined(before, &self.characters[first]));
        // A man or a woman who shrugs is a shrug.
        let after = at(last + 1).filter(|after| !"♀♂".contains(after.written));
        let is_tied_after = after.is_some_and(|after| is_joined(&self.characters[last], after));
        !(is_tied_before || is_tied_after || splits_flag(first) || splits_flag(last + 1))
    }

    /// A link goes from its scheme to white space or a closing quote.
    fn is_in_link(&self, at: usize) -> bool {
        let before = &self.written[..self.characters[at].start];
        let ends = |c: char| c.is_whitespace() || "\"<>»”".contains(c);
        let chunk = before.rsplit(ends).next().unwrap_or_default();
        let is_scheme = |(at, _): (usize, &str)| chunk[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        chunk.match_indices("://").any(is_scheme)
    }

    /// The words of a hashtag: between underscores, at capitals, and at numbers.
    fn parts(&self, start: usize, end: usize) -> Vec<(usize, usize)> {
        let mut parts = Vec::new();
        let mut from = start;
        for at in start..=end {
            if at < end && self.characters[at].written != '_' {
                continue;
            }
            let cuts = (from + 1..at).filter(|&cut| self.begins_word(from, cut, at));
            let bounds: Vec<usize> = std::iter::once(from).chain(cuts).chain([at]).collect();
            parts.extend(bounds.windows(2).map(|pair| (pair[0], pair[1])).filter(|(from, to)| from < to));
            from = at + 1;
        }
        parts
    }

    /// A capital after a small letter (not after a single one at the start) or a digit, the last capital of several when
    /// a small letter follows, or a number of several digits before a capital or the end.
    fn begins_word(&self, start: usize, at: usize, end: usize) -> bool {
        let written = |at: usize| self.characters[at].written;
        let before = written(at - 1);
        if written(at).is_uppercase() {
            let ends_capitals = before.is_uppercase() && at + 1 < end && written(at + 1).is_lowercase();
            return (before.is_lowercase() && at - 1 > start) || before.is_numeric() || ends_capitals;
        }
        let digits = (at..end).take_while(|&at| written(at).is_numeric()).count();
        let ends = at + digits == end || written(at + digits).is_uppercase();
        !before.is_numeric() && digits >= 2 && ends
    }

    /// Where three capitals or more run into small letters, the last of them may belong to those before it: that capital.
    fn other_cut(&self, part: (usize, usize), parts: &[(usize, usize)]) -> Option<(usize, usize)> {
        let written = |at: usize| self.characters[at].written;
        let before = parts.iter().find(|before| before.1 == part.0)?;
        let capitals = written(part.0).is_uppercase() && written(part.0 - 1).is_uppercase();
        let runs_on = part.0 + 1 < part.1 && written(part.0 + 1).is_lowercase();
        (capitals && runs_on && part.0 + 1 - before.0 >= 3).then_some((part.0, part.0 + 1))
    }
}
