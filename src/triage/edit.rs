//! Edits: which of them rewrite items, which are as good as new posts, and which change nothing.
//!
//! An item whose rules the edited post no longer matches stays, without matches: whoever has it must see what became
//! of the post, and no author edits work away. Its lane falls no lower than the floor that its rules gave it.

use super::case::{Case, KeyedMention, Stage, Step};
use super::counts::Outcome;

/// Tells what an edit is.
#[derive(Debug)]
pub(super) struct Edit;

impl Stage for Edit {
    /// An edit of a post that is unknown and stays so is recorded too, lest its redelivery undo a later one.
    fn apply(&mut self, case: &mut Case<'_>) -> Step {
        let Some(keyed) = case.mention.filter(|keyed| keyed.mention.is_update) else { return Step::Next };
        if case.is_redelivered(keyed.edit_event()) {
            return Step::End(Outcome::Duplicate);
        }
        let root = case.memory.living_root(keyed.post_id());
        if let Some(root) = root
            && case.memory.clusters.rooted_in(keyed.post_id()) == Some(root)
        {
            case.rewrites = Some(root);
            case.mention = Some(with_influence_of_items(case, keyed));
            return Step::Next;
        }
        match root {
            // It may quote a known post all the same.
            _ if keyed.mention.matches.is_empty() => Step::Next,
            _ if !keyed.is_live() => Step::End(Outcome::Shadow),
            Some(_) => Step::End(Outcome::Duplicate),
            None => Step::Next,
        }
    }
}

/// What was known of the author when the post came stands: engagers fade, and a restart forgets them.
fn with_influence_of_items<'a>(case: &mut Case<'a>, keyed: KeyedMention<'a>) -> KeyedMention<'a> {
    let cluster = case.rewrites.and_then(|root| case.memory.clusters.root_mut(root));
    let known = cluster.iter().flat_map(|cluster| &cluster.items).map(|item| item.factors.influence);
    KeyedMention { influence: known.fold(keyed.influence, f32::max), ..keyed }
}
