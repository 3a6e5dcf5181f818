//! From one schema to the next, where SQL alone cannot do it.
//!
//! **To schema 4.** Keys were XXH3-64 of identities, without a secret: anybody could find two identities that share one.
//! A secret is drawn, and the keys of every item are made anew from the identities in its body. Items keep their ids,
//! which teams and sinks know. Entries of the reply ledger hold keys alone, and nobody can tell of which of several
//! identities: they keep theirs (its upper half is zero), and the gate lets each bind every identity that has it.
//! Identities seen and joined are let go: they outlast a rewind of seconds, and known items are recognised all the same.
//! Steady time begins with the latest trace in the store; what is older lies before zero.

use rusqlite::{Row, Transaction, params};
use serde::Deserialize;

use super::StoreError;
use super::keys::{TAIL_ITEMS_MAX, Tail, write_flush};
use super::rows::Packed;
use crate::model::{AuthorHistory, Body, Factors, ItemId, Key, Keyring};

/// See the module.
pub(super) fn to_schema_4(step: &Transaction<'_>) -> Result<(), StoreError> {
    let secret: [u8; 16] = rand::random();
    step.execute_batch(include_str!("schema_4.sql"))?;
    let latest = latest_trace(step)?;
    copy_items(step, Keyring::new(secret), latest)?;
    copy_ledger(step, latest)?;
    copy_plain(step, latest, &secret)?;
    step.execute_batch(include_str!("schema_4_indexes.sql"))?;
    write_key_log(step)
}

/// The latest wall time that the store bears witness to; `None` for a store that was never written.
fn latest_trace(step: &Transaction<'_>) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT max(at) FROM (
        SELECT max(max(created_at, coalesce(updated_at, created_at))) AS at FROM items
        UNION ALL SELECT max(at) FROM ledger UNION ALL SELECT max(at) FROM seen
        UNION ALL SELECT max(at) FROM history UNION ALL SELECT max(at) FROM reply_switch)";
    Ok(step.query_row(sql, [], |row| row.get(0))?)
}

/// Steady time of a wall time in the old store.
fn steady(at: i64, latest: Option<i64>) -> i64 {
    at.saturating_sub(latest.unwrap_or(at)).min(0)
}

fn copy_items(step: &Transaction<'_>, keys: Keyring, latest: Option<i64>) -> Result<(), StoreError> {
    let sql = "INSERT INTO items_4 SELECT seq, ?2, team, brand, state, lane, score, created_at, created_at - ?3, due_at,
        updated_at, ?4, ?5, size, authors, revision, holder, lease_until, lease_until - ?3, closed_at - ?3, ?6, ?7, reply
        FROM items WHERE seq = ?1";
    let mut insert = step.prepare(sql)?;
    let mut query = step.prepare("SELECT seq, id, post, packed, body FROM items ORDER BY seq")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let item = OldItem::read(row)?;
        let body = Body::decode(&item.body).unwrap_or_default();
        let (network, uri, author) = (body.post.source, body.post.uri, body.post.author_id());
        let (post, author_key) = (keys.post(network, uri), keys.author(network, author));
        insert.execute(params![
            item.seq,
            item.id.to_bytes(),
            latest,
            post.to_bytes(),
            author_key.to_bytes(),
            item.packed.pack().as_slice(),
            item.body,
        ])?;
    }
    Ok(())
}

/// What of a row of schema 3 has to be made anew.
struct OldItem {
    seq: i64,
    id: ItemId,
    packed: Packed,
    body: Vec<u8>,
}

impl OldItem {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let key = |column| row.get::<_, i64>(column).map(|key| u128::from(key as u64));
        let (id, post) = (ItemId(key(1)?), Key(key(2)?));
        let old: OldPacked = postcard::from_bytes(row.get_ref(3)?.as_blob()?).unwrap_or_default();
        let cluster = old.cluster.map_or(post, |cluster| Key(cluster.into()));
        let body = Body::upgrade(row.get_ref(4)?.as_blob()?).unwrap_or_else(|error| {
            tracing::error!(%id, %error, "stored item has an unreadable body");
            Body { lang: "und", ..Body::default() }.encode()
        });
        let packed = Packed { cluster, factors: old.factors, history: old.history };
        Ok(Self { seq: row.get(0)?, id, packed, body })
    }
}

/// [`Packed`] as schema 3 had it.
#[derive(Default, Deserialize)]
struct OldPacked {
    cluster: Option<u64>,
    factors: Factors,
    history: AuthorHistory,
}

fn copy_ledger(step: &Transaction<'_>, latest: Option<i64>) -> Result<(), StoreError> {
    let sql = "INSERT INTO ledger_4 SELECT n, at, ?2, ?3, ?4, ?5, rule, account, verdict, guard FROM ledger WHERE n = ?1";
    let mut insert = step.prepare(sql)?;
    let mut query = step.prepare("SELECT n, at, post, author, conversation FROM ledger ORDER BY n")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let key = |column| row.get::<_, i64>(column).map(|former| Key(u128::from(former as u64)).to_bytes());
        let (n, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        insert.execute(params![n, steady(at, latest), key(2)?, key(3)?, key(4)?])?;
    }
    Ok(())
}

/// What SQL can carry over.
fn copy_plain(step: &Transaction<'_>, latest: Option<i64>, secret: &[u8; 16]) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta_4 SELECT 1, next_seq, 0, announced_0, announced_1, announced_2, announced_3, ?1, 0, ?2,
        ?2, NULL, NULL FROM meta";
    step.execute(sql, params![secret, latest])?;
    let sql = "INSERT INTO reply_switch_4 SELECT n, armed, by, reason, at, min(at - ?1, 0) FROM reply_switch";
    step.execute(sql, params![latest])?;
    let mut insert = step.prepare(
        "INSERT INTO dead_letters_4 SELECT n, at, min(at - ?2, 0), sink, ?3, lane, attempts, reason
        FROM dead_letters WHERE n = ?1",
    )?;
    let mut query = step.prepare("SELECT n, id FROM dead_letters ORDER BY n")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let id = ItemId(u128::from(row.get::<_, i64>(1)? as u64));
        insert.execute(params![row.get::<_, i64>(0)?, latest, id.to_bytes()])?;
    }
    Ok(())
}

/// The key log anew, a flush for as many items as the tail would have held.
fn write_key_log(step: &Transaction<'_>) -> Result<(), StoreError> {
    step.execute_batch("DELETE FROM key_log; DELETE FROM key_flushes")?;
    let mut query = step.prepare("SELECT seq, id, post, author FROM items ORDER BY seq")?;
    let mut rows = query.query([])?;
    let (mut tail, mut seq_min, mut flushed_to) = (Tail::default(), 1, 0);
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        for column in 1..4 {
            tail.entry(row.get::<_, Key>(column)?.into()).or_default().push(seq);
        }
        if seq - seq_min + 1 >= TAIL_ITEMS_MAX {
            write_flush(step, &tail, seq_min, seq)?;
            tail.clear();
            (seq_min, flushed_to) = (seq + 1, seq);
        }
    }
    step.execute("UPDATE meta SET flushed_to = ?1", [flushed_to])?;
    Ok(())
}
