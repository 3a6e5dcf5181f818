//! Between a row of `items` (with its body) and the work item it stands for.
//!
//! What can change stands in columns, what cannot in the [`Body`]; small numbers that are never searched for are
//! packed into one blob.

use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::StoreError;
use super::names::Names;
use super::sql::author_of;
use crate::model::{
    AuthorHistory, Body, ClusterInfo, Factors, ItemId, ItemState, Joined, Key, Lane, Moment, NewItem,
    Priority, ReplyDecision, ReplyVerdict, Revocation, Steady, StoredBody, Timestamp, WORK_ITEM_SCHEMA,
    WorkItem,
};

/// Who stands in the history for what birddog does by itself.
pub(super) const SELF: &str = "birddog";

/// The columns [`Head::read`] expects, in its order.
pub(super) const HEAD_COLUMNS: &str = "id, team, brand, state, lane, score, created_at, due_at, updated_at, \
    post, author, size, authors, packed, holder, lease_until, created_steady";

/// The number of [`HEAD_COLUMNS`]; body, reply and revision follow where an item is read whole.
pub(super) const HEAD_LEN: usize = 17;

/// The columns of one item.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) id: ItemId,
    pub(super) team: i64,
    pub(super) brand: i64,
    pub(super) state: ItemState,
    pub(super) lane: Lane,
    pub(super) score: u8,
    pub(super) created_at: Moment,
    pub(super) due_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) post: Key,
    /// None for an alarm.
    pub(super) author: Option<Key>,
    pub(super) size: u32,
    pub(super) authors: u32,
    pub(super) packed: Packed,
    pub(super) holder: Option<String>,
    pub(super) lease_until: Option<Timestamp>,
}

impl Head {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let created_at = Moment { wall: row.get(6)?, steady: row.get(16)? };
        Ok(Self {
            id: row.get(0)?,
            team: row.get(1)?,
            brand: row.get(2)?,
            state: ItemState::from_index(row.get(3)?).unwrap_or_default(),
            lane: Lane::from_index(row.get(4)?),
            score: row.get(5)?,
            created_at,
            due_at: row.get(7)?,
            updated_at: row.get::<_, Option<Timestamp>>(8)?.unwrap_or(created_at.wall),
            post: row.get(9)?,
            author: author_of(row, 10)?,
            size: row.get(11)?,
            authors: row.get(12)?,
            packed: Packed::unpack(row.get_ref(13)?.as_blob()?),
            holder: row.get(14)?,
            lease_until: row.get(15)?,
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

/// Reads an item whole as it stands at `now`; `None` when retention has removed it.
pub(super) fn load_item(
    db: &Connection,
    names: &Names,
    seq: i64,
    now: Timestamp,
) -> Result<Option<Whole>, StoreError> {
    let sql = format!("SELECT {HEAD_COLUMNS}, body, reply, revision FROM items WHERE seq = ?1");
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query([seq])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let head = Head::read(row)?;
    let bytes = row.get_ref(HEAD_LEN)?.as_blob().map_err(rusqlite::Error::from)?;
    let body = read_body(bytes, head.id);
    let body_bytes = bytes.len();
    let revision = row.get(HEAD_LEN + 2)?;
    let reply = match read_reply(row.get_ref(HEAD_LEN + 1)?) {
        Some(reply) => Some(reply_in_force(db, &head, reply, revision, now)?),
        None => None,
    };
    Ok(Some(Whole { item: compose(head, body, reply, names), revision, body_bytes }))
}

pub(super) fn read_reply(value: rusqlite::types::ValueRef<'_>) -> Option<ReplyDecision> {
    serde_json::from_str(value.as_str_or_null().ok()??).ok()
}

/// An allowance holds for the first revision of an item, until it expires, while the gate stays armed and the author has
/// not asked to be left alone: whoever is shown an item is shown that, however long ago it was decided.
fn reply_in_force(
    db: &Connection,
    head: &Head,
    reply: ReplyDecision,
    revision: u32,
    now: Timestamp,
) -> Result<ReplyDecision, StoreError> {
    if reply.decision != ReplyVerdict::Allow {
        return Ok(reply);
    }
    let reason = if revision > 1 {
        Some(Revocation::Repeat)
    } else if reply.expires_at.is_none_or(|end| now > end) {
        Some(Revocation::Stale)
    } else if was_disarmed_since(db, head.created_at.steady)? {
        Some(Revocation::Disarmed)
    } else if head.author.map_or(Ok(false), |author| has_opted_out(db, author))? {
        Some(Revocation::OptOut)
    } else {
        None
    };
    Ok(match reason {
        Some(reason) => reply.revoke(reason),
        None => reply,
    })
}

fn was_disarmed_since(db: &Connection, time: Steady) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM reply_switch WHERE armed = 0 AND steady >= ?1";
    Ok(db.prepare_cached(sql)?.exists([time.as_micros()])?)
}

fn has_opted_out(db: &Connection, author: Key) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM ledger WHERE guard = 'opt_out' AND author = ?1";
    Ok(db.prepare_cached(sql)?.exists([author.to_bytes()])?)
}

fn compose(head: Head, body: StoredBody<'_>, reply: Option<ReplyDecision>, names: &Names) -> WorkItem {
    let (scores, body) = body.into_item(|| {
        let cluster = ClusterInfo::new(head.packed.cluster, head.size, head.authors, head.created_at.wall);
        (cluster, head.packed.history, reply)
    });
    WorkItem {
        schema: WORK_ITEM_SCHEMA,
        id: head.id,
        created_at: head.created_at.wall,
        updated_at: head.updated_at,
        brand: names.name(head.brand),
        team: names.name(head.team),
        state: head.state,
        due_at: head.due_at,
        claimed_by: head.holder,
        lease_until: head.lease_until,
        priority: Priority { score: head.score, lane: head.lane, factors: head.packed.factors },
        scores,
        body,
    }
}

/// Reads a body. One that cannot be read becomes an empty one, so that a single bad row never blocks a team's queue.
pub(super) fn read_body(bytes: &[u8], id: ItemId) -> StoredBody<'_> {
    StoredBody::decode(bytes).unwrap_or_else(|error| {
        tracing::error!(%id, %error, "stored item has an unreadable body");
        StoredBody::Post(Box::new(Body { lang: "und", ..Body::default() }))
    })
}

/// Reads the body of an item about a post; none for an alarm.
pub(super) fn read_post(bytes: &[u8], id: ItemId) -> Option<Body<'_>> {
    match read_body(bytes, id) {
        StoredBody::Post(body) => Some(*body),
        StoredBody::Alarm(..) => None,
    }
}

/// What is known of an item and never searched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Packed {
    /// The cluster's id.
    pub(super) cluster: Key,
    pub(super) factors: Factors,
    pub(super) history: AuthorHistory,
}

impl Packed {
    pub(super) fn of(item: &NewItem) -> Self {
        let about = item.about_post();
        Self {
            cluster: about.map(|post| post.cluster).unwrap_or_default(),
            factors: item.factors,
            history: about.map(|post| post.history).unwrap_or_default(),
        }
    }

    /// The form on disk: postcard, as the body.
    pub(super) fn pack(&self) -> SmallVec<[u8; 96]> {
        postcard::to_extend(self, SmallVec::new()).expect("numbers can always be written to memory")
    }

    /// The inverse; a blob that cannot be read is as good as none.
    pub(super) fn unpack(blob: &[u8]) -> Self {
        postcard::from_bytes(blob).unwrap_or_default()
    }
}

/// A commit's joined events, in one blob: postcard, too.
pub(super) fn pack_joined(joined: &[Joined]) -> Vec<u8> {
    postcard::to_extend(joined, Vec::new()).expect("keys and texts can always be written to memory")
}

/// The inverse of [`pack_joined`]; a blob that cannot be read is as good as none.
pub(super) fn unpack_joined(blob: &[u8]) -> Vec<Joined> {
    postcard::from_bytes(blob).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, author, body_of, gone, id, item, news};
    use super::*;
    use crate::model::{About, Change, Commit, LedgerEntry, NewItem, ReplySwitch};

    fn allowed() -> NewItem {
        let reply = ReplyDecision {
            decision: ReplyVerdict::Allow,
            template: "t".into(),
            guard: None,
            trace: vec!["mode:ok".to_owned()],
            expires_at: Some(at(1_000).wall),
            revoked: None,
        };
        let mut item = item(1, Lane::Normal);
        let About::Post(about) = &mut item.about else { unreachable!("it is about a post") };
        about.reply = Some(reply);
        item
    }

    fn armed() -> Fixture {
        let mut fixture = Fixture::new();
        switch(&mut fixture, true, 0);
        fixture
            .writer
            .commit(&Commit { now: at(1), changes: news(vec![allowed()]), ..Commit::default() })
            .unwrap();
        fixture
    }

    fn switch(fixture: &mut Fixture, armed: bool, second: u64) {
        let switch = ReplySwitch { armed, by: "ann".into(), reason: "".into(), at: at(second).wall };
        let commit = Commit { now: at(second), reply_switch: Some(switch), ..Commit::default() };
        fixture.writer.commit(&commit).unwrap();
    }

    fn change(fixture: &mut Fixture, change: Change) {
        let commit = Commit { now: at(5), changes: vec![change], ..Commit::default() };
        fixture.writer.commit(&commit).unwrap();
    }

    /// What the outbox, the queue and a list say of the reply, which must be the same.
    fn reply_at(fixture: &Fixture, second: u64) -> ReplyDecision {
        let now = at(second).wall;
        let shown = fixture.reader.show(id(1), now).unwrap().unwrap().item.reply().cloned().unwrap();
        for entry in fixture.reader.outbox(&[0; 4], 99, now).unwrap() {
            assert_eq!(entry.item.unwrap().reply(), Some(&shown));
        }
        shown
    }

    fn revoked_at(fixture: &Fixture, second: u64) -> Option<Revocation> {
        let reply = reply_at(fixture, second);
        assert_eq!(reply.revoked.is_some(), reply.decision == ReplyVerdict::Suppress);
        assert_eq!(reply.expires_at.is_some(), reply.decision == ReplyVerdict::Allow);
        reply.revoked
    }

    #[test]
    fn an_allowed_reply_is_released_by_the_first_revision_until_it_expires() {
        let fixture = armed();
        assert_eq!((revoked_at(&fixture, 2), revoked_at(&fixture, 1_000)), (None, None));
        assert_eq!(revoked_at(&fixture, 1_001), Some(Revocation::Stale));
        assert_eq!(reply_at(&fixture, 1_001).trace, ["mode:ok", "revoked:stale"]);
        assert_eq!(reply_at(&fixture, 1_001).guard.as_deref(), Some("revoked"));
    }

    #[test]
    fn what_happens_to_the_post_revokes_its_reply_for_good() {
        let edited = || Change::Edited {
            id: id(1),
            body: body_of(1, "something hostile"),
            factors: Factors::default(),
            score: 1,
            lane: Lane::Low,
        };
        let amplified = Change::Amplified {
            id: id(1),
            size: 9,
            authors: 9,
            amplification: 0.5,
            score: 90,
            lane: Lane::Critical,
            announce: true,
        };
        for (what, reason) in
            [(edited(), Revocation::Edited), (gone(1), Revocation::Deleted), (amplified, Revocation::Repeat)]
        {
            let mut fixture = armed();
            change(&mut fixture, what);
            assert_eq!(revoked_at(&fixture, 6), Some(reason));
        }
    }

    #[test]
    fn a_gate_that_was_disarmed_since_holds_back_what_it_allowed_also_after_it_is_armed_again() {
        let mut fixture = armed();
        switch(&mut fixture, false, 3);
        assert_eq!(revoked_at(&fixture, 4), Some(Revocation::Disarmed));
        switch(&mut fixture, true, 5);
        assert_eq!(revoked_at(&fixture, 6), Some(Revocation::Disarmed));
    }

    #[test]
    fn an_author_who_opts_out_takes_back_what_was_allowed_before() {
        let mut fixture = armed();
        let entry = LedgerEntry {
            post: Key(1),
            author: author(1),
            conversation: Key(1),
            rule: "r".into(),
            account: "bluesky".into(),
            verdict: ReplyVerdict::Suppress,
            guard: Some("opt_out".to_owned()),
            at: at(3),
        };
        fixture.writer.commit(&Commit { now: at(3), ledger: vec![entry], ..Commit::default() }).unwrap();
        assert_eq!(revoked_at(&fixture, 4), Some(Revocation::OptOut));
    }

    #[test]
    fn packed_numbers_survive() {
        let packed = Packed {
            cluster: Key(u128::MAX),
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
