//! The compiled rule set: immutable, shared by all workers, swapped whole.

use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::model::{Match, Post, RuleIndex, RuleInfo, Span};
use crate::text::Folded;

use super::ast::{Node, Term};
use super::compile::{Anchor, Compiler, Expr};
use super::cost::Costs;
use super::eval::Facts;
use super::fields::is_in_hashtags;
use super::index::{AtomId, Hit, TermIndex};
use super::term::Pattern;

/// Spans listed per match; more would only blur the reader's eye.
const SPANS_MAX: usize = 32;

/// All rules, compiled.
#[derive(Debug)]
pub struct RuleSet {
    rules: Arc<[RuleInfo]>,
    exprs: Vec<Expr>,
    patterns: Vec<Pattern>,
    index: TermIndex,
    /// By folded tag: atoms written as `#tag`, which the platform's own markup can satisfy.
    hashtags: HashMap<String, Vec<AtomId>>,
    anchors: Anchors,
    /// For each atom, the rules that it anchors.
    anchored: Vec<SmallVec<[RuleIndex; 1]>>,
    /// For each author, the rules that they anchor.
    authored: HashMap<String, Vec<RuleIndex>>,
    /// Rules without an anchor, evaluated on every post that comes this far.
    unanchored: Vec<RuleIndex>,
}

/// What the prefilter needs: a post without any of these cannot match.
#[derive(Debug)]
pub struct Anchors {
    /// Finds the anchor terms.
    pub terms: TermIndex,
    /// Some anchor is a hashtag, so the platform's own tag list counts.
    pub has_hashtags: bool,
    /// Authors who are anchors, by id or handle, lower case.
    pub authors: hashbrown::HashSet<String>,
    /// Every author that some rule names, anchor or not: to decide `from:`, their handles must be known.
    pub named: hashbrown::HashSet<String>,
    /// Some rule has no anchor: nothing can be filtered.
    pub needs_all: bool,
}

/// Working memory of one worker, reused from post to post.
#[derive(Debug, Default)]
pub struct Scratch {
    segments: Vec<Folded>,
    used: usize,
    hits: Vec<Hit>,
    /// How many of `hits` are in the text itself.
    in_text: usize,
    present: Vec<AtomId>,
    candidates: Vec<RuleIndex>,
    costs: Costs,
}

impl Scratch {
    /// What the rules cost; measured only when it is given a stopwatch.
    pub fn costs(&mut self) -> &mut Costs {
        &mut self.costs
    }

    /// The folded text of the last post matched, then its folded captions.
    #[must_use]
    pub fn segments(&self) -> &[Folded] {
        &self.segments[..self.used]
    }

    fn fold(&mut self, post: &Post) {
        self.used = 1 + post.captions.len();
        self.segments.resize_with(self.segments.len().max(self.used), Folded::default);
        let texts = std::iter::once(&post.text).chain(&post.captions);
        self.segments.iter_mut().zip(texts).for_each(|(segment, text)| segment.fold(text));
    }
}

impl RuleSet {
    /// Compiles rules; a rule's index is its place in `rules`.
    #[must_use]
    pub fn compile(rules: Vec<(RuleInfo, &Node)>) -> Self {
        let mut compiler = Compiler::default();
        let (mut infos, mut exprs, mut anchors_of) = (Vec::new(), Vec::new(), Vec::new());
        for (info, query) in rules {
            let (expr, anchors) = compiler.rule(query);
            infos.push(info);
            exprs.push(expr);
            anchors_of.push(anchors);
        }
        let patterns = compiler.patterns;
        let mut set = Self {
            rules: infos.into(),
            index: TermIndex::new((0..).zip(&patterns)),
            hashtags: hashtags(&patterns),
            anchors: Anchors::new(&patterns, &anchors_of, &exprs),
            anchored: vec![SmallVec::new(); patterns.len()],
            authored: HashMap::new(),
            unanchored: Vec::new(),
            exprs,
            patterns,
        };
        for (rule, anchors) in (0..).zip(anchors_of) {
            set.post_anchors(rule, anchors);
        }
        set
    }

    fn post_anchors(&mut self, rule: RuleIndex, anchors: Option<Vec<Anchor>>) {
        let Some(anchors) = anchors else { return self.unanchored.push(rule) };
        for anchor in anchors {
            match anchor {
                Anchor::Atom(atom) => self.anchored[atom as usize].push(rule),
                Anchor::Author(who) => self.authored.entry(who).or_default().push(rule),
            }
        }
    }

    /// The rules' labels, by index.
    #[must_use]
    pub fn rules(&self) -> &Arc<[RuleInfo]> {
        &self.rules
    }

    /// What the prefilter looks for.
    #[must_use]
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// The rules that match `post`, in order, with their spans in its text.
    #[must_use]
    pub fn matches(&self, post: &Post, scratch: &mut Scratch) -> Vec<Match> {
        scratch.fold(post);
        self.find_atoms(post, scratch);
        self.find_candidates(post, scratch);
        let facts = Facts { post, segments: &scratch.segments[..scratch.used], present: &scratch.present };
        let text = &scratch.segments[0];
        let in_text = &scratch.hits[..scratch.in_text];
        let decide = |rule: RuleIndex| {
            let expr = &self.exprs[rule as usize];
            let found = facts.satisfy(expr);
            found.then(|| Match { rule, spans: spans(&facts, expr, in_text, text) })
        };
        let candidates = scratch.candidates.iter().copied();
        let Some(stopwatch) = scratch.costs.turn() else { return candidates.filter_map(decide).collect() };
        let timed = |rule| {
            let started = stopwatch();
            let found = decide(rule);
            scratch.costs.note(rule, stopwatch().saturating_sub(started));
            found
        };
        candidates.filter_map(timed).collect()
    }

    fn find_atoms(&self, post: &Post, scratch: &mut Scratch) {
        scratch.hits.clear();
        let Scratch { segments, used, hits, in_text, present, .. } = scratch;
        self.index.find(&segments[0], &self.patterns, hits);
        *in_text = hits.len();
        for caption in &segments[1..*used] {
            self.index.find(caption, &self.patterns, hits);
        }
        present.clear();
        present.extend(hits.iter().map(|hit| hit.atom));
        if !self.hashtags.is_empty() {
            let tags = post.hashtags.iter().map(|tag| Folded::new(tag.trim_start_matches('#')).text);
            let named = tags.filter_map(|tag| self.hashtags.get(&tag)).flatten();
            present.extend(named.filter(|&&atom| is_in_hashtags(&self.patterns[atom as usize], post)));
        }
        present.sort_unstable();
        present.dedup();
    }

    fn find_candidates(&self, post: &Post, scratch: &mut Scratch) {
        let Scratch { present, candidates, .. } = scratch;
        candidates.clear();
        candidates.extend_from_slice(&self.unanchored);
        candidates.extend(present.iter().flat_map(|&atom| self.anchored[atom as usize].iter().copied()));
        if !self.authored.is_empty() {
            let names = [Some(&post.author.id), post.author.handle.as_ref()].into_iter().flatten();
            let rules =
                names.filter_map(|name| self.authored.get(&name.trim_start_matches('@').to_lowercase()));
            candidates.extend(rules.flatten());
        }
        candidates.sort_unstable();
        candidates.dedup();
    }
}

fn hashtags(patterns: &[Pattern]) -> HashMap<String, Vec<AtomId>> {
    let mut by_tag: HashMap<String, Vec<AtomId>> = HashMap::new();
    for (atom, pattern) in (0..).zip(patterns) {
        if let Some(tag) = pattern.as_hashtag() {
            by_tag.entry_ref(tag).or_default().push(atom);
        }
    }
    by_tag
}

impl Anchors {
    fn new(patterns: &[Pattern], anchors: &[Option<Vec<Anchor>>], exprs: &[Expr]) -> Self {
        let mut named = hashbrown::HashSet::new();
        exprs.iter().for_each(|expr| collect_authors(expr, &mut named));
        let mut is_anchor = vec![false; patterns.len()];
        let mut authors = hashbrown::HashSet::new();
        for anchor in anchors.iter().flatten().flatten() {
            match anchor {
                Anchor::Atom(atom) => is_anchor[*atom as usize] = true,
                Anchor::Author(who) => _ = authors.insert(who.clone()),
            }
        }
        let chosen = || (0..).zip(patterns).filter(|(atom, _)| is_anchor[*atom as usize]);
        Self {
            terms: TermIndex::new(chosen()),
            has_hashtags: chosen().any(|(_, pattern)| pattern.as_hashtag().is_some()),
            authors,
            named,
            needs_all: anchors.iter().any(Option::is_none),
        }
    }
}

fn collect_authors(expr: &Expr, named: &mut hashbrown::HashSet<String>) {
    match expr {
        Expr::Field(Term::From(who)) => _ = named.insert(who.clone()),
        Expr::Not(inner) => collect_authors(inner, named),
        Expr::And(operands) | Expr::Or(operands) => {
            operands.iter().for_each(|operand| collect_authors(operand, named));
        }
        Expr::Atom(_) | Expr::AnyOf(_) | Expr::Field(_) => {}
    }
}

fn spans(facts: &Facts<'_>, expr: &Expr, in_text: &[Hit], text: &Folded) -> SmallVec<[Span; 2]> {
    let mut spans = SmallVec::new();
    facts.positive(expr, &mut |atom| {
        let places = in_text.iter().filter(|hit| hit.atom == atom);
        spans.extend(places.map(|hit| text.original_span(hit.start, hit.end)));
    });
    spans.sort_unstable();
    spans.dedup();
    spans.truncate(SPANS_MAX);
    spans
}
