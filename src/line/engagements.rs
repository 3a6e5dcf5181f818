//! Who answered, shared, quoted or liked whom: noted by workers as it passes, counted in order when it is settled.
//!
//! Nothing here decides anything. An engagement is two hashes; what they amount to is up to
//! [`Audience`](crate::score::influence::Audience).

use crate::formats::jetstream::author_of;
use crate::model::{Post, Timestamp};
use crate::score::{Engagement, influence};

/// The engagements of one batch, in order of arrival, and where its signals stand among them.
#[derive(Clone, Debug, Default)]
pub struct Engagements {
    /// When the last event of the batch happened, by the source; never later than it was received.
    pub at: Timestamp,
    /// Accounts engaging with themselves are not among them.
    pub list: Vec<Engagement>,
    /// For each signal, how many engagements came before it.
    pub before_signal: Vec<u32>,
}

impl Engagements {
    /// How many came before the signal at this place.
    #[must_use]
    pub fn before(&self, signal: usize) -> usize {
        self.before_signal.get(signal).map_or(0, |before| *before as usize)
    }
}

/// The engagements of the batch at work.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// Of the hashes of accounts; engagements are noted when it is there.
    seed: Option<u64>,
    list: Vec<Engagement>,
    before_signal: Vec<u32>,
}

impl Noted {
    /// Notes engagements from now on.
    pub(super) fn switch_on(&mut self, seed: u64) {
        self.seed = Some(seed);
    }

    /// Account `by` engaged with the one that `author` finds, if it finds one.
    #[inline]
    pub(super) fn note_with<'a>(&mut self, by: &[u8], author: impl FnOnce() -> Option<&'a [u8]>) {
        if let Some(seed) = self.seed
            && let Some(author) = author()
            && author != by
        {
            let hash = |account| influence::account_hash(account, seed);
            self.list.push(Engagement { author: hash(author), by: hash(by) });
        }
    }

    /// Whom a parsed post answers and quotes.
    pub(super) fn note_post(&mut self, post: &Post) {
        for uri in [&post.parent, &post.subject].into_iter().flatten() {
            self.note_with(post.author.id.as_bytes(), || author_of(uri.as_bytes()));
        }
    }

    /// A signal stands here.
    pub(super) fn mark_signal(&mut self) {
        if self.seed.is_some() {
            self.before_signal.push(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        }
    }

    /// All of the batch. The next one will be about as large.
    pub(super) fn take(&mut self, at: Timestamp) -> Engagements {
        let (list, signals) =
            (Vec::with_capacity(self.list.len()), Vec::with_capacity(self.before_signal.len()));
        Engagements {
            at,
            list: std::mem::replace(&mut self.list, list),
            before_signal: std::mem::replace(&mut self.before_signal, signals),
        }
    }
}
