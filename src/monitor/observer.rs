//! What every observer does, what it sees, and what it may find.

use std::sync::Arc;

use crate::line::BatchOutcome;
use crate::model::{Mention, Moment, RaisedAlarm, RuleDrift, RuleInfo, RulesReport, Timestamp};
use crate::rules::manifest::Manifest;

/// Rules in `/status`.
pub(super) const SHOWN_MAX: usize = 100;

/// The rules in force, as observers see them.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// What they say, those that are off among them.
    pub manifest: &'a Manifest,
    /// Those that match, as outcomes carry them.
    pub infos: &'a Arc<[RuleInfo]>,
}

/// One batch, as observers see it.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'o> {
    /// What the line made of it.
    pub outcome: &'o BatchOutcome,
    /// Its new posts: no edits, as rule authors expect posts and a backtest counts them, and nothing that is read again.
    pub new_posts: &'o [&'o Mention],
    /// It was matched by the rules in force. What the set before has matched tells nothing about them.
    pub is_in_force: bool,
    /// When the engine took it.
    pub now: Moment,
}

/// What a look at the observers brings to light.
#[derive(Debug, Default)]
pub struct Findings {
    /// For `/status`.
    pub report: RulesReport,
    /// Rules that have left their range or come back into it, since the last look.
    pub drift: Vec<Change>,
    /// What a team has to know now; raised again for as long as it goes on.
    pub alarms: Vec<RaisedAlarm>,
}

/// One thing that watches the rules.
pub trait Observer {
    /// Another set is in force. Outcomes of the old one may still come.
    fn follow(&mut self, _rules: Rules<'_>, _now: Timestamp) {}

    /// A batch has been matched.
    fn observe(&mut self, batch: Observed<'_>);

    /// Sums up what was seen, every few seconds.
    fn look(&mut self, _now: Moment, _findings: &mut Findings) {}
}

/// A rule that has left its range or come back into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It drifts, or drifts to the other side.
    Drifts(RuleDrift),
    /// It is within its range again.
    Back(Arc<str>),
}

impl Change {
    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &Arc<str> {
        match self {
            Self::Drifts(drift) => &drift.rule,
            Self::Back(rule) => rule,
        }
    }
}
