//! What is remembered of authors: how often, since when, how they felt last.
//!
//! Bounded by count. When full, the author who was longest without a mention leaves, nearly: a second chance for those
//! who came again since they were looked at last (the clock algorithm). Only mentions that made items count, so that
//! the store can give back the same after a restart.

use std::collections::VecDeque;

use crate::model::{AuthorHistory, Key, KeyMap, Moment, Steady};

/// Histories by author key. One owner.
#[derive(Debug)]
pub(super) struct Authors {
    known_max: usize,
    known: KeyMap<Known>,
    /// Each known author once, in the order of the next look.
    queue: VecDeque<Key>,
    evicted: u64,
}

#[derive(Debug)]
struct Known {
    history: AuthorHistory,
    came_again: bool,
    /// When the account ended, last; the beginning of time when it never did.
    gone_at: Steady,
}

impl Authors {
    pub(super) fn new(known_max: usize) -> Self {
        Self { known_max: known_max.max(1), known: KeyMap::default(), queue: VecDeque::new(), evicted: 0 }
    }

    /// Records a mention and returns what was known before it.
    pub(super) fn record(&mut self, author: Key, sentiment: f32, items: u32, now: Moment) -> AuthorHistory {
        let history = self.entry(author);
        let before = *history;
        history.mentions = history.mentions.saturating_add(1);
        history.open_items = history.open_items.saturating_add(items);
        history.last_sentiment = Some(sentiment);
        history.first_seen.get_or_insert(now.wall);
        before
    }

    /// Items were closed or withdrawn. Authors who are not known stay so.
    pub(super) fn close(&mut self, author: Key, items: u32) {
        if let Some(known) = self.known.get_mut(&author) {
            known.history.open_items = known.history.open_items.saturating_sub(items);
        }
    }

    /// The account ended, and with it everything that was open.
    pub(super) fn end(&mut self, author: Key, now: Steady) {
        if let Some(known) = self.known.get_mut(&author) {
            known.history.open_items = 0;
            known.gone_at = now;
        }
    }

    /// True when the account ended after `time`.
    pub(super) fn is_gone_since(&self, author: Key, time: Steady) -> bool {
        self.known.get(&author).is_some_and(|known| known.gone_at >= time)
    }

    /// Items were added to a mention that has been recorded.
    pub(super) fn open(&mut self, author: Key, items: u32) {
        if let Some(known) = self.known.get_mut(&author) {
            known.history.open_items = known.history.open_items.saturating_add(items);
        }
    }

    pub(super) fn get(&self, author: Key) -> Option<&AuthorHistory> {
        self.known.get(&author).map(|known| &known.history)
    }

    /// For another item of a mention that has been recorded: as now, without that mention.
    pub(super) fn before_latest(&self, author: Key) -> AuthorHistory {
        let history = self.get(author).copied().unwrap_or_default();
        AuthorHistory { mentions: history.mentions.saturating_sub(1), ..history }
    }

    pub(super) fn restore(&mut self, author: Key, history: AuthorHistory) {
        *self.entry(author) = history;
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.evicted
    }

    fn entry(&mut self, author: Key) -> &mut AuthorHistory {
        if !self.known.contains_key(&author) {
            if self.known.len() >= self.known_max {
                self.evict();
            }
            self.queue.push_back(author);
            let new = Known {
                history: AuthorHistory::default(),
                came_again: false,
                gone_at: Steady::from_micros(i64::MIN),
            };
            return &mut self.known.entry(author).insert(new).into_mut().history;
        }
        let known = self.known.get_mut(&author).expect("looked up just now");
        known.came_again = true;
        &mut known.history
    }

    fn evict(&mut self) {
        while let Some(author) = self.queue.pop_front() {
            match self.known.get_mut(&author) {
                Some(known) if known.came_again => {
                    known.came_again = false;
                    self.queue.push_back(author);
                }
                _ => {
                    self.known.remove(&author);
                    self.evicted += 1;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    const NOW: Moment = Moment::at(Timestamp::from_micros(1_000_000));

    #[test]
    fn a_mention_sees_what_was_before_it() {
        let mut authors = Authors::new(10);
        assert_eq!(authors.record(Key(1), -0.5, 2, NOW), AuthorHistory::default());
        authors.close(Key(1), 1);
        let before = authors.record(Key(1), 0.5, 1, Moment::at(Timestamp::from_micros(2_000_000)));
        assert_eq!((before.mentions, before.open_items), (1, 1));
        assert_eq!((before.last_sentiment, before.first_seen), (Some(-0.5), Some(NOW.wall)));
    }

    #[test]
    fn when_full_who_came_again_stays() {
        let mut authors = Authors::new(3);
        for author in [1, 2, 3, 1, 4, 5] {
            authors.record(Key(author), 0.0, 1, NOW);
        }
        assert_eq!((authors.len(), authors.evicted()), (3, 2));
        assert_eq!(
            [1, 2, 3, 4, 5].map(|author| authors.get(Key(author)).is_some()),
            [true, false, false, true, true]
        );
    }
}
