//! Looking on: lists, single items, numbers. Never writes, never waits for the writer.
//!
//! A [`Reader`] is a handle on a few idle read-only connections; each call takes one, reads one consistent
//! snapshot and gives it back. Calls block: from async code use `spawn_blocking`.

use std::sync::Arc;
use std::time::Duration;

use crossbeam::queue::ArrayQueue;
use rusqlite::{Connection, Row, params};

use super::keys::{Candidates, find_in_log};
use super::names::Names;
use super::rows::load_item;
use super::writer::load_marks;
use super::{Config, StoreError, schema};
use crate::model::{
    HistoryEntry, ItemFilter, ItemId, ItemRecord, ItemState, Lane, QueueStats, TeamStats, Timestamp, WorkItem,
};

/// Items listed when the filter does not say.
pub const LIST_LIMIT_DEFAULT: u32 = 50;
/// Most items listed.
pub const LIST_LIMIT_MAX: u32 = 1_000;
/// Connections kept open between calls; more calls at once open more and close them after.
const IDLE_CONNECTIONS_MAX: usize = 8;

/// Reads the store through connections of its own. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
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
    pub(super) fn new(config: &Config) -> Self {
        let idle = ArrayQueue::new(IDLE_CONNECTIONS_MAX);
        Self { shared: Arc::new(Shared { config: config.clone(), idle }) }
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
        Ok(Open { db: schema::open_reader(&self.shared.config.path)?, names: Names::default() })
    }

    /// The items that fit the filter: highest lane first and oldest first; closed ones latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self, filter: &ItemFilter) -> Result<Vec<WorkItem>, StoreError> {
        self.with(|db, names| {
            let Some(wanted) = Wanted::new(filter, names) else { return Ok(Vec::new()) };
            let found = match filter.state {
                Some(state @ (ItemState::Resolved | ItemState::Withdrawn)) => wanted.closed(db, state)?,
                Some(state) => wanted.open(db, &[state])?,
                None => wanted.open(db, &ItemState::ALL[..3])?,
            };
            found
                .into_iter()
                .filter_map(|seq| load_item(db, names, seq).transpose())
                .map(|whole| Ok(whole?.item))
                .collect()
        })
    }

    /// One item with its history.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn show(&self, id: ItemId) -> Result<Option<ItemRecord>, StoreError> {
        self.with(|db, names| {
            let Some(seq) = locate(db, id)? else { return Ok(None) };
            let Some(whole) = load_item(db, names, seq)? else { return Ok(None) };
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

/// A filter with its names as numbers.
struct Wanted {
    teams: Vec<i64>,
    brand: Option<i64>,
    lane: Option<Lane>,
    limit: usize,
}

impl Wanted {
    /// `None` when a name in the filter is unknown, so nothing can fit.
    fn new(filter: &ItemFilter, names: &Names) -> Option<Self> {
        let number =
            |name: &Option<String>| name.as_deref().map(|name| names.get(name).ok_or(())).transpose();
        let team = number(&filter.team).ok()?;
        let limit = filter.limit.unwrap_or(LIST_LIMIT_DEFAULT).clamp(1, LIST_LIMIT_MAX);
        Some(Self {
            teams: team.map_or_else(|| (1..=names.len()).collect(), |team| vec![team]),
            brand: number(&filter.brand).ok()?,
            lane: filter.lane,
            limit: limit as usize,
        })
    }

    /// Lane by lane from the top, so that no more is read than is shown.
    fn open(&self, db: &Connection, states: &[ItemState]) -> Result<Vec<i64>, StoreError> {
        let sql =
            "SELECT created_at, seq FROM items WHERE team = ?1 AND state = ?2 AND state < 3 AND lane = ?3
            AND (?4 IS NULL OR brand = ?4) ORDER BY created_at, due_at, seq LIMIT ?5";
        let mut query = db.prepare_cached(sql)?;
        let mut found = Vec::new();
        for lane in Lane::ALL.into_iter().rev().filter(|lane| self.lane.is_none_or(|wanted| wanted == *lane))
        {
            let mut of_lane: Vec<(i64, i64)> = Vec::new();
            for (team, state) in
                self.teams.iter().flat_map(|team| states.iter().map(move |state| (team, state)))
            {
                let row = params![team, state.as_index(), lane.as_index(), self.brand, self.limit as i64];
                for pair in query.query_map(row, |row| Ok((row.get(0)?, row.get(1)?)))? {
                    of_lane.push(pair?);
                }
            }
            of_lane.sort_unstable();
            found.extend(of_lane.into_iter().map(|(_, seq)| seq));
            if found.len() >= self.limit {
                break;
            }
        }
        found.truncate(self.limit);
        Ok(found)
    }

    fn closed(&self, db: &Connection, state: ItemState) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT seq FROM items WHERE state = ?1 AND state >= 3 AND (?2 IS NULL OR team = ?2)
            AND (?3 IS NULL OR brand = ?3) AND (?4 IS NULL OR lane = ?4) ORDER BY closed_at DESC, seq DESC LIMIT ?5";
        let team = if let [team] = self.teams[..] { Some(team) } else { None };
        let lane = self.lane.map(Lane::as_index);
        let mut query = db.prepare_cached(sql)?;
        let row = params![state.as_index(), team, self.brand, lane, self.limit as i64];
        let found = query.query_map(row, |row| row.get(0))?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

/// As the writer's, but the newest items, which it knows by heart, are looked through.
fn locate(db: &Connection, id: ItemId) -> Result<Option<i64>, StoreError> {
    let key = id.0 as i64;
    let mut candidates = Candidates::new();
    find_in_log(db, id.0, &mut candidates)?;
    for seq in candidates {
        if db.prepare_cached("SELECT 1 FROM items WHERE seq = ?1 AND id = ?2")?.exists([seq, key])? {
            return Ok(Some(seq));
        }
    }
    let flushed_to = load_marks(db)?.flushed_to;
    let mut query = db.prepare_cached("SELECT seq FROM items WHERE seq > ?1 AND id = ?2")?;
    Ok(query.query_map([flushed_to, key], |row| row.get(0))?.next().transpose()?)
}

fn history_of(db: &Connection, seq: i64) -> Result<Vec<HistoryEntry>, StoreError> {
    let sql = "SELECT at, agent, action, detail FROM history WHERE seq = ?1 ORDER BY n";
    let mut query = db.prepare_cached(sql)?;
    let entries = query.query_map([seq], |row| {
        Ok(HistoryEntry {
            at: Timestamp::from_micros(row.get(0)?),
            agent: row.get(1)?,
            action: row.get(2)?,
            detail: row.get(3)?,
        })
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
                let oldest = Timestamp::from_micros(row.get(5)?);
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
    use super::super::testing::{Fixture, at, id, item, post};
    use super::*;
    use crate::model::{Commit, ItemChange};

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
        let list = |filter: ItemFilter| ids(&fixture.reader.list(&filter).unwrap());
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
        let changes = vec![ItemChange::PostGone { post: post(1) }];
        fixture.writer.commit(&Commit { now: at(9), changes, ..Commit::default() }).unwrap();
        assert_eq!(ids(&fixture.reader.list(&ItemFilter::default()).unwrap()), [2, 3, 4].map(id));
        let withdrawn = ItemFilter { state: Some(ItemState::Withdrawn), ..Default::default() };
        assert_eq!(ids(&fixture.reader.list(&withdrawn).unwrap()), [id(1)]);
    }

    #[test]
    fn numbers_by_team_tell_open_overdue_and_oldest() {
        let mut fixture = filled();
        fixture.claim("support", "ann", 1, at(20));
        let stats = fixture.reader.stats(at(902)).unwrap();
        let support = stats.teams.iter().find(|team| team.team == "support").unwrap();
        assert_eq!(support.new_by_lane, [0, 2, 0, 0]);
        assert_eq!((support.claimed, support.overdue, support.oldest_new), (1, 1, Some(at(1))));
    }
}
