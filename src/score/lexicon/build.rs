//! From the files to the tables.

use std::collections::{BTreeMap, VecDeque};

use crate::text::{EXACT_BYTES, Folded, LangCode, lang, word_hash};

use super::meaning::{Hit, Meaning, Sense};
use super::parse::{self, Entry, Gives};
use super::symbols::Symbols;
use super::tables::{Lexicon, NO_PHRASE, Node, OTHER, Slot, Term, TermId, Voice};

/// The least share of free slots keeps the search for an unknown word at about one step.
const SLOTS_PER_TERM: usize = 2;

/// Languages whose entries are found as substrings, in [`Symbols`].
const UNSPACED: [&str; 4] = ["ja", "zh", "ko", "th"];

/// English values count this much in a post of another language.
const FOREIGN_WORD_WEIGHT: f32 = 0.7;

pub(super) fn embedded() -> Lexicon {
    let mut builder = Builder::new();
    let cues = parse::cues(include_str!("cues.tsv"));
    let (substrings, phrases): (Vec<Entry>, Vec<Entry>) =
        cues.into_iter().partition(|entry| UNSPACED.contains(&entry.lang.as_str()));
    let words =
        [parse::english(include_str!("english.tsv")), parse::words(include_str!("words.tsv")), phrases];
    for entry in words.into_iter().flatten() {
        builder.add(&entry);
    }
    builder.silence_function_words();
    builder.finish(Symbols::new(include_str!("symbols.tsv"), &substrings))
}

/// What a word means in one language.
#[derive(Clone, Copy, PartialEq)]
struct Local {
    lang: LangCode,
    sense: Sense,
}

#[derive(Default)]
struct Word {
    text: String,
    senses: Vec<Local>,
    root: usize,
}

#[derive(Default)]
struct Place {
    hits: Vec<Hit>,
    next: BTreeMap<usize, usize>,
}

/// The words and phrases while they grow.
struct Builder {
    ids: hashbrown::HashMap<String, usize>,
    words: Vec<Word>,
    places: Vec<Place>,
    folded: Folded,
}

impl Builder {
    fn new() -> Self {
        Self {
            ids: hashbrown::HashMap::new(),
            words: Vec::new(),
            places: vec![Place::default()],
            folded: Folded::default(),
        }
    }

    fn add(&mut self, entry: &Entry) {
        let path = self.path(&entry.phrase);
        match (entry.gives, path.as_slice()) {
            (_, []) => {}
            (Gives::Role(role), [word, ..]) => self.sense(*word, entry.lang).role = role,
            (Gives::Meaning(Meaning::Value(value)), [word]) => self.sense(*word, entry.lang).value = value,
            (Gives::Meaning(meaning), path) => {
                let hit = Hit { lang: entry.lang, is_phrase: path.len() > 1, meaning };
                self.add_hit(path, hit);
            }
        }
    }

    fn path(&mut self, phrase: &str) -> Vec<usize> {
        let mut folded = std::mem::take(&mut self.folded);
        folded.fold(phrase);
        let path = folded.words.iter().map(|word| self.id(folded.word(word))).collect();
        self.folded = folded;
        path
    }

    fn id(&mut self, text: &str) -> usize {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = self.words.len();
        self.ids.insert(text.to_owned(), id);
        self.words.push(Word { text: text.to_owned(), ..Word::default() });
        id
    }

    fn sense(&mut self, word: usize, lang: LangCode) -> &mut Sense {
        let senses = &mut self.words[word].senses;
        let at = senses.iter().position(|local| local.lang == lang).unwrap_or_else(|| {
            senses.push(Local { lang, sense: Sense::default() });
            senses.len() - 1
        });
        &mut senses[at].sense
    }

    fn add_hit(&mut self, path: &[usize], hit: Hit) {
        let mut place = self.words[path[0]].root;
        if place == 0 {
            place = self.new_place();
            self.words[path[0]].root = place;
        }
        for word in &path[1..] {
            place = match self.places[place].next.get(word) {
                Some(&next) => next,
                None => {
                    let next = self.new_place();
                    self.places[place].next.insert(*word, next);
                    next
                }
            };
        }
        self.places[place].hits.push(hit);
    }

    fn new_place(&mut self) -> usize {
        self.places.push(Place::default());
        self.places.len() - 1
    }

    /// "die" kills in English only: a function word of a language has no English value in it.
    fn silence_function_words(&mut self) {
        for (code, words) in lang::function_words().filter(|(code, _)| *code != "en") {
            for id in self.path(words) {
                self.sense(id, LangCode::of(code));
            }
        }
    }

    fn finish(mut self, symbols: Symbols) -> Lexicon {
        let following = self.sort_words();
        let mut meanings = vec![Vec::new()];
        let mut lexicon = Lexicon {
            slots: slots(&self.words),
            terms: Vec::with_capacity(self.words.len()),
            bytes: String::new(),
            bounds: vec![0],
            voices: Vec::new(),
            nodes: Vec::with_capacity(self.places.len()),
            edges: Vec::new(),
            hits: Vec::new(),
            following: TermId(small(following)),
            symbols,
        };
        let roots = self.lay_out(&mut lexicon);
        for (mut word, root) in self.words.into_iter().zip(roots) {
            // English first: it is the one to fall back on.
            word.senses.sort_by_key(|local| local.lang != LangCode::EN);
            let meaning = place_of(&mut meanings, word.senses);
            lexicon.terms.push(Term {
                hash: word_hash(word.text.as_bytes()),
                meaning,
                root,
                exact_len: exact_len(&word.text),
            });
            lexicon.bytes.push_str(&word.text);
            lexicon.bounds.push(lexicon.bytes.len() as u32);
        }
        lexicon.voices = voices(&meanings);
        lexicon
    }

    /// Puts words that continue phrases first, and short ones before long ones. Returns how many continue phrases.
    fn sort_words(&mut self) -> usize {
        let mut follows = vec![false; self.words.len()];
        for &word in self.places.iter().flat_map(|place| place.next.keys()) {
            follows[word] = true;
        }
        let mut order: Vec<usize> = (0..self.words.len()).collect();
        order.sort_by_key(|&id| (!follows[id], self.words[id].text.len()));
        let mut numbers = vec![0; order.len()];
        for (number, &id) in order.iter().enumerate() {
            numbers[id] = number;
        }
        self.words = order.into_iter().map(|id| std::mem::take(&mut self.words[id])).collect();
        for place in &mut self.places {
            place.next = place.next.iter().map(|(&word, &next)| (numbers[word], next)).collect();
        }
        follows.into_iter().filter(|follows| *follows).count()
    }

    /// Writes the trie, roots first, in order of word; returns the root of each word.
    fn lay_out(&self, lexicon: &mut Lexicon) -> Vec<u16> {
        // Place 0 is "no phrase".
        let mut queue = VecDeque::from([0]);
        let mut numbered = 1;
        let mut number = |place: usize, queue: &mut VecDeque<usize>| {
            queue.push_back(place);
            numbered += 1;
            small(numbered - 1)
        };
        let roots = self.words.iter().map(|word| match word.root {
            0 => NO_PHRASE,
            root => number(root, &mut queue),
        });
        let roots = roots.collect();
        while let Some(at) = queue.pop_front() {
            let Place { hits, next } = &self.places[at];
            let edges = next.iter().map(|(&word, &next)| (TermId(small(word)), number(next, &mut queue)));
            let edges = append(&mut lexicon.edges, edges);
            let hits = append(&mut lexicon.hits, hits.iter().copied());
            lexicon.nodes.push(Node { edges, hits });
        }
        roots
    }
}

fn append<T>(list: &mut Vec<T>, items: impl Iterator<Item = T>) -> (u16, u16) {
    let start = small(list.len());
    list.extend(items);
    (start, small(list.len()))
}

#[expect(clippy::expect_used, reason = "the embedded lexicon, built by a test")]
fn small(number: usize) -> u16 {
    u16::try_from(number).ok().filter(|&small| small < u16::MAX).expect("the embedded lexicon is small")
}

fn exact_len(word: &str) -> u8 {
    if word.len() <= EXACT_BYTES && word.is_ascii() { word.len() as u8 } else { 0 }
}

fn place_of(meanings: &mut Vec<Vec<Local>>, senses: Vec<Local>) -> u16 {
    let at = meanings.iter().position(|known| *known == senses).unwrap_or_else(|| {
        meanings.push(senses);
        meanings.len() - 1
    });
    small(at)
}

fn voices(meanings: &[Vec<Local>]) -> Vec<(LangCode, Box<Voice>)> {
    let mut langs: Vec<LangCode> = Vec::new();
    for local in meanings.iter().flatten() {
        if !langs.contains(&local.lang) {
            langs.push(local.lang);
        }
    }
    // `OTHER` takes whatever language has not been found before it.
    langs.extend([LangCode::UND, OTHER]);
    let voice = |lang| meanings.iter().map(|senses| sense_in(senses, lang)).collect();
    langs.into_iter().map(|lang| (lang, voice(lang))).collect()
}

/// The sense in `lang`, else the English one, weaker; in a post of unknown language any.
fn sense_in(senses: &[Local], lang: LangCode) -> Sense {
    if let Some(local) = senses.iter().find(|local| local.lang == lang) {
        return local.sense;
    }
    match senses.first() {
        Some(first) if lang == LangCode::UND => first.sense,
        Some(Local { lang: LangCode::EN, sense }) => {
            Sense { value: sense.value * FOREIGN_WORD_WEIGHT, role: sense.role }
        }
        _ => Sense::default(),
    }
}

fn slots(words: &[Word]) -> Box<[Slot]> {
    let len = (words.len() * SLOTS_PER_TERM).next_power_of_two();
    let mut slots = vec![Slot::FREE; len].into_boxed_slice();
    for (id, word) in words.iter().enumerate() {
        let hash = word_hash(word.text.as_bytes());
        let mut at = hash as usize & (len - 1);
        while slots[at].term != TermId::UNKNOWN {
            at = (at + 1) & (len - 1);
        }
        slots[at] = Slot { tag: Slot::tag(hash), term: TermId(small(id)) };
    }
    slots
}
