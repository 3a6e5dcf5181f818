//! The lists that one pack names, as its queries see them.

use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::list::{self, KeywordList};
use super::loaded::DeclaredList;
use crate::rules::diagnostic::SourceFile;
use crate::rules::query::parse::Lists;
use crate::rules::query::term::{Fold, Pattern};

/// Terms of lists as rules with another `fold` than the standard see them.
pub(super) type OtherTerms = RefCell<HashMap<(usize, Fold), Arc<[Arc<Pattern>]>>>;

/// The lists that one pack names, as its queries see them.
pub(super) struct PackLists<'p> {
    pub(super) declared: &'p [DeclaredList],
    pub(super) lists: &'p [KeywordList],
    pub(super) files: &'p [SourceFile],
    pub(super) fold: Fold,
    /// Terms of lists as read for other folds, when first needed.
    pub(super) other_terms: &'p OtherTerms,
    pub(super) shared: &'p RefCell<HashSet<Arc<Pattern>>>,
}

impl Lists for PackLists<'_> {
    fn patterns(&self, name: &str) -> Option<Arc<[Arc<Pattern>]>> {
        let declared = self.declared.iter().find(|declared| declared.name == name)?;
        let list = &self.lists[declared.list];
        if self.fold == Fold::Standard {
            return Some(Arc::clone(&list.terms));
        }
        let mut others = self.other_terms.borrow_mut();
        let read = || list::read(list.file, &self.files[list.file].text, self.fold).0.terms;
        Some(Arc::clone(others.entry((declared.list, self.fold)).or_insert_with(read)))
    }

    fn share(&self, pattern: Pattern) -> Arc<Pattern> {
        Arc::clone(self.shared.borrow_mut().get_or_insert_with(&pattern, |pattern| Arc::new(pattern.clone())))
    }

    fn names(&self) -> Vec<&str> {
        self.declared.iter().map(|declared| declared.name.as_str()).collect()
    }
}
