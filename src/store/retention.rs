//! Forgetting: closed items and old records go, a bounded slice at a time, so that a commit never waits long.
//!
//! Everything is forgotten by steady time: no leap of the wall clock makes anything old. Every commit removes up to twice
//! as many rows as it adds, so that the store stays as large as what comes in within the time that things are kept; what
//! is then left over goes while nothing comes in. Nothing goes that a configured sink still has to be told of.

use std::path::Path;

use metrics::{counter, gauge};
use rusqlite::{Connection, params};

use super::StoreError;
use super::config::LEDGER_WINDOW;
use super::keys::prune_log;
use super::lock::beside;
use super::outbox::row_of;
use super::schema::{BUSY_TIMEOUT, WAL_BYTES_MAX};
use super::sql::author_of;
use super::writer::{CommitReport, Writer};
use crate::model::{Key, Lane, Moment, Steady};

/// Bytes of the database file.
pub const STORE_BYTES: &str = "birddog_store_bytes";
/// Bytes of it that hold nothing, and are used again or given back.
pub const FREE_BYTES: &str = "birddog_store_free_bytes";
/// Bytes of the write-ahead log beside it.
pub const WAL_BYTES: &str = "birddog_store_wal_bytes";
/// Rows removed because their time was over, by kind.
pub const PRUNED_TOTAL: &str = "birddog_store_pruned_rows_total";
/// Open items closed because they were too old or too many, by reason.
pub const EXPIRED_TOTAL: &str = "birddog_items_expired_total";
/// Open items now.
pub const OPEN_ITEMS: &str = "birddog_store_open_items";

/// Most rows of each kind removed by one call, or beside one commit.
pub const PRUNE_ROWS_MAX: u32 = 2_000;
/// Rows of each kind that a commit may remove though it adds none.
const PRUNE_ROWS_MIN: u32 = 32;
/// Most items that one look closes as too old or too many.
const EXPIRE_ITEMS_MAX: u32 = 10_000;
/// Items of one queue looked at before it is known that more have to go.
const EXPIRE_PROBE: u32 = 16;
/// A file with fewer free pages than this keeps them, and one of which less than an eighth is free.
const FREE_PAGES_MIN: i64 = 1_024;
const FREE_SHARE: i64 = 8;
/// Pages given back by one call.
const VACUUM_PAGES_MAX: i64 = 1_024;

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
    /// Rows of the change feed past their time.
    pub changes: u64,
    /// There is more to remove: call again soon.
    pub more: bool,
}

impl Writer {
    /// Removes what is past its time, at most [`PRUNE_ROWS_MAX`] rows of each kind. Call now and then while idle, and
    /// again while [`Pruned::more`].
    ///
    /// # Errors
    /// Nothing was removed; call again later.
    pub fn prune(&mut self, now: Moment) -> Result<Pruned, StoreError> {
        let pruned = self.transact(|writer| writer.prune_slice(now.steady, PRUNE_ROWS_MAX))?;
        pruned.count();
        Ok(pruned)
    }

    /// Part of a commit: removes in proportion to what it adds.
    pub(super) fn prune_beside(&mut self, report: &CommitReport, now: Moment) -> Result<Pruned, StoreError> {
        let added = u32::try_from(report.stored).unwrap_or(u32::MAX);
        let rows_max = added.saturating_mul(2).clamp(PRUNE_ROWS_MIN, PRUNE_ROWS_MAX);
        self.prune_slice(now.steady, rows_max)
    }

    fn prune_slice(&mut self, now: Steady, rows_max: u32) -> Result<Pruned, StoreError> {
        let retention = now - self.config.retention;
        let window = now - self.config.seen_window;
        let ledger = now - self.config.retention.max(LEDGER_WINDOW);
        let mut pruned = Pruned {
            items: prune_items(&self.db, retention, rows_max)?,
            seen: prune_rows(&self.db, SEEN, window, rows_max)?,
            joined: prune_rows(&self.db, JOINED, window, rows_max)?,
            ledger: self.prune_ledger(ledger, rows_max)?,
            outbox: prune_outbox(&self.db, self.marks.announced, rows_max)?,
            dead_letters: prune_rows(&self.db, DEAD_LETTERS, retention, rows_max)?,
            changes: self.prune_changes(now - self.config.changes_kept)?,
            more: false,
        };
        if pruned.items > 0 {
            self.pruning.redacted();
            prune_log(&self.db)?;
        }
        pruned.more = pruned.by_kind().iter().any(|(_, rows)| *rows >= u64::from(rows_max));
        Ok(pruned)
    }

    fn prune_ledger(&mut self, before: Steady, rows_max: u32) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(
            (SELECT n FROM ledger WHERE n >= ?1 AND guard IS NOT 'opt_out' ORDER BY n LIMIT 1),
            (SELECT max(n) + 1 FROM ledger), 0)";
        let from = self.db.prepare_cached(sql)?.query_row([self.pruning.ledger_from], |row| row.get(0))?;
        self.pruning.ledger_from_next = from;
        let row = params![before.as_micros(), rows_max, from];
        Ok(self.db.prepare_cached(LEDGER)?.execute(row)? as u64)
    }

    /// Closes open items that are older than `open_age_max`, and the oldest unclaimed ones of the lowest lanes when there
    /// are more than `open_items_max`. Gives the keys of their authors. Call about once a second.
    ///
    /// # Errors
    /// Nothing has changed; call again.
    pub fn expire_items(&mut self, now: Moment) -> Result<Vec<Key>, StoreError> {
        let oldest = now.steady - self.config.open_age_max;
        let excess = self.pruning.open_items - i64::try_from(self.config.open_items_max).unwrap_or(i64::MAX);
        let old = self.too_old(oldest)?;
        let many =
            if excess > old.len() as i64 { self.too_many(excess as usize - old.len())? } else { Vec::new() };
        if old.is_empty() && many.is_empty() {
            return Ok(Vec::new());
        }
        tracing::warn!(too_old = old.len(), too_many = many.len(), "open items expire and are withdrawn");
        self.transact(|writer| {
            let old = old.iter().map(|seq| (*seq, "age"));
            let many = many.iter().filter(|seq| !old.clone().any(|(known, _)| known == **seq));
            old.clone()
                .chain(many.map(|seq| (*seq, "count")))
                .filter_map(|(seq, why)| writer.close(seq, why, now).transpose())
                .collect()
        })
    }

    /// Queue by queue: within one, items stand nearly in order of age.
    fn too_old(&self, oldest: Steady) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT seq FROM (SELECT seq, created_steady FROM items WHERE team = ?1 AND state = ?2 AND state < 3
            AND lane = ?3 ORDER BY created_at, due_at, seq LIMIT ?4) WHERE created_steady < ?5";
        let mut query = self.db.prepare_cached(sql)?;
        let mut old: Vec<i64> = Vec::new();
        for (team, state, lane) in self.queues(0..3) {
            let mut limit = EXPIRE_PROBE;
            loop {
                let row = params![team, state, lane, limit, oldest.as_micros()];
                let found: Vec<i64> = query.query_map(row, |row| row.get(0))?.collect::<Result<_, _>>()?;
                if (found.len() as u32) < limit || limit == EXPIRE_ITEMS_MAX {
                    old.extend(found);
                    break;
                }
                limit = EXPIRE_ITEMS_MAX;
            }
        }
        old.truncate(EXPIRE_ITEMS_MAX as usize);
        Ok(old)
    }

    fn too_many(&self, excess: usize) -> Result<Vec<i64>, StoreError> {
        let sql =
            "SELECT created_at, seq FROM items WHERE team = ?1 AND state = 0 AND state < 3 AND lane = ?2
            ORDER BY created_at, due_at, seq LIMIT ?3";
        let mut query = self.db.prepare_cached(sql)?;
        let excess = excess.min(EXPIRE_ITEMS_MAX as usize);
        let mut many: Vec<i64> = Vec::new();
        for lane in Lane::ALL {
            let mut of_lane: Vec<(i64, i64)> = Vec::new();
            for team in 1..=self.names.len() {
                let row = params![team, lane.as_index(), (excess - many.len()) as i64];
                for found in query.query_map(row, |row| Ok((row.get(0)?, row.get(1)?)))? {
                    of_lane.push(found?);
                }
            }
            of_lane.sort_unstable();
            many.extend(of_lane.into_iter().map(|(_, seq)| seq).take(excess - many.len()));
            if many.len() == excess {
                break;
            }
        }
        Ok(many)
    }

    fn queues(&self, states: std::ops::Range<u8>) -> impl Iterator<Item = (i64, u8, u8)> + use<> {
        let teams = 1..=self.names.len();
        teams.flat_map(move |team| {
            states.clone().flat_map(move |state| Lane::ALL.map(|lane| (team, state, lane.as_index())))
        })
    }

    fn close(&mut self, seq: i64, why: &'static str, now: Moment) -> Result<Option<Key>, StoreError> {
        let sql = "UPDATE items SET state = 4, holder = NULL, lease_until = NULL, lease_steady = NULL, closed_steady = ?2,
            updated_at = ?3 WHERE seq = ?1 RETURNING author";
        let row = params![seq, now.steady.as_micros(), now.wall.as_micros()];
        let author = self.db.prepare_cached(sql)?.query_row(row, |row| author_of(row, 0))?;
        let detail = if why == "age" { "open for too long" } else { "too many open items" };
        self.record(seq, now, super::rows::SELF, "expire", Some(detail))?;
        self.pruning.opened(-1);
        counter!(EXPIRED_TOTAL, "reason" => why).increment(1);
        self.announce(seq, now.wall)?;
        Ok(author)
    }

    /// Gives free pages back, cuts the log when it is long or holds deleted text, and shows all sizes. Call about once a
    /// second.
    ///
    /// # Errors
    /// When the store cannot be read or written; call again later.
    pub fn compact(&mut self) -> Result<(), StoreError> {
        let pragma = |name| self.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (pages, free, page_bytes) =
            (pragma("page_count")?, pragma("freelist_count")?, pragma("page_size")?);
        gauge!(STORE_BYTES).set((pages * page_bytes) as f64);
        gauge!(FREE_BYTES).set((free * page_bytes) as f64);
        gauge!(OPEN_ITEMS).set(self.pruning.open_items as f64);
        if free > FREE_PAGES_MIN && free > pages / FREE_SHARE {
            // A row for each page: each step gives one back.
            let mut vacuum = self.db.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES_MAX})"))?;
            let mut pages = vacuum.query([])?;
            while pages.next()?.is_some() {}
        }
        let wal_bytes = file_bytes(&beside(&self.config.path, "-wal"));
        gauge!(WAL_BYTES).set(wal_bytes as f64);
        if self.pruning.has_redacted || wal_bytes > 2 * WAL_BYTES_MAX as u64 {
            self.cut_log()?;
        }
        Ok(())
    }

    /// Copies the log into the database and empties it, unless somebody reads just now.
    ///
    /// # Errors
    /// When the store cannot be written; call again later.
    pub fn cut_log(&mut self) -> Result<(), StoreError> {
        // Readers are not waited for: the engine has other things to do.
        self.db.busy_timeout(std::time::Duration::ZERO)?;
        let cut = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        self.db.busy_timeout(BUSY_TIMEOUT)?;
        if cut? == 0 {
            self.pruning.has_redacted = false;
        }
        Ok(())
    }
}

impl Pruned {
    const fn by_kind(&self) -> [(&'static str, u64); 7] {
        [
            ("items", self.items),
            ("seen", self.seen),
            ("joined", self.joined),
            ("ledger", self.ledger),
            ("outbox", self.outbox),
            ("dead_letters", self.dead_letters),
            ("changes", self.changes),
        ]
    }

    pub(super) fn count(&self) {
        for (kind, rows) in self.by_kind().into_iter().filter(|(_, rows)| *rows > 0) {
            counter!(PRUNED_TOTAL, "kind" => kind).increment(rows);
        }
    }
}

fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

const SEEN: &str =
    "DELETE FROM seen WHERE n IN (SELECT n FROM (SELECT n, steady FROM seen ORDER BY n LIMIT ?2)
    WHERE steady < ?1)";
const JOINED: &str =
    "DELETE FROM joined WHERE n IN (SELECT n FROM (SELECT n, steady FROM joined ORDER BY n LIMIT ?2)
    WHERE steady < ?1)";
/// Opt-outs are kept for ever.
const LEDGER: &str = "DELETE FROM ledger WHERE n IN (SELECT n FROM (SELECT n, steady FROM ledger
    WHERE n >= ?3 AND guard IS NOT 'opt_out' ORDER BY n LIMIT ?2) WHERE steady < ?1)";
const DEAD_LETTERS: &str = "DELETE FROM dead_letters WHERE n IN
    (SELECT n FROM (SELECT n, steady FROM dead_letters ORDER BY n LIMIT ?2) WHERE steady < ?1)";

fn prune_rows(db: &Connection, sql: &str, before: Steady, rows_max: u32) -> Result<u64, StoreError> {
    let removed = db.prepare_cached(sql)?.execute(params![before.as_micros(), rows_max])?;
    Ok(removed as u64)
}

fn prune_items(db: &Connection, before: Steady, rows_max: u32) -> Result<u64, StoreError> {
    let sql = "SELECT seq FROM items WHERE state >= 3 AND closed_steady < ?1 ORDER BY closed_steady LIMIT ?2";
    let mut query = db.prepare_cached(sql)?;
    let found = query.query_map(params![before.as_micros(), rows_max], |row| row.get::<_, i64>(0))?;
    let closed = found.collect::<Result<Vec<_>, _>>()?;
    for seq in &closed {
        for sql in ["DELETE FROM items WHERE seq = ?1", "DELETE FROM history WHERE seq = ?1"] {
            db.prepare_cached(sql)?.execute([seq])?;
        }
    }
    Ok(closed.len() as u64)
}

/// Rows up to the cursor of the slowest sink; without sinks, all.
fn prune_outbox(db: &Connection, announced: [i64; 4], rows_max: u32) -> Result<u64, StoreError> {
    let slowest = "SELECT min(cursor) FROM sinks WHERE lane = ?1";
    let delete = "DELETE FROM outbox WHERE n IN (SELECT n FROM outbox WHERE n BETWEEN ?1 AND ?2 LIMIT ?3)";
    let mut removed = 0;
    for (lane, announced) in Lane::ALL.into_iter().zip(announced) {
        let cursor: Option<i64> =
            db.prepare_cached(slowest)?.query_row([lane.as_index()], |row| row.get(0))?;
        let (from, to) = (row_of(lane, 0), row_of(lane, cursor.unwrap_or(announced)));
        let left = i64::from(rows_max) - removed as i64;
        removed += db.prepare_cached(delete)?.execute([from, to, left])?;
    }
    Ok(removed as u64)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, gone, id, item, news};
    use super::*;
    use crate::model::Commit;

    const DAY: u64 = 24 * 3_600;

    #[test]
    fn closed_items_go_after_retention_and_open_ones_stay() {
        let mut fixture = Fixture::new();
        fixture.store((0..3).map(|n| item(n, Lane::High)).collect());
        let changes = vec![gone(1)];
        let commit = Commit { now: at(5), changes, seen: vec![Key(1)], ..Commit::default() };
        fixture.writer.commit(&commit).unwrap();
        let early = fixture.writer.prune(at(DAY)).unwrap();
        assert_eq!((early.items, early.seen), (0, 0));
        let pruned = fixture.writer.prune(at(31 * DAY)).unwrap();
        assert_eq!((pruned.items, pruned.seen, pruned.more), (1, 1, false));
        assert!(fixture.reader.show(id(1), at(9).wall).unwrap().is_none());
        assert!(fixture.reader.show(id(2), at(9).wall).unwrap().is_some());
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
        fixture.writer.advance(&[update("a", 4), update("b", 1)], at(9).steady).unwrap();
        assert_eq!(fixture.writer.prune(at(9)).unwrap().outbox, 1);
        assert_eq!(fixture.reader.outbox(&[0; 4], 9, at(9).wall).unwrap().len(), 3);
    }

    #[test]
    fn a_slice_is_bounded_and_says_that_there_is_more() {
        let mut fixture = Fixture::new();
        for n in 0..u64::from(PRUNE_ROWS_MAX) + 1 {
            fixture
                .writer
                .commit(&Commit { now: at(0), seen: vec![Key(n.into())], ..Commit::default() })
                .unwrap();
        }
        let first = fixture.writer.prune(at(3 * DAY)).unwrap();
        assert_eq!((first.seen, first.more), (u64::from(PRUNE_ROWS_MAX), true));
        let second = fixture.writer.prune(at(3 * DAY)).unwrap();
        assert_eq!((second.seen, second.more), (1, false));
    }

    #[test]
    fn a_wall_clock_that_leaps_makes_nothing_old() {
        let mut fixture = Fixture::new();
        fixture.store((0..3).map(|n| item(n, Lane::High)).collect());
        let commit = Commit { now: at(5), changes: vec![gone(1)], seen: vec![Key(1)], ..Commit::default() };
        fixture.writer.commit(&commit).unwrap();
        let leapt = |days: u64| Moment { wall: at(days * DAY).wall, ..at(9) };
        for days in [40, 400] {
            fixture.writer.commit(&Commit { now: leapt(days), ..Commit::default() }).unwrap();
            let pruned = fixture.writer.prune(leapt(days)).unwrap();
            assert_eq!(pruned, Pruned { outbox: pruned.outbox, ..Pruned::default() });
            assert_eq!(fixture.writer.expire_items(leapt(days)).unwrap(), []);
            assert_eq!(fixture.writer.expire(leapt(days)).unwrap(), 0);
        }
        assert!(fixture.restart(leapt(400)).seen.contains(&(Key(1), at(5).steady)));
    }

    #[test]
    fn opt_outs_stay_for_ever_and_no_commit_reads_them_all_again() {
        let mut fixture = Fixture::new();
        let entry = |second: u64, guard: Option<&str>| crate::model::LedgerEntry {
            post: Key(second.into()),
            author: Key(second.into()),
            conversation: Key(3),
            rule: "r".into(),
            account: "bluesky".into(),
            verdict: crate::model::ReplyVerdict::Suppress,
            guard: guard.map(str::to_owned),
            at: at(second),
        };
        let commit = |fixture: &mut Fixture, second, guards: &[Option<&str>]| {
            let ledger = guards.iter().map(|guard| entry(second, *guard)).collect();
            let commit = Commit { now: at(second), ledger, ..Commit::default() };
            fixture.writer.commit(&commit).unwrap();
        };
        commit(&mut fixture, 1, &[Some("opt_out"); 50]);
        commit(&mut fixture, 2, &[Some("mode"), Some("opt_out"), None]);
        assert_eq!(fixture.writer.pruning.ledger_from, 51);
        let failed: Result<(), StoreError> = fixture.writer.transact(|writer| {
            writer.prune_slice(at(99 * DAY).steady, PRUNE_ROWS_MAX)?;
            Err(rusqlite::Error::InvalidQuery.into())
        });
        assert!(failed.is_err() && fixture.writer.pruning.ledger_from == 51);
        for day in [99, 199] {
            assert_eq!(fixture.writer.prune(at(day * DAY)).unwrap().ledger, 2);
            commit(&mut fixture, day * DAY, &[]);
            assert_eq!(fixture.writer.pruning.ledger_from, 53, "behind the last opt-out");
            commit(&mut fixture, day * DAY, &[Some("mode"), None]);
        }
        let left: i64 =
            fixture.writer.db.query_row("SELECT count(*) FROM ledger", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 51 + 2);
    }

    #[test]
    fn forgetting_keeps_pace_with_what_comes_in() {
        let mut fixture = Fixture::with(|config| config.retention = std::time::Duration::from_secs(10));
        for second in 0..60 {
            let first = second * 100;
            let now = |n: u64| crate::model::NewItem { created_at: at(second), ..item(n, Lane::High) };
            let mut changes = news((first..first + 100).map(now).collect());
            changes.extend((first..first + 100).map(gone));
            fixture.writer.commit(&Commit { now: at(second), changes, ..Commit::default() }).unwrap();
        }
        let counts = fixture.reader.counts().unwrap();
        assert_eq!(counts.stored, 6_000);
        assert!(counts.by_state.iter().sum::<u64>() <= 1_200, "{counts:?}: eleven seconds of a hundred each");
    }

    #[test]
    fn items_that_are_open_for_too_long_are_withdrawn_as_expired() {
        let mut fixture = Fixture::new();
        fixture.store((0..20).map(|n| item(n * DAY, Lane::Low)).collect());
        fixture.claim("support", "ann", 1, at(20 * DAY));
        let authors = fixture.writer.expire_items(at(100 * DAY)).unwrap();
        assert_eq!(authors.len(), 10);
        let open = fixture.reader.counts().unwrap().by_state;
        assert_eq!((open[0] + open[1], open[4]), (10, 10));
        assert_eq!(fixture.actions(id(0)), ["ann claim", "birddog expire"]);
        assert!(fixture.claim("support", "bob", 99, at(100 * DAY)).len() == 10);
    }

    #[test]
    fn when_too_many_are_open_the_oldest_of_the_lowest_lanes_go() {
        let mut fixture = Fixture::with(|config| config.open_items_max = 5);
        fixture.store((0..9).map(|n| item(n, Lane::from_index((n % 3) as u8))).collect());
        assert_eq!(fixture.writer.expire_items(at(99)).unwrap().len(), 4);
        let is_open = |n: &u64| fixture.get(id(*n)).state == crate::model::ItemState::New;
        assert_eq!((0..9).filter(is_open).collect::<Vec<_>>(), [2, 4, 5, 7, 8]);
        let mut fixture = fixture;
        assert_eq!(fixture.writer.expire_items(at(99)).unwrap(), []);
    }

    /// Whether a text stands anywhere in the store's files.
    fn holds(fixture: &Fixture, text: &str) -> bool {
        ["", "-wal", "-shm"].iter().any(|suffix| {
            let bytes = std::fs::read(beside(&fixture.config.path, suffix)).unwrap_or_default();
            memchr::memmem::find(&bytes, text.as_bytes()).is_some()
        })
    }

    #[test]
    fn a_deleted_text_is_in_no_file_of_the_store_once_the_log_is_cut() {
        let mut fixture = Fixture::new();
        fixture.store((0..500).map(|n| item(n, Lane::High)).collect());
        let long = "a very long secret ".repeat(2_000);
        let mut large = item(777, Lane::High);
        large.body = super::super::testing::body_of(777, &long);
        fixture.store(vec![large]);
        assert!(holds(&fixture, "post number 499") && holds(&fixture, "a very long secret"));
        let changes = (0..500).step_by(2).chain([777]).map(gone).collect();
        fixture.writer.commit(&Commit { now: at(900), changes, ..Commit::default() }).unwrap();
        fixture.writer.compact().unwrap();
        let left: Vec<u64> = (0..500).filter(|n| holds(&fixture, &format!("post number {n}\u{0}"))).collect();
        assert!(left.is_empty() && !holds(&fixture, "a very long secret"), "{left:?}");
        let still: Vec<u64> = (0..500).filter(|n| holds(&fixture, &format!("post number {n}"))).collect();
        assert!(still.contains(&499) && !still.contains(&498) && !still.contains(&110), "{still:?}");
    }

    #[test]
    fn a_file_gives_back_what_it_no_longer_needs() {
        let mut fixture = Fixture::with(|config| config.retention = std::time::Duration::from_secs(10));
        let text = "x".repeat(20_000);
        let large = |n| crate::model::NewItem {
            body: super::super::testing::body_of(n, &text),
            ..item(n, Lane::High)
        };
        fixture.store((0..2_000).map(large).collect());
        fixture.writer.cut_log().unwrap();
        let before = file_bytes(&fixture.config.path);
        let changes = (0..2_000).map(gone).collect();
        fixture.writer.commit(&Commit { now: at(2_000), changes, ..Commit::default() }).unwrap();
        while fixture.writer.prune(at(3_000)).unwrap().more {}
        for _ in 0..20 {
            fixture.writer.compact().unwrap();
        }
        fixture.writer.cut_log().unwrap();
        let after = file_bytes(&fixture.config.path);
        assert!(before > 30 << 20 && after < before / 2, "{before} {after}");
    }
}
