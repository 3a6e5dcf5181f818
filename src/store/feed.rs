//! The change feed: everything that happens to items, in order, written by the transaction that did it.
//!
//! One row holds the changes of a commit, as many as fit: a row a change would cost as much as the item. Numbers grow by
//! one and are never used again, so that a client which asks for what comes after the last number that it saw misses
//! nothing and sees nothing twice. Old rows go by age and by count; a client that was away for longer is told of the gap.
//! Sinks have cursors of their own in `outbox.rs`, since they are served by lane and not by time.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::names::Names;
use super::pending::{Entry, ROW_CHANGES_MAX};
use super::rows::SELF;
use super::writer::Writer;
use super::{Reader, StoreError};
use crate::model::{
    ChangeFilter, ChangeKind, ChangePage, ItemChange, ItemId, ItemState, Lane, Moment, Steady, Timestamp,
};

/// Changes looked at for one answer, however few of them fit its filter.
const LOOKED_AT_MAX: usize = 20_000;
/// Rows looked at in one commit, to see whether their time is over. The largest commit adds about as many.
const PRUNE_ROWS_MAX: u32 = 32;
/// Bytes of a change's detail.
const DETAIL_BYTES_MAX: usize = 256;

impl Writer {
    /// The number of the newest change.
    #[must_use]
    pub fn newest_change(&self) -> u64 {
        self.marks.changes as u64
    }

    /// Something happened to the item in this row.
    pub(super) fn changed(
        &mut self,
        seq: i64,
        now: Moment,
        kind: ChangeKind,
        (by, detail): (&str, Option<&str>),
    ) -> Result<(), StoreError> {
        let mut query = self.db.prepare_cached("SELECT id, team, lane, state FROM items WHERE seq = ?1")?;
        let entry = query.query_row([seq], |row| {
            Ok(Entry {
                kind,
                item: row.get::<_, ItemId>(0)?.to_bytes(),
                team: row.get(1)?,
                lane: row.get(2)?,
                state: row.get(3)?,
                by: Some(by.to_owned()).filter(|by| by != SELF),
                detail: detail.map(|detail| cut(detail).to_owned()),
            })
        })?;
        self.feed.now = now;
        self.feed.pending.push(entry);
        Ok(())
    }

    /// Removes a few rows that are past their time or beyond the count.
    pub(super) fn prune_changes(&self, before: Steady) -> Result<u64, StoreError> {
        let kept = i64::try_from(self.config.changes_max).unwrap_or(i64::MAX);
        let sql = "DELETE FROM changes WHERE first IN
            (SELECT first FROM changes ORDER BY first LIMIT ?1) AND (steady < ?2 OR first + count <= ?3)";
        let row = params![PRUNE_ROWS_MAX, before.as_micros(), self.marks.changes.saturating_sub(kept)];
        Ok(self.db.prepare_cached(sql)?.execute(row)? as u64)
    }
}

/// The beginning of a text, in whole characters.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(DETAIL_BYTES_MAX)]
}

impl Reader {
    /// The changes after a number, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn changes(&self, filter: &ChangeFilter) -> Result<ChangePage, StoreError> {
        self.with(|db, names| {
            let newest = db.query_row("SELECT changes FROM meta", [], |row| row.get::<_, i64>(0))? as u64;
            let sql = "SELECT first FROM changes ORDER BY first LIMIT 1";
            let oldest: Option<i64> = db.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
            let oldest = oldest.map_or(newest + 1, |first| first as u64);
            if filter.after > newest {
                return Ok(ChangePage { next: newest, newest, gap: true, ..ChangePage::default() });
            }
            let gap = filter.after + 1 < oldest;
            let after = filter.after.max(oldest - 1);
            let mut page = ChangePage { next: after, newest, gap, ..ChangePage::default() };
            page.fill(db, names, filter)?;
            Ok(page)
        })
    }
}

impl ChangePage {
    /// Adds the changes after `next`.
    fn fill(&mut self, db: &Connection, names: &Names, filter: &ChangeFilter) -> Result<(), StoreError> {
        let start = self.next;
        let sql = "SELECT first, at, entries FROM changes WHERE first > ?1 ORDER BY first";
        let mut query = db.prepare_cached(sql)?;
        // The row that holds the next change begins at most a row's length before it.
        let mut rows = query.query([(start as i64).saturating_sub(ROW_CHANGES_MAX as i64)])?;
        while let Some(row) = rows.next()? {
            let (first, at): (i64, Timestamp) = (row.get(0)?, row.get(1)?);
            let blob = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            let entries: Vec<Entry> = postcard::from_bytes(blob).unwrap_or_else(|error| {
                tracing::error!(first, %error, "stored changes cannot be read");
                Vec::new()
            });
            for (n, entry) in (first as u64..).zip(entries).filter(|(n, _)| *n > start) {
                if self.changes.len() >= filter.limit || n - start > LOOKED_AT_MAX as u64 {
                    return Ok(());
                }
                self.next = n;
                self.changes.extend(change_of(n, at, entry, names).filter(|change| fits(change, filter)));
            }
        }
        Ok(())
    }
}

fn change_of(n: u64, at: Timestamp, entry: Entry, names: &Names) -> Option<ItemChange> {
    Some(ItemChange {
        n,
        at,
        kind: entry.kind,
        item: ItemId::from_bytes(entry.item),
        team: names.name(entry.team),
        lane: Lane::from_index(entry.lane),
        state: ItemState::from_index(entry.state)?,
        by: entry.by,
        detail: entry.detail,
    })
}

fn fits(change: &ItemChange, filter: &ChangeFilter) -> bool {
    filter.team.as_ref().is_none_or(|team| *team == change.team)
        && filter.kind.is_none_or(|kind| kind == change.kind)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, author_gone, gone, id, item};
    use super::*;
    use crate::model::{Change, Commit, QueueError, QueueOp};

    fn all(fixture: &Fixture) -> Vec<ItemChange> {
        let filter = ChangeFilter { limit: 1_000, ..ChangeFilter::default() };
        fixture.reader.changes(&filter).unwrap().changes
    }

    fn kinds(fixture: &Fixture) -> Vec<ChangeKind> {
        all(fixture).iter().map(|change| change.kind).collect()
    }

    fn commit(fixture: &mut Fixture, change: Change) {
        let commit = Commit { now: at(50), changes: vec![change], ..Commit::default() };
        fixture.writer.commit(&commit).unwrap();
    }

    fn apply(fixture: &mut Fixture, op: QueueOp) -> Result<(), QueueError> {
        fixture.writer.apply(&op, at(60)).map(|_| ())
    }

    #[test]
    fn everything_that_happens_to_an_item_is_one_change_in_order_without_any_sink() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::Normal), item(2, Lane::Low)]);
        let (agent, id) = ("ann".to_owned(), id(1));
        fixture.claim("support", "ann", 1, at(5));
        apply(&mut fixture, QueueOp::Ack { id, agent: agent.clone() }).unwrap();
        apply(&mut fixture, QueueOp::Note { id, agent: agent.clone(), text: "seen".into() }).unwrap();
        let (to_team, reason) = ("sales".to_owned(), "wants to buy".to_owned());
        apply(&mut fixture, QueueOp::HandOff { id, agent: agent.clone(), to_team, reason }).unwrap();
        fixture.claim("sales", "bob", 1, at(61));
        apply(&mut fixture, QueueOp::Release { id, agent: "bob".into() }).unwrap();
        fixture.claim("sales", "bob", 1, at(62));
        assert!(apply(&mut fixture, QueueOp::Resolve { id, agent, note: None }).is_err(), "bob has it");
        apply(&mut fixture, QueueOp::Resolve { id, agent: "bob".into(), note: None }).unwrap();
        commit(&mut fixture, gone(2));
        use ChangeKind::{Acknowledged, Claimed, Created, HandedOver, Noted, Released, Resolved, Withdrawn};
        let expected = [
            Created,
            Created,
            Claimed,
            Acknowledged,
            Noted,
            HandedOver,
            Claimed,
            Released,
            Claimed,
            Resolved,
            Withdrawn,
        ];
        assert_eq!(kinds(&fixture), expected);
        let all = all(&fixture);
        assert!(all.iter().zip(1..).all(|(change, n)| change.n == n));
        let handed = &all[5];
        assert_eq!(
            (&*handed.team, handed.by.as_deref(), handed.state),
            ("sales", Some("ann"), ItemState::New)
        );
        assert_eq!(handed.detail.as_deref(), Some("support to sales: wants to buy"));
        assert_eq!(
            (all[10].item, all[10].state, &all[10].by),
            (super::super::testing::id(2), ItemState::Withdrawn, &None)
        );
    }

    #[test]
    fn what_was_rolled_back_is_no_change_and_takes_no_number() {
        let mut fixture = Fixture::new();
        let fail = "CREATE TRIGGER fail BEFORE INSERT ON seen BEGIN SELECT RAISE(ABORT, 'no'); END";
        fixture.writer.db.execute_batch(fail).unwrap();
        let changes = vec![Change::New(Box::new(item(1, Lane::High)))];
        let whole = Commit { now: at(1), changes, seen: vec![crate::model::Key(1)], ..Commit::default() };
        assert!(fixture.writer.commit(&whole).is_err());
        assert_eq!((all(&fixture), fixture.writer.newest_change()), (vec![], 0));
        fixture.writer.db.execute_batch("DROP TRIGGER fail").unwrap();
        fixture.writer.commit(&whole).unwrap();
        fixture.writer.commit(&whole).unwrap();
        assert_eq!((kinds(&fixture), fixture.writer.newest_change()), (vec![ChangeKind::Created], 1));
        fixture.restart(at(9));
        fixture.store(vec![item(2, Lane::High)]);
        assert_eq!(all(&fixture).iter().map(|change| change.n).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn any_page_begins_where_the_last_one_ended_and_filters_skip_nothing() {
        let mut fixture = Fixture::new();
        for start in (0..2_000).step_by(700) {
            fixture.store((start..(start + 700).min(2_000)).map(|n| item(n, Lane::Normal)).collect());
        }
        for n in 0..20 {
            commit(&mut fixture, author_gone(n % 10));
        }
        for (limit, kind) in
            [(1, Some(ChangeKind::Withdrawn)), (7, None), (255, None), (256, None), (257, None), (999, None)]
        {
            let (mut filter, mut found) =
                (ChangeFilter { limit, kind, ..ChangeFilter::default() }, Vec::new());
            loop {
                let page = fixture.reader.changes(&filter).unwrap();
                assert!(!page.gap && page.changes.len() <= limit);
                found.extend(page.changes);
                if page.next == page.newest {
                    break;
                }
                filter.after = page.next;
            }
            let expected: Vec<ItemChange> = {
                let (mut filter, mut all) =
                    (ChangeFilter { limit: 1_000, ..ChangeFilter::default() }, Vec::new());
                while filter.after < fixture.writer.newest_change() {
                    let page = fixture.reader.changes(&filter).unwrap();
                    filter.after = page.next;
                    all.extend(page.changes);
                }
                all.into_iter().filter(|change| kind.is_none_or(|kind| kind == change.kind)).collect()
            };
            assert_eq!(found, expected, "limit {limit}");
            assert_eq!(expected.len(), if kind.is_some() { 2_000 } else { 4_000 });
        }
    }

    #[test]
    fn a_client_that_was_away_for_too_long_is_told_of_the_gap() {
        let mut fixture = Fixture::new();
        fixture.config.changes_max = 500;
        fixture.restart(at(0));
        for start in (0..3_000).step_by(100) {
            fixture.store((start..start + 100).map(|n| item(n, Lane::Normal)).collect());
        }
        let page =
            |after| fixture.reader.changes(&ChangeFilter { after, ..ChangeFilter::default() }).unwrap();
        let (late, current, foreign) = (page(10), page(2_990), page(99_999));
        assert!(late.gap && late.changes[0].n > 2_000, "{}", late.changes[0].n);
        assert!(!current.gap && current.changes.len() == 10 && current.next == 3_000);
        assert!(foreign.gap && foreign.changes.is_empty() && foreign.next == 3_000);
        let rows: u64 =
            fixture.writer.db.query_row("SELECT sum(count) FROM changes", [], |row| row.get(0)).unwrap();
        assert!((500..=800).contains(&rows), "{rows}");
    }
}
