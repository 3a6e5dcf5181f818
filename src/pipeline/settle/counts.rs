//! What became of the signals: each ends in exactly one count.

/// What became of the signals. `signals = duplicate + joined + stored + withdrawn + unknown + shadow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettleCounts {
    /// Redelivered, or without news about a post that is known.
    pub duplicate: u64,
    /// Reposts and quotes that joined a cluster.
    pub joined: u64,
    /// Posts that made items, or edits that changed some.
    pub stored: u64,
    /// Deletions of posts, and ends of accounts, that are known.
    pub withdrawn: u64,
    /// Touches and edits of what is not known. Deletions among them go to the store all the same when it may know more.
    pub unknown: u64,
    /// Posts that only shadow rules matched.
    pub shadow: u64,
    /// Not part of the sum: items made.
    pub items: u64,
}

impl SettleCounts {
    /// The signals accounted for.
    #[must_use]
    pub const fn signals(&self) -> u64 {
        self.duplicate + self.joined + self.stored + self.withdrawn + self.unknown + self.shadow
    }

    /// The number of outcomes.
    pub const OUTCOMES: usize = 6;

    /// By outcome, for the metric.
    #[must_use]
    pub const fn by_outcome(&self) -> [(&'static str, u64); Self::OUTCOMES] {
        [
            ("duplicate", self.duplicate),
            ("joined", self.joined),
            ("stored", self.stored),
            ("withdrawn", self.withdrawn),
            ("unknown", self.unknown),
            ("shadow", self.shadow),
        ]
    }

    pub(super) const fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Duplicate => self.duplicate += 1,
            Fate::Joined => self.joined += 1,
            Fate::Stored => self.stored += 1,
            Fate::Withdrawn => self.withdrawn += 1,
            Fate::Unknown => self.unknown += 1,
            Fate::Shadow => self.shadow += 1,
        }
    }
}

/// How one signal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Duplicate,
    Joined,
    Stored,
    Withdrawn,
    Unknown,
    Shadow,
}
