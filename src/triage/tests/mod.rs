//! Triage as a whole: what becomes of posts, reposts, deletions and cascades; the makings of all its tests.

mod edits;
mod replay;

use std::time::Duration;

use super::*;
use crate::model::flags::Flag as _;
use crate::model::{
    AboutPost, AccountRef, Author, AuthorHistory, Body, Intent, ItemId, ItemState, Lane, LedgerEntry, Match,
    Mention, NewItem, Post, PostKind, PostRef, ReplyVerdict, RuleInfo, RuleStatus, Scores, Sentiment,
    SentimentLabel, Tone,
};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const KEYS: Keyring = Keyring::FIXED;

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

fn config() -> Config {
    let reply = toml::from_str(
        r#"
        mode = "auto"
        own = ["did:us"]
        templates.t.text = "We are on it."
        "#,
    );
    Config { reply: reply.unwrap(), ..Config::default() }
}

fn uri(number: u32) -> String {
    format!("at://post/{number}")
}

fn mention(number: u32, author: u32, matched: &[u32], at: Timestamp) -> Mention {
    let post = Post {
        network: "bluesky",
        uri: uri(number),
        version: "1".into(),
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

/// What `actor` does to post `subject` with a record of its own.
fn by(subject: u32, actor: u32, record: &str, at: Timestamp) -> PostRef {
    PostRef::new("bluesky", &format!("did:{actor}"), &[record], "1", &uri(subject), at)
}

fn gone(author: u32, at: Timestamp) -> Signal {
    Signal::AccountGone(AccountRef { network: "bluesky", id: format!("did:{author}").into(), event_at: at })
}

fn post_key(number: u32) -> Key {
    KEYS.post("bluesky", &uri(number))
}

fn author_key(author: u32) -> Key {
    KEYS.author("bluesky", &format!("did:{author}"))
}

/// Of the event that made the post.
fn event_key(number: u32) -> Key {
    KEYS.event(KEYS.post("bluesky", &uri(number)), "1")
}

fn items(commit: &Commit) -> Vec<&NewItem> {
    commit.new_items().collect()
}

/// Everything but new items.
fn changes(commit: &Commit) -> Vec<&Change> {
    commit.changes.iter().filter(|change| !matches!(change, Change::New(_))).collect()
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
        refused: Vec::new(),
        rules: rules(),
        costs: Vec::new(),
    }
}

fn apply(triage: &mut Triage, signals: Vec<Signal>) -> (TriageCounts, Commit) {
    let mut commit = Commit::default();
    let counts = triage.apply(outcome(0, NOW, signals), Moment::at(NOW), &mut commit);
    (counts, commit)
}

/// What the store keeps of the item's post.
fn about(item: &NewItem) -> &AboutPost {
    item.about_post().unwrap()
}

fn rules_of(item: &NewItem) -> Vec<&str> {
    Body::decode(&item.body).unwrap().matches.iter().map(|found| found.rule).collect()
}

#[test]
fn one_item_for_each_team_in_the_order_of_the_matches() {
    let mut triage = Triage::new(config());
    let (counts, commit) = apply(&mut triage, vec![new(mention(1, 1, &[0, 1, 3], NOW))]);
    assert_eq!((counts.stored, counts.items, counts.signals()), (1, 2, 1));
    let teams: Vec<&str> = commit.new_items().map(|item| &*item.team).collect();
    assert_eq!(teams, ["support", "sales"]);
    let [support, sales] = items(&commit)[..] else { panic!() };
    assert_eq!((support.lane, sales.lane), (Lane::High, Lane::Normal));
    assert_eq!((rules_of(support), rules_of(sales)), (vec!["support", "answered"], vec!["sales"]));
    assert!(about(support).reply.is_some() && about(sales).reply.is_none());
    assert_eq!(support.id, KEYS.item(event_key(1), "support"));
    assert_eq!(support.due_at, NOW + Duration::from_secs(2 * 3_600));
    assert_eq!(commit.seen, [event_key(1)]);
    assert_eq!((commit.positions[0].1, commit.now), (Position(0), Moment::at(NOW)));
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
    let (mut triage, mut commit) = (Triage::new(config()), Commit::default());
    let outcome = BatchOutcome { rules, ..outcome(0, NOW, vec![new(both)]) };
    triage.apply(outcome, Moment::at(NOW), &mut commit);
    let of = |item: &NewItem| (Body::sentiment_of(&item.body).unwrap().score, item.factors.sentiment);
    assert_eq!(commit.new_items().map(of).collect::<Vec<_>>(), [(-0.5, 0.5), (0.75, 0.0)]);
    assert!(items(&commit)[0].score > items(&commit)[1].score);
    assert_eq!(triage.memory.authors.get(author_key(1)).unwrap().last_sentiment, Some(0.75));
}

#[test]
fn what_the_stream_says_of_an_author_counts_for_new_items_and_edited_ones_with_matches_or_without() {
    let said = |matched: &[u32], influence, version: u32| {
        let mut mention = mention(1, 1, matched, NOW);
        mention.scores.influence = influence;
        (mention.is_update, mention.post.version) = (version > 1, version.to_string());
        mention
    };
    let mut triage = Triage::new(config());
    let (_, commit) = apply(&mut triage, vec![new(said(&[0], 0.5, 1))]);
    assert_eq!(items(&commit)[0].factors.influence, 0.5);
    // A restart begins with nobody: what was known when the post came stands.
    let edits = [(&[0][..], 0.0, 0.5), (&[0], 0.75, 0.75), (&[], 0.0, 0.75), (&[], 1.0, 1.0)];
    for (version, (matched, known, influence)) in (2..).zip(edits) {
        let mention = Box::new(said(matched, known, version));
        let signal = if matched.is_empty() { Signal::Unmatched(mention) } else { Signal::Mention(mention) };
        let (_, commit) = apply(&mut triage, vec![signal]);
        let Some(Change::Edited { factors, .. }) = commit.changes.last() else { panic!("{commit:?}") };
        assert_eq!(factors.influence, influence);
    }
}

#[test]
fn the_gate_is_told_the_tone_of_the_post() {
    let found = |tones: &[Tone]| {
        let mut post = mention(1, 1, &[3], NOW);
        post.scores.tones = tones.iter().copied().collect();
        let (_, commit) = apply(&mut Triage::new(config()), vec![new(post)]);
        let trace = &about(items(&commit)[0]).reply.as_ref().unwrap().trace;
        trace.iter().find(|line| line.starts_with("tone:")).unwrap().clone()
    };
    assert_eq!(found(&[]), "tone:ok");
    for tone in Tone::ALL {
        assert_ne!(found(&[*tone]), "tone:ok", "{tone:?}");
    }
}

#[test]
fn a_post_that_only_shadow_rules_matched_is_counted_and_not_stored() {
    let mut triage = Triage::new(config());
    let (counts, commit) =
        apply(&mut triage, vec![new(mention(1, 1, &[2], NOW)), new(mention(2, 1, &[2, 0], NOW))]);
    assert_eq!((counts.shadow, counts.stored, items(&commit).len()), (1, 1, 1));
    assert_eq!(rules_of(items(&commit)[0]), ["support"]);
}

#[test]
fn reposts_and_quotes_of_a_known_post_join_it_and_others_are_unknown() {
    let mut triage = Triage::new(config());
    let signals = vec![
        new(mention(1, 1, &[0], NOW)),
        Signal::Repost(by(1, 2, "repost", NOW)),
        Signal::Quote(by(1, 3, &uri(7), NOW)),
        new(quoting(mention(8, 4, &[0], NOW), 7)),
        Signal::Repost(by(8, 4, "repost of the quote of the quote", NOW)),
        Signal::Repost(by(99, 5, "other", NOW)),
        Signal::Repost(by(1, 2, "repost", NOW)),
    ];
    let (counts, commit) = apply(&mut triage, signals);
    assert_eq!((counts.joined, counts.unknown, counts.duplicate, counts.items), (4, 1, 1, 1));
    let [&Change::Amplified { size, authors, amplification, announce, .. }] = changes(&commit)[..] else {
        panic!("{:?}", commit.changes)
    };
    assert_eq!((size, authors, announce), (5, 4, false));
    assert!(amplification > 0.1);
}

#[test]
fn only_a_lane_crossing_is_announced_and_only_once() {
    let mut triage = Triage::new(config());
    apply(&mut triage, vec![new(mention(1, 1, &[0], NOW))]);
    let mut announced = Vec::new();
    for batch in 0..40 {
        let reposts =
            (0..50).map(|n| Signal::Repost(by(1, 1_000 + batch * 50 + n, &format!("{batch}/{n}"), NOW)));
        let (_, commit) = apply(&mut triage, reposts.collect());
        let [&Change::Amplified { lane, announce, size, .. }] = changes(&commit)[..] else { panic!() };
        if announce {
            announced.push((size, lane));
        }
    }
    assert_eq!(announced.len(), 1, "{announced:?}");
    assert_eq!(announced[0].1, Lane::High);
}

#[test]
fn a_deletion_withdraws_what_is_known_and_asks_the_store_after_a_restart() {
    let mut triage = Triage::new(config());
    let delete = |post| Signal::Delete(by(post, 1, &uri(post), NOW));
    apply(&mut triage, vec![new(mention(1, 1, &[0], NOW))]);
    let (counts, commit) = apply(&mut triage, vec![delete(1), delete(1), delete(2)]);
    assert_eq!((counts.withdrawn, counts.unknown), (1, 2));
    let [Change::PostGone(gone)] = &commit.changes[..] else { panic!("{:?}", commit.changes) };
    assert_eq!((&*gone.uri, gone.post, gone.cluster), (&*uri(1), post_key(1), Some(event_key(1))));
    let (counts, _) = apply(&mut triage, vec![Signal::Repost(by(1, 9, "late", NOW))]);
    assert_eq!(counts.unknown, 1);

    let recovered = Recovered { positions: vec![("jetstream".into(), Position(1))], ..Recovered::default() };
    triage.restore(&recovered, Moment::at(NOW));
    let (counts, commit) = apply(&mut triage, vec![delete(2)]);
    assert_eq!((counts.unknown, commit.changes.len()), (1, 1));
}

#[test]
fn an_account_that_is_gone_withdraws_its_items_and_stops_its_clusters() {
    let mut triage = Triage::new(config());
    let gone = |author| gone(author, NOW);
    let signals =
        vec![new(mention(1, 1, &[0], NOW)), gone(1), gone(1), gone(2), Signal::Repost(by(1, 3, "r", NOW))];
    let (counts, commit) = apply(&mut triage, signals);
    assert_eq!((counts.withdrawn, counts.duplicate, counts.unknown), (1, 1, 2));
    let [Change::AuthorGone { id, author, .. }] = changes(&commit)[..] else {
        panic!("{:?}", commit.changes)
    };
    assert_eq!((&**id, *author), ("did:1", author_key(1)));
    let (_, commit) = apply(&mut triage, vec![new(mention(2, 1, &[0], NOW))]);
    assert_eq!(
        (about(items(&commit)[0]).history.mentions, about(items(&commit)[0]).history.open_items),
        (1, 0)
    );
}

#[test]
fn the_item_carries_what_was_known_of_the_author() {
    let mut triage = Triage::new(config());
    let (_, commit) =
        apply(&mut triage, vec![new(mention(1, 1, &[0, 1], NOW)), new(mention(2, 1, &[0], NOW))]);
    assert_eq!(about(items(&commit)[0]).history, AuthorHistory::default());
    let history =
        AuthorHistory { mentions: 1, open_items: 2, last_sentiment: Some(-0.5), first_seen: Some(NOW) };
    assert_eq!(about(items(&commit)[2]).history, history);
    triage.record_resolved("bluesky", "did:1");
    let (_, commit) = apply(&mut triage, vec![new(mention(3, 1, &[0], NOW))]);
    assert_eq!(about(items(&commit)[0]).history.open_items, 2);
}

#[test]
fn our_lag_keeps_replies_back_and_never_items() {
    let mut triage = Triage::new(config());
    triage.arm_replies("ann", "", Moment::at(NOW), &mut Commit::default());
    let mut late = mention(1, 1, &[3], NOW - Duration::from_secs(400));
    late.post.mentions = vec!["did:us".into()];
    let (_, commit) = apply(&mut triage, vec![new(late)]);
    let reply = about(items(&commit)[0]).reply.as_ref().unwrap();
    assert!(reply.trace.contains(&"stale:we are behind".to_owned()), "{:?}", reply.trace);
    assert_eq!(reply.guard.as_deref(), Some("stale"));
}

#[test]
fn the_switch_and_a_stop_message_go_into_the_commit() {
    let mut triage = Triage::new(config());
    let mut commit = Commit::default();
    triage.arm_replies("ann", "tested", Moment::at(NOW), &mut commit);
    assert!(commit.reply_switch.take().unwrap().armed);
    let mut wish = mention(1, 1, &[2], NOW);
    (wish.post.text, wish.post.mentions) = ("@acme stop".into(), vec!["did:us".into()]);
    let (_, commit) = apply(&mut triage, vec![new(wish.clone()), new(wish)]);
    assert_eq!(commit.ledger.len(), 1);
    assert_eq!(commit.ledger[0].guard.as_deref(), Some(crate::reply::OPT_OUT));
    let mut commit = Commit::default();
    let leapt = Moment { wall: NOW + Duration::from_secs(3_600), ..Moment::at(NOW) };
    triage.tick(leapt, &mut commit);
    assert!(!commit.reply_switch.unwrap().armed);
    assert!(!triage.reply_status(Moment::at(NOW)).armed);
}

/// The post as its author makes it anew under the same URI.
fn again(number: u32, text: &str) -> Signal {
    let mut mention = mention(number, 1, &[0], NOW);
    (mention.post.version, mention.post.text) = ("3".into(), text.into());
    new(mention)
}

fn deletion(number: u32) -> Signal {
    Signal::Delete(PostRef::new("bluesky", "did:1", &[&uri(number)], "2", &uri(number), NOW))
}

#[test]
fn a_post_that_was_deleted_and_made_again_is_new_work_however_often_it_is_read() {
    let mut triage = Triage::new(config());
    let (_, first) = apply(&mut triage, vec![new(mention(1, 1, &[0], NOW))]);
    let (counts, second) = apply(&mut triage, vec![deletion(1), again(1, "acme is on fire")]);
    assert_eq!((counts.withdrawn, counts.stored), (1, 1));
    let [Change::PostGone(gone), Change::New(item)] = &second.changes[..] else { panic!("{second:?}") };
    assert_eq!(gone.cluster, Some(event_key(1)));
    assert!(about(item).cluster != event_key(1) && item.id != items(&first)[0].id);
    let signals = vec![new(mention(1, 1, &[0], NOW)), deletion(1), again(1, "acme is on fire")];
    let (counts, third) = apply(&mut triage, signals);
    assert_eq!((counts.duplicate, third.changes.len()), (3, 0), "all of it was read before");
}

#[test]
fn a_deletion_that_only_the_store_knew_of_is_not_taken_twice() {
    let mut triage = Triage::new(config());
    let recovered = Recovered { positions: vec![("jetstream".into(), Position(1))], ..Recovered::default() };
    triage.restore(&recovered, Moment::at(NOW));
    let (_, commit) = apply(&mut triage, vec![deletion(1)]);
    let [Change::PostGone(gone)] = &commit.changes[..] else { panic!("{commit:?}") };
    assert!(commit.seen.is_empty() && gone.cluster.is_none());
    triage.remember_deletions(&[gone.event], Moment::at(NOW));
    apply(&mut triage, vec![again(1, "acme is on fire")]);
    let (counts, commit) = apply(&mut triage, vec![deletion(1), again(1, "acme is on fire")]);
    assert_eq!((counts.duplicate, commit.changes.len()), (2, 0), "what was made again stays");
}

/// The bank of July 2013: one post, 5,000 reposts, 800 mocking replies that mention the account, within an hour.
#[test]
fn the_cascade_at_the_bank_makes_one_item_and_few_replies() {
    let mut triage = Triage::new(config());
    triage.arm_replies("ann", "", Moment::at(NOW), &mut Commit::default());
    let addressed = |number, author, at| {
        let mut mention = mention(number, author, &[3], at);
        mention.post.mentions = vec!["did:us".into()];
        mention
    };
    let mut allowed: Vec<LedgerEntry> = Vec::new();
    let (mut counts, mut all) = (TriageCounts::default(), Commit::default());
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
            signals.push(Signal::Repost(by(1, actor, &format!("repost {repost}"), now)));
        }
        for reply in (second * 800 / 3_600)..((second + 1) * 800 / 3_600) {
            let mut mocking = addressed(100 + reply, 10_000 + reply % 700, now);
            (mocking.post.kind, mocking.post.root, mocking.post.parent) =
                (PostKind::Reply, Some(uri(1)), Some(uri(1)));
            signals.push(new(mocking));
        }
        let mut commit = Commit::default();
        let settled = triage.apply(outcome(second.into(), now, signals), Moment::at(now), &mut commit);
        counts.joined += settled.joined;
        allowed.extend(commit.ledger.into_iter().filter(|entry| entry.verdict == ReplyVerdict::Allow));
        all.changes.extend(commit.changes);
    }
    assert_eq!((counts.joined, items(&all).len()), (5_000, 801));
    assert_eq!(all.new_items().filter(|item| about(item).cluster == event_key(1)).count(), 1);
    let Some(Change::Amplified { size, authors, amplification, lane, .. }) = changes(&all).last() else {
        panic!()
    };
    // 5,000 reposts by about 2,850 different accounts out of 4,000.
    assert_eq!(*size, 5_001);
    assert!((2_400..3_300).contains(authors) && *amplification > 0.8 && *lane >= Lane::High, "{authors}");
    // Guard 9 alone gives 10 an hour. Guards 6 to 8 (conversation, thread authors, same text) will make it 1.
    assert!((1..=10).contains(&allowed.len()), "{}", allowed.len());
}
