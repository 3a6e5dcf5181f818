//! Counters that cannot outgrow their memory: at the limit new keys are turned away, and how often is said.

use std::hash::Hash;

use hashbrown::HashMap;

/// Counts by key. Keys that are in it are counted exactly.
#[derive(Debug)]
pub(super) struct Counter<K> {
    counts: HashMap<K, u64>,
    keys_max: usize,
    /// Calls for keys that found no room.
    pub(super) dropped: u64,
}

impl<K: Eq + Hash> Counter<K> {
    pub(super) fn new(keys_max: usize) -> Self {
        Self { counts: HashMap::new(), keys_max, dropped: 0 }
    }

    pub(super) fn add(&mut self, key: K) {
        if self.counts.len() < self.keys_max {
            *self.counts.entry(key).or_default() += 1;
        } else if let Some(count) = self.counts.get_mut(&key) {
            *count += 1;
        } else {
            self.dropped += 1;
        }
    }

    /// In no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, u64)> {
        self.counts.iter().map(|(key, count)| (key, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_limit_new_keys_are_turned_away_and_counted() {
        let mut counter = Counter::new(2);
        "abcabcac".chars().for_each(|key| counter.add(key));
        let mut counts: Vec<_> = counter.iter().map(|(key, count)| (*key, count)).collect();
        counts.sort_unstable();
        assert_eq!((counts, counter.dropped), (vec![('a', 3), ('b', 2)], 3));
    }
}
