//! Keys: 128-bit keyed hashes of identities. A key finds; the identity itself decides.
//!
//! Anybody may choose their own identities (a record key, a `did:web` name), so a hash that anybody can compute is a
//! hash that anybody can collide with somebody else's. Every store therefore draws a secret when it is made, and keys
//! are SipHash-2-4-128 under it: whoever does not hold the secret can neither compute a key nor search for two
//! identities that share one. Whatever changes stored work compares the whole identity as well.

use std::fmt;
use std::hash::{BuildHasher, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The keyed hash of one identity.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u128);

impl Key {
    /// The form on disk, big endian.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The inverse of [`Key::to_bytes`].
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// Half of the key: enough to find candidates by.
    #[must_use]
    pub const fn low(self) -> u64 {
        self.0 as u64
    }

    /// The key that stores had before schema 4: XXH3-64 of the identity, without a secret.
    ///
    /// Only what could not be carried over has one. Its upper half is zero, which a keyed hash has once in 2⁶⁴.
    #[must_use]
    pub fn unkeyed(identity: &str) -> Self {
        Self(u128::from(stable_hash(identity.as_bytes())))
    }

    /// True for the keys that [`Key::unkeyed`] makes.
    #[must_use]
    pub const fn is_unkeyed(self) -> bool {
        self.0 >> 64 == 0
    }
}

/// 32 hexadecimal digits, or 16 for an unkeyed key.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.is_unkeyed() { 16 } else { 32 };
        write!(f, "{:0width$x}", self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// As 16 bytes: what is written with keys in it is binary.
impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Self::from_bytes)
    }
}

/// XXH3-64 without a secret: for draws and fingerprints that must come out the same each time, never for identities.
#[must_use]
pub fn stable_hash(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// A hasher for maps by [`Key`]: folds what are hashes already, with a seed of the process for the unkeyed ones.
#[derive(Clone, Debug)]
pub struct KeyHasher(u64);

/// Builds hashers of keys that share one random seed.
#[derive(Clone, Debug)]
pub struct BuildKeyHasher(u64);

impl Default for BuildKeyHasher {
    fn default() -> Self {
        Self(foldhash::fast::RandomState::default().hash_one(0u64))
    }
}

impl BuildHasher for BuildKeyHasher {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher(self.0)
    }
}

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, key: u64) {
        let mixed = u128::from(key ^ self.0) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (mixed >> 64) as u64 ^ mixed as u64;
    }

    fn write_u128(&mut self, key: u128) {
        self.write_u64(key as u64 ^ (key >> 64) as u64);
    }
}

/// A map by key.
pub type KeyMap<V> = hashbrown::HashMap<Key, V, BuildKeyHasher>;

#[cfg(test)]
mod tests {
    use siphasher::sip128::SipHasher24;

    use super::*;
    use crate::model::Keyring;

    /// The first rows of `vectors_sip128` in the reference implementation, whose key is 00 01 … 0f. Keys are on disk: the
    /// function must never change.
    #[test]
    fn the_hash_is_siphash_2_4_with_128_bits() {
        let secret: [u8; 16] = std::array::from_fn(|n| n as u8);
        for (message, expected) in [
            (&[][..], 0xa381_7f04_ba25_a8e6_6df6_7214_c755_0293_u128),
            (&[0], 0xda87_c1d8_6b99_af44_3476_5911_9b22_fc45),
            (&[0, 1], 0x8177_228d_a4a4_5dc7_fca3_8bde_f60a_ffe4),
        ] {
            assert_eq!(SipHasher24::new_with_key(&secret).hash(message).as_bytes(), expected.to_be_bytes());
        }
        let key = Keyring::FIXED.post("bluesky", "at://did:plc:a/app.bsky.feed.post/1");
        assert_eq!(key.to_string(), "c1e9bd718c11e2a837149eb39345715c");
    }

    #[test]
    fn kinds_networks_parts_and_secrets_tell_keys_apart() {
        let (one, other) = (Keyring::FIXED, Keyring::new([1; 16]));
        let (x, y) = (one.post("bluesky", "x"), one.post("bluesky", "y"));
        let keys = [
            x,
            y,
            one.author("bluesky", "x"),
            one.post("json", "x"),
            one.event(x, ""),
            one.event(x, "1"),
            one.event(y, "1"),
            one.deletion(x, "1"),
            one.edit(x, b"1"),
            other.post("bluesky", "x"),
        ];
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        assert_eq!(one.post("bluesky", "x"), Keyring::FIXED.post("bluesky", "x"));
        assert!(keys.iter().all(|key| !key.is_unkeyed()) && Key::unkeyed("x").is_unkeyed());
    }

    #[test]
    fn keys_are_shown_in_full_and_unkeyed_ones_as_they_always_were() {
        assert_eq!(Key(7).to_string(), "0000000000000007");
        assert_eq!(Key(7 << 64).to_string(), "00000000000000070000000000000000");
        let key = Keyring::FIXED.post("bluesky", "x");
        assert_eq!(Key::from_bytes(key.to_bytes()), key);
    }
}
