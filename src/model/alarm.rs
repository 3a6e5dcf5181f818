//! Something that many posts say together, and no single one of them: a body of its own for a work item.
//!
//! ```
//! # use birddog::model::{Alarm, Timestamp};
//! let alarm = Alarm::new("surge", "acme", "acme is mentioned 40 times as often as usual", Timestamp::ZERO);
//! assert_eq!(alarm.key, "surge acme");
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Lane, Scores, Timestamp};

/// Posts that stand for all the others.
pub const EVIDENCE_MAX: usize = 20;

/// An alarm as shown to a team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What it is about. While an item of this key is open, an alarm raised again under it updates the item.
    pub key: String,
    /// Which observer raised it.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// When it began.
    pub first_seen: Timestamp,
    /// When it was last seen to go on.
    pub last_seen: Timestamp,
    /// Posts that are part of it.
    pub posts: u64,
    /// Their authors.
    pub authors: u64,
    /// URIs of some of the posts, at most [`EVIDENCE_MAX`].
    pub evidence: Vec<String>,
}

impl Alarm {
    /// An alarm of this kind about `subject`, a brand or a rule, that begins now.
    #[must_use]
    pub fn new(kind: &str, subject: &str, title: &str, now: Timestamp) -> Self {
        Self {
            key: format!("{kind} {subject}"),
            kind: kind.to_owned(),
            title: title.to_owned(),
            first_seen: now,
            last_seen: now,
            ..Self::default()
        }
    }
}

/// An alarm on its way to the queue of a team.
#[derive(Clone, Debug, PartialEq)]
pub struct RaisedAlarm {
    /// Whose queue.
    pub team: Arc<str>,
    /// Label.
    pub brand: Arc<str>,
    /// Lane.
    pub lane: Lane,
    /// 0–100, within the lane.
    pub score: u8,
    /// How its posts feel, on average.
    pub scores: Scores,
    /// What the team is shown.
    pub alarm: Alarm,
}
