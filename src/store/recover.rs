//! What a restart reads back, within the store's windows and limits.

use std::sync::Arc;

use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::names::Names;
use super::rows::{HEAD_COLUMNS, Head, sentiment_of};
use super::{Config, Store, StoreError};
use crate::model::{
    AuthorHistory, ItemState, KeyMap, LedgerEntry, Position, Recovered, RecoveredAuthor, RecoveredItem,
    ReplySwitch, ReplyVerdict, Timestamp,
};

/// How far back the reply ledger is read: one day more than the longest budget of the gate.
pub(super) const LEDGER_WINDOW: std::time::Duration = std::time::Duration::from_secs(31 * 24 * 3_600);

impl Store {
    /// Reads what the settler and the sources need to go on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn recover(&self, now: Timestamp) -> Result<Recovered, StoreError> {
        let (db, names, config) = (&self.writer.db, &self.writer.names, &self.writer.config);
        let (seen, seen_left_out) = read_seen(db, config, now)?;
        let (heads, items_left_out) = read_heads(db, config, now)?;
        let authors = read_authors(db, &heads)?;
        Ok(Recovered {
            positions: read_positions(db)?,
            seen,
            seen_left_out,
            items: heads.iter().map(|head| recovered_item(head, names)).collect(),
            items_left_out,
            authors,
            joined: Vec::new(),
            ledger_left_out: 0,
            ledger: read_ledger(db, now, config.recover_items_max)?,
            reply_switch: read_switch(db)?,
        })
    }
}

fn read_positions(db: &Connection) -> Result<Vec<(Arc<str>, Position)>, StoreError> {
    let mut query = db.prepare("SELECT source, position FROM positions ORDER BY source")?;
    let rows = query.query_map([], |row| {
        let source: String = row.get(0)?;
        Ok((Arc::from(source), Position(row.get::<_, i64>(1)? as u64)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

type Seen = Vec<(u64, Timestamp)>;

/// Newest first until the limit, then turned round; what is left in the window is only counted.
fn read_seen(db: &Connection, config: &Config, now: Timestamp) -> Result<(Seen, u64), StoreError> {
    let since = (now - config.seen_window).as_micros();
    let mut query =
        db.prepare("SELECT at, keys, length(keys) / 8 FROM seen WHERE at >= ?1 ORDER BY n DESC")?;
    let mut rows = query.query([since])?;
    let (mut seen, mut left_out) = (Seen::new(), 0);
    while let Some(row) = rows.next()? {
        let count: u64 = row.get(2)?;
        if left_out > 0 || seen.len() as u64 + count > config.recover_seen_max as u64 {
            left_out += count;
            continue;
        }
        let at = Timestamp::from_micros(row.get(0)?);
        let keys = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        seen.extend(keys.as_chunks().0.iter().rev().map(|key| (u64::from_le_bytes(*key), at)));
    }
    seen.reverse();
    Ok((seen, left_out))
}

/// Items made within the window, and open older ones; oldest first.
fn read_heads(db: &Connection, config: &Config, now: Timestamp) -> Result<(Vec<Head>, u64), StoreError> {
    let since = (now - config.seen_window).as_micros();
    let limit = config.recover_items_max;
    let sql = format!("SELECT {HEAD_COLUMNS} FROM items i WHERE created_at >= ?1 ORDER BY seq DESC LIMIT ?2");
    let mut heads = query_heads(db, &sql, since, limit)?;
    let sql = format!(
        "SELECT {HEAD_COLUMNS} FROM items i WHERE state < 3 AND created_at < ?1 ORDER BY created_at DESC LIMIT ?2"
    );
    heads.extend(query_heads(db, &sql, since, limit - heads.len())?);
    heads.sort_unstable_by_key(|head| head.seq);
    let sql = "SELECT count(*) FROM items WHERE state < 3 OR created_at >= ?1";
    let all: u64 = db.query_row(sql, [since], |row| row.get(0))?;
    let left_out = all.saturating_sub(heads.len() as u64);
    Ok((heads, left_out))
}

fn query_heads(db: &Connection, sql: &str, since: i64, limit: usize) -> Result<Vec<Head>, StoreError> {
    let mut query = db.prepare(sql)?;
    let heads = query.query_map(params![since, limit as i64], Head::read)?;
    Ok(heads.collect::<Result<_, _>>()?)
}

fn recovered_item(head: &Head, names: &Names) -> RecoveredItem {
    RecoveredItem {
        id: head.id,
        team: names.name(head.team),
        brand: names.name(head.brand),
        state: head.state,
        score: head.score,
        lane: head.lane,
        factors: head.packed.factors,
        cluster: head.cluster,
        post: head.post,
        author: head.author,
        size: head.size,
        authors: head.authors,
        created_at: head.created_at,
        due_at: head.due_at,
    }
}

/// The newest item of an author says what was known before it; add the item itself.
fn read_authors(db: &Connection, heads: &[Head]) -> Result<Vec<RecoveredAuthor>, StoreError> {
    let mut open: KeyMap<u32> = KeyMap::default();
    for head in heads {
        let is_open = !matches!(head.state, ItemState::Resolved | ItemState::Withdrawn);
        *open.entry(head.author).or_default() += u32::from(is_open);
    }
    let mut query = db.prepare("SELECT body FROM bodies WHERE seq = ?1")?;
    let mut authors = Vec::with_capacity(open.len());
    for head in heads.iter().rev() {
        let Some(open_items) = open.remove(&head.author) else { continue };
        let before = head.packed.history;
        let body: Option<String> = query.query_row([head.seq], |row| row.get(0)).optional()?;
        authors.push(RecoveredAuthor {
            author: head.author,
            history: AuthorHistory {
                mentions: before.mentions.saturating_add(1),
                open_items,
                last_sentiment: body.as_deref().and_then(sentiment_of),
                first_seen: before.first_seen.or(Some(head.created_at)),
            },
        });
    }
    authors.reverse();
    Ok(authors)
}

/// What was allowed or held counts against budgets, so it comes first when the limit cuts.
fn read_ledger(db: &Connection, now: Timestamp, limit: usize) -> Result<Vec<LedgerEntry>, StoreError> {
    let sql = "SELECT n, at, post, author, conversation, rule, account, verdict, guard FROM ledger
        WHERE at >= ?1 ORDER BY verdict = 2, n DESC LIMIT ?2";
    let mut query = db.prepare(sql)?;
    let mut names = HashMap::new();
    let rows = query.query_map(params![(now - LEDGER_WINDOW).as_micros(), limit as i64], |row| {
        Ok((row.get::<_, i64>(0)?, ledger_entry(row, &mut names)?))
    })?;
    let mut entries = rows.collect::<Result<Vec<_>, _>>()?;
    entries.sort_unstable_by_key(|entry| entry.0);
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

fn ledger_entry(row: &Row<'_>, names: &mut HashMap<String, Arc<str>>) -> rusqlite::Result<LedgerEntry> {
    let key = |column| row.get::<_, i64>(column).map(|key| key as u64);
    let mut name = |column| {
        let name: String = row.get(column)?;
        Ok::<_, rusqlite::Error>(Arc::clone(names.entry(name).or_insert_with_key(|name| Arc::from(&**name))))
    };
    Ok(LedgerEntry {
        at: Timestamp::from_micros(row.get(1)?),
        post: key(2)?,
        author: key(3)?,
        conversation: key(4)?,
        rule: name(5)?,
        account: name(6)?,
        verdict: verdict(row.get(7)?),
        guard: row.get(8)?,
    })
}

/// The order on disk; anything unknown reads as the most careful.
fn verdict(index: u8) -> ReplyVerdict {
    match index {
        0 => ReplyVerdict::Allow,
        1 => ReplyVerdict::Hold,
        _ => ReplyVerdict::Suppress,
    }
}

fn read_switch(db: &Connection) -> Result<Option<ReplySwitch>, StoreError> {
    let sql = "SELECT armed, by, reason, at FROM reply_switch ORDER BY n DESC LIMIT 1";
    let read = |row: &Row<'_>| {
        Ok(ReplySwitch {
            armed: row.get(0)?,
            by: row.get(1)?,
            reason: row.get(2)?,
            at: Timestamp::from_micros(row.get(3)?),
        })
    };
    Ok(db.query_row(sql, [], read).optional()?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, author, id, item};
    use super::*;
    use crate::model::{Commit, ItemChange, Lane};

    const HOUR: u64 = 3_600;

    #[test]
    fn a_restart_finds_recent_items_their_authors_and_what_is_open_of_old() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::High), item(2, Lane::High)]);
        let gone = vec![ItemChange::AuthorGone { author: author(2) }];
        fixture.writer.commit(&Commit { now: at(3), changes: gone, ..Commit::default() }).unwrap();
        let mut late = item(50 * HOUR, Lane::Low);
        late.author = author(1);
        late.history.mentions = 1;
        late.history.first_seen = Some(at(1));
        fixture.store(vec![late]);
        let recovered = fixture.restart(at(50 * HOUR));
        let ids: Vec<_> = recovered.items.iter().map(|item| item.id).collect();
        assert_eq!(ids, [id(1), id(50 * HOUR)], "the old one is open, the withdrawn old one is not needed");
        assert_eq!(recovered.items[0].factors.urgency, 0.5);
        let history =
            AuthorHistory { mentions: 2, open_items: 2, last_sentiment: Some(-0.5), first_seen: Some(at(1)) };
        assert_eq!(recovered.authors, [RecoveredAuthor { author: author(1), history }]);
        assert_eq!((recovered.items_left_out, recovered.seen_left_out), (0, 0));
    }

    #[test]
    fn limits_keep_the_newest_and_count_the_rest() {
        let mut fixture = Fixture::with(|config| {
            config.recover_items_max = 2;
            config.recover_seen_max = 4;
        });
        for n in 0..4 {
            let items = vec![item(n, Lane::High)];
            let seen = vec![n * 10, n * 10 + 1];
            fixture.writer.commit(&Commit { now: at(n), items, seen, ..Commit::default() }).unwrap();
        }
        let recovered = fixture.restart(at(5));
        assert_eq!(recovered.seen, [(20, at(2)), (21, at(2)), (30, at(3)), (31, at(3))]);
        assert_eq!(recovered.seen_left_out, 4);
        assert_eq!(recovered.items.iter().map(|item| item.id).collect::<Vec<_>>(), [id(2), id(3)]);
        assert_eq!(recovered.items_left_out, 2);
    }

    #[test]
    fn the_reply_switch_is_as_last_moved_and_unknown_before() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.restart(at(0)).reply_switch, None);
        let switch =
            |armed| ReplySwitch { armed, by: "ann".to_owned(), reason: "launch".to_owned(), at: at(7) };
        fixture.writer.reply_switch(&switch(false)).unwrap();
        fixture.writer.reply_switch(&switch(true)).unwrap();
        assert_eq!(fixture.restart(at(0)).reply_switch, Some(switch(true)));
    }
}
