//! Between a row of `items` (with its body) and the work item it stands for.
//!
//! What can change stands in columns, what cannot in the [`Body`]; small numbers that are never searched for are
//! packed into one blob.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::StoreError;
use super::names::Names;
use crate::model::{
    AuthorHistory, Body, ClusterInfo, Factors, ItemId, ItemState, Joined, Lane, NewItem, Priority,
    ReplyDecision, Timestamp, WORK_ITEM_SCHEMA, WorkItem,
};

/// The columns [`Head::read`] expects, in its order.
pub(super) const HEAD_COLUMNS: &str = "seq, id, team, brand, state, lane, score, created_at, due_at, updated_at, \
    post, author, size, authors, packed, holder, lease_until";

/// The number of [`HEAD_COLUMNS`]; body, reply and revision follow where an item is read whole.
const HEAD_LEN: usize = 17;

/// The columns of one item.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) id: ItemId,
    pub(super) team: i64,
    pub(super) brand: i64,
    pub(super) state: ItemState,
    pub(super) lane: Lane,
    pub(super) score: u8,
    pub(super) created_at: Timestamp,
    pub(super) due_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) cluster: u64,
    pub(super) post: u64,
    pub(super) author: u64,
    pub(super) size: u32,
    pub(super) authors: u32,
    pub(super) packed: Packed,
    pub(super) holder: Option<String>,
    pub(super) lease_until: Option<Timestamp>,
}

impl Head {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let time = |column| row.get(column).map(Timestamp::from_micros);
        let key = |column| row.get::<_, i64>(column).map(|key| key as u64);
        let packed = Packed::unpack(row.get_ref(14)?.as_blob()?);
        let post = key(10)?;
        Ok(Self {
            seq: row.get(0)?,
            id: ItemId(key(1)?),
            team: row.get(2)?,
            brand: row.get(3)?,
            state: ItemState::from_index(row.get(4)?).unwrap_or_default(),
            lane: Lane::from_index(row.get(5)?),
            score: row.get(6)?,
            created_at: time(7)?,
            due_at: time(8)?,
            updated_at: row.get::<_, Option<i64>>(9)?.map_or(time(7)?, Timestamp::from_micros),
            cluster: packed.cluster.unwrap_or(post),
            post,
            author: key(11)?,
            size: row.get(12)?,
            authors: row.get(13)?,
            packed,
            holder: row.get(15)?,
            lease_until: row.get::<_, Option<i64>>(16)?.map(Timestamp::from_micros),
        })
    }
}

/// An item read whole.
pub(super) struct Whole {
    pub(super) item: WorkItem,
    /// How often it was announced.
    pub(super) revision: u32,
    /// Bytes of its body.
    pub(super) body_bytes: usize,
}

/// Reads an item whole; `None` when retention has removed it.
pub(super) fn load_item(db: &Connection, names: &Names, seq: i64) -> Result<Option<Whole>, StoreError> {
    let sql = format!("SELECT {HEAD_COLUMNS}, body, reply, revision FROM items WHERE seq = ?1");
    let mut query = db.prepare_cached(&sql)?;
    Ok(query.query_row([seq], |row| read_whole(row, names)).optional()?)
}

fn read_whole(row: &Row<'_>, names: &Names) -> rusqlite::Result<Whole> {
    let head = Head::read(row)?;
    let bytes = row.get_ref(HEAD_LEN)?.as_blob()?;
    let body = read_body(bytes, head.id);
    let reply = row.get_ref(HEAD_LEN + 1)?.as_str_or_null()?.and_then(|json| serde_json::from_str(json).ok());
    let item = compose(head, &body, reply, names);
    Ok(Whole { item, revision: row.get(HEAD_LEN + 2)?, body_bytes: bytes.len() })
}

fn compose(head: Head, body: &Body<'_>, reply: Option<ReplyDecision>, names: &Names) -> WorkItem {
    WorkItem {
        schema: WORK_ITEM_SCHEMA,
        id: head.id,
        created_at: head.created_at,
        updated_at: head.updated_at,
        brand: names.name(head.brand),
        team: names.name(head.team),
        state: head.state,
        due_at: head.due_at,
        claimed_by: head.holder,
        lease_until: head.lease_until,
        priority: Priority { score: head.score, lane: head.lane, factors: head.packed.factors },
        sentiment: body.sentiment,
        urgency: body.urgency,
        urgency_label: body.urgency_label,
        intent: body.intent,
        cues: body.cues,
        tones: body.tones,
        lang: body.lang.to_owned(),
        matches: body.match_infos(),
        post: body.post.info(),
        cluster: ClusterInfo::new(head.cluster, head.size, head.authors, head.created_at),
        author_history: head.packed.history,
        reply,
    }
}

/// Reads a body. One that cannot be read becomes an empty one, so that a single bad row never blocks a team's queue.
fn read_body(bytes: &[u8], id: ItemId) -> Body<'_> {
    Body::decode(bytes).unwrap_or_else(|error| {
        tracing::error!(%id, %error, "stored item has an unreadable body");
        Body { lang: "und", ..Body::default() }
    })
}

/// The body without anything the author wrote or is called.
pub(super) fn redacted(bytes: &[u8], id: ItemId) -> Vec<u8> {
    let mut body = read_body(bytes, id);
    body.redact();
    body.encode()
}

/// What is known of an item and never searched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Packed {
    /// Key of the cluster's root; `None` when it is the post itself.
    pub(super) cluster: Option<u64>,
    pub(super) factors: Factors,
    pub(super) history: AuthorHistory,
}

impl Packed {
    pub(super) fn of(item: &NewItem) -> Self {
        let cluster = (item.cluster != item.post).then_some(item.cluster);
        Self { cluster, factors: item.factors, history: item.history }
    }

    /// The form on disk: postcard, as the body.
    pub(super) fn pack(&self) -> SmallVec<[u8; 64]> {
        postcard::to_extend(self, SmallVec::new()).expect("numbers can always be written to memory")
    }

    /// The inverse; a blob that cannot be read is as good as none.
    pub(super) fn unpack(blob: &[u8]) -> Self {
        postcard::from_bytes(blob).unwrap_or_default()
    }
}

/// One [`Joined`] on disk: event, cluster, actor (u64, little endian), whether it is a post (u8).
pub(super) const JOINED_BYTES: usize = 25;

/// A commit's joined events, packed into one blob.
pub(super) fn pack_joined(joined: &[Joined]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(joined.len() * JOINED_BYTES);
    for entry in joined {
        for key in [entry.event, entry.cluster, entry.actor] {
            blob.extend_from_slice(&key.to_le_bytes());
        }
        blob.push(u8::from(entry.is_post));
    }
    blob
}

/// The inverse of [`pack_joined`].
pub(super) fn unpack_joined(blob: &[u8]) -> impl DoubleEndedIterator<Item = Joined> {
    blob.chunks_exact(JOINED_BYTES).map(|entry| {
        let key = |at| u64::from_le_bytes(bytes_at(entry, at));
        Joined { event: key(0), cluster: key(8), actor: key(16), is_post: entry[24] != 0 }
    })
}

fn bytes_at<const N: usize>(blob: &[u8], at: usize) -> [u8; N] {
    blob.get(at..at + N).and_then(|part| part.try_into().ok()).unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_survive() {
        let packed = Packed {
            cluster: Some(u64::MAX),
            factors: Factors {
                urgency: 0.25,
                sentiment: 1.0,
                influence: 0.5,
                amplification: 0.125,
                floor: Lane::Critical,
            },
            history: AuthorHistory {
                mentions: u32::MAX,
                open_items: 2,
                last_sentiment: Some(-0.5),
                first_seen: Some(Timestamp::from_micros(i64::MIN)),
            },
        };
        assert_eq!(Packed::unpack(&packed.pack()), packed);
        assert!(!packed.pack().spilled());
        assert_eq!(Packed::unpack(&Packed::default().pack()), Packed::default());
        assert_eq!(Packed::unpack(b"?"), Packed::default());
    }
}
