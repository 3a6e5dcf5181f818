//! How much rules overlap: for each two, the posts that both match, as Jaccard's index (both / either).
//!
//! Exact, in bounded memory: only pairs that occur together take room, and at most [`PAIRS_MAX`] of them; of a post
//! with more than [`RULES_PER_POST_MAX`] rules only the first are paired. What is turned away is counted.

use super::bounded::Counter;
use crate::model::RuleIndex;

/// Pairs kept; about 20 MB.
pub(super) const PAIRS_MAX: usize = 1 << 20;
/// Rules of one post that are paired with each other.
pub(super) const RULES_PER_POST_MAX: usize = 64;

/// Posts by pair of rules.
#[derive(Debug)]
pub(super) struct Pairs {
    counts: Counter<(RuleIndex, RuleIndex)>,
    posts_cut: u64,
}

/// Two rules that match the same posts, `a` before `b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) a: RuleIndex,
    pub(super) b: RuleIndex,
    pub(super) both: u64,
    pub(super) jaccard: f64,
}

impl Default for Pairs {
    fn default() -> Self {
        Self { counts: Counter::new(PAIRS_MAX), posts_cut: 0 }
    }
}

impl Pairs {
    /// One post's rules, ascending.
    pub(super) fn add(&mut self, rules: &[RuleIndex]) {
        self.posts_cut += u64::from(rules.len() > RULES_PER_POST_MAX);
        let rules = &rules[..rules.len().min(RULES_PER_POST_MAX)];
        for (at, a) in rules.iter().enumerate() {
            rules[at + 1..].iter().for_each(|b| self.counts.add((*a, *b)));
        }
    }

    /// All pairs, the most alike first; `posts` tells how many each rule matches.
    pub(super) fn ranked(&self, posts: impl Fn(RuleIndex) -> u64) -> Vec<Pair> {
        let mut pairs: Vec<Pair> = self
            .counts
            .iter()
            .map(|(&(a, b), both)| {
                let either = posts(a) + posts(b) - both;
                Pair { a, b, both, jaccard: both as f64 / either.max(1) as f64 }
            })
            .collect();
        pairs.sort_by(|one, other| {
            other.jaccard.total_cmp(&one.jaccard).then((one.a, one.b).cmp(&(other.a, other.b)))
        });
        pairs
    }

    /// Posts and pairs that found no room: with any, overlaps are at least what is said.
    pub(super) fn dropped(&self) -> u64 {
        self.counts.dropped + self.posts_cut
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_post_with_too_many_rules_is_cut_and_counted() {
        let mut pairs = Pairs::default();
        pairs.add(&(0..100).collect::<Vec<_>>());
        let most = RULES_PER_POST_MAX * (RULES_PER_POST_MAX - 1) / 2;
        assert_eq!((pairs.ranked(|_| 1).len(), pairs.dropped()), (most, 1));
    }

    proptest! {
        #[test]
        fn the_index_is_that_of_the_sets(
            posts in prop::collection::vec(prop::collection::btree_set(0..8_u32, 0..6), 0..60),
        ) {
            let mut pairs = Pairs::default();
            for rules in &posts {
                pairs.add(&rules.iter().copied().collect::<Vec<_>>());
            }
            let of = |rule: u32| -> BTreeSet<usize> {
                (0..posts.len()).filter(|post| posts[*post].contains(&rule)).collect()
            };
            let ranked = pairs.ranked(|rule| of(rule).len() as u64);
            for pair in &ranked {
                let (a, b) = (of(pair.a), of(pair.b));
                let both = a.intersection(&b).count();
                prop_assert_eq!(pair.both, both as u64);
                prop_assert!((pair.jaccard - both as f64 / a.union(&b).count() as f64).abs() < 1e-12);
            }
            let together = (0..8).flat_map(|a| (a + 1..8).map(move |b| (a, b)));
            let overlapping = together.filter(|(a, b)| !of(*a).is_disjoint(&of(*b))).count();
            prop_assert_eq!(ranked.len(), overlapping);
            prop_assert!(ranked.is_sorted_by(|one, other| one.jaccard >= other.jaccard));
        }
    }
}
