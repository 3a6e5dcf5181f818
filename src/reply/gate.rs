//! The gate itself: asks every guard, decides, charges, and writes the ledger.
//!
//! All guards are asked, whatever the first says, so that the trace is full. When any suppresses, the decision is to
//! suppress and the first that does is the reason; else, when any holds, to hold. Only an allowed reply is charged,
//! and charging reads the ledger entry and nothing else, so that a replay of the ledger gives the same state.

use std::time::Duration;

use super::accounts::Accounts;
use super::config::Config;
use super::guards;
use super::guards::{Finding, Guards};
use super::ledger::{self, OPT_OUT};
use super::question::Question;
use crate::model::{
    Key, LedgerEntry, Moment, Post, Recovered, ReplyCounts, ReplyDecision, ReplyStatus, ReplySwitch,
    ReplyVerdict,
};

/// The gate. One owner; its state is the ledger's.
#[derive(Debug)]
pub struct Gate {
    accounts: Accounts,
    guards: Guards,
    /// Decisions by [`ReplyVerdict`] and by guard (its place in the table; the last is none).
    decisions: [[u64; guards::COUNT + 1]; 3],
    switch_moved: Option<ReplySwitch>,
    /// The ledger has entries from before keys were secret.
    has_unkeyed: bool,
}

impl Gate {
    /// A gate without history, disarmed.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            accounts: Accounts::new(&config.own, &config.siblings),
            guards: Guards::new(config),
            decisions: Default::default(),
            switch_moved: None,
            has_unkeyed: false,
        }
    }

    /// Takes up the ledger and the switch. Armed only when the switch says so, the ledger is whole, and the clock
    /// goes on from where it was.
    pub fn restore(&mut self, recovered: &Recovered, now: Moment) {
        for entry in &recovered.ledger {
            self.has_unkeyed |= entry.author.is_unkeyed() || entry.post.is_unkeyed();
            self.record(entry);
        }
        self.switch_moved = self.guards.switch.restore(recovered, now).cloned();
    }

    /// Watches the clock and tidies up; to be called at least once a minute, also when nothing arrives.
    pub fn tick(&mut self, now: Moment) {
        if let Some(moved) = self.guards.switch.watch(now) {
            self.switch_moved = Some(moved.clone());
        }
        if self.guards.switch.is_armed() {
            self.guards.tidy(now);
        }
    }

    /// True when `post`, found for `brand`, asks us not to answer its author.
    #[must_use]
    pub fn is_opt_out(&self, post: &Post, brand: &str) -> bool {
        self.accounts.is_addressed(post)
            && self.guards.never_answer.is_opt_out(&post.text, brand, &self.accounts)
    }

    /// Notes an author's wish not to be answered; the entry must be stored. `None` when that is known.
    pub fn opt_out(&mut self, question: &Question<'_>, now: Moment) -> Option<LedgerEntry> {
        if !self.guards.never_answer.opt_out(question.author_key) {
            return None;
        }
        Some(ledger::entry(question, ReplyVerdict::Suppress, Some(OPT_OUT), now))
    }

    /// What stands in the ledger under a key without a secret counts for every post and author that has it.
    fn inherit_unkeyed(&mut self, question: &Question<'_>) {
        if self.has_unkeyed {
            let post = (Key::unkeyed(&question.post.uri), question.post_key);
            let author = (Key::unkeyed(&question.post.author.id), question.author_key);
            self.guards.in_order_mut().into_iter().for_each(|guard| guard.inherit(post, author));
        }
    }

    /// Decides. `None` when the rule asks for no reply. The entry must be stored before anything is released.
    pub fn decide(&mut self, question: &Question<'_>, now: Moment) -> Option<(ReplyDecision, LedgerEntry)> {
        let template = question.rule.reply.clone()?;
        self.inherit_unkeyed(question);
        let ask = guards::Ask {
            question,
            is_house: self.accounts.is_house(&question.post.author),
            is_addressed: self.accounts.is_addressed(question.post),
            now,
        };
        let findings = self.guards.in_order().map(|guard| (guard.name(), guard.check(&ask)));
        let (decision, place) = judge(&findings);
        let guard = (place < guards::COUNT).then(|| findings[place].0);
        let entry = ledger::entry(question, decision, guard, now);
        self.record(&entry);
        self.decisions[decision as usize][place] += 1;
        let trace = findings.iter().map(|(name, finding)| [name, ":", finding.as_str()].concat()).collect();
        let expires_at = (decision == ReplyVerdict::Allow).then(|| self.guards.stale.expiry(question.post));
        let guard = guard.map(str::to_owned);
        Some((ReplyDecision { decision, template, guard, trace, expires_at, revoked: None }, entry))
    }

    /// Lets replies out.
    pub fn arm(&mut self, by: &str, reason: &str, now: Moment) {
        self.switch_moved = Some(self.guards.switch.arm(by, reason, now).clone());
    }

    /// Stops all replies. Always works.
    pub fn disarm(&mut self, by: &str, reason: &str, now: Moment) {
        self.switch_moved = Some(self.guards.switch.disarm(by, reason, now).clone());
    }

    /// The switch's new state, once, when it was moved since the last call; it must be stored.
    pub const fn take_moved_switch(&mut self) -> Option<ReplySwitch> {
        self.switch_moved.take()
    }

    /// The switch and recent counts.
    #[must_use]
    pub fn status(&self, now: Moment) -> ReplyStatus {
        let moved = self.guards.switch.moved();
        let [allowed, held, suppressed] = self.decisions.map(|by_guard| by_guard.iter().sum());
        ReplyStatus {
            armed: self.guards.switch.is_armed(),
            switched_by: moved.map(|switch| switch.by.clone()),
            switched_reason: moved.map(|switch| switch.reason.clone()),
            switched_at: moved.map(|switch| switch.at),
            allowed_last_hour: self.guards.global.allowed_since(now.steady - Duration::from_secs(3600))
                as u64,
            decisions: ReplyCounts { allowed, held, suppressed },
        }
    }

    /// Decisions since the start, for the metric: outcome, guard (`none` for allow), count.
    pub fn decisions(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let names = self.guards.in_order().map(|guard| guard.name());
        let outcomes = ["allow", "hold", "suppress"].into_iter().zip(&self.decisions);
        outcomes.flat_map(move |(outcome, by_guard)| {
            let guards = names.into_iter().chain(["none"]);
            guards.zip(by_guard).map(move |(guard, &count)| (outcome, guard, count))
        })
    }

    fn record(&mut self, entry: &LedgerEntry) {
        if entry.verdict == ReplyVerdict::Allow {
            self.guards.in_order_mut().into_iter().for_each(|guard| guard.charge(entry));
        } else if entry.guard.as_deref() == Some(OPT_OUT) {
            self.guards.never_answer.opt_out(entry.author);
        }
    }
}

/// The verdict, and the place of the guard that is its reason.
fn judge(findings: &[(&str, Finding); guards::COUNT]) -> (ReplyVerdict, usize) {
    let first = |wanted: fn(&Finding) -> bool| findings.iter().position(|(_, finding)| wanted(finding));
    if let Some(place) = first(|finding| matches!(finding, Finding::Suppress(_))) {
        (ReplyVerdict::Suppress, place)
    } else if let Some(place) = first(|finding| matches!(finding, Finding::Hold(_))) {
        (ReplyVerdict::Hold, place)
    } else {
        (ReplyVerdict::Allow, guards::COUNT)
    }
}

#[cfg(test)]
mod tests;
