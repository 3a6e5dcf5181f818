//! Settling as a whole: conservation, redelivery, restarts, cascades.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::model::{
    Author, AuthorHistory, Body, Intent, Lane, LedgerEntry, Match, NewItem, Post, PostKind, RecoveredAuthor,
    RecoveredItem, ReplySwitch, ReplyVerdict, RuleInfo, RuleStatus, Scores, Sentiment, SentimentLabel,
};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// Rule 0: support; 1: sales; 2: shadow; 3: support, asks for a reply, floor high.
fn rules() -> Arc<[RuleInfo]> {
    let rule = |id: &str, team: &str| RuleInfo {
        id: id.into(),
        brand: "acme".into(),
        team: team.into(),
        floor: Lane::Normal,
        status: RuleStatus::Live,
        reply: None,
    };
    [
        rule("support", "support"),
        rule("sales", "sales"),
        RuleInfo { status: RuleStatus::Shadow, ..rule("shadow", "support") },
        RuleInfo { reply: Some("t".into()), floor: Lane::High, ..rule("answered", "support") },
    ]
    .into()
}

fn parts() -> Parts {
    let reply = toml::from_str(
        r#"
        mode = "auto"
        own = ["did:us"]
        templates.t.text = "We are on it."
        "#,
    );
    Parts { reply: reply.unwrap(), ..Parts::default() }
}

fn uri(number: u32) -> String {
    format!("at://post/{number}")
}

fn mention(number: u32, author: u32, matched: &[u32], at: Timestamp) -> Mention {
    let post = Post {
        network: "bluesky",
        uri: uri(number),
        author: Author { id: format!("did:{author}"), ..Author::default() },
        text: format!("acme is down, says {author} in {number}"),
        created_at: at,
        received_at: at,
        event_at: at,
        ..Post::default()
    };
    let sentiment = Sentiment { score: -0.5, label: SentimentLabel::Negative, confidence: 1.0 };
    let scores = Scores { sentiment, urgency: 0.3, intent: Intent::Complaint, ..Scores::default() };
    let matches = matched.iter().map(|&rule| Match { rule, spans: [(0, 4)].into_iter().collect() }).collect();
    Mention { post, is_update: false, matches, scores, lang: "en".into() }
}

fn quoting(mut mention: Mention, quoted: u32) -> Mention {
    mention.post.kind = PostKind::Quote;
    mention.post.subject = Some(uri(quoted));
    mention
}

fn new(mention: Mention) -> Signal {
    Signal::Mention(Box::new(mention))
}

fn touch(subject: u32, actor: u32, event: &str, at: Timestamp) -> PostRef {
    PostRef {
        subject: stable_key(uri(subject).as_bytes()),
        actor: stable_key(format!("did:{actor}").as_bytes()),
        event: stable_key(event.as_bytes()),
        event_at: at,
    }
}

fn outcome(sequence: u64, at: Timestamp, signals: Vec<Signal>) -> BatchOutcome {
    BatchOutcome {
        source: "jetstream".into(),
        sequence,
        position: Position(sequence),
        received_at: at,
        counts: Default::default(),
        signals,
        rules: rules(),
    }
}

fn settle(settler: &mut Settler, signals: Vec<Signal>) -> (SettleCounts, Commit) {
    let mut commit = Commit::default();
    let counts = settler.settle(outcome(0, NOW, signals), NOW, &mut commit);
    (counts, commit)
}

fn rules_of(item: &NewItem) -> Vec<&str> {
    Body::decode(&item.body).unwrap().matches.iter().map(|found| found.rule).collect()
}

#[test]
fn one_item_for_each_team_in_the_order_of_the_matches() {
    let mut settler = Settler::new(parts());
    let (counts, commit) = settle(&mut settler, vec![new(mention(1, 1, &[0, 1, 3], NOW))]);
    assert_eq!((counts.stored, counts.items, counts.signals()), (1, 2, 1));
    let teams: Vec<&str> = commit.items.iter().map(|item| &*item.team).collect();
    assert_eq!(teams, ["support", "sales"]);
    let [support, sales] = &commit.items[..] else { panic!() };
    assert_eq!((support.lane, sales.lane), (Lane::High, Lane::Normal));
    assert_eq!((rules_of(support), rules_of(sales)), (vec!["support", "answered"], vec!["sales"]));
    assert!(support.reply.is_some() && sales.reply.is_none());
    assert_eq!(support.id, ItemId::derive("bluesky", &uri(1), "support"));
    assert_eq!(support.due_at, NOW + Duration::from_secs(2 * 3_600));
    assert_eq!(commit.seen, [stable_key(uri(1).as_bytes())]);
    assert_eq!((commit.positions[0].1, commit.now), (Position(0), NOW));
}

#[test]
fn a_post_that_only_shadow_rules_matched_is_counted_and_not_stored() {
    let mut settler = Settler::new(parts());
    let (counts, commit) =
        settle(&mut settler, vec![new(mention(1, 1, &[2], NOW)), new(mention(2, 1, &[2, 0], NOW))]);
    assert_eq!((counts.shadow, counts.stored, commit.items.len()), (1, 1, 1));
    assert_eq!(rules_of(&commit.items[0]), ["support"]);
}

#[test]
fn reposts_and_quotes_of_a_known_post_join_it_and_others_are_unknown() {
    let mut settler = Settler::new(parts());
    let signals = vec![
        new(mention(1, 1, &[0], NOW)),
        Signal::Repost(touch(1, 2, "repost", NOW)),
        Signal::Quote(touch(1, 3, &uri(7), NOW)),
        new(quoting(mention(8, 4, &[0], NOW), 7)),
        Signal::Repost(touch(8, 4, "repost of the quote of the quote", NOW)),
        Signal::Repost(touch(99, 5, "other", NOW)),
        Signal::Repost(touch(1, 2, "repost", NOW)),
    ];
    let (counts, commit) = settle(&mut settler, signals);
    assert_eq!((counts.joined, counts.unknown, counts.duplicate, counts.items), (4, 1, 1, 1));
    let [ItemChange::Amplified { size, authors, amplification, announce, .. }] = commit.changes[..] else {
        panic!("{:?}", commit.changes)
    };
    assert_eq!((size, authors, announce), (5, 4, false));
    assert!(amplification > 0.1);
}

#[test]
fn only_a_lane_crossing_is_announced_and_only_once() {
    let mut settler = Settler::new(parts());
    settle(&mut settler, vec![new(mention(1, 1, &[0], NOW))]);
    let mut announced = Vec::new();
    for batch in 0..40 {
        let reposts =
            (0..50).map(|n| Signal::Repost(touch(1, 1_000 + batch * 50 + n, &format!("{batch}/{n}"), NOW)));
        let (_, commit) = settle(&mut settler, reposts.collect());
        let [ItemChange::Amplified { lane, announce, size, .. }] = commit.changes[..] else { panic!() };
        if announce {
            announced.push((size, lane));
        }
    }
    assert_eq!(announced.len(), 1, "{announced:?}");
    assert_eq!(announced[0].1, Lane::High);
}

#[test]
fn an_edit_rewrites_the_item_and_adds_teams_it_now_concerns() {
    let mut settler = Settler::new(parts());
    settle(&mut settler, vec![new(mention(1, 1, &[0], NOW)), Signal::Repost(touch(1, 2, "r", NOW))]);
    let mut edit = mention(1, 1, &[0, 1], NOW);
    (edit.is_update, edit.post.text, edit.scores.urgency) = (true, "acme is on fire".into(), 1.0);
    let (counts, commit) = settle(&mut settler, vec![new(edit.clone())]);
    assert_eq!((counts.stored, counts.items), (1, 1));
    let [ItemChange::Edited { body, lane, factors, .. }, ItemChange::Amplified { size, .. }] =
        &commit.changes[..]
    else {
        panic!("{:?}", commit.changes)
    };
    assert_eq!(Body::decode(body).unwrap().post.text, "acme is on fire");
    assert!(*lane == Lane::Critical && factors.amplification > 0.0 && *size == 2);
    assert_eq!(&*commit.items[0].team, "sales");
    let (counts, commit) = settle(&mut settler, vec![new(edit)]);
    assert_eq!((counts.duplicate, commit.changes.len()), (1, 0));
}

/// The bodies that `commit` rewrites, each with its floor.
fn rewritten(commit: &Commit) -> Vec<(Body<'_>, Lane)> {
    fn edited(change: &ItemChange) -> (Body<'_>, Lane) {
        match change {
            ItemChange::Edited { body, factors, .. } => (Body::decode(body).unwrap(), factors.floor),
            other => panic!("{other:?}"),
        }
    }
    commit.changes.iter().map(edited).collect()
}

fn edit(number: u32, text: &str, matched: &[u32]) -> Signal {
    let mut mention = mention(number, 1, matched, NOW);
    (mention.is_update, mention.post.text) = (true, text.to_owned());
    if matched.is_empty() { Signal::Unmatched(Box::new(mention)) } else { new(mention) }
}

#[test]
fn an_edit_that_no_rule_matches_any_more_leaves_the_item_open_with_the_text_that_stands_there_now() {
    let mut settler = Settler::new(parts());
    settle(&mut settler, vec![new(mention(1, 1, &[1, 3], NOW))]);
    for (text, matched) in [("never mind", &[][..]), ("only a shadow", &[2])] {
        let (counts, commit) = settle(&mut settler, vec![edit(1, text, matched)]);
        assert_eq!((counts.stored, counts.items, commit.items.len()), (1, 0, 0));
        let rewritten = rewritten(&commit);
        assert_eq!(rewritten.iter().map(|(_, floor)| *floor).collect::<Vec<_>>(), [Lane::Normal, Lane::High]);
        for (body, _) in rewritten {
            assert_eq!((body.post.text, body.matches.len()), (text, 0));
        }
        let (counts, commit) = settle(&mut settler, vec![edit(1, text, matched)]);
        assert_eq!((counts.duplicate, commit.changes.len()), (1, 0));
    }
    let (_, commit) = settle(&mut settler, vec![edit(1, "sales alone", &[1])]);
    let matches: Vec<usize> = rewritten(&commit).iter().map(|(body, _)| body.matches.len()).collect();
    assert_eq!(matches, [1, 0], "the team that the post no longer concerns sees it too");
}

#[test]
fn an_edit_without_matches_of_an_unknown_post_changes_nothing_also_when_it_comes_again_late() {
    let mut settler = Settler::new(parts());
    let (counts, commit) = settle(&mut settler, vec![edit(1, "nothing", &[]), edit(2, "hidden", &[2])]);
    assert_eq!((counts.unknown, counts.shadow, counts.signals()), (1, 1, 2));
    assert!(commit.items.is_empty() && commit.changes.is_empty());
    settle(&mut settler, vec![edit(1, "acme is down", &[0])]);
    let (counts, commit) = settle(&mut settler, vec![edit(1, "nothing", &[])]);
    assert_eq!((counts.duplicate, commit.changes.len()), (1, 0));
}

#[test]
fn an_edited_quote_without_matches_joins_what_it_quotes() {
    let mut settler = Settler::new(parts());
    settle(&mut settler, vec![new(mention(1, 1, &[0], NOW))]);
    let Signal::Unmatched(quote) = edit(2, "look at that", &[]) else { panic!() };
    let quote = Signal::Unmatched(Box::new(quoting(*quote, 1)));
    let (counts, _) = settle(&mut settler, vec![quote]);
    assert_eq!(counts.joined, 1);
}

#[test]
fn an_edit_that_matches_for_the_first_time_makes_an_item_without_a_reply() {
    let mut settler = Settler::new(parts());
    settler.arm_replies("ann", "", NOW, &mut Commit::default());
    let mut edit = mention(1, 1, &[3], NOW);
    (edit.is_update, edit.post.mentions) = (true, vec!["did:us".into()]);
    let (counts, commit) = settle(&mut settler, vec![new(edit)]);
    assert_eq!((counts.stored, counts.items), (1, 1));
    let reply = commit.items[0].reply.as_ref().unwrap();
    assert_eq!((reply.decision, reply.guard.as_deref()), (ReplyVerdict::Suppress, Some("never_answer")));
}

#[test]
fn a_deletion_withdraws_what_is_known_and_asks_the_store_after_a_restart() {
    let mut settler = Settler::new(parts());
    let delete = |post| Signal::Delete(touch(post, 1, &uri(post), NOW));
    settle(&mut settler, vec![new(mention(1, 1, &[0], NOW))]);
    let (counts, commit) = settle(&mut settler, vec![delete(1), delete(1), delete(2)]);
    assert_eq!((counts.withdrawn, counts.unknown), (1, 2));
    assert_eq!(commit.changes, [ItemChange::PostGone { post: stable_key(uri(1).as_bytes()) }]);
    let (counts, _) = settle(&mut settler, vec![Signal::Repost(touch(1, 9, "late", NOW))]);
    assert_eq!(counts.unknown, 1);

    let recovered = Recovered { positions: vec![("jetstream".into(), Position(1))], ..Recovered::default() };
    settler.restore(&recovered, NOW);
    let (counts, commit) = settle(&mut settler, vec![delete(2)]);
    assert_eq!((counts.unknown, commit.changes.len()), (1, 1));
}

#[test]
fn an_account_that_is_gone_withdraws_its_items_and_stops_its_clusters() {
    let mut settler = Settler::new(parts());
    let gone = |author: u32| {
        let key = stable_key(format!("did:{author}").as_bytes());
        Signal::AccountGone(PostRef { subject: key, actor: key, event: key, event_at: NOW })
    };
    let signals =
        vec![new(mention(1, 1, &[0], NOW)), gone(1), gone(1), gone(2), Signal::Repost(touch(1, 3, "r", NOW))];
    let (counts, commit) = settle(&mut settler, signals);
    assert_eq!((counts.withdrawn, counts.duplicate, counts.unknown), (1, 1, 2));
    assert_eq!(commit.changes, [ItemChange::AuthorGone { author: stable_key(b"did:1") }]);
    let (_, commit) = settle(&mut settler, vec![new(mention(2, 1, &[0], NOW))]);
    assert_eq!((commit.items[0].history.mentions, commit.items[0].history.open_items), (1, 0));
}

#[test]
fn the_item_carries_what_was_known_of_the_author() {
    let mut settler = Settler::new(parts());
    let (_, commit) =
        settle(&mut settler, vec![new(mention(1, 1, &[0, 1], NOW)), new(mention(2, 1, &[0], NOW))]);
    assert_eq!(commit.items[0].history, AuthorHistory::default());
    let history =
        AuthorHistory { mentions: 1, open_items: 2, last_sentiment: Some(-0.5), first_seen: Some(NOW) };
    assert_eq!(commit.items[2].history, history);
    settler.note_resolved(stable_key(b"did:1"));
    let (_, commit) = settle(&mut settler, vec![new(mention(3, 1, &[0], NOW))]);
    assert_eq!(commit.items[0].history.open_items, 2);
}

#[test]
fn our_lag_keeps_replies_back_and_never_items() {
    let mut settler = Settler::new(parts());
    settler.arm_replies("ann", "", NOW, &mut Commit::default());
    let mut late = mention(1, 1, &[3], NOW - Duration::from_secs(400));
    late.post.mentions = vec!["did:us".into()];
    let (_, commit) = settle(&mut settler, vec![new(late)]);
    let reply = commit.items[0].reply.as_ref().unwrap();
    assert!(reply.trace.contains(&"stale:we are behind".to_owned()), "{:?}", reply.trace);
    assert_eq!(reply.guard.as_deref(), Some("stale"));
}

#[test]
fn the_switch_and_a_stop_message_go_into_the_commit() {
    let mut settler = Settler::new(parts());
    let mut commit = Commit::default();
    settler.arm_replies("ann", "tested", NOW, &mut commit);
    assert!(commit.reply_switch.take().unwrap().armed);
    let mut wish = mention(1, 1, &[2], NOW);
    (wish.post.text, wish.post.mentions) = ("@acme stop".into(), vec!["did:us".into()]);
    let (_, commit) = settle(&mut settler, vec![new(wish.clone()), new(wish)]);
    assert_eq!(commit.ledger.len(), 1);
    assert_eq!(commit.ledger[0].guard.as_deref(), Some(reply::OPT_OUT));
    let mut commit = Commit::default();
    settler.tick(NOW + Duration::from_secs(3_600), &mut commit);
    assert!(!commit.reply_switch.unwrap().armed);
    assert!(!settler.reply_status(NOW).armed);
}

/// The bank of July 2013: one post, 5,000 reposts, 800 mocking replies that mention the account, within an hour.
#[test]
fn the_cascade_at_the_bank_makes_one_item_and_few_replies() {
    let mut settler = Settler::new(parts());
    settler.arm_replies("ann", "", NOW, &mut Commit::default());
    let addressed = |number, author, at| {
        let mut mention = mention(number, author, &[3], at);
        mention.post.mentions = vec!["did:us".into()];
        mention
    };
    let mut allowed: Vec<LedgerEntry> = Vec::new();
    let (mut counts, mut changes, mut items) = (SettleCounts::default(), Vec::new(), Vec::new());
    let mut state = 2013u64;
    for second in 0..3_600u32 {
        let now = NOW + Duration::from_secs(second.into());
        let mut signals = Vec::new();
        if second == 0 {
            signals.push(new(addressed(1, 1, now)));
        }
        for repost in (second * 5_000 / 3_600)..((second + 1) * 5_000 / 3_600) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let actor = 10 + (state >> 33) as u32 % 4_000;
            signals.push(Signal::Repost(touch(1, actor, &format!("repost {repost}"), now)));
        }
        for reply in (second * 800 / 3_600)..((second + 1) * 800 / 3_600) {
            let mut mocking = addressed(100 + reply, 10_000 + reply % 700, now);
            (mocking.post.kind, mocking.post.root, mocking.post.parent) =
                (PostKind::Reply, Some(uri(1)), Some(uri(1)));
            signals.push(new(mocking));
        }
        let mut commit = Commit::default();
        let settled = settler.settle(outcome(second.into(), now, signals), now, &mut commit);
        counts.joined += settled.joined;
        allowed.extend(commit.ledger.into_iter().filter(|entry| entry.verdict == ReplyVerdict::Allow));
        changes.extend(commit.changes);
        items.extend(commit.items);
    }
    assert_eq!((counts.joined, items.len()), (5_000, 801));
    let root = stable_key(uri(1).as_bytes());
    assert_eq!(items.iter().filter(|item| item.cluster == root).count(), 1);
    let Some(ItemChange::Amplified { size, authors, amplification, lane, .. }) = changes.last() else {
        panic!()
    };
    // 5,000 reposts by about 2,850 different accounts out of 4,000.
    assert_eq!(*size, 5_001);
    assert!((2_400..3_300).contains(authors) && *amplification > 0.8 && *lane >= Lane::High, "{authors}");
    // Guard 9 alone gives 10 an hour. Guards 6 to 8 (conversation, thread authors, same text) will make it 1.
    assert!((1..=10).contains(&allowed.len()), "{}", allowed.len());
}

/// What a store keeps of commits, and gives back.
#[derive(Clone, Default)]
struct Kept {
    recovered: Recovered,
    histories: BTreeMap<u64, AuthorHistory>,
    bodies: BTreeMap<u64, Vec<u8>>,
}

impl Kept {
    fn apply(&mut self, commit: &Commit) {
        let kept = &mut self.recovered;
        kept.positions.clone_from(&commit.positions);
        kept.seen.extend(commit.seen.iter().map(|&key| (key, commit.now)));
        kept.joined.extend(&commit.joined);
        kept.ledger.extend(commit.ledger.iter().cloned());
        if let Some(switch) = &commit.reply_switch {
            kept.reply_switch = Some(switch.clone());
        }
        commit.items.iter().for_each(|item| self.insert(item));
        commit.changes.iter().for_each(|change| self.change(change));
    }

    fn insert(&mut self, item: &NewItem) {
        if self.bodies.contains_key(&item.id.0) {
            return;
        }
        self.bodies.insert(item.id.0, item.body.clone());
        let history = AuthorHistory {
            mentions: item.history.mentions + 1,
            open_items: 0,
            last_sentiment: Some(-0.5),
            first_seen: item.history.first_seen.or(Some(item.created_at)),
        };
        self.histories.insert(item.author, history);
        self.recovered.items.push(RecoveredItem {
            id: item.id,
            team: Arc::clone(&item.team),
            brand: Arc::clone(&item.brand),
            state: ItemState::New,
            score: item.score,
            lane: item.lane,
            factors: item.factors,
            cluster: item.cluster,
            post: item.post,
            author: item.author,
            size: 1,
            authors: 1,
            created_at: item.created_at,
            due_at: item.due_at,
        });
    }

    fn change(&mut self, change: &ItemChange) {
        for item in self.recovered.items.iter_mut().filter(|item| item.state != ItemState::Withdrawn) {
            match change {
                ItemChange::Amplified { id, size, authors, amplification, score, lane, .. }
                    if *id == item.id =>
                {
                    (item.size, item.authors, item.score, item.lane) = (*size, *authors, *score, *lane);
                    item.factors.amplification = *amplification;
                }
                ItemChange::Edited { id, body, factors, score, lane } if *id == item.id => {
                    (item.factors, item.score, item.lane) = (*factors, *score, *lane);
                    self.bodies.insert(id.0, body.clone());
                }
                ItemChange::PostGone { post } if *post == item.post => item.state = ItemState::Withdrawn,
                ItemChange::AuthorGone { author } if *author == item.author => {
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
        Happens::Quote { post, quoted, rules: 0 } => Signal::Quote(touch(quoted, post % 7, &uri(post), at)),
        Happens::Quote { post, quoted, rules } => new(quoting(said(post, rules), quoted)),
        Happens::Edit { post, rules, version } => {
            let mut mention = said(post, rules);
            mention.is_update = true;
            mention.post.text.push_str(&version.to_string());
            if rules == 0 { Signal::Unmatched(Box::new(mention)) } else { new(mention) }
        }
        Happens::Repost { post, actor } => {
            Signal::Repost(touch(post, actor, &format!("{actor} reposts {post}"), at))
        }
        Happens::Delete { post } => Signal::Delete(touch(post, post % 7, &uri(post), at)),
        Happens::Gone { author } => {
            let key = stable_key(format!("did:{author}").as_bytes());
            Signal::AccountGone(PostRef { subject: key, actor: key, event: key, event_at: at })
        }
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

fn armed() -> (Settler, Kept) {
    let (mut settler, mut commit) = (Settler::new(parts()), Commit::default());
    settler.arm_replies("ann", "", NOW, &mut commit);
    let mut kept = Kept::default();
    kept.apply(&commit);
    (settler, kept)
}

fn run(settler: &mut Settler, kept: &mut Kept, outcomes: Vec<(Timestamp, BatchOutcome)>) -> Vec<Commit> {
    let settle_one = |(now, outcome): (Timestamp, BatchOutcome)| {
        let (mut commit, signals) = (Commit::default(), outcome.signals.len() as u64);
        let counts = settler.settle(outcome, now, &mut commit);
        assert_eq!(counts.signals(), signals, "conservation");
        assert_eq!(counts.items, commit.items.len() as u64);
        kept.apply(&commit);
        commit
    };
    outcomes.into_iter().map(settle_one).collect()
}

/// Items and changes, without the questions to the store about what may be there.
fn written(commits: &[Commit]) -> String {
    let is_told =
        |change: &&ItemChange| matches!(change, ItemChange::Amplified { .. } | ItemChange::Edited { .. });
    let of = |commit: &Commit| {
        format!("{:?} {:?}\n", commit.items, commit.changes.iter().filter(is_told).collect::<Vec<_>>())
    };
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
            let (mut settler, mut kept) = armed();
            format!("{:?}", run(&mut settler, &mut kept, outcomes(&batches)))
        };
        prop_assert_eq!(run_all(), run_all());
    }

    #[test]
    fn redelivered_batches_change_nothing(batches in batches(), from in 0usize..12) {
        let (mut settler, mut kept) = armed();
        run(&mut settler, &mut kept, outcomes(&batches));
        let before = kept.clone();
        let from = from.min(batches.len());
        let late = NOW + Duration::from_secs(60 * batches.len() as u64);
        let again = outcomes(&batches).into_iter().skip(from).map(|(_, outcome)| (late, outcome)).collect();
        let commits = run(&mut settler, &mut kept, again);
        prop_assert!(commits.iter().all(|commit| commit.items.is_empty() && commit.joined.is_empty()), "{:?}", commits);
        prop_assert!(commits.iter().all(|commit| commit.changes.is_empty() && commit.ledger.is_empty()), "{:?}", commits);
        prop_assert_eq!(format!("{:?}", kept.contents()), format!("{:?}", before.contents()));
    }

    #[test]
    fn a_restart_in_the_middle_makes_no_difference(batches in batches(), cut in 0usize..12) {
        let (mut settler, mut kept) = armed();
        let cut = cut.min(batches.len());
        let mut all = outcomes(&batches);
        let rest = all.split_off(cut);
        run(&mut settler, &mut kept, all);

        let mut kept_too = kept.clone();
        let now = rest.first().map_or(NOW, |(now, _)| *now);
        let mut restarted = Settler::new(parts());
        restarted.restore(&kept.recover(), now);

        let straight = run(&mut settler, &mut kept, rest);
        let again = outcomes(&batches).split_off(cut);
        let resumed = run(&mut restarted, &mut kept_too, again);
        prop_assert_eq!(written(&straight), written(&resumed));
        prop_assert_eq!(format!("{:?}", kept.contents()), format!("{:?}", kept_too.contents()));
    }
}

#[test]
fn a_switch_thrown_by_a_person_outlives_a_restart() {
    let (_, kept) = armed();
    let mut settler = Settler::new(parts());
    settler.restore(&kept.recover(), NOW + Duration::from_secs(60));
    assert!(settler.reply_status(NOW).armed);
    let lost = Recovered { reply_switch: None::<ReplySwitch>, ..kept.recover() };
    let mut settler = Settler::new(parts());
    settler.restore(&lost, NOW + Duration::from_secs(60));
    assert!(!settler.reply_status(NOW).armed);
}
