//! Decides every part of a query, and says where it stands or what stands there instead. Built on the naive evaluator.

use std::sync::Arc;

use super::blame::blame;
use super::explanation::{Explanation, SHOWN_MAX, Verdict};
use super::miss::{near_miss, why_not};
use crate::model::{Post, Scores, Span};
use crate::rules::engine::facts::{Facts, is_in_hashtags};
use crate::rules::engine::naive;
use crate::rules::pack::LoadedRule;
use crate::rules::query::ast::{Feature, Kind, Node, Term, kind_name};
use crate::rules::query::near;
use crate::rules::query::term::Pattern;
use crate::text::Folded;

/// Explains `rule` on `post`, which has these scores.
#[must_use]
pub fn explain(rule: &LoadedRule, post: &Post, scores: &Scores) -> Explanation {
    let segments = naive::segments(post);
    let facts = Facts { post, segments: &segments, scores };
    let tree = Judge { facts }.node(&rule.query);
    let mut failed = Vec::new();
    blame(&tree, &mut failed);
    Explanation {
        matched: tree.holds,
        rule: rule.info.id.to_string(),
        brand: rule.info.brand.to_string(),
        team: rule.info.team.to_string(),
        floor: rule.info.floor,
        status: rule.info.status,
        query: rule.query.to_string(),
        spans: if tree.holds { naive::spans(&rule.query, &facts) } else { Vec::new() },
        failed,
        tree,
    }
}

struct Judge<'p> {
    facts: Facts<'p>,
}

impl Judge<'_> {
    fn node(&self, node: &Node) -> Verdict {
        match &node.kind {
            Kind::Term(Term::Text(pattern)) => self.text(node, pattern),
            Kind::Term(term) => self.field(node, term),
            Kind::List { patterns, .. } => self.list(node, patterns),
            Kind::Near { left, right, distance, ordered } => {
                self.near(node, [left, right], *distance, *ordered)
            }
            Kind::Window { terms, slack, .. } => self.window(node, terms, *slack),
            Kind::Not(inner) => {
                let inner = self.node(inner);
                let why = inner.holds.then(|| self.excluded(&inner));
                Verdict { why, operands: vec![inner.clone()], ..verdict(node, "not", !inner.holds) }
            }
            Kind::And(nodes) => {
                let operands: Vec<Verdict> = nodes.iter().map(|node| self.node(node)).collect();
                let holds = operands.iter().all(|operand| operand.holds);
                Verdict { operands, ..verdict(node, "and", holds) }
            }
            Kind::Or(nodes) => {
                let operands: Vec<Verdict> = nodes.iter().map(|node| self.node(node)).collect();
                let holds = operands.iter().any(|operand| operand.holds);
                Verdict { operands, ..verdict(node, "or", holds) }
            }
        }
    }

    /// What stands there that should not.
    fn excluded(&self, inner: &Verdict) -> String {
        let mut spans = Vec::new();
        collect_spans(inner, &mut spans);
        let written = spans
            .iter()
            .take(SHOWN_MAX)
            .filter_map(|&(start, end)| self.facts.post.text.get(start as usize..end as usize));
        let written: Vec<&str> = written.collect();
        match written[..] {
            [] => "it holds, and the rule excludes it".to_owned(),
            _ => format!("found `{}`, which the rule excludes", written.join("`, `")),
        }
    }

    fn text(&self, node: &Node, pattern: &Pattern) -> Verdict {
        let holds = self.facts.finds(pattern);
        let spans = self.places(pattern);
        let why = match (holds, spans.is_empty()) {
            (true, false) => None,
            (true, true) if is_in_hashtags(pattern, self.facts.post) => {
                Some("among the platform's hashtags".to_owned())
            }
            (true, true) => Some("in a caption: an alternative text or a link's title".to_owned()),
            (false, _) => Some(why_not(pattern, self.facts.segments)),
        };
        Verdict { spans, why, ..verdict(node, "term", holds) }
    }

    fn places(&self, pattern: &Pattern) -> Vec<Span> {
        let mut spans: Vec<Span> = self
            .facts
            .segments
            .first()
            .map(|text| naive::places(pattern, text).collect())
            .unwrap_or_default();
        spans.sort_unstable();
        spans.dedup();
        spans
    }

    fn list(&self, node: &Node, patterns: &[Arc<Pattern>]) -> Verdict {
        let found: Vec<&Arc<Pattern>> = patterns.iter().filter(|pattern| self.facts.finds(pattern)).collect();
        let mut spans: Vec<Span> = found.iter().flat_map(|pattern| self.places(pattern)).collect();
        spans.sort_unstable();
        spans.dedup();
        let why = if found.is_empty() {
            let near =
                patterns.iter().find_map(|pattern| Some((pattern, near_miss(pattern, self.facts.segments)?)));
            let near = near.map(|(pattern, why)| format!("; nearest: `{}`, {why}", pattern.source));
            format!("none of its {} terms is found{}", patterns.len(), near.unwrap_or_default())
        } else {
            let terms: Vec<&str> =
                found.iter().take(SHOWN_MAX).map(|pattern| pattern.source.as_str()).collect();
            format!("found `{}`", terms.join("`, `"))
        };
        Verdict { spans, why: Some(why), ..verdict(node, "list", !found.is_empty()) }
    }

    /// NEAR: the two sides as operands; when both are there, how far apart they are.
    fn near(&self, node: &Node, sides: [&Node; 2], distance: u8, ordered: bool) -> Verdict {
        let operands: Vec<Verdict> = sides.iter().map(|side| self.node(side)).collect();
        let holds = naive::holds(node, &self.facts);
        let why = (!holds && operands.iter().all(|operand| operand.holds))
            .then(|| self.apart(sides, distance, ordered));
        Verdict { spans: self.close_spans(node), why, operands, ..verdict(node, "near", holds) }
    }

    fn apart(&self, [left, right]: [&Node; 2], distance: u8, ordered: bool) -> String {
        let texts = self.facts.segments.iter();
        let nearest = |ordered: bool| {
            let nearest = |text: &Folded| {
                let (left, right) = (naive::all_places(left, text), naive::all_places(right, text));
                near::nearest(text, &left, &right, ordered)
            };
            texts.clone().filter_map(nearest).min()
        };
        match (nearest(ordered), nearest(false)) {
            (Some(apart), _) => {
                format!("both are there, {apart} words apart; at most {distance} are allowed")
            }
            (None, Some(_)) => "both are there, but in the other order; NEAR takes either".to_owned(),
            (None, None) => "both are there, but never in the same text without overlapping".to_owned(),
        }
    }

    /// `"…"~N`: a verdict for each word; when all are there, how many others stand among them.
    fn window(&self, node: &Node, terms: &[Arc<Pattern>], slack: u8) -> Verdict {
        let holds = naive::holds(node, &self.facts);
        let missing: Vec<&Arc<Pattern>> = terms.iter().filter(|term| !self.facts.finds(term)).collect();
        let why = match &missing[..] {
            _ if holds => None,
            [] => Some(self.spread(terms, slack)),
            [first, ..] => {
                Some(format!("`{}` is missing: {}", first.source, why_not(first, self.facts.segments)))
            }
        };
        Verdict { spans: self.close_spans(node), why, ..verdict(node, "term", holds) }
    }

    /// All words of a window are there: how many others stand among them.
    fn spread(&self, terms: &[Arc<Pattern>], slack: u8) -> String {
        let fits = |wider: &u8| {
            self.facts.segments.iter().any(|text| !naive::window_places(terms, *wider, text).is_empty())
        };
        match (slack..=near::DISTANCE_MAX).find(fits) {
            Some(wider) => {
                format!("its words are there with {wider} others among them; at most {slack} are allowed")
            }
            None => "its words are there, but too far apart, or in different texts".to_owned(),
        }
    }

    fn close_spans(&self, node: &Node) -> Vec<Span> {
        let Some(text) = self.facts.segments.first() else { return Vec::new() };
        naive::close_places(node, text)
            .into_iter()
            .map(|(start, end)| text.original_span(start, end))
            .collect()
    }

    fn field(&self, node: &Node, term: &Term) -> Verdict {
        let holds = self.facts.satisfy(term);
        let why = (!holds).then(|| self.why_not_field(term));
        Verdict { why, ..verdict(node, "term", holds) }
    }

    fn why_not_field(&self, term: &Term) -> String {
        let Facts { post, scores, .. } = self.facts;
        match term {
            Term::From(_) => match (&post.author.handle, post.author.id.as_str()) {
                (Some(handle), _) => format!("the author is `{handle}`"),
                (None, "") => "the author is not known here".to_owned(),
                (None, id) => format!("the author is `{id}`"),
            },
            Term::To(_) => match post.answered() {
                Some(id) => format!("it answers `{id}`"),
                None => "it answers nobody, and does not begin with this @handle".to_owned(),
            },
            Term::Mentions(_) => "this account is not named".to_owned(),
            Term::Source(_) if post.network.is_empty() => "the source is not known here".to_owned(),
            Term::Source(_) => format!("it comes from `{}`", post.network),
            Term::Url(_) | Term::Domain(_) if post.links.is_empty() => "no such link".to_owned(),
            Term::Url(_) | Term::Domain(_) => format!("its links are `{}`", post.links.join("`, `")),
            Term::Followers(_) => match post.author.followers {
                Some(followers) => format!("the author has {followers} followers"),
                None => "the source does not tell the author's followers".to_owned(),
            },
            Term::Sentiment(_) => format!("its sentiment is {}", scores.sentiment.score),
            Term::Urgency(_) => format!("its urgency is {}", scores.urgency),
            Term::Intent(_) => format!("its intent is `{}`", scores.intent.as_str()),
            Term::Lang(_) if post.langs.is_empty() => "the post has no language tag".to_owned(),
            Term::Lang(_) => format!("the post is tagged `{}`", post.langs.join("`, `")),
            Term::Is(_) => format!("it is a {}", kind_name(post.kind)),
            Term::Has(Feature::Media) => "no picture or video is attached".to_owned(),
            Term::Has(feature) => format!("it has no {}", feature.as_str()),
            Term::Text(pattern) => why_not(pattern, self.facts.segments),
        }
    }
}

fn verdict(node: &Node, kind: &'static str, holds: bool) -> Verdict {
    Verdict { query: node.to_string(), kind, holds, spans: Vec::new(), why: None, operands: Vec::new() }
}

/// Where the parts that hold stand.
fn collect_spans(verdict: &Verdict, spans: &mut Vec<Span>) {
    if verdict.holds {
        spans.extend(&verdict.spans);
        verdict.operands.iter().for_each(|operand| collect_spans(operand, spans));
    }
}
