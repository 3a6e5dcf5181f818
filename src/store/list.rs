//! Which items a list holds, in what order, and where a page of it ends.
//!
//! Open items stand lane by lane from the top, oldest first; closed ones latest first. The place of an item in that order
//! is all that a page gives to the next one, so that items that come and go meanwhile neither hide others nor show them
//! twice.

use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, params};

use super::StoreError;
use super::names::Names;
use crate::model::{ItemFilter, ItemState, LIST_ITEMS_DEFAULT, LIST_ITEMS_MAX, Lane};

/// The place of an item in a list; shown as numbers with dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Lane, from the top; then creation, deadline and row.
    Open { below: u8, created_at: i64, due_at: i64, seq: i64 },
    /// Time of closing and row.
    Closed { closed: i64, seq: i64 },
}

impl Place {
    pub(super) const fn seq(self) -> i64 {
        match self {
            Self::Open { seq, .. } | Self::Closed { seq, .. } => seq,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { below, created_at, due_at, seq } => {
                write!(f, "{below:x}-{created_at:x}-{due_at:x}-{seq:x}")
            }
            Self::Closed { closed, seq } => write!(f, "{closed:x}-{seq:x}"),
        }
    }
}

/// True when a page may have given this as its `next`.
#[must_use]
pub fn is_place(text: &str) -> bool {
    text.parse::<Place>().is_ok()
}

/// A text that no page gave.
#[derive(Debug)]
pub(super) struct BadPlace;

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let number = |part| u64::from_str_radix(part, 16).map(|number| number as i64);
        let numbers: Vec<i64> =
            text.split('-').map(number).collect::<Result<_, _>>().map_err(|_| BadPlace)?;
        match numbers[..] {
            [below @ 0..=3, created_at, due_at, seq] => {
                Ok(Self::Open { below: below as u8, created_at, due_at, seq })
            }
            [closed, seq] => Ok(Self::Closed { closed, seq }),
            _ => Err(BadPlace),
        }
    }
}

/// A filter with its names as numbers.
pub(super) struct Wanted {
    teams: Vec<i64>,
    brand: Option<i64>,
    lane: Option<Lane>,
    state: Option<ItemState>,
    after: Option<Place>,
    limit: usize,
}

impl Wanted {
    /// `None` when nothing can fit: a name in the filter is unknown, or the place to go on from is none.
    pub(super) fn new(filter: &ItemFilter, names: &Names) -> Option<Self> {
        let number =
            |name: &Option<String>| name.as_deref().map(|name| names.get(name).ok_or(())).transpose();
        let team = number(&filter.team).ok()?;
        let limit = filter.limit.unwrap_or(LIST_ITEMS_DEFAULT).clamp(1, LIST_ITEMS_MAX);
        Some(Self {
            teams: team.map_or_else(|| (1..=names.len()).collect(), |team| vec![team]),
            brand: number(&filter.brand).ok()?,
            lane: filter.lane,
            state: filter.state,
            after: filter.after.as_deref().map(Place::from_str).transpose().ok()?,
            limit: limit as usize,
        })
    }

    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// The places of the items that fit, in order, as many as the limit allows.
    pub(super) fn find(&self, db: &Connection) -> Result<Vec<Place>, StoreError> {
        match self.state {
            Some(state @ (ItemState::Resolved | ItemState::Withdrawn)) => self.closed(db, state),
            Some(state) => self.open(db, &[state]),
            None => self.open(db, &ItemState::ALL[..3]),
        }
    }

    /// Lane by lane from the top, so that no more is read than is shown.
    fn open(&self, db: &Connection, states: &[ItemState]) -> Result<Vec<Place>, StoreError> {
        let sql =
            "SELECT created_at, due_at, seq FROM items WHERE team = ?1 AND state = ?2 AND state < 3 AND lane = ?3
            AND (?4 IS NULL OR brand = ?4) AND (created_at, due_at, seq) > (?5, ?6, ?7)
            ORDER BY created_at, due_at, seq LIMIT ?8";
        let mut query = db.prepare_cached(sql)?;
        let mut found = Vec::new();
        for lane in Lane::ALL.into_iter().rev().filter(|lane| self.lane.is_none_or(|wanted| wanted == *lane))
        {
            let below = Lane::Critical.as_index() - lane.as_index();
            let Some((created_at, due_at, seq)) = self.start_of(below) else { continue };
            let mut of_lane: Vec<Place> = Vec::new();
            for (team, state) in
                self.teams.iter().flat_map(|team| states.iter().map(move |state| (team, state)))
            {
                let (state, lane, limit) = (state.as_index(), lane.as_index(), self.limit as i64);
                let row = params![team, state, lane, self.brand, created_at, due_at, seq, limit];
                let place = |row: &rusqlite::Row<'_>| {
                    Ok(Place::Open { below, created_at: row.get(0)?, due_at: row.get(1)?, seq: row.get(2)? })
                };
                for place in query.query_map(row, place)? {
                    of_lane.push(place?);
                }
            }
            of_lane.sort_unstable();
            found.extend(of_lane);
            if found.len() >= self.limit {
                break;
            }
        }
        found.truncate(self.limit);
        Ok(found)
    }

    /// Behind what the items of a lane stand; `None` when the pages before have shown all of it.
    fn start_of(&self, below: u8) -> Option<(i64, i64, i64)> {
        match self.after {
            None => Some((i64::MIN, i64::MIN, i64::MIN)),
            Some(Place::Closed { .. }) => None,
            Some(Place::Open { below: reached, .. }) if reached > below => None,
            Some(Place::Open { below: reached, .. }) if reached < below => {
                Some((i64::MIN, i64::MIN, i64::MIN))
            }
            Some(Place::Open { created_at, due_at, seq, .. }) => Some((created_at, due_at, seq)),
        }
    }

    fn closed(&self, db: &Connection, state: ItemState) -> Result<Vec<Place>, StoreError> {
        let sql = "SELECT closed_steady, seq FROM items WHERE state = ?1 AND state >= 3 AND (?2 IS NULL OR team = ?2)
            AND (?3 IS NULL OR brand = ?3) AND (?4 IS NULL OR lane = ?4) AND (closed_steady, seq) < (?5, ?6)
            ORDER BY closed_steady DESC, seq DESC LIMIT ?7";
        let (closed, seq) = match self.after {
            None => (i64::MAX, i64::MAX),
            Some(Place::Closed { closed, seq }) => (closed, seq),
            Some(Place::Open { .. }) => return Ok(Vec::new()),
        };
        let team = if let [team] = self.teams[..] { Some(team) } else { None };
        let lane = self.lane.map(Lane::as_index);
        let mut query = db.prepare_cached(sql)?;
        let row = params![state.as_index(), team, self.brand, lane, closed, seq, self.limit as i64];
        let found =
            query.query_map(row, |row| Ok(Place::Closed { closed: row.get(0)?, seq: row.get(1)? }))?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}
