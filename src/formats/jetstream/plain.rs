//! Strings without escapes, as servers write nearly all of theirs.

use memchr::memchr2;

/// A string without escapes up to its quote, and what follows the quote.
#[inline]
pub(super) fn plain_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = first_special(bytes)?;
    (bytes[end] == b'"').then(|| (&bytes[..end], &bytes[end + 1..]))
}

/// Where the first quote or backslash stands. Most strings here are short (13, 18, 32 bytes): eight bytes at a time
/// find it before a vector search is set up.
#[inline]
fn first_special(bytes: &[u8]) -> Option<usize> {
    const SHORT: usize = 40;
    let (words, _) = bytes[..bytes.len().min(SHORT)].as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let special = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES);
        if special != 0 {
            return Some(at * 8 + special.trailing_zeros() as usize / 8);
        }
    }
    let searched = words.len() * 8;
    memchr2(b'"', b'\\', &bytes[searched..]).map(|at| searched + at)
}

const ONES: u64 = 0x0101_0101_0101_0101;

const QUOTES: u64 = ONES * b'"' as u64;

const BACKSLASHES: u64 = ONES * b'\\' as u64;

/// The top bit of the lowest zero byte is set; bits above it may be (Mycroft's test).
#[inline]
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}
