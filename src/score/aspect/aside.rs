//! The clauses about a target as a small post of their own.

use super::clauses::Piece;
use crate::model::Span;
use crate::score::scored::Scored;
use crate::text::Folded;

/// Working memory, kept in the [`Scratch`](crate::score::Scratch).
#[derive(Debug, Default)]
pub(in crate::score) struct Aside {
    pub(super) text: String,
    pub(super) folded: Folded,
    pub(super) tags: Vec<String>,
    pub(super) pieces: Vec<Piece>,
    pub(super) spans: Vec<Span>,
}

impl Aside {
    /// Makes a text of the clauses, in the language of the whole.
    pub(super) fn quote(&mut self, text: &str, whole: &Scored) {
        self.text.clear();
        for &(start, end) in &self.spans {
            self.text.push_str(text.get(start as usize..end as usize).unwrap_or_default());
        }
        self.folded.fold(&self.text);
        self.tags.resize_with(1, String::new);
        self.tags[0].clear();
        self.tags[0].push_str(whole.lang.as_str());
    }
}
