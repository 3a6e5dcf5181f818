//! Words of raw bytes, fast: a 64-byte chunk becomes a bit mask of word bytes, and runs of ones become words.
//!
//! No tables of Unicode here: a run with a byte above 127 is handed on as it is, for `fold` to look at.

use super::hash::{HASHED_BYTES, hash_padded};

/// A maximal run of ASCII letters, digits, `_` and bytes above 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// No byte of it is above 127.
    pub is_ascii: bool,
}

/// Calls `each` for every run of `bytes`.
#[inline]
pub fn for_each_run(bytes: &[u8], each: impl FnMut(Run)) {
    runs(bytes, bytes.len(), each);
}

/// Calls `each(run, hash)` for every run of the first `len` bytes of `bytes`; the hash is
/// [`word_hash`](super::word_hash) of the run and only meaningful when it is ASCII. What stands behind the text, if
/// anything does, saves copying the last words.
#[inline]
pub fn for_each_word(bytes: &[u8], len: usize, mut each: impl FnMut(Run, u64)) {
    runs(bytes, len, |run| each(run, hash_at(bytes, run.start, run.end)));
}

#[inline]
fn runs(bytes: &[u8], len: usize, mut each: impl FnMut(Run)) {
    // The start of a run that goes on from the chunk before, and whether it is ASCII so far.
    let (mut open, mut open_is_ascii) = (usize::MAX, true);
    let mut base = 0;
    while base < len {
        let chunk = chunk(bytes, base);
        let within = if len - base < 64 { (1 << (len - base)) - 1 } else { u64::MAX };
        let (mask, mut beyond_ascii) = (word_mask(&chunk) & within, high_mask(&chunk) & within);
        let carried = u64::from(open != usize::MAX);
        let shifted = mask << 1 | carried;
        // A run starts where a one follows a zero, and ends where a zero follows a one.
        let (mut starts, mut ends) = (mask & !shifted, !mask & shifted);
        while ends != 0 {
            let at = ends.trailing_zeros();
            ends &= ends - 1;
            if open == usize::MAX {
                open = base + starts.trailing_zeros() as usize;
                starts &= starts - 1;
            }
            let before = (1 << at) - 1;
            let is_ascii = open_is_ascii && beyond_ascii & before == 0;
            each(Run { start: open, end: base + at as usize, is_ascii });
            beyond_ascii &= !before;
            (open, open_is_ascii) = (usize::MAX, true);
        }
        if starts != 0 {
            open = base + starts.trailing_zeros() as usize;
        }
        open_is_ascii &= beyond_ascii == 0;
        base += 64;
    }
    if open != usize::MAX {
        each(Run { start: open, end: len, is_ascii: open_is_ascii });
    }
}

#[inline]
fn hash_at(bytes: &[u8], start: usize, end: usize) -> u64 {
    match bytes.get(start..start + HASHED_BYTES).and_then(|window| window.try_into().ok()) {
        Some(window) => hash_padded(window, end - start),
        None => super::word_hash(&bytes[start..end]),
    }
}

/// The 64 bytes at `base`; zeros beyond the end.
#[inline]
fn chunk(bytes: &[u8], base: usize) -> [u8; 64] {
    let mut chunk = [0; 64];
    match bytes.get(base..base + 64) {
        Some(whole) => chunk.copy_from_slice(whole),
        None => chunk[..bytes.len() - base].copy_from_slice(&bytes[base..]),
    }
    chunk
}

/// One bit per byte, set for word bytes.
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
    gather(&flags)
}

/// One bit per byte, set for bytes above 127.
#[inline]
fn high_mask(chunk: &[u8; 64]) -> u64 {
    if chunk.iter().fold(0, |all, byte| all | byte) < 0x80 {
        return 0;
    }
    gather(&chunk.map(|byte| byte >> 7))
}

/// The low bit of each byte.
#[inline]
fn gather(flags: &[u8; 64]) -> u64 {
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

    fn found(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for_each_run(text.as_bytes(), |run| found.push(&text[run.start..run.end]));
        found
    }

    #[test]
    fn runs_are_maximal_and_cross_chunks() {
        assert_eq!(found("Acme's  cloud_9: 42%"), ["Acme", "s", "cloud_9", "42"]);
        let long = format!("{} {}", "a".repeat(130), "b".repeat(64));
        assert_eq!(found(&long), [&long[..130], &long[131..]]);
        assert!(found("").is_empty() && found("  ").is_empty());
    }

    proptest! {
        #[test]
        fn the_scan_finds_the_same_words_as_a_split(text in "[ -~é]{0,200}") {
            let naive: Vec<&str> = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()))
                .filter(|word| !word.is_empty()).collect();
            prop_assert_eq!(found(&text), naive);
            for_each_run(text.as_bytes(), |run| {
                assert_eq!(run.is_ascii, text[run.start..run.end].is_ascii(), "{run:?} of {text:?}");
            });
        }

        #[test]
        fn raw_hashes_of_ascii_words_are_those_of_the_folded_words(text in "[ -~]{0,150}") {
            let mut raw = Vec::new();
            for_each_word(text.as_bytes(), text.len(), |run, hash| {
                assert_eq!(hash, word_hash(&text.as_bytes()[run.start..run.end]));
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
