//! What every sink does: takes batches of items, and says what became of each.

use std::future::Future;
use std::sync::Arc;

use crate::model::WorkItem;

/// An item to deliver.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// The item as it stands.
    pub item: WorkItem,
    /// Grows with every announcement of the item.
    pub revision: u32,
}

impl Outgoing {
    /// The same for every repeat of this announcement: receivers drop what they have.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        format!("{}-{}", self.item.id, self.revision)
    }
}

/// What became of one item of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sink has it, and said so.
    Delivered,
    /// The sink cannot be reached or takes nothing now: try again, for as long as it lasts.
    Unavailable(String),
    /// This item failed and might not the next time: try again a few times.
    Failed(String),
    /// The sink will never take this item.
    Refused(String),
}

/// Takes batches of items.
pub trait Deliver: Send {
    /// The configured name.
    fn name(&self) -> Arc<str>;

    /// Tries to deliver every item, and gives one outcome each, in order. Must come back within a bounded time.
    fn deliver(&mut self, batch: &[Outgoing]) -> impl Future<Output = Vec<Outcome>> + Send;
}
