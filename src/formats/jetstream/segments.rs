//! The texts inside a post's record, found without parsing: the values of `text`, `alt`, `title`, `description`, `tag`.
//!
//! Sound: every value under such a key, at any depth, is among the segments, or the finder says that it cannot vouch
//! for the record. An escaped key needs a backslash outside the found values, and odd spacing puts something else than
//! `:"` after the key: both are noticed.

use aho_corasick::packed;
use memchr::{memchr, memchr2};

/// Keys whose values are texts, then keys and names that need the parser's eye.
const NEEDLES: [&str; 7] =
    ["\"text\"", "\"alt\"", "\"title\"", "\"description\"", "\"tag\"", "\"tags\"", "app.bsky.embed.record"];
const TEXT_KEYS: usize = 5;

/// What was found in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments {
    /// The ranges handed out are all the texts there are.
    All {
        /// The record embeds another record: it may be a quote.
        is_quote: bool,
        /// The record has a list of hashtags of its own.
        has_tag_list: bool,
    },
    /// Unfamiliar: parse.
    Unknown,
}

/// One text value, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it starts in the record.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// It holds a backslash.
    pub is_escaped: bool,
}

/// Finds the texts; made once, used for every post.
#[derive(Debug)]
pub struct SegmentFinder {
    keys: packed::Searcher,
}

impl Default for SegmentFinder {
    fn default() -> Self {
        let keys = packed::Searcher::new(NEEDLES).expect("seven short needles make a packed searcher");
        Self { keys }
    }
}

impl SegmentFinder {
    /// Pushes all text values in `record`, still escaped, to `found`.
    #[inline]
    pub fn find(&self, record: &[u8], found: &mut Vec<Segment>) -> Segments {
        self.try_find(record, found).unwrap_or(Segments::Unknown)
    }

    #[inline]
    fn try_find(&self, record: &[u8], found: &mut Vec<Segment>) -> Option<Segments> {
        let (mut is_quote, mut has_tag_list, mut has_text) = (false, false, false);
        // `at` is where the search goes on; `backslash` is the first one not yet inside a found value.
        let mut at = 0;
        let mut backslash = memchr(b'\\', record).unwrap_or(usize::MAX);
        while let Some(hit) = self.keys.find_in(record, aho_corasick::Span { start: at, end: record.len() }) {
            at = hit.end();
            match hit.pattern().as_usize() {
                key if key < TEXT_KEYS => {
                    let start = value_start(record, hit.end())?;
                    let end = string_end(record, start)?;
                    if backslash < start {
                        return None;
                    }
                    let is_escaped = backslash < end;
                    if is_escaped {
                        backslash = memchr(b'\\', &record[end..]).map_or(usize::MAX, |next| end + next);
                    }
                    has_text |= key == 0;
                    found.push(Segment { start, end, is_escaped });
                    at = end;
                }
                TEXT_KEYS => has_tag_list = true,
                _ => is_quote = true,
            }
        }
        (has_text && backslash == usize::MAX).then_some(Segments::All { is_quote, has_tag_list })
    }
}

/// The offset after `:"`, when that is what follows the key.
#[inline]
fn value_start(record: &[u8], key_end: usize) -> Option<usize> {
    record.get(key_end..key_end + 2).filter(|next| *next == b":\"").map(|_| key_end + 2)
}

/// The offset of the quote that ends the string starting at `start`.
#[inline]
fn string_end(record: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr2(b'"', b'\\', record.get(at..)?)?;
        if record[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(record: &str) -> Option<Vec<&str>> {
        let mut found = Vec::new();
        match SegmentFinder::default().find(record.as_bytes(), &mut found) {
            Segments::All { .. } => {
                let text = |segment: &Segment| &record[segment.start..segment.end];
                assert!(found.iter().all(|one| one.is_escaped == text(one).contains('\\')), "{record}");
                Some(found.iter().map(text).collect())
            }
            Segments::Unknown => None,
        }
    }

    #[test]
    fn texts_are_found_at_any_depth() {
        let record =
            r#"{"embed":{"images":[{"alt":"a \"b\""}],"external":{"title":"t"}},"text":"x\ny"},"cid":"c"}}"#;
        assert_eq!(find(record), Some(vec![r#"a \"b\""#, "t", r"x\ny"]));
    }

    #[test]
    fn whatever_could_hide_a_text_is_left_to_the_parser() {
        for record in [
            r#"{"te\u0078t":"hidden","x":{"text":"seen"}}"#,
            r#"{"text" :"spaced"}"#,
            r#"{"text": "spaced"}"#,
            r#"{"text":"open"#,
            r#"{"text":"open\"#,
            r#"{"x":"text","y":"text"}"#,
            r#"{"langs":["en"]}"#,
        ] {
            assert_eq!(find(record), None, "{record}");
        }
    }
}
