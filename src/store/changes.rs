//! Changes to items that are there: amplified, edited, or gone.
//!
//! Part of a commit's transaction. What a change is about is compared in full (the post's URI, the author's id) with what
//! stands in the item: the key has only found it. Deletion is honoured everywhere: the text goes from every item of the
//! post, whatever its state, and a withdrawn item takes no later edit. Whatever sinks should know is announced again
//! with a higher revision.

use rusqlite::{Connection, params};

use super::StoreError;
use super::rows::{Packed, SELF, read_body, read_post, read_reply};
use super::writer::{CommitReport, Writer, locate};
use crate::model::{
    About, Body, Change, ChangeKind, Factors, ItemId, ItemState, Key, Lane, Moment, NewItem, PostGone,
    Revocation, StoredBody, Timestamp,
};

/// What an edit puts in an item's place.
struct Edit<'a> {
    body: &'a [u8],
    factors: Factors,
    score: u8,
    lane: Lane,
}

impl Writer {
    /// Applies one change; counts it as missed when the store holds nothing that it is about.
    pub(super) fn change(
        &mut self,
        change: &Change,
        now: Moment,
        report: &mut CommitReport,
    ) -> Result<(), StoreError> {
        let is_applied = match *change {
            Change::New(_) => true,
            Change::Alarm(ref item) => self.raise(item, now, report)?,
            Change::Amplified { id, size, authors, amplification, score, lane, announce } => {
                let growth = (size, authors, amplification);
                self.amplify(id, growth, (score, lane), announce, now)?
            }
            Change::Edited { id, ref body, factors, score, lane } => {
                self.edit(id, &Edit { body, factors, score, lane }, now)?
            }
            Change::PostGone(ref gone) => self.post_gone(gone, now, report)?,
            Change::AuthorGone { network, ref id, author } => {
                let is_author =
                    |body: &Body<'_>| body.post.source == network && body.post.author_id() == &**id;
                self.withdraw_all(author, "author gone", now, |body, _| is_author(body))?
            }
        };
        report.changes_missed += u64::from(!is_applied);
        Ok(())
    }

    /// False when there is no such item.
    fn amplify(
        &mut self,
        id: ItemId,
        (size, authors, amplification): (u32, u32, f32),
        priority: (u8, Lane),
        announce: bool,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let Some(seq) = locate(&self.db, &self.keys, id)? else { return Ok(false) };
        let found = Found::read(&self.db, seq)?;
        let mut packed = found.packed;
        packed.factors.amplification = amplification;
        self.db
            .prepare_cached("UPDATE items SET size = ?2, authors = ?3 WHERE seq = ?1")?
            .execute(params![seq, size, authors])?;
        self.rescore(seq, packed, priority, now.wall)?;
        if announce && found.is_open() {
            self.changed(seq, now, ChangeKind::Raised, (SELF, None))?;
            self.announce(seq, now.wall)?;
        }
        Ok(true)
    }

    /// The open item of the same alarm says from now on what `item` does; without one, `item` is new work. Sinks are
    /// told again when the lane changes.
    fn raise(&mut self, item: &NewItem, now: Moment, report: &mut CommitReport) -> Result<bool, StoreError> {
        let (About::Alarm(key), Ok(StoredBody::Alarm(_, alarm))) =
            (&item.about, StoredBody::decode(&item.body))
        else {
            return Ok(false);
        };
        let Some((seq, found)) = self.open_alarm(*key, &alarm.key)? else {
            self.insert_items(&[Change::New(Box::new(item.clone()))], report)?;
            return Ok(true);
        };
        set_body(&self.db, seq, &item.body)?;
        let packed = Packed { factors: item.factors, ..found.packed };
        self.rescore(seq, packed, (item.score, item.lane), now.wall)?;
        let is_moved = found.lane != item.lane;
        let kind = if is_moved { ChangeKind::Raised } else { ChangeKind::Updated };
        self.changed(seq, now, kind, (SELF, None))?;
        if is_moved { self.announce(seq, now.wall) } else { Ok(()) }?;
        Ok(true)
    }

    fn open_alarm(&mut self, key: Key, name: &str) -> Result<Option<(i64, Found)>, StoreError> {
        for seq in self.keys.find(&self.db, key)? {
            let found = Found::find(&self.db, seq)?;
            if let Some(found) = found.filter(|found| found.is_open() && found.is_alarm(name)) {
                return Ok(Some((seq, found)));
            }
        }
        Ok(None)
    }

    /// False when there is no such item, or when it is about another post.
    fn edit(&mut self, id: ItemId, edit: &Edit<'_>, now: Moment) -> Result<bool, StoreError> {
        let Some(seq) = locate(&self.db, &self.keys, id)? else { return Ok(false) };
        let found = Found::read(&self.db, seq)?;
        if found.identity() != read_post(edit.body, id).map(|body| identity(&body)) {
            tracing::error!(%id, "edit of another post refused: please report this");
            return Ok(false);
        }
        if found.state == ItemState::Withdrawn || self.is_redacted(seq)? {
            return Ok(true);
        }
        set_body(&self.db, seq, edit.body)?;
        self.rescore(
            seq,
            Packed { factors: edit.factors, ..found.packed },
            (edit.score, edit.lane),
            now.wall,
        )?;
        revoke_reply(&self.db, seq, Revocation::Edited)?;
        self.record(seq, now, SELF, "edit", None)?;
        self.announce(seq, now.wall)?;
        Ok(true)
    }

    /// The post or its author went: an edit that is read again must not bring the text back.
    fn is_redacted(&self, seq: i64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM history WHERE seq = ?1 AND action = 'withdraw'";
        Ok(self.db.prepare_cached(sql)?.exists([seq])?)
    }

    fn rescore(
        &self,
        seq: i64,
        packed: Packed,
        (score, lane): (u8, Lane),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE items SET packed = ?2, score = ?3, lane = ?4, updated_at = ?5 WHERE seq = ?1";
        let packed = packed.pack();
        let row = params![seq, packed.as_slice(), score, lane.as_index(), now.as_micros()];
        self.db.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn post_gone(
        &mut self,
        gone: &PostGone,
        now: Moment,
        report: &mut CommitReport,
    ) -> Result<bool, StoreError> {
        let PostGone { network, uri, post, cluster, event } = gone;
        let is_post = |body: &Body<'_>| body.post.source == *network && body.post.uri == &**uri;
        let is_cluster = |of: Key| cluster.is_none_or(|wanted| wanted == of);
        let found =
            self.withdraw_all(*post, "post deleted", now, |body, of| is_post(body) && is_cluster(of))?;
        if found && cluster.is_none() {
            report.deletions.push(*event);
        }
        Ok(found)
    }

    /// Redacts every item found by `key` of which the rest holds, too; withdraws those that are unclaimed.
    fn withdraw_all(
        &mut self,
        key: Key,
        reason: &str,
        now: Moment,
        is_meant: impl Fn(&Body<'_>, Key) -> bool,
    ) -> Result<bool, StoreError> {
        let mut any = false;
        for seq in self.keys.find(&self.db, key)? {
            let Some(found) = Found::find(&self.db, seq)? else { continue };
            let Some(body) = read_post(&found.body, found.id) else { continue };
            if found.state != ItemState::Withdrawn && is_meant(&body, found.packed.cluster) {
                self.withdraw(seq, &found, body, reason, now)?;
                any = true;
            }
        }
        Ok(any)
    }

    fn withdraw(
        &mut self,
        seq: i64,
        found: &Found,
        mut body: Body<'_>,
        reason: &str,
        now: Moment,
    ) -> Result<(), StoreError> {
        body.redact();
        let redacted = body.encode();
        let was_redacted = redacted == found.body;
        if was_redacted && found.state != ItemState::New {
            return Ok(());
        }
        set_body(&self.db, seq, &redacted)?;
        revoke_reply(&self.db, seq, Revocation::Deleted)?;
        self.pruning.redacted();
        if found.state == ItemState::New {
            let sql = "UPDATE items SET state = 4, closed_steady = ?2 WHERE seq = ?1";
            self.db.prepare_cached(sql)?.execute([seq, now.steady.as_micros()])?;
            self.pruning.opened(-1);
        }
        self.db
            .prepare_cached("UPDATE items SET updated_at = ?2 WHERE seq = ?1")?
            .execute([seq, now.wall.as_micros()])?;
        self.record(seq, now, SELF, "withdraw", Some(reason))?;
        self.announce(seq, now.wall)
    }

    /// Tells the sinks again, with the next revision.
    pub(super) fn announce(&mut self, seq: i64, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE items SET revision = revision + 1 WHERE seq = ?1 RETURNING lane";
        let lane = self.db.prepare_cached(sql)?.query_row([seq], |row| row.get(0))?;
        if self.keep_outbox {
            self.marks.announce(&self.db, seq, Lane::from_index(lane), now)?;
        }
        Ok(())
    }
}

/// What a change needs to know of its item.
struct Found {
    id: ItemId,
    state: ItemState,
    lane: Lane,
    packed: Packed,
    body: Vec<u8>,
}

impl Found {
    fn read(db: &Connection, seq: i64) -> Result<Self, StoreError> {
        Self::find(db, seq)?.ok_or_else(|| rusqlite::Error::QueryReturnedNoRows.into())
    }

    fn find(db: &Connection, seq: i64) -> Result<Option<Self>, StoreError> {
        let mut query =
            db.prepare_cached("SELECT id, state, packed, body, lane FROM items WHERE seq = ?1")?;
        let mut rows = query.query([seq])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(Self {
            id: row.get(0)?,
            state: ItemState::from_index(row.get(1)?).unwrap_or_default(),
            packed: Packed::unpack(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?),
            body: row.get(3)?,
            lane: Lane::from_index(row.get(4)?),
        }))
    }

    fn is_open(&self) -> bool {
        !matches!(self.state, ItemState::Resolved | ItemState::Withdrawn)
    }

    /// None for an alarm.
    fn identity(&self) -> Option<(String, String)> {
        read_post(&self.body, self.id).map(|body| identity(&body))
    }

    fn is_alarm(&self, key: &str) -> bool {
        matches!(read_body(&self.body, self.id), StoredBody::Alarm(_, alarm) if alarm.key == key)
    }
}

/// Network and URI of the post that a body is about.
fn identity(body: &Body<'_>) -> (String, String) {
    (body.post.source.to_owned(), body.post.uri.to_owned())
}

fn set_body(db: &Connection, seq: i64, body: &[u8]) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE items SET body = ?2 WHERE seq = ?1")?.execute(params![seq, body])?;
    Ok(())
}

/// For good: whatever is decided about the gate later, this reply is off.
fn revoke_reply(db: &Connection, seq: i64, reason: Revocation) -> Result<(), StoreError> {
    let mut query = db.prepare_cached("SELECT reply FROM items WHERE seq = ?1 AND reply IS NOT NULL")?;
    let mut rows = query.query([seq])?;
    let Some(reply) = rows.next()?.and_then(|row| read_reply(row.get_ref(0).ok()?)) else { return Ok(()) };
    let revoked =
        serde_json::to_string(&reply.revoke(reason)).expect("a decision has only strings and lists");
    db.prepare_cached("UPDATE items SET reply = ?2 WHERE seq = ?1")?.execute(params![seq, revoked])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, author_gone, body_of, gone, id, item};
    use super::*;
    use crate::model::Commit;

    fn change(fixture: &mut Fixture, change: Change) -> u64 {
        let commit = Commit { now: at(100), changes: vec![change], ..Commit::default() };
        fixture.writer.commit(&commit).unwrap().changes_missed
    }

    #[test]
    fn amplification_raises_the_item_and_is_told_only_when_asked() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::Normal)]);
        let announced = fixture.writer.marks.announced;
        let amplified = |announce| Change::Amplified {
            id: id(1),
            size: 9,
            authors: 4,
            amplification: 0.75,
            score: 80,
            lane: Lane::High,
            announce,
        };
        assert_eq!(change(&mut fixture, amplified(false)), 0);
        assert_eq!(fixture.writer.marks.announced, announced);
        let found = fixture.get(id(1));
        let cluster = &found.post().unwrap().cluster;
        assert_eq!((cluster.size, cluster.authors), (9, 4));
        assert_eq!((found.priority.score, found.priority.lane), (80, Lane::High));
        assert_eq!(found.priority.factors.amplification, 0.75);
        assert_eq!(found.priority.factors.urgency, 0.5);
        change(&mut fixture, amplified(true));
        assert_eq!(fixture.writer.marks.announced[2], announced[2] + 1);
    }

    #[test]
    fn an_edit_replaces_the_text_and_stands_in_the_history() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::Normal)]);
        let factors = Factors { urgency: 1.0, ..Factors::default() };
        let edited = Change::Edited {
            id: id(1),
            body: body_of(1, "now edited"),
            factors,
            score: 90,
            lane: Lane::Critical,
        };
        change(&mut fixture, edited);
        let found = fixture.get(id(1));
        assert_eq!((found.headline(), found.priority.lane), ("now edited", Lane::Critical));
        assert_eq!(fixture.actions(id(1)), ["birddog edit"]);
    }

    #[test]
    fn a_deleted_post_is_redacted_and_withdrawn_unless_somebody_has_it() {
        let mut fixture = Fixture::new();
        let mut for_sales = item(1, Lane::High);
        (for_sales.id, for_sales.team) = (id(1_000), std::sync::Arc::from("sales"));
        fixture.store(vec![item(1, Lane::Normal), for_sales]);
        fixture.claim("sales", "ann", 1, at(5));
        assert_eq!(change(&mut fixture, gone(1)), 0);
        let (withdrawn, kept) = (fixture.get(id(1)), fixture.get(id(1_000)));
        assert_eq!((withdrawn.state, kept.state), (ItemState::Withdrawn, ItemState::Claimed));
        for found in [withdrawn, kept] {
            assert_eq!(found.headline(), "");
            assert_eq!(found.post().unwrap().post.author.handle, None);
            let body = found.post().unwrap();
            assert!(body.post.links.is_empty() && body.matches[0].spans.is_empty());
        }
        assert!(fixture.claim("support", "ann", 9, at(101)).is_empty());
        assert_eq!(change(&mut fixture, gone(1)), 0);
        assert_eq!(fixture.actions(id(1_000)), ["ann claim", "birddog withdraw"]);
        let edit = |n| Change::Edited {
            id: id(n),
            body: body_of(1, "back again"),
            factors: Factors::default(),
            score: 1,
            lane: Lane::Low,
        };
        change(&mut fixture, edit(1));
        assert_eq!(fixture.get(id(1)).headline(), "", "no edit brings a withdrawn text back");
    }

    #[test]
    fn a_gone_author_takes_every_item_along_and_nobody_elses() {
        let mut fixture = Fixture::new();
        fixture.store((0..20).map(|n| item(n, Lane::Normal)).collect());
        change(&mut fixture, author_gone(3));
        let withdrawn = |n| fixture.get(id(n)).state == ItemState::Withdrawn;
        assert_eq!((0..20).filter(|&n| withdrawn(n)).collect::<Vec<_>>(), [3, 13]);
    }

    #[test]
    fn a_change_to_what_is_not_there_is_counted() {
        let mut fixture = Fixture::new();
        assert_eq!(change(&mut fixture, gone(4)), 1);
        assert_eq!(change(&mut fixture, author_gone(4)), 1);
    }

    #[test]
    fn a_change_that_only_shares_a_key_with_an_item_leaves_it_alone() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::Normal)]);
        let Change::PostGone(gone) = gone(1) else { unreachable!() };
        let elsewhere = "at://somebody/else".into();
        let forged = [
            Change::PostGone(PostGone { uri: elsewhere, ..gone.clone() }),
            Change::PostGone(PostGone { network: "json", ..gone.clone() }),
            Change::PostGone(PostGone { cluster: Some(Key(9)), ..gone }),
            Change::AuthorGone {
                network: "bluesky",
                id: "did:forged".into(),
                author: super::super::testing::author(1),
            },
            Change::Edited {
                id: id(1),
                body: body_of(2, "forged"),
                factors: Factors::default(),
                score: 1,
                lane: Lane::Low,
            },
        ];
        for forged in forged {
            assert_eq!(change(&mut fixture, forged), 1);
        }
        let found = fixture.get(id(1));
        assert_eq!((found.state, found.headline()), (ItemState::New, "post number 1"));
        assert!(fixture.actions(id(1)).is_empty());
    }

    #[test]
    fn a_deletion_that_no_memory_knew_of_is_remembered_with_the_commit() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::Normal)]);
        let commit = Commit { now: at(100), changes: vec![gone(1), gone(2)], ..Commit::default() };
        let report = fixture.writer.commit(&commit).unwrap();
        let Change::PostGone(PostGone { event, .. }) = gone(1) else { unreachable!() };
        assert_eq!((&report.deletions[..], report.changes_missed), (&[event][..], 1));
        assert_eq!(fixture.restart(at(101)).seen, [(event, at(100).steady)]);
    }
}
