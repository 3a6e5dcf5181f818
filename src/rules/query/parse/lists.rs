//! Where a query's `list:NAME` comes from.

use std::sync::Arc;

use crate::rules::query::term::Pattern;

/// Resolves `list:NAME`. `None` when the pack has no such list.
pub trait Lists {
    /// The patterns of list `name`, folded as the rule asks.
    fn patterns(&self, name: &str) -> Option<Arc<[Arc<Pattern>]>>;
    /// Gives equal patterns one place in memory, if it can.
    fn share(&self, pattern: Pattern) -> Arc<Pattern> {
        Arc::new(pattern)
    }
    /// All names, for "did you mean".
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl<F: Fn(&str) -> Option<Vec<Pattern>>> Lists for F {
    fn patterns(&self, name: &str) -> Option<Arc<[Arc<Pattern>]>> {
        Some(self(name)?.into_iter().map(Arc::new).collect())
    }
}
