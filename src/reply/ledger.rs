//! The ledger: what was decided, durable before anything is released, and what the budgets are rebuilt from.

use std::sync::Arc;

use super::question::Question;
use crate::model::{LedgerEntry, Moment, ReplyVerdict};

/// [`LedgerEntry::guard`] of the entry that records an author's wish never to be answered. Kept for ever.
pub const OPT_OUT: &str = "opt_out";

/// The entry for a decision about what was asked.
pub(super) fn entry(
    question: &Question<'_>,
    verdict: ReplyVerdict,
    guard: Option<&str>,
    now: Moment,
) -> LedgerEntry {
    LedgerEntry {
        post: question.post_key,
        author: question.author_key,
        conversation: question.conversation_key,
        rule: Arc::clone(&question.rule.id),
        account: Arc::from(question.post.network),
        verdict,
        guard: guard.map(str::to_owned),
        at: now,
    }
}
