//! A fair sample in one pass, the same for any number of threads: every text has a number drawn from seed and rule, and
//! the texts with the smallest numbers stay. What a thousand accounts repeat word for word is shown once.

use std::sync::Arc;

use serde::Serialize;

use crate::model::{Intent, Lane, Match, SentimentLabel, Span, Timestamp, UrgencyLabel, stable_hash};

/// Longer texts are cut, at a character.
const TEXT_BYTES_MAX: usize = 2_000;

/// One post, as shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// When the source saw it, if that is known.
    pub at: Option<Timestamp>,
    /// File, as an index into [`files`](super::report::Data::files), and line.
    #[serde(skip)]
    pub(super) place: (usize, u64),
    /// The name of its file.
    pub file: Arc<str>,
    /// Its line in that file, from 1.
    pub line: u64,
    /// The post's identity; may be empty.
    pub uri: String,
    /// Untrusted; cut after 2,000 bytes.
    pub text: String,
    /// Byte ranges of the text where the terms stand.
    pub spans: Vec<Span>,
    /// The language the scorer settled on.
    pub lang: String,
    /// How it feels.
    pub sentiment: SentimentLabel,
    /// How soon somebody must act.
    pub urgency: UrgencyLabel,
    /// What the author wants.
    pub intent: Intent,
    /// Where its work item would be queued, by this rule's floor.
    pub lane: Lane,
    /// The rules that match it; only in samples of a whole set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Arc<str>>,
}

/// The text as far as it is shown, with the spans that lie in it.
pub(super) fn shown<'m>(text: &str, matches: impl Iterator<Item = &'m Match>) -> (String, Vec<Span>) {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let all = matches.flat_map(|found| found.spans.iter().copied());
    let mut spans: Vec<Span> = all.filter(|(_, end)| *end as usize <= text.len()).collect();
    spans.sort_unstable();
    spans.dedup();
    (text.to_owned(), spans)
}

/// Keeps the few posts with the smallest numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservoir {
    kept: Vec<(u64, Sample)>,
}

impl Reservoir {
    /// Offers a post with this text; `sample` is made only when it stays. Of a text, the first post does.
    pub(super) fn offer(
        &mut self,
        most: usize,
        key: (u64, u64),
        text: &str,
        sample: impl FnOnce() -> Sample,
    ) {
        let number =
            stable_hash(&[key.0, key.1, stable_hash(text.as_bytes())].map(u64::to_le_bytes).concat());
        let at = self.kept.partition_point(|(kept, _)| *kept < number);
        if at >= most || self.kept.get(at).is_some_and(|(kept, _)| *kept == number) {
            return;
        }
        self.kept.truncate(most - 1);
        self.kept.insert(at, (number, sample()));
    }

    /// In the order of the input.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let mut samples: Vec<Sample> = self.kept.iter().map(|(_, sample)| sample.clone()).collect();
        samples.sort_by_key(|sample| sample.place);
        samples
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn sample(line: u64, text: &str) -> Sample {
        Sample {
            at: None,
            place: (0, line),
            file: Arc::from("posts.jsonl"),
            line,
            uri: String::new(),
            text: text.to_owned(),
            spans: Vec::new(),
            lang: "en".to_owned(),
            sentiment: SentimentLabel::Neutral,
            urgency: UrgencyLabel::Low,
            intent: Intent::Other,
            lane: Lane::Low,
            rules: Vec::new(),
        }
    }

    fn drawn(seed: u64, most: usize, lines: u64) -> Vec<u64> {
        let mut reservoir = Reservoir::default();
        for line in 0..lines * 2 {
            // The second half repeats the first.
            let text = (line % lines).to_string();
            reservoir.offer(most, (seed, 7), &text, || sample(line, &text));
        }
        reservoir.samples().iter().map(|sample| sample.line).collect()
    }

    #[test]
    fn a_seed_draws_the_same_texts_once_in_order_and_another_draws_others() {
        assert_eq!(drawn(1, 5, 1_000), drawn(1, 5, 1_000));
        assert!(drawn(1, 5, 1_000).is_sorted() && drawn(1, 5, 1_000) != drawn(2, 5, 1_000));
        assert_eq!((drawn(1, 5, 3), drawn(1, 0, 3)), (vec![0, 1, 2], vec![]));
    }

    #[test]
    fn every_text_is_as_likely_as_any_other() {
        let mut halves = [0_u32; 2];
        for seed in 0..400 {
            drawn(seed, 5, 100).iter().for_each(|line| halves[usize::from(*line >= 50)] += 1);
        }
        assert!(halves[0].abs_diff(halves[1]) < 200, "{halves:?} of 2000");
    }

    #[test]
    fn long_texts_are_cut_at_a_character_and_lose_the_spans_behind() {
        let text = "é".repeat(1_500);
        let found = Match { rule: 0, spans: [(0, 4), (2_998, 3_000)].into_iter().collect() };
        let (shown, spans) = shown(&text, [&found].into_iter());
        assert_eq!((shown.len(), spans), (2_000, vec![(0, 4)]));
    }
}
