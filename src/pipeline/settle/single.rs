//! A mention by itself: the item it would make if nothing had come before.

use std::time::Duration;

use crate::model::{AuthorHistory, Mention, NewItem, RuleInfo, Timestamp, stable_key};
use crate::route;
use crate::score::priority;

use super::subject::{Context, Subject};

/// The item for the first team that `mention` concerns; `None` when only shadow rules match. No duplicates are looked
/// for, neither history nor engagers are known, and no reply is decided.
#[must_use]
pub fn single_item(
    mention: &Mention,
    rules: &[RuleInfo],
    route: &route::Config,
    priority: &priority::Config,
    now: Timestamp,
) -> Option<NewItem> {
    let context = Context { rules, received_at: now, lag: Duration::ZERO, now };
    let author = stable_key(mention.post.author.id.as_bytes());
    let influence = mention.scores.influence;
    let subject = Subject { mention, post: mention.post.key(), author, influence, context };
    let assignments = subject.assign(route, priority);
    let first = assignments.first()?;
    let item = super::scored(priority, subject.item_id(first), subject.factors(first, 0.0));
    let due_at = route.due_at(first.team, item.lane, now);
    Some(subject.new_item(first, item, due_at, AuthorHistory::default(), None))
}
