//! A batch on its way: which entries are settled, and how far each lane's cursor may move.
//!
//! A cursor passes a lane in order, so it stops before the first entry that is not settled; what lies behind it
//! and is settled moves with it later, or is sent again after a crash (receivers drop it by its key).

use crate::store::{DeadLetter, OutboxCursors, OutboxEntry};

/// One batch, being delivered.
pub(super) struct Progress {
    entries: Vec<OutboxEntry>,
    fates: Vec<Fate>,
}

enum Fate {
    /// Not settled; tried this often.
    Open(u32),
    Delivered,
    Dead(DeadLetter),
    /// Counted in a cursor already.
    Passed,
}

impl Progress {
    pub(super) fn new(entries: Vec<OutboxEntry>) -> Self {
        let fates = entries.iter().map(|_| Fate::Open(0)).collect();
        Self { entries, fates }
    }

    /// Places of the entries still to be delivered, in order.
    pub(super) fn open(&self) -> Vec<usize> {
        (0..self.fates.len()).filter(|&place| matches!(self.fates[place], Fate::Open(_))).collect()
    }

    /// The entries still to be delivered.
    pub(super) fn open_entries(&mut self) -> impl Iterator<Item = &mut OutboxEntry> {
        let open = |(entry, fate): (_, &Fate)| matches!(fate, Fate::Open(_)).then_some(entry);
        self.entries.iter_mut().zip(&self.fates).filter_map(open)
    }

    pub(super) fn entry(&self, place: usize) -> &OutboxEntry {
        &self.entries[place]
    }

    pub(super) fn delivered(&mut self, place: usize) {
        self.fates[place] = Fate::Delivered;
    }

    pub(super) fn dead(&mut self, place: usize, letter: DeadLetter) {
        self.fates[place] = Fate::Dead(letter);
    }

    /// Counts a try that failed; gives how many there were.
    pub(super) fn failed(&mut self, place: usize) -> u32 {
        match &mut self.fates[place] {
            Fate::Open(attempts) => {
                *attempts += 1;
                *attempts
            }
            _ => 0,
        }
    }

    /// Moves `cursors` over everything settled; gives the dead letters that were passed.
    pub(super) fn pass(&mut self, cursors: &mut OutboxCursors) -> Vec<DeadLetter> {
        let mut dead = Vec::new();
        let mut blocked = [false; 4];
        for (entry, fate) in self.entries.iter().zip(&mut self.fates) {
            let lane = usize::from(entry.lane.as_index());
            blocked[lane] |= matches!(fate, Fate::Open(_));
            if blocked[lane] {
                continue;
            }
            if let Fate::Dead(letter) = std::mem::replace(fate, Fate::Passed) {
                dead.push(letter);
            }
            cursors[lane] = cursors[lane].max(entry.number);
        }
        dead
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::dead_letter::dead_letter;
    use super::*;
    use crate::model::{Lane, Timestamp};

    fn entry(lane: Lane, number: i64) -> OutboxEntry {
        OutboxEntry { lane, number, seq: number, announced_at: Timestamp::ZERO, revision: 1, item: None }
    }

    #[test]
    fn a_lane_moves_up_to_its_first_open_entry_and_other_lanes_go_on() {
        let entries =
            vec![entry(Lane::High, 5), entry(Lane::High, 6), entry(Lane::Low, 9), entry(Lane::High, 7)];
        let mut progress = Progress::new(entries);
        let mut cursors = [8, 0, 4, 0];
        progress.delivered(0);
        progress.delivered(2);
        let letter = dead_letter(&Arc::from("s"), progress.entry(3), 1, "no", Timestamp::ZERO);
        progress.dead(3, letter.clone());
        assert!(progress.pass(&mut cursors).is_empty());
        assert_eq!(cursors, [9, 0, 5, 0]);
        assert_eq!(progress.open(), [1]);
        progress.delivered(1);
        assert_eq!(progress.pass(&mut cursors), [letter]);
        assert_eq!(cursors, [9, 0, 7, 0]);
        assert!(progress.pass(&mut cursors).is_empty(), "a dead letter is passed once");
    }
}
