//! A post that was matched, as a sample for the report.

use std::sync::Arc;

use super::days::day;
use super::options::Options;
use super::sample::{Sample, shown};
use super::worker::Matched;
use crate::model::{Factors, Lane, Match, RuleInfo};

/// What making a sample takes, beside the post.
pub(super) struct Draw<'t> {
    pub(super) options: &'t Options,
    pub(super) file: usize,
    pub(super) name: &'t Arc<str>,
}

impl Draw<'_> {
    /// Where the work item would be queued.
    pub(super) fn lane(&self, matched: &Matched, Labels { brand, floor }: Labels<'_>) -> Lane {
        self.options.priority.priority(Factors::new(&matched.scores_for(brand), 0.0, floor)).lane
    }

    pub(super) fn sample(&self, matched: &Matched, found: &[&Match], labels: Labels<'_>) -> Sample {
        let (post, scores) = (&matched.post, matched.scores_for(labels.brand));
        let (text, spans) = shown(&post.text, found.iter().copied());
        Sample {
            at: day(post.event_at).map(|_| post.event_at),
            place: (self.file, matched.line),
            file: Arc::clone(self.name),
            line: matched.line,
            uri: post.uri.clone(),
            text,
            spans,
            lang: matched.scored.lang.to_string(),
            sentiment: scores.sentiment.label,
            urgency: scores.urgency_label,
            intent: scores.intent,
            lane: self.lane(matched, labels),
            rules: Vec::new(),
        }
    }
}

/// What rules say of the work item that they would make.
#[derive(Clone, Copy)]
pub(super) struct Labels<'t> {
    pub(super) brand: &'t str,
    pub(super) floor: Lane,
}

impl<'t> Labels<'t> {
    pub(super) fn of(rule: &'t RuleInfo) -> Self {
        Self { brand: &rule.brand, floor: rule.floor }
    }
}
