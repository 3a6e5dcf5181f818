//! What goes: a post that its author deleted, an account that ended.
//!
//! A deletion is about the cluster that the post began, so that a post which is made again under the same identity is
//! new work, and stays when the deletion of the one before is read again.

use super::Settler;
use super::counts::Fate;
use crate::dedupe::PostId;
use crate::model::{AccountRef, Change, Commit, Moment, PostGone, PostRef};

impl Settler {
    pub(super) fn delete(&mut self, deletion: &PostRef, now: Moment, commit: &mut Commit) -> Fate {
        let (network, texts) = (deletion.network, deletion.texts());
        let id = PostId { network, uri: texts.subject };
        let is_known = self.clusters.is_known(id);
        if !is_known && !self.clusters.has_forgotten() {
            return Fate::Unknown;
        }
        let post = self.keys.post(network, texts.subject);
        let event = self.keys.deletion(post, texts.version);
        let gone =
            |cluster| Change::PostGone(PostGone { network, uri: texts.subject.into(), post, cluster, event });
        if !is_known {
            // Not noted here: most deletions are of posts that nobody ever heard of. The store says which was not.
            if self.seen.contains(event) {
                return Fate::Duplicate;
            }
            commit.changes.push(gone(None));
            return Fate::Unknown;
        }
        if self.is_redelivered(event, now, commit) {
            return Fate::Duplicate;
        }
        if let Some(cluster) = self.clusters.remove(id) {
            if !self.authors.is_gone_since(cluster.author, cluster.opened_at) {
                self.authors.close(cluster.author, cluster.items.len() as u32);
            }
            commit.changes.push(gone(Some(cluster.id)));
        }
        Fate::Withdrawn
    }

    /// The same account may go, come back and go again: only the time tells these apart. An unknown account's end
    /// is noted too, lest its redelivery withdraw what came after it.
    pub(super) fn account_gone(&mut self, account: &AccountRef, now: Moment, commit: &mut Commit) -> Fate {
        let AccountRef { network, id, event_at } = account;
        if self.is_redelivered(self.keys.account_end(network, id, *event_at), now, commit) {
            return Fate::Duplicate;
        }
        let author = self.keys.author(network, id);
        let is_known = self.authors.get(author).is_some();
        if is_known || self.clusters.has_forgotten() || self.authors.evicted() > 0 {
            self.authors.end(author, now.steady);
            commit.changes.push(Change::AuthorGone { network, id: id.clone(), author });
        }
        if is_known { Fate::Withdrawn } else { Fate::Unknown }
    }
}
