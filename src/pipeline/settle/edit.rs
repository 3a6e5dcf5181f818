//! Edits of posts: the items say what stands there now.
//!
//! An item whose rules the edited post no longer matches stays, without matches: whoever has it must see what became
//! of the post, and no author edits work away. Its lane falls no lower than the floor that its rules gave it.

use smallvec::SmallVec;

use super::counts::Fate;
use super::subject::Subject;
use super::{Settler, amplified, decide, scored};
use crate::dedupe::{Cluster, ClusterItem, RootRef};
use crate::model::{Change, Commit, Factors, ItemId};
use crate::score::priority;

impl Settler {
    /// An edit of a post that is unknown and stays so is noted too, lest its redelivery undo a later one.
    pub(super) fn edit(&mut self, subject: Subject<'_>, commit: &mut Commit) -> Fate {
        let now = subject.context.now;
        if self.is_redelivered(subject.edit_event(), now, commit) {
            return Fate::Duplicate;
        }
        match self.living_root(subject.post_id()) {
            Some(root) if self.clusters.rooted_in(subject.post_id()) == Some(root) => {
                self.rewrite(subject, root, commit)
            }
            _ if subject.mention.matches.is_empty() => {
                self.join_as_quote(subject, commit).unwrap_or(Fate::Unknown)
            }
            _ if !subject.is_live() => Fate::Shadow,
            Some(_) => Fate::Duplicate,
            None => {
                if let Some(fate) = self.join_as_quote(subject, commit) {
                    return fate;
                }
                self.is_redelivered(subject.event, now, commit);
                self.store(subject, commit)
            }
        }
    }

    /// New bodies and scores for the post's items, and items for teams that it now concerns.
    pub(super) fn rewrite(&mut self, subject: Subject<'_>, root: RootRef, commit: &mut Commit) -> Fate {
        let Some(cluster) = self.clusters.root_mut(root) else { return Fate::Duplicate };
        let id = cluster.id;
        let subject = Subject { influence: influence(cluster, subject), ..subject };
        let assignments = subject.assign(&self.route, &self.priority);
        let history = self.authors.before_latest(subject.author);
        for assignment in &assignments {
            let factors = subject.factors(assignment, cluster.amplification());
            let item = scored(&self.priority, subject.item_id(id, assignment), factors);
            if let Some(known) = cluster.items.iter_mut().find(|known| known.id == item.id) {
                *known = item;
                commit.changes.push(edited(item, subject.body(assignment)));
                continue;
            }
            cluster.items.push(item);
            self.authors.open(subject.author, 1);
            let reply = decide(&mut self.gate, subject, assignment, commit);
            let due_at = self.route.due_at(assignment.team, item.lane, subject.context.now.wall);
            let new = subject.new_item(assignment, id, item, due_at, history, reply);
            commit.changes.push(Change::New(Box::new(new)));
            if cluster.size() > 1 {
                commit.changes.push(amplified(cluster, item, false));
            }
        }
        let concerned: SmallVec<[ItemId; 2]> =
            assignments.iter().map(|assignment| subject.item_id(id, assignment)).collect();
        rewrite_others(&self.priority, cluster, subject, &concerned, commit);
        Fate::Stored
    }
}

/// What was known of the author when the post came stands: engagers fade, and a restart forgets them.
fn influence(cluster: &Cluster, subject: Subject<'_>) -> f32 {
    cluster.items.iter().map(|known| known.factors.influence).fold(subject.influence, f32::max)
}

/// The items of teams that the post no longer concerns.
fn rewrite_others(
    priority: &priority::Config,
    cluster: &mut Cluster,
    subject: Subject<'_>,
    concerned: &[ItemId],
    commit: &mut Commit,
) {
    let amplification = cluster.amplification();
    for known in cluster.items.iter_mut().filter(|known| !concerned.contains(&known.id)) {
        let factors: Factors = subject.factors_above(known.factors.floor, amplification);
        *known = scored(priority, known.id, factors);
        commit.changes.push(edited(*known, subject.body_without_matches()));
    }
}

fn edited(item: ClusterItem, body: Vec<u8>) -> Change {
    let ClusterItem { id, factors, score, lane } = item;
    Change::Edited { id, body, factors, score, lane }
}
