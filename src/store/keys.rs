//! From a key (item id, post, author) to the items that bear it, without an index over random keys.
//!
//! A B-tree over hashes dirties a page per item, which costs more than the item. So: keys of the last few
//! thousand items are in memory (the tail; rebuilt from `items` on start); every so often the tail is appended
//! to `key_log`, packed, in 256 buckets. A question reads the tail, then asks a filter, then one bucket.
//! Half a key is enough here, since answers are candidates: the caller checks the row.

use rusqlite::{Connection, params};
use smallvec::SmallVec;

use super::sql::author_of;
use super::{StoreError, filter::KeyFilter};
use crate::model::{BuildKeyHasher, ItemId, Key};

/// Items whose keys are in memory only; with three keys each, 2 MiB.
pub(super) const TAIL_ITEMS_MAX: i64 = 16_384;

/// A bucket holds the keys that share their highest byte.
const BUCKETS: usize = 256;

/// A key (u64) and the distance of its item from the flush's first (u32), little endian.
const ENTRY_BYTES: usize = 12;

/// Sequence numbers of candidate items.
pub(super) type Candidates = SmallVec<[i64; 4]>;

/// Half of a [`Key`] or an [`ItemId`], by which items are found.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct HalfKey(u64);

impl From<Key> for HalfKey {
    fn from(key: Key) -> Self {
        Self(key.low())
    }
}

impl From<ItemId> for HalfKey {
    fn from(id: ItemId) -> Self {
        Self(Key(id.0).low())
    }
}

/// Items by key, as long as they are in memory.
pub(super) type Tail = hashbrown::HashMap<HalfKey, SmallVec<[i64; 1]>, BuildKeyHasher>;

/// The writer's side of the key log.
pub(super) struct Keys {
    tail: Tail,
    /// Keys added by the running transaction, to take back when it fails.
    added: Vec<HalfKey>,
    filter: KeyFilter,
    flushed_to: i64,
}

impl Keys {
    /// Reads the log into the filter, and the items after `flushed_to` into the tail.
    pub(super) fn load(db: &Connection, flushed_to: i64) -> Result<Self, StoreError> {
        let mut keys =
            Self { tail: Tail::default(), added: Vec::new(), filter: KeyFilter::new(), flushed_to };
        let mut buckets = db.prepare("SELECT entries FROM key_log")?;
        let mut rows = buckets.query([])?;
        while let Some(row) = rows.next()? {
            let (_, entries) = split(row.get_ref(0)?.as_blob().unwrap_or_default());
            entries.for_each(|(key, _)| keys.filter.insert(key));
        }
        let mut items = db.prepare("SELECT seq, id, post, author FROM items WHERE seq > ?1")?;
        let mut rows = items.query([flushed_to])?;
        while let Some(row) = rows.next()? {
            let seq = row.get(0)?;
            for column in 1..3 {
                keys.add(row.get::<_, Key>(column)?, seq);
            }
            author_of(row, 3)?.into_iter().for_each(|author| keys.add(author, seq));
        }
        keys.added.clear();
        Ok(keys)
    }

    /// Files an item under one of its keys.
    pub(super) fn add(&mut self, key: impl Into<HalfKey>, seq: i64) {
        let key = key.into();
        let items = self.tail.entry(key).or_default();
        if items.last() != Some(&seq) {
            items.push(seq);
            self.added.push(key);
        }
    }

    /// Items that may bear the key, oldest first.
    pub(super) fn find(&self, db: &Connection, key: impl Into<HalfKey>) -> Result<Candidates, StoreError> {
        let (key, mut found) = (key.into(), Candidates::new());
        if self.flushed_to > 0 && self.filter.may_contain(key.0) {
            find_in_log(db, key, &mut found)?;
        }
        if let Some(items) = self.tail.get(&key) {
            found.extend_from_slice(items);
        }
        Ok(found)
    }

    /// Moves the tail to the log when it is long enough. Call inside the transaction, after the last item;
    /// returns the new `flushed_to`.
    pub(super) fn flush(&self, db: &Connection, seq_max: i64) -> Result<Option<i64>, StoreError> {
        if seq_max - self.flushed_to < TAIL_ITEMS_MAX {
            return Ok(None);
        }
        write_flush(db, &self.tail, self.flushed_to + 1, seq_max)?;
        Ok(Some(seq_max))
    }

    /// The transaction is durable: its keys stay, and after a flush the tail starts anew.
    pub(super) fn commit(&mut self, flushed_to: i64) {
        self.added.clear();
        if flushed_to != self.flushed_to {
            self.flushed_to = flushed_to;
            self.tail.keys().for_each(|key| self.filter.insert(key.0));
            self.tail.clear();
        }
    }

    /// The transaction failed: its keys go.
    pub(super) fn roll_back(&mut self) {
        for key in self.added.drain(..).rev() {
            if let Some(items) = self.tail.get_mut(&key) {
                items.pop();
                if items.is_empty() {
                    self.tail.remove(&key);
                }
            }
        }
    }
}

/// Appends a tail to the log: the items from `seq_min` to `seq_max`.
pub(super) fn write_flush(
    db: &Connection,
    tail: &Tail,
    seq_min: i64,
    seq_max: i64,
) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO key_flushes(seq_min, seq_max) VALUES (?1, ?2)")?
        .execute([seq_min, seq_max])?;
    let flush = db.last_insert_rowid();
    let mut insert = db.prepare_cached("INSERT INTO key_log VALUES (?1, ?2)")?;
    for (bucket, entries) in pack(tail, seq_min).iter().enumerate() {
        insert.execute(params![row_of(bucket, flush), entries])?;
    }
    Ok(())
}

fn pack(tail: &Tail, seq_min: i64) -> Vec<Vec<u8>> {
    let mut buckets = vec![seq_min.to_le_bytes().to_vec(); BUCKETS];
    for (HalfKey(key), items) in tail {
        for seq in items {
            let bucket = &mut buckets[bucket_of(*key)];
            bucket.extend_from_slice(&key.to_le_bytes());
            bucket.extend_from_slice(&((seq - seq_min) as u32).to_le_bytes());
        }
    }
    buckets
}

/// Appends the items that the log has under `key`, oldest first.
pub(super) fn find_in_log(
    db: &Connection,
    key: impl Into<HalfKey>,
    found: &mut Candidates,
) -> Result<(), StoreError> {
    let HalfKey(key) = key.into();
    let mut query = db.prepare_cached("SELECT entries FROM key_log WHERE n BETWEEN ?1 AND ?2 ORDER BY n")?;
    let bucket = bucket_of(key);
    let mut rows = query.query([row_of(bucket, 0), row_of(bucket, FLUSH_MAX)])?;
    while let Some(row) = rows.next()? {
        let first = found.len();
        let (seq_min, entries) = split(row.get_ref(0)?.as_blob().unwrap_or_default());
        found.extend(entries.filter(|entry| entry.0 == key).map(|entry| seq_min + i64::from(entry.1)));
        found[first..].sort_unstable();
    }
    Ok(())
}

/// Drops one flush of which no item is left; true when there was one.
pub(super) fn prune_log(db: &Connection) -> Result<bool, StoreError> {
    let gone = "SELECT n FROM key_flushes f
        WHERE NOT EXISTS (SELECT 1 FROM items WHERE seq BETWEEN f.seq_min AND f.seq_max) LIMIT 1";
    let mut query = db.prepare_cached(gone)?;
    let Some(flush) = query.query_map([], |row| row.get::<_, i64>(0))?.next().transpose()? else {
        return Ok(false);
    };
    let mut delete = db.prepare_cached("DELETE FROM key_log WHERE n = ?1")?;
    for bucket in 0..BUCKETS {
        delete.execute([row_of(bucket, flush)])?;
    }
    db.prepare_cached("DELETE FROM key_flushes WHERE n = ?1")?.execute([flush])?;
    Ok(true)
}

const FLUSH_MAX: i64 = (1 << 40) - 1;

fn row_of(bucket: usize, flush: i64) -> i64 {
    (bucket as i64) << 40 | flush
}

fn bucket_of(key: u64) -> usize {
    (key >> 56) as usize
}

/// The first item of the flush, and the entries.
fn split(blob: &[u8]) -> (i64, impl Iterator<Item = (u64, u32)>) {
    let (head, entries) = blob.split_first_chunk().unwrap_or((&[0; 8], &[]));
    let entries = entries.chunks_exact(ENTRY_BYTES).map(|entry| {
        let (key, distance) = entry.split_at(8);
        (u64::from_le_bytes(array(key)), u32::from_le_bytes(array(distance)))
    });
    (i64::from_le_bytes(*head), entries)
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("chunks have the length of an entry")
}
