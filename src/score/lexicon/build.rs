//! From the files to the tables.

use crate::text::{Folded, LangCode, lang, word_hash};

use super::parse::{self, Entry, Gives};
use super::{Hit, Lexicon, Meaning, Node, Role, Sense, Symbols, Term};

/// The least share of free slots keeps the search for an unknown word at about one step.
const SLOTS_PER_TERM: usize = 2;

/// Languages whose entries are found as substrings, in [`Symbols`].
const UNSPACED: [&str; 4] = ["ja", "zh", "ko", "th"];

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

struct Building {
    senses: Vec<Sense>,
    node: u32,
}

struct BuildingNode {
    hits: Vec<Hit>,
    has_next: bool,
}

/// The tables while they grow.
struct Builder {
    ids: hashbrown::HashMap<String, u32>,
    words: Vec<String>,
    terms: Vec<Building>,
    nodes: Vec<BuildingNode>,
    edges: hashbrown::HashMap<(u32, u32), u32, foldhash::fast::FixedState>,
    folded: Folded,
}

impl Builder {
    fn new() -> Self {
        Self {
            ids: hashbrown::HashMap::new(),
            words: Vec::new(),
            terms: Vec::new(),
            // Node 0 is "no node".
            nodes: vec![BuildingNode { hits: Vec::new(), has_next: false }],
            edges: hashbrown::HashMap::default(),
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

    fn path(&mut self, phrase: &str) -> Vec<u32> {
        let mut folded = std::mem::take(&mut self.folded);
        folded.fold(phrase);
        let path = folded.words.iter().map(|word| self.id(folded.word(word))).collect();
        self.folded = folded;
        path
    }

    fn id(&mut self, word: &str) -> u32 {
        if let Some(&id) = self.ids.get(word) {
            return id;
        }
        let id = self.terms.len() as u32;
        self.ids.insert(word.to_owned(), id);
        self.words.push(word.to_owned());
        self.terms.push(Building { senses: Vec::new(), node: 0 });
        id
    }

    fn sense(&mut self, word: u32, lang: LangCode) -> &mut Sense {
        let senses = &mut self.terms[word as usize].senses;
        let at = senses.iter().position(|sense| sense.lang == lang).unwrap_or_else(|| {
            senses.push(Sense { lang, value: 0.0, role: Role::None });
            senses.len() - 1
        });
        &mut senses[at]
    }

    fn add_hit(&mut self, path: &[u32], hit: Hit) {
        let mut node = self.terms[path[0] as usize].node;
        if node == 0 {
            node = self.new_node();
            self.terms[path[0] as usize].node = node;
        }
        for &word in &path[1..] {
            node = match self.edges.get(&(node, word)) {
                Some(&next) => next,
                None => {
                    let next = self.new_node();
                    self.nodes[node as usize].has_next = true;
                    self.edges.insert((node, word), next);
                    next
                }
            };
        }
        self.nodes[node as usize].hits.push(hit);
    }

    fn new_node(&mut self) -> u32 {
        self.nodes.push(BuildingNode { hits: Vec::new(), has_next: false });
        self.nodes.len() as u32 - 1
    }

    /// "die" kills in English only: a function word of a language has no English value in it.
    fn silence_function_words(&mut self) {
        for (code, words) in lang::function_words().filter(|(code, _)| *code != "en") {
            for id in self.path(words) {
                self.sense(id, LangCode::of(code));
            }
        }
    }

    fn finish(self, symbols: Symbols) -> Lexicon {
        let mut lexicon = Lexicon {
            slots: slots(&self.words),
            bytes: String::new(),
            terms: Vec::with_capacity(self.terms.len()),
            senses: Vec::new(),
            nodes: Vec::with_capacity(self.nodes.len()),
            edges: self.edges,
            hits: Vec::new(),
            symbols,
        };
        for (word, mut term) in self.words.iter().zip(self.terms) {
            // English first: it is the one to fall back on.
            term.senses.sort_by_key(|sense| sense.lang != LangCode::EN);
            let senses = append(&mut lexicon.senses, &term.senses);
            let start = lexicon.bytes.len() as u32;
            lexicon.bytes.push_str(word);
            lexicon.terms.push(Term { start, len: word.len() as u32, senses, node: term.node });
        }
        for node in self.nodes {
            let hits = append(&mut lexicon.hits, &node.hits);
            lexicon.nodes.push(Node { hits, has_next: node.has_next });
        }
        lexicon
    }
}

fn append<T: Copy>(list: &mut Vec<T>, items: &[T]) -> (u32, u32) {
    let start = list.len() as u32;
    list.extend_from_slice(items);
    (start, list.len() as u32)
}

fn slots(words: &[String]) -> Box<[(u64, u32)]> {
    let len = (words.len() * SLOTS_PER_TERM).next_power_of_two();
    let mut slots = vec![(0, u32::MAX); len].into_boxed_slice();
    for (id, word) in words.iter().enumerate() {
        let hash = word_hash(word.as_bytes());
        let mut at = hash as usize & (len - 1);
        while slots[at].1 != u32::MAX {
            at = (at + 1) & (len - 1);
        }
        slots[at] = (hash, id as u32);
    }
    slots
}
