//! What the gate is asked.

use std::time::Duration;

use crate::model::{Key, Post, RuleInfo, Tones};

/// May this post be answered?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The post.
    pub post: &'a Post,
    /// Key of the post.
    pub post_key: Key,
    /// Key of its author.
    pub author_key: Key,
    /// Key of the conversation's root.
    pub conversation_key: Key,
    /// The post is an edit of one seen before.
    pub is_edit: bool,
    /// The rule that asks.
    pub rule: &'a RuleInfo,
    /// How far we are behind: the source's newest event, or our own queue, whichever is worse.
    pub lag: Duration,
    /// Of the post.
    pub tones: Tones,
}
