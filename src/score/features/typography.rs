//! What the characters of a post say, whatever its words are: capitals, exclamation marks, question marks.

/// Counts over a text; all of ASCII characters.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::score) struct Typography {
    pub(in crate::score) exclamations: usize,
    pub(in crate::score) questions: usize,
    /// Capital letters.
    pub(in crate::score) upper: usize,
    /// Small letters.
    pub(in crate::score) lower: usize,
}

impl Typography {
    pub(in crate::score) fn of(text: &str) -> Self {
        let mut counts = Self::default();
        // Counted in bytes, many at a time: of no more characters than a byte can count.
        for chunk in text.as_bytes().chunks(u8::MAX as usize) {
            let count =
                |test: fn(u8) -> bool| chunk.iter().fold(0, |count: u8, &byte| count + u8::from(test(byte)));
            counts.exclamations += count(|byte| byte == b'!') as usize;
            counts.questions += count(|byte| byte == b'?') as usize;
            counts.upper += count(|byte| byte.is_ascii_uppercase()) as usize;
            counts.lower += count(|byte| byte.is_ascii_lowercase()) as usize;
        }
        counts
    }

    /// Nearly all of it is in capitals: no word stands out by them.
    pub(in crate::score) fn is_shouted(&self) -> bool {
        self.upper > 2 * self.lower && self.upper > 5
    }
}

/// A word in capitals, as written.
pub(in crate::score) fn is_capitals(written: &str) -> bool {
    written.len() > 1 && written.bytes().all(|byte| byte.is_ascii_uppercase())
}
