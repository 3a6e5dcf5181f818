//! The numbers that go on from one transaction to the next.

use rusqlite::Connection;

use super::StoreError;

/// Numbers that grow with the store, as in the table `meta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) next_seq: i64,
    pub(super) flushed_to: i64,
    pub(super) announced: [i64; 4],
    /// Number of the newest change in the feed.
    pub(super) changes: i64,
}

pub(super) fn load_marks(db: &Connection) -> Result<Marks, StoreError> {
    let sql =
        "SELECT next_seq, flushed_to, announced_0, announced_1, announced_2, announced_3, changes FROM meta";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Marks {
            next_seq: row.get(0)?,
            flushed_to: row.get(1)?,
            announced: [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?],
            changes: row.get(6)?,
        })
    };
    Ok(db.prepare_cached(sql)?.query_row([], read)?)
}
