//! How posts are cut where they are too long.
//!
//! A post is cut where it enters, far above what the networks themselves allow, so that no memory, no store and no answer
//! depends on how much somebody writes.

use super::cut::Cut;
use super::mention::Match;
use super::post::Post;

/// Longest text, in bytes. Bluesky's own limit is 3,000.
pub const TEXT_BYTES_MAX: usize = 16 << 10;
/// Most captions, links, hashtags, mentions or languages, each.
pub const ENTRIES_MAX: usize = 64;
/// Most bytes of all links, of all hashtags, of all mentions.
pub const ENTRIES_BYTES_MAX: usize = 8 << 10;
/// Most bytes of all captions: alternative texts may be longer than posts.
pub const CAPTIONS_BYTES_MAX: usize = 64 << 10;
/// Most rules named by an item.
pub const MATCHES_MAX: usize = 64;
/// Most places named for each of them.
pub const SPANS_MAX: usize = 64;

impl Post {
    /// Cuts what is too long; to be called by whoever makes posts of bytes.
    pub fn cut(&mut self) {
        let end = self.text.floor_char_boundary(TEXT_BYTES_MAX);
        self.cut.text_bytes = count(self.text.len() - end);
        if self.cut.text_bytes > 0 {
            self.text.truncate(end);
            self.text.shrink_to_fit();
        }
        let Self { captions, links, hashtags, mentions, langs, .. } = self;
        self.cut.entries += cut_list(captions, CAPTIONS_BYTES_MAX);
        for list in [links, hashtags, mentions, langs] {
            self.cut.entries += cut_list(list, ENTRIES_BYTES_MAX);
        }
    }
}

/// Keeps the first entries, as many as fit; gives how many went.
fn cut_list(list: &mut Vec<String>, bytes_max: usize) -> u32 {
    let before = list.len();
    let mut bytes = 0;
    let mut fits = |entry: &String| {
        bytes += entry.len();
        bytes <= bytes_max
    };
    let kept = list.iter().take(ENTRIES_MAX).take_while(|entry| fits(entry)).count();
    if kept < before {
        list.truncate(kept);
        list.shrink_to_fit();
    }
    count(before - kept)
}

/// Cuts the matches of a post whose text ends at `text_end`; adds to `cut` what is left out.
pub(super) fn cut_matches<'a, 'm>(
    matches: &'m [&'a Match],
    text_end: usize,
    cut: &mut Cut,
) -> impl Iterator<Item = (&'a Match, usize)> + use<'a, 'm> {
    let spans_kept = move |found: &Match| {
        let inside = found.spans.partition_point(|span| span.1 as usize <= text_end);
        inside.min(SPANS_MAX)
    };
    let kept = &matches[..matches.len().min(MATCHES_MAX)];
    cut.matches = count(matches.len() - kept.len());
    cut.spans = count(kept.iter().map(|found| found.spans.len() - spans_kept(found)).sum());
    kept.iter().map(move |found| (*found, spans_kept(found)))
}

fn count(left_out: usize) -> u32 {
    u32::try_from(left_out).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_of_usual_length_stays_whole() {
        let whole = Post {
            text: "ä".repeat(TEXT_BYTES_MAX / 2),
            links: vec!["https://example.org".into(); ENTRIES_MAX],
            ..Post::default()
        };
        let mut post = whole.clone();
        post.cut();
        assert_eq!(post, whole);
        assert!(post.cut.is_none());
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters_and_counted() {
        let mut post = Post {
            text: "ä".repeat(TEXT_BYTES_MAX),
            links: vec!["x".repeat(ENTRIES_BYTES_MAX / 2); 5],
            hashtags: vec!["t".into(); ENTRIES_MAX + 7],
            ..Post::default()
        };
        post.text.insert(0, 'x');
        post.cut();
        assert_eq!((post.text.len(), post.cut.text_bytes), (TEXT_BYTES_MAX - 1, 16_386));
        assert_eq!((post.links.len(), post.hashtags.len(), post.cut.entries), (2, ENTRIES_MAX, 10));
    }

    #[test]
    fn matches_beyond_the_limits_are_counted() {
        let spans = |count: u32| (0..count).map(|n| (n, n + 1)).collect();
        let found: Vec<Match> = (0..70).map(|rule| Match { rule, spans: spans(rule + 3) }).collect();
        let found: Vec<&Match> = found.iter().collect();
        let mut cut = Cut::default();
        let kept: Vec<usize> = cut_matches(&found, 10, &mut cut).map(|(_, spans)| spans).collect();
        assert_eq!((kept.len(), kept[0], kept[63], cut.matches), (MATCHES_MAX, 3, 10, 6));
        assert_eq!(cut.spans, (0..64).map(|rule: u32| (rule + 3).saturating_sub(10)).sum::<u32>());
    }
}
