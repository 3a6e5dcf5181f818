//! The hash of a word, the same from raw ASCII bytes of any case and from the folded word.

const LOWER: u64 = 0x2020_2020_2020_2020;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hashes a word. ASCII letters may be of either case: bit 5 of every byte is ignored, which makes upper and lower
/// case one (and `_` and DEL, and some bytes of non-ASCII letters: hits are compared byte by byte afterwards).
///
/// Takes the first and the last eight bytes and the length: enough to tell words apart, not for a hostile choice of
/// words, which can only cost time (the comparison), never a wrong match.
#[inline]
#[must_use]
pub fn word_hash(word: &[u8]) -> u64 {
    let len = word.len();
    if len >= 8 {
        return mix(load(&word[..8]), load(&word[len - 8..]), len);
    }
    let mut padded = [0; 8];
    padded[..len].copy_from_slice(word);
    short(u64::from_le_bytes(padded), len)
}

/// [`word_hash`] of the `len` ≤ 8 bytes at the low end of `word`.
#[inline]
pub(super) fn short(word: u64, len: usize) -> u64 {
    let mask = if len >= 8 { u64::MAX } else { (1 << (len * 8)) - 1 };
    let word = (word & mask) | LOWER;
    mix(word, if len >= 8 { word } else { 0 }, len)
}

#[inline]
pub(super) fn mix(first: u64, last: u64, len: usize) -> u64 {
    let sum = (first ^ last.rotate_left(29) ^ ((len as u64) << 59)).wrapping_mul(MULTIPLIER);
    sum ^ (sum >> 29)
}

#[inline]
pub(super) fn load(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_le_bytes(word) | LOWER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_length_does() {
        assert_eq!(word_hash(b"ACME"), word_hash(b"acme"));
        assert_eq!(word_hash(b"Starbucks"), word_hash(b"sTARBUCKS"));
        assert_ne!(word_hash(b"acme"), word_hash(b"acmes"));
        assert_ne!(word_hash(b"acme"), word_hash(b"acme    "));
        for len in 0..=8 {
            let word = &b"starbuck"[..len];
            let mut padded = *b"--------";
            padded[..len].copy_from_slice(word);
            assert_eq!(word_hash(word), short(u64::from_le_bytes(padded), len), "{len}");
        }
    }
}
