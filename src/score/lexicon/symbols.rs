//! What is no word: emoji, emoticons, and the words of scripts without spaces, all found as substrings.

use aho_corasick::{AhoCorasick, AhoCorasickKind, Match, MatchKind};

use crate::text::{CharClass, Folded, LangCode, fold_char_into};

use super::meaning::Meaning;
use super::parse::{self, Entry, Gives};
use crate::model::Cue;

/// One form and what it says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Symbol {
    /// The language it counts in; `None` for all.
    lang: Option<LangCode>,
    value: f32,
    cue: Option<(Cue, f32)>,
}

/// A form found in a text.
#[derive(Clone, Copy, Debug)]
pub(in crate::score) struct SymbolHit {
    /// Which form: the same emoji again has the same number.
    pub(in crate::score) form: u32,
    /// Byte range in the folded text.
    pub(in crate::score) start: u32,
    pub(in crate::score) end: u32,
    /// −4 to 4.
    pub(in crate::score) value: f32,
    /// What it hints at, with its weight.
    pub(in crate::score) cue: Option<(Cue, f32)>,
}

impl SymbolHit {
    fn new(found: &Match, symbol: &Symbol) -> Self {
        Self {
            form: found.pattern().as_u32(),
            start: found.start() as u32,
            end: found.end() as u32,
            value: symbol.value,
            cue: symbol.cue,
        }
    }
}

impl Symbol {
    /// A Chinese word in a Japanese post may be another word.
    fn counts_in(&self, lang: LangCode) -> bool {
        let is_shared_script = |code: LangCode| matches!(code.as_str(), "ja" | "zh");
        self.lang.is_none_or(|own| own == lang || !(is_shared_script(own) && is_shared_script(lang)))
    }
}

/// Two automata: a small one for ASCII faces and one for the rest. Most posts have neither, which a glance shows.
#[derive(Debug)]
pub(in crate::score) struct Symbols {
    faces: AhoCorasick,
    face_values: Vec<Symbol>,
    leads: Leads,
    others: AhoCorasick,
    other_values: Vec<Symbol>,
}

impl Symbols {
    pub(super) fn new(file: &str, cues: &[Entry]) -> Self {
        let (mut faces, mut others) = (Forms::default(), Forms::default());
        for (kind, value, forms) in parse::lines(file).filter_map(line) {
            let lang = LangCode::from_tag(kind).filter(|_| kind.len() == 2);
            let list = if kind == "face" { &mut faces } else { &mut others };
            for form in forms.split_whitespace() {
                list.entry(form, lang).value = value;
            }
        }
        for cue in cues {
            let Gives::Meaning(Meaning::Cue(kind, weight)) = cue.gives else { continue };
            for form in cue.phrase.split_whitespace() {
                others.entry(form, Some(cue.lang)).cue = Some((kind, weight));
            }
        }
        others.inherit();
        Self {
            faces: automaton(&faces.forms, AhoCorasickKind::DFA),
            face_values: faces.symbols,
            leads: Leads::of(&others.forms),
            others: automaton(&others.forms, AhoCorasickKind::ContiguousNFA),
            other_values: others.symbols,
        }
    }

    /// Fills `hits` with every form that counts in `lang`: faces first, then the rest, each in order.
    pub(in crate::score) fn find(&self, folded: &Folded, lang: LangCode, hits: &mut Vec<SymbolHit>) {
        hits.clear();
        let text = folded.text.as_bytes();
        if may_have_face(text) {
            let found = self.faces.find_iter(text);
            for found in found.filter(|found| stands_alone(text, found.start(), found.end())) {
                hits.push(SymbolHit::new(&found, &self.face_values[found.pattern()]));
            }
        }
        if !folded.has_non_ascii || !self.leads.are_in(text) {
            return;
        }
        for found in self.others.find_iter(text) {
            let symbol = &self.other_values[found.pattern()];
            if symbol.counts_in(lang) {
                hits.push(SymbolHit::new(&found, symbol));
            }
        }
    }
}

/// No face goes without one of these, and none in `://` stands alone. Looks at all bytes, and keeps what it saw in a
/// byte: so the compiler takes many at a time.
fn may_have_face(text: &[u8]) -> bool {
    let is_mark = |byte: u8| {
        (byte == b';') | (byte == b'=') | (byte == b'<') | (byte == b'^') | (byte == b'\\') | (byte == b'_')
    };
    let marks = text.iter().fold(0, |seen, &byte| seen | u8::from(is_mark(byte)));
    let threes = text.windows(3).fold(0, |seen, three| {
        let is_colon = (three[0] == b':') & ((three[1] != b'/') | (three[2] != b'/'));
        let is_bored = (three[0] == b'-') & (three[1] == b'.') & (three[2] == b'-');
        seen | u8::from(is_colon | is_bored)
    });
    (marks | threes) != 0 || text[text.len().saturating_sub(2)..].contains(&b':')
}

/// How the other forms begin: for each first byte a set of second bytes, by their low six bits.
#[derive(Debug)]
struct Leads(Box<[u64; 256]>);

impl Leads {
    fn of(forms: &[String]) -> Self {
        let mut leads = Self(Box::new([0; 256]));
        for form in forms {
            if let [first, second, ..] = *form.as_bytes() {
                leads.0[first as usize] |= 1 << (second & 63);
            }
        }
        leads
    }

    fn are_in(&self, text: &[u8]) -> bool {
        text.windows(2).any(|two| self.0[two[0] as usize] >> (two[1] & 63) & 1 == 1)
    }
}

fn line(line: &str) -> Option<(&str, f32, &str)> {
    let mut fields = line.split('\t');
    Some((fields.next()?, fields.next()?.parse().ok()?, fields.next()?))
}

/// Forms without repeats, each with its symbol.
#[derive(Default)]
struct Forms {
    forms: Vec<String>,
    symbols: Vec<Symbol>,
}

impl Forms {
    fn entry(&mut self, form: &str, lang: Option<LangCode>) -> &mut Symbol {
        let form = folded(form);
        let at = self.forms.iter().position(|known| *known == form).unwrap_or_else(|| {
            self.forms.push(form);
            self.symbols.push(Symbol { lang, value: 0.0, cue: None });
            self.forms.len() - 1
        });
        // A form of two languages counts in both.
        if self.symbols[at].lang != lang {
            self.symbols[at].lang = None;
        }
        &mut self.symbols[at]
    }

    /// The longest form wins a match, so a cue without a value takes that of the longest valued form inside it.
    fn inherit(&mut self) {
        for at in 0..self.forms.len() {
            if self.symbols[at].value == 0.0 {
                self.symbols[at].value = self.value_inside(&self.forms[at]);
            }
        }
    }

    fn value_inside(&self, form: &str) -> f32 {
        let valued = self
            .forms
            .iter()
            .zip(&self.symbols)
            .filter(|(part, symbol)| symbol.value != 0.0 && form.contains(part.as_str()));
        valued.max_by_key(|(part, _)| part.len()).map_or(0.0, |(_, symbol)| symbol.value)
    }
}

fn folded(form: &str) -> String {
    let mut out = String::new();
    for c in form.chars() {
        if fold_char_into(c, &mut out) == CharClass::Dropped {
            continue;
        }
    }
    out
}

#[expect(clippy::expect_used, reason = "a few hundred short patterns, built by a test")]
fn automaton(forms: &[String], kind: AhoCorasickKind) -> AhoCorasick {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(kind))
        .build(forms)
        .expect("the embedded forms are far below the automaton's limits")
}

/// `:/` in a link and `=d` in a query are no faces.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let is_part = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_'))
    };
    !is_part(start.checked_sub(1).and_then(|at| text.get(at))) && !is_part(text.get(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::score::lexicon::LEXICON;

    fn values(text: &str, lang: &'static str) -> Vec<f32> {
        let mut hits = Vec::new();
        LEXICON.symbols.find(&Folded::new(text), LangCode::of(lang), &mut hits);
        hits.iter().map(|hit| hit.value).collect()
    }

    fn forms() -> Vec<String> {
        let unspaced = |entry: &Entry| matches!(entry.lang.as_str(), "ja" | "zh" | "ko" | "th");
        let symbols =
            parse::lines(include_str!("symbols.tsv")).filter_map(line).map(|(_, _, forms)| forms.to_owned());
        let cues =
            parse::cues(include_str!("cues.tsv")).into_iter().filter(unspaced).map(|entry| entry.phrase);
        let all: Vec<String> = symbols.chain(cues).collect();
        all.iter().flat_map(|forms| forms.split_whitespace()).map(folded).collect()
    }

    fn assert_nothing_is_lost(text: &str) {
        let (symbols, text) = (&LEXICON.symbols, text.as_bytes());
        let alone = symbols.faces.find_iter(text).any(|face| stands_alone(text, face.start(), face.end()));
        assert!(may_have_face(text) || !alone);
        assert!(symbols.leads.are_in(text) || symbols.others.find(text).is_none());
    }

    #[test]
    fn every_form_is_seen_at_a_glance() {
        for form in forms() {
            assert!(
                may_have_face(form.as_bytes()) || LEXICON.symbols.leads.are_in(form.as_bytes()),
                "{form}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_glance_loses_nothing(parts in proptest::collection::vec(proptest::sample::select(vec![
            "://", ":", "/", "-", ".", "(", ")", " ", "a", "d", "3", "o", "_", ">", "|", "'", "é", "я", "…", "“", "👍", "最",
        ]), 0..12)) {
            assert_nothing_is_lost(&Folded::new(&parts.concat()).text);
        }
    }

    #[test]
    fn faces_stand_alone() {
        assert_eq!(values("nice :) and :-(", "en"), [2.0, -2.0]);
        assert_eq!(values("http://x.com/?q=d 12:30", "en"), [0.0; 0]);
    }

    #[test]
    fn emoji_count_whatever_their_skin_and_variant() {
        assert_eq!(values("👍🏽 ❤️ ❤", "en"), [2.0, 3.0, 3.0]);
    }

    #[test]
    fn the_longest_form_wins_where_there_are_no_spaces() {
        assert!(values("面白くない", "ja")[0] < 0.0);
        assert!(values("サービスが最悪です", "ja")[0] < 0.0);
        assert!(values("谢谢", "zh")[0] > 0.0);
    }
}
