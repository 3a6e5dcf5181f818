//! Settling as a whole: what becomes of posts, reposts, deletions and cascades; the makings of all its tests.

mod edits;
mod replay;

use std::time::Duration;

use super::*;
use crate::model::flags::Flag as _;
use crate::model::{
    Author, AuthorHistory, Body, Intent, Lane, LedgerEntry, Match, NewItem, Post, PostKind, ReplyVerdict,
    RuleInfo, RuleStatus, Scores, Sentiment, SentimentLabel, Tone,
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
    Mention { post, is_update: false, matches, scores, aspects: Default::default(), lang: "en".into() }
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
        engagements: Default::default(),
        rules: rules(),
        costs: Vec::new(),
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
fn an_item_has_the_sentiment_towards_its_brand_and_its_author_that_of_the_newest() {
    let rules: Arc<[RuleInfo]> = rules()
        .iter()
        .map(|rule| RuleInfo {
            brand: if &*rule.team == "sales" { "zenith" } else { "acme" }.into(),
            ..rule.clone()
        })
        .collect();
    let glad = Sentiment { score: 0.75, label: SentimentLabel::Positive, confidence: 1.0 };
    let mut both = mention(1, 1, &[0, 1], NOW);
    both.aspects.0.push(("zenith".into(), glad));
    let context = Context { rules: &rules, received_at: NOW, lag: Duration::ZERO, now: NOW };
    let mut settler = Settler::new(parts());
    let mut commit = Commit::default();
    let subject = Subject { mention: &both, post: both.post.key(), author: 1, influence: 0.0, context };
    settler.create(subject, &mut commit);
    let of = |item: &NewItem| (Body::sentiment_of(&item.body).unwrap().score, item.factors.sentiment);
    assert_eq!(commit.items.iter().map(of).collect::<Vec<_>>(), [(-0.5, 0.5), (0.75, 0.0)]);
    assert!(commit.items[0].score > commit.items[1].score);
    assert_eq!(settler.authors.get(1).unwrap().last_sentiment, Some(0.75));
}

#[test]
fn what_the_stream_says_of_an_author_counts_for_new_items_and_edited_ones_with_matches_or_without() {
    let (post, unmatched, rules) = (mention(1, 1, &[0], NOW), mention(1, 1, &[], NOW), rules());
    let context = Context { rules: &rules, received_at: NOW, lag: Duration::ZERO, now: NOW };
    let subject =
        |mention, influence| Subject { mention, post: post.post.key(), author: 1, influence, context };
    let (mut settler, mut commit) = (Settler::new(parts()), Commit::default());
    settler.create(subject(&post, 0.5), &mut commit);
    assert_eq!(commit.items[0].factors.influence, 0.5);
    // A restart begins with nobody: what was known when the post came stands.
    for (edited, known, influence) in
        [(&post, 0.0, 0.5), (&post, 0.75, 0.75), (&unmatched, 0.0, 0.75), (&unmatched, 1.0, 1.0)]
    {
        settler.rewrite(subject(edited, known), &mut commit);
        let Some(ItemChange::Edited { factors, .. }) = commit.changes.last() else { panic!("{commit:?}") };
        assert_eq!(factors.influence, influence);
    }
}

#[test]
fn the_gate_is_told_the_tone_of_the_post() {
    let found = |tones: &[Tone]| {
        let mut post = mention(1, 1, &[3], NOW);
        post.scores.tones = tones.iter().copied().collect();
        let (_, commit) = settle(&mut Settler::new(parts()), vec![new(post)]);
        let trace = &commit.items[0].reply.as_ref().unwrap().trace;
        trace.iter().find(|line| line.starts_with("tone:")).unwrap().clone()
    };
    assert_eq!(found(&[]), "tone:ok");
    for tone in Tone::ALL {
        assert_ne!(found(&[*tone]), "tone:ok", "{tone:?}");
    }
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
