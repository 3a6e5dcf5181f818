//! The gate as a whole: whatever comes, no budget is exceeded, and a restart changes nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::RuleInfo;
use crate::model::{Keyring, Lane, RuleStatus, Timestamp, Tones};

const NOW: Moment = Moment::at(Timestamp::from_micros(1_700_000_000_000_000));
const KEYS: Keyring = Keyring::FIXED;
const HOUR: i64 = 3_600;

fn config() -> Config {
    toml::from_str(
        r#"
        mode = "auto"
        own = ["did:us"]
        templates.t.text = "We are on it."
        "#,
    )
    .unwrap()
}

fn rule(number: u8) -> RuleInfo {
    RuleInfo {
        id: format!("rule-{number}").into(),
        brand: "acme".into(),
        team: "support".into(),
        floor: Lane::Normal,
        status: RuleStatus::Live,
        reply: Some("t".into()),
    }
}

fn post(number: u32, author: u32, network: &'static str, event_at: Moment) -> Post {
    let mut post =
        Post { network, uri: format!("at://a{author}/{number}"), event_at: event_at.wall, ..Post::default() };
    post.author.id = format!("a{author}");
    post.mentions = vec!["did:us".into()];
    post
}

fn question<'a>(post: &'a Post, rule: &'a RuleInfo) -> Question<'a> {
    Question {
        post,
        post_key: KEYS.post(post.network, &post.uri),
        author_key: KEYS.author(post.network, &post.author.id),
        conversation_key: KEYS.post(post.network, post.conversation()),
        is_edit: false,
        rule,
        lag: Duration::ZERO,
        tones: Tones::NONE,
    }
}

fn decide(gate: &mut Gate, post: &Post, rule: &RuleInfo, now: Moment) -> (ReplyDecision, LedgerEntry) {
    gate.decide(&question(post, rule), now).unwrap()
}

fn armed(config: &Config) -> Gate {
    let mut gate = Gate::new(config);
    gate.arm("ann", "test", NOW);
    gate
}

#[test]
fn the_trace_is_full_and_in_the_order_of_the_table() {
    let mut gate = armed(&config());
    let (first, entry) = decide(&mut gate, &post(1, 1, "bluesky", NOW), &rule(1), NOW);
    assert_eq!((first.decision, first.guard), (ReplyVerdict::Allow, None));
    assert_eq!(entry.verdict, ReplyVerdict::Allow);
    let names = first.trace.iter().map(|line| line.split(':').next().unwrap()).collect::<Vec<_>>().join(" ");
    assert_eq!(names, "mode consent never_answer once author rule account global tone stale switch");
    let (second, _) = decide(&mut gate, &post(2, 1, "bluesky", NOW), &rule(1), NOW);
    assert_eq!((second.decision, second.guard.as_deref()), (ReplyVerdict::Suppress, Some("author")));
    assert!(
        second.trace.contains(&"author:1 in 24h".to_owned()) && second.trace.contains(&"mode:ok".to_owned())
    );
    assert_eq!(gate.status(NOW).allowed_last_hour, 1);
    assert_eq!(gate.status(NOW).decisions, ReplyCounts { allowed: 1, held: 0, suppressed: 1 });
    let counted: Vec<_> = gate.decisions().filter(|(_, _, count)| *count > 0).collect();
    assert_eq!(counted, [("allow", "none", 1), ("suppress", "author", 1)]);
}

#[test]
fn a_hold_gives_way_to_a_suppression_and_neither_is_charged() {
    let mut gate = armed(&Config { mode: crate::model::ReplyMode::Approve, ..config() });
    let (held, _) = decide(&mut gate, &post(1, 1, "bluesky", NOW), &rule(1), NOW);
    assert_eq!((held.decision, held.guard.as_deref()), (ReplyVerdict::Hold, Some("mode")));
    let (again, _) = decide(&mut gate, &post(1, 1, "bluesky", NOW), &rule(1), NOW);
    assert_eq!(again.decision, ReplyVerdict::Hold);
    let old = post(2, 2, "bluesky", NOW - Duration::from_secs(7_200));
    let (old, _) = decide(&mut gate, &old, &rule(1), NOW);
    assert_eq!((old.decision, old.guard.as_deref()), (ReplyVerdict::Suppress, Some("stale")));
}

#[test]
fn shadow_suppresses_and_still_shows_every_guard() {
    let mut gate = Gate::new(&Config { mode: crate::model::ReplyMode::Shadow, ..config() });
    let (decision, _) = decide(&mut gate, &post(1, 1, "bluesky", NOW), &rule(1), NOW);
    assert_eq!((decision.decision, decision.guard.as_deref()), (ReplyVerdict::Suppress, Some("mode")));
    assert_eq!(decision.trace.first().unwrap(), "mode:shadow");
    assert_eq!(decision.trace.last().unwrap(), "switch:disarmed");
}

#[test]
fn a_rule_without_a_template_is_not_decided_about() {
    let silent = RuleInfo { reply: None, ..rule(1) };
    let post = post(1, 1, "bluesky", NOW);
    assert!(armed(&config()).decide(&question(&post, &silent), NOW).is_none());
}

#[test]
fn a_stop_message_is_recorded_and_survives_a_restart() {
    let mut gate = armed(&config());
    let wish = Post { text: "@acme STOP".into(), ..post(1, 1, "bluesky", NOW) };
    assert!(gate.is_opt_out(&wish, "acme"));
    let entry = gate.opt_out(&question(&wish, &rule(1)), NOW).unwrap();
    assert_eq!((entry.verdict, entry.guard.as_deref()), (ReplyVerdict::Suppress, Some(OPT_OUT)));
    assert!(gate.opt_out(&question(&wish, &rule(1)), NOW).is_none());
    assert!(!gate.is_opt_out(&Post { mentions: vec![], ..wish }, "acme"));
    let mut gate = Gate::new(&config());
    gate.restore(&Recovered { ledger: vec![entry], ..Recovered::default() }, NOW);
    gate.arm("ann", "", NOW);
    let (decision, _) = decide(&mut gate, &post(2, 1, "bluesky", NOW), &rule(1), NOW);
    assert!(decision.trace.contains(&"never_answer:opted out".to_owned()));
}

#[test]
fn the_switch_that_moved_is_handed_out_once() {
    let mut gate = armed(&config());
    assert!(gate.take_moved_switch().unwrap().armed);
    assert!(gate.take_moved_switch().is_none());
    gate.tick(Moment { wall: NOW.wall + Duration::from_secs(HOUR as u64), ..NOW });
    let moved = gate.take_moved_switch().unwrap();
    assert_eq!((moved.armed, moved.by.as_str()), (false, "birddog"));
    let status = gate.status(NOW);
    assert_eq!(status.switched_by.as_deref(), Some("birddog"));
    assert_eq!(status.switched_reason, Some(moved.reason));
}

/// What may happen to a gate.
#[derive(Clone, Debug)]
enum Step {
    /// This many posts, from this one on, by authors from this one on.
    Flood {
        posts: u32,
        first: u32,
        authors: u32,
        rule: u8,
        network: bool,
    },
    /// Seconds pass.
    Pass(u64),
    /// The wall clock leaps by seconds.
    Leap(i64),
    Tick,
    Restart,
    Arm,
    Disarm,
}

fn step() -> impl Strategy<Value = Step> {
    let flood = (1u32..40, 0u32..500, 1u32..400, 0u8..4, any::<bool>()).prop_map(
        |(posts, first, authors, rule, network)| Step::Flood { posts, first, authors, rule, network },
    );
    prop_oneof![
        8 => flood,
        6 => (1u64..900).prop_map(Step::Pass),
        1 => (1u64..20).prop_map(|days| Step::Pass(days * 86_400)),
        1 => prop::sample::select(vec![-HOUR, HOUR, -365 * 24 * HOUR, 365 * 24 * HOUR, -3, 4, 590, 86_400]).prop_map(Step::Leap),
        2 => Just(Step::Tick),
        1 => Just(Step::Restart),
        3 => Just(Step::Arm),
        1 => Just(Step::Disarm),
    ]
}

struct World {
    config: Config,
    gate: Gate,
    now: Moment,
    ledger: Vec<LedgerEntry>,
    switch: Option<ReplySwitch>,
}

impl World {
    fn take(&mut self, step: &Step) {
        match *step {
            Step::Flood { posts, first, authors, rule: number, network } => {
                let network = if network { "bluesky" } else { "mastodon" };
                let rule = rule(number);
                for n in first..first + posts {
                    let post = post(n, n % authors, network, self.now);
                    self.ledger.push(decide(&mut self.gate, &post, &rule, self.now).1);
                }
            }
            Step::Pass(seconds) => self.now = self.now + Duration::from_secs(seconds),
            Step::Leap(seconds) => {
                let wall = self.now.wall.as_micros() + seconds * 1_000_000;
                self.now.wall = Timestamp::from_micros(wall);
            }
            Step::Tick => self.gate.tick(self.now),
            Step::Restart => self.restart(),
            Step::Arm => self.gate.arm("ann", "", self.now),
            Step::Disarm => self.gate.disarm("ann", "", self.now),
        }
        if let Some(switch) = self.gate.take_moved_switch() {
            self.switch = Some(switch);
        }
    }

    fn restart(&mut self) {
        self.gate = Gate::new(&self.config);
        let recovered = Recovered {
            ledger: self.ledger.clone(),
            reply_switch: self.switch.clone(),
            ..Recovered::default()
        };
        self.gate.restore(&recovered, self.now);
    }
}

/// The most allowed replies of one key in any window of either clock, by the ledger alone.
fn most<K: Ord>(ledger: &[LedgerEntry], seconds: i64, key: impl Fn(&LedgerEntry) -> K) -> usize {
    let mut times: BTreeMap<(bool, K), Vec<i64>> = BTreeMap::new();
    for entry in ledger.iter().filter(|entry| entry.verdict == ReplyVerdict::Allow) {
        times.entry((false, key(entry))).or_default().push(entry.at.wall.as_micros());
        times.entry((true, key(entry))).or_default().push(entry.at.steady.as_micros());
    }
    let in_window = |times: &[i64], start: i64| {
        times.iter().filter(|&&time| time >= start && time <= start + seconds * 1_000_000).count()
    };
    times.values().flat_map(|times| times.iter().map(|&start| in_window(times, start))).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn no_budget_is_exceeded_by_floods_replays_leaps_of_the_clock_and_restarts(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let config = config();
        let mut world =
            World { gate: armed(&config), config, now: NOW, ledger: Vec::new(), switch: None };
        for step in &steps {
            world.take(step);
        }
        let ledger = &world.ledger;
        prop_assert!(most(ledger, 30 * 24 * HOUR, |entry| entry.post) <= 1, "once");
        prop_assert!(most(ledger, 24 * HOUR, |entry| entry.author) <= 1, "author, day");
        prop_assert!(most(ledger, 30 * 24 * HOUR, |entry| entry.author) <= 3, "author, month");
        prop_assert!(most(ledger, HOUR, |entry| entry.rule.to_string()) <= 10, "rule");
        prop_assert!(most(ledger, HOUR, |entry| entry.account.to_string()) <= 30, "account, hour");
        prop_assert!(most(ledger, 24 * HOUR, |entry| entry.account.to_string()) <= 200, "account, day");
        prop_assert!(most(ledger, HOUR, |_| ()) <= 60, "global");
    }

    #[test]
    fn a_gate_rebuilt_from_its_ledger_decides_the_same(
        before in prop::collection::vec(step(), 1..40),
        after in prop::collection::vec(step(), 1..40),
    ) {
        // Where the clock only goes forward: a step back is the one thing that the ledger's order does not tell.
        let forward = |step: &&Step| !matches!(step, Step::Leap(seconds) if *seconds < 0);
        let config = config();
        let mut world =
            World { gate: armed(&config), config, now: NOW, ledger: Vec::new(), switch: None };
        before.iter().filter(forward).for_each(|step| world.take(step));
        let mut rebuilt = World {
            gate: Gate::new(&world.config),
            config: world.config.clone(),
            now: world.now,
            ledger: world.ledger.clone(),
            switch: None,
        };
        rebuilt.restart();
        for world in [&mut world, &mut rebuilt] {
            world.take(&Step::Arm);
            after.iter().filter(forward).for_each(|step| world.take(step));
        }
        prop_assert_eq!(world.ledger, rebuilt.ledger);
    }
}

#[test]
fn floods_do_get_answers_up_to_the_budgets() {
    let config = config();
    let mut world = World { gate: armed(&config), config, now: NOW, ledger: Vec::new(), switch: None };
    for minute in 0..600u32 {
        for rule in 0..4 {
            world.take(&Step::Flood {
                posts: 10,
                first: minute * 10,
                authors: 1 << 20,
                rule,
                network: rule < 2,
            });
        }
        world.take(&Step::Pass(60));
        world.take(&Step::Tick);
    }
    assert_eq!(most(&world.ledger, HOUR, |entry| entry.rule.to_string()), 10);
    assert!(most(&world.ledger, HOUR, |_| ()) >= 30);
    assert!(most(&world.ledger, 24 * HOUR, |entry| entry.account.to_string()) <= 200);
}

/// Whoever has an identity with the victim's unkeyed hash (see `tests/fixtures/xxh3_collisions.txt`) posts first.
#[test]
fn a_former_opt_out_and_a_former_reply_bind_the_victim_though_another_identity_hashes_alike() {
    let (victim, attacker) = ("did:plc:dshy3epz4u5mp4kq7zr2mnx5", "did:plc:yiqakflxwbs6c4kq7zr2mnx5");
    assert_eq!(Key::unkeyed(victim), Key::unkeyed(attacker));
    let by = |author: &str, number| {
        let mut post = post(number, number, "bluesky", NOW);
        post.author.id = author.to_owned();
        post
    };
    let (asked, rule) = (by(victim, 1), rule(1));
    let question = Question { author_key: Key::unkeyed(victim), ..question(&asked, &rule) };
    for (verdict, guard, reason) in
        [(ReplyVerdict::Suppress, Some(OPT_OUT), "never_answer"), (ReplyVerdict::Allow, None, "author")]
    {
        let mut gate = Gate::new(&config());
        let entry = ledger::entry(&question, verdict, guard, NOW);
        gate.restore(&Recovered { ledger: vec![entry], ..Recovered::default() }, NOW);
        gate.arm("ann", "test", NOW);
        for (number, author) in [(2, attacker), (3, victim), (4, victim)] {
            let (decision, _) = decide(&mut gate, &by(author, number), &rule, NOW);
            assert_eq!(decision.guard.as_deref(), Some(reason), "{author}");
        }
    }
}
