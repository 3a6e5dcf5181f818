//! NEAR, ONEAR and `"…"~N`, by trying all places.

use super::words::{Place, Text};

/// True when one of `left` and one of `right` stand at most `distance` words apart, neighbours being at 1.
pub(crate) fn near(text: &Text, left: &[Place], right: &[Place], distance: u8, ordered: bool) -> bool {
    let close = |before: &Place, after: &Place| {
        after.0 >= before.1 && between(text, before.1, after.0) < usize::from(distance)
    };
    let mut pairs = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
    pairs.any(|(left, right)| close(left, right) || (!ordered && close(right, left)))
}

/// True when some stretch of the text has each of `needs` so many times, and at most `slack` other words.
pub(crate) fn window(text: &Text, needs: &[(Vec<Place>, usize)], slack: u8) -> bool {
    let all = || needs.iter().flat_map(|(places, _)| places);
    let fits = |start: usize, end: usize| {
        let own = needs.iter().map(|(places, count)| {
            let inside = places.iter().filter(|place| start <= place.0 && place.1 <= end);
            let mut lens: Vec<usize> = inside.map(|place| between(text, place.0, place.1)).collect();
            lens.sort_unstable_by(|a, b| b.cmp(a));
            (lens.len() >= *count).then(|| lens[..*count].iter().sum::<usize>())
        });
        let own: Option<usize> = own.sum();
        own.is_some_and(|own| between(text, start, end).saturating_sub(own) <= usize::from(slack))
    };
    needs.iter().all(|(places, _)| !places.is_empty())
        && all().any(|first| all().any(|last| first.0 <= last.0 && fits(first.0, last.1)))
}

/// How many words start from byte `start` to before `end`.
fn between(text: &Text, start: usize, end: usize) -> usize {
    text.units.iter().filter(|unit| start <= unit.0 && unit.0 < end).count()
}
