//! Authors and their engagers in memory of a fixed size: lines of eight entries, an author having the one line that its
//! hash says, so that an update is one cache miss and most often no write.
//!
//! An entry is 16 bits of the author's hash above 48 bits of registers. Two authors of a line share their entry once in
//! 65,536 pairs. In a full line a newcomer takes the place of the least engaged author by chance, the less likely the
//! more engaged that one is (the randomized admission of Ben Basat et al., "Randomized admission policy for efficient
//! top-k and frequency estimation", 2017): passing crowds of small authors do not wash out the great ones.

use super::registers::{MASK, Mark, weight};

const WAYS: usize = 8;
const TAG_SHIFT: u32 = 48;
/// Bits of an engagement's hash that decide on admission: those between rank and register.
const DRAW_SHIFT: u32 = 14;
const DRAW_BITS: u32 = 18;

/// An allocation of this size begins at the border of a cache line with every allocator that matters.
type Line = [u64; WAYS];

/// Bytes of one line.
pub(super) const LINE_BYTES: usize = size_of::<Line>();

/// Where an author is looked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    line: usize,
    tag: u64,
}

/// See the module. One owner.
#[derive(Debug)]
pub(super) struct Table {
    lines: Vec<Line>,
    entries: usize,
    evicted: u64,
}

impl Table {
    pub(super) fn new(lines: usize) -> Self {
        Self { lines: vec![[0; WAYS]; lines.max(1)], entries: 0, evicted: 0 }
    }

    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Memory that was never used is not touched: the system need not give it.
    pub(super) fn clear(&mut self) {
        if self.entries == 0 {
            return;
        }
        self.lines.fill([0; WAYS]);
        self.entries = 0;
    }

    /// The place of the author with this hash, the same in all tables of one size.
    #[inline]
    pub(super) fn place(&self, author: u64) -> Place {
        let line = (u128::from(author) * self.lines.len() as u128) >> 64;
        Place { line: line as usize, tag: author << TAG_SHIFT }
    }

    /// Fetches the line into the cache.
    #[inline]
    pub(super) fn touch(&self, place: Place) -> u64 {
        self.lines[place.line][0]
    }

    /// The author's registers; 0 when nothing is known of them.
    pub(super) fn registers(&self, place: Place) -> u64 {
        let entry = self.lines[place.line].iter().find(|entry| is_of(**entry, place.tag));
        entry.map_or(0, |entry| entry & MASK)
    }

    /// Counts one engager, given by a hash of both accounts.
    #[inline]
    pub(super) fn raise(&mut self, place: Place, hash: u64) {
        let line = &mut self.lines[place.line];
        let mark = Mark::of(hash);
        match line.iter_mut().find(|entry| is_of(**entry, place.tag)) {
            Some(entry) => {
                let raised = mark.raise(*entry);
                // Most engagements raise nothing: a line that is not written need not go back to memory.
                if raised != *entry {
                    *entry = raised;
                }
            }
            None => self.admit(place, hash, mark.raise(place.tag)),
        }
    }

    fn admit(&mut self, place: Place, hash: u64, new: u64) {
        let line = &mut self.lines[place.line];
        let least = line.iter_mut().min_by_key(|entry| weight(**entry & MASK)).expect("a line has entries");
        if *least == 0 {
            *least = new;
            self.entries += 1;
            return;
        }
        let draw = (hash >> DRAW_SHIFT) & ((1 << DRAW_BITS) - 1);
        if draw * weight(*least & MASK) < 1 << DRAW_BITS {
            *least = new;
            self.evicted += 1;
        }
    }
}

/// An entry in use has at least one register that is not 0.
#[inline]
const fn is_of(entry: u64, tag: u64) -> bool {
    (entry ^ tag) >> TAG_SHIFT == 0 && entry & MASK != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stable_hash;
    use crate::score::influence::registers::estimate;

    fn hash(of: &[u64]) -> u64 {
        let bytes: Vec<u8> = of.iter().flat_map(|number| number.to_le_bytes()).collect();
        stable_hash(&bytes)
    }

    fn engage(table: &mut Table, author: u64, by: u64) {
        let author = hash(&[author]);
        table.raise(table.place(author), hash(&[author, by]));
    }

    fn engagers(table: &Table, author: u64) -> f32 {
        estimate(table.registers(table.place(hash(&[author]))))
    }

    #[test]
    fn nothing_is_known_of_an_author_until_somebody_engages() {
        let mut table = Table::new(16);
        assert_eq!(engagers(&table, 1), 0.0);
        engage(&mut table, 1, 2);
        assert!((0.8..1.3).contains(&engagers(&table, 1)));
        assert_eq!((table.entries(), table.evicted()), (1, 0));
        table.clear();
        assert_eq!((engagers(&table, 1), table.entries()), (0.0, 0));
    }

    #[test]
    fn a_table_ten_times_too_small_keeps_the_great_and_forgets_the_small() {
        // 2,048 entries, 20,000 authors with an engager each, and 50 with 400 among them.
        let mut table = Table::new(256);
        for round in 0..400u64 {
            (0..50).for_each(|author| engage(&mut table, 1_000_000 + author, round));
            (0..50).for_each(|small| engage(&mut table, round * 50 + small, 1));
        }
        assert_eq!(table.entries(), 2_048);
        assert!(table.evicted() > 1_000, "{}", table.evicted());
        let known: Vec<f32> = (0..50).map(|author| engagers(&table, 1_000_000 + author)).collect();
        let near = known.iter().filter(|engagers| (150.0..1_000.0).contains(*engagers)).count();
        assert!(near >= 47, "{known:?}");
    }
}
