//! The settings of a pack: the tables that the loader reads by, and that the JSON Schema for editors is made of.

use crate::model::network::Network;
use crate::model::{self, Lane, RuleStatus};

use crate::rules::query::ast::KINDS;
use crate::rules::query::term::Fold;

/// One setting.
pub(in crate::rules) struct Key {
    pub(in crate::rules) name: &'static str,
    pub(in crate::rules) is_required: bool,
    pub(in crate::rules) shape: Shape,
    /// As written in TOML.
    pub(in crate::rules) example: &'static str,
    /// What it means, in one line.
    pub(in crate::rules) meaning: &'static str,
}

/// What a setting takes.
pub(in crate::rules) enum Shape {
    /// 1 to 64 lower-case letters, digits and hyphens.
    Name,
    /// A text that is not blank.
    Text,
    /// A text, blank or not.
    AnyText,
    Query,
    /// One of a few words, the default first.
    Choice(fn() -> Vec<&'static str>),
    /// Two whole numbers, the lower first.
    Range,
    Flag,
    Number,
    /// A table with these settings.
    Table(&'static [Key]),
    /// An array of them.
    Tables(&'static [Key]),
    /// A table of names with the list file of each.
    ListFiles,
}

pub(in crate::rules) const FOLDS: [(&str, Fold); 3] =
    [("exact", Fold::Exact), ("standard", Fold::Standard), ("loose", Fold::Loose)];

pub(in crate::rules) const STATUSES: [(&str, RuleStatus); 3] = {
    let [live, shadow, off] = RuleStatus::ALL;
    [(live.as_str(), live), (shadow.as_str(), shadow), (off.as_str(), off)]
};

/// Networks that a test may come from; the first unless it says otherwise.
pub(in crate::rules) const NETWORKS: [(Network, Network); model::NETWORKS.len()] = {
    let [bluesky, mastodon, nostr, web, json] = model::NETWORKS;
    [(bluesky, bluesky), (mastodon, mastodon), (nostr, nostr), (web, web), (json, json)]
};

fn lanes() -> Vec<&'static str> {
    Lane::ALL.iter().map(|lane| lane.as_str()).collect()
}

fn folds() -> Vec<&'static str> {
    with_default_first(&FOLDS, Fold::default())
}

fn statuses() -> Vec<&'static str> {
    with_default_first(&STATUSES, RuleStatus::default())
}

fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|(name, _)| *name).collect()
}

fn networks() -> Vec<&'static str> {
    NETWORKS.iter().map(|(name, _)| *name).collect()
}

fn with_default_first<T: PartialEq>(choices: &[(&'static str, T)], default: T) -> Vec<&'static str> {
    let (first, rest): (Vec<_>, Vec<_>) = choices.iter().partition(|(_, value)| *value == default);
    first.into_iter().chain(rest).map(|(name, _)| *name).collect()
}

const fn required(name: &'static str, shape: Shape, example: &'static str, meaning: &'static str) -> Key {
    Key { name, is_required: true, shape, example, meaning }
}

const fn optional(name: &'static str, shape: Shape, example: &'static str, meaning: &'static str) -> Key {
    Key { name, is_required: false, shape, example, meaning }
}

/// A whole pack.
pub(in crate::rules) const FILE_KEYS: [Key; 3] = [
    required(
        "pack",
        Shape::Table(&PACK_KEYS),
        "{ brand = \"acme\", owner = \"care@acme.example\" }",
        "Whose rules these are.",
    ),
    optional(
        "lists",
        Shape::ListFiles,
        "{ products = \"acme-products.txt\" }",
        "Keyword lists beside the pack: `list:products` in a query is any of their terms.",
    ),
    optional(
        "rule",
        Shape::Tables(&RULE_KEYS),
        "[{ id = \"acme-outage\", query = 'acme down', team = \"support\" }]",
        "What to look for, and who gets it.",
    ),
];

/// `[pack]`.
pub(in crate::rules) const PACK_KEYS: [Key; 2] = [
    required("brand", Shape::Name, "\"acme\"", "Label on work items and metrics."),
    required("owner", Shape::Text, "\"care@acme.example\"", "Who answers for these rules."),
];

/// `[[rule]]`.
pub(in crate::rules) const RULE_KEYS: [Key; 9] = [
    required("id", Shape::Name, "\"acme-outage\"", "The rule's name, unique over all packs."),
    required(
        "query",
        Shape::Query,
        "'\"acme cloud\" (down OR outage) -is:repost'",
        "What to look for; between single quotes nothing needs escaping.",
    ),
    required("team", Shape::Name, "\"support\"", "Whose queue gets the work item."),
    optional(
        "priority",
        Shape::Choice(lanes),
        "\"high\"",
        "The lowest lane that an item of this rule may be in.",
    ),
    optional(
        "status",
        Shape::Choice(statuses),
        "\"shadow\"",
        "live: matches become work; shadow: they are counted and sampled, and nothing is sent; off: the rule is not used.",
    ),
    optional(
        "fold",
        Shape::Choice(folds),
        "\"loose\"",
        "How much of the spelling counts. exact: case and accents too; standard: neither; loose: repeated letters, digits for letters and look-alikes from other scripts do not count either.",
    ),
    optional(
        "reply",
        Shape::Name,
        "\"status-page\"",
        "The reply template that the rule asks for; the reply gate decides.",
    ),
    optional(
        "expect_per_day",
        Shape::Range,
        "[5, 400]",
        "Matches a day; outside of it the rule is reported as drifting.",
    ),
    optional(
        "tests",
        Shape::Tables(&TEST_KEYS),
        "[{ text = \"Acme Cloud is down\", match = true }]",
        "Texts that must match, and texts that are near and must not; `birddog test` runs them.",
    ),
];

/// One of `tests`.
pub(in crate::rules) const TEST_KEYS: [Key; 9] = [
    required("text", Shape::AnyText, "\"Acme Cloud is down again!!\"", "The post's text."),
    required("match", Shape::Flag, "true", "Whether the rule must match it."),
    optional("lang", Shape::AnyText, "\"de\"", "The post's language tag, for lang:."),
    optional("from", Shape::AnyText, "\"acme.example\"", "The author's handle or id, for from:."),
    optional(
        "to",
        Shape::AnyText,
        "\"acme.example\"",
        "The account that the post answers, for to:; the post is then a reply.",
    ),
    optional("kind", Shape::Choice(kinds), "\"repost\"", "The kind of post, for is:."),
    optional("media", Shape::Flag, "true", "A picture or video is attached, for has:media."),
    optional("followers", Shape::Number, "1200", "The author's followers, for followers:."),
    optional("source", Shape::Choice(networks), "\"mastodon\"", "The network, for source:."),
];
