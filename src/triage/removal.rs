//! Deletions: a post that its author deleted, an account that ended.
//!
//! A deletion is about the cluster that the post began, so that a post which is made again under the same identity is
//! new work, and stays when the deletion of the one before is read again.

use super::case::{Case, Stage, Step};
use super::counts::Outcome;
use crate::dedupe::PostId;
use crate::line::Signal;
use crate::model::{AccountRef, Change, PostGone, PostRef};

/// Ends the cases of deletions.
#[derive(Debug)]
pub(super) struct Removal;

impl Stage for Removal {
    fn apply(&mut self, case: &mut Case<'_>) -> Step {
        match case.signal {
            Signal::Delete(deletion) => Step::End(delete(deletion, case)),
            Signal::AccountGone(account) => Step::End(end_account(account, case)),
            _ => Step::Next,
        }
    }
}

fn delete(deletion: &PostRef, case: &mut Case<'_>) -> Outcome {
    let (network, texts, keys) = (deletion.network, deletion.texts(), case.context.keys);
    let id = PostId { network, uri: texts.subject };
    let is_known = case.memory.clusters.is_known(id);
    if !is_known && !case.memory.clusters.has_forgotten() {
        return Outcome::Unknown;
    }
    let post = keys.post(network, texts.subject);
    let event = keys.deletion(post, texts.version);
    let gone =
        |cluster| Change::PostGone(PostGone { network, uri: texts.subject.into(), post, cluster, event });
    if !is_known {
        // Not recorded here: most deletions are of posts that were never known. The store says which were.
        if case.memory.seen.contains(event) {
            return Outcome::Duplicate;
        }
        case.commit.changes.push(gone(None));
        return Outcome::Unknown;
    }
    if case.is_redelivered(event) {
        return Outcome::Duplicate;
    }
    if let Some(cluster) = case.memory.clusters.remove(id) {
        if !case.memory.authors.is_gone_since(cluster.author, cluster.opened_at) {
            case.memory.authors.close(cluster.author, cluster.items.len() as u32);
        }
        case.commit.changes.push(gone(Some(cluster.id)));
    }
    Outcome::Withdrawn
}

/// The same account may go, come back and go again: only the time tells these apart. An unknown account's end is
/// recorded too, lest its redelivery withdraw what came after it.
fn end_account(account: &AccountRef, case: &mut Case<'_>) -> Outcome {
    let AccountRef { network, id, event_at } = account;
    let (keys, now) = (case.context.keys, case.context.now);
    if case.is_redelivered(keys.account_end(network, id, *event_at)) {
        return Outcome::Duplicate;
    }
    let author = keys.author(network, id);
    let memory = &mut *case.memory;
    let is_known = memory.authors.get(author).is_some();
    if is_known || memory.clusters.has_forgotten() || memory.authors.evicted() > 0 {
        memory.authors.end(author, now.steady);
        case.commit.changes.push(Change::AuthorGone { network, id: id.clone(), author });
    }
    if is_known { Outcome::Withdrawn } else { Outcome::Unknown }
}
