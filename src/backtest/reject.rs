//! Lines that are no events, by reason, each with the first place where it happened.

use crate::model::RejectReason;

/// How often each reason came up, and in which line first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rejects([(u64, u64); RejectReason::ALL.len()]);

impl Rejects {
    pub(super) fn add(&mut self, reason: RejectReason, line: u64) {
        self.add_many(reason as usize, (1, line));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.0.iter().enumerate().filter(|(_, (count, _))| *count > 0).for_each(|(reason, &seen)| {
            self.add_many(reason, seen);
        });
    }

    fn add_many(&mut self, reason: usize, (count, line): (u64, u64)) {
        let seen = &mut self.0[reason];
        *seen = (seen.0 + count, if seen.0 == 0 { line } else { seen.1.min(line) });
    }

    /// Reasons that came up, with how often and the first line.
    pub(super) fn iter(&self) -> impl Iterator<Item = (RejectReason, u64, u64)> {
        let all = RejectReason::ALL.into_iter().zip(self.0);
        all.filter(|(_, (count, _))| *count > 0).map(|(reason, (count, line))| (reason, count, line))
    }
}

/// What the reader saw of one file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FileCount {
    /// Lines that are not blank.
    pub(super) lines: u64,
    /// Refused before they reached a worker.
    pub(super) rejected: Rejects,
    /// What its lines are, once known.
    pub(super) format: Option<super::Format>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_adds_up_and_keeps_the_first_place() {
        let (mut one, mut other) = (Rejects::default(), Rejects::default());
        one.add(RejectReason::TooDeep, 9);
        other.add(RejectReason::TooDeep, 4);
        other.add(RejectReason::InvalidJson, 2);
        one.merge(&other);
        let seen: Vec<_> = one.iter().collect();
        assert_eq!(seen, [(RejectReason::TooDeep, 2, 4), (RejectReason::InvalidJson, 1, 2)]);
    }
}
