//! What a query means: a tree of terms under AND, OR and NOT, each node with its place in the source.

use std::fmt;
use std::sync::Arc;

use crate::model::{Intent, PostKind, Span};

use super::comparison::Comparison;
use super::term::Pattern;
pub use super::values::{Feature, KINDS, kind_name};

/// A query, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Byte range in the query text.
    pub span: Span,
    /// What stands there.
    pub kind: Kind,
}

/// The kinds of [`Node`]. `And` and `Or` have at least two operands.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Term(Term),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    /// `left NEAR/N right` and `left ONEAR/N right`. The operands are terms, lists, or an OR of these.
    Near {
        left: Box<Node>,
        right: Box<Node>,
        /// In words; neighbours are at 1.
        distance: u8,
        /// The left one stands first.
        ordered: bool,
    },
    /// `"a b c"~N`: all these words in any order, with at most `slack` others among them.
    Window {
        /// As between the quotes.
        source: String,
        terms: Vec<Arc<Pattern>>,
        slack: u8,
    },
    /// `list:NAME`: true when any of its patterns is found.
    List {
        name: String,
        patterns: Arc<[Arc<Pattern>]>,
    },
}

/// One condition on a post.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Words, phrases, prefixes, entities, emoji, substrings of unspaced scripts.
    Text(Arc<Pattern>),
    /// `from:` by account id or handle, lower case, without `@`.
    From(String),
    /// `to:`, as above.
    To(String),
    /// `mentions:`, as above.
    Mentions(String),
    /// `lang:` ISO 639, lower case; matches `en` in `en-GB`.
    Lang(String),
    /// `source:` network, lower case.
    Source(String),
    /// `url:` part of a link, lower case.
    Url(String),
    /// `domain:`, lower case.
    Domain(String),
    /// `is:post|reply|repost|quote`.
    Is(PostKind),
    /// `has:…`.
    Has(Feature),
    /// `followers:`.
    Followers(Comparison<u64>),
    /// `sentiment:`, −1 to 1.
    Sentiment(Comparison<f32>),
    /// `urgency:`, 0 to 1.
    Urgency(Comparison<f32>),
    /// `intent:`.
    Intent(Intent),
}

impl Node {
    /// True when every way to satisfy the node requires some term that `carries` it: an AND needs one operand that does,
    /// an OR needs all, a negation never does.
    #[must_use]
    pub fn requires(&self, carries: fn(&Term) -> bool) -> bool {
        match &self.kind {
            Kind::Term(term) => carries(term),
            Kind::List { patterns, .. } => !patterns.iter().any(|pattern| pattern.is_unanchored()),
            Kind::Near { left, right, .. } => left.requires(carries) || right.requires(carries),
            Kind::Window { terms, .. } => !terms.iter().all(|term| term.is_unanchored()),
            Kind::Not(_) => false,
            Kind::And(nodes) => nodes.iter().any(|node| node.requires(carries)),
            Kind::Or(nodes) => nodes.iter().all(|node| node.requires(carries)),
        }
    }

    /// The smallest part because of which the node does not [require](Node::requires) such a term.
    pub(in crate::rules) fn unrequiring(&self, carries: fn(&Term) -> bool) -> Option<&Self> {
        match &self.kind {
            _ if self.requires(carries) => None,
            Kind::Or(nodes) => nodes.iter().find_map(|node| node.unrequiring(carries)),
            _ => Some(self),
        }
    }

    /// Calls `each` with the name of every `list:` in the query, excluded ones too.
    pub(in crate::rules) fn each_list<'n>(&'n self, each: &mut impl FnMut(&'n str)) {
        match &self.kind {
            Kind::List { name, .. } => each(name),
            Kind::Not(inner) => inner.each_list(each),
            Kind::Near { left, right, .. } => [left, right].into_iter().for_each(|side| side.each_list(each)),
            Kind::And(nodes) | Kind::Or(nodes) => nodes.iter().for_each(|node| node.each_list(each)),
            Kind::Term(_) | Kind::Window { .. } => {}
        }
    }
}

impl Term {
    /// Narrows a match, and cannot carry a rule alone: it says nothing about what the post is about.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        match self {
            Self::Text(pattern) => pattern.is_unanchored(),
            Self::From(_) | Self::To(_) | Self::Mentions(_) | Self::Url(_) | Self::Domain(_) => false,
            Self::Lang(_) | Self::Source(_) | Self::Is(_) | Self::Has(_) | Self::Followers(_) => true,
            Self::Sentiment(_) | Self::Urgency(_) | Self::Intent(_) => true,
        }
    }

    /// Can be decided only once the post is scored.
    #[must_use]
    pub fn needs_scores(&self) -> bool {
        matches!(self, Self::Sentiment(_) | Self::Urgency(_) | Self::Intent(_))
    }

    /// The account named by `from:`, `to:` or `mentions:`.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::From(who) | Self::To(who) | Self::Mentions(who) => Some(who),
            _ => None,
        }
    }
}

/// Prints the query so that it parses to the same tree.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Term(term) => term.fmt(f),
            Kind::List { name, .. } => write!(f, "list:{name}"),
            Kind::Not(inner) => match inner.kind {
                Kind::And(_) | Kind::Or(_) | Kind::Near { .. } => write!(f, "-({inner})"),
                _ => write!(f, "-{inner}"),
            },
            Kind::Near { left, right, distance, ordered } => {
                let name = if *ordered { "ONEAR" } else { "NEAR" };
                write_operand(f, left)?;
                write!(f, " {name}/{distance} ")?;
                write_operand(f, right)
            }
            Kind::Window { source, slack, .. } => write!(f, "\"{source}\"~{slack}"),
            Kind::And(nodes) => write_joined(f, nodes, " "),
            Kind::Or(nodes) => write_joined(f, nodes, " OR "),
        }
    }
}

fn write_joined(f: &mut fmt::Formatter<'_>, nodes: &[Node], separator: &str) -> fmt::Result {
    for (at, node) in nodes.iter().enumerate() {
        if at > 0 {
            f.write_str(separator)?;
        }
        write_operand(f, node)?;
    }
    Ok(())
}

fn write_operand(f: &mut fmt::Formatter<'_>, node: &Node) -> fmt::Result {
    match node.kind {
        Kind::And(_) | Kind::Or(_) => write!(f, "({node})"),
        _ => write!(f, "{node}"),
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(pattern) => write!(f, "{pattern}"),
            Self::From(who) => write!(f, "from:{who}"),
            Self::To(who) => write!(f, "to:{who}"),
            Self::Mentions(who) => write!(f, "mentions:{who}"),
            Self::Lang(lang) => write!(f, "lang:{lang}"),
            Self::Source(network) => write!(f, "source:{network}"),
            Self::Url(part) => write_value(f, "url", part),
            Self::Domain(domain) => write!(f, "domain:{domain}"),
            Self::Is(kind) => write!(f, "is:{}", kind_name(*kind)),
            Self::Has(feature) => write!(f, "has:{}", feature.as_str()),
            Self::Followers(range) => write!(f, "followers:{range}"),
            Self::Sentiment(range) => write!(f, "sentiment:{range}"),
            Self::Urgency(range) => write!(f, "urgency:{range}"),
            Self::Intent(intent) => write!(f, "intent:{}", intent.as_str()),
        }
    }
}

/// A value with parentheses needs quotes.
fn write_value(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    if value.contains(['(', ')']) { write!(f, "{name}:\"{value}\"") } else { write!(f, "{name}:{value}") }
}
