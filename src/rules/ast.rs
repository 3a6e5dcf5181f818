//! What a query means: a tree of terms under AND, OR and NOT, each node with its place in the source.

use std::fmt;

use crate::model::{PostKind, Span};

use super::term::Pattern;

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
    /// `list:NAME`: true when any of its patterns is found.
    List {
        name: String,
        patterns: Vec<Pattern>,
    },
}

/// One condition on a post.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Words, phrases, prefixes, entities, emoji, substrings of unspaced scripts.
    Text(Pattern),
    /// `from:` by account id or handle, lower case, without `@`.
    From(String),
    /// `lang:` ISO 639, lower case; matches `en` in `en-GB`.
    Lang(String),
    /// `is:post|reply|repost|quote`.
    Is(PostKind),
    /// `has:…`.
    Has(Feature),
}

/// What `has:` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// A link, in the markup or as `http(s)://` in the text.
    Links,
    /// A picture or video.
    Media,
    /// A mentioned account, in the markup or as `@name` in the text.
    Mentions,
    /// A hashtag, in the markup or in the text.
    Hashtags,
    /// A pictograph in the text.
    Emoji,
}

impl Feature {
    /// All features with their names.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("links", Self::Links),
        ("media", Self::Media),
        ("mentions", Self::Mentions),
        ("hashtags", Self::Hashtags),
        ("emoji", Self::Emoji),
    ];

    /// The name after `has:`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, feature)| *feature == self).map_or("", |(name, _)| name)
    }
}

impl Term {
    /// Narrows a match, and cannot carry a rule alone: it says nothing about what the post is about.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        matches!(self, Self::Lang(_) | Self::Is(_) | Self::Has(_))
    }
}

/// Prints the query so that it parses to the same tree.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Term(term) => term.fmt(f),
            Kind::List { name, .. } => write!(f, "list:{name}"),
            Kind::Not(inner) => match inner.kind {
                Kind::And(_) | Kind::Or(_) | Kind::Not(_) => write!(f, "-({inner})"),
                _ => write!(f, "-{inner}"),
            },
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
        match node.kind {
            Kind::And(_) | Kind::Or(_) => write!(f, "({node})")?,
            _ => write!(f, "{node}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(pattern) => write!(f, "{pattern}"),
            Self::From(who) => write!(f, "from:{who}"),
            Self::Lang(lang) => write!(f, "lang:{lang}"),
            Self::Is(kind) => write!(f, "is:{}", kind_name(*kind)),
            Self::Has(feature) => write!(f, "has:{}", feature.as_str()),
        }
    }
}

/// All kinds of post with their names.
pub const KINDS: [(&str, PostKind); 4] = [
    ("post", PostKind::Post),
    ("reply", PostKind::Reply),
    ("repost", PostKind::Repost),
    ("quote", PostKind::Quote),
];

/// The name after `is:`.
#[must_use]
pub fn kind_name(kind: PostKind) -> &'static str {
    KINDS.iter().find(|(_, named)| *named == kind).map_or("", |(name, _)| name)
}
