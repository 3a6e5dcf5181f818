//! A mention by itself: the item it would make if nothing had come before.

use std::time::Duration;

use crate::model::{AuthorHistory, Keyring, Mention, Moment, NewItem, RuleInfo, Timestamp};
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
    let keys = Keyring::FIXED;
    let context = Context { rules, received_at: now, lag: Duration::ZERO, now: Moment::at(now), keys };
    let subject = Subject::new(mention, context);
    let assignments = subject.assign(route, priority);
    let first = assignments.first()?;
    let cluster = subject.event;
    let item = super::scored(priority, subject.item_id(cluster, first), subject.factors(first, 0.0));
    let due_at = route.due_at(first.team, item.lane, now);
    Some(subject.new_item(first, cluster, item, due_at, AuthorHistory::default(), None))
}
