//! Forgetting: closed items and old records go, a bounded slice at a time, so that a commit never waits long.
//!
//! Open items are never forgotten, and neither is anything a configured sink still has to be told of.

use metrics::gauge;
use rusqlite::{Connection, params};

use super::StoreError;
use super::keys::prune_log;
use super::outbox::row_of;
use super::recover::LEDGER_WINDOW;
use super::writer::Writer;
use crate::model::{Lane, Timestamp};

/// Bytes of the database file.
pub const STORE_BYTES: &str = "birddog_store_bytes";

/// Most rows of each kind removed by one call.
pub const PRUNE_ROWS_MAX: u32 = 500;

/// What one call removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Resolved and withdrawn items past retention, with their history.
    pub items: u64,
    /// Commits' seen keys past the window.
    pub seen: u64,
    /// Commits' joined events past the window.
    pub joined: u64,
    /// Reply decisions past the longest budget and retention.
    pub ledger: u64,
    /// Announcements that every sink is past.
    pub outbox: u64,
    /// Dead letters past retention.
    pub dead_letters: u64,
    /// There is more to remove: call again soon.
    pub more: bool,
}

impl Writer {
    /// Removes what is past its time, at most [`PRUNE_ROWS_MAX`] rows of each kind. Call about once a minute,
    /// and again while [`Pruned::more`].
    ///
    /// # Errors
    /// Nothing was removed; call again later.
    pub fn prune(&mut self, now: Timestamp) -> Result<Pruned, StoreError> {
        let pages: i64 = self.db.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let page_bytes: i64 = self.db.pragma_query_value(None, "page_size", |row| row.get(0))?;
        gauge!(STORE_BYTES).set((pages * page_bytes) as f64);
        self.transact(|writer| writer.prune_slice(now))
    }

    fn prune_slice(&mut self, now: Timestamp) -> Result<Pruned, StoreError> {
        let retention = now - self.config.retention;
        let ledger = now - self.config.retention.max(LEDGER_WINDOW);
        let mut pruned = Pruned {
            items: prune_items(&self.db, retention)?,
            seen: prune_rows(&self.db, SEEN, now - self.config.seen_window)?,
            joined: prune_rows(&self.db, JOINED, now - self.config.seen_window)?,
            ledger: prune_rows(&self.db, LEDGER, ledger)?,
            outbox: prune_outbox(&self.db, self.marks.announced)?,
            dead_letters: prune_rows(&self.db, DEAD_LETTERS, retention)?,
            more: false,
        };
        let is_flush_gone = prune_log(&self.db)?;
        let most =
            [pruned.items, pruned.seen, pruned.joined, pruned.ledger, pruned.outbox, pruned.dead_letters];
        pruned.more = is_flush_gone || most.contains(&u64::from(PRUNE_ROWS_MAX));
        Ok(pruned)
    }
}

const SEEN: &str = "DELETE FROM seen WHERE n IN (SELECT n FROM (SELECT n, at FROM seen ORDER BY n LIMIT ?2)
    WHERE at < ?1)";
const JOINED: &str =
    "DELETE FROM joined WHERE n IN (SELECT n FROM (SELECT n, at FROM joined ORDER BY n LIMIT ?2)
    WHERE at < ?1)";
/// Opt-outs are kept for ever.
const LEDGER: &str = "DELETE FROM ledger WHERE n IN (SELECT n FROM
    (SELECT n, at FROM ledger WHERE guard IS NOT 'opt_out' ORDER BY n LIMIT ?2) WHERE at < ?1)";
const DEAD_LETTERS: &str = "DELETE FROM dead_letters WHERE n IN
    (SELECT n FROM (SELECT n, at FROM dead_letters ORDER BY n LIMIT ?2) WHERE at < ?1)";

fn prune_rows(db: &Connection, sql: &str, before: Timestamp) -> Result<u64, StoreError> {
    let removed = db.prepare_cached(sql)?.execute(params![before.as_micros(), PRUNE_ROWS_MAX])?;
    Ok(removed as u64)
}

fn prune_items(db: &Connection, before: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT seq FROM items WHERE state >= 3 AND closed_at < ?1 ORDER BY closed_at LIMIT ?2";
    let mut query = db.prepare_cached(sql)?;
    let found = query.query_map(params![before.as_micros(), PRUNE_ROWS_MAX], |row| row.get::<_, i64>(0))?;
    let closed = found.collect::<Result<Vec<_>, _>>()?;
    for seq in &closed {
        for sql in ["DELETE FROM items WHERE seq = ?1", "DELETE FROM history WHERE seq = ?1"] {
            db.prepare_cached(sql)?.execute([seq])?;
        }
    }
    Ok(closed.len() as u64)
}

/// Rows up to the cursor of the slowest sink; without sinks, all.
fn prune_outbox(db: &Connection, announced: [i64; 4]) -> Result<u64, StoreError> {
    let slowest = "SELECT min(cursor) FROM sinks WHERE lane = ?1";
    let delete = "DELETE FROM outbox WHERE n IN (SELECT n FROM outbox WHERE n BETWEEN ?1 AND ?2 LIMIT ?3)";
    let mut removed = 0;
    for (lane, announced) in Lane::ALL.into_iter().zip(announced) {
        let cursor: Option<i64> =
            db.prepare_cached(slowest)?.query_row([lane.as_index()], |row| row.get(0))?;
        let (from, to) = (row_of(lane, 0), row_of(lane, cursor.unwrap_or(announced)));
        let left = i64::from(PRUNE_ROWS_MAX) - removed as i64;
        removed += db.prepare_cached(delete)?.execute([from, to, left])?;
    }
    Ok(removed as u64)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, id, item, post};
    use super::*;
    use crate::model::{Commit, ItemChange};

    const DAY: u64 = 24 * 3_600;

    #[test]
    fn closed_items_go_after_retention_and_open_ones_stay() {
        let mut fixture = Fixture::new();
        fixture.store((0..3).map(|n| item(n, Lane::High)).collect());
        let changes = vec![ItemChange::PostGone { post: post(1) }];
        let commit = Commit { now: at(5), changes, seen: vec![1], ..Commit::default() };
        fixture.writer.commit(&commit).unwrap();
        let early = fixture.writer.prune(at(DAY)).unwrap();
        assert_eq!((early.items, early.seen), (0, 0));
        let pruned = fixture.writer.prune(at(31 * DAY)).unwrap();
        assert_eq!((pruned.items, pruned.seen, pruned.more), (1, 1, false));
        assert!(fixture.reader.show(id(1)).unwrap().is_none());
        assert!(fixture.reader.show(id(2)).unwrap().is_some());
        let counts = fixture.reader.counts().unwrap();
        assert_eq!((counts.stored, counts.pruned), (3, 1));
    }

    #[test]
    fn the_outbox_keeps_what_the_slowest_sink_still_needs() {
        let mut fixture = Fixture::new();
        fixture.writer.set_sinks(&["a".into(), "b".into()]).unwrap();
        fixture.store((0..4).map(|n| item(n, Lane::High)).collect());
        let update = |sink: &str, to| super::super::CursorUpdate {
            sink: sink.into(),
            cursors: [0, 0, to, 0],
            dead: Vec::new(),
        };
        fixture.writer.advance(&[update("a", 4), update("b", 1)]).unwrap();
        assert_eq!(fixture.writer.prune(at(9)).unwrap().outbox, 1);
        assert_eq!(fixture.reader.outbox(&[0; 4], 9, at(9)).unwrap().len(), 3);
    }

    #[test]
    fn a_slice_is_bounded_and_says_that_there_is_more() {
        let mut fixture = Fixture::new();
        for n in 0..u64::from(PRUNE_ROWS_MAX) + 1 {
            fixture.writer.commit(&Commit { now: at(0), seen: vec![n], ..Commit::default() }).unwrap();
        }
        let first = fixture.writer.prune(at(3 * DAY)).unwrap();
        assert_eq!((first.seen, first.more), (u64::from(PRUNE_ROWS_MAX), true));
        let second = fixture.writer.prune(at(3 * DAY)).unwrap();
        assert_eq!((second.seen, second.more), (1, false));
    }
}
