//! When to give an item up, and what is kept of it: which, where, how often tried, and why.

use std::sync::Arc;

use crate::model::{ItemId, Lane, Timestamp};
use crate::store::{DeadLetter, OutboxEntry};
use crate::text::display::printable;

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

/// A server's reason as it may stand in logs, in dead letters and on terminals.
pub(super) fn shown(reason: &str) -> String {
    printable(reason, REASON_BYTES_MAX)
}

fn letter(sink: &Arc<str>, id: ItemId, lane: Lane, attempts: u32, reason: &str, at: Timestamp) -> DeadLetter {
    let mut reason = shown(reason);
    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
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

    #[test]
    fn a_reason_cannot_steer_the_terminal_that_shows_it() {
        let reason = "denied\u{1b}[2J \u{202e}gnp.exe\r\nby\u{200b}e";
        let letter = letter(&Arc::from("s"), ItemId(1), Lane::Low, 1, reason, Timestamp::ZERO);
        assert_eq!(letter.reason, "denied[2J gnp.exe  bye");
    }
}
