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

/// True when each of `needs` has so many places, none in another, with at most `slack` other words among them all.
pub(crate) fn window(text: &Text, needs: &[(Vec<Place>, usize)], slack: u8) -> bool {
    if needs.iter().any(|(places, count)| places.len() < *count) {
        return false;
    }
    let mut left: Vec<usize> = needs.iter().map(|(_, count)| *count).collect();
    rest_fits(text, needs, &mut left, None, usize::from(slack))
}

/// Tries every place behind `last` for every term that is still needed.
fn rest_fits(
    text: &Text,
    needs: &[(Vec<Place>, usize)],
    left: &mut [usize],
    last: Option<Place>,
    slack: usize,
) -> bool {
    if left.iter().all(|&left| left == 0) {
        return true;
    }
    for at in (0..needs.len()).filter(|&at| left[at] > 0).collect::<Vec<usize>>() {
        left[at] -= 1;
        for place in needs[at].0.iter().filter(|place| last.is_none_or(|last| place.0 >= last.1)) {
            let others = last.map_or(0, |last| between(text, last.1, place.0));
            if others <= slack && rest_fits(text, needs, left, Some(*place), slack - others) {
                return true;
            }
        }
        left[at] += 1;
    }
    false
}

/// How many words start from byte `start` to before `end`.
fn between(text: &Text, start: usize, end: usize) -> usize {
    text.units.iter().filter(|unit| start <= unit.0 && unit.0 < end).count()
}
