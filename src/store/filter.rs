//! A set of 64-bit keys that may say "perhaps" for "no", and never "no" for "yes".
//!
//! Split-block Bloom filter (Putze, Sanders, Singler 2007; as in Apache Parquet, with 64-bit words): one cache
//! line a question. Grows by layers, each twice the one before, so nothing is ever rebuilt while running.

use std::hash::{BuildHasher, Hasher};

use crate::model::BuildKeyHasher;

/// 16 bits a key: about one wrong "perhaps" in a thousand per layer.
const KEYS_PER_BLOCK: usize = 32;

/// Keys in the first layer: 512 KiB.
const FIRST_LAYER_KEYS: usize = 1 << 18;

type Block = [u64; 8];

struct Layer {
    blocks: Vec<Block>,
    room: usize,
}

impl Layer {
    fn with_room(room: usize) -> Self {
        Self { blocks: vec![[0; 8]; room / KEYS_PER_BLOCK], room }
    }
}

/// The filter. Two bytes of memory a key.
pub(super) struct KeyFilter {
    layers: Vec<Layer>,
    hasher: BuildKeyHasher,
}

impl KeyFilter {
    pub(super) fn new() -> Self {
        let layers = vec![Layer::with_room(FIRST_LAYER_KEYS)];
        Self { layers, hasher: BuildKeyHasher::default() }
    }

    /// Adds a key.
    pub(super) fn insert(&mut self, key: u64) {
        let hash = self.hash(key);
        let last = self.layers.len() - 1;
        if self.layers[last].room == 0 {
            self.layers.push(Layer::with_room(FIRST_LAYER_KEYS << (last + 1)));
        }
        let Some(layer) = self.layers.last_mut() else { return };
        layer.room -= 1;
        let place = place(hash, layer.blocks.len());
        for (word, bit) in layer.blocks[place].iter_mut().zip(bits(hash)) {
            *word |= bit;
        }
    }

    /// False when the key was never added.
    pub(super) fn may_contain(&self, key: u64) -> bool {
        let hash = self.hash(key);
        self.layers.iter().any(|layer| {
            let block = &layer.blocks[place(hash, layer.blocks.len())];
            block.iter().zip(bits(hash)).all(|(word, bit)| word & bit != 0)
        })
    }

    /// Mixed with a per-process seed, so that nobody can choose identities that collide.
    fn hash(&self, key: u64) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(key);
        hasher.finish()
    }
}

/// The high bits choose the block; the low 48 choose one bit in each word.
fn place(hash: u64, blocks: usize) -> usize {
    ((u128::from(hash) * blocks as u128) >> 64) as usize
}

fn bits(hash: u64) -> impl Iterator<Item = u64> {
    let spread = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..8).map(move |word| 1 << ((spread >> (word * 6)) & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stable_hash;

    #[test]
    fn what_was_added_is_found_and_little_else_over_several_layers() {
        let key = |i: u64| stable_hash(&i.to_le_bytes());
        let mut filter = KeyFilter::new();
        let count = 700_000;
        (0..count).for_each(|i| filter.insert(key(i)));
        assert!((0..count).all(|i| filter.may_contain(key(i))));
        let wrong = (count..count + 100_000).filter(|&i| filter.may_contain(key(i))).count();
        assert!(wrong < 500, "{wrong} of 100,000");
    }
}
