//! Words of raw bytes, fast: a 64-byte chunk becomes a bit mask of word bytes, and runs of ones become words.
//!
//! No tables of Unicode here: a run with a byte above 127 is handed on as it is, for `fold` to look at.

use super::hash::{HASHED_BYTES, hash_padded};

/// Calls `each(start, end)` for every maximal run of ASCII letters, digits, `_` and bytes above 127.
#[inline]
pub fn for_each_run(bytes: &[u8], mut each: impl FnMut(usize, usize)) {
    let mut open = usize::MAX;
    let mut base = 0;
    while base < bytes.len() {
        let mask = chunk_mask(bytes, base);
        let carried = u64::from(open != usize::MAX);
        let shifted = mask << 1 | carried;
        // A run starts where a one follows a zero, and ends where a zero follows a one.
        let (mut starts, mut ends) = (mask & !shifted, !mask & shifted);
        while ends != 0 {
            let end = base + ends.trailing_zeros() as usize;
            ends &= ends - 1;
            if open == usize::MAX {
                open = base + starts.trailing_zeros() as usize;
                starts &= starts - 1;
            }
            each(open, end);
            open = usize::MAX;
        }
        if starts != 0 {
            open = base + starts.trailing_zeros() as usize;
        }
        base += 64;
    }
    if open != usize::MAX {
        each(open, bytes.len());
    }
}

/// Calls `each(start, end, hash)` for every run of [`for_each_run`] in the first `len` bytes of `bytes`; the hash is
/// [`word_hash`](super::word_hash) of the run and only meaningful when it is ASCII. What stands behind the text, if
/// anything does, saves copying the last words.
#[inline]
pub fn for_each_word(bytes: &[u8], len: usize, mut each: impl FnMut(usize, usize, u64)) {
    for_each_run(&bytes[..len], |start, end| each(start, end, hash_at(bytes, start, end)));
}

#[inline]
fn hash_at(bytes: &[u8], start: usize, end: usize) -> u64 {
    match bytes.get(start..start + HASHED_BYTES).and_then(|window| window.try_into().ok()) {
        Some(window) => hash_padded(window, end - start),
        None => super::word_hash(&bytes[start..end]),
    }
}

/// One bit per byte of the chunk at `base`, set for word bytes; zeros beyond the end.
#[inline]
fn chunk_mask(bytes: &[u8], base: usize) -> u64 {
    if let Some(chunk) = bytes.get(base..base + 64) {
        let mut whole = [0; 64];
        whole.copy_from_slice(chunk);
        return word_mask(&whole);
    }
    let rest = &bytes[base..];
    let mut padded = [0; 64];
    padded[..rest.len()].copy_from_slice(rest);
    word_mask(&padded)
}

#[inline]
fn word_mask(chunk: &[u8; 64]) -> u64 {
    let mut flags = [0u8; 64];
    for (flag, &byte) in flags.iter_mut().zip(chunk) {
        let lower = byte | 0x20;
        *flag = u8::from(lower.wrapping_sub(b'a') < 26)
            | u8::from(byte.wrapping_sub(b'0') < 10)
            | u8::from(byte == b'_')
            | (byte >> 7);
    }
    let mut mask = 0;
    for (at, eight) in flags.chunks_exact(8).enumerate() {
        let mut word = [0; 8];
        word.copy_from_slice(eight);
        // Gathers the low bit of each byte into the top byte.
        let bits = u64::from_le_bytes(word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask |= bits << (at * 8);
    }
    mask
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Folded, word_hash};
    use super::*;

    fn runs(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for_each_run(text.as_bytes(), |start, end| found.push(&text[start..end]));
        found
    }

    #[test]
    fn runs_are_maximal_and_cross_chunks() {
        assert_eq!(runs("Acme's  cloud_9: 42%"), ["Acme", "s", "cloud_9", "42"]);
        let long = format!("{} {}", "a".repeat(130), "b".repeat(64));
        assert_eq!(runs(&long), [&long[..130], &long[131..]]);
        assert!(runs("").is_empty() && runs("  ").is_empty());
    }

    proptest! {
        #[test]
        fn the_scan_finds_the_same_words_as_a_split(text in "[ -~é]{0,200}") {
            let naive: Vec<&str> = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()))
                .filter(|word| !word.is_empty()).collect();
            prop_assert_eq!(runs(&text), naive);
        }

        #[test]
        fn raw_hashes_of_ascii_words_are_those_of_the_folded_words(text in "[ -~]{0,150}") {
            let mut raw = Vec::new();
            for_each_word(text.as_bytes(), text.len(), |start, end, hash| {
                assert_eq!(hash, word_hash(&text.as_bytes()[start..end]));
                raw.push(hash);
            });
            let folded = Folded::new(&text);
            for word in &folded.words {
                let is_part = folded.tags.iter().any(|tag| tag.start <= word.start && word.end <= tag.end);
                prop_assert!(is_part || raw.contains(&word.hash));
            }
        }
    }
}
