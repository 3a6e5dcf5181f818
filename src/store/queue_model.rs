//! The queue against a naive model of it: any series of operations gives the same answers and the same end.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::testing::{Fixture, at, gone, id, item};
use crate::model::{ItemId, ItemState, Lane, QueueError, QueueOp, Timestamp};

const TEAMS: [&str; 3] = ["support", "sales", "pr"];
const AGENTS: [&str; 2] = ["ann", "bob"];

#[derive(Clone, Debug)]
enum Step {
    Insert { n: u64, lane: u8 },
    Op(QueueOp),
    Wait { seconds: u64 },
    PostGone { n: u64 },
}

#[derive(Clone, Debug)]
struct Row {
    n: u64,
    order: usize,
    team: String,
    state: ItemState,
    lane: Lane,
    created_at: Timestamp,
    holder: Option<String>,
    lease_until: Option<Timestamp>,
}

#[derive(Default)]
struct Model {
    rows: BTreeMap<u64, Row>,
    now: u64,
}

impl Model {
    fn insert(&mut self, n: u64, lane: Lane) {
        let (order, created_at) = (self.rows.len(), at(self.now).wall);
        self.rows.entry(n).or_insert(Row {
            n,
            order,
            team: "support".to_owned(),
            state: ItemState::New,
            lane,
            created_at,
            holder: None,
            lease_until: None,
        });
    }

    fn expire(&mut self) {
        let now = at(self.now).wall;
        for row in self.rows.values_mut().filter(|row| row.lease_until.is_some_and(|until| until <= now)) {
            (row.state, row.holder, row.lease_until) = (ItemState::New, None, None);
        }
    }

    fn row(&mut self, id: ItemId) -> Option<&mut Row> {
        self.rows.values_mut().find(|row| super::testing::id(row.n) == id)
    }

    /// The numbers of the items touched, or the kind of refusal.
    fn apply(&mut self, op: &QueueOp, ageing: Duration) -> Result<Vec<u64>, &'static str> {
        let now = at(self.now).wall;
        match op {
            QueueOp::Claim { team, agent, lease, count_max } => {
                let mut open: Vec<_> = self
                    .rows
                    .values_mut()
                    .filter(|row| row.state == ItemState::New && row.team == *team)
                    .collect();
                open.sort_by_key(|row| {
                    let waited = now.since(row.created_at).as_secs() / ageing.as_secs();
                    let lane = (u64::from(row.lane.as_index()) + waited).min(3);
                    (std::cmp::Reverse(lane), row.created_at, row.order)
                });
                open.truncate(*count_max as usize);
                for row in &mut open {
                    row.state = ItemState::Claimed;
                    row.holder = Some(agent.clone());
                    row.lease_until = Some(now + *lease);
                }
                Ok(open.into_iter().map(|row| row.n).collect())
            }
            QueueOp::Note { id, .. } => Ok(vec![self.row(*id).ok_or("not found")?.n]),
            QueueOp::Ack { id, agent }
            | QueueOp::Release { id, agent }
            | QueueOp::Resolve { id, agent, .. }
            | QueueOp::HandOff { id, agent, .. } => {
                let row = self.row(*id).ok_or("not found")?;
                if !matches!(row.state, ItemState::Claimed | ItemState::Waiting) {
                    return Err("wrong state");
                }
                if row.holder.as_ref() != Some(agent) {
                    return Err("not holder");
                }
                Self::change(row, op)?;
                Ok(vec![row.n])
            }
        }
    }

    fn change(row: &mut Row, op: &QueueOp) -> Result<(), &'static str> {
        match op {
            QueueOp::Ack { .. } if row.state == ItemState::Waiting => return Err("wrong state"),
            QueueOp::Ack { .. } => row.state = ItemState::Waiting,
            QueueOp::Resolve { .. } => row.state = ItemState::Resolved,
            QueueOp::HandOff { to_team, .. } if *to_team == row.team => return Err("invalid"),
            QueueOp::HandOff { to_team, .. } => {
                row.team.clone_from(to_team);
                (row.state, row.holder) = (ItemState::New, None);
            }
            _ => (row.state, row.holder) = (ItemState::New, None),
        }
        row.lease_until = None;
        Ok(())
    }
}

fn kind(error: &QueueError) -> &'static str {
    match error {
        QueueError::NotFound(_) => "not found",
        QueueError::WrongState { .. } => "wrong state",
        QueueError::NotHolder { .. } => "not holder",
        QueueError::Invalid(_) => "invalid",
        QueueError::Unavailable(_) => "unavailable",
    }
}

fn op() -> impl Strategy<Value = QueueOp> {
    let agent = prop::sample::select(&AGENTS[..]).prop_map(str::to_owned);
    let team = prop::sample::select(&TEAMS[..]).prop_map(str::to_owned);
    (0..6, 0..12u64, agent, team, 1..4u32, 1..200u64).prop_map(|(which, n, agent, team, count_max, lease)| {
        let id = id(n);
        match which {
            0 => QueueOp::Ack { id, agent },
            1 => QueueOp::Release { id, agent },
            2 => QueueOp::HandOff { id, agent, to_team: team, reason: "theirs".to_owned() },
            3 => QueueOp::Resolve { id, agent, note: None },
            4 => QueueOp::Note { id, agent, text: "hm".to_owned() },
            _ => QueueOp::Claim { team, agent, lease: Duration::from_secs(lease), count_max },
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..12u64, 0..4u8).prop_map(|(n, lane)| Step::Insert { n, lane }),
        6 => op().prop_map(Step::Op),
        2 => (1..300u64).prop_map(|seconds| Step::Wait { seconds }),
        1 => (0..12u64).prop_map(|n| Step::PostGone { n }),
    ]
}

fn run(steps: Vec<Step>) {
    let ageing = Duration::from_secs(100);
    let mut fixture = Fixture::with(|config| config.ageing = ageing);
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Insert { n, lane } => {
                let lane = Lane::from_index(lane);
                let mut new = item(n, lane);
                (new.created_at, new.due_at) = (at(model.now), at(model.now + 900).wall);
                fixture.store(vec![new]);
                model.insert(n, lane);
            }
            Step::Wait { seconds } => {
                model.now += seconds;
                fixture.writer.expire(at(model.now)).unwrap();
                model.expire();
            }
            Step::PostGone { n } => {
                let now = at(model.now);
                let commit = crate::model::Commit { now, changes: vec![gone(n)], ..Default::default() };
                fixture.writer.commit(&commit).unwrap();
                if let Some(row) = model.rows.get_mut(&n).filter(|row| row.state == ItemState::New) {
                    row.state = ItemState::Withdrawn;
                }
            }
            Step::Op(op) => {
                let expected = model.apply(&op, ageing);
                let got = fixture.writer.apply(&op, at(model.now));
                let got = got.map(|items| items.iter().map(|item| item.id).collect::<Vec<_>>());
                let expected = expected.map(|rows| rows.into_iter().map(id).collect::<Vec<_>>());
                assert_eq!(got.map_err(|error| kind(&error)), expected, "{op:?}");
            }
        }
    }
    let stats = fixture.reader.stats(at(model.now).wall).unwrap();
    for row in model.rows.values() {
        let stored = fixture.get(id(row.n));
        assert_eq!((&*stored.team, stored.state), (row.team.as_str(), row.state));
        assert_eq!(stored.lease_until, row.lease_until);
        assert_eq!(stored.created_at, row.created_at);
    }
    for team in &stats.teams {
        let count =
            |state| model.rows.values().filter(|r| r.team == team.team && r.state == state).count() as u64;
        assert_eq!(team.new_by_lane.iter().sum::<u64>(), count(ItemState::New));
        assert_eq!(team.claimed, count(ItemState::Claimed));
        assert_eq!(team.waiting, count(ItemState::Waiting));
        assert_eq!(team.resolved, count(ItemState::Resolved));
        assert_eq!(team.withdrawn, count(ItemState::Withdrawn));
    }
    let counts = fixture.reader.counts().unwrap();
    assert_eq!(counts.stored, model.rows.len() as u64);
    assert_eq!(counts.by_state.iter().sum::<u64>(), counts.stored);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_series_of_operations_agrees_with_the_model(steps in prop::collection::vec(step(), 1..60)) {
        run(steps);
    }
}
