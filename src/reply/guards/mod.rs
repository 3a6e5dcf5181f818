//! The guards, one file each, in the order in which they are asked. A closed list: adding one is a file here, a
//! field and its place in the two lists below. A guard looks at the question and at its own memory, nothing else.

pub mod account;
pub mod author;
pub mod consent;
pub mod global;
mod guard;
pub mod mode;
pub mod never_answer;
pub mod once;
pub mod opt_out;
pub mod rule;
pub mod stale;
pub mod switch;
pub mod tone;

use super::config::Config;
use crate::model::Moment;
use guard::Guard;

pub(super) use guard::{Ask, Finding};

/// Guards in the list.
pub(super) const COUNT: usize = 11;

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
            mode: mode::Mode::new(config.mode, &config.rules, config.template_modes()),
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

#[cfg(test)]
pub(super) mod testing {
    //! A question that every guard would pass, to spoil in one respect.

    use std::time::Duration;

    use super::*;
    use crate::model::{Key, LedgerEntry};
    use crate::model::{Lane, Post, ReplyVerdict, RuleInfo, RuleStatus, Timestamp, Tones};
    use crate::reply::Question;

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
