//! From the counts to the report.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::super::change::{Change, Flow as FlowTally, Slot};
use super::super::cost::{Cost as CostTally, known};
use super::super::days::Span;
use super::super::overlap::{Pair as PairTally, Pairs};
use super::super::tally::{File as FileTally, RuleTally, Tally};
use super::implied::{Implications, implied};
use super::{
    Against, Cost, Data, Day, Dropped, File, Flow, Implied, Lanes, Matched, Overlap, PAIRS_LISTED_MAX, Pair,
    Rated, Rejected, Report, Rule, RuleCost, RuleFlow, SCHEMA, Sentiments, TERMS_LISTED_MAX, Term, Verdict,
};
use crate::model::{Lane, RuleIndex};
use crate::rules::RuleSet;

/// A shorter feed says nothing about a day.
const SPAN_DAYS_MIN: f64 = 1.0 / 24.0;

/// Makes the report.
pub(in crate::backtest) fn build(
    tally: &Tally<'_>,
    set: &RuleSet,
    cost: Option<&CostTally>,
    evaluated: &[u64],
) -> Report {
    let span = tally.days.rated();
    let data = data(tally, span.as_ref());
    let rules = Rules::new(tally, set, cost, &data, span).all(evaluated);
    let (overlap, given_up) = overlap(tally);
    Report {
        schema: SCHEMA,
        matched: Matched {
            posts: tally.matched.0,
            live_posts: tally.matched.1,
            share: ratio(tally.matched.0, data.posts),
        },
        rules,
        overlap,
        cost: cost.map(shared_cost),
        against: tally.change.as_ref().map(against),
        dropped: Dropped {
            per_day: tally.rule_days.dropped,
            terms: tally.terms.dropped,
            pairs: tally.pairs.dropped(),
            implied: given_up,
        },
        data,
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn data(tally: &Tally<'_>, rated_span: Option<&Span>) -> Data {
    let (whole, posts, dated) = (tally.days.whole(), tally.posts(), tally.days.posts());
    Data {
        files: tally.files.iter().map(file).collect(),
        posts,
        first: whole.as_ref().map(|whole| whole.first),
        last: whole.as_ref().map(|whole| whole.last),
        days: whole.as_ref().map_or(0.0, Span::length),
        undated: posts - dated,
        rated: rated_span.map(|span| rated(span, dated)),
        per_day: days(tally.days.iter()),
    }
}

fn rated(span: &Span, dated: u64) -> Rated {
    Rated { first: span.first, last: span.last, days: span.length(), left_out: dated - span.posts }
}

fn file(file: &FileTally) -> File {
    let rejected = file.rejected.iter();
    File {
        name: Arc::clone(&file.name),
        format: file.count.format,
        lines: file.count.lines,
        posts: file.posts,
        edits: file.edits,
        others: file.others,
        rejected: rejected
            .map(|(reason, lines, first_line)| Rejected { reason: reason.as_str(), lines, first_line })
            .collect(),
    }
}

fn days(counts: impl Iterator<Item = (u32, u64)>) -> Vec<Day> {
    counts.map(|(day, posts)| Day { day: date(day), posts }).collect()
}

/// `2026-11-22`.
fn date(day: u32) -> String {
    let since_epoch = jiff::Span::new().days(i64::from(day));
    jiff::civil::date(1970, 1, 1).saturating_add(since_epoch).to_string()
}

/// What all rules' entries are made of.
struct Rules<'t> {
    tally: &'t Tally<'t>,
    set: &'t RuleSet,
    data: &'t Data,
    /// What rates are taken from.
    span: Option<Span>,
    /// Of all matching.
    matching_ns: u64,
    costs: Option<Vec<u64>>,
    days: HashMap<RuleIndex, BTreeMap<u32, u64>>,
    terms: HashMap<RuleIndex, Vec<Term>>,
}

impl<'t> Rules<'t> {
    fn new(
        tally: &'t Tally<'t>,
        set: &'t RuleSet,
        cost: Option<&CostTally>,
        data: &'t Data,
        span: Option<Span>,
    ) -> Self {
        let mut days: HashMap<RuleIndex, BTreeMap<u32, u64>> = HashMap::new();
        tally.rule_days.iter().for_each(|(&(rule, day), posts)| {
            days.entry(rule).or_default().insert(day, posts);
        });
        let mut terms: HashMap<RuleIndex, Vec<Term>> = HashMap::new();
        tally.terms.iter().for_each(|((rule, term), posts)| {
            terms.entry(*rule).or_default().push(Term { term: term.clone(), posts });
        });
        let costs: Option<Vec<u64>> = cost.map(|cost| cost.rules_ns().collect());
        let matching_ns = cost.map_or(0, |cost| known(cost.find_ns) + cost.rules_ns().sum::<u64>());
        Self { tally, set, data, span, matching_ns, costs, days, terms }
    }

    fn all(mut self, evaluated: &[u64]) -> Vec<Rule> {
        (0..self.tally.rules.len()).map(|at| self.rule(at, evaluated[at])).collect()
    }

    fn rule(&mut self, at: usize, evaluated: u64) -> Rule {
        let (loaded, counts) = (&self.tally.rules[at], &self.tally.by_rule[at]);
        let (info, index) = (&loaded.info, at as RuleIndex);
        let rate_per_day = self.rate(counts, index);
        let [negative, neutral, positive] = counts.sentiment;
        let ns = self.costs.as_ref().map(|costs| costs[at]);
        Rule {
            id: Arc::clone(&info.id),
            brand: Arc::clone(&info.brand),
            team: Arc::clone(&info.team),
            status: info.status,
            query: loaded.source.clone(),
            posts: counts.posts,
            share: ratio(counts.posts, self.data.posts),
            rate_per_day,
            expect_per_day: loaded.expect_per_day,
            verdict: verdict(rate_per_day, loaded.expect_per_day),
            per_day: days(self.days.remove(&index).unwrap_or_default().into_iter()),
            lanes: lanes(counts.lanes),
            sentiment: Sentiments { negative, neutral, positive },
            terms: ranked(self.terms.remove(&index).unwrap_or_default()),
            evaluated,
            unanchored: self.set.unanchored().contains(&index),
            cost: ns.map(|ns| RuleCost { ns, share: ratio(ns, self.matching_ns) }),
            samples: counts.samples.samples(),
        }
    }

    fn rate(&self, counts: &RuleTally, index: RuleIndex) -> Option<f64> {
        if let Some(posts_per_day) = self.tally.options.posts_per_day {
            return Some(ratio(counts.posts, self.data.posts) * posts_per_day);
        }
        // When most posts have no time, those that have one tell nothing about a day.
        let span = self.span.as_ref().filter(|_| 2 * self.data.undated <= self.data.posts)?;
        let by_day = self.days.get(&index).into_iter().flatten();
        let odd: u64 = by_day.filter(|(day, _)| !span.days.contains(day)).map(|(_, posts)| posts).sum();
        (span.length() >= SPAN_DAYS_MIN).then(|| (counts.dated - odd) as f64 / span.length())
    }
}

fn verdict(rate: Option<f64>, expected: Option<(u32, u32)>) -> Verdict {
    match (rate, expected) {
        (Some(rate), Some((low, _))) if rate < f64::from(low) => Verdict::Below,
        (Some(rate), Some((_, high))) if rate > f64::from(high) => Verdict::Above,
        (Some(_), Some(_)) => Verdict::Within,
        _ => Verdict::Unknown,
    }
}

fn lanes(counts: [u64; 4]) -> Lanes {
    let of = |lane: Lane| counts[usize::from(lane.as_index())];
    Lanes { critical: of(Lane::Critical), high: of(Lane::High), normal: of(Lane::Normal), low: of(Lane::Low) }
}

fn ranked(mut terms: Vec<Term>) -> Vec<Term> {
    terms.sort_by(|one, other| other.posts.cmp(&one.posts).then_with(|| one.term.cmp(&other.term)));
    terms.truncate(TERMS_LISTED_MAX);
    terms
}

fn shared_cost(cost: &CostTally) -> Cost {
    let (find_ns, rules_ns) = (known(cost.find_ns), cost.rules_ns().sum());
    Cost {
        decode_ns: known(cost.decode_ns),
        find_ns,
        find_share: ratio(find_ns, find_ns + rules_ns),
        rules_ns,
        score_ns: known(cost.score_ns),
    }
}

/// What overlaps, and how many pairs may be missing among the implied rules.
fn overlap(tally: &Tally<'_>) -> (Overlap, u64) {
    let posts = |rule: RuleIndex| tally.by_rule[rule as usize].posts;
    let id = |rule: RuleIndex| Arc::clone(&tally.rules[rule as usize].info.id);
    let ranked = Pairs::ranked(&tally.pairs, posts);
    let from = tally.options.overlap_from;
    let listed = ranked.iter().take_while(|pair| pair.jaccard >= from).take(PAIRS_LISTED_MAX);
    let pair = |pair: &PairTally| Pair {
        a: id(pair.a),
        b: id(pair.b),
        both: pair.both,
        jaccard: pair.jaccard,
        of_a: ratio(pair.both, posts(pair.a)),
        of_b: ratio(pair.both, posts(pair.b)),
    };
    let Implications { found, given_up } = implied(tally.rules, &ranked, posts);
    let overlap = Overlap {
        from,
        pairs: listed.map(pair).collect(),
        implied: found.into_iter().map(|(rule, by)| Implied { rule: id(rule), by: id(by) }).collect(),
    };
    (overlap, given_up)
}

fn against(change: &Change<'_>) -> Against {
    let moved = change.slots.iter().filter(|slot| slot.gained.posts + slot.lost.posts > 0);
    Against {
        rules: change.rules(),
        gained: flow(&change.gained),
        lost: flow(&change.lost),
        by_rule: moved.map(rule_flow).collect(),
    }
}

fn rule_flow(slot: &Slot) -> RuleFlow {
    RuleFlow {
        id: Arc::clone(&slot.id),
        before: slot.before,
        after: slot.after,
        gained: flow(&slot.gained),
        lost: flow(&slot.lost),
    }
}

fn flow(flow: &FlowTally) -> Flow {
    Flow { posts: flow.posts, samples: flow.samples.samples() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_a_rate_and_an_expectation() {
        let expected = Some((5, 400));
        assert_eq!(verdict(Some(4.9), expected), Verdict::Below);
        assert_eq!(verdict(Some(5.0), expected), Verdict::Within);
        assert_eq!(verdict(Some(400.5), expected), Verdict::Above);
        assert_eq!((verdict(None, expected), verdict(Some(7.0), None)), (Verdict::Unknown, Verdict::Unknown));
    }

    #[test]
    fn days_are_dates() {
        assert_eq!((date(0).as_str(), date(20_779).as_str()), ("1970-01-01", "2026-11-22"));
    }
}
