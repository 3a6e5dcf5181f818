//! Whether a machine may answer: asks the gate, and hears authors who want to be left alone.

use super::case::{Case, KeyedMention, Stage, Step};
use super::memory::Memory;
use crate::model::{Commit, Moment, Recovered, RuleInfo};
use crate::reply::{Config, Gate, Question};

/// Owns the gate.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) gate: Gate,
}

impl Reply {
    pub(super) fn new(config: &Config) -> Self {
        Self { gate: Gate::new(config) }
    }

    /// Lets the gate watch the clock.
    pub(super) fn tick(&mut self, now: Moment) {
        self.gate.tick(now);
    }

    /// Puts the switch into the commit when it was thrown.
    pub(super) fn save_switch(&mut self, commit: &mut Commit) {
        if let Some(moved) = self.gate.take_moved_switch() {
            commit.reply_switch = Some(moved);
        }
    }
}

impl Stage for Reply {
    fn restore(&mut self, recovered: &Recovered, now: Moment, _memory: &mut Memory) {
        self.gate.restore(recovered, now);
    }

    /// A wish to be left alone counts in whatever post it stands, also in one that makes no work.
    fn observe(&mut self, case: &mut Case<'_>) {
        let Some(keyed) = case.mention else { return };
        let (mention, context) = (keyed.mention, case.context);
        let first = mention.matches.first().and_then(|found| context.rules.get(found.rule as usize));
        if let Some(rule) = first
            && self.gate.is_opt_out(&mention.post, &rule.brand)
        {
            case.commit.ledger.extend(self.gate.opt_out(&question(keyed, rule), context.now));
        }
    }

    /// Asks for the first rule of each new item that wants a reply. Two teams may each ask about one post; the guard
    /// `once` sees to it that one is answered at most.
    fn apply(&mut self, case: &mut Case<'_>) -> Step {
        let Some(keyed) = case.mention else { return Step::Next };
        let (rules, now) = (case.context.rules, case.context.now);
        for draft in case.drafts.iter_mut().filter(|draft| !draft.is_known) {
            let rule = draft.rules(rules).find(|rule| rule.reply.is_some());
            let decided = rule.and_then(|rule| self.gate.decide(&question(keyed, rule), now));
            if let Some((decision, entry)) = decided {
                draft.reply = Some(decision);
                case.commit.ledger.push(entry);
            }
        }
        Step::Next
    }
}

fn question<'a>(keyed: KeyedMention<'a>, rule: &'a RuleInfo) -> Question<'a> {
    let KeyedMention { mention, post, author, context, .. } = keyed;
    Question {
        post: &mention.post,
        post_key: post,
        author_key: author,
        conversation_key: context.keys.post(mention.post.network, mention.post.conversation()),
        is_edit: mention.is_update,
        rule,
        lag: context.lag,
        tones: mention.scores.tones,
    }
}
