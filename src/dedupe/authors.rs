//! How many different authors: exact up to a few, then estimated.
//!
//! Up to [`EXACT_MAX`] keys are kept as they are. Beyond it a HyperLogLog of 256 one-byte registers (Flajolet et al.,
//! 2007, with linear counting for small numbers) takes over: standard error 1.04/√256 = 6.5%, 264 bytes. The number
//! never falls, and depends only on the set of keys, so that a replay gives the same.

use smallvec::SmallVec;

/// Keys counted exactly; the cluster's bound on "distinct authors" below is an identity.
pub(super) const EXACT_MAX: usize = 16;
const REGISTERS: usize = 256;
const REGISTER_BITS: u32 = REGISTERS.trailing_zeros();

/// A growing set of author keys, of which only the size is asked.
#[derive(Debug)]
pub(super) enum Authors {
    Few(SmallVec<[u64; 2]>),
    Many(Box<Sketch>),
}

#[derive(Debug)]
pub(super) struct Sketch {
    registers: [u8; REGISTERS],
    count: u32,
}

impl Authors {
    pub(super) fn of(author: u64) -> Self {
        Self::Few(SmallVec::from_slice(&[author]))
    }

    pub(super) fn insert(&mut self, author: u64) {
        match self {
            Self::Few(keys) if keys.contains(&author) => {}
            Self::Few(keys) if keys.len() < EXACT_MAX => keys.push(author),
            Self::Few(keys) => {
                let mut sketch = Sketch { registers: [0; REGISTERS], count: 0 };
                keys.iter().chain([&author]).for_each(|&key| sketch.insert(key));
                sketch.count = sketch.count.max(EXACT_MAX as u32 + 1);
                *self = Self::Many(Box::new(sketch));
            }
            Self::Many(sketch) => sketch.insert(author),
        }
    }

    pub(super) fn count(&self) -> u32 {
        match self {
            Self::Few(keys) => keys.len() as u32,
            Self::Many(sketch) => sketch.count,
        }
    }
}

impl Sketch {
    fn insert(&mut self, author: u64) {
        // The registers and the ranks must not come from the same bits.
        let mixed = author.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32) ^ author;
        let register = (mixed >> (64 - REGISTER_BITS)) as usize;
        let rank = ((mixed << REGISTER_BITS).leading_zeros().min(64 - REGISTER_BITS) + 1) as u8;
        if rank > self.registers[register] {
            self.registers[register] = rank;
            self.count = self.count.max(self.estimate());
        }
    }

    fn estimate(&self) -> u32 {
        let m = REGISTERS as f64;
        let sum: f64 = self.registers.iter().map(|&rank| f64::from(rank).exp2().recip()).sum();
        let zeros = self.registers.iter().filter(|&&rank| rank == 0).count();
        let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        if raw <= 2.5 * m && zeros > 0 { (m * (m / zeros as f64).ln()).round() as u32 } else { raw as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stable_hash;

    fn counted(distinct: u64) -> u32 {
        let mut authors = Authors::of(stable_hash(&0u64.to_le_bytes()));
        for author in (1..distinct).chain(0..distinct) {
            authors.insert(stable_hash(&author.to_le_bytes()));
        }
        authors.count()
    }

    #[test]
    fn few_are_exact_and_repeats_do_not_count() {
        assert_eq!([1, 2, 9, 16].map(counted), [1, 2, 9, 16]);
    }

    #[test]
    fn many_are_within_fifteen_percent() {
        for distinct in [17, 50, 300, 1_000, 5_000, 100_000] {
            let ratio = f64::from(counted(distinct)) / distinct as f64;
            assert!((0.85..1.15).contains(&ratio), "{distinct}: {ratio}");
        }
    }

    #[test]
    fn the_number_never_falls() {
        let mut authors = Authors::of(1);
        let mut last = 0;
        for author in 0..3_000u64 {
            authors.insert(stable_hash(&author.to_le_bytes()));
            assert!(authors.count() >= last);
            last = authors.count();
        }
    }
}
