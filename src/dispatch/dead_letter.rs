//! When to give an item up, and what is kept of it: which, where, how often tried, and why.

use std::sync::Arc;

use crate::model::{ItemId, Lane, Timestamp};
use crate::store::{DeadLetter, OutboxEntry};

/// Longest reason kept, in bytes; a server's answer may be long.
pub const REASON_BYTES_MAX: usize = 512;

/// Files an entry as dead.
pub(super) fn dead_letter(
    sink: &Arc<str>,
    entry: &OutboxEntry,
    attempts: u32,
    reason: &str,
    at: Timestamp,
) -> DeadLetter {
    let id = entry.item.as_ref().map_or(ItemId(0), |item| item.id);
    letter(sink, id, entry.lane, attempts, reason, at)
}

fn letter(sink: &Arc<str>, id: ItemId, lane: Lane, attempts: u32, reason: &str, at: Timestamp) -> DeadLetter {
    let reason = reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].to_owned();
    DeadLetter { at, sink: Arc::clone(sink), id, lane, attempts, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let letter = letter(&Arc::from("s"), ItemId(1), Lane::Low, 1, &"é".repeat(999), Timestamp::ZERO);
        assert_eq!(letter.reason.len(), REASON_BYTES_MAX);
    }
}
