//! What can be wrong with a query: each problem with its id, its sentence, the words under the caret, and a hint.
//!
//! Leaf of the parser. Where the query stands in a file, and how that is shown, is `diagnostic`'s business.

use thiserror::Error;

use crate::model::Span;

use super::limits::{DEPTH_MAX, QUERY_CHARS_MAX, QUERY_TERMS_MAX};
use super::near::DISTANCE_MAX;
use super::term::PatternError;

/// A problem and its place in the query text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct QueryError {
    /// Byte range in the query text.
    pub span: Span,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a part of a query.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Problem {
    #[error("the query is empty")]
    Empty,
    #[error("the query has {0} characters; the most is {QUERY_CHARS_MAX}")]
    TooLong(usize),
    #[error("the query has more than {QUERY_TERMS_MAX} terms")]
    TooManyTerms,
    #[error("groups are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    #[error("this `(` is never closed")]
    UnclosedGroup,
    #[error("this `)` closes nothing")]
    StrayClose,
    #[error("there is nothing between these parentheses")]
    EmptyGroup,
    #[error("this `\"` is never closed")]
    UnclosedQuote,
    #[error("{0} has nothing {1} it")]
    MissingOperand(&'static str, Side),
    #[error("`{0}` is not an operator of birddog")]
    ForeignSymbol(String, &'static str),
    #[error("{what} is not supported in this release")]
    Unsupported { what: String, instead: String },
    #[error("there is no operator `{name}:`")]
    UnknownOperator { name: String, hint: String },
    #[error("`{operator}:` needs a value")]
    MissingValue { operator: &'static str, example: &'static str },
    #[error("`{operator}:` takes one value, not a group")]
    GroupValue { operator: &'static str, instead: String },
    #[error("`{value}` is not a value of `{operator}:`")]
    BadValue { operator: &'static str, value: String, hint: String },
    #[error("there is no list `{name}` in this pack")]
    UnknownList { name: String, nearest: Option<String> },
    #[error("`{0}` has nothing to look for: only punctuation or invisible characters")]
    NothingToFind(String),
    #[error("the wildcard `{0}` is too short")]
    PrefixTooShort(String),
    #[error("`*` and `?` may stand only in a single word of letters and digits")]
    MisplacedWildcard,
    #[error("the distance after `{0}` must be a whole number up to {DISTANCE_MAX}")]
    Distance(&'static str),
    #[error("`NEAR/Nf` is not supported")]
    DirectedNear,
    #[error("{0}")]
    Near(NearMisuse),
    #[error("this `{{` is never closed")]
    UnclosedBrace,
    #[error("braces stand around a whole word, not inside one")]
    MisplacedBrace,
    #[error("this is a typographic quotation mark, not `\"`")]
    TypographicQuote,
    #[error("this is a typographic dash, not `-`")]
    TypographicDash,
    #[error("a `-` stands alone")]
    LoneMinus,
    #[error("{0}")]
    NoAnchor(Unanchored),
}

/// What NEAR, ONEAR and `"…"~N` cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum NearMisuse {
    #[error("NEAR needs terms, phrases, lists, or an OR of these on both sides")]
    Operand,
    #[error("NEAR cannot be chained")]
    Chain,
    #[error("`\"…\"~N` needs at least two words")]
    SingleWord,
}

impl NearMisuse {
    const fn hint(self) -> &'static str {
        match self {
            Self::Operand => {
                "write OR between alternatives, `a NEAR/5 (b OR c)`, and keep what NEAR should not take outside of its \
                 parentheses: `(a NEAR/5 b) -c`"
            }
            Self::Chain => "use `\"a b c\"~5` for several words, or `(a NEAR/5 b) (b NEAR/5 c)`",
            Self::SingleWord => "write the words between the quotes: `\"not working\"~3`",
        }
    }
}

/// Which operand is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Side {
    Before,
    After,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

/// What a query without a positive anchor is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Unanchored {
    Negation,
    Weak,
    /// `raw:` of a hashtag, of emoji, or of a script without spaces.
    Raw,
}

impl std::fmt::Display for Unanchored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Negation => "a negation alone would match nearly every post",
            Self::Weak => {
                "`lang:`, `source:`, `is:`, `has:`, `followers:`, a score or raw punctuation alone would match nearly every post"
            }
            Self::Raw => {
                "`raw:` of hashtags, emoji or scripts without spaces has no word to look it up by, and cannot stand alone"
            }
        })
    }
}

impl Problem {
    /// Why `source` is no term.
    pub(in crate::rules) fn of_pattern(error: PatternError, source: &str) -> Self {
        match error {
            PatternError::Empty => Self::NothingToFind(source.to_owned()),
            PatternError::PrefixTooShort => Self::PrefixTooShort(source.to_owned()),
            PatternError::MisplacedWildcard => Self::MisplacedWildcard,
        }
    }

    /// Stable name, for the JSON form and for searching.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Empty | Self::EmptyGroup => "query-empty",
            Self::TooLong(_) | Self::TooManyTerms | Self::TooDeep => "query-too-large",
            Self::UnclosedGroup | Self::StrayClose => "query-parentheses",
            Self::UnclosedQuote | Self::TypographicQuote => "query-quotes",
            Self::MissingOperand(..) | Self::LoneMinus | Self::TypographicDash => "query-operand",
            Self::ForeignSymbol(..) | Self::Unsupported { .. } => "query-unsupported",
            Self::UnknownOperator { .. } => "query-unknown-operator",
            Self::MissingValue { .. } | Self::GroupValue { .. } | Self::BadValue { .. } => "query-value",
            Self::UnknownList { .. } => "query-unknown-list",
            Self::NothingToFind(_) => "query-nothing-to-find",
            Self::PrefixTooShort(_) | Self::MisplacedWildcard => "query-wildcard",
            Self::Distance(_) | Self::DirectedNear | Self::Near(_) => "query-proximity",
            Self::UnclosedBrace | Self::MisplacedBrace => "query-braces",
            Self::NoAnchor(_) => "query-no-anchor",
        }
    }

    /// A few words for beside the caret.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Empty => "write at least one word here".to_owned(),
            Self::UnclosedGroup | Self::UnclosedQuote | Self::UnclosedBrace => "opened here".to_owned(),
            Self::StrayClose => "no `(` before it".to_owned(),
            Self::MissingOperand(_, side) => format!("nothing {side} this"),
            Self::UnknownOperator { .. } => "unknown operator".to_owned(),
            Self::Unsupported { .. } | Self::ForeignSymbol(..) => "not supported".to_owned(),
            Self::UnknownList { .. } => "not under [lists]".to_owned(),
            Self::NoAnchor(_) => "needs a word, a phrase, a list, an account or a link beside it".to_owned(),
            _ => String::new(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Empty | Self::EmptyGroup => "a query is words, phrases in quotes and operators, such as \
                `\"acme cloud\" (down OR outage) -is:repost`"
                .to_owned(),
            Self::TooLong(_) | Self::TooManyTerms => {
                "move the terms to a keyword list and use list:NAME, or split the rule".to_owned()
            }
            Self::TooDeep => "write the groups side by side, or split the rule".to_owned(),
            Self::UnclosedGroup => "add a `)` where the group ends".to_owned(),
            Self::StrayClose => "remove it, or add the `(` that it closes".to_owned(),
            Self::UnclosedQuote => "add a `\"` where the phrase ends".to_owned(),
            Self::MissingOperand(name, side) => {
                format!("put a term {side} {name}, or put {name} in quotes to look for the word itself")
            }
            Self::ForeignSymbol(_, instead) => (*instead).to_owned(),
            Self::Unsupported { instead, .. } => instead.clone(),
            Self::MissingValue { example, .. } => format!("write it without a space, such as {example}"),
            Self::GroupValue { instead, .. } => format!("write {instead}"),
            Self::UnknownOperator { hint, .. } | Self::BadValue { hint, .. } => hint.clone(),
            Self::UnknownList { name, nearest } => match nearest {
                Some(nearest) => format!("did you mean list:{nearest}?"),
                None => format!("add `{name} = \"{name}.txt\"` under [lists]"),
            },
            Self::NothingToFind(_) => "use words, numbers, hashtags or emoji".to_owned(),
            Self::PrefixTooShort(_) => {
                "write at least three letters or digits beside the `*` and `?`".to_owned()
            }
            Self::MisplacedWildcard => {
                "write `outag*`, `*phone` or `colo?r`; list other forms with OR: `(colour OR color)`"
                    .to_owned()
            }
            Self::Distance(name) => format!("write {name}5, in one piece, for at most 5 words"),
            Self::DirectedNear => "use ONEAR/N: the operands then stand in this order".to_owned(),
            Self::Near(misuse) => misuse.hint().to_owned(),
            Self::UnclosedBrace => "add a `}` where the case-sensitive word ends".to_owned(),
            Self::MisplacedBrace => "write `{Apple}` for the word Apple in just this case".to_owned(),
            Self::TypographicQuote => "type plain \" at both ends of the phrase".to_owned(),
            Self::TypographicDash => {
                "type a plain - to exclude; put the term in quotes if the dash belongs to it".to_owned()
            }
            Self::LoneMinus => "put it directly before what it excludes: `-term` or `-(a OR b)`".to_owned(),
            Self::NoAnchor(Unanchored::Raw) => {
                "write the term without raw:, as {Case} if its case counts, or put a word beside it"
                    .to_owned()
            }
            Self::NoAnchor(_) => "say what the post must be about; an OR needs that on every side".to_owned(),
        }
    }
}
