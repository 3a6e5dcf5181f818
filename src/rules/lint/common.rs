//! Rules that consist of everyday words: about how many posts they would match.
//!
//! `common_words.tsv` has the share of posts that hold a word, by language, counted in public collections of posts by
//! `tests/lexicon/make_common_words.rs`; the collections are named there. Words that are not in it count as rare. Words
//! are taken as independent of each other, which is good enough to tell one post in ten from one in ten thousand.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::LazyLock;

use super::linter::{Lint, Linter, children};
use crate::rules::query::ast::{Kind, Node, Term};
use crate::rules::query::term::wildcard;
use crate::rules::query::term::{Form, Gap, Pattern};

pub(super) const COMMON_WORDS: Lint =
    Lint::warning("common-words", "a rule of everyday words, which would match more than 1% of posts");

/// A larger share of the posts in a language is too much.
const SHARE_MAX: f64 = 0.01;
/// Of one in the table: thousandths of a per cent.
const TABLE_UNIT: f64 = 100_000.0;

const NAMES: [(&str, &str); 5] =
    [("en", "English"), ("de", "German"), ("fr", "French"), ("es", "Spanish"), ("pt", "Portuguese")];

/// The share of posts that hold a word, for one language.
struct Language {
    code: &'static str,
    name: &'static str,
    shares: BTreeMap<&'static str, f64>,
}

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    let language = |(code, name)| Language { code, name, shares: shares_of(code).collect() };
    NAMES.into_iter().map(language).collect()
});

fn shares_of(code: &'static str) -> impl Iterator<Item = (&'static str, f64)> {
    include_str!("common_words.tsv").lines().filter(|line| !line.starts_with('#')).filter_map(move |line| {
        let mut fields = line.split('\t');
        let (language, word, share) = (fields.next()?, fields.next()?, fields.next()?);
        let share: f64 = share.parse().ok()?;
        (language == code).then_some((word, share / TABLE_UNIT))
    })
}

pub(super) fn lint(linter: &mut Linter<'_, '_>) {
    let query = &linter.rule.query;
    let shares = LANGUAGES.iter().map(|language| (language.share(query), language));
    let Some((share, language)) = shares.max_by(|a, b| a.0.total_cmp(&b.0)) else { return };
    // What no word limits is another lint's business.
    if share <= SHARE_MAX || share >= 1.0 {
        return;
    }
    let part = language.commonest(query);
    let message = format!(
        "`{}` is made of everyday words: about {:.0}% of {} posts would match",
        linter.written(part),
        (share * 100.0).max(1.0),
        language.name
    );
    let hint = "put the brand's name, a product or a phrase beside it; `birddog backtest` counts real posts";
    linter.report(&COMMON_WORDS, part.span, message, hint);
}

impl Language {
    /// About the share of posts that `node` matches; 1 for what no word limits.
    fn share(&self, node: &Node) -> f64 {
        match &node.kind {
            Kind::Term(Term::Text(pattern)) => self.share_of(pattern),
            Kind::Term(Term::Lang(code)) => f64::from(u8::from(code == self.code)),
            Kind::Term(term) => f64::from(u8::from(term.is_weak())),
            Kind::List { patterns, .. } => any(patterns.iter().map(|pattern| self.share_of(pattern))),
            Kind::Not(inner) => match &inner.kind {
                Kind::Term(Term::Lang(code)) => f64::from(u8::from(code != self.code)),
                _ => 1.0,
            },
            Kind::Near { left, right, .. } => self.share(left) * self.share(right),
            Kind::Window { terms, .. } => terms.iter().map(|term| self.share_of(term)).product(),
            Kind::And(nodes) => self.share_of_all(nodes),
            Kind::Or(nodes) => any(nodes.iter().map(|node| self.share(node))),
        }
    }

    /// The product, as far as it matters: terms first, since a rare one spares looking through lists.
    fn share_of_all(&self, nodes: &[Node]) -> f64 {
        let (first, rest): (Vec<&Node>, Vec<&Node>) = nodes
            .iter()
            .partition(|node| children(node).is_empty() && !matches!(node.kind, Kind::List { .. }));
        let mut share = 1.0;
        for node in first.into_iter().chain(rest) {
            share *= self.share(node);
            if share <= SHARE_MAX / 10.0 {
                return share;
            }
        }
        share
    }

    fn share_of(&self, pattern: &Pattern) -> f64 {
        match &pattern.form {
            Form::Words { sigil: 0, words, gaps, exact } => {
                let is_folded = exact.as_ref().is_none_or(|exact| exact == words);
                if is_folded { self.share_of_words(words, gaps) } else { 0.0 }
            }
            Form::Prefix { sigil: 0, prefix } => {
                let from = self.shares.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
                any(from.take_while(|(word, _)| word.starts_with(prefix.as_str())).map(|(_, share)| *share))
            }
            Form::Wildcard { sigil: 0, glob, .. } => any(self
                .shares
                .iter()
                .filter(|(word, _)| wildcard::fits(glob, word))
                .map(|(_, share)| *share)),
            Form::Substring { text, .. } => self.word(text),
            Form::Row(pieces) => pieces.iter().map(|piece| self.share_of(piece)).product(),
            _ => 0.0,
        }
    }

    fn word(&self, word: &str) -> f64 {
        self.shares.get(word).copied().unwrap_or(0.0)
    }

    /// "don't" is two words that stand together or not at all, `A.P.C.` is rare, and words with a space between them
    /// meet by chance.
    fn share_of_words(&self, words: &[String], gaps: &[Gap]) -> f64 {
        let mut share: f64 = self.word(&words[0]);
        for (word, gap) in words[1..].iter().zip(gaps) {
            match gap {
                Gap::Exactly(apostrophe) if apostrophe == "'" && word.chars().count() == 1 => {}
                Gap::Exactly(apostrophe) if apostrophe == "'" => share = share.min(self.word(word)),
                Gap::Exactly(_) => return 0.0,
                Gap::Any | Gap::Hyphen => share *= self.word(word),
            }
        }
        share
    }

    /// The side of an OR that is too common by itself, or the whole.
    fn commonest<'n>(&self, node: &'n Node) -> &'n Node {
        let Kind::Or(nodes) = &node.kind else { return node };
        let common = nodes.iter().filter(|node| self.share(node) > SHARE_MAX);
        let most = common.max_by(|a, b| self.share(a).total_cmp(&self.share(b)));
        most.map_or(node, |side| self.commonest(side))
    }
}

/// The share of posts with any of several things.
fn any(shares: impl Iterator<Item = f64>) -> f64 {
    1.0 - shares.map(|share| 1.0 - share).product::<f64>()
}
