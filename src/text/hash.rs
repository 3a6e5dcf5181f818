//! The hash of a word, the same from raw ASCII bytes of any case and from the folded word.

const LOWER: u64 = 0x2020_2020_2020_2020;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
/// Bytes that take part in the hash.
pub(super) const HASHED_BYTES: usize = 16;

/// ASCII words of one length up to this that have the same hash are the same word (but for case).
pub const EXACT_BYTES: usize = 8;

/// The low `n` bytes of a word, for n from 0 to 8.
const MASKS: [u64; 9] = {
    let mut masks = [u64::MAX; 9];
    let mut n = 0;
    while n < 8 {
        masks[n] = (1 << (n * 8)) - 1;
        n += 1;
    }
    masks
};

/// Hashes a word. ASCII letters may be of either case: bit 5 of every byte is ignored, which makes upper and lower
/// case one (and `_` and DEL, and some bytes of non-ASCII letters: hits are compared byte by byte afterwards).
///
/// Takes the first sixteen bytes and the length: enough to tell words apart, not for a hostile choice of words, which
/// can only cost time (the comparison), never a wrong match.
#[inline]
#[must_use]
pub fn word_hash(word: &[u8]) -> u64 {
    let mut padded = [0; HASHED_BYTES];
    let taken = word.len().min(HASHED_BYTES);
    padded[..taken].copy_from_slice(&word[..taken]);
    hash_padded(&padded, word.len())
}

/// [`word_hash`] of the word of `len` bytes that begins `window`; what follows it does not matter. No branches: the
/// lengths of words cannot be guessed.
#[inline]
pub(super) fn hash_padded(window: &[u8; HASHED_BYTES], len: usize) -> u64 {
    let (first, second) = (load(window, 0), load(window, 8));
    let first = (first | LOWER) & MASKS[len.min(8)];
    let second = (second | LOWER) & MASKS[len.saturating_sub(8).min(8)];
    let sum = (first ^ second.rotate_left(29) ^ ((len as u64) << 59)).wrapping_mul(MULTIPLIER);
    sum ^ (sum >> 29)
}

#[inline]
fn load(window: &[u8; HASHED_BYTES], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&window[at..at + 8]);
    u64::from_le_bytes(word)
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
    }

    /// Undoes [`hash_padded`] for words of up to [`EXACT_BYTES`] bytes.
    fn unhashed(hash: u64, len: usize) -> Vec<u8> {
        let sum = hash ^ (hash >> 29) ^ (hash >> 58);
        // Newton's iteration doubles the number of right bits of the inverse; three are right to begin with.
        let inverse =
            (0..5).fold(MULTIPLIER, |x, _| x.wrapping_mul(2u64.wrapping_sub(MULTIPLIER.wrapping_mul(x))));
        let first = sum.wrapping_mul(inverse) ^ ((len as u64) << 59);
        first.to_le_bytes()[..len].to_vec()
    }

    proptest::proptest! {
        #[test]
        fn nothing_of_a_short_ascii_word_is_lost(word in "[a-z0-9_]{1,8}") {
            let lower: Vec<u8> = word.bytes().map(|byte| byte | 0x20).collect();
            proptest::prop_assert_eq!(unhashed(word_hash(word.as_bytes()), word.len()), lower);
        }
    }

    #[test]
    fn what_follows_a_word_does_not_matter() {
        for len in 0..=HASHED_BYTES {
            let window = *b"internationaliza";
            assert_eq!(hash_padded(&window, len), word_hash(&window[..len]), "{len}");
        }
    }
}
