//! Changes to items that are there: amplified, edited, or gone.
//!
//! Part of a commit's transaction. Deletion is honoured everywhere: the text goes from every item of the post,
//! whatever its state, and a withdrawn item takes no later edit. Whatever sinks should know is announced again
//! with a higher revision.

use rusqlite::{Connection, params};

use super::rows::{Packed, redacted};
use super::writer::{Writer, locate};
use super::{StoreError, queue::record};
use crate::model::{Factors, ItemChange, ItemId, ItemState, Lane, Timestamp};

/// Who stands in the history for what birddog does by itself.
pub(super) const SELF: &str = "birddog";

impl Writer {
    /// False when there is nothing in the store to change.
    pub(super) fn apply_change(&mut self, change: &ItemChange, now: Timestamp) -> Result<bool, StoreError> {
        match change {
            ItemChange::Amplified { id, .. } | ItemChange::Edited { id, .. } => {
                let Some(seq) = locate(&self.db, &self.keys, *id)? else { return Ok(false) };
                self.change_item(seq, change, now)?;
                Ok(true)
            }
            ItemChange::PostGone { post } => self.withdraw_all(*post, "post", "post deleted", now),
            ItemChange::AuthorGone { author } => self.withdraw_all(*author, "author", "author gone", now),
        }
    }

    fn change_item(&mut self, seq: i64, change: &ItemChange, now: Timestamp) -> Result<(), StoreError> {
        let found = Found::read(&self.db, seq)?;
        match *change {
            ItemChange::Amplified { size, authors, amplification, score, lane, announce, .. } => {
                let mut packed = found.packed;
                packed.factors.amplification = amplification;
                self.db
                    .prepare_cached("UPDATE items SET size = ?2, authors = ?3 WHERE seq = ?1")?
                    .execute(params![seq, size, authors])?;
                self.rescore(seq, packed, score, lane, now)?;
                if announce && found.is_open() {
                    self.announce(seq, now)?;
                }
            }
            ItemChange::Edited { ref body, factors, score, lane, .. }
                if found.state != ItemState::Withdrawn && !self.is_redacted(seq)? =>
            {
                self.edit(seq, found.packed, body, factors, score, lane, now)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The post or its author went: an edit that is read again must not bring the text back.
    fn is_redacted(&self, seq: i64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM history WHERE seq = ?1 AND action = 'withdraw'";
        Ok(self.db.prepare_cached(sql)?.exists([seq])?)
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one change")]
    fn edit(
        &mut self,
        seq: i64,
        packed: Packed,
        body: &[u8],
        factors: Factors,
        score: u8,
        lane: Lane,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        set_body(&self.db, seq, body)?;
        self.rescore(seq, Packed { factors, ..packed }, score, lane, now)?;
        record(&self.db, seq, now, SELF, "edit", None)?;
        self.announce(seq, now)
    }

    fn rescore(
        &self,
        seq: i64,
        packed: Packed,
        score: u8,
        lane: Lane,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE items SET packed = ?2, score = ?3, lane = ?4, updated_at = ?5 WHERE seq = ?1";
        let packed = packed.pack();
        let row = params![seq, packed.as_slice(), score, lane.as_index(), now.as_micros()];
        self.db.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    /// Redacts every item whose `column` is `key`; withdraws those that nobody has.
    fn withdraw_all(
        &mut self,
        key: u64,
        column: &'static str,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = match column {
            "post" => "SELECT 1 FROM items WHERE seq = ?1 AND post = ?2 AND state <> 4",
            _ => "SELECT 1 FROM items WHERE seq = ?1 AND author = ?2 AND state <> 4",
        };
        let mut any = false;
        for seq in self.keys.find(&self.db, key)? {
            if self.db.prepare_cached(sql)?.exists([seq, key as i64])? {
                self.withdraw(seq, reason, now)?;
                any = true;
            }
        }
        Ok(any)
    }

    fn withdraw(&mut self, seq: i64, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let found = Found::read(&self.db, seq)?;
        let was_redacted = !redact(&self.db, seq, found.id)?;
        if was_redacted && found.state != ItemState::New {
            return Ok(());
        }
        if found.state == ItemState::New {
            let sql = "UPDATE items SET state = 4, closed_at = ?2 WHERE seq = ?1";
            self.db.prepare_cached(sql)?.execute([seq, now.as_micros()])?;
        }
        self.db
            .prepare_cached("UPDATE items SET updated_at = ?2 WHERE seq = ?1")?
            .execute([seq, now.as_micros()])?;
        record(&self.db, seq, now, SELF, "withdraw", Some(reason))?;
        self.announce(seq, now)
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
    packed: Packed,
}

impl Found {
    fn read(db: &Connection, seq: i64) -> Result<Self, StoreError> {
        let mut query = db.prepare_cached("SELECT id, state, packed FROM items WHERE seq = ?1")?;
        Ok(query.query_row([seq], |row| {
            Ok(Self {
                id: ItemId(row.get::<_, i64>(0)? as u64),
                state: ItemState::from_index(row.get(1)?).unwrap_or_default(),
                packed: Packed::unpack(row.get_ref(2)?.as_blob()?),
            })
        })?)
    }

    fn is_open(&self) -> bool {
        !matches!(self.state, ItemState::Resolved | ItemState::Withdrawn)
    }
}

fn set_body(db: &Connection, seq: i64, body: &[u8]) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE items SET body = ?2 WHERE seq = ?1")?.execute(params![seq, body])?;
    Ok(())
}

/// False when it was redacted before.
fn redact(db: &Connection, seq: i64, id: ItemId) -> Result<bool, StoreError> {
    let mut query = db.prepare_cached("SELECT body FROM items WHERE seq = ?1")?;
    let body: Vec<u8> = query.query_row([seq], |row| row.get(0))?;
    let redacted = redacted(&body, id);
    set_body(db, seq, &redacted)?;
    Ok(redacted != body)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, author, body, id, item, post};
    use super::*;
    use crate::model::Commit;

    fn change(fixture: &mut Fixture, change: ItemChange) -> u64 {
        let commit = Commit { now: at(100), changes: vec![change], ..Commit::default() };
        fixture.writer.commit(&commit).unwrap().changes_missed
    }

    #[test]
    fn amplification_raises_the_item_and_is_told_only_when_asked() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::Normal)]);
        let announced = fixture.writer.marks.announced;
        let amplified = |announce| ItemChange::Amplified {
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
        assert_eq!((found.cluster.size, found.cluster.authors), (9, 4));
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
        let edited = ItemChange::Edited {
            id: id(1),
            body: body("now edited"),
            factors,
            score: 90,
            lane: Lane::Critical,
        };
        change(&mut fixture, edited);
        let found = fixture.get(id(1));
        assert_eq!((&*found.post.text, found.priority.lane), ("now edited", Lane::Critical));
        assert_eq!(fixture.actions(id(1)), ["birddog edit"]);
    }

    #[test]
    fn a_deleted_post_is_redacted_and_withdrawn_unless_somebody_has_it() {
        let mut fixture = Fixture::new();
        let mut for_sales = item(1, Lane::High);
        (for_sales.id, for_sales.team) = (id(1_000), std::sync::Arc::from("sales"));
        fixture.store(vec![item(1, Lane::Normal), for_sales]);
        fixture.claim("sales", "ann", 1, at(5));
        assert_eq!(change(&mut fixture, ItemChange::PostGone { post: post(1) }), 0);
        let (withdrawn, kept) = (fixture.get(id(1)), fixture.get(id(1_000)));
        assert_eq!((withdrawn.state, kept.state), (ItemState::Withdrawn, ItemState::Claimed));
        for found in [withdrawn, kept] {
            assert_eq!(found.post.text, "");
            assert_eq!(found.post.author.handle, None);
            assert!(found.post.links.is_empty() && found.matches[0].spans.is_empty());
        }
        assert!(fixture.claim("support", "ann", 9, at(101)).is_empty());
        assert_eq!(change(&mut fixture, ItemChange::PostGone { post: post(1) }), 0);
        assert_eq!(fixture.actions(id(1_000)), ["ann claim", "birddog withdraw"]);
        let edit = |n| ItemChange::Edited {
            id: id(n),
            body: body("back again"),
            factors: Factors::default(),
            score: 1,
            lane: Lane::Low,
        };
        change(&mut fixture, edit(1));
        assert_eq!(fixture.get(id(1)).post.text, "", "no edit brings a withdrawn text back");
    }

    #[test]
    fn a_gone_author_takes_every_item_along_and_nobody_elses() {
        let mut fixture = Fixture::new();
        fixture.store((0..20).map(|n| item(n, Lane::Normal)).collect());
        change(&mut fixture, ItemChange::AuthorGone { author: author(3) });
        let withdrawn = |n| fixture.get(id(n)).state == ItemState::Withdrawn;
        assert_eq!((0..20).filter(|&n| withdrawn(n)).collect::<Vec<_>>(), [3, 13]);
    }

    #[test]
    fn a_change_to_what_is_not_there_is_counted() {
        let mut fixture = Fixture::new();
        assert_eq!(change(&mut fixture, ItemChange::PostGone { post: 4 }), 1);
        assert_eq!(change(&mut fixture, ItemChange::AuthorGone { author: 4 }), 1);
    }
}
