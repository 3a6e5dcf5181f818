//! What each shadow rule matched: how many posts, and the newest, kept for its author to look at. Nothing of them is
//! sent or stored.
//!
//! What is deleted goes from here too. Bounded in rules, posts per rule and bytes per post.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;

use super::observer::{Findings, Observed, Observer, Rules, SHOWN_MAX};
use crate::line::{BatchOutcome, Signal};
use crate::model::{Match, Mention, Moment, RuleCount, RuleInfo, RuleSample, RuleStatus, Timestamp};

/// Posts kept for each rule; a newer one pushes out the oldest.
pub const SAMPLES_MAX: usize = 20;
/// Rules with samples; those that match after so many have some get none.
pub const SAMPLED_RULES_MAX: usize = 1_000;
/// Bytes kept of a text.
pub const SAMPLE_BYTES_MAX: usize = 2_048;

/// See the module.
#[derive(Debug, Default)]
pub struct Samples {
    shadow: HashMap<Arc<str>, Tried>,
    by_rule: HashMap<Arc<str>, VecDeque<RuleSample>>,
    /// How often the URI of a post or the id of an author stands in `by_rule`, so that a deletion of anything else costs
    /// one look-up.
    known: HashMap<String, u32>,
}

/// A shadow rule.
#[derive(Debug)]
struct Tried {
    looks_for: u64,
    /// Posts matched, those not kept any more among them.
    matches: u64,
}

impl Samples {
    /// Takes up what shadow rules matched, and lets go what was deleted or no longer says what it said. Matches of
    /// rules that are no longer in use (`is_in_use`) are not taken up: the rule may look for something else now.
    pub fn take(&mut self, outcome: &BatchOutcome, is_in_use: bool) {
        for signal in &outcome.signals {
            match signal {
                Signal::Mention(mention) => {
                    self.forget_former(mention);
                    if is_in_use {
                        self.mention(mention, &outcome.rules, outcome.received_at);
                    }
                }
                Signal::Unmatched(mention) => self.forget(&mention.post.uri, |kept| &kept.uri),
                Signal::Delete(deletion) => self.forget(deletion.subject(), |kept| &kept.uri),
                Signal::AccountGone(account) => self.forget(&account.id, |kept| &kept.author),
                Signal::Repost(_) | Signal::Quote(_) => {}
            }
        }
    }

    /// The newest first; nothing for a rule without a match, `None` for one that is not followed.
    #[must_use]
    pub fn of(&self, rule: &str) -> Option<Vec<RuleSample>> {
        let kept = self.by_rule.get(rule).into_iter().flatten().rev();
        self.shadow.contains_key(rule).then(|| kept.cloned().collect())
    }

    /// The shadow rules, each with how many posts it has matched.
    pub fn counts(&self) -> impl Iterator<Item = (&Arc<str>, u64)> {
        self.shadow.iter().map(|(rule, tried)| (rule, tried.matches))
    }

    /// The shadow rules, each with a key that changes with what it looks for. Lets go what others have matched, and
    /// what a rule matched that now looks for something else.
    pub fn watch(&mut self, shadow: HashMap<Arc<str>, u64>) {
        self.shadow.retain(|rule, tried| shadow.get(rule) == Some(&tried.looks_for));
        let gone = self.by_rule.extract_if(|rule, _| !self.shadow.contains_key(rule));
        gone.flat_map(|(_, kept)| kept).for_each(|kept| discount(&mut self.known, &kept));
        for (rule, looks_for) in shadow {
            self.shadow.entry(rule).or_insert(Tried { looks_for, matches: 0 });
        }
    }

    /// Counts what shadow rules of the set in use matched of new posts.
    pub fn count(&mut self, rules: &[RuleInfo], posts: &[&Mention]) {
        for found in posts.iter().flat_map(|mention| &mention.matches) {
            let tried = rules.get(found.rule as usize).and_then(|rule| self.shadow.get_mut(&rule.id));
            if let Some(tried) = tried {
                tried.matches += 1;
            }
        }
    }

    /// Rules in shadow with what they matched, a hundred of those with most, the first one first.
    pub(super) fn most_matched(&self) -> Vec<RuleCount> {
        let mut ranked: Vec<_> = self.counts().map(|(rule, matches)| (Reverse(matches), rule)).collect();
        if ranked.len() > SHOWN_MAX {
            ranked.select_nth_unstable(SHOWN_MAX);
            ranked.truncate(SHOWN_MAX);
        }
        ranked.sort_unstable();
        let count = |(Reverse(matches), rule): (_, &Arc<str>)| RuleCount { rule: Arc::clone(rule), matches };
        ranked.into_iter().map(count).collect()
    }

    /// An edit replaces what the post said.
    fn forget_former(&mut self, mention: &Mention) {
        if mention.is_update {
            self.forget(&mention.post.uri, |kept| &kept.uri);
        }
    }

    fn mention(&mut self, mention: &Mention, rules: &[RuleInfo], received_at: Timestamp) {
        for found in &mention.matches {
            let rule = rules.get(found.rule as usize).filter(|rule| rule.status == RuleStatus::Shadow);
            let Some(rule) = rule else { continue };
            if self.by_rule.len() >= SAMPLED_RULES_MAX && !self.by_rule.contains_key(&rule.id) {
                continue;
            }
            self.keep(&rule.id, sample(mention, found, received_at));
        }
    }

    /// The same post read twice stands there once.
    fn keep(&mut self, rule: &Arc<str>, fresh: RuleSample) {
        for identity in [&*fresh.uri, &*fresh.author] {
            *self.known.entry_ref(identity).or_default() += 1;
        }
        let kept = self.by_rule.entry(Arc::clone(rule)).or_default();
        let same = kept.iter().position(|known| known.uri == fresh.uri);
        let old = match same {
            Some(at) => Some(std::mem::replace(&mut kept[at], fresh)),
            None => {
                kept.push_back(fresh);
                if kept.len() > SAMPLES_MAX { kept.pop_front() } else { None }
            }
        };
        old.iter().for_each(|old| discount(&mut self.known, old));
    }

    fn forget(&mut self, identity: &str, of: fn(&RuleSample) -> &str) {
        if !self.known.contains_key(identity) {
            return;
        }
        for kept in self.by_rule.values_mut() {
            kept.retain(|kept| {
                let stays = of(kept) != identity;
                if !stays {
                    discount(&mut self.known, kept);
                }
                stays
            });
        }
    }
}

impl Observer for Samples {
    fn follow(&mut self, rules: Rules<'_>, _: Timestamp) {
        self.watch(rules.manifest.shadow().collect());
    }

    fn observe(&mut self, batch: Observed<'_>) {
        if batch.is_in_force {
            self.count(&batch.outcome.rules, batch.new_posts);
        }
        self.take(batch.outcome, batch.is_in_force);
    }

    fn look(&mut self, _: Moment, findings: &mut Findings) {
        findings.report.shadow_matches = self.most_matched();
    }
}

fn discount(known: &mut HashMap<String, u32>, kept: &RuleSample) {
    for identity in [&*kept.uri, &*kept.author] {
        if let Some(count) = known.get_mut(identity) {
            *count -= 1;
            if *count == 0 {
                known.remove(identity);
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
    use crate::line::Counts;
    use crate::model::{AccountRef, Author, Position, Post, PostRef};

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
        Mention { post, is_update: false, matches, scores, aspects: Default::default(), lang }
    }

    fn gone(uri: &str) -> Signal {
        Signal::Delete(PostRef::new("bluesky", "did:a", &[uri], "", uri, Timestamp::ZERO))
    }

    fn account_gone(id: &str) -> Signal {
        Signal::AccountGone(AccountRef { network: "bluesky", id: id.into(), event_at: Timestamp::ZERO })
    }

    /// Follows the rule `shadow`, which looks for what `looks_for` stands for.
    fn follow(samples: &mut Samples, looks_for: u64) {
        samples.watch([("shadow".into(), looks_for)].into_iter().collect());
    }

    fn following() -> Samples {
        let mut samples = Samples::default();
        follow(&mut samples, 1);
        samples
    }

    fn take(samples: &mut Samples, signals: Vec<Signal>) {
        samples.take(&outcome(signals), true);
    }

    fn outcome(signals: Vec<Signal>) -> BatchOutcome {
        BatchOutcome {
            source: "s".into(),
            sequence: 0,
            position: Position(0),
            received_at: Timestamp::from_micros(1),
            counts: Counts::default(),
            signals,
            engagements: Default::default(),
            refused: Vec::new(),
            rules: [RuleInfo::of("live", RuleStatus::Live), RuleInfo::of("shadow", RuleStatus::Shadow)]
                .into(),
            costs: Vec::new(),
        }
    }

    fn uris(samples: &Samples) -> Vec<String> {
        samples.of("shadow").unwrap().into_iter().map(|sample| sample.uri).collect()
    }

    #[test]
    fn the_newest_of_a_shadow_rule_are_kept_and_of_a_live_rule_none() {
        let mut samples = following();
        take(&mut samples, (0..30).map(|number| said(number, "acme")).collect());
        take(&mut samples, vec![said(29, "acme"), Signal::Mention(edited(29, "acme, edited"))]);
        let newest: Vec<String> = (10..30).rev().map(|number| format!("at://{number}")).collect();
        assert_eq!(uris(&samples), newest);
        assert_eq!(samples.of("shadow").unwrap()[0].text, "acme, edited");
        assert_eq!(samples.of("live"), None);
    }

    #[test]
    fn counts_are_of_new_posts_and_begin_anew_when_the_rule_looks_for_something_else() {
        let mut samples = following();
        let (one, other) = (mention(0, "acme"), mention(1, "acme"));
        let of = |samples: &Samples| samples.counts().map(|(_, matches)| matches).collect::<Vec<_>>();
        samples.count(&outcome(vec![]).rules, &[&one, &other]);
        follow(&mut samples, 1);
        assert_eq!(of(&samples), [2], "a live rule is not among them");
        follow(&mut samples, 2);
        assert_eq!(of(&samples), [0]);
    }

    #[test]
    fn what_is_deleted_goes_and_leaves_nothing_behind() {
        let mut samples = following();
        take(&mut samples, (0..5).map(|number| said(number, "acme")).collect());
        take(&mut samples, vec![gone("at://3"), account_gone("did:1")]);
        assert_eq!(uris(&samples), ["at://2", "at://0"]);
        take(&mut samples, vec![Signal::Unmatched(edited(2, "other"))]);
        assert_eq!(uris(&samples), ["at://0"]);
        samples.watch(HashMap::new());
        assert!(samples.by_rule.is_empty() && samples.known.is_empty());
    }

    #[test]
    fn samples_stay_until_the_rule_looks_for_something_else_and_late_matches_of_the_old_rule_are_not_taken() {
        let mut samples = following();
        take(&mut samples, (0..3).map(|number| said(number, "acme")).collect());
        follow(&mut samples, 1);
        assert_eq!(uris(&samples).len(), 3);
        samples.take(&outcome(vec![said(3, "acme"), gone("at://0")]), false);
        samples.take(&outcome(vec![Signal::Mention(edited(1, "acme no more"))]), false);
        assert_eq!(uris(&samples), ["at://2"], "what is late is still deleted and edited");
        follow(&mut samples, 2);
        assert_eq!(uris(&samples), [""; 0]);
        assert!(samples.known.is_empty());
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let mut samples = following();
        take(&mut samples, vec![said(0, &format!("x{}", "é".repeat(SAMPLE_BYTES_MAX)))]);
        let sample = &samples.of("shadow").unwrap()[0];
        assert_eq!((sample.text.len(), &sample.spans[..]), (SAMPLE_BYTES_MAX - 1, &[(0, 4)][..]));
    }
}
