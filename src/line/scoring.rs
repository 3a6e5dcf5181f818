//! The scores of one post by itself, for the tools that decide single posts: `test`, `explain`, the check of a reload.

use crate::model::{Post, Scores};
use crate::score::{ScoreInput, Scorer, Scratch};
use crate::text::Folded;

/// What `scorer` makes of `post`.
#[must_use]
pub fn scores_of(scorer: &dyn Scorer, post: &Post) -> Scores {
    let folded = Folded::new(&post.text);
    scorer.score(&ScoreInput::of_post(post, &folded), &mut Scratch::default()).scores
}
