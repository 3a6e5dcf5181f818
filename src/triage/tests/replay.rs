//! The same outcomes give the same commits, also when some come again or a restart falls between them: random histories
//! against what a store keeps.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::*;
use crate::model::{RecoveredAuthor, RecoveredItem, ReplySwitch};

/// What a store keeps of commits, and gives back.
#[derive(Clone, Default)]
struct Kept {
    recovered: Recovered,
    histories: BTreeMap<Key, AuthorHistory>,
    bodies: BTreeMap<ItemId, Vec<u8>>,
}

impl Kept {
    /// Gives the deletions that the store alone knew of.
    fn apply(&mut self, commit: &Commit) -> Vec<Key> {
        let kept = &mut self.recovered;
        kept.positions.clone_from(&commit.positions);
        kept.seen.extend(commit.seen.iter().map(|&key| (key, commit.now.steady)));
        kept.joined.extend(commit.joined.iter().cloned());
        kept.ledger.extend(commit.ledger.iter().cloned());
        if let Some(switch) = &commit.reply_switch {
            kept.reply_switch = Some(switch.clone());
        }
        let mut deletions = Vec::new();
        for change in &commit.changes {
            match change {
                Change::New(item) => self.insert(item),
                change => self.change(change, &mut deletions),
            }
        }
        self.recovered.seen.extend(deletions.iter().map(|&event| (event, commit.now.steady)));
        deletions
    }

    fn insert(&mut self, item: &NewItem) {
        if self.bodies.contains_key(&item.id) {
            return;
        }
        self.bodies.insert(item.id, item.body.clone());
        let history = AuthorHistory {
            mentions: about(item).history.mentions + 1,
            open_items: 0,
            last_sentiment: Some(-0.5),
            first_seen: about(item).history.first_seen.or(Some(item.created_at.wall)),
        };
        self.histories.insert(about(item).author, history);
        self.recovered.items.push(RecoveredItem {
            id: item.id,
            team: Arc::clone(&item.team),
            brand: Arc::clone(&item.brand),
            state: ItemState::New,
            score: item.score,
            lane: item.lane,
            factors: item.factors,
            cluster: about(item).cluster,
            post: about(item).post,
            network: "bluesky".into(),
            uri: Body::decode(&item.body).unwrap().post.uri.into(),
            author: about(item).author,
            size: 1,
            authors: 1,
            created_at: item.created_at,
            due_at: item.due_at,
        });
    }

    fn change(&mut self, change: &Change, deletions: &mut Vec<Key>) {
        for item in self.recovered.items.iter_mut().filter(|item| item.state != ItemState::Withdrawn) {
            match change {
                Change::Amplified { id, size, authors, amplification, score, lane, .. } if *id == item.id => {
                    (item.size, item.authors, item.score, item.lane) = (*size, *authors, *score, *lane);
                    item.factors.amplification = *amplification;
                }
                Change::Edited { id, body, factors, score, lane } if *id == item.id => {
                    (item.factors, item.score, item.lane) = (*factors, *score, *lane);
                    self.bodies.insert(*id, body.clone());
                }
                Change::PostGone(gone)
                    if gone.post == item.post
                        && gone.cluster.is_none_or(|cluster| cluster == item.cluster) =>
                {
                    item.state = ItemState::Withdrawn;
                    deletions.extend(gone.cluster.is_none().then_some(gone.event));
                }
                Change::AuthorGone { author, .. } if *author == item.author => {
                    item.state = ItemState::Withdrawn
                }
                _ => {}
            }
        }
    }

    fn recover(&self) -> Recovered {
        let mut recovered = self.recovered.clone();
        for (&author, &history) in &self.histories {
            let open = |item: &&RecoveredItem| item.author == author && item.state == ItemState::New;
            let open_items = recovered.items.iter().filter(open).count() as u32;
            recovered
                .authors
                .push(RecoveredAuthor { author, history: AuthorHistory { open_items, ..history } });
        }
        recovered
    }

    /// Everything but positions, for comparison.
    fn contents(&self) -> impl PartialEq + std::fmt::Debug {
        (
            self.recovered.items.clone(),
            self.bodies.clone(),
            self.histories.clone(),
            self.recovered.ledger.clone(),
        )
    }
}

/// One thing that happens, in numbers small enough to meet each other.
#[derive(Clone, Debug)]
enum Happens {
    Post { post: u32, rules: u8 },
    Quote { post: u32, quoted: u32, rules: u8 },
    Edit { post: u32, rules: u8, version: u8 },
    Repost { post: u32, actor: u32 },
    Delete { post: u32 },
    Gone { author: u32 },
}

fn happens() -> impl Strategy<Value = Happens> {
    let post = 0u32..25;
    prop_oneof![
        5 => (post.clone(), 0u8..16).prop_map(|(post, rules)| Happens::Post { post, rules }),
        3 => (post.clone(), post.clone(), 0u8..16).prop_map(|(post, quoted, rules)| Happens::Quote { post: post + 25, quoted: quoted * 2, rules }),
        2 => (post.clone(), 0u8..16, 0u8..3).prop_map(|(post, rules, version)| Happens::Edit { post: post * 2, rules, version }),
        6 => (post.clone(), 0u32..40).prop_map(|(post, actor)| Happens::Repost { post: post * 2, actor }),
        1 => post.clone().prop_map(|post| Happens::Delete { post: post * 2 }),
        1 => (0u32..7).prop_map(|author| Happens::Gone { author }),
    ]
}

fn signal_of(event: &Happens, at: Timestamp) -> Signal {
    let matched = |rules: u8| (0..4).filter(|rule| rules >> rule & 1 == 1).collect::<Vec<u32>>();
    let said = |post: u32, rules| {
        let mut mention = mention(post, post % 7, &matched(rules), at);
        mention.post.mentions = vec!["did:us".into()];
        mention
    };
    match *event {
        Happens::Post { post, rules } => new(said(post, rules.max(1))),
        Happens::Quote { post, quoted, rules: 0 } => Signal::Quote(by(quoted, post % 7, &uri(post), at)),
        Happens::Quote { post, quoted, rules } => new(quoting(said(post, rules), quoted)),
        Happens::Edit { post, rules, version } => {
            let mut mention = said(post, rules);
            mention.is_update = true;
            mention.post.version = format!("edit {version}");
            mention.post.text.push_str(&version.to_string());
            if rules == 0 { Signal::Unmatched(Box::new(mention)) } else { new(mention) }
        }
        Happens::Repost { post, actor } => {
            Signal::Repost(by(post, actor, &format!("{actor} reposts {post}"), at))
        }
        Happens::Delete { post } => Signal::Delete(by(post, post % 7, &uri(post), at)),
        Happens::Gone { author } => gone(author, at),
    }
}

/// Only what happens in this order in life: posts are touched after they have items, and never after they, what they
/// quote, or their authors are gone; authors who come back do so in a later batch.
#[derive(Default)]
struct World {
    here: BTreeSet<u32>,
    /// Posts with what they quote.
    quotes: Vec<(u32, u32)>,
    gone: BTreeSet<u32>,
    gone_authors: BTreeSet<u32>,
}

impl World {
    fn causal(batches: &[Vec<Happens>]) -> Vec<Vec<Happens>> {
        let mut world = Self::default();
        let mut batch = |events: &Vec<Happens>| {
            world.gone_authors.clear();
            events.iter().filter(|event| world.can_happen(event)).cloned().collect()
        };
        batches.iter().map(&mut batch).collect()
    }

    fn can_happen(&mut self, event: &Happens) -> bool {
        let is_here = |post| self.here.contains(&post) && !self.gone.contains(&post);
        match *event {
            Happens::Post { post, rules } => self.says(post, rules.max(1)),
            Happens::Edit { post, rules, .. } => self.says(post, rules),
            Happens::Quote { post, quoted, rules } => {
                let can_quote = is_here(quoted) && self.says(post, rules | 1);
                self.quotes.extend(can_quote.then_some((post, quoted)));
                can_quote
            }
            Happens::Repost { post, .. } => is_here(post),
            Happens::Delete { post } => {
                let can_delete = is_here(post) && self.gone.insert(post);
                self.lose_quotes();
                can_delete
            }
            Happens::Gone { author } => {
                self.gone.extend(self.here.iter().filter(|&&post| post % 7 == author));
                self.gone_authors.insert(author);
                self.lose_quotes();
                true
            }
        }
    }

    /// With a post go those that joined its cluster by quoting it, and those that quote them.
    fn lose_quotes(&mut self) {
        while let Some(&(post, _)) =
            self.quotes.iter().find(|(post, quoted)| self.gone.contains(quoted) && !self.gone.contains(post))
        {
            self.gone.insert(post);
        }
    }

    fn says(&mut self, post: u32, rules: u8) -> bool {
        let can_say = !self.gone.contains(&post) && !self.gone_authors.contains(&(post % 7));
        if can_say && rules & 0b1011 != 0 {
            self.here.insert(post);
        }
        can_say
    }
}

/// The batches, a minute apart.
fn outcomes(batches: &[Vec<Happens>]) -> Vec<(Timestamp, BatchOutcome)> {
    let at = |number: usize| NOW + Duration::from_secs(60 * number as u64);
    let signals =
        |number: usize, events: &[Happens]| events.iter().map(|event| signal_of(event, at(number))).collect();
    let outcome = |(number, events): (usize, &Vec<Happens>)| {
        (at(number), outcome(number as u64, at(number), signals(number, events)))
    };
    World::causal(batches).iter().enumerate().map(outcome).collect()
}

fn armed() -> (Triage, Kept) {
    let (mut triage, mut commit) = (Triage::new(config()), Commit::default());
    triage.arm_replies("ann", "", Moment::at(NOW), &mut commit);
    let mut kept = Kept::default();
    kept.apply(&commit);
    (triage, kept)
}

fn run(triage: &mut Triage, kept: &mut Kept, outcomes: Vec<(Timestamp, BatchOutcome)>) -> Vec<Commit> {
    let settle_one = |(now, outcome): (Timestamp, BatchOutcome)| {
        let (mut commit, signals) = (Commit::default(), outcome.signals.len() as u64);
        let counts = triage.apply(outcome, Moment::at(now), &mut commit);
        assert_eq!(counts.signals(), signals, "conservation");
        assert_eq!(counts.items, items(&commit).len() as u64);
        triage.remember_deletions(&kept.apply(&commit), commit.now);
        commit
    };
    outcomes.into_iter().map(settle_one).collect()
}

/// Items and changes, without the questions to the store about what may be there.
fn written(commits: &[Commit]) -> String {
    let is_told = |change: &&Change| {
        matches!(change, Change::New(_) | Change::Amplified { .. } | Change::Edited { .. })
    };
    let of = |commit: &Commit| format!("{:?}\n", commit.changes.iter().filter(is_told).collect::<Vec<_>>());
    commits.iter().map(of).collect()
}

fn batches() -> impl Strategy<Value = Vec<Vec<Happens>>> {
    prop::collection::vec(prop::collection::vec(happens(), 0..12), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_same_outcomes_give_the_same_commits(batches in batches()) {
        let run_all = || {
            let (mut triage, mut kept) = armed();
            format!("{:?}", run(&mut triage, &mut kept, outcomes(&batches)))
        };
        prop_assert_eq!(run_all(), run_all());
    }

    #[test]
    fn redelivered_batches_change_nothing(batches in batches(), from in 0usize..12) {
        let (mut triage, mut kept) = armed();
        run(&mut triage, &mut kept, outcomes(&batches));
        let before = kept.clone();
        let from = from.min(batches.len());
        let late = NOW + Duration::from_secs(60 * batches.len() as u64);
        let again = outcomes(&batches).into_iter().skip(from).map(|(_, outcome)| (late, outcome)).collect();
        let commits = run(&mut triage, &mut kept, again);
        prop_assert!(commits.iter().all(|commit| commit.joined.is_empty()), "{:?}", commits);
        prop_assert!(commits.iter().all(|commit| commit.changes.is_empty() && commit.ledger.is_empty()), "{:?}", commits);
        prop_assert_eq!(format!("{:?}", kept.contents()), format!("{:?}", before.contents()));
    }

    #[test]
    fn a_restart_in_the_middle_makes_no_difference(batches in batches(), cut in 0usize..12) {
        let (mut triage, mut kept) = armed();
        let cut = cut.min(batches.len());
        let mut all = outcomes(&batches);
        let rest = all.split_off(cut);
        run(&mut triage, &mut kept, all);

        let mut kept_too = kept.clone();
        let now = rest.first().map_or(NOW, |(now, _)| *now);
        let mut restarted = Triage::new(config());
        restarted.restore(&kept.recover(), Moment::at(now));

        let straight = run(&mut triage, &mut kept, rest);
        let again = outcomes(&batches).split_off(cut);
        let resumed = run(&mut restarted, &mut kept_too, again);
        prop_assert_eq!(written(&straight), written(&resumed));
        prop_assert_eq!(format!("{:?}", kept.contents()), format!("{:?}", kept_too.contents()));
    }
}

#[test]
fn a_switch_thrown_by_a_person_outlives_a_restart() {
    let (_, kept) = armed();
    let mut triage = Triage::new(config());
    triage.restore(&kept.recover(), Moment::at(NOW) + Duration::from_secs(60));
    assert!(triage.reply_status(Moment::at(NOW)).armed);
    let lost = Recovered { reply_switch: None::<ReplySwitch>, ..kept.recover() };
    let mut triage = Triage::new(config());
    triage.restore(&lost, Moment::at(NOW) + Duration::from_secs(60));
    assert!(!triage.reply_status(Moment::at(NOW)).armed);
}

/// 400 histories from a fixed seed, with what came of them when this was written: the commits to the last letter.
#[test]
fn the_commits_of_fixed_histories_are_what_they_were() {
    let config = ProptestConfig { cases: 400, ..ProptestConfig::default() };
    let rng = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(config, rng);
    let mut hash = 0_u64;
    for _ in 0..400 {
        let batches = batches().new_tree(&mut runner).unwrap().current();
        let (mut triage, mut kept) = armed();
        let commits = format!("{hash}{:?}", run(&mut triage, &mut kept, outcomes(&batches)));
        hash = crate::model::stable_hash(commits.as_bytes());
    }
    assert_eq!(format!("{hash:016x}"), "6b080f9100b3a1f4");
}
