//! The transactional outbox: what each external sink still has to be told.
//!
//! Each lane is a row of numbers without gaps; an announcement takes the lane's next number in the transaction
//! that made it. A sink is a cursor per lane, so pending, delivered and dead are differences that always add up.
//! A row holds no copy of the item: the sink is sent the item as it stands when its turn comes.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::marks::{Marks, load_marks};
use super::names::Names;
use super::queue::aged_lane;
use super::rows::load_item;
use super::writer::Writer;
use super::{Reader, StoreError};
use crate::model::{ItemId, Lane, Steady, Timestamp, WorkItem};

/// Bodies in one batch for a sink end with the one that passes this many bytes.
pub const OUTBOX_BATCH_BYTES_MAX: usize = 4 << 20;

/// Where a sink stands in each lane, lowest first: the number of the last announcement dealt with.
pub type OutboxCursors = [i64; 4];

/// An announcement on its way to a sink.
#[derive(Clone, Debug)]
pub struct OutboxEntry {
    /// The lane it was announced in.
    pub lane: Lane,
    /// Its number in that lane.
    pub number: i64,
    /// The item's row.
    pub seq: i64,
    /// When it was announced.
    pub announced_at: Timestamp,
    /// How often the item was announced by now; with the id, the idempotency key.
    pub revision: u32,
    /// The item as it stands; `None` when retention has removed it.
    pub item: Option<WorkItem>,
}

/// A sink got further: for the engine to hand to [`Writer::advance`]. Repeating one is harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorUpdate {
    /// The sink's configured name.
    pub sink: Arc<str>,
    /// Everything up to here is delivered or dead.
    pub cursors: OutboxCursors,
    /// What among it is dead.
    pub dead: Vec<DeadLetter>,
}

/// An item that a sink will never get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// When it was given up, by the wall clock.
    pub at: Timestamp,
    /// The sink's configured name.
    pub sink: Arc<str>,
    /// The item; 0 when retention has removed it.
    pub id: ItemId,
    /// The lane it was announced in.
    pub lane: Lane,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was given up.
    pub reason: String,
}

/// One sink's balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkCounts {
    /// The sink's configured name.
    pub sink: Arc<str>,
    /// Per lane, lowest first.
    pub lanes: [SinkLaneCounts; 4],
}

/// `announced = delivered + dead + pending`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkLaneCounts {
    /// Announcements since the sink was first configured.
    pub announced: u64,
    /// Acknowledged by the sink.
    pub delivered: u64,
    /// Given up.
    pub dead: u64,
    /// Still to be sent.
    pub pending: u64,
}

impl Marks {
    /// Queues an item for the sinks; inside the running transaction.
    pub(super) fn announce(
        &mut self,
        db: &Connection,
        seq: i64,
        lane: Lane,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let number = &mut self.announced[usize::from(lane.as_index())];
        *number += 1;
        let mut insert = db.prepare_cached("INSERT INTO outbox VALUES (?1, ?2, ?3)")?;
        insert.execute([row_of(lane, *number), seq, now.as_micros()])?;
        Ok(())
    }
}

impl Writer {
    /// Says which sinks are configured. A new one starts with what is announced from now on; one that is gone
    /// is forgotten, its cursor with it.
    ///
    /// # Errors
    /// Nothing has changed.
    pub fn set_sinks(&mut self, sinks: &[Arc<str>]) -> Result<(), StoreError> {
        self.transact(|writer| {
            for known in sink_names(&writer.db)?.iter().filter(|known| !sinks.contains(known)) {
                tracing::warn!(sink = %known, "sink is no longer configured; its place in the outbox is forgotten");
                writer.db.execute("DELETE FROM sinks WHERE name = ?1", params![known])?;
            }
            let sql = "INSERT INTO sinks VALUES (?1, ?2, ?3, ?3, 0) ON CONFLICT DO NOTHING";
            for (sink, lane) in sinks.iter().flat_map(|sink| Lane::ALL.map(|lane| (sink, lane))) {
                let start = writer.marks.announced[usize::from(lane.as_index())];
                writer.db.prepare_cached(sql)?.execute(params![sink, lane.as_index(), start])?;
            }
            Ok(())
        })
    }

    /// Moves sinks forward and files their dead letters, in one transaction. Cursors never go back.
    ///
    /// # Errors
    /// Nothing has changed; try again with the same updates.
    pub fn advance(&mut self, updates: &[CursorUpdate], now: Steady) -> Result<(), StoreError> {
        if updates.is_empty() {
            return Ok(());
        }
        self.transact(|writer| {
            for update in updates {
                for lane in Lane::ALL {
                    advance_lane(&writer.db, update, lane, now)?;
                }
            }
            Ok(())
        })
    }
}

/// A repeated update moves nothing, so its dead letters are not filed twice.
fn advance_lane(db: &Connection, update: &CursorUpdate, lane: Lane, now: Steady) -> Result<(), StoreError> {
    let dead: Vec<_> = update.dead.iter().filter(|letter| letter.lane == lane).collect();
    let cursor = update.cursors[usize::from(lane.as_index())];
    let sql = "UPDATE sinks SET cursor = ?3, dead = dead + ?4 WHERE name = ?1 AND lane = ?2 AND cursor < ?3";
    let row = params![update.sink, lane.as_index(), cursor, dead.len() as i64];
    if db.prepare_cached(sql)?.execute(row)? == 0 {
        return Ok(());
    }
    let sql = "INSERT INTO dead_letters(at, steady, sink, id, lane, attempts, reason)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = db.prepare_cached(sql)?;
    for letter in dead {
        let DeadLetter { at, sink, id, attempts, reason, .. } = letter;
        let (at, now) = (at.as_micros(), now.as_micros());
        insert.execute(params![at, now, sink, id.to_bytes(), lane.as_index(), attempts, reason])?;
    }
    Ok(())
}

impl Reader {
    /// Where a sink stands; `None` before [`Writer::set_sinks`] named it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn outbox_cursors(&self, sink: &str) -> Result<Option<OutboxCursors>, StoreError> {
        self.with(|db, _| {
            let mut query = db.prepare_cached("SELECT cursor FROM sinks WHERE name = ?1 ORDER BY lane")?;
            let rows = query.query_map([sink], |row| row.get(0))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?.try_into().ok())
        })
    }

    /// The next announcements after `cursors`, at most `count_max`: highest lane first, where a waiting
    /// announcement counts as one lane higher per `ageing`; within a lane in order of number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn outbox(
        &self,
        cursors: &OutboxCursors,
        count_max: usize,
        now: Timestamp,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let ageing = self.ageing();
        self.with(|db, names| {
            let mut lanes: [VecDeque<OutboxRow>; 4] = Default::default();
            for (lane, rows) in Lane::ALL.into_iter().zip(&mut lanes) {
                *rows = next_rows(db, lane, cursors[usize::from(lane.as_index())], count_max)?;
            }
            let rows = std::iter::from_fn(|| take_best(&mut lanes, now, ageing)).take(count_max);
            let mut bytes = 0;
            let mut entries = Vec::new();
            for row in rows {
                if bytes >= OUTBOX_BATCH_BYTES_MAX {
                    break;
                }
                let (entry, body_bytes) = load(db, &row, names, now)?;
                bytes += body_bytes;
                entries.push(entry);
            }
            Ok(entries)
        })
    }

    /// Brings entries up to date, as they have to be before each attempt to deliver them: what an item said a while ago
    /// (a reply that was allowed) may hold no longer.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn refresh<'a>(
        &self,
        entries: impl IntoIterator<Item = &'a mut OutboxEntry>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.with(|db, names| {
            for entry in entries {
                let whole = load_item(db, names, entry.seq, now)?;
                entry.revision = whole.as_ref().map_or(0, |whole| whole.revision);
                entry.item = whole.map(|whole| whole.item);
            }
            Ok(())
        })
    }

    /// The balance of each configured sink.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sink_counts(&self) -> Result<Vec<SinkCounts>, StoreError> {
        self.with(|db, _| {
            let announced = load_marks(db)?.announced;
            sink_names(db)?.into_iter().map(|sink| counts_of(db, sink, announced)).collect()
        })
    }

    /// The latest dead letters, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn dead_letters(&self, count_max: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let sql = "SELECT at, sink, id, lane, attempts, reason FROM dead_letters ORDER BY n DESC LIMIT ?1";
        self.with(|db, _| {
            let mut query = db.prepare_cached(sql)?;
            let letters = query.query_map([count_max], |row| {
                Ok(DeadLetter {
                    at: row.get(0)?,
                    sink: Arc::from(row.get::<_, String>(1)?),
                    id: row.get(2)?,
                    lane: Lane::from_index(row.get(3)?),
                    attempts: row.get(4)?,
                    reason: row.get(5)?,
                })
            })?;
            Ok(letters.collect::<Result<_, _>>()?)
        })
    }
}

struct OutboxRow {
    lane: Lane,
    number: i64,
    seq: i64,
    at: Timestamp,
}

fn next_rows(
    db: &Connection,
    lane: Lane,
    cursor: i64,
    count_max: usize,
) -> Result<VecDeque<OutboxRow>, StoreError> {
    let sql = "SELECT n, seq, at FROM outbox WHERE n > ?1 AND n < ?2 ORDER BY n LIMIT ?3";
    let mut query = db.prepare_cached(sql)?;
    let limit = i64::try_from(count_max).unwrap_or(i64::MAX);
    let found = query.query_map([row_of(lane, cursor), row_of(lane, NUMBER_MAX), limit], |row| {
        let number = row.get::<_, i64>(0)? & NUMBER_MAX;
        Ok(OutboxRow { lane, number, seq: row.get(1)?, at: row.get(2)? })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Takes the best of the lanes' first rows. Never from behind the first: a cursor passes a lane in order, so a
/// row that was jumped would be lost.
fn take_best(lanes: &mut [VecDeque<OutboxRow>; 4], now: Timestamp, ageing: Duration) -> Option<OutboxRow> {
    let rank = |row: &OutboxRow| (aged_lane(row.lane, row.at, now, ageing), Reverse(row.at), row.lane);
    let best = lanes.iter_mut().filter(|rows| !rows.is_empty()).max_by_key(|rows| rows.front().map(rank))?;
    best.pop_front()
}

fn load(
    db: &Connection,
    row: &OutboxRow,
    names: &Names,
    now: Timestamp,
) -> Result<(OutboxEntry, usize), StoreError> {
    let whole = load_item(db, names, row.seq, now)?;
    let (revision, body_bytes) = whole.as_ref().map_or((0, 0), |whole| (whole.revision, whole.body_bytes));
    let item = whole.map(|whole| whole.item);
    let OutboxRow { lane, number, seq, at: announced_at } = *row;
    let entry = OutboxEntry { lane, number, seq, announced_at, revision, item };
    Ok((entry, body_bytes))
}

fn counts_of(db: &Connection, sink: Arc<str>, announced: [i64; 4]) -> Result<SinkCounts, StoreError> {
    let mut lanes = [SinkLaneCounts::default(); 4];
    let mut query = db.prepare_cached("SELECT lane, start, cursor, dead FROM sinks WHERE name = ?1")?;
    let mut rows = query.query(params![sink])?;
    while let Some(row) = rows.next()? {
        let lane: usize = row.get(0)?;
        let (start, cursor, dead): (i64, i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let Some(counts) = lanes.get_mut(lane) else { continue };
        *counts = SinkLaneCounts {
            announced: (announced[lane] - start) as u64,
            delivered: (cursor - start - dead) as u64,
            dead: dead as u64,
            pending: (announced[lane] - cursor) as u64,
        };
    }
    Ok(SinkCounts { sink, lanes })
}

fn sink_names(db: &Connection) -> Result<Vec<Arc<str>>, StoreError> {
    let mut query = db.prepare_cached("SELECT DISTINCT name FROM sinks ORDER BY name")?;
    let names = query.query_map([], |row| row.get::<_, String>(0).map(Arc::from))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Numbers stay below this; the lane stands above.
const NUMBER_MAX: i64 = (1 << 56) - 1;

/// The row of an announcement: the lane, then its number in the lane.
pub(super) fn row_of(lane: Lane, number: i64) -> i64 {
    i64::from(lane.as_index()) << 56 | number
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, gone, id, item};
    use super::*;
    use crate::model::{Commit, Moment};

    fn sink() -> Arc<str> {
        Arc::from("nats")
    }

    fn with_sink() -> Fixture {
        let mut fixture = Fixture::new();
        fixture.writer.set_sinks(&[sink()]).unwrap();
        fixture
    }

    fn ids(entries: &[OutboxEntry]) -> Vec<ItemId> {
        entries.iter().filter_map(|entry| entry.item.as_ref()).map(|item| item.id).collect()
    }

    #[test]
    fn announcements_come_highest_lane_first_and_from_the_cursor_on() {
        let mut fixture = with_sink();
        let lanes = [Lane::Low, Lane::Critical, Lane::Low, Lane::Critical];
        fixture.store((1..).zip(lanes).map(|(n, lane)| item(n, lane)).collect());
        let cursors = fixture.reader.outbox_cursors("nats").unwrap().unwrap();
        assert_eq!(ids(&fixture.reader.outbox(&cursors, 3, at(9).wall).unwrap()), [2, 4, 1].map(id));
        assert_eq!(ids(&fixture.reader.outbox(&[1, 0, 0, 2], 9, at(9).wall).unwrap()), [id(3)]);
        let day = at(24 * 3_600);
        fixture.store(vec![NewItemAt(day).into()]);
        let aged = fixture.reader.outbox(&cursors, 9, day.wall).unwrap();
        assert_eq!(ids(&aged)[..4], [1, 2, 3, 4].map(id), "ageing lets the oldest go first");
    }

    struct NewItemAt(Moment);

    impl From<NewItemAt> for crate::model::NewItem {
        fn from(NewItemAt(created_at): NewItemAt) -> Self {
            Self { created_at, ..item(99, Lane::Critical) }
        }
    }

    #[test]
    fn the_balance_adds_up_and_repeated_updates_change_nothing() {
        let mut fixture = with_sink();
        fixture.store((1..=5).map(|n| item(n, Lane::High)).collect());
        let letter = DeadLetter {
            at: at(9).wall,
            sink: sink(),
            id: id(2),
            lane: Lane::High,
            attempts: 1,
            reason: "too large".to_owned(),
        };
        let update = CursorUpdate { sink: sink(), cursors: [0, 0, 3, 0], dead: vec![letter.clone()] };
        fixture.writer.advance(&[update.clone(), update], at(9).steady).unwrap();
        let counts = fixture.reader.sink_counts().unwrap().remove(0);
        let expected = SinkLaneCounts { announced: 5, delivered: 2, dead: 1, pending: 2 };
        assert_eq!(counts.lanes[2], expected);
        assert_eq!(fixture.reader.dead_letters(9).unwrap(), [letter]);
        let stale = CursorUpdate { sink: sink(), cursors: [0, 0, 1, 0], dead: Vec::new() };
        fixture.writer.advance(&[stale], at(9).steady).unwrap();
        assert_eq!(fixture.reader.outbox_cursors("nats").unwrap(), Some([0, 0, 3, 0]));
    }

    #[test]
    fn a_change_is_announced_with_a_higher_revision_and_the_text_as_it_is_now() {
        let mut fixture = with_sink();
        fixture.store(vec![item(1, Lane::High)]);
        let commit = Commit { now: at(5), changes: vec![gone(1)], ..Commit::default() };
        fixture.writer.commit(&commit).unwrap();
        let entries = fixture.reader.outbox(&[0; 4], 9, at(9).wall).unwrap();
        assert_eq!(entries.iter().map(|entry| entry.revision).collect::<Vec<_>>(), [2, 2]);
        assert!(entries.iter().all(|entry| entry.item.as_ref().unwrap().headline().is_empty()));
    }

    #[test]
    fn a_new_sink_starts_with_what_comes_and_a_gone_one_is_forgotten() {
        let mut fixture = with_sink();
        fixture.store(vec![item(1, Lane::High)]);
        fixture.writer.set_sinks(&[Arc::from("second")]).unwrap();
        assert_eq!(fixture.reader.outbox_cursors("second").unwrap(), Some([0, 0, 1, 0]));
        assert_eq!(fixture.reader.outbox_cursors("nats").unwrap(), None);
    }

    #[test]
    fn a_clock_that_jumps_back_never_lets_a_row_be_jumped() {
        let mut fixture = with_sink();
        for (n, second) in [(1, 9_000), (2, 10), (3, 5_000)] {
            let mut new = item(n, Lane::High);
            new.created_at = at(second);
            fixture.store(vec![new]);
        }
        assert_eq!(ids(&fixture.reader.outbox(&[0; 4], 2, at(99_000).wall).unwrap()), [1, 2].map(id));
    }
}
