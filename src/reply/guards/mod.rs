//! The guards, one file each, in the order of the table in SAFETY.md. A closed list: adding one is a file here, a
//! field and its place in the two lists below. A guard looks at the question and at its own memory, nothing else.

pub mod account;
pub mod author;
pub mod consent;
pub mod global;
pub mod mode;
pub mod never_answer;
pub mod once;
pub mod opt_out;
pub mod rule;
pub mod stale;
pub mod switch;
pub mod tone;

use std::borrow::Cow;

use super::{Config, Question};
use crate::model::{Key, LedgerEntry, Moment};

/// Guards in the list.
pub(super) const COUNT: usize = 11;

/// The question as the guards see it.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) question: &'a Question<'a>,
    /// The author is one of our accounts, or of the house.
    pub(super) is_house: bool,
    /// The post mentions or answers one of our accounts.
    pub(super) is_addressed: bool,
    pub(super) now: Moment,
}

/// What one guard says; shown in the trace as `ok` or the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Ok,
    Hold(Cow<'static, str>),
    Suppress(Cow<'static, str>),
}

impl Finding {
    const fn suppress(reason: &'static str) -> Self {
        Self::Suppress(Cow::Borrowed(reason))
    }

    /// As in the trace.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Ok => "ok",
            Self::Hold(reason) | Self::Suppress(reason) => reason,
        }
    }

    /// Suppresses when there is a reason to.
    fn unless(reason: Option<Cow<'static, str>>) -> Self {
        reason.map_or(Self::Ok, Self::Suppress)
    }
}

/// One guard.
pub(super) trait Guard {
    /// As in traces, metrics and the ledger.
    fn name(&self) -> &'static str;

    /// Passes or refuses; changes nothing.
    fn check(&self, ask: &Ask<'_>) -> Finding;

    /// Takes an allowed reply into account, when decided and again when the ledger is replayed.
    fn charge(&mut self, _allowed: &LedgerEntry) {}

    /// Counts what it has under the first key of a post and of its author for the second as well. The first keeps it:
    /// other identities may have that key, too. May be called again with the same keys, to no further effect.
    fn inherit(&mut self, _post: (Key, Key), _author: (Key, Key)) {}

    /// Forgets what can no longer refuse anything. Called now and then while armed.
    fn tidy(&mut self, _now: Moment) {}
}

#[derive(Debug)]
pub(super) struct Guards {
    mode: mode::Mode,
    consent: consent::Consent,
    pub(super) never_answer: never_answer::NeverAnswer,
    once: once::Once,
    author: author::PerAuthor,
    rule: rule::PerRule,
    account: account::PerAccount,
    pub(super) global: global::Global,
    tone: tone::OfTone,
    pub(super) stale: stale::Stale,
    pub(super) switch: switch::Switch,
}

impl Guards {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            mode: mode::Mode::new(config),
            consent: consent::Consent::new(&config.consent),
            never_answer: never_answer::NeverAnswer::new(&config.never_answer),
            once: once::Once::new(&config.once),
            author: author::PerAuthor::new(&config.per_author),
            rule: rule::PerRule::new(&config.per_rule),
            account: account::PerAccount::new(&config.per_account),
            global: global::Global::new(&config.global),
            tone: tone::OfTone::new(&config.tone),
            stale: stale::Stale::new(&config.stale),
            switch: switch::Switch::new(&config.switch),
        }
    }

    pub(super) fn in_order(&self) -> [&dyn Guard; COUNT] {
        [
            &self.mode,
            &self.consent,
            &self.never_answer,
            &self.once,
            &self.author,
            // 6 conversation, 7 thread authors, 8 same text
            &self.rule,
            &self.account,
            &self.global,
            &self.tone,
            // 13 crisis
            &self.stale,
            // 15 content is the template's type; 16 breaker, 17 ping-pong
            &self.switch,
            // 19 quiet hours
        ]
    }

    pub(super) fn in_order_mut(&mut self) -> [&mut dyn Guard; COUNT] {
        [
            &mut self.mode,
            &mut self.consent,
            &mut self.never_answer,
            &mut self.once,
            &mut self.author,
            &mut self.rule,
            &mut self.account,
            &mut self.global,
            &mut self.tone,
            &mut self.stale,
            &mut self.switch,
        ]
    }

    pub(super) fn tidy(&mut self, now: Moment) {
        self.in_order_mut().into_iter().for_each(|guard| guard.tidy(now));
    }
}

fn expect_burst(place: &str, count: u32, burst: u32, errors: &mut Vec<String>) {
    if burst == 0 || burst > count {
        errors.push(format!("{place}.burst is {burst}; it must be from 1 to the count, {count}"));
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! A question that every guard would pass, to spoil in one respect.

    use std::time::Duration;

    use super::*;
    use crate::model::{Lane, Post, ReplyVerdict, RuleInfo, RuleStatus, Timestamp, Tones};

    pub(in crate::reply) const NOW: Moment = Moment::at(Timestamp::from_micros(1_700_000_000_000_000));

    pub(in crate::reply) fn rule() -> RuleInfo {
        RuleInfo {
            id: "r".into(),
            brand: "acme".into(),
            team: "support".into(),
            floor: Lane::Normal,
            status: RuleStatus::Live,
            reply: Some("t".into()),
        }
    }

    pub(in crate::reply) fn post() -> Post {
        Post { network: "bluesky", uri: "at://x/1".into(), event_at: NOW.wall, ..Post::default() }
    }

    /// Checks `guard` with the post, at `now`, changed by `spoil`.
    pub(in crate::reply) fn check(
        guard: &dyn Guard,
        post: &Post,
        now: Moment,
        spoil: impl FnOnce(&mut Question<'_>, &mut bool, &mut bool),
    ) -> Finding {
        let rule = rule();
        let (mut is_house, mut is_addressed) = (false, true);
        let mut question = Question {
            post,
            post_key: Key(1),
            author_key: Key(2),
            conversation_key: Key(1),
            is_edit: false,
            rule: &rule,
            lag: Duration::ZERO,
            tones: Tones::NONE,
        };
        spoil(&mut question, &mut is_house, &mut is_addressed);
        guard.check(&Ask { question: &question, is_house, is_addressed, now })
    }

    pub(in crate::reply) fn allowed(post: u64, author: u64, at: Moment) -> LedgerEntry {
        LedgerEntry {
            post: Key(post.into()),
            author: Key(author.into()),
            conversation: Key(post.into()),
            rule: "r".into(),
            account: "bluesky".into(),
            verdict: ReplyVerdict::Allow,
            guard: None,
            at,
        }
    }
}
