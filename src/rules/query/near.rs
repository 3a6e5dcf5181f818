//! `a NEAR/5 b`, `a ONEAR/5 b`, `"a b c"~5`: terms that stand close together.
//!
//! Distances are counted in words: neighbours are at distance 1. A character of a script without spaces counts as a
//! word; an emoji counts as nothing. Both evaluators decide here, given the places of the terms in one text.

use crate::text::{CharClass, Folded, char_class};

/// The farthest that terms may be asked to stand apart.
pub const DISTANCE_MAX: u8 = 50;

/// A range of a folded text.
pub(in crate::rules) type Place = (u32, u32);

/// A place, and how many words start before it and before its end: the same for an emoji, which counts as nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Extent {
    place: Place,
    before: i64,
    until: i64,
}

impl Extent {
    fn words(&self) -> i64 {
        self.until - self.before
    }

    /// How far it stands behind `other`; neighbours are at 1.
    fn distance_from(&self, other: &Self) -> i64 {
        self.before - other.until + 1
    }
}

fn extents(units: &[u32], places: &[Place]) -> Vec<Extent> {
    let before = |at: u32| units.partition_point(|&start| start < at) as i64;
    let extent =
        |&(start, end): &Place| Extent { place: (start, end), before: before(start), until: before(end) };
    places.iter().map(extent).collect()
}

/// Where words, and characters of unspaced scripts, start; ascending.
pub(in crate::rules) fn units(text: &Folded) -> Vec<u32> {
    let mut units: Vec<u32> = text.words.iter().map(|word| word.start).collect();
    if text.has_non_ascii {
        let is_unspaced = |(_, c): &(usize, char)| char_class(*c) == CharClass::Unspaced;
        units.extend(text.text.char_indices().filter(is_unspaced).map(|(at, _)| at as u32));
        units.sort_unstable();
    }
    units
}

/// The places of `left` and `right` that stand at most `distance` words from one of the other side; with `ordered`,
/// the left one first. Empty when none do. Places that overlap are no pair.
pub(in crate::rules) fn pairs(
    text: &Folded,
    left: &[Place],
    right: &[Place],
    distance: u8,
    ordered: bool,
) -> Vec<Place> {
    if left.is_empty() || right.is_empty() {
        return Vec::new();
    }
    let units = units(text);
    let (left, right) = (extents(&units, left), extents(&units, right));
    let mut found = followed(&left, &right, distance);
    if !ordered {
        found.extend(followed(&right, &left, distance));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The places of pairs in which one of `before` is followed by one of `after` within `distance`.
fn followed(before: &[Extent], after: &[Extent], distance: u8) -> Vec<Place> {
    let close = neighbours(before, after).filter(|(_, _, apart)| *apart <= i64::from(distance));
    close.flat_map(|(first, second, _)| [first.place, second.place]).collect()
}

/// Each of `before` with the nearest of `after` that follows it, and how far that is.
fn neighbours(before: &[Extent], after: &[Extent]) -> impl Iterator<Item = (Extent, Extent, i64)> {
    let mut starts = after.to_vec();
    starts.sort_unstable();
    before.iter().filter_map(move |first| {
        // The nearest is enough for the truth; all of them would be quadratic.
        let second = starts.get(starts.partition_point(|extent| extent.place.0 < first.place.1))?;
        Some((*first, *second, second.distance_from(first)))
    })
}

/// The smallest distance between a place of `left` and one of `right`, in words; with `ordered`, the left one first.
pub(in crate::rules) fn nearest(
    text: &Folded,
    left: &[Place],
    right: &[Place],
    ordered: bool,
) -> Option<i64> {
    let units = units(text);
    let (left, right) = (extents(&units, left), extents(&units, right));
    let there = neighbours(&left, &right);
    let back = (!ordered).then(|| neighbours(&right, &left));
    there.chain(back.into_iter().flatten()).map(|(_, _, apart)| apart).min()
}

/// A term of a window: its places, and how many of them are needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::rules) struct Need {
    pub(in crate::rules) places: Vec<Place>,
    pub(in crate::rules) count: usize,
}

/// The places of a stretch that has all of `needs`, none in another, when at most `slack` other words stand in it.
pub(in crate::rules) fn window(text: &Folded, mut needs: Vec<Need>, slack: u8) -> Option<Vec<Place>> {
    if needs.iter().any(|need| need.places.len() < need.count) {
        return None;
    }
    // What is found must not hang on the order in which the terms are numbered.
    needs.sort_unstable();
    let mut search = Search::new(text, &needs, slack);
    let mut all: Vec<(Extent, usize)> = Vec::new();
    for (class, of_class) in search.classes.iter().enumerate() {
        all.extend(of_class.extents.iter().map(|extent| (*extent, class)));
    }
    all.sort_unstable();
    let mut reach = Reach { to: 0, have: vec![0; needs.len()], missing: search.missing };
    for (first, class) in all.iter().copied() {
        if !reach.extend(&all, &search) {
            return None;
        }
        if reach.others_min(first, &all, &search) <= i64::from(slack)
            && let Some(places) = search.from(first, class)
        {
            return Some(places);
        }
        reach.leave(search.classes[class].need, &search);
    }
    None
}

/// How far the places must be looked at for each term to have as many as it needs, overlaps or not.
struct Reach {
    /// The place after the last one looked at.
    to: usize,
    /// By need.
    have: Vec<usize>,
    missing: usize,
}

impl Reach {
    /// Goes on until nothing is missing; false when there is too little.
    fn extend(&mut self, all: &[(Extent, usize)], search: &Search) -> bool {
        while self.missing > 0 {
            let Some((_, class)) = all.get(self.to) else { return false };
            let need = search.classes[*class].need;
            self.have[need] += 1;
            self.missing -= usize::from(self.have[need] <= search.counts[need]);
            self.to += 1;
        }
        true
    }

    fn leave(&mut self, need: usize, search: &Search) {
        self.missing += usize::from(self.have[need] <= search.counts[need]);
        self.have[need] -= 1;
    }

    /// No choice that begins with `first` has fewer other words than this: it ends no earlier than the reach.
    fn others_min(&self, first: Extent, all: &[(Extent, usize)], search: &Search) -> i64 {
        let (last, _) = all[self.to - 1];
        last.before - first.before - search.words_before_last_max
    }
}

/// The places of one term that hold equally many words, ascending: of these, an earlier one is never worse.
struct Class {
    need: usize,
    extents: Vec<Extent>,
}

/// Looks for places that do not overlap.
struct Search {
    classes: Vec<Class>,
    /// How many places are needed, by need.
    counts: Vec<usize>,
    /// All of them together.
    missing: usize,
    words_before_last_max: i64,
    slack: i64,
    /// Steps that may still be made, for this text and from this place.
    steps_left: (usize, usize),
}

/// Steps of a search from one place, besides one for each needed place. Only terms that overlap, many times over, need more than one.
const STEPS_MAX: usize = 1_000;

impl Search {
    fn new(text: &Folded, needs: &[Need], slack: u8) -> Self {
        let units = units(text);
        let mut classes: Vec<Class> = Vec::new();
        let (mut most, mut least) = (0, i64::MAX);
        for (at, need) in needs.iter().enumerate() {
            let mut extents = extents(&units, &need.places);
            extents.sort_unstable_by_key(|extent| (extent.words(), *extent));
            extents.dedup();
            most += extents.last().map_or(0, Extent::words) * need.count as i64;
            least = least.min(extents.first().map_or(0, Extent::words));
            let classed = extents.chunk_by(|one, next| one.words() == next.words());
            classes.extend(classed.map(|extents| Class { need: at, extents: extents.to_vec() }));
        }
        let counts: Vec<usize> = needs.iter().map(|need| need.count).collect();
        let places: usize = needs.iter().map(|need| need.places.len()).sum();
        Self {
            classes,
            missing: counts.iter().sum(),
            counts,
            words_before_last_max: most - least.min(most),
            slack: i64::from(slack),
            steps_left: (10 * (STEPS_MAX + places), 0),
        }
    }

    /// The places of a choice that begins with `first`.
    fn from(&mut self, first: Extent, class: usize) -> Option<Vec<Place>> {
        self.steps_left.1 = STEPS_MAX + self.missing;
        let mut chosen = vec![first.place];
        let mut left = self.counts.clone();
        left[self.classes[class].need] -= 1;
        self.go_on(first, 0, &mut left, &mut chosen).then_some(chosen)
    }

    /// Chooses the rest, behind `last`, with `others` other words so far.
    fn go_on(&mut self, last: Extent, others: i64, left: &mut [usize], chosen: &mut Vec<Place>) -> bool {
        if chosen.len() == self.missing {
            return true;
        }
        let (of_text, of_place) = self.steps_left;
        let (Some(of_text), Some(of_place)) = (of_text.checked_sub(1), of_place.checked_sub(1)) else {
            return false;
        };
        self.steps_left = (of_text, of_place);
        for (next, need) in self.nexts(last, left) {
            let others = others + next.before - last.until;
            if others > self.slack {
                return false;
            }
            left[need] -= 1;
            chosen.push(next.place);
            if self.go_on(next, others, left, chosen) {
                return true;
            }
            chosen.pop();
            left[need] += 1;
        }
        false
    }

    /// The next place of each class that is still needed, the nearest first.
    fn nexts(&self, last: Extent, left: &[usize]) -> Vec<(Extent, usize)> {
        let next = |class: &Class| {
            let at = class.extents.partition_point(|extent| extent.place.0 < last.place.1);
            class.extents.get(at).map(|extent| (*extent, class.need))
        };
        let mut nexts: Vec<(Extent, usize)> =
            self.classes.iter().filter(|class| left[class.need] > 0).filter_map(next).collect();
        nexts.sort_unstable();
        nexts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::query::term::{Fold, Pattern};

    fn places(source: &str, text: &Folded) -> Vec<Place> {
        Pattern::new(source, Fold::Standard).unwrap().find_all(text)
    }

    fn near(left: &str, right: &str, distance: u8, ordered: bool, text: &str) -> bool {
        let text = Folded::new(text);
        !pairs(&text, &places(left, &text), &places(right, &text), distance, ordered).is_empty()
    }

    fn within(words: &[(&str, usize)], slack: u8, text: &str) -> bool {
        let text = Folded::new(text);
        let needs: Vec<Need> =
            words.iter().map(|(word, count)| Need { places: places(word, &text), count: *count }).collect();
        window(&text, needs, slack).is_some()
    }

    #[test]
    fn neighbours_are_at_distance_one() {
        assert!(near("acme", "down", 1, false, "acme down") && near("acme", "down", 1, false, "down, acme"));
        assert!(
            !near("acme", "down", 1, false, "acme is down") && near("acme", "down", 2, false, "acme is down")
        );
        assert!(!near("acme", "down", 5, true, "down acme") && near("acme", "down", 5, true, "acme down"));
        assert!(near("acme cloud", "down", 2, true, "acme cloud is down"));
    }

    #[test]
    fn a_word_is_not_near_itself() {
        assert!(!near("acme", "acme", 5, false, "acme"));
        assert!(near("acme", "acme", 5, false, "acme acme"));
        assert!(!near("acme", "acme cloud", 5, false, "acme cloud"));
    }

    #[test]
    fn unspaced_characters_count_as_words_and_emoji_do_not() {
        assert!(
            near("네슬레", "최악", 3, false, "네슬레 정말 최악")
                && !near("네슬레", "최악", 2, false, "네슬레 정말 최악")
        );
        assert!(near("acme", "down", 1, false, "acme 🤬🤬 down"));
        assert!(near("acme", "🤬", 1, false, "acme 🤬"));
        assert!(!near("🤬", "acme", 1, false, "🤬 is acme") && near("🤬", "acme", 2, false, "🤬 is acme"));
        assert!(!within(&[("🤬", 1), ("acme", 1)], 0, "🤬 is acme"));
    }

    #[test]
    fn a_window_has_all_its_words_in_any_order() {
        assert!(within(&[("not", 1), ("working", 1)], 0, "working not"));
        assert!(within(&[("not", 1), ("working", 1)], 3, "not at all been working"));
        assert!(!within(&[("not", 1), ("working", 1)], 2, "not at all been working"));
        assert!(within(&[("a", 1), ("b", 1), ("c", 1)], 1, "b x y z a c b"));
        assert!(
            !within(&[("very", 2), ("bad", 1)], 5, "very bad")
                && within(&[("very", 2), ("bad", 1)], 0, "very very bad")
        );
    }

    #[test]
    fn one_word_does_not_serve_two_terms_of_a_window() {
        assert!(!within(&[("acme-cloud", 1), ("cloud", 1)], 0, "acme cloud"));
        assert!(within(&[("acme-cloud", 1), ("cloud", 1)], 0, "acme cloud cloud"));
        assert!(!within(&[("acme", 1), ("acmedown", 1)], 0, "#AcmeDown"));
        assert!(within(&[("acme", 1), ("acmedown", 1)], 0, "#AcmeDown acme"));
        assert!(!within(&[("acme", 1), ("#acme", 1)], 5, "#acme"));
        assert!(within(&[("acme", 1), ("#acme", 1)], 0, "#acme acme"));
        assert!(within(&[("y", 1), ("acmedown", 1), ("x", 1)], 1, "y acmedown #AcmeDown x"));
    }

    #[test]
    fn a_long_text_of_one_word_takes_no_longer_than_it_is_long() {
        let many = |word: &str| Folded::new(&word.repeat(100_000));
        let text = many("not ");
        let need = |source: &str, text: &Folded| Need { places: places(source, text), count: 1 };
        assert_eq!(window(&text, vec![need("not", &text), need("working", &text)], 2), None);
        let text = Folded::new(&format!("{} x x x working", "not ".repeat(100_000)));
        assert_eq!(window(&text, vec![need("not", &text), need("working", &text)], 2), None);
        let text = Folded::new(&format!("{}acme", "👍".repeat(100_000)));
        assert!(window(&text, vec![need("👍", &text), need("acme", &text)], 2).is_some());
        let text = Folded::new(&format!("{}{}", "acme ".repeat(50_000), "down ".repeat(50_000)));
        let sides = [places("acme", &text), places("down", &text)];
        assert_eq!(nearest(&text, &sides[0], &sides[1], false), Some(1));
        assert_eq!(nearest(&text, &sides[1], &sides[0], true), None);
    }

    /// The fewest other words of any choice of places that do not overlap, by trying all.
    fn others(text: &Folded, needs: &[Need], last: Option<Extent>, left: &mut [usize]) -> Option<i64> {
        if left.iter().all(|&left| left == 0) {
            return Some(0);
        }
        let mut fewest = None;
        for (at, need) in needs.iter().enumerate().filter(|(at, _)| left[*at] > 0).collect::<Vec<_>>() {
            left[at] -= 1;
            for next in extents(&units(text), &need.places) {
                if last.is_some_and(|last| next.place.0 < last.place.1) {
                    continue;
                }
                let before = last.map_or(0, |last| next.before - last.until);
                let rest = others(text, needs, Some(next), left).map(|rest| before + rest);
                fewest = [fewest, rest].into_iter().flatten().min();
            }
            left[at] += 1;
        }
        fewest
    }

    proptest! {
        #[test]
        fn a_window_and_the_nearest_are_those_of_trying_all(
            words in prop::collection::vec(prop::sample::select(vec![
                "a ", "b ", "a-b ", "#AB ", "#AcmeDown ", "acme ", "down ", "acmedown ", "x ", "👍 ", "👍👍 ",
            ]), 0..9),
            terms in prop::collection::vec((prop::sample::select(vec![
                "a", "b", "a-b", "acme", "down", "acmedown", "#acmedown", "👍", "👍👍",
            ]), 1..3_usize), 1..4),
            slack in 0..4_u8,
        ) {
            let text = Folded::new(&words.concat());
            let mut needs: Vec<Need> = Vec::new();
            for (term, count) in &terms {
                needs.push(Need { places: places(term, &text), count: *count });
            }
            let mut left: Vec<usize> = needs.iter().map(|need| need.count).collect();
            let expected = others(&text, &needs, None, &mut left).is_some_and(|fewest| fewest <= i64::from(slack));
            prop_assert_eq!(window(&text, needs.clone(), slack).is_some(), expected);
            let [left, right] = [&needs[0], &needs[needs.len() - 1]].map(|need| extents(&units(&text), &need.places));
            let apart = |before: &Extent, after: &Extent| {
                (after.place.0 >= before.place.1).then(|| after.distance_from(before))
            };
            let pairs = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
            let expected = pairs.filter_map(|(left, right)| apart(left, right)).min();
            let places = [&needs[0], &needs[needs.len() - 1]].map(|need| &need.places);
            prop_assert_eq!(nearest(&text, places[0], places[1], true), expected);
        }
    }
}
