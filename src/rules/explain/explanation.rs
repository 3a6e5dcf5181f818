//! Why a rule matches a post, or why not: the query's tree with the truth of every part, where terms stand, and what
//! stands there instead when they don't.
//!
//! Built on the naive evaluator; serialises as the JSON of `birddog explain`, and prints itself for people.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use crate::model::{Lane, Post, RuleStatus, Scores, Span, merged};
use crate::text::Folded;

use super::miss::{NOT_FOUND, near_miss, why_not};
use crate::rules::engine::facts::{Facts, is_in_hashtags};
use crate::rules::engine::naive;
use crate::rules::pack::LoadedRule;
use crate::rules::query::ast::{Feature, Kind, Node, Term, kind_name};
use crate::rules::query::near;
use crate::rules::query::term::Pattern;

/// Most terms named in one sentence.
const SHOWN_MAX: usize = 8;

/// What a rule makes of a post.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Whether the rule matches.
    pub matched: bool,
    /// Its id.
    pub rule: String,
    /// Its brand.
    pub brand: String,
    /// The team that a match goes to.
    pub team: String,
    /// Lowest lane of its items.
    pub floor: Lane,
    /// Only `live` sends work.
    pub status: RuleStatus,
    /// The query as it was understood.
    pub query: String,
    /// Byte ranges in the text of the terms that speak for the match; empty without one.
    pub spans: Vec<Span>,
    /// The parts that decided against; empty when it matches.
    pub failed: Vec<Failed>,
    /// Every part with its truth.
    pub tree: Verdict,
}

/// A part of the query that decided against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The part.
    pub query: String,
    /// Why it does not hold.
    pub why: String,
}

/// The truth of one part of a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The part, printed.
    pub query: String,
    /// `and`, `or`, `not`, `near`, `term` or `list`.
    pub kind: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// Where it stands in the text, for text terms and lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// Why it holds or not, where that takes words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The operands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operands: Vec<Verdict>,
}

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

/// The smallest parts that, by not holding, make the query not hold.
fn blame(verdict: &Verdict, failed: &mut Vec<Failed>) {
    if verdict.holds {
        return;
    }
    match verdict.kind {
        "and" => verdict.operands.iter().for_each(|operand| blame(operand, failed)),
        "near" if verdict.why.is_none() => verdict.operands.iter().for_each(|operand| blame(operand, failed)),
        "or" => {
            let mut whys: Vec<(usize, String)> = verdict.operands.iter().filter_map(reason).collect();
            // The side that lacks least comes first.
            whys.sort_by_key(|(lacking, _)| *lacking);
            let whys: Vec<String> = whys.into_iter().take(SHOWN_MAX).map(|(_, why)| why).collect();
            let why = if whys.is_empty() { "none of these holds".to_owned() } else { whys.join("; ") };
            failed.push(Failed { query: verdict.query.clone(), why });
        }
        _ => {
            let why = verdict.why.clone().unwrap_or_else(|| "does not hold".to_owned());
            failed.push(Failed { query: verdict.query.clone(), why });
        }
    }
}

/// What an operand of an OR has to say, if it is more than that it was not found, and how many parts it lacks.
fn reason(operand: &Verdict) -> Option<(usize, String)> {
    if let Some(why) = &operand.why {
        return (why != NOT_FOUND).then(|| (1, format!("`{}`: {why}", operand.query)));
    }
    let mut failed = Vec::new();
    blame(operand, &mut failed);
    let is_near =
        operand.operands.iter().any(|part| part.holds) || failed.iter().any(|part| part.why != NOT_FOUND);
    let parts = failed.iter().take(SHOWN_MAX).map(|part| format!("`{}` {}", part.query, part.why));
    let parts: Vec<String> = parts.collect();
    is_near.then(|| (failed.len(), format!("`{}`: {}", operand.query, parts.join(", "))))
}

impl Explanation {
    /// The explanation for people. Posts are untrusted: everything that may come from one goes through `clean`;
    /// `paint` then wraps the highlighted pieces of the text.
    #[must_use]
    pub fn render(
        &self,
        text: &str,
        clean: impl Fn(&str) -> String,
        paint: impl Fn(&str) -> String,
    ) -> String {
        let mut out = String::new();
        let verb = if self.matched { "matches" } else { "does not match" };
        let status = match self.status {
            RuleStatus::Live => "",
            RuleStatus::Shadow => " (shadow: counted, not sent)",
            RuleStatus::Off => " (off)",
        };
        let _ = writeln!(out, "{} {verb}{status}", self.rule);
        if self.matched {
            let _ = writeln!(out, "  team {}, floor {}", self.team, self.floor.as_str());
        }
        let _ = writeln!(out, "  {}\n", highlighted(text, &self.spans, &clean, paint).replace('\n', "\n  "));
        show(&self.tree, 1, &clean, &mut out);
        if !self.failed.is_empty() {
            out.push_str("\n  why not:\n");
        }
        for failed in &self.failed {
            let _ = writeln!(out, "    {}: {}", clean(&failed.query), clean(&failed.why));
        }
        out
    }
}

fn show(verdict: &Verdict, depth: usize, clean: &impl Fn(&str) -> String, out: &mut String) {
    let mark = if verdict.holds { '✓' } else { '✗' };
    let name = match verdict.kind {
        "and" => "all of",
        "or" => "any of",
        _ => verdict.query.as_str(),
    };
    let _ = write!(out, "{:width$}{mark} {}", "", clean(name), width = depth * 2);
    if let Some(why) = &verdict.why {
        let _ = write!(out, "  ({})", clean(why));
    }
    out.push('\n');
    // What is excluded and not there needs no words; of many alternatives only those that tell something do.
    let is_told = |operand: &&Verdict| match verdict.kind {
        "and" => true,
        "near" => !verdict.holds,
        "or" if verdict.holds => operand.holds,
        "or" => operand.why.as_deref() != Some(NOT_FOUND),
        _ => !verdict.holds && !operand.operands.is_empty(),
    };
    let told: Vec<&Verdict> = verdict.operands.iter().filter(is_told).collect();
    told.iter().for_each(|operand| show(operand, depth + 1, clean, out));
    if verdict.kind == "or" && told.len() < verdict.operands.len() {
        let more = verdict.operands.len() - told.len();
        let what = if verdict.holds { "which do not hold" } else { NOT_FOUND };
        let _ = writeln!(out, "{:width$}✗ … {more} more, {what}", "", width = (depth + 1) * 2);
    }
}

/// `text` with the spans, which may overlap, painted.
pub fn highlighted(
    text: &str,
    spans: &[Span],
    clean: &impl Fn(&str) -> String,
    paint: impl Fn(&str) -> String,
) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (start, end) in merged(spans) {
        let (start, end) = (start as usize, end as usize);
        out.push_str(&clean(text.get(at..start).unwrap_or("")));
        out.push_str(&paint(&clean(text.get(start..end).unwrap_or(""))));
        at = end;
    }
    out.push_str(&clean(text.get(at..).unwrap_or("")));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::diagnostic::SourceFile;
    use crate::rules::pack::load;

    fn rule(query: &str) -> LoadedRule {
        let text = format!(
            "[pack]\nbrand = \"acme\"\nowner = \"o\"\n[lists]\np = \"p.txt\"\n[[rule]]\nid = \"r\"\nteam = \"support\"\nquery = '{query}'\n"
        );
        let files = [
            SourceFile { path: "a.toml".into(), text },
            SourceFile { path: "p.txt".into(), text: "acme box\nacmephone\n".to_owned() },
        ];
        let (mut packs, errors) = load(&files);
        assert_eq!(errors, []);
        packs.rules.remove(0)
    }

    fn post(text: &str) -> Post {
        Post { text: text.to_owned(), langs: vec!["en".to_owned()], ..Post::default() }
    }

    fn failed(query: &str, text: &str) -> Vec<(String, String)> {
        let explained = explain(&rule(query), &post(text), &Scores::default());
        assert_eq!(explained.matched, explained.failed.is_empty());
        explained.failed.into_iter().map(|failed| (failed.query, failed.why)).collect()
    }

    #[test]
    fn the_operands_that_failed_are_named_with_the_reason() {
        assert_eq!(
            failed("(\"acme cloud\" OR #acmedown) down lang:de -spam", "Acme clouds: spam"),
            [
                (
                    "\"acme cloud\" OR #acmedown".to_owned(),
                    "`\"acme cloud\"`: its words are there, except `cloud` (found inside the longer word `clouds`); `\"acme clouds\"` would match it"
                        .to_owned()
                ),
                ("down".to_owned(), "not found".to_owned()),
                ("lang:de".to_owned(), "the post is tagged `en`".to_owned()),
                ("-spam".to_owned(), "found `spam`, which the rule excludes".to_owned()),
            ]
        );
        assert_eq!(failed("acme down", "ACME is down"), []);
    }

    #[test]
    fn of_an_or_the_side_that_lacks_least_is_told_first() {
        let why = |query: &str, text: &str| failed(query, text).remove(0).1;
        assert_eq!(
            why("(globex down lang:de) OR (acme outage) OR box", "acme is down"),
            "`acme outage`: `outage` not found; `globex down lang:de`: `globex` not found, `lang:de` the post is tagged `en`"
        );
        assert_eq!(why("globex OR box", "acme is down"), "none of these holds");
    }

    #[test]
    fn lists_and_fields_say_what_is_there_instead() {
        let why = |query: &str, text: &str| failed(query, text).remove(0).1;
        assert_eq!(
            why("list:p", "my acmephones"),
            "none of its 2 terms is found; nearest: `acmephone`, found inside the longer word `acmephones`; `acmephone*` would match it"
        );
        assert_eq!(why("acme is:reply", "acme"), "it is a post");
        assert_eq!(why("acme has:links", "acme"), "it has no links");
        assert_eq!(why("from:jo", "acme"), "the author is not known here");
    }

    #[test]
    fn the_text_form_highlights_and_shows_the_tree() {
        let text = "Acme box is\u{1b}[31m down";
        let shown =
            explain(&rule("(list:p OR acme OR x) down -(spam OR ad)"), &post(text), &Scores::default())
                .render(text, |raw| raw.replace('\u{1b}', "\u{FFFD}"), |hit| format!("[{hit}]"));
        assert_eq!(
            shown,
            "r matches\n  team support, floor low\n  [Acme box] is\u{FFFD}[31m [down]\n\n  ✓ all of\n    ✓ any of\n      \
             ✓ list:p  (found `acme box`)\n      ✓ acme\n      ✗ … 1 more, which do not hold\n    ✓ down\n    \
             ✓ -(spam OR ad)\n"
        );
    }

    #[test]
    fn the_json_form_has_matched_at_its_top() {
        let json = serde_json::to_value(explain(&rule("acme down"), &post("acme is up"), &Scores::default()))
            .unwrap();
        assert_eq!(json["matched"], false);
        assert_eq!(json["failed"][0]["query"], "down");
        assert_eq!(json["tree"]["operands"][0]["spans"], serde_json::json!([[0, 4]]));
    }

    #[test]
    fn captions_and_the_platforms_hashtags_are_told_apart() {
        let mut post = post("look");
        post.captions.push("the acme box".to_owned());
        post.hashtags.push("acmedown".to_owned());
        let explained = explain(&rule("acme #acmedown"), &post, &Scores::default());
        let whys: Vec<_> =
            explained.tree.operands.iter().filter_map(|operand| operand.why.as_deref()).collect();
        assert_eq!(
            whys,
            ["in a caption: an alternative text or a link's title", "among the platform's hashtags"]
        );
    }
}
