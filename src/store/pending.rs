//! The changes of the transaction under way, on their way into the feed.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::marks::Marks;
use crate::model::{ChangeKind, ItemState, Moment, NewItem};

/// Changes in one row.
pub(super) const ROW_CHANGES_MAX: usize = 256;

/// What a transaction has done so far.
#[derive(Debug, Default)]
pub(super) struct Feed {
    pub(super) pending: Vec<Entry>,
    pub(super) now: Moment,
}

/// One change on disk, in postcard: the order of the fields is the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) kind: ChangeKind,
    pub(super) item: [u8; 16],
    pub(super) team: i64,
    pub(super) lane: u8,
    pub(super) state: u8,
    pub(super) by: Option<String>,
    pub(super) detail: Option<String>,
}

impl Feed {
    /// An item was made for the team with this number.
    pub(super) fn created(&mut self, item: &NewItem, team: i64) {
        let entry = |kind, detail| Entry {
            kind,
            item: item.id.to_bytes(),
            team,
            lane: item.lane.as_index(),
            state: ItemState::New.as_index(),
            by: None,
            detail,
        };
        self.now = item.created_at;
        self.pending.push(entry(ChangeKind::Created, None));
        if let Some(reply) = item.about_post().and_then(|post| post.reply.as_ref()) {
            let guard = reply.guard.as_ref().map_or(String::new(), |guard| format!(": {guard}"));
            let decided = format!("{}{guard}", reply.decision.as_str());
            self.pending.push(entry(ChangeKind::ReplyDecided, Some(decided)));
        }
    }

    /// Forgets what the transaction did.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }

    /// Writes what the transaction did, and numbers it.
    pub(super) fn save(&mut self, db: &Connection, marks: &mut Marks) -> Result<(), StoreError> {
        let (at, steady) = (self.now.wall.as_micros(), self.now.steady.as_micros());
        for entries in self.pending.chunks(ROW_CHANGES_MAX) {
            let blob =
                postcard::to_extend(entries, Vec::new()).expect("texts and numbers can always be written");
            let (first, count) = (marks.changes + 1, entries.len() as i64);
            let mut insert = db.prepare_cached("INSERT INTO changes VALUES (?1, ?2, ?3, ?4, ?5)")?;
            insert.execute(params![first, count, at, steady, blob])?;
            marks.changes += count;
        }
        self.pending.clear();
        Ok(())
    }
}
