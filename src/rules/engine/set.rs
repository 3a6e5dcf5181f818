//! The compiled rule set: immutable, shared by all workers, swapped whole.

use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::model::{Match, Post, RuleIndex, RuleInfo, Scores, Span};
use crate::text::Folded;

use super::compile::{Anchor, Compiler, Expr};
use super::eval::Found;
use super::facts::{Facts, Scoring, is_in_hashtags};
use super::index::{AtomId, Hit, TermIndex};
use crate::rules::pack::LoadedRule;
use crate::rules::query::ast::Node;
use crate::rules::query::term::{Form, Pattern};

/// Spans listed per match; more would only blur the reader's eye.
const SPANS_MAX: usize = 32;

/// All rules, compiled.
#[derive(Debug)]
pub struct RuleSet {
    rules: Arc<[RuleInfo]>,
    exprs: Vec<Expr>,
    patterns: Vec<Arc<Pattern>>,
    index: TermIndex,
    /// The terms of rules with `fold = "loose"`, if there are any.
    loose: Option<TermIndex>,
    /// By folded tag: atoms written as `#tag`, which the platform's own markup can satisfy.
    hashtags: HashMap<String, Vec<AtomId>>,
    anchors: Anchors,
    /// For each atom, the rules that it anchors.
    anchored: Vec<SmallVec<[RuleIndex; 1]>>,
    /// For each author, the rules that they anchor.
    authored: HashMap<String, Vec<RuleIndex>>,
    /// Rules without an anchor, evaluated on every post that comes this far.
    unanchored: Vec<RuleIndex>,
    /// For each rule, whether it can be decided only once the post is scored.
    needs_scores: Vec<bool>,
}

/// What the prefilter needs: a post without any of these cannot match.
#[derive(Debug)]
pub struct Anchors {
    /// Finds the anchor terms.
    pub terms: TermIndex,
    /// Finds those of rules with `fold = "loose"`, if there are any: in texts that have been loosened.
    pub loose: Option<TermIndex>,
    /// Some anchor is a hashtag, so the platform's own tag list counts.
    pub has_hashtags: bool,
    /// Authors who are anchors, by id or handle, lower case.
    pub authors: hashbrown::HashSet<String>,
    /// Every account that some rule names, anchor or not: to decide `from:`, `to:` and `mentions:`, their handles must
    /// be known.
    pub named: hashbrown::HashSet<String>,
    /// Some rule has no anchor: nothing can be filtered.
    pub needs_all: bool,
}

/// What [`RuleSet::matches_watched`] has just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The post is folded, its terms are found, and the rules to look at are known: what all rules share.
    Found,
    /// The post was scored, since a rule to look at asks for it.
    Scored,
    /// This rule was evaluated, whether or not it matched.
    Decided(RuleIndex),
}

/// Working memory of one worker, reused from post to post.
#[derive(Debug, Default)]
pub struct Scratch {
    segments: Vec<Folded>,
    used: usize,
    hits: Vec<Hit>,
    /// For each segment, where its hits end in `hits`.
    ends: Vec<usize>,
    present: Vec<AtomId>,
    candidates: Vec<RuleIndex>,
}

impl Scratch {
    /// The folded text of the last post matched, then its folded captions.
    #[must_use]
    pub fn segments(&self) -> &[Folded] {
        &self.segments[..self.used]
    }

    /// Exchanges the folded text of the last post matched for one whose room may be used again.
    pub fn swap_text(&mut self, text: &mut Folded) {
        if let Some(first) = self.segments.first_mut() {
            std::mem::swap(first, text);
        }
    }

    fn fold(&mut self, post: &Post, loosely: bool) {
        self.used = 1 + post.captions.len();
        self.segments.resize_with(self.segments.len().max(self.used), Folded::default);
        let texts = std::iter::once(&post.text).chain(&post.captions);
        for (segment, text) in self.segments.iter_mut().zip(texts) {
            segment.fold(text);
            if loosely {
                segment.loosen();
            }
        }
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
            index: TermIndex::new((0..).zip(&patterns).filter(|(_, pattern)| !pattern.is_loose)),
            loose: loose_index((0..).zip(&patterns)),
            hashtags: hashtags(&patterns),
            anchors: Anchors::new(&patterns, &anchors_of, &exprs),
            anchored: vec![SmallVec::new(); patterns.len()],
            authored: HashMap::new(),
            unanchored: Vec::new(),
            needs_scores: exprs.iter().map(needs_scores).collect(),
            exprs,
            patterns,
        };
        for (rule, anchors) in (0..).zip(anchors_of) {
            set.post_anchors(rule, anchors);
        }
        set
    }

    /// As [`RuleSet::compile`], from rules as they were loaded; those that are off are compiled as well if they are
    /// among `rules`.
    #[must_use]
    pub fn of_loaded<'r>(rules: impl IntoIterator<Item = &'r LoadedRule>) -> Self {
        Self::compile(rules.into_iter().map(|rule| (rule.info.clone(), &rule.query)).collect())
    }

    /// Rules without a term that must be there: they are evaluated on every post.
    #[must_use]
    pub fn unanchored(&self) -> &[RuleIndex] {
        &self.unanchored
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

    /// The rules that match `post`, in order, with their spans in its text. `scoring` is asked at most once, and only
    /// when a rule that may match asks for scores.
    #[must_use]
    pub fn matches(&self, post: &Post, scratch: &mut Scratch, scoring: &mut Scoring<'_>) -> Vec<Match> {
        self.matches_watched(post, scratch, scoring, &mut |_| {})
    }

    /// As [`RuleSet::matches`], telling `watch` of every step: whoever has a clock can say what each rule costs.
    #[must_use]
    pub fn matches_watched(
        &self,
        post: &Post,
        scratch: &mut Scratch,
        scoring: &mut Scoring<'_>,
        watch: &mut impl FnMut(Step),
    ) -> Vec<Match> {
        scratch.fold(post, self.loose.is_some());
        self.find_atoms(post, scratch);
        self.find_candidates(post, scratch);
        watch(Step::Found);
        let mut matches = Vec::new();
        if scratch.candidates.is_empty() {
            return matches;
        }
        let segments = &scratch.segments[..scratch.used];
        let mut scores = Scores::default();
        if scratch.candidates.iter().any(|rule| self.needs_scores[*rule as usize]) {
            scores = scoring(post, &segments[0]);
            watch(Step::Scored);
        }
        let facts = Facts { post, segments, scores: &scores };
        let found = Found { facts, present: &scratch.present, hits: &scratch.hits, ends: &scratch.ends };
        for &rule in &scratch.candidates {
            let expr = &self.exprs[rule as usize];
            if found.satisfy(expr) {
                matches.push(Match { rule, spans: spans(&found, expr, &segments[0]) });
            }
            watch(Step::Decided(rule));
        }
        matches
    }

    fn find_atoms(&self, post: &Post, scratch: &mut Scratch) {
        let Scratch { segments, used, hits, ends, present, .. } = scratch;
        hits.clear();
        ends.clear();
        for segment in &segments[..*used] {
            self.index.find(segment, &self.patterns, hits);
            if let Some(loose) = &self.loose {
                loose.find_loosely(segment, &self.patterns, hits);
            }
            ends.push(hits.len());
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

fn hashtags(patterns: &[Arc<Pattern>]) -> HashMap<String, Vec<AtomId>> {
    let mut by_tag: HashMap<String, Vec<AtomId>> = HashMap::new();
    for (atom, pattern) in (0..).zip(patterns) {
        if let Some(tag) = pattern.as_hashtag() {
            by_tag.entry_ref(tag).or_default().push(atom);
        }
    }
    by_tag
}

impl Anchors {
    fn new(patterns: &[Arc<Pattern>], anchors: &[Option<Vec<Anchor>>], exprs: &[Expr]) -> Self {
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
        let has_hashtags = chosen().any(|(_, pattern)| pattern.as_hashtag().is_some());
        let bare: Vec<(AtomId, Arc<Pattern>)> =
            chosen().map(|(atom, pattern)| (atom, without_sign(pattern))).collect();
        let chosen = || bare.iter().map(|(atom, pattern)| (*atom, pattern));
        Self {
            terms: TermIndex::new(chosen().filter(|(_, pattern)| !pattern.is_loose)),
            loose: loose_index(chosen()),
            has_hashtags,
            authors,
            named,
            needs_all: anchors.iter().any(Option::is_none),
        }
    }
}

/// `#東京` as the platform's markup names it: without its sign, which the prefilter must not look for.
fn without_sign(pattern: &Arc<Pattern>) -> Arc<Pattern> {
    match (&pattern.form, pattern.as_hashtag()) {
        (Form::Substring { .. }, Some(tag)) => Arc::new(Pattern {
            form: Form::Substring { text: tag.to_owned(), exact: None },
            ..Pattern::clone(pattern)
        }),
        _ => Arc::clone(pattern),
    }
}

/// An index over the loose patterns among these, if there are any.
fn loose_index<'a>(patterns: impl Iterator<Item = (AtomId, &'a Arc<Pattern>)>) -> Option<TermIndex> {
    let mut loose = patterns.filter(|(_, pattern)| pattern.is_loose).peekable();
    loose.peek().is_some().then(|| TermIndex::new(loose))
}

fn needs_scores(expr: &Expr) -> bool {
    match expr {
        Expr::Field(term) => term.needs_scores(),
        Expr::Not(inner) => needs_scores(inner),
        Expr::And(operands) | Expr::Or(operands) => operands.iter().any(needs_scores),
        Expr::Atom(_) | Expr::AnyOf(_) | Expr::Near(_) | Expr::Window(_) => false,
    }
}

fn collect_authors(expr: &Expr, named: &mut hashbrown::HashSet<String>) {
    match expr {
        Expr::Field(term) => named.extend(term.account().map(str::to_owned)),
        Expr::Not(inner) => collect_authors(inner, named),
        Expr::And(operands) | Expr::Or(operands) => {
            operands.iter().for_each(|operand| collect_authors(operand, named));
        }
        Expr::Atom(_) | Expr::AnyOf(_) | Expr::Near(_) | Expr::Window(_) => {}
    }
}

fn spans(found: &Found<'_>, expr: &Expr, text: &Folded) -> SmallVec<[Span; 2]> {
    let mut spans = SmallVec::new();
    found.positive(expr, &mut |(start, end)| spans.push(text.original_span(start, end)));
    spans.sort_unstable();
    spans.dedup();
    spans.truncate(SPANS_MAX);
    spans
}
