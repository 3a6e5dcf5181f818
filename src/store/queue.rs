//! What agents do with the queue: each operation one transaction and one line of history.
//!
//! **Claim order**: an unclaimed item counts as one lane higher for every `ageing` it has waited since it was
//! made, up to critical; the highest lane goes first, and within it the oldest. So a low item is served at the
//! latest once everything older is, and never starves. **Hand-off** keeps id, history and deadline; the id was
//! derived from the first team, so a later repeat of that id is still ignored. Only the holder of an item may
//! acknowledge, release, hand off or resolve it; anybody may leave a note.

use std::time::Duration;

use metrics::{counter, histogram};
use rusqlite::{Connection, params};

use super::rows::{SELF, Whole, load_item};
use super::writer::{Writer, locate};
use super::{Config, StoreError};
use crate::model::{
    ChangeKind, ItemId, ItemState, Lane, Moment, QueueError, QueueOp, Steady, Timestamp, WorkItem,
};

/// Seconds from an item's creation to its first claim, by team.
pub const CLAIM_SECONDS: &str = "birddog_queue_claim_seconds";
/// Seconds from an item's creation to its first acknowledgement (first response), by team.
pub const ACK_SECONDS: &str = "birddog_queue_first_response_seconds";
/// Seconds from an item's creation to its resolution, by team.
pub const RESOLVE_SECONDS: &str = "birddog_queue_resolve_seconds";
/// Items handed from one team to another, by both.
pub const HANDOFFS_TOTAL: &str = "birddog_queue_handoffs_total";
/// Things done to items, by team and action.
pub const QUEUE_OPS_TOTAL: &str = "birddog_queue_operations_total";

/// Bodies in one claim end with the one that passes this many bytes: fewer items are claimed than were asked for.
pub const CLAIM_BYTES_MAX: usize = 1 << 20;
/// Entries in an item's history. Beyond it notes are refused, and claims, lapses and edits are left out.
pub const HISTORY_ENTRIES_MAX: u32 = 1_000;
/// Most claims returned by one [`Writer::expire`]; the rest follows with the next call.
const EXPIRE_ROWS_MAX: i64 = 1_000;

impl Writer {
    /// Executes one operation and returns the items it touched, as they stand now.
    ///
    /// # Errors
    /// The operation was refused, or the store cannot take it now; nothing has changed.
    pub fn apply(&mut self, op: &QueueOp, now: Moment) -> Result<Vec<WorkItem>, QueueError> {
        op.validate()?;
        self.transact(|writer| match op {
            QueueOp::Claim { team, agent, lease, count_max } => {
                writer.claim(team, agent, *lease, *count_max, now)
            }
            QueueOp::Ack { id, agent } => writer.ack(*id, agent, now),
            QueueOp::Release { id, agent } => writer.release(*id, agent, now),
            QueueOp::HandOff { id, agent, to_team, reason } => {
                writer.hand_off(*id, agent, to_team, reason, now)
            }
            QueueOp::Resolve { id, agent, note } => writer.resolve(*id, agent, note.as_deref(), now),
            QueueOp::Note { id, agent, text } => writer.note(*id, agent, text, now),
        })
    }

    /// Returns items whose lease has lapsed to the queue; gives their number. Call about once a second.
    ///
    /// # Errors
    /// Nothing has changed; call again.
    pub fn expire(&mut self, now: Moment) -> Result<u64, StoreError> {
        let sql = "SELECT seq, holder FROM items WHERE state = 1 AND lease_steady <= ?1 LIMIT ?2";
        let expired: Vec<(i64, Option<String>)> = {
            let mut query = self.db.prepare_cached(sql)?;
            let rows = query
                .query_map([now.steady.as_micros(), EXPIRE_ROWS_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        if expired.is_empty() {
            return Ok(0);
        }
        self.transact(|writer| {
            for (seq, holder) in &expired {
                set_state(&writer.db, *seq, ItemState::New, None, None, now)?;
                writer.record(*seq, now, SELF, "lapse", holder.as_deref())?;
            }
            Ok(expired.len() as u64)
        })
    }

    fn claim(
        &mut self,
        team: &str,
        agent: &str,
        lease: Duration,
        count_max: u32,
        now: Moment,
    ) -> Result<Vec<WorkItem>, QueueError> {
        // Agents poll: a team of the configuration costs no look into the store.
        if let Err(unknown) = self.check_team(team)
            && !self.has_open_items(team)?
        {
            return Err(unknown);
        }
        let Some(number) = self.names.get(team) else { return Ok(Vec::new()) };
        let (mut items, mut bytes) = (Vec::new(), 0);
        for candidate in choose(&self.db, &self.config, number, count_max, now.wall)? {
            if bytes >= CLAIM_BYTES_MAX {
                break;
            }
            set_state(&self.db, candidate.seq, ItemState::Claimed, Some(agent), Some(lease), now)?;
            self.observe_first(CLAIM_SECONDS, "claim", team, candidate.seq, candidate.created_at, now.wall)?;
            self.record(candidate.seq, now, agent, "claim", None)?;
            let whole = self.read_whole(candidate.seq, now.wall)?;
            bytes += whole.body_bytes;
            items.push(whole.item);
        }
        count_op(team, "claim", items.len());
        Ok(items)
    }

    fn ack(&mut self, id: ItemId, agent: &str, now: Moment) -> Result<Vec<WorkItem>, QueueError> {
        let held = self.held_by(id, agent, "acknowledged")?;
        if held.state != ItemState::Claimed {
            return Err(QueueError::WrongState { id, state: held.state, wanted: "acknowledged" });
        }
        set_state(&self.db, held.seq, ItemState::Waiting, Some(agent), None, now)?;
        self.observe_first(ACK_SECONDS, "ack", &held.team, held.seq, held.created_at, now.wall)?;
        self.done(&held, now, agent, "ack", None)
    }

    fn release(&mut self, id: ItemId, agent: &str, now: Moment) -> Result<Vec<WorkItem>, QueueError> {
        let held = self.held_by(id, agent, "released")?;
        set_state(&self.db, held.seq, ItemState::New, None, None, now)?;
        self.done(&held, now, agent, "release", None)
    }

    fn hand_off(
        &mut self,
        id: ItemId,
        agent: &str,
        to_team: &str,
        reason: &str,
        now: Moment,
    ) -> Result<Vec<WorkItem>, QueueError> {
        self.check_team(to_team)?;
        let held = self.held_by(id, agent, "handed off")?;
        if *held.team == *to_team {
            return Err(QueueError::Invalid(format!("item {id} is on the queue of {to_team} already")));
        }
        let from = self.names.get(&held.team).unwrap_or_default();
        let to = self.names.intern(&self.db, &std::sync::Arc::from(to_team))?;
        set_state(&self.db, held.seq, ItemState::New, None, None, now)?;
        self.move_item(held.seq, from, to)?;
        self.announce(held.seq, now.wall)?;
        counter!(HANDOFFS_TOTAL, "from" => held.team.clone(), "to" => to_team.to_owned()).increment(1);
        let detail = format!("{} to {to_team}: {reason}", held.team);
        self.done(&held, now, agent, "handoff", Some(&detail))
    }

    fn move_item(&self, seq: i64, from: i64, to: i64) -> Result<(), StoreError> {
        self.db.prepare_cached("UPDATE items SET team = ?2 WHERE seq = ?1")?.execute([seq, to])?;
        let sql = "INSERT INTO handoffs VALUES (?1, ?2, ?3) ON CONFLICT (team) DO UPDATE SET
            handed_in = handed_in + excluded.handed_in, handed_out = handed_out + excluded.handed_out";
        let mut count = self.db.prepare_cached(sql)?;
        count.execute([from, 0, 1])?;
        count.execute([to, 1, 0])?;
        Ok(())
    }

    fn resolve(
        &mut self,
        id: ItemId,
        agent: &str,
        note: Option<&str>,
        now: Moment,
    ) -> Result<Vec<WorkItem>, QueueError> {
        let held = self.held_by(id, agent, "resolved")?;
        set_state(&self.db, held.seq, ItemState::Resolved, Some(agent), None, now)?;
        self.pruning.opened(-1);
        let waited = now.wall.since(held.created_at);
        histogram!(RESOLVE_SECONDS, "team" => held.team.clone()).record(waited);
        self.done(&held, now, agent, "resolve", note)
    }

    fn note(
        &mut self,
        id: ItemId,
        agent: &str,
        text: &str,
        now: Moment,
    ) -> Result<Vec<WorkItem>, QueueError> {
        let found = self.found(id)?;
        if history_len(&self.db, found.seq)? >= HISTORY_ENTRIES_MAX {
            return Err(QueueError::Invalid(format!(
                "item {id} has {HISTORY_ENTRIES_MAX} entries in its history, the most"
            )));
        }
        self.done(&found, now, agent, "note", Some(text))
    }

    fn done(
        &mut self,
        held: &Held,
        now: Moment,
        agent: &str,
        action: &'static str,
        detail: Option<&str>,
    ) -> Result<Vec<WorkItem>, QueueError> {
        self.record(held.seq, now, agent, action, detail)?;
        count_op(&held.team, action, 1);
        Ok(vec![self.read_whole(held.seq, now.wall)?.item])
    }

    /// A team that the rules no longer name may have work from before, which must not be stranded.
    fn has_open_items(&self, team: &str) -> Result<bool, StoreError> {
        let Some(number) = self.names.get(team) else { return Ok(false) };
        let sql = "SELECT 1 FROM items WHERE team = ?1 AND state < 3";
        Ok(self.db.prepare_cached(sql)?.exists([number])?)
    }

    /// Work can only be sent to teams that there are.
    fn check_team(&self, team: &str) -> Result<(), QueueError> {
        if self.teams.is_empty() || self.teams.iter().any(|known| **known == *team) {
            return Ok(());
        }
        let known = self.teams.join(", ");
        Err(QueueError::Invalid(format!("no team {team:?}; there are {known}")))
    }

    fn found(&self, id: ItemId) -> Result<Held, QueueError> {
        let seq = locate(&self.db, &self.keys, id)?.ok_or(QueueError::NotFound(id))?;
        let sql = "SELECT state, holder, team, created_at FROM items WHERE seq = ?1";
        let mut query = self.db.prepare_cached(sql).map_err(StoreError::from)?;
        let found = query.query_row([seq], |row| {
            Ok(Held {
                seq,
                state: ItemState::from_index(row.get(0)?).unwrap_or_default(),
                holder: row.get(1)?,
                team: self.names.name(row.get(2)?).to_string(),
                created_at: row.get(3)?,
            })
        });
        Ok(found.map_err(StoreError::from)?)
    }

    fn held_by(&self, id: ItemId, agent: &str, wanted: &'static str) -> Result<Held, QueueError> {
        let held = self.found(id)?;
        if !matches!(held.state, ItemState::Claimed | ItemState::Waiting) {
            return Err(QueueError::WrongState { id, state: held.state, wanted });
        }
        match held.holder.as_deref() {
            Some(holder) if holder == agent => Ok(held),
            holder => {
                let holder = holder.unwrap_or_default().to_owned();
                Err(QueueError::NotHolder { id, holder, agent: agent.to_owned() })
            }
        }
    }

    /// Records the waiting time when `action` happens to the item for the first time.
    fn observe_first(
        &self,
        metric: &'static str,
        action: &str,
        team: &str,
        seq: i64,
        created_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM history WHERE seq = ?1 AND action = ?2";
        if !self.db.prepare_cached(sql)?.exists(params![seq, action])? {
            histogram!(metric, "team" => team.to_owned()).record(now.since(created_at));
        }
        Ok(())
    }

    fn read_whole(&self, seq: i64, now: Timestamp) -> Result<Whole, QueueError> {
        let whole = load_item(&self.db, &self.names, seq, now)?;
        whole.ok_or_else(|| QueueError::Unavailable(format!("row {seq} has no body")))
    }
}

/// An item and who has it.
struct Held {
    seq: i64,
    state: ItemState,
    holder: Option<String>,
    team: String,
    created_at: Timestamp,
}

/// An unclaimed item, as far as the order needs it.
struct Candidate {
    seq: i64,
    created_at: Timestamp,
    lane: u64,
}

/// The lane an item counts as after waiting since `since`: one higher per `ageing`, critical at most.
pub(super) fn aged_lane(lane: Lane, since: Timestamp, now: Timestamp, ageing: Duration) -> u64 {
    let steps = now.since(since).as_micros() / ageing.as_micros().max(1);
    let lifted = u64::from(lane.as_index()).saturating_add(u64::try_from(steps).unwrap_or(u64::MAX));
    lifted.min(u64::from(Lane::Critical.as_index()))
}

/// The best `count_max` unclaimed items of a team. Within a lane the oldest is the best, so the best of all are
/// among the first few of each lane.
fn choose(
    db: &Connection,
    config: &Config,
    team: i64,
    count_max: u32,
    now: Timestamp,
) -> Result<Vec<Candidate>, StoreError> {
    let sql = "SELECT seq, created_at FROM items WHERE team = ?1 AND state = 0 AND state < 3 AND lane = ?2
        ORDER BY created_at, due_at, seq LIMIT ?3";
    let mut query = db.prepare_cached(sql)?;
    let mut candidates = Vec::new();
    for lane in Lane::ALL {
        let rows = query.query_map(params![team, lane.as_index(), count_max], |row| {
            let created_at = row.get(1)?;
            let lane = aged_lane(lane, created_at, now, config.ageing);
            Ok(Candidate { seq: row.get(0)?, created_at, lane })
        })?;
        for candidate in rows {
            candidates.push(candidate?);
        }
    }
    candidates.sort_by_key(|c| (std::cmp::Reverse(c.lane), c.created_at, c.seq));
    candidates.truncate(count_max as usize);
    Ok(candidates)
}

fn set_state(
    db: &Connection,
    seq: i64,
    state: ItemState,
    holder: Option<&str>,
    lease: Option<Duration>,
    now: Moment,
) -> Result<(), StoreError> {
    let sql =
        "UPDATE items SET state = ?2, holder = ?3, lease_until = ?4, lease_steady = ?5, updated_at = ?6,
        closed_steady = ?7 WHERE seq = ?1";
    let closed = (state == ItemState::Resolved).then_some(now.steady);
    let until = lease.map(|lease| (now.wall + lease).as_micros());
    let (wall, steady) = (now.wall.as_micros(), lease.map(|lease| now.steady + lease).map(Steady::as_micros));
    let row = params![seq, state.as_index(), holder, until, steady, wall, closed.map(Steady::as_micros)];
    db.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn history_len(db: &Connection, seq: i64) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM history WHERE seq = ?1";
    Ok(db.prepare_cached(sql)?.query_row([seq], |row| row.get(0))?)
}

impl Writer {
    /// One line of an item's history, which is also the audit trail of the queue, and one change in the feed.
    pub(super) fn record(
        &mut self,
        seq: i64,
        now: Moment,
        agent: &str,
        action: &str,
        detail: Option<&str>,
    ) -> Result<(), StoreError> {
        if let Some(kind) = ChangeKind::of_action(action) {
            self.changed(seq, now, kind, (agent, detail))?;
        }
        // An author may edit a post without end, and a lease may lapse as often; what ends an item is always written down.
        let is_routine = matches!(action, "claim" | "ack" | "release" | "lapse" | "edit");
        if is_routine && history_len(&self.db, seq)? >= HISTORY_ENTRIES_MAX {
            return Ok(());
        }
        let sql = "INSERT INTO history(seq, at, agent, action, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![seq, now.wall.as_micros(), agent, action, detail];
        self.db.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }
}

fn count_op(team: &str, action: &'static str, count: usize) {
    counter!(QUEUE_OPS_TOTAL, "team" => team.to_owned(), "action" => action).increment(count as u64);
}

impl From<StoreError> for QueueError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, at, id, item};
    use super::*;
    use crate::model::NOTE_BYTES_MAX;

    fn agent() -> String {
        "ann".to_owned()
    }

    #[test]
    fn the_highest_lane_is_claimed_first_and_within_it_the_oldest() {
        let mut fixture = Fixture::new();
        let lanes = [Lane::Low, Lane::Critical, Lane::Normal, Lane::Critical, Lane::High];
        fixture.store((1..).zip(lanes).map(|(n, lane)| item(n, lane)).collect());
        let claimed = fixture.claim("support", "ann", 4, at(10));
        let order: Vec<_> = claimed.iter().map(|item| item.id).collect();
        assert_eq!(order, [2, 4, 5, 3].map(id));
        assert_eq!(claimed[0].lease_until, Some(at(70).wall));
        assert_eq!(claimed[0].claimed_by.as_deref(), Some("ann"));
    }

    #[test]
    fn a_low_item_that_waited_long_comes_before_a_fresh_critical_one() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::Low)]);
        let day = 24 * 3_600;
        fixture.store(vec![item(day, Lane::Critical)]);
        assert_eq!(fixture.claim("support", "ann", 1, at(day))[0].id, id(1));
    }

    #[test]
    fn a_lease_that_runs_out_returns_the_item_and_an_acknowledged_one_stays() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::High), item(2, Lane::High)]);
        fixture.claim("support", "ann", 2, at(10));
        fixture.writer.apply(&QueueOp::Ack { id: id(1), agent: agent() }, at(11)).unwrap();
        assert_eq!(fixture.writer.expire(at(69)).unwrap(), 0);
        assert_eq!(fixture.writer.expire(at(70)).unwrap(), 1);
        assert_eq!(fixture.get(id(1)).state, ItemState::Waiting);
        assert_eq!(fixture.get(id(2)).state, ItemState::New);
        assert_eq!(fixture.actions(id(2)), ["ann claim", "birddog lapse"]);
    }

    #[test]
    fn a_hand_off_keeps_id_history_and_deadline_and_a_repeat_of_the_id_is_ignored() {
        let mut fixture = Fixture::new();
        fixture.writer.set_teams(["support", "pr"]);
        fixture.store(vec![item(1, Lane::High)]);
        fixture.claim("support", "ann", 1, at(10));
        let op = |to: &str| QueueOp::HandOff {
            id: id(1),
            agent: agent(),
            to_team: to.to_owned(),
            reason: "press".to_owned(),
        };
        assert!(matches!(fixture.writer.apply(&op("nobody"), at(11)), Err(QueueError::Invalid(_))));
        let handed = fixture.writer.apply(&op("pr"), at(12)).unwrap().remove(0);
        assert_eq!((&*handed.team, handed.state, handed.due_at), ("pr", ItemState::New, at(901).wall));
        let record = fixture.reader.show(id(1), at(14).wall).unwrap().unwrap();
        assert_eq!(record.history[1].detail.as_deref(), Some("support to pr: press"));
        fixture.store(vec![item(1, Lane::High)]);
        assert_eq!(fixture.reader.counts().unwrap().stored, 1);
        assert_eq!(fixture.claim("pr", "bob", 1, at(13))[0].id, id(1));
        let stats = fixture.reader.stats(at(14).wall).unwrap();
        let counts: Vec<_> = stats.teams.iter().map(|t| (&*t.team, t.handed_in, t.handed_out)).collect();
        assert_eq!(counts, [("pr", 1, 0), ("support", 0, 1)]);
    }

    #[test]
    fn work_of_a_team_that_is_gone_can_be_claimed_to_the_last_item_and_handed_on_but_not_sent_to_it() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::High), item(2, Lane::Low)]);
        fixture.writer.set_teams(["care"]);
        let claimed = fixture.claim("support", "ann", 1, at(10));
        assert_eq!(claimed[0].id, id(1));
        let hand_off = |number, to: &str| QueueOp::HandOff {
            id: id(number),
            agent: agent(),
            to_team: to.to_owned(),
            reason: "new team".to_owned(),
        };
        let moved = fixture.writer.apply(&hand_off(1, "care"), at(11)).unwrap();
        assert_eq!(&*moved[0].team, "care");
        fixture.claim("care", "ann", 1, at(12));
        assert!(fixture.writer.apply(&hand_off(1, "support"), at(13)).is_err());
        assert_eq!(fixture.claim("support", "ann", 5, at(14))[0].id, id(2));
        assert_eq!(fixture.claim("support", "bob", 5, at(15)), [], "there is work, and somebody has it");
        let resolve = QueueOp::Resolve { id: id(2), agent: agent(), note: None };
        fixture.writer.apply(&resolve, at(16)).unwrap();
        let claim = QueueOp::Claim {
            team: "support".to_owned(),
            agent: agent(),
            lease: Duration::from_secs(60),
            count_max: 1,
        };
        let refused = fixture.writer.apply(&claim, at(17)).unwrap_err().to_string();
        assert!(refused.contains("no team") && refused.contains("care"), "{refused}");
    }

    #[test]
    fn only_the_holder_may_resolve_and_the_refusal_names_both() {
        let mut fixture = Fixture::new();
        fixture.store(vec![item(1, Lane::High)]);
        let resolve = |agent: &str| QueueOp::Resolve {
            id: id(1),
            agent: agent.to_owned(),
            note: Some("done".to_owned()),
        };
        let error = fixture.writer.apply(&resolve("bob"), at(9)).unwrap_err();
        assert!(matches!(error, QueueError::WrongState { state: ItemState::New, .. }));
        fixture.claim("support", "ann", 1, at(10));
        let error = fixture.writer.apply(&resolve("bob"), at(11)).unwrap_err();
        assert!(error.to_string().contains("claimed by \"ann\", not by \"bob\""));
        let resolved = fixture.writer.apply(&resolve("ann"), at(12)).unwrap();
        assert_eq!(resolved[0].state, ItemState::Resolved);
    }

    #[test]
    fn requests_beyond_the_limits_are_refused() {
        let mut fixture = Fixture::new();
        let claim = |agent: &str, lease, count_max| QueueOp::Claim {
            team: "support".to_owned(),
            agent: agent.to_owned(),
            lease: Duration::from_secs(lease),
            count_max,
        };
        for op in [
            claim("", 60, 1),
            claim("a\nb", 60, 1),
            claim("ann", 0, 1),
            claim("ann", 90_000, 1),
            claim("ann", 60, 0),
            QueueOp::Note { id: id(1), agent: agent(), text: " ".to_owned() },
            QueueOp::Note { id: id(1), agent: agent(), text: "x".repeat(NOTE_BYTES_MAX + 1) },
        ] {
            assert!(matches!(fixture.writer.apply(&op, at(1)), Err(QueueError::Invalid(_))), "{op:?}");
        }
        let missing = QueueOp::Ack { id: id(1), agent: agent() };
        assert!(matches!(fixture.writer.apply(&missing, at(1)), Err(QueueError::NotFound(_))));
    }
}
