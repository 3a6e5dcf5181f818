//! Drift of rules, in the log.

use crate::monitor::Change;

/// Rules that one look may log.
const LOGGED_MAX: usize = 20;

/// Logs the rules that have left their range or come back into it.
pub(super) fn log(changes: &[Change]) {
    changes.iter().take(LOGGED_MAX).for_each(log_change);
    if let Some(more) = changes.len().checked_sub(LOGGED_MAX).filter(|more| *more > 0) {
        tracing::warn!(more, "and more rules drift or no longer do");
    }
}

fn log_change(change: &Change) {
    match change {
        Change::Drifts(drift) => {
            let (fewest, most) = drift.expected;
            let (rule, matches) = (&*drift.rule, drift.matches);
            match drift.above {
                true => {
                    tracing::warn!(rule, matches, fewest, most, "rule matches more a day than it expects")
                }
                false => {
                    tracing::warn!(rule, matches, fewest, most, "rule matches less a day than it expects")
                }
            }
        }
        Change::Back(rule) => {
            tracing::info!(rule = &**rule, "rule matches as much a day as it expects again")
        }
    }
}
