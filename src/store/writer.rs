//! The one writer: what a step of the line made goes in whole, or not at all.
//!
//! Owned by the engine's thread. A failed commit leaves nothing behind, on disk or in memory, so the same
//! [`Commit`] can be tried again; a commit that is repeated after success changes nothing that counts, because
//! item ids are unique. Items are appended by sequence number; `keys.rs` finds them by hash.
//!
//! Every commit also removes a little of what is past its time (`retention.rs`), in proportion to what it adds: so
//! forgetting keeps pace with whatever comes in, and no commit waits for it long.

use std::sync::Arc;
use std::time::Instant;

use metrics::{Counter, Histogram, counter, histogram};
use rusqlite::{Connection, params};

use super::boot_line::BootLine;
use super::keys::Keys;
use super::lock::Lock;
use super::marks::{Marks, load_marks};
use super::names::Names;
use super::pending::Feed;
use super::pruning::Pruning;
use super::rows::{Packed, pack_joined};
use super::{Config, StoreError};
use crate::model::{
    About, Change, Commit, ItemId, Joined, Key, Lane, LedgerEntry, Moment, NewItem, Position, ReplySwitch,
};

/// Seconds a commit took, transaction and sync included.
pub const COMMIT_SECONDS: &str = "birddog_store_commit_seconds";
/// New items per commit.
pub const COMMIT_ITEMS: &str = "birddog_store_commit_items";
/// Commits that failed and are tried again.
pub const COMMIT_FAILURES_TOTAL: &str = "birddog_store_commit_failures_total";
/// Work items stored, by team and lane.
pub const ITEMS_STORED_TOTAL: &str = "birddog_items_stored_total";
/// Work items not stored because their id was there, by team and lane.
pub const ITEMS_REPEATED_TOTAL: &str = "birddog_items_repeated_total";
/// Identity keys remembered.
pub const SEEN_KEYS_TOTAL: &str = "birddog_store_seen_keys_total";

/// What one commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitReport {
    /// Items stored.
    pub stored: u64,
    /// Items whose id was there; not stored again.
    pub repeated: u64,
    /// Both, by team and lane; only pairs that occurred.
    pub lanes: Vec<LaneCount>,
    /// Changes whose item or post is not in the store.
    pub changes_missed: u64,
    /// Bytes of bodies written.
    pub bytes: u64,
    /// Deletions that took something out of the store and were not among [`Commit::seen`]: they are filed as seen, too.
    pub deletions: Vec<Key>,
    /// Wall time of the transaction.
    pub took: std::time::Duration,
}

/// Items of one team and lane in one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneCount {
    /// The team.
    pub team: Arc<str>,
    /// The lane.
    pub lane: Lane,
    /// Stored.
    pub stored: u64,
    /// Ignored: the id was there.
    pub repeated: u64,
}

/// The only connection that writes.
pub struct Writer {
    pub(super) db: Connection,
    pub(super) names: Names,
    pub(super) keys: Keys,
    pub(super) marks: Marks,
    pub(super) feed: Feed,
    pub(super) config: Config,
    pub(super) keep_outbox: bool,
    /// Teams of the running configuration; empty until told, and then any team is taken.
    pub(super) teams: Vec<Arc<str>>,
    pub(super) pruning: Pruning,
    pub(super) boot: Option<BootLine>,
    metrics: Metrics,
    _lock: Arc<Lock>,
}

impl Writer {
    pub(super) fn new(
        db: Connection,
        lock: Arc<Lock>,
        config: Config,
        keep_outbox: bool,
    ) -> Result<Self, StoreError> {
        let marks = load_marks(&db)?;
        let names = Names::load(&db)?;
        let keys = Keys::load(&db, marks.flushed_to)?;
        let pruning = Pruning::load(&db)?;
        let (teams, metrics) = (Vec::new(), Metrics::new());
        Ok(Self {
            db,
            names,
            keys,
            marks,
            feed: Feed::default(),
            config,
            keep_outbox,
            teams,
            pruning,
            boot: None,
            metrics,
            _lock: lock,
        })
    }

    /// Names the teams of configuration and rules: work can only be handed to these. Others may claim what they still
    /// have from before.
    pub fn set_teams<'a>(&mut self, teams: impl IntoIterator<Item = &'a str>) {
        self.teams = teams.into_iter().map(Arc::from).collect();
    }

    /// Writes all of `commit` in one transaction.
    ///
    /// # Errors
    /// Nothing was written. Try again with the same commit while the error is
    /// [retryable](StoreError::is_retryable); `Statement` and `Corrupt` need a person.
    pub fn commit(&mut self, commit: &Commit) -> Result<CommitReport, StoreError> {
        let started = Instant::now();
        let written = self.transact(|writer| {
            let report = writer.write(commit)?;
            let pruned = writer.prune_beside(&report, commit.now)?;
            Ok((report, pruned))
        });
        let (mut report, pruned) =
            written.inspect_err(|_: &StoreError| self.metrics.failures.increment(1))?;
        pruned.count();
        report.took = started.elapsed();
        self.metrics.record(&report, commit.seen.len() as u64);
        Ok(report)
    }

    /// Runs `work` in a transaction; on failure everything is as before, in memory too.
    pub(super) fn transact<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let (marks, names) = (self.marks, self.names.len());
        self.statement("BEGIN IMMEDIATE")?;
        let done = work(self).and_then(|value| {
            self.feed.save(&self.db, &mut self.marks)?;
            self.save_marks(marks)?;
            self.statement("COMMIT")?;
            Ok(value)
        });
        if done.is_ok() {
            self.keys.commit(self.marks.flushed_to);
            self.pruning.commit();
        } else {
            self.roll_back(marks, names);
        }
        done
    }

    fn roll_back(&mut self, marks: Marks, names: i64) {
        // SQLite ends the transaction by itself on some errors; then there is nothing to roll back.
        if !self.db.is_autocommit()
            && let Err(error) = self.statement("ROLLBACK")
        {
            tracing::error!(%error, "store cannot roll back");
        }
        self.marks = marks;
        self.feed.clear();
        self.names.truncate(names);
        self.keys.roll_back();
        self.pruning.roll_back();
    }

    fn statement(&self, sql: &str) -> Result<(), StoreError> {
        self.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn save_marks(&self, before: Marks) -> Result<(), StoreError> {
        let Marks { next_seq, flushed_to, announced: [a, b, c, d], changes } = self.marks;
        if self.marks != before {
            let sql = "UPDATE meta SET next_seq = ?1, flushed_to = ?2, announced_0 = ?3, announced_1 = ?4,
                announced_2 = ?5, announced_3 = ?6, changes = ?7";
            self.db.prepare_cached(sql)?.execute([next_seq, flushed_to, a, b, c, d, changes])?;
        }
        Ok(())
    }

    fn write(&mut self, commit: &Commit) -> Result<CommitReport, StoreError> {
        let mut report = CommitReport::default();
        let is_new = |change: &Change| matches!(change, Change::New(_));
        for run in commit.changes.chunk_by(|one, next| is_new(one) == is_new(next)) {
            self.insert_items(run, &mut report)?;
            for change in run.iter().filter(|change| !is_new(change)) {
                self.change(change, commit.now, &mut report)?;
            }
        }
        insert_ledger(&self.db, &commit.ledger)?;
        insert_seen(&self.db, &commit.seen, &report.deletions, commit.now)?;
        insert_joined(&self.db, &commit.joined, commit.now)?;
        commit.reply_switch.as_ref().map_or(Ok(()), |switch| insert_switch(&self.db, switch, commit.now))?;
        save_positions(&self.db, &commit.positions)?;
        if let Some(flushed_to) = self.keys.flush(&self.db, self.marks.next_seq - 1)? {
            self.marks.flushed_to = flushed_to;
        }
        self.write_clock(commit.now)?;
        Ok(report)
    }

    /// Inserts the new items among `changes` by one statement: to take it from the cache costs as much as a row.
    pub(super) fn insert_items(
        &mut self,
        changes: &[Change],
        report: &mut CommitReport,
    ) -> Result<(), StoreError> {
        let Self { db, names, keys, marks, feed, pruning, .. } = self;
        let mut insert = db.prepare_cached(INSERT_ITEM)?;
        for change in changes {
            let Change::New(item) = change else { continue };
            let (subject, author) = match &item.about {
                About::Post(post) => (post.post, Some(post.author)),
                About::Alarm(key) => (*key, None),
            };
            let (team, brand) = (names.intern(db, &item.team)?, names.intern(db, &item.brand)?);
            let is_new = locate(db, keys, item.id)?.is_none();
            report.count(item, is_new);
            if !is_new {
                continue;
            }
            let seq = marks.next_seq;
            marks.next_seq += 1;
            insert.execute(params![
                seq,
                item.id.to_bytes(),
                team,
                brand,
                item.lane.as_index(),
                item.score,
                item.created_at.wall.as_micros(),
                item.created_at.steady.as_micros(),
                item.due_at.as_micros(),
                subject.to_bytes(),
                author.map(Key::to_bytes).as_ref().map_or(&[][..], |author| author),
                Packed::of(item).pack().as_slice(),
                item.body,
                reply_json(item),
            ])?;
            keys.add(item.id, seq);
            keys.add(subject, seq);
            author.into_iter().for_each(|author| keys.add(author, seq));
            pruning.opened(1);
            feed.created(item, team);
            if self.keep_outbox {
                marks.announce(db, seq, item.lane, item.created_at.wall)?;
            }
        }
        Ok(())
    }
}

const INSERT_ITEM: &str = "INSERT INTO items(seq, id, team, brand, state, lane, score, created_at, created_steady, \
    due_at, post, author, size, authors, revision, packed, body, reply) \
    VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, 1, 1, ?12, ?13, ?14)";

/// The sequence number of the item with this id.
pub(super) fn locate(db: &Connection, keys: &Keys, id: ItemId) -> Result<Option<i64>, StoreError> {
    for seq in keys.find(db, id)? {
        let mut check = db.prepare_cached("SELECT 1 FROM items WHERE seq = ?1 AND id = ?2")?;
        if check.exists(params![seq, id.to_bytes()])? {
            return Ok(Some(seq));
        }
    }
    Ok(None)
}

fn reply_json(item: &NewItem) -> Option<String> {
    let json = item.about_post()?.reply.as_ref().map(serde_json::to_string);
    json.map(|json| json.expect("a decision has only strings and lists"))
}

fn insert_ledger(db: &Connection, ledger: &[LedgerEntry]) -> Result<(), StoreError> {
    let sql = "INSERT INTO ledger(at, steady, post, author, conversation, rule, account, verdict, guard)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut insert = db.prepare_cached(sql)?;
    for entry in ledger {
        insert.execute(params![
            entry.at.wall.as_micros(),
            entry.at.steady.as_micros(),
            entry.post.to_bytes(),
            entry.author.to_bytes(),
            entry.conversation.to_bytes(),
            entry.rule,
            entry.account,
            entry.verdict as u8,
            entry.guard,
        ])?;
    }
    Ok(())
}

/// One row for all keys of a commit: a row a key would cost more than the item it protects.
fn insert_seen(db: &Connection, seen: &[Key], deletions: &[Key], now: Moment) -> Result<(), StoreError> {
    let keys: Vec<u8> = seen.iter().chain(deletions).flat_map(|key| key.to_bytes()).collect();
    if !keys.is_empty() {
        let mut insert = db.prepare_cached("INSERT INTO seen(steady, keys) VALUES (?1, ?2)")?;
        insert.execute(params![now.steady.as_micros(), keys])?;
    }
    Ok(())
}

fn insert_joined(db: &Connection, joined: &[Joined], now: Moment) -> Result<(), StoreError> {
    if !joined.is_empty() {
        let mut insert = db.prepare_cached("INSERT INTO joined(steady, entries) VALUES (?1, ?2)")?;
        insert.execute(params![now.steady.as_micros(), pack_joined(joined)])?;
    }
    Ok(())
}

fn insert_switch(db: &Connection, switch: &ReplySwitch, now: Moment) -> Result<(), StoreError> {
    let sql = "INSERT INTO reply_switch(armed, by, reason, at, steady) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![switch.armed, switch.by, switch.reason, switch.at.as_micros(), now.steady.as_micros()];
    db.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn save_positions(db: &Connection, positions: &[(Arc<str>, Position)]) -> Result<(), StoreError> {
    let sql = "INSERT INTO positions VALUES (?1, ?2)
        ON CONFLICT (source) DO UPDATE SET position = excluded.position";
    for (source, position) in positions {
        db.prepare_cached(sql)?.execute(params![source, position.0 as i64])?;
    }
    Ok(())
}

impl CommitReport {
    fn count(&mut self, item: &NewItem, is_new: bool) {
        let same = |count: &&mut LaneCount| count.lane == item.lane && count.team == item.team;
        let (stored, repeated) = (u64::from(is_new), u64::from(!is_new));
        self.stored += stored;
        self.repeated += repeated;
        self.bytes += stored * item.body.len() as u64;
        match self.lanes.iter_mut().find(same) {
            Some(count) => {
                count.stored += stored;
                count.repeated += repeated;
            }
            None => {
                let team = Arc::clone(&item.team);
                self.lanes.push(LaneCount { team, lane: item.lane, stored, repeated });
            }
        }
    }
}

/// Handles, made once; those by team and lane when a pair first occurs.
struct Metrics {
    seconds: Histogram,
    items: Histogram,
    failures: Counter,
    seen: Counter,
    lanes: Vec<(Arc<str>, Lane, Counter, Counter)>,
}

impl Metrics {
    fn new() -> Self {
        Self {
            seconds: histogram!(COMMIT_SECONDS),
            items: histogram!(COMMIT_ITEMS),
            failures: counter!(COMMIT_FAILURES_TOTAL),
            seen: counter!(SEEN_KEYS_TOTAL),
            lanes: Vec::new(),
        }
    }

    fn record(&mut self, report: &CommitReport, seen: u64) {
        self.seconds.record(report.took);
        self.items.record(report.stored as f64);
        self.seen.increment(seen);
        for count in &report.lanes {
            let (stored, repeated) = self.of_lane(&count.team, count.lane);
            stored.increment(count.stored);
            repeated.increment(count.repeated);
        }
    }

    fn of_lane(&mut self, team: &Arc<str>, lane: Lane) -> (&Counter, &Counter) {
        let known = self.lanes.iter().position(|known| known.1 == lane && known.0 == *team);
        let place = known.unwrap_or_else(|| {
            let labels = || [("team", team.to_string()), ("lane", lane.as_str().to_owned())];
            let stored = counter!(ITEMS_STORED_TOTAL, &labels());
            let repeated = counter!(ITEMS_REPEATED_TOTAL, &labels());
            self.lanes.push((Arc::clone(team), lane, stored, repeated));
            self.lanes.len() - 1
        });
        let (_, _, stored, repeated) = &self.lanes[place];
        (stored, repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, id, item, news};
    use super::super::{Store, StoreError};
    use super::*;
    use crate::model::ReplyVerdict;

    fn commit(items: Vec<NewItem>) -> Commit {
        Commit { now: at(1), changes: news(items), ..Commit::default() }
    }

    fn ledger_entry() -> LedgerEntry {
        LedgerEntry {
            post: Key(1),
            author: Key(2),
            conversation: Key(3),
            rule: Arc::from("r"),
            account: Arc::from("bluesky"),
            verdict: ReplyVerdict::Hold,
            guard: Some("per_author".to_owned()),
            at: at(1),
        }
    }

    #[test]
    fn a_commit_that_fails_leaves_nothing_and_succeeds_when_repeated() {
        let mut fixture = Fixture::new();
        let full = Commit {
            positions: vec![(Arc::from("jetstream"), Position(77))],
            seen: vec![Key(1), Key(2)],
            ledger: vec![ledger_entry()],
            ..commit(vec![item(1, Lane::High), item(2, Lane::Low)])
        };
        let fail = "CREATE TRIGGER fail BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'no'); END";
        fixture.writer.db.execute_batch(fail).unwrap();
        assert!(fixture.writer.commit(&full).is_err());
        assert_eq!(fixture.reader.counts().unwrap().stored, 0);
        assert!(fixture.reader.show(id(1), at(2).wall).unwrap().is_none());
        fixture.writer.db.execute_batch("DROP TRIGGER fail").unwrap();
        let report = fixture.writer.commit(&full).unwrap();
        assert_eq!((report.stored, report.repeated), (2, 0));
        let recovered = fixture.restart(at(2));
        assert_eq!(recovered.positions, [(Arc::from("jetstream"), Position(77))]);
        assert_eq!(recovered.seen, [(Key(1), at(1).steady), (Key(2), at(1).steady)]);
        assert_eq!(recovered.ledger, [ledger_entry()]);
        assert_eq!(fixture.get(id(1)).headline(), "post number 1");
    }

    #[test]
    fn a_full_disk_is_said_to_be_full_and_the_same_commit_goes_in_once_there_is_room() {
        let mut fixture = Fixture::new();
        let pages: i64 = fixture.writer.db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        fixture.writer.db.pragma_update(None, "max_page_count", pages).unwrap();
        let items = || (0..200).map(|n| item(n, Lane::Normal)).collect();
        let error = fixture.writer.commit(&commit(items())).unwrap_err();
        assert!(matches!(error, StoreError::Full) && error.is_retryable(), "{error}");
        fixture.writer.db.pragma_update(None, "max_page_count", 1_000_000).unwrap();
        assert_eq!(fixture.writer.commit(&commit(items())).unwrap().stored, 200);
    }

    #[test]
    fn an_id_is_stored_once_within_a_commit_between_commits_and_over_a_restart() {
        let mut fixture = Fixture::new();
        let twice = commit(vec![item(1, Lane::High), item(1, Lane::High)]);
        let report = fixture.writer.commit(&twice).unwrap();
        assert_eq!((report.stored, report.repeated), (1, 1));
        assert_eq!(report.lanes[0].repeated, 1);
        fixture.restart(at(2));
        assert_eq!(fixture.writer.commit(&twice).unwrap().stored, 0);
        assert_eq!(fixture.reader.counts().unwrap().stored, 1);
    }

    #[test]
    fn ids_are_known_after_the_keys_have_moved_to_the_log() {
        let mut fixture = Fixture::new();
        let count = super::super::keys::TAIL_ITEMS_MAX as u64 + 50;
        for start in (0..count).step_by(1_000) {
            let end = count.min(start + 1_000);
            fixture.store((start..end).map(|n| item(n, Lane::Normal)).collect());
        }
        assert!(fixture.writer.marks.flushed_to > 0);
        for round in 0..2 {
            for n in [0, 1, 9_999, count - 1] {
                let report = fixture.writer.commit(&commit(vec![item(n, Lane::Normal)])).unwrap();
                assert_eq!(report.repeated, 1, "item {n}, round {round}");
                assert_eq!(fixture.get(id(n)).headline(), format!("post number {n}"));
            }
            fixture.restart(at(count));
        }
        assert_eq!(fixture.reader.counts().unwrap().stored, count);
    }

    #[test]
    fn a_second_process_is_refused_and_so_are_newer_and_unreleased_schemas() {
        let mut fixture = Fixture::new();
        assert!(matches!(Store::open(&fixture.config, false), Err(StoreError::Locked { .. })));
        fixture.writer.db.pragma_update(None, "user_version", 99).unwrap();
        let config = fixture.config.clone();
        fixture.config.path = config.path.with_file_name("other.db");
        fixture.restart(at(0));
        let newer = Store::open(&config, false);
        assert!(matches!(newer, Err(StoreError::NewerSchema { found: 99, .. })));
        Connection::open(&config.path).unwrap().pragma_update(None, "user_version", 1).unwrap();
        let older = Store::open(&config, false);
        assert!(matches!(older, Err(StoreError::OlderSchema { found: 1, .. })));
    }

    #[test]
    fn something_that_is_no_database_is_refused_with_a_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { path: dir.path().join("x.db"), ..Config::default() };
        std::fs::write(&config.path, "this is certainly not a database, it is a text".repeat(99)).unwrap();
        let error = Store::open(&config, false).err().unwrap();
        assert!(matches!(&error, StoreError::Corrupt(_)), "{error}");
    }
}
