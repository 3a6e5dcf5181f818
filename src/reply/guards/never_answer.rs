//! Guard 3, never answer: reposts, quotes, edits, our own accounts, bots, and who asked not to be answered.
//!
//! ```toml
//! [reply.never_answer]
//! opt_out_words = ["ruhe jetzt"]   # more than birddog knows by itself
//! opt_outs_max = 1_000_000         # beyond it no reply is allowed
//! ```
//! An opt-out is `#nobot` in the post, or a message to us that asks for it ([`super::opt_out`] says how); the latter is
//! recorded in the ledger and holds for ever. Deleted posts never get here; edited ones are not answered.

use std::collections::HashSet;

use serde::Deserialize;

use super::guard::{Ask, Finding, Guard};
use super::opt_out::OptOut;
use crate::model::{BuildKeyHasher, Key, Post, PostKind};
use crate::reply::accounts::Accounts;

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whole messages that mean "leave me alone", besides those that are known anyway.
    pub opt_out_words: Vec<String>,
    /// Authors remembered.
    pub opt_outs_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { opt_out_words: Vec::new(), opt_outs_max: 1_000_000 }
    }
}

#[derive(Debug)]
pub(in crate::reply) struct NeverAnswer {
    opt_outs_max: usize,
    wish: OptOut,
    opt_outs: HashSet<Key, BuildKeyHasher>,
}

impl NeverAnswer {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            opt_outs_max: config.opt_outs_max,
            wish: OptOut::new(&config.opt_out_words),
            opt_outs: HashSet::default(),
        }
    }

    /// True when `text`, a message to us about `brand`, asks for it.
    pub(in crate::reply) fn is_opt_out(&self, text: &str, brand: &str, ours: &Accounts) -> bool {
        self.wish.is_wish(text, brand, ours)
    }

    /// Remembers the author; true when that is news.
    pub(in crate::reply) fn opt_out(&mut self, author: Key) -> bool {
        !self.is_full() && self.opt_outs.insert(author)
    }

    fn is_full(&self) -> bool {
        self.opt_outs.len() >= self.opt_outs_max
    }
}

impl Guard for NeverAnswer {
    fn name(&self) -> &'static str {
        "never_answer"
    }

    fn check(&self, ask: &Ask<'_>) -> Finding {
        let post = ask.question.post;
        let reasons = [
            (post.kind == PostKind::Repost, "repost"),
            (post.kind == PostKind::Quote || post.subject.is_some(), "quote"),
            (ask.question.is_edit, "edited"),
            (ask.is_house, "our own account"),
            (post.author.bot, "bot"),
            (says_nobot(post), "#nobot"),
            (self.opt_outs.contains(&ask.question.author_key), "opted out"),
            (self.is_full(), "opt-out memory full"),
        ];
        let reason = reasons.into_iter().find(|(holds, _)| *holds);
        Finding::unless(reason.map(|(_, reason)| reason.into()))
    }

    fn inherit(&mut self, _: (Key, Key), (former, author): (Key, Key)) {
        if self.opt_outs.contains(&former) {
            self.opt_outs.insert(author);
        }
    }
}

fn says_nobot(post: &Post) -> bool {
    let is_nobot = |tag: &str| tag.eq_ignore_ascii_case("nobot");
    let in_text = post.text.split_whitespace().filter_map(|word| word.strip_prefix('#'));
    post.hashtags.iter().any(|tag| is_nobot(tag))
        || in_text.map(|tag| tag.trim_end_matches(|c: char| !c.is_alphanumeric())).any(is_nobot)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, check, post};
    use super::*;
    use crate::model::Author;

    fn guard() -> NeverAnswer {
        NeverAnswer::new(&Config::default())
    }

    fn finding(post: &Post) -> String {
        check(&guard(), post, NOW, |_, _, _| {}).as_str().to_owned()
    }

    #[test]
    fn reposts_quotes_bots_and_nobot_are_never_answered() {
        assert_eq!(finding(&post()), "ok");
        assert_eq!(finding(&Post { kind: PostKind::Repost, ..post() }), "repost");
        assert_eq!(finding(&Post { kind: PostKind::Quote, ..post() }), "quote");
        let reply_with_quote = Post { kind: PostKind::Reply, subject: Some("at://y/1".into()), ..post() };
        assert_eq!(finding(&reply_with_quote), "quote");
        assert_eq!(finding(&Post { author: Author { bot: true, ..Author::default() }, ..post() }), "bot");
        assert_eq!(finding(&Post { hashtags: vec!["NoBot".into()], ..post() }), "#nobot");
        assert_eq!(finding(&Post { text: "broken again #nobot!".into(), ..post() }), "#nobot");
        assert_eq!(finding(&Post { text: "no #nobots here".into(), ..post() }), "ok");
    }

    #[test]
    fn our_own_accounts_and_edits_are_never_answered() {
        let check = |spoil: fn(&mut crate::reply::Question<'_>, &mut bool, &mut bool)| {
            check(&guard(), &post(), NOW, spoil).as_str().to_owned()
        };
        assert_eq!(check(|_, is_house, _| *is_house = true), "our own account");
        assert_eq!(check(|question, _, _| question.is_edit = true), "edited");
    }

    #[test]
    fn an_author_who_opted_out_is_never_answered_again() {
        let mut guard = guard();
        assert!(guard.opt_out(Key(2)));
        assert!(!guard.opt_out(Key(2)));
        assert_eq!(check(&guard, &post(), NOW, |_, _, _| {}).as_str().to_owned(), "opted out");
        let finding = |guard: &NeverAnswer, author| {
            let spoil = |question: &mut crate::reply::Question<'_>, _: &mut _, _: &mut _| {
                question.author_key = Key(author);
            };
            check(guard, &post(), NOW, spoil).as_str().to_owned()
        };
        for author in [3, 4] {
            assert_eq!(finding(&guard, author), "ok");
            guard.inherit((Key(0), Key(0)), (Key(2), Key(author)));
        }
        assert_eq!([2, 3, 4].map(|author| finding(&guard, author)), ["opted out"; 3]);
    }

    #[test]
    fn when_the_memory_is_full_nobody_is_answered() {
        let mut guard = NeverAnswer::new(&Config { opt_outs_max: 1, ..Config::default() });
        guard.opt_out(Key(77));
        assert!(!guard.opt_out(Key(78)));
        assert_eq!(check(&guard, &post(), NOW, |_, _, _| {}).as_str().to_owned(), "opt-out memory full");
    }
}
