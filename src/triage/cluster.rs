//! Reposts and quotes of a known post join its cluster, also those that match by themselves: what repeats work makes it
//! more urgent, instead of making more of it.

use super::case::{Case, Stage, Step};
use super::counts::Outcome;
use super::memory::Memory;
use crate::dedupe::{ClusterItem, PostId, RootRef};
use crate::line::Signal;
use crate::model::{ItemState, Joined, KeyMap, Moment, PostRef, Recovered};

/// Ends the cases of what repeats.
#[derive(Debug)]
pub(super) struct Cluster;

impl Stage for Cluster {
    fn restore(&mut self, recovered: &Recovered, _now: Moment, memory: &mut Memory) {
        restore_clusters(recovered, memory);
        if !recovered.positions.is_empty() {
            memory.clusters.note_forgotten();
        }
    }

    fn apply(&mut self, case: &mut Case<'_>) -> Step {
        let joined = match case.signal {
            Signal::Repost(repost) => join(repost, false, case),
            Signal::Quote(quote) => join(quote, true, case),
            _ if case.rewrites.is_some() => return Step::Next,
            _ => join_as_quote(case),
        };
        let is_without_matches =
            matches!(case.signal, Signal::Repost(_) | Signal::Quote(_) | Signal::Unmatched(_));
        match joined {
            Some(outcome) => Step::End(outcome),
            None if is_without_matches => Step::End(Outcome::Unknown),
            None => Step::Next,
        }
    }
}

/// A post that repeats a known one.
fn join_as_quote(case: &mut Case<'_>) -> Option<Outcome> {
    let post = &case.mention?.mention.post;
    let quoted = post.subject.as_deref()?;
    let quote =
        PostRef::new(post.network, &post.author.id, &[&post.uri], &post.version, quoted, post.event_at);
    join(&quote, true, case)
}

/// Joins the cluster of the post that is repeated; `None` when that is not known.
fn join(by: &PostRef, is_quote: bool, case: &mut Case<'_>) -> Option<Outcome> {
    let (keys, network, texts, now) = (case.context.keys, by.network, by.texts(), case.context.now);
    let root = case.memory.living_root(PostId { network, uri: texts.subject })?;
    let event = keys.event(keys.post(network, texts.record), texts.version);
    if case.is_redelivered(event) {
        return Some(Outcome::Duplicate);
    }
    let actor = keys.author(network, texts.actor);
    let quote = is_quote.then_some(PostId { network, uri: texts.record });
    case.memory.clusters.join(root, actor, quote, now.steady);
    let quote = is_quote.then(|| (network.into(), texts.record.into()));
    case.commit.joined.push(Joined { event, cluster: root.id, actor, quote });
    Some(Outcome::Joined)
}

fn restore_clusters(recovered: &Recovered, memory: &mut Memory) {
    let clusters = &mut memory.clusters;
    let alive = || recovered.items.iter().filter(|item| item.state != ItemState::Withdrawn);
    let mut roots: KeyMap<RootRef> = KeyMap::default();
    for item in alive() {
        let post = PostId { network: &item.network, uri: &item.uri };
        clusters.open(post, item.cluster, item.author, item.created_at.steady);
        let Some(root) = clusters.rooted_in(post).filter(|root| root.id == item.cluster) else { continue };
        roots.insert(item.cluster, root);
        if let Some(cluster) = clusters.root_mut(root) {
            let (id, factors, score, lane) = (item.id, item.factors, item.score, item.lane);
            cluster.items.push(ClusterItem { id, factors, score, lane });
        }
    }
    let newest = recovered.items.last().map(|item| item.created_at.steady).unwrap_or_default();
    for joined in &recovered.joined {
        let Some(&root) = roots.get(&joined.cluster) else { continue };
        let quote = joined.quote.as_ref().map(|(network, uri)| PostId { network, uri });
        clusters.join(root, joined.actor, quote, newest);
    }
    for item in alive() {
        if let Some(&root) = roots.get(&item.cluster) {
            clusters.restore_counts(root, item.size, item.authors);
        }
    }
    clusters.take_grown();
}
