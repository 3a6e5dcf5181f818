//! The newest posts that each shadow rule matched, kept for its author to look at. Nothing of them is sent or stored.
//!
//! Layer 2, pure, one owner. What is deleted goes from here too. Bounded in rules, posts per rule and bytes per post.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::outcome::{BatchOutcome, Signal};
use crate::model::{Match, Mention, PostRef, RuleInfo, RuleSample, RuleStatus, Timestamp, stable_key};

/// Posts kept for each rule; a newer one pushes out the oldest.
pub const SAMPLES_MAX: usize = 20;
/// Rules with samples; those that match after so many have some get none.
pub const SAMPLED_RULES_MAX: usize = 1_000;
/// Bytes kept of a text.
pub const SAMPLE_BYTES_MAX: usize = 2_048;

/// See the module.
#[derive(Debug, Default)]
pub struct Samples {
    by_rule: HashMap<Arc<str>, VecDeque<Kept>>,
    /// How often a post or an author stands in `by_rule`, so that a deletion of anything else costs one look-up.
    known: HashMap<u64, u32>,
    /// How many posts each rule has matched, those not kept any more among them.
    counts: HashMap<Arc<str>, u64>,
}

#[derive(Debug)]
struct Kept {
    post: u64,
    author: u64,
    sample: RuleSample,
}

impl Samples {
    /// Takes up what shadow rules matched, and lets go what was deleted.
    pub fn take(&mut self, outcome: &BatchOutcome) {
        for signal in &outcome.signals {
            match signal {
                Signal::Mention(mention) => self.mention(mention, &outcome.rules, outcome.received_at),
                Signal::Unmatched(mention) => self.forget(mention.post.key(), |kept| kept.post),
                Signal::Delete(PostRef { subject, .. }) => self.forget(*subject, |kept| kept.post),
                Signal::AccountGone(PostRef { subject, .. }) => self.forget(*subject, |kept| kept.author),
                Signal::Repost(_) | Signal::Quote(_) => {}
            }
        }
    }

    /// The newest first; nothing for a rule without a match.
    pub fn of(&self, rule: &str) -> Vec<RuleSample> {
        let kept = self.by_rule.get(rule).into_iter().flatten().rev();
        kept.map(|kept| kept.sample.clone()).collect()
    }

    /// Lets go what other rules than these have matched.
    pub fn keep_only(&mut self, shadow: &HashSet<Arc<str>>) {
        let gone = self.by_rule.extract_if(|rule, _| !shadow.contains(rule)).flat_map(|(_, kept)| kept);
        gone.for_each(|kept| discount(&mut self.known, &kept));
        self.counts.retain(|rule, _| shadow.contains(rule));
    }

    /// How many posts each rule has matched; a rule without a match is not among them.
    pub fn counts(&self) -> &HashMap<Arc<str>, u64> {
        &self.counts
    }

    fn mention(&mut self, mention: &Mention, rules: &[RuleInfo], received_at: Timestamp) {
        if mention.is_update {
            self.forget(mention.post.key(), |kept| kept.post);
        }
        for found in &mention.matches {
            let rule = rules.get(found.rule as usize).filter(|rule| rule.status == RuleStatus::Shadow);
            let Some(rule) = rule else { continue };
            if !mention.is_update {
                *self.counts.entry(Arc::clone(&rule.id)).or_default() += 1;
            }
            if self.by_rule.len() >= SAMPLED_RULES_MAX && !self.by_rule.contains_key(&rule.id) {
                continue;
            }
            let post = mention.post.key();
            let author = stable_key(mention.post.author.id.as_bytes());
            self.keep(&rule.id, Kept { post, author, sample: sample(mention, found, received_at) });
        }
    }

    /// The same post read twice stands there once.
    fn keep(&mut self, rule: &Arc<str>, fresh: Kept) {
        for key in [fresh.post, fresh.author] {
            *self.known.entry(key).or_default() += 1;
        }
        let kept = self.by_rule.entry(Arc::clone(rule)).or_default();
        let same = kept.iter().position(|known| known.post == fresh.post);
        let old = match same {
            Some(at) => Some(std::mem::replace(&mut kept[at], fresh)),
            None => {
                kept.push_back(fresh);
                if kept.len() > SAMPLES_MAX { kept.pop_front() } else { None }
            }
        };
        old.iter().for_each(|old| discount(&mut self.known, old));
    }

    fn forget(&mut self, key: u64, of: fn(&Kept) -> u64) {
        if !self.known.contains_key(&key) {
            return;
        }
        for kept in self.by_rule.values_mut() {
            kept.retain(|kept| {
                let stays = of(kept) != key;
                if !stays {
                    discount(&mut self.known, kept);
                }
                stays
            });
        }
    }
}

fn discount(known: &mut HashMap<u64, u32>, kept: &Kept) {
    for key in [kept.post, kept.author] {
        if let Some(count) = known.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                known.remove(&key);
            }
        }
    }
}

fn sample(mention: &Mention, found: &Match, received_at: Timestamp) -> RuleSample {
    let text = &mention.post.text;
    let end = text.floor_char_boundary(SAMPLE_BYTES_MAX);
    let spans = found.spans.iter().filter(|span| span.1 as usize <= end);
    RuleSample {
        received_at,
        uri: mention.post.uri.clone(),
        author: mention.post.author.id.clone(),
        lang: mention.lang.clone(),
        text: text[..end].to_owned(),
        spans: spans.copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Author, Lane, Position, Post};
    use crate::pipeline::Counts;

    fn rule(id: &str, status: RuleStatus) -> RuleInfo {
        let (brand, team) = ("b".into(), "t".into());
        RuleInfo { id: id.into(), brand, team, floor: Lane::Low, status, reply: None }
    }

    fn said(number: u32, text: &str) -> Signal {
        Signal::Mention(Box::new(mention(number, text)))
    }

    /// The same post with another text.
    fn edited(number: u32, text: &str) -> Box<Mention> {
        Box::new(Mention { is_update: true, ..mention(number, text) })
    }

    fn mention(number: u32, text: &str) -> Mention {
        let author = Author { id: format!("did:{}", number % 3), ..Author::default() };
        let post = Post { uri: format!("at://{number}"), text: text.to_owned(), author, ..Post::default() };
        let matches = (0..2).map(|rule| Match { rule, spans: [(0, 4), (0, 3_000)].into() }).collect();
        let (scores, lang) = (Default::default(), "en".to_owned());
        Mention { post, is_update: false, matches, scores, lang }
    }

    fn gone(key: &str) -> PostRef {
        PostRef { subject: stable_key(key.as_bytes()), actor: 0, event: 0, event_at: Timestamp::ZERO }
    }

    fn take(samples: &mut Samples, signals: Vec<Signal>) {
        samples.take(&BatchOutcome {
            source: "s".into(),
            sequence: 0,
            position: Position(0),
            received_at: Timestamp::from_micros(1),
            counts: Counts::default(),
            signals,
            rules: [rule("live", RuleStatus::Live), rule("shadow", RuleStatus::Shadow)].into(),
            costs: Vec::new(),
        });
    }

    fn uris(samples: &Samples) -> Vec<String> {
        samples.of("shadow").into_iter().map(|sample| sample.uri).collect()
    }

    #[test]
    fn the_newest_of_a_shadow_rule_are_kept_and_of_a_live_rule_none() {
        let mut samples = Samples::default();
        take(&mut samples, (0..30).map(|number| said(number, "acme")).collect());
        take(&mut samples, vec![said(29, "acme"), Signal::Mention(edited(29, "acme, edited"))]);
        let newest: Vec<String> = (10..30).rev().map(|number| format!("at://{number}")).collect();
        assert_eq!(uris(&samples), newest);
        assert_eq!(samples.of("shadow")[0].text, "acme, edited");
        assert_eq!(samples.of("live"), []);
        assert_eq!(
            samples.counts(),
            &HashMap::from_iter([("shadow".into(), 31)]),
            "an edit is not counted again"
        );
    }

    #[test]
    fn what_is_deleted_goes_and_leaves_nothing_behind() {
        let mut samples = Samples::default();
        take(&mut samples, (0..5).map(|number| said(number, "acme")).collect());
        take(&mut samples, vec![Signal::Delete(gone("at://3")), Signal::AccountGone(gone("did:1"))]);
        assert_eq!(uris(&samples), ["at://2", "at://0"]);
        take(&mut samples, vec![Signal::Unmatched(edited(2, "other"))]);
        assert_eq!(uris(&samples), ["at://0"]);
        samples.keep_only(&HashSet::new());
        assert!(samples.by_rule.is_empty() && samples.known.is_empty() && samples.counts.is_empty());
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let mut samples = Samples::default();
        take(&mut samples, vec![said(0, &format!("x{}", "é".repeat(SAMPLE_BYTES_MAX)))]);
        let sample = &samples.of("shadow")[0];
        assert_eq!((sample.text.len(), &sample.spans[..]), (SAMPLE_BYTES_MAX - 1, &[(0, 4)][..]));
    }
}
