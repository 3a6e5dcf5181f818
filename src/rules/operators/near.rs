//! `a NEAR/5 b`, `a ONEAR/5 b`, `"a b c"~5`: terms that stand close together.
//!
//! Distances are counted in words: neighbours are at distance 1. A character of a script without spaces counts as a
//! word; an emoji counts as nothing. Both evaluators decide here, given the places of the terms in one text.

use crate::text::{CharClass, Folded, char_class};

/// The farthest that terms may be asked to stand apart.
pub const DISTANCE_MAX: u8 = 50;

/// A range of a folded text.
pub(in super::super) type Place = (u32, u32);

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

fn extents(text: &Folded, places: &[Place]) -> Vec<Extent> {
    let units = units(text);
    let before = |at: u32| units.partition_point(|&start| start < at) as i64;
    let extent =
        |&(start, end): &Place| Extent { place: (start, end), before: before(start), until: before(end) };
    places.iter().map(extent).collect()
}

/// Where words, and characters of unspaced scripts, start; ascending.
pub(in super::super) fn units(text: &Folded) -> Vec<u32> {
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
pub(in super::super) fn pairs(
    text: &Folded,
    left: &[Place],
    right: &[Place],
    distance: u8,
    ordered: bool,
) -> Vec<Place> {
    if left.is_empty() || right.is_empty() {
        return Vec::new();
    }
    let (left, right) = (extents(text, left), extents(text, right));
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
    let mut starts: Vec<&Extent> = after.iter().collect();
    starts.sort_unstable();
    let mut found = Vec::new();
    for first in before {
        let next = starts.partition_point(|extent| extent.place.0 < first.place.1);
        let near = starts[next..].iter().take_while(|next| next.distance_from(first) <= i64::from(distance));
        // The nearest is enough for the truth; all of them would be quadratic.
        if let Some(second) = near.into_iter().next() {
            found.extend([first.place, second.place]);
        }
    }
    found
}

/// The smallest distance between a place of `left` and one of `right`, in words; with `ordered`, the left one first.
pub(in super::super) fn nearest(
    text: &Folded,
    left: &[Place],
    right: &[Place],
    ordered: bool,
) -> Option<i64> {
    let (left, right) = (extents(text, left), extents(text, right));
    let apart = |before: &Extent, after: &Extent| {
        (after.place.0 >= before.place.1).then(|| after.distance_from(before))
    };
    let both = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
    both.filter_map(|(left, right)| {
        let back = if ordered { None } else { apart(right, left) };
        [apart(left, right), back].into_iter().flatten().min()
    })
    .min()
}

/// A term of a window: its places, and how many of them are needed.
pub(in super::super) struct Need {
    pub(in super::super) places: Vec<Place>,
    pub(in super::super) count: usize,
}

/// The places of the narrowest stretch that has all of `needs`, when at most `slack` other words stand in it.
pub(in super::super) fn window(text: &Folded, needs: &[Need], slack: u8) -> Option<Vec<Place>> {
    let mut all: Vec<(Extent, usize)> = Vec::new();
    for (term, need) in needs.iter().enumerate() {
        all.extend(extents(text, &need.places).into_iter().map(|extent| (extent, term)));
    }
    all.sort_unstable();
    let mut have = vec![0; needs.len()];
    let mut missing: usize = needs.iter().map(|need| need.count).sum();
    let mut from = 0;
    for to in 0..all.len() {
        let term = all[to].1;
        have[term] += 1;
        missing -= usize::from(have[term] <= needs[term].count);
        while missing == 0 {
            if let Some(places) = close_enough(&all[from..=to], needs, slack) {
                return Some(places);
            }
            let term = all[from].1;
            missing += usize::from(have[term] <= needs[term].count);
            have[term] -= 1;
            from += 1;
        }
    }
    None
}

/// The needed places of a stretch that has them all, when little else stands in it.
fn close_enough(stretch: &[(Extent, usize)], needs: &[Need], slack: u8) -> Option<Vec<Place>> {
    let mut left: Vec<usize> = needs.iter().map(|need| need.count).collect();
    let mut chosen = Vec::new();
    for (extent, term) in stretch {
        if left[*term] > 0 {
            left[*term] -= 1;
            chosen.push(*extent);
        }
    }
    let first = chosen.iter().map(|extent| extent.before).min()?;
    let last = chosen.iter().map(|extent| extent.until).max()?;
    let own: i64 = chosen.iter().map(Extent::words).sum();
    (last - first - own <= i64::from(slack)).then(|| chosen.iter().map(|extent| extent.place).collect())
}

#[cfg(test)]
mod tests {
    use super::super::super::term::{Fold, Pattern};
    use super::*;

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
        window(&text, &needs, slack).is_some()
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
}
