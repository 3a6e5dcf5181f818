//! Looking on: lists, single items, numbers. Never writes, never waits for the writer.
//!
//! A [`Reader`] is a handle on a few idle read-only connections; each call takes one, reads one consistent
//! snapshot and gives it back. Calls block: from async code use `spawn_blocking`.

use std::sync::Arc;
use std::time::Duration;

use crossbeam::queue::ArrayQueue;
use rusqlite::{Connection, Row, params};

use super::keys::{Candidates, find_in_log};
use super::list::Wanted;
use super::lock::Lock;
use super::marks::load_marks;
use super::names::Names;
use super::rows::load_item;
use super::{Config, StoreError, schema};
use crate::model::{
    HistoryEntry, ItemFilter, ItemId, ItemPage, ItemRecord, ItemState, QueueStats, TeamStats, Timestamp,
};

/// Bodies in one page of a list end with the one that passes this many bytes.
pub const LIST_BYTES_MAX: usize = 2 << 20;
/// Connections kept open between calls; more calls at once open more and close them after.
const IDLE_CONNECTIONS_MAX: usize = 8;

/// Reads the store through connections of its own. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    lock: Arc<Lock>,
    idle: ArrayQueue<Open>,
}

struct Open {
    db: Connection,
    names: Names,
}

/// What the store holds, for the conservation law: `stored = sum(by_state) + pruned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Items ever stored.
    pub stored: u64,
    /// Items in the store now, in the order of [`ItemState::ALL`].
    pub by_state: [u64; 5],
    /// Items removed by retention.
    pub pruned: u64,
}

impl Reader {
    pub(super) fn new(config: &Config, lock: Arc<Lock>) -> Self {
        let idle = ArrayQueue::new(IDLE_CONNECTIONS_MAX);
        Self { shared: Arc::new(Shared { config: config.clone(), lock, idle }) }
    }

    pub(super) fn ageing(&self) -> Duration {
        self.shared.config.ageing
    }

    /// Runs `read` on one consistent snapshot.
    pub(super) fn with<T>(
        &self,
        read: impl FnOnce(&Connection, &Names) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut open = self.shared.idle.pop().map_or_else(|| self.open(), Ok)?;
        let snapshot = open.db.unchecked_transaction()?;
        let names: i64 =
            snapshot.prepare_cached("SELECT count(*) FROM names")?.query_row([], |row| row.get(0))?;
        if names != open.names.len() {
            open.names = Names::load(&snapshot)?;
        }
        let value = read(&snapshot, &open.names)?;
        drop(snapshot);
        // When the queue is full the connection is closed here.
        drop(self.shared.idle.push(open));
        Ok(value)
    }

    fn open(&self) -> Result<Open, StoreError> {
        self.shared.lock.check()?;
        Ok(Open { db: schema::open_reader(&self.shared.config.path)?, names: Names::default() })
    }

    /// The items that fit the filter, as they stand at `now`: highest lane first and oldest first; closed ones latest
    /// first. At most [`LIST_BYTES_MAX`] of them, and at least one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self, filter: &ItemFilter, now: Timestamp) -> Result<ItemPage, StoreError> {
        self.with(|db, names| {
            let Some(wanted) = Wanted::new(filter, names) else { return Ok(ItemPage::default()) };
            let (mut page, mut bytes) = (ItemPage::default(), 0);
            let mut places = wanted.find(db)?.into_iter().peekable();
            while let Some(place) = places.next() {
                let Some(whole) = load_item(db, names, place.seq(), now)? else { continue };
                page.items.push(whole.item);
                bytes += whole.body_bytes;
                if bytes >= LIST_BYTES_MAX || places.peek().is_none() && page.items.len() == wanted.limit() {
                    page.next = Some(place.to_string());
                    break;
                }
            }
            Ok(page)
        })
    }

    /// One item as it stands at `now`, with its history.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn show(&self, id: ItemId, now: Timestamp) -> Result<Option<ItemRecord>, StoreError> {
        self.with(|db, names| {
            let Some(seq) = locate(db, id)? else { return Ok(None) };
            let Some(whole) = load_item(db, names, seq, now)? else { return Ok(None) };
            Ok(Some(ItemRecord { item: whole.item, history: history_of(db, seq)? }))
        })
    }

    /// The queue in numbers, by team.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stats(&self, now: Timestamp) -> Result<QueueStats, StoreError> {
        self.with(|db, names| {
            let mut teams = Vec::new();
            count_open(db, names, now, &mut teams)?;
            count_closed(db, names, &mut teams)?;
            count_handoffs(db, names, &mut teams)?;
            teams.sort_by(|a, b| a.team.cmp(&b.team));
            Ok(QueueStats { teams })
        })
    }

    /// Items by state, and how many there ever were.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn counts(&self) -> Result<StoreCounts, StoreError> {
        self.with(|db, _| {
            let stored = (load_marks(db)?.next_seq - 1) as u64;
            let mut by_state = [0; 5];
            for sql in [
                "SELECT state, count(*) FROM items WHERE state < 3 GROUP BY state",
                "SELECT state, count(*) FROM items WHERE state >= 3 GROUP BY state",
            ] {
                let mut query = db.prepare_cached(sql)?;
                let mut rows = query.query([])?;
                while let Some(row) = rows.next()? {
                    by_state[row.get::<_, usize>(0)?.min(4)] = row.get(1)?;
                }
            }
            let pruned = stored - by_state.iter().sum::<u64>();
            Ok(StoreCounts { stored, by_state, pruned })
        })
    }
}

/// As the writer's, but the newest items, which it knows by heart, are looked through.
fn locate(db: &Connection, id: ItemId) -> Result<Option<i64>, StoreError> {
    let key = id.to_bytes();
    let mut candidates = Candidates::new();
    find_in_log(db, id, &mut candidates)?;
    for seq in candidates {
        if db.prepare_cached("SELECT 1 FROM items WHERE seq = ?1 AND id = ?2")?.exists(params![seq, key])? {
            return Ok(Some(seq));
        }
    }
    let flushed_to = load_marks(db)?.flushed_to;
    let mut query = db.prepare_cached("SELECT seq FROM items WHERE seq > ?1 AND id = ?2")?;
    Ok(query.query_map(params![flushed_to, key], |row| row.get(0))?.next().transpose()?)
}

fn history_of(db: &Connection, seq: i64) -> Result<Vec<HistoryEntry>, StoreError> {
    let sql = "SELECT at, agent, action, detail FROM history WHERE seq = ?1 ORDER BY n";
    let mut query = db.prepare_cached(sql)?;
    let entries = query.query_map([seq], |row| {
        Ok(HistoryEntry { at: row.get(0)?, agent: row.get(1)?, action: row.get(2)?, detail: row.get(3)? })
    })?;
    Ok(entries.collect::<Result<_, _>>()?)
}

/// The entry of the team that the row's first column names.
fn team_of<'a>(
    row: &Row<'_>,
    names: &Names,
    teams: &'a mut Vec<TeamStats>,
) -> rusqlite::Result<&'a mut TeamStats> {
    let team = names.name(row.get(0)?);
    let known = teams.iter().position(|stats| *stats.team == *team);
    let place = known.unwrap_or_else(|| {
        teams.push(TeamStats { team: team.to_string(), ..TeamStats::default() });
        teams.len() - 1
    });
    Ok(&mut teams[place])
}

fn count_open(
    db: &Connection,
    names: &Names,
    now: Timestamp,
    teams: &mut Vec<TeamStats>,
) -> Result<(), StoreError> {
    let sql =
        "SELECT team, state, lane, count(*), sum(due_at < ?1), min(created_at) FROM items WHERE state < 3
        GROUP BY team, state, lane";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([now.as_micros()])?;
    while let Some(row) = rows.next()? {
        let stats = team_of(row, names, teams)?;
        let (lane, count): (usize, u64) = (row.get(2)?, row.get(3)?);
        stats.overdue += row.get::<_, u64>(4)?;
        match ItemState::from_index(row.get(1)?) {
            Some(ItemState::Claimed) => stats.claimed += count,
            Some(ItemState::Waiting) => stats.waiting += count,
            _ => {
                let oldest: Timestamp = row.get(5)?;
                stats.new_by_lane[lane.min(3)] += count;
                stats.oldest_new = Some(stats.oldest_new.map_or(oldest, |known| known.min(oldest)));
            }
        }
    }
    Ok(())
}

fn count_closed(db: &Connection, names: &Names, teams: &mut Vec<TeamStats>) -> Result<(), StoreError> {
    let sql = "SELECT team, state, count(*) FROM items WHERE state >= 3 GROUP BY team, state";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let stats = team_of(row, names, teams)?;
        match ItemState::from_index(row.get(1)?) {
            Some(ItemState::Resolved) => stats.resolved = row.get(2)?,
            _ => stats.withdrawn = row.get(2)?,
        }
    }
    Ok(())
}

fn count_handoffs(db: &Connection, names: &Names, teams: &mut Vec<TeamStats>) -> Result<(), StoreError> {
    let mut query = db.prepare_cached("SELECT team, handed_in, handed_out FROM handoffs")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let stats = team_of(row, names, teams)?;
        (stats.handed_in, stats.handed_out) = (row.get(1)?, row.get(2)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, gone, id, item};
    use super::*;
    use crate::model::{Commit, Lane, WorkItem};

    fn ids(items: &[WorkItem]) -> Vec<ItemId> {
        items.iter().map(|item| item.id).collect()
    }

    fn filled() -> Fixture {
        let mut fixture = Fixture::new();
        let mut items: Vec<_> = (1..=4).map(|n| item(n, Lane::Normal)).collect();
        items[1].lane = Lane::Critical;
        items[2].team = Arc::from("pr");
        items[3].brand = Arc::from("other");
        fixture.store(items);
        fixture
    }

    #[test]
    fn lists_fit_every_condition_and_the_limit() {
        let fixture = filled();
        let list = |filter: ItemFilter| ids(&fixture.reader.list(&filter, at(9).wall).unwrap().items);
        let text = |name: &str| Some(name.to_owned());
        assert_eq!(list(ItemFilter::default()), [2, 1, 3, 4].map(id));
        assert_eq!(list(ItemFilter { team: text("pr"), ..Default::default() }), [id(3)]);
        assert_eq!(list(ItemFilter { brand: text("other"), ..Default::default() }), [id(4)]);
        assert_eq!(list(ItemFilter { lane: Some(Lane::Critical), ..Default::default() }), [id(2)]);
        assert_eq!(list(ItemFilter { limit: Some(2), ..Default::default() }), [2, 1].map(id));
        assert!(list(ItemFilter { team: text("nobody"), ..Default::default() }).is_empty());
        assert!(list(ItemFilter { state: Some(ItemState::Claimed), ..Default::default() }).is_empty());
    }

    #[test]
    fn closed_items_are_listed_on_request_only() {
        let mut fixture = filled();
        let changes = vec![gone(1)];
        fixture.writer.commit(&Commit { now: at(9), changes, ..Commit::default() }).unwrap();
        assert_eq!(
            ids(&fixture.reader.list(&ItemFilter::default(), at(9).wall).unwrap().items),
            [2, 3, 4].map(id)
        );
        let withdrawn = ItemFilter { state: Some(ItemState::Withdrawn), ..Default::default() };
        assert_eq!(ids(&fixture.reader.list(&withdrawn, at(9).wall).unwrap().items), [id(1)]);
    }

    #[test]
    fn numbers_by_team_tell_open_overdue_and_oldest() {
        let mut fixture = filled();
        fixture.claim("support", "ann", 1, at(20));
        let stats = fixture.reader.stats(at(902).wall).unwrap();
        let support = stats.teams.iter().find(|team| team.team == "support").unwrap();
        assert_eq!(support.new_by_lane, [0, 2, 0, 0]);
        assert_eq!((support.claimed, support.overdue, support.oldest_new), (1, 1, Some(at(1).wall)));
    }

    #[test]
    fn pages_follow_each_other_without_a_gap_and_are_bounded_in_bytes() {
        let mut fixture = Fixture::new();
        let mut items: Vec<_> = (1..=40).map(|n| item(n, Lane::from_index((n % 4) as u8))).collect();
        items.iter_mut().for_each(|item| item.body = super::super::testing::body_of(1, &"x".repeat(200_000)));
        items.iter_mut().skip(30).for_each(|item| item.team = Arc::from("pr"));
        fixture.store(items);
        let all = ids(&(0..).map_while(next_page(&fixture, None, 1_000)).flatten().collect::<Vec<_>>());
        let mut expected: Vec<u64> = (1..=40).collect();
        expected.sort_by_key(|n| (std::cmp::Reverse(n % 4), *n));
        assert_eq!(all, expected.into_iter().map(id).collect::<Vec<_>>());
        let mut pages = (0..).map_while(next_page(&fixture, None, 1_000));
        assert!(pages.all(|page| page.len() <= LIST_BYTES_MAX / 200_000 + 1));
        assert_eq!(ids(&next_page(&fixture, None, 3)(0).unwrap()).len(), 3);
    }

    #[test]
    fn closed_items_are_paged_too() {
        let mut fixture = Fixture::new();
        fixture.store((1..=7).map(|n| item(n, Lane::High)).collect());
        for n in 1..=7 {
            let commit = Commit { now: at(10 + n), changes: vec![gone(n)], ..Commit::default() };
            fixture.writer.commit(&commit).unwrap();
        }
        let pages = (0..).map_while(next_page(&fixture, Some(ItemState::Withdrawn), 3));
        let pages: Vec<_> = pages.map(|page| ids(&page)).collect();
        assert_eq!(
            pages,
            [vec![7, 6, 5], vec![4, 3, 2], vec![1]].map(|page| page.into_iter().map(id).collect::<Vec<_>>())
        );
    }

    #[test]
    fn a_cursor_that_birddog_did_not_give_is_no_page() {
        let fixture = filled();
        for after in ["", "x", "1-2", "9-9-9-9-9", "z-0-0-0"] {
            let filter = ItemFilter { after: Some(after.to_owned()), ..Default::default() };
            assert_eq!(fixture.reader.list(&filter, at(9).wall).unwrap(), ItemPage::default(), "{after}");
        }
    }

    /// The pages of a list, one a call.
    fn next_page(
        fixture: &Fixture,
        state: Option<ItemState>,
        limit: u32,
    ) -> impl FnMut(u32) -> Option<Vec<WorkItem>> {
        let mut after = Some(None);
        move |_| {
            let filter = ItemFilter { state, limit: Some(limit), after: after.take()?, ..Default::default() };
            let page = fixture.reader.list(&filter, at(99).wall).unwrap();
            after = page.next.map(Some);
            (!page.items.is_empty()).then_some(page.items)
        }
    }
}
