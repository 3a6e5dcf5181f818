//! Identity keys within a window: has this event been settled before?
//!
//! A ring of keys in order of arrival, and a hash table of 4-byte places in the ring: 22–28 bytes a key. The ring's
//! time stands in marks, one for each change of the clock, rounded to 10 s. Time is steady: no leap of the wall clock
//! makes anything here too old.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use hashbrown::HashTable;

use crate::model::{BuildKeyHasher, Key, Steady};

const MARK_SECONDS: i64 = 10;

/// The window of identities. One owner; no locks.
#[derive(Debug)]
pub struct Seen {
    window_seconds: i64,
    keys_max: usize,
    /// Keys, oldest first; the first has the number `forgotten`, wrapping.
    ring: VecDeque<Key>,
    /// Numbers of the keys in `ring`.
    table: HashTable<u32>,
    seed: BuildKeyHasher,
    forgotten: u32,
    marks: VecDeque<Mark>,
    evicted: u64,
}

/// `count` keys in a row were filed at `second`.
#[derive(Debug)]
struct Mark {
    second: i64,
    count: usize,
}

impl Seen {
    /// An empty window; `keys_max` is at least 1 and at most 2^31.
    #[must_use]
    pub fn new(window: Duration, keys_max: usize) -> Self {
        Self {
            window_seconds: i64::try_from(window.as_secs()).unwrap_or(i64::MAX),
            keys_max: keys_max.clamp(1, 1 << 31),
            ring: VecDeque::new(),
            table: HashTable::new(),
            seed: BuildKeyHasher::default(),
            forgotten: 0,
            marks: VecDeque::new(),
            evicted: 0,
        }
    }

    /// Files `key`; false when it is there already (it keeps its first time).
    pub fn insert(&mut self, key: Key, now: Steady) -> bool {
        let hash = hash(&self.seed, key);
        if self.find(hash, key) {
            return false;
        }
        self.make_room(now);
        let number = self.forgotten.wrapping_add(self.ring.len() as u32);
        self.ring.push_back(key);
        let (ring, forgotten, seed) = (&self.ring, self.forgotten, &self.seed);
        self.table.insert_unique(hash, number, |&n| hash_at(seed, ring, forgotten, n));
        self.mark(now);
        true
    }

    /// True when `key` is within the window's memory.
    #[must_use]
    pub fn contains(&self, key: Key) -> bool {
        self.find(hash(&self.seed, key), key)
    }

    /// Keys remembered now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// True when nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Keys forgotten before their window ended, since the start.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    fn find(&self, hash: u64, key: Key) -> bool {
        self.table.find(hash, |&number| self.ring[self.place(number)] == key).is_some()
    }

    fn place(&self, number: u32) -> usize {
        number.wrapping_sub(self.forgotten) as usize
    }

    /// Drops what is out of the window, and one more when that does not suffice.
    fn make_room(&mut self, now: Steady) {
        let oldest_second = seconds(now).saturating_sub(self.window_seconds);
        while self.marks.front().is_some_and(|mark| mark.second < oldest_second) {
            self.forget_oldest();
        }
        if self.ring.len() >= self.keys_max {
            self.forget_oldest();
            self.evicted += 1;
        }
    }

    fn forget_oldest(&mut self) {
        let Some(&key) = self.ring.front() else { return };
        let (hash, number) = (hash(&self.seed, key), self.forgotten);
        if let Ok(entry) = self.table.find_entry(hash, |&n| n == number) {
            entry.remove();
        }
        self.ring.pop_front();
        self.forgotten = self.forgotten.wrapping_add(1);
        if let Some(mark) = self.marks.front_mut() {
            mark.count -= 1;
            if mark.count == 0 {
                self.marks.pop_front();
            }
        }
    }

    fn mark(&mut self, now: Steady) {
        // Rounded up, so that rounding never shortens the window.
        let second = (seconds(now).div_euclid(MARK_SECONDS) + 1) * MARK_SECONDS;
        match self.marks.back_mut() {
            Some(mark) if mark.second >= second => mark.count += 1,
            _ => self.marks.push_back(Mark { second, count: 1 }),
        }
    }
}

const fn seconds(time: Steady) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}

fn hash(seed: &BuildKeyHasher, key: Key) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write_u128(key.0);
    hasher.finish()
}

fn hash_at(seed: &BuildKeyHasher, ring: &VecDeque<Key>, forgotten: u32, number: u32) -> u64 {
    hash(seed, ring[number.wrapping_sub(forgotten) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Steady {
        Steady::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_key_is_fresh_once_within_the_window_and_again_after_it() {
        let mut seen = Seen::new(Duration::from_secs(100), 10);
        assert!(seen.insert(Key(7), at(1_000)));
        assert!(!seen.insert(Key(7), at(1_099)));
        assert!(seen.insert(Key(8), at(1_200)));
        assert!(seen.insert(Key(7), at(1_200)));
        assert_eq!((seen.len(), seen.evicted()), (2, 0));
    }

    #[test]
    fn under_pressure_the_oldest_is_forgotten_and_counted() {
        let mut seen = Seen::new(Duration::from_secs(100), 3);
        for key in 0..5 {
            assert!(seen.insert(Key(key), at(0)));
        }
        assert_eq!((seen.len(), seen.evicted()), (3, 2));
        assert_eq!(
            (0..5).map(|key| seen.contains(Key(key))).collect::<Vec<_>>(),
            [false, false, true, true, true]
        );
    }

    #[test]
    fn numbers_may_wrap_around() {
        let mut seen = Seen::new(Duration::from_secs(100), 3);
        seen.forgotten = u32::MAX - 1;
        for key in 0..9 {
            assert!(seen.insert(Key(key), at(0)));
            assert!(!seen.insert(Key(key), at(0)));
        }
        assert_eq!(seen.len(), 3);
    }

    proptest! {
        #[test]
        fn nothing_within_the_window_is_forgotten_whatever_the_clock_does(
            steps in prop::collection::vec((0u128..40, -30i64..60), 1..200),
        ) {
            let mut seen = Seen::new(Duration::from_secs(60), 1_000);
            let mut filed: std::collections::HashMap<u128, i64> = Default::default();
            let (mut clock, mut latest) = (10_000, 0);
            for (key, step) in steps {
                clock += step;
                latest = latest.max(clock);
                let fresh = seen.insert(Key(key), at(clock));
                if let Some(&first) = filed.get(&key) {
                    prop_assert!(!fresh || latest > first + 60, "{key} at {clock}, filed at {first}");
                }
                if fresh {
                    filed.insert(key, clock);
                }
            }
        }
    }
}
