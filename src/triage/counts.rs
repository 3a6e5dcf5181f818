//! How the cases ended: each in exactly one count.

/// What became of the signals. `signals = duplicate + joined + stored + withdrawn + unknown + shadow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TriageCounts {
    /// Redelivered, or without news about a post that is known.
    pub duplicate: u64,
    /// Reposts and quotes that joined a cluster.
    pub joined: u64,
    /// Posts that made items, or edits that changed some.
    pub stored: u64,
    /// Deletions of posts, and ends of accounts, that are known.
    pub withdrawn: u64,
    /// Reposts, deletions and edits of what is not known. Deletions among them go to the store all the same when it may
    /// know more.
    pub unknown: u64,
    /// Posts that only shadow rules matched.
    pub shadow: u64,
    /// Not part of the sum: items made.
    pub items: u64,
}

impl TriageCounts {
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

    pub(super) const fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Duplicate => self.duplicate += 1,
            Outcome::Joined => self.joined += 1,
            Outcome::Stored => self.stored += 1,
            Outcome::Withdrawn => self.withdrawn += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::Shadow => self.shadow += 1,
        }
    }
}

/// How the case of one signal ends; the fields of [`TriageCounts`] say what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of TriageCounts")]
pub enum Outcome {
    Duplicate,
    Joined,
    Stored,
    Withdrawn,
    Unknown,
    Shadow,
}
