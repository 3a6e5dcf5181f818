//! A mention by itself: the item it would make if nothing had come before.

use std::time::Duration;

use super::case::{Context, KeyedMention};
use super::route::drafts;
use crate::model::{AuthorHistory, Keyring, Mention, Moment, NewItem, RuleInfo, Timestamp};
use crate::route;
use crate::score::priority;

/// The item for the first team that `mention` concerns; `None` when only shadow rules match. No duplicates are looked
/// for, neither history nor engagers are known, and no reply is decided.
#[must_use]
pub fn single_item(
    mention: &Mention,
    rules: &[RuleInfo],
    routes: &route::Config,
    weights: &priority::Config,
    now: Timestamp,
) -> Option<NewItem> {
    let keys = Keyring::FIXED;
    let context = Context { rules, received_at: now, lag: Duration::ZERO, now: Moment::at(now), keys };
    let keyed = KeyedMention::new(mention, context);
    let mut draft = drafts(&keyed, keyed.event, routes, weights).into_iter().next()?;
    draft.priority = weights.priority(keyed.factors(draft.brand, 0.0, draft.floor));
    let due_at = routes.due_at(&draft.team, draft.priority.lane, now);
    Some(keyed.new_item(&draft, keyed.event, due_at, AuthorHistory::default()))
}
