//! What stands in packs: rules, their tests, and the lists they name.

use std::sync::Arc;

use hashbrown::HashSet;

use super::list::KeywordList;
use super::place::place_in_file;
use crate::model::{Author, Post, PostKind, RuleInfo, RuleStatus, Span};
use crate::rules::diagnostic::SourceFile;
use crate::rules::query::ast::Node;
use crate::rules::query::term::Fold;

/// Everything that was read.
#[derive(Clone, Debug, Default)]
pub struct Packs {
    /// One per TOML file.
    pub packs: Vec<Pack>,
    /// All rules of all packs, those that are off included, in order of file and place.
    pub rules: Vec<LoadedRule>,
    /// One per list file that a pack names.
    pub lists: Vec<KeywordList>,
    /// Indices of the files with an error: what stands in them is not all here.
    pub broken: HashSet<usize>,
}

/// What a pack says about itself.
#[derive(Clone, Debug)]
pub struct Pack {
    /// Index of its file among those given to [`load`](super::load).
    pub file: usize,
    /// Label on metrics and work items.
    pub brand: Arc<str>,
    /// Who answers for its rules.
    pub owner: String,
    /// The lists that it names.
    pub lists: Vec<DeclaredList>,
}

/// One line under `[lists]`.
#[derive(Clone, Debug)]
pub struct DeclaredList {
    /// As in `list:NAME`.
    pub name: String,
    /// Index into [`Packs::lists`].
    pub list: usize,
    /// The key in the pack.
    pub span: Span,
}

/// One rule, parsed.
#[derive(Clone, Debug)]
pub struct LoadedRule {
    /// Labels and settings.
    pub info: RuleInfo,
    /// What it looks for.
    pub query: Node,
    /// The query as written; `query`'s spans point into this.
    pub source: String,
    /// How much of the spelling counts.
    pub fold: Fold,
    /// The tests beside it.
    pub tests: Vec<RuleTest>,
    /// Matches a day outside which the rule drifts.
    pub expect_per_day: Option<(u32, u32)>,
    /// Index into [`Packs::packs`].
    pub pack: usize,
    /// Index of its file among those given to [`load`](super::load).
    pub file: usize,
    /// Where its id stands.
    pub id_span: Span,
    /// Where its query stands, quotes included.
    pub query_span: Span,
    /// Where its team stands, for whoever knows the teams.
    pub team_span: Span,
    /// Where its reply template stands, for whoever knows the templates.
    pub reply_span: Option<Span>,
}

impl LoadedRule {
    /// False for a rule that is switched off.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.info.status != RuleStatus::Off
    }

    /// The bytes of the rule's file that a part of the query came from.
    #[must_use]
    pub fn place(&self, files: &[SourceFile], part: Span) -> Span {
        place_in_file(&files[self.file].text, self.query_span, &self.source, part)
    }
}

/// A text that a rule must match, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTest {
    /// The post's text.
    pub text: String,
    /// Whether the rule must match.
    pub expect: bool,
    /// The post's language tag, for rules with `lang:`.
    pub lang: Option<String>,
    /// The post's author, for rules with `from:`.
    pub from: Option<String>,
    /// The post's kind, for rules with `is:`.
    pub kind: PostKind,
    /// A picture is attached, for rules with `has:media`.
    pub media: bool,
    /// The account that the post answers, for rules with `to:`.
    pub to: Option<String>,
    /// The author's followers, for rules with `followers:`.
    pub followers: Option<u64>,
    /// The network, for rules with `source:`.
    pub source: &'static str,
    /// Where the test stands.
    pub span: Span,
}

impl RuleTest {
    /// The post that the test describes.
    #[must_use]
    pub fn post(&self) -> Post {
        let id = self.from.clone().unwrap_or_default();
        Post {
            text: self.text.clone(),
            network: self.source,
            parent: self.to.clone(),
            parent_author: self.to.as_ref().map(|to| to.trim_start_matches('@').to_owned()),
            author: Author { id, followers: self.followers, ..Author::default() },
            langs: self.lang.iter().cloned().collect(),
            kind: self.kind,
            has_media: self.media,
            ..Post::default()
        }
    }
}
