//! The two tables of the term index: a filter that says no to nearly every word, and the patterns behind the keys.

use hashbrown::{HashMap, HashSet};

/// A pattern's number in its [`TermIndex`](super::TermIndex).
pub type AtomId = u32;

/// Bits of the filter per key and purpose; with two of them set per key, about 1 in 80 foreign words passes.
const BITS_PER_KEY: usize = 16;

/// A blocked Bloom filter with two bits a key: which keys end a pattern, and which go on.
#[derive(Debug)]
pub(super) struct Filter {
    /// (ends, goes on), side by side so that both are one cache line away.
    blocks: Vec<(u64, u64)>,
    shift: u32,
}

impl Filter {
    pub(super) fn new(ends: &HashMap<u64, Vec<AtomId>>, going_on: &HashSet<u64>) -> Self {
        let len = (ends.len().max(going_on.len()).max(64) * BITS_PER_KEY / 64).next_power_of_two();
        let mut filter = Self { blocks: vec![(0, 0); len], shift: 64 - len.trailing_zeros() };
        for &key in ends.keys() {
            let block = filter.block(key);
            filter.blocks[block].0 |= bits(key);
        }
        for &key in going_on {
            let block = filter.block(key);
            filter.blocks[block].1 |= bits(key);
        }
        filter
    }

    #[inline]
    fn block(&self, key: u64) -> usize {
        (key >> self.shift) as usize
    }

    /// Whether a pattern may end with `key`, and whether one may go on after it.
    #[inline]
    pub(super) fn look_up(&self, key: u64) -> (bool, bool) {
        let (ends, going_on) = self.blocks[self.block(key)];
        let bits = bits(key);
        (ends & bits == bits, going_on & bits == bits)
    }
}

/// Two of 64 bits, from bits of the key that do not choose the block.
#[inline]
fn bits(key: u64) -> u64 {
    (1 << (key >> 8 & 63)) | (1 << (key >> 16 & 63))
}

/// Which patterns end with a key. Open addressing with linear probing, at most half full; key 0 is an empty slot.
#[derive(Debug)]
pub(super) struct Ends {
    /// Key, and the range of its patterns in `atoms`.
    slots: Vec<(u64, u32, u32)>,
    atoms: Vec<AtomId>,
    shift: u32,
}

impl Ends {
    pub(super) fn new(entries: HashMap<u64, Vec<AtomId>>) -> Self {
        let len = (entries.len() * 2).next_power_of_two().max(16);
        let mut table =
            Self { slots: vec![(0, 0, 0); len], atoms: Vec::new(), shift: 64 - len.trailing_zeros() };
        for (key, atoms) in entries {
            let mut at = table.slot(key);
            while table.slots[at].0 != 0 {
                at = (at + 1) & (len - 1);
            }
            let start = table.atoms.len() as u32;
            table.atoms.extend(atoms);
            table.slots[at] = (key, start, table.atoms.len() as u32);
        }
        table
    }

    #[inline]
    fn slot(&self, key: u64) -> usize {
        (key.wrapping_mul(0xFF51_AFD7_ED55_8CCD) >> self.shift) as usize
    }

    #[inline]
    pub(super) fn get(&self, key: u64) -> &[AtomId] {
        let mut at = self.slot(key);
        loop {
            match self.slots[at] {
                (found, start, end) if found == key => return &self.atoms[start as usize..end as usize],
                (0, ..) => return &[],
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }
}
