//! Who is answered, shared and liked by how many different accounts, lately: the stream's own evidence of influence.
//!
//! Two tables, one for the window of time that runs and one for that before. Whoever engaged in this window counts in
//! full; whoever did so only in the one before counts for less and less, down to nothing when this one ends. So nobody is
//! remembered for more than two windows' time. Time is that of the events. One owner, no clock: the same engagements in
//! the same order give the same numbers, and within a window the order does not matter either, until a line is full.

use crate::model::Timestamp;

use super::registers::{estimate, union};
use super::table::{LINE_BYTES, Place, Table};
use super::{Config, Engagement};

/// Engagements whose lines are fetched together, so that the waits for memory overlap.
const TOGETHER: usize = 32;

/// See the module.
#[derive(Debug)]
pub struct Audience {
    seed: u64,
    window_us: i64,
    /// Number of the window that runs, since the epoch.
    window: i64,
    current: Table,
    previous: Table,
    heard: u64,
}

impl Audience {
    /// An audience of nobody. Hashes depend on `seed`: who does not know it cannot choose accounts that weigh more than
    /// others, or that push a certain author out.
    #[must_use]
    pub fn new(config: &Config, seed: u64) -> Self {
        let bytes = if config.stream { config.memory_max } else { 0 };
        let table = || Table::new(bytes / 2 / LINE_BYTES);
        let window_us = i64::try_from(config.window.as_micros()).unwrap_or(i64::MAX).max(1);
        Self { seed, window_us, window: i64::MIN, current: table(), previous: table(), heard: 0 }
    }

    /// Engagements counted since the start.
    #[must_use]
    pub const fn heard(&self) -> u64 {
        self.heard
    }

    /// Authors remembered, and those forgotten early, of both windows.
    #[must_use]
    pub const fn memory(&self) -> (usize, u64) {
        (self.current.entries() + self.previous.entries(), self.current.evicted() + self.previous.evicted())
    }

    /// Counts engagements of about one time. What is older than the window before this one is no more of interest.
    pub fn hear(&mut self, engagements: &[Engagement], at: Timestamp) {
        if engagements.is_empty() {
            return;
        }
        self.advance(at);
        let seed = self.seed;
        let table = match self.window.saturating_sub(self.number(at)) {
            0 => &mut self.current,
            1 => &mut self.previous,
            _ => return,
        };
        self.heard += engagements.len() as u64;
        for some in engagements.chunks(TOGETHER) {
            let mut found = [(Place::default(), 0); TOGETHER];
            let mut fetched = 0;
            for (found, engagement) in found.iter_mut().zip(some) {
                let author = author_hash(engagement.author, seed);
                let place = table.place(author);
                *found = (place, mixed(engagement.by ^ author.rotate_left(32), seed));
                fetched ^= table.touch(place);
            }
            // Without use the reads above would not be made.
            std::hint::black_box(fetched);
            found[..some.len()].iter().for_each(|(place, hash)| table.raise(*place, *hash));
        }
    }

    /// About how many different accounts have engaged with `author` lately, as seen at a time.
    pub fn engagers(&mut self, author: u64, at: Timestamp) -> f32 {
        self.advance(at);
        let place = self.current.place(author_hash(author, self.seed));
        let (now, before) = (self.current.registers(place), self.previous.registers(place));
        let of_now = estimate(now);
        of_now + self.left_of_previous(at) * (estimate(union(now, before)) - of_now)
    }

    /// What an engager of the window before still counts: 1 when this one begins, 0 when it ends.
    fn left_of_previous(&self, at: Timestamp) -> f32 {
        let since = at.as_micros().saturating_sub(self.window.saturating_mul(self.window_us));
        (1.0 - since as f32 / self.window_us as f32).clamp(0.0, 1.0)
    }

    const fn number(&self, at: Timestamp) -> i64 {
        at.as_micros().div_euclid(self.window_us)
    }

    /// Begins another window when it is time. Time does not go back: what comes late counts where it belongs.
    fn advance(&mut self, at: Timestamp) {
        let number = self.number(at);
        if number <= self.window {
            return;
        }
        std::mem::swap(&mut self.current, &mut self.previous);
        self.current.clear();
        if number.saturating_sub(1) != self.window {
            self.previous.clear();
        }
        self.window = number;
    }
}

fn author_hash(author: u64, seed: u64) -> u64 {
    mixed(author, !seed)
}

/// Keys are hashes of a function that anybody can run: mixed with the seed, by a product folded to its half.
#[inline]
fn mixed(key: u64, seed: u64) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let once = folded(key ^ seed, ODD);
    folded(once ^ seed.rotate_left(32), ODD ^ key)
}

#[inline]
const fn folded(one: u64, other: u64) -> u64 {
    let product = one as u128 * other as u128;
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests;
