//! What a restart reads back, within the store's windows and limits.

use std::sync::Arc;

use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::config::LEDGER_WINDOW;
use super::names::Names;
use super::rows::{HEAD_COLUMNS, HEAD_LEN, Head, read_post, unpack_joined};
use super::{Config, Store, StoreError};
use crate::model::{
    AuthorHistory, ItemState, Joined, Key, KeyMap, LedgerEntry, Moment, Position, Recovered, RecoveredAuthor,
    RecoveredItem, ReplySwitch, ReplyVerdict, Steady,
};

impl Store {
    /// Reads what the settler and the sources need to go on at `now`, by steady time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn recover(&self, now: Steady) -> Result<Recovered, StoreError> {
        let (db, names, config) = (&self.writer.db, &self.writer.names, &self.writer.config);
        let (seen, seen_left_out) = read_seen(db, config, now)?;
        let (items, items_left_out) = read_items(db, config, now)?;
        let (ledger, ledger_left_out) = read_ledger(db, config, now)?;
        Ok(Recovered {
            positions: read_positions(db)?,
            seen,
            seen_left_out,
            authors: authors_of(&items),
            items: items.into_iter().map(|item| item.into_recovered(names)).collect(),
            items_left_out,
            joined: read_joined(db, config, now)?,
            ledger,
            ledger_left_out,
            reply_switch: read_switch(db)?,
            leap: None,
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

type Seen = Vec<(Key, Steady)>;

/// Bytes of a key on disk.
const KEY_BYTES: i64 = 16;

/// Newest first until the limit, then turned round; what is left in the window is only counted.
fn read_seen(db: &Connection, config: &Config, now: Steady) -> Result<(Seen, u64), StoreError> {
    let since = (now - config.seen_window).as_micros();
    let sql = "SELECT steady, keys, length(keys) / ?2 FROM seen WHERE steady >= ?1 ORDER BY n DESC";
    let mut query = db.prepare(sql)?;
    let mut rows = query.query([since, KEY_BYTES])?;
    let (mut seen, mut left_out) = (Seen::new(), 0);
    while let Some(row) = rows.next()? {
        let count: u64 = row.get(2)?;
        if left_out > 0 || seen.len() as u64 + count > config.recover_seen_max as u64 {
            left_out += count;
            continue;
        }
        let at = row.get(0)?;
        let keys = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        seen.extend(keys.as_chunks().0.iter().rev().map(|key| (Key::from_bytes(*key), at)));
    }
    seen.reverse();
    Ok((seen, left_out))
}

/// Open items made since `?1`, and those closed since: through the indexes, since rows hold the bodies and the table is
/// not to be read whole. Nothing closes before it is made.
const CLOSED_SINCE: &str =
    "FROM items INDEXED BY items_closed WHERE state >= 3 AND closed_steady >= ?1 AND created_steady >= ?1";

/// An item about a post, as recovery reads it.
struct Read {
    head: Head,
    author: Key,
    network: Box<str>,
    uri: Box<str>,
    sentiment: f32,
}

impl Read {
    /// None for an alarm: triage remembers nothing of it.
    fn of(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let head = Head::read(row)?;
        let Some(author) = head.author else { return Ok(None) };
        let Some(body) = read_post(row.get_ref(HEAD_LEN)?.as_blob()?, head.id) else { return Ok(None) };
        Ok(Some(Self {
            network: body.post.source.into(),
            uri: body.post.uri.into(),
            sentiment: body.scores.sentiment.score,
            author,
            head,
        }))
    }

    fn into_recovered(self, names: &Names) -> RecoveredItem {
        let Self { head, author, network, uri, .. } = self;
        RecoveredItem {
            id: head.id,
            team: names.name(head.team),
            brand: names.name(head.brand),
            state: head.state,
            score: head.score,
            lane: head.lane,
            factors: head.packed.factors,
            cluster: head.packed.cluster,
            post: head.post,
            network,
            uri,
            author,
            size: head.size,
            authors: head.authors,
            created_at: head.created_at,
            due_at: head.due_at,
        }
    }
}

/// Open items, and closed ones made within the window: the newest that fit the limit, oldest first, and how many did not.
fn read_items(db: &Connection, config: &Config, now: Steady) -> Result<(Vec<Read>, u64), StoreError> {
    let since = (now - config.seen_window).as_micros();
    let open = "SELECT seq FROM items INDEXED BY items_open WHERE state < 3";
    let wanted = format!("{open} UNION ALL SELECT seq {CLOSED_SINCE}");
    let sql = format!(
        "SELECT {HEAD_COLUMNS}, body FROM items
         WHERE seq IN (SELECT seq FROM ({wanted}) ORDER BY seq DESC LIMIT ?2) ORDER BY seq"
    );
    let mut query = db.prepare(&sql)?;
    let limit = config.recover_items_max as i64;
    let rows: Vec<Option<Read>> =
        query.query_map(params![since, limit], Read::of)?.collect::<Result<_, _>>()?;
    let read = rows.len() as u64;
    let items = rows.into_iter().flatten().collect();
    let open: u64 = db.query_row("SELECT count(*) FROM items WHERE state < 3", [], |row| row.get(0))?;
    let sql = format!("SELECT count(*) {CLOSED_SINCE}");
    let all = open + db.query_row(&sql, [since], |row| row.get::<_, u64>(0))?;
    let left_out = all.saturating_sub(read);
    Ok((items, left_out))
}

/// The newest item of an author says what was known before it; the item itself is added.
fn authors_of(items: &[Read]) -> Vec<RecoveredAuthor> {
    let mut open: KeyMap<u32> = KeyMap::default();
    for Read { head, author, .. } in items {
        let is_open = !matches!(head.state, ItemState::Resolved | ItemState::Withdrawn);
        *open.entry(*author).or_default() += u32::from(is_open);
    }
    let mut authors = Vec::with_capacity(open.len());
    for Read { head, author, sentiment, .. } in items.iter().rev() {
        let Some(open_items) = open.remove(author) else { continue };
        let before = head.packed.history;
        authors.push(RecoveredAuthor {
            author: *author,
            history: AuthorHistory {
                mentions: before.mentions.saturating_add(1),
                open_items,
                last_sentiment: Some(*sentiment),
                first_seen: before.first_seen.or(Some(head.created_at.wall)),
            },
        });
    }
    authors.reverse();
    authors
}

/// Newest first until the limit, then turned round.
fn read_joined(db: &Connection, config: &Config, now: Steady) -> Result<Vec<Joined>, StoreError> {
    let since = (now - config.seen_window).as_micros();
    let mut query = db.prepare("SELECT entries FROM joined WHERE steady >= ?1 ORDER BY n DESC")?;
    let mut rows = query.query([since])?;
    let mut joined = Vec::new();
    while let Some(row) = rows.next()? {
        if joined.len() >= config.recover_joined_max {
            tracing::warn!(kept = joined.len(), "older joins of clusters were not recovered");
            break;
        }
        let entries = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        joined.extend(unpack_joined(entries).into_iter().rev());
    }
    joined.reverse();
    Ok(joined)
}

/// What binds the reply gate: everything it allowed within the window, and every opt-out however old.
const BINDING: &str = "(verdict = 0 AND steady >= ?1 OR guard = 'opt_out')";

/// Most binding entries read: the gate's opt-outs are bounded by as many.
const BINDING_MAX: u64 = 1_000_000;

/// All that binds, and the newest of the rest as far as the limit of items allows. Only what binds and is
/// missing or unreadable is counted as left out, because that alone could let a reply through.
fn read_ledger(db: &Connection, config: &Config, now: Steady) -> Result<(Vec<LedgerEntry>, u64), StoreError> {
    let since = (now - LEDGER_WINDOW).as_micros();
    let mut entries = Vec::new();
    let binding = query_ledger(db, &format!("WHERE {BINDING}"), since, BINDING_MAX, &mut entries)?;
    let others = format!("WHERE steady >= ?1 AND NOT {BINDING}");
    let unreadable = query_ledger(db, &others, since, config.recover_items_max as u64, &mut entries)?;
    entries.sort_unstable_by_key(|entry| entry.0);
    let sql = format!("SELECT count(*) FROM ledger WHERE {BINDING}");
    let all: u64 = db.query_row(&sql, [since], |row| row.get(0))?;
    let left_out = all.saturating_sub(BINDING_MAX) + binding + unreadable;
    Ok((entries.into_iter().map(|(_, entry)| entry).collect(), left_out))
}

/// Appends the newest entries that fit, with their numbers; gives how many of them could not be read.
fn query_ledger(
    db: &Connection,
    condition: &str,
    since: i64,
    limit: u64,
    entries: &mut Vec<(i64, LedgerEntry)>,
) -> Result<u64, StoreError> {
    let columns = "n, at, post, author, conversation, rule, account, verdict, guard, steady";
    let sql = format!("SELECT {columns} FROM ledger {condition} ORDER BY n DESC LIMIT ?2");
    let mut query = db.prepare(&sql)?;
    let mut rows = query.query(params![since, limit])?;
    let mut names = HashMap::new();
    let mut unreadable = 0;
    while let Some(row) = rows.next()? {
        match ledger_entry(row, &mut names)? {
            Some(entry) => entries.push((row.get(0)?, entry)),
            None => unreadable += 1,
        }
    }
    Ok(unreadable)
}

/// `None` when the verdict is none that we know.
fn ledger_entry(
    row: &Row<'_>,
    names: &mut HashMap<String, Arc<str>>,
) -> rusqlite::Result<Option<LedgerEntry>> {
    let mut name = |column| {
        let name: String = row.get(column)?;
        Ok::<_, rusqlite::Error>(Arc::clone(names.entry(name).or_insert_with_key(|name| Arc::from(&**name))))
    };
    let verdict = match row.get(7)? {
        0 => ReplyVerdict::Allow,
        1 => ReplyVerdict::Hold,
        2 => ReplyVerdict::Suppress,
        _ => return Ok(None),
    };
    Ok(Some(LedgerEntry {
        at: Moment { wall: row.get(1)?, steady: row.get(9)? },
        post: row.get(2)?,
        author: row.get(3)?,
        conversation: row.get(4)?,
        rule: name(5)?,
        account: name(6)?,
        verdict,
        guard: row.get(8)?,
    }))
}

fn read_switch(db: &Connection) -> Result<Option<ReplySwitch>, StoreError> {
    let sql = "SELECT armed, by, reason, at FROM reply_switch ORDER BY n DESC LIMIT 1";
    let read = |row: &Row<'_>| {
        Ok(ReplySwitch { armed: row.get(0)?, by: row.get(1)?, reason: row.get(2)?, at: row.get(3)? })
    };
    Ok(db.query_row(sql, [], read).optional()?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, author, author_gone, id, item, news};
    use super::*;
    use crate::model::{About, Commit, Lane};

    const HOUR: u64 = 3_600;

    #[test]
    fn a_restart_finds_recent_items_their_authors_and_what_is_open_of_old() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::High), item(2, Lane::High)]);
        let gone = vec![author_gone(2)];
        fixture.writer.commit(&Commit { now: at(3), changes: gone, ..Commit::default() }).unwrap();
        let mut late = item(50 * HOUR, Lane::Low);
        let About::Post(about) = &mut late.about else { panic!("it is about a post") };
        about.author = author(1);
        about.history.mentions = 1;
        about.history.first_seen = Some(at(1).wall);
        fixture.store(vec![late]);
        let recovered = fixture.restart(at(50 * HOUR));
        let ids: Vec<_> = recovered.items.iter().map(|item| item.id).collect();
        assert_eq!(ids, [id(1), id(50 * HOUR)], "the old one is open, the withdrawn old one is not needed");
        assert_eq!(recovered.items[0].factors.urgency, 0.5);
        let history = AuthorHistory {
            mentions: 2,
            open_items: 2,
            last_sentiment: Some(-0.5),
            first_seen: Some(at(1).wall),
        };
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
            let changes = news(vec![item(n, Lane::High)]);
            let seen = [n * 10, n * 10 + 1].map(|key| Key(key.into())).to_vec();
            fixture.writer.commit(&Commit { now: at(n), changes, seen, ..Commit::default() }).unwrap();
        }
        let recovered = fixture.restart(at(5));
        assert_eq!(
            recovered.seen,
            [(20, 2), (21, 2), (30, 3), (31, 3)].map(|(key, time)| (Key(key), at(time).steady))
        );
        assert_eq!(recovered.seen_left_out, 4);
        assert_eq!(recovered.items.iter().map(|item| item.id).collect::<Vec<_>>(), [id(2), id(3)]);
        assert_eq!(recovered.items_left_out, 2);
    }

    #[test]
    fn joins_and_what_binds_the_gate_come_back_and_a_switch_moved_in_a_commit_too() {
        let mut fixture = Fixture::with(|config| config.recover_items_max = 1);
        let entry = |seconds: u64, verdict, guard: Option<&str>| LedgerEntry {
            post: Key(seconds.into()),
            author: Key(2),
            conversation: Key(3),
            rule: Arc::from("r"),
            account: Arc::from("bluesky"),
            verdict,
            guard: guard.map(str::to_owned),
            at: at(seconds),
        };
        let (day, suppress) = (24 * HOUR, ReplyVerdict::Suppress);
        let ledger = vec![
            entry(1, suppress, Some("opt_out")),
            entry(2, ReplyVerdict::Allow, None),
            entry(39 * day, ReplyVerdict::Allow, None),
            entry(39 * day + 1, suppress, Some("mode")),
            entry(39 * day + 2, suppress, Some("mode")),
        ];
        let joined = |event, is_quote: bool| Joined {
            event: Key(event),
            cluster: Key(7),
            actor: Key(8),
            quote: is_quote.then(|| ("bluesky".into(), "at://9".into())),
        };
        let switch =
            ReplySwitch { armed: true, by: "ann".to_owned(), reason: "ok".to_owned(), at: at(5).wall };
        let commit = Commit {
            now: at(40 * day),
            ledger: ledger.clone(),
            joined: vec![joined(1, true), joined(2, false)],
            reply_switch: Some(switch.clone()),
            ..Commit::default()
        };
        fixture.writer.commit(&commit).unwrap();
        for _ in 0..2 {
            let recovered = fixture.restart(at(40 * day));
            assert_eq!(recovered.joined, [joined(1, true), joined(2, false)]);
            assert_eq!(recovered.reply_switch.as_ref(), Some(&switch));
            assert_eq!(recovered.ledger, [ledger[0].clone(), ledger[2].clone(), ledger[4].clone()]);
            assert_eq!(recovered.ledger_left_out, 0, "what was cut binds nobody");
            fixture.writer.prune(at(40 * day)).unwrap();
        }
    }

    #[test]
    fn the_reply_switch_is_as_last_moved_and_unknown_before() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.restart(at(0)).reply_switch, None);
        let switch =
            |armed| ReplySwitch { armed, by: "ann".to_owned(), reason: "launch".to_owned(), at: at(7).wall };
        for armed in [false, true] {
            let commit = Commit { now: at(7), reply_switch: Some(switch(armed)), ..Commit::default() };
            fixture.writer.commit(&commit).unwrap();
        }
        assert_eq!(fixture.restart(at(0)).reply_switch, Some(switch(true)));
    }
}
