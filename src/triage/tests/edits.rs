//! Edits of posts, seen by the teams that have them.

use super::*;

#[test]
fn an_edit_rewrites_the_item_and_adds_teams_it_now_concerns() {
    let mut triage = Triage::new(config());
    apply(&mut triage, vec![new(mention(1, 1, &[0], NOW)), Signal::Repost(by(1, 2, "r", NOW))]);
    let mut edit = mention(1, 1, &[0, 1], NOW);
    (edit.is_update, edit.post.text, edit.scores.urgency) = (true, "acme is on fire".into(), 1.0);
    edit.post.version = "2".into();
    let (counts, commit) = apply(&mut triage, vec![new(edit.clone())]);
    assert_eq!((counts.stored, counts.items), (1, 1));
    let [Change::Edited { body, lane, factors, .. }, Change::Amplified { size, .. }] = changes(&commit)[..]
    else {
        panic!("{:?}", commit.changes)
    };
    assert_eq!(Body::decode(body).unwrap().post.text, "acme is on fire");
    assert!(*lane == Lane::Critical && factors.amplification > 0.0 && *size == 2);
    assert_eq!(&*items(&commit)[0].team, "sales");
    let (counts, commit) = apply(&mut triage, vec![new(edit)]);
    assert_eq!((counts.duplicate, commit.changes.len()), (1, 0));
}

/// The bodies that `commit` rewrites, each with its floor.
fn rewritten(commit: &Commit) -> Vec<(Body<'_>, Lane)> {
    fn edited(change: &Change) -> (Body<'_>, Lane) {
        match change {
            Change::Edited { body, factors, .. } => (Body::decode(body).unwrap(), factors.floor),
            other => panic!("{other:?}"),
        }
    }
    commit.changes.iter().map(edited).collect()
}

fn edit(number: u32, text: &str, matched: &[u32]) -> Signal {
    let mut mention = mention(number, 1, matched, NOW);
    (mention.is_update, mention.post.text) = (true, text.to_owned());
    // As of a network that does not number versions.
    mention.post.version.clear();
    if matched.is_empty() { Signal::Unmatched(Box::new(mention)) } else { new(mention) }
}

#[test]
fn an_edit_that_no_rule_matches_any_more_leaves_the_item_open_with_the_text_that_stands_there_now() {
    let mut triage = Triage::new(config());
    apply(&mut triage, vec![new(mention(1, 1, &[1, 3], NOW))]);
    for (text, matched) in [("never mind", &[][..]), ("only a shadow", &[2])] {
        let (counts, commit) = apply(&mut triage, vec![edit(1, text, matched)]);
        assert_eq!((counts.stored, counts.items, items(&commit).len()), (1, 0, 0));
        let rewritten = rewritten(&commit);
        assert_eq!(rewritten.iter().map(|(_, floor)| *floor).collect::<Vec<_>>(), [Lane::Normal, Lane::High]);
        for (body, _) in rewritten {
            assert_eq!((body.post.text, body.matches.len()), (text, 0));
        }
        let (counts, commit) = apply(&mut triage, vec![edit(1, text, matched)]);
        assert_eq!((counts.duplicate, commit.changes.len()), (1, 0));
    }
    let (_, commit) = apply(&mut triage, vec![edit(1, "sales alone", &[1])]);
    let matches: Vec<usize> = rewritten(&commit).iter().map(|(body, _)| body.matches.len()).collect();
    assert_eq!(matches, [1, 0], "the team that the post no longer concerns sees it too");
}

#[test]
fn an_edit_without_matches_of_an_unknown_post_changes_nothing_also_when_it_comes_again_late() {
    let mut triage = Triage::new(config());
    let (counts, commit) = apply(&mut triage, vec![edit(1, "nothing", &[]), edit(2, "hidden", &[2])]);
    assert_eq!((counts.unknown, counts.shadow, counts.signals()), (1, 1, 2));
    assert!(commit.changes.is_empty());
    apply(&mut triage, vec![edit(1, "acme is down", &[0])]);
    let (counts, commit) = apply(&mut triage, vec![edit(1, "nothing", &[])]);
    assert_eq!((counts.duplicate, commit.changes.len()), (1, 0));
}

#[test]
fn an_edited_quote_without_matches_joins_what_it_quotes() {
    let mut triage = Triage::new(config());
    apply(&mut triage, vec![new(mention(1, 1, &[0], NOW))]);
    let Signal::Unmatched(quote) = edit(2, "look at that", &[]) else { panic!() };
    let quote = Signal::Unmatched(Box::new(quoting(*quote, 1)));
    let (counts, _) = apply(&mut triage, vec![quote]);
    assert_eq!(counts.joined, 1);
}

#[test]
fn an_edit_that_matches_for_the_first_time_makes_an_item_without_a_reply() {
    let mut triage = Triage::new(config());
    triage.arm_replies("ann", "", Moment::at(NOW), &mut Commit::default());
    let mut edit = mention(1, 1, &[3], NOW);
    (edit.is_update, edit.post.mentions) = (true, vec!["did:us".into()]);
    let (counts, commit) = apply(&mut triage, vec![new(edit)]);
    assert_eq!((counts.stored, counts.items), (1, 1));
    let reply = about(items(&commit)[0]).reply.as_ref().unwrap();
    assert_eq!((reply.decision, reply.guard.as_deref()), (ReplyVerdict::Suppress, Some("never_answer")));
}
